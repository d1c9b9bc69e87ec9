//! Putting right what a lost worker left marked.

use chrono::{DateTime, Utc};
use letterhead_domain::id::{LeaseToken, SenderId, TenantId};
use sea_orm::{DatabaseTransaction, FromQueryResult};
use uuid::Uuid;

use super::{LaneRepo, wake_lane};
use crate::{
    error::StorageError,
    record::message::Recovered,
    repo::{
        execute,
        message::MessageRepo,
        parse, rows,
        sql::{keep_unparked, statement},
    },
};

/// Locks the lane's row if it is ours: nobody else claims the lane before we commit.
const HOLD: &str = "
SELECT id FROM lanes
WHERE tenant_id = $1 AND id = $2 AND lease_token = $3 AND lease_until > letterhead_now()
FOR NO KEY UPDATE";

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

#[derive(FromQueryResult)]
struct RecoveredRow {
    id: Uuid,
    status: String,
    due_at: Option<DateTime<Utc>>,
}

impl LaneRepo<'_> {
    /// Puts right what a holder before us left marked. To be called once after a claim, before the first mark, if
    /// the lane [is left](crate::record::LeasedLane::is_left).
    ///
    /// Does nothing if the lane is no longer ours.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unavailable`] if the database is away.
    pub async fn take_over(&self) -> Result<Vec<Recovered>, StorageError> {
        keep_unparked(self.tx, self.sender).await?;
        let values = [self.tenant.get().into(), self.sender.get().into(), self.token.get().into()];
        if execute(self.tx, statement(HOLD, values), "lock a lane").await? == 0 {
            return Ok(Vec::new());
        }
        put_back_lost(self.tx, self.tenant, self.sender, Some(self.token)).await
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
