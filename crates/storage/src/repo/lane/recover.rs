//! Putting right what a lost worker left marked.

use chrono::{DateTime, Utc};
use letterhead_domain::{
    id::{LeaseToken, SenderId, TenantId},
    limit::Limits,
};
use sea_orm::{DatabaseTransaction, FromQueryResult};
use uuid::Uuid;

use super::{LaneRepo, wake_lane};
use crate::{
    error::StorageError,
    record::message::Recovered,
    repo::{
        message::MessageRepo,
        number, parse, row, rows,
        sender::LimitsRow,
        sql::{keep_unparked, statement},
    },
};

/// Locks the lane's row if it is ours: nobody else claims the lane before we commit.
const HOLD: &str = "
SELECT l.holds, s.messages_per_minute, s.messages_per_day, s.recipients_per_message, s.connections,
    v.host, v.sender_email
FROM lanes l
JOIN senders s ON s.tenant_id = l.tenant_id AND s.id = l.id
LEFT JOIN sender_versions v ON v.tenant_id = l.tenant_id AND v.sender_id = l.id
    AND v.number = s.live_version
WHERE l.tenant_id = $1 AND l.id = $2 AND l.lease_token = $3 AND l.lease_until > letterhead_now()
FOR NO KEY UPDATE OF l";

/// Every message of the lane whose open attempt is not `$3`'s may have reached its server or not:
/// its attempt says so, and it is sent again or waits for a person, as its caller wished.
const PUT_BACK: &str = "
WITH lost AS MATERIALIZED (
    SELECT m.id, m.attempt_id, m.on_uncertain = 'resend' AS again
    FROM messages m
    JOIN attempts a ON a.tenant_id = m.tenant_id AND a.id = m.attempt_id
    WHERE m.tenant_id = $1 AND m.sender_id = $2 AND m.status = 'sending'
        AND a.lease_token IS DISTINCT FROM $3
    ORDER BY m.id
    FOR NO KEY UPDATE OF m
), attempt AS (
    UPDATE attempts a SET outcome = 'worker_lost', finished_at = letterhead_now()
    FROM lost
    WHERE a.tenant_id = $1 AND a.id = lost.attempt_id
), counted AS (
    INSERT INTO sender_counts AS c (tenant_id, id, began_at, uncertain)
    SELECT $1, $2, date_bin('15 minutes', letterhead_now(), 'epoch'), count(*)
    FROM lost
    HAVING count(*) > 0
    ON CONFLICT (tenant_id, id, began_at) DO UPDATE SET uncertain = c.uncertain + excluded.uncertain
), recipient AS (
    UPDATE recipients r SET status = 'uncertain', updated_at = letterhead_now()
    FROM lost
    WHERE r.tenant_id = $1 AND r.message_id = lost.id AND NOT lost.again
        AND r.status IN ('queued', 'deferred')
)
UPDATE messages m
SET status = CASE WHEN lost.again THEN 'queued' ELSE 'uncertain' END,
    attempt_id = NULL, due_at = CASE WHEN lost.again THEN letterhead_now() END,
    updated_at = letterhead_now()
FROM lost
WHERE m.tenant_id = $1 AND m.id = lost.id
RETURNING m.id, m.status, m.due_at";

/// What a new holder learns of its lane.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TakenLane {
    /// What may leave through the sender, as long as its live version is the same.
    pub limits: Limits,
    /// How often in a row its server had said that the quota is spent.
    pub holds: u32,
    /// The messages that a lost worker had marked, put right.
    pub recovered: Vec<Recovered>,
}

#[derive(FromQueryResult)]
struct TakenRow {
    holds: i32,
    #[sea_orm(nested)]
    limits: LimitsRow,
    host: Option<String>,
    sender_email: Option<String>,
}

#[derive(FromQueryResult)]
struct RecoveredRow {
    id: Uuid,
    status: String,
    due_at: Option<DateTime<Utc>>,
}

impl LaneRepo<'_> {
    /// Puts right what a holder before us left marked, and says what to know of the lane. To be
    /// called once after a claim, before the first mark.
    ///
    /// Does and knows nothing if the lane is no longer ours.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unavailable`] if the database is away.
    pub async fn take_over(&self) -> Result<TakenLane, StorageError> {
        keep_unparked(self.tx, self.sender).await?;
        let values = [self.tenant.get().into(), self.sender.get().into(), self.token.get().into()];
        let taken = row::<TakenRow>(self.tx, statement(HOLD, values), "lock a lane").await?;
        let Some(taken) = taken else { return Ok(TakenLane::default()) };
        let known = match (taken.host.as_deref(), taken.sender_email.as_deref()) {
            (Some(host), Some(from)) => {
                Limits::known(&parse(host, "sender_versions")?, &parse(from, "sender_versions")?)
            }
            (None, _) | (_, None) => Limits::default(),
        };
        Ok(TakenLane {
            limits: Limits::try_from(taken.limits)?.or(known),
            holds: number(taken.holds, "lanes")?,
            recovered: put_back_lost(self.tx, self.tenant, self.sender, Some(self.token)).await?,
        })
    }
}

/// Puts back every marked message of `sender` but those of `holder`. The caller has locked the
/// lane's row and keeps the lane from being parked.
pub(crate) async fn put_back_lost(
    tx: &DatabaseTransaction,
    tenant: TenantId,
    sender: SenderId,
    holder: Option<LeaseToken>,
) -> Result<Vec<Recovered>, StorageError> {
    let holder = holder.map(LeaseToken::get);
    let values = [tenant.get().into(), sender.get().into(), holder.into()];
    let rows = rows::<RecoveredRow>(
        tx,
        statement(PUT_BACK, values),
        "put back what a lost worker had marked",
    )
    .await?;
    if let Some(due_at) = rows.iter().filter_map(|row| row.due_at).min() {
        wake_lane(tx, tenant, sender, due_at).await?;
        MessageRepo::new(tx, tenant).cancel_waiting_if_removed(sender).await?;
    }
    rows.into_iter()
        .map(|row| Ok(Recovered { id: row.id.into(), status: parse(&row.status, "messages")? }))
        .collect()
}
