//! Claiming lanes over all tenants, and keeping their leases.

use std::time::Duration;

use letterhead_domain::{id::LeaseToken, limit::Limits};
use sea_orm::{DatabaseTransaction, FromQueryResult};
use uuid::Uuid;

use crate::{
    error::StorageError,
    record::message::{LaneStanding, LeasedLane},
    repo::{
        execute, number, parse, rows,
        sender::LimitsRow,
        sql::{as_limit, seconds, statement},
    },
    store::{Store, SystemTx},
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

/// The function is in `migrations/sql`.
const CLAIM: &str = "SELECT * FROM letterhead_claim($1, $2, $3, $4, $5, $6)";

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
    holds: i32,
    waited: f64,
    is_left: bool,
    #[sea_orm(nested)]
    limits: LimitsRow,
    host: Option<String>,
    sender_email: Option<String>,
}

#[derive(FromQueryResult)]
struct TokenRow {
    lease_token: Uuid,
}

impl Store {
    /// Claims due lanes, those first that have waited longest for their turn: one for each of the tokens, and of
    /// those whose server may not answer no more than their `shares`. No other worker gets them before `lease`
    /// is over, counted from a moment after this was called. In a statement that is a transaction of its own.
    ///
    /// `tokens` gives new ones each time: on a connection that died nobody knows what was claimed, and another
    /// one is asked.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unavailable`] if the database is away; lanes that were claimed unseen wait until their
    /// leases run out.
    pub async fn claim(
        &self,
        worker: &str,
        tokens: impl Fn() -> Vec<LeaseToken>,
        lease: Duration,
        shares: Shares,
    ) -> Result<Vec<LeasedLane>, StorageError> {
        let most = |share| as_limit(u64::try_from(share).unwrap_or(u64::MAX));
        let claim = || {
            let values = [
                worker.into(),
                uuids(&tokens()).into(),
                seconds(lease).into(),
                seconds(LATELY).into(),
                most(shares.unknown).into(),
                most(shares.in_trouble).into(),
            ];
            statement(CLAIM, values)
        };
        let leased: Vec<LeasedRow> = self.alone(claim, "claim lanes").await?;
        leased.into_iter().map(TryInto::try_into).collect()
    }
}

impl LanesRepo<'_> {
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
        let known = match (row.host.as_deref(), row.sender_email.as_deref()) {
            (Some(host), Some(from)) => {
                Limits::known(&parse(host, "sender_versions")?, &parse(from, "sender_versions")?)
            }
            (None, _) | (_, None) => Limits::default(),
        };
        Ok(Self {
            tenant: row.tenant_id.into(),
            sender: row.id.into(),
            token: row.lease_token.into(),
            standing: LaneStanding::ALL
                .into_iter()
                .find(|standing| standing.as_str() == row.standing)
                .ok_or(StorageError::Corrupt { table: "lanes" })?,
            trouble: number(row.trouble, "lanes")?,
            holds: number(row.holds, "lanes")?,
            limits: Limits::try_from(row.limits)?.or(known),
            is_left: row.is_left,
            // The clock of the database may have been set back.
            waited: Duration::try_from_secs_f64(row.waited).unwrap_or_default(),
        })
    }
}
