//! Claiming lanes over all tenants, and keeping their leases.

use std::time::Duration;

use letterhead_domain::id::LeaseToken;
use sea_orm::{DatabaseTransaction, FromQueryResult};
use uuid::Uuid;

use crate::{
    error::StorageError,
    record::message::{LaneStanding, LeasedLane},
    repo::{
        execute, number, rows,
        sql::{as_limit, seconds, statement},
    },
    store::SystemTx,
};

/// How long a lane that was served well is taken for one whose server answers.
const LATELY: Duration = Duration::from_secs(60 * 60);

/// How many lanes may be claimed at most of those whose server may not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shares {
    /// Of lanes of which nobody knows.
    pub unknown: usize,
    /// Of lanes in trouble.
    pub in_trouble: usize,
}

/// The lanes of all tenants.
pub struct LanesRepo<'a> {
    tx: &'a DatabaseTransaction,
}

impl SystemTx {
    /// The lanes of all tenants.
    pub fn lanes(&self) -> LanesRepo<'_> {
        LanesRepo { tx: &self.tx }
    }
}

/// A lane that may be claimed, beside `FOR NO KEY UPDATE`: that is where a row that somebody else
/// has changed since the snapshot is checked again. While the queue is held none may.
macro_rules! claimable {
    ($standing:literal, $limit:literal) => {
        concat!(
            "SELECT tenant_id, id, served_at FROM lanes
             WHERE NOT blocked AND due_at <= letterhead_now() AND not_before <= letterhead_now()
                 AND (lease_until IS NULL OR lease_until <= letterhead_now())
                 AND NOT EXISTS (SELECT FROM queue_hold WHERE held_at IS NOT NULL) AND ",
            $standing,
            " ORDER BY served_at LIMIT ",
            $limit,
            " FOR NO KEY UPDATE SKIP LOCKED"
        )
    };
}

const CLAIM: &str = concat!(
    "WITH known AS MATERIALIZED (",
    claimable!(
        "trouble = 0 AND served_at > letterhead_now() - make_interval(secs => $6)",
        "cardinality($2::uuid[])"
    ),
    "), unknown AS MATERIALIZED (",
    claimable!(
        "trouble = 0 AND served_at <= letterhead_now() - make_interval(secs => $6)",
        "least($4, cardinality($2::uuid[]))"
    ),
    "), in_trouble AS MATERIALIZED (",
    claimable!("trouble > 0", "least($5, cardinality($2::uuid[]))"),
    "), picked AS (
        SELECT tenant_id, id, standing, row_number() OVER (ORDER BY served_at) AS turn
        FROM (
            SELECT *, 'known' AS standing FROM known
            UNION ALL SELECT *, 'unknown' FROM unknown
            UNION ALL SELECT *, 'in_trouble' FROM in_trouble
        ) found
    )
    UPDATE lanes l
    SET lease_token = ($2::uuid[])[p.turn], worker = $1,
        lease_until = letterhead_now() + make_interval(secs => $3)
    FROM picked p
    WHERE l.tenant_id = p.tenant_id AND l.id = p.id AND p.turn <= cardinality($2::uuid[])
    RETURNING l.tenant_id, l.id, l.lease_token, p.standing, l.trouble,
        extract(epoch FROM letterhead_now()
            - greatest(l.due_at, l.not_before, l.served_at))::float8 AS waited"
);

/// A lease that is over stays over, whoever asks: its holder has stopped writing by then.
const EXTEND: &str = "
WITH ours AS (
    SELECT tenant_id, id FROM lanes
    WHERE lease_token = ANY ($1::uuid[]) AND lease_until > letterhead_now()
    ORDER BY tenant_id, id
    FOR NO KEY UPDATE
)
UPDATE lanes l SET lease_until = letterhead_now() + make_interval(secs => $2)
FROM ours
WHERE l.tenant_id = ours.tenant_id AND l.id = ours.id
RETURNING l.lease_token";

const GIVE_BACK: &str = "
WITH ours AS (
    SELECT tenant_id, id FROM lanes
    WHERE lease_token = ANY ($1::uuid[])
    ORDER BY tenant_id, id
    FOR NO KEY UPDATE
)
UPDATE lanes l SET lease_token = NULL, lease_until = NULL, worker = NULL
FROM ours
WHERE l.tenant_id = ours.tenant_id AND l.id = ours.id";

#[derive(FromQueryResult)]
struct LeasedRow {
    tenant_id: Uuid,
    id: Uuid,
    lease_token: Uuid,
    standing: String,
    trouble: i32,
    waited: f64,
}

#[derive(FromQueryResult)]
struct TokenRow {
    lease_token: Uuid,
}

impl LanesRepo<'_> {
    /// Claims due lanes, those first that have waited longest for their turn: one for each of
    /// `tokens`, and of those whose server may not answer no more than their `shares`. No other
    /// worker gets them before `lease` is over, counted from this transaction's begin.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unavailable`] if the database is away.
    pub async fn claim(
        &self,
        worker: &str,
        tokens: &[LeaseToken],
        lease: Duration,
        shares: Shares,
    ) -> Result<Vec<LeasedLane>, StorageError> {
        let most = |share| as_limit(u64::try_from(share).unwrap_or(u64::MAX));
        let values = [
            worker.into(),
            uuids(tokens).into(),
            seconds(lease).into(),
            most(shares.unknown).into(),
            most(shares.in_trouble).into(),
            seconds(LATELY).into(),
        ];
        let leased = rows::<LeasedRow>(self.tx, statement(CLAIM, values), "claim lanes").await?;
        leased.into_iter().map(TryInto::try_into).collect()
    }

    /// Extends the leases of `tokens` to `lease` from now, and gives back those that are still
    /// ours; the others have run out.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unavailable`] if the database is away.
    pub async fn heartbeat(
        &self,
        tokens: &[LeaseToken],
        lease: Duration,
    ) -> Result<Vec<LeaseToken>, StorageError> {
        let values = [uuids(tokens).into(), seconds(lease).into()];
        let ours = rows::<TokenRow>(self.tx, statement(EXTEND, values), "extend leases").await?;
        Ok(ours.into_iter().map(|row| row.lease_token.into()).collect())
    }

    /// Gives lanes back as they are, to be claimed by somebody else at once; says how many.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unavailable`] if the database is away; the leases then run out.
    pub async fn give_back(&self, tokens: &[LeaseToken]) -> Result<u64, StorageError> {
        execute(self.tx, statement(GIVE_BACK, [uuids(tokens).into()]), "give lanes back").await
    }
}

fn uuids(tokens: &[LeaseToken]) -> Vec<Uuid> {
    tokens.iter().map(|token| token.get()).collect()
}

impl TryFrom<LeasedRow> for LeasedLane {
    type Error = StorageError;

    fn try_from(row: LeasedRow) -> Result<Self, StorageError> {
        Ok(Self {
            tenant: row.tenant_id.into(),
            sender: row.id.into(),
            token: row.lease_token.into(),
            standing: LaneStanding::ALL
                .into_iter()
                .find(|standing| standing.as_str() == row.standing)
                .ok_or(StorageError::Corrupt { table: "lanes" })?,
            trouble: number(row.trouble, "lanes")?,
            // The clock of the database may have been set back.
            waited: Duration::try_from_secs_f64(row.waited).unwrap_or_default(),
        })
    }
}
