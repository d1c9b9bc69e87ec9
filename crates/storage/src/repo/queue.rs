//! The queue of all tenants: how much waits, and whether anything leaves at all.

use std::time::Duration;

use chrono::{DateTime, Utc};
use letterhead_domain::id::{MessageId, TenantId};
use sea_orm::{DatabaseTransaction, FromQueryResult};

use super::{
    execute, number, row, rows,
    sql::{as_limit, statement},
    sweep::{FoundRow, by_tenant},
};
use crate::{
    error::StorageError,
    record::message::{QueueHold, QueueStats},
    store::SystemTx,
};

mod reading;

/// The queue of all tenants.
pub struct QueueRepo<'a> {
    tx: &'a DatabaseTransaction,
}

impl SystemTx {
    /// The queue of all tenants.
    pub fn queue(&self) -> QueueRepo<'_> {
        QueueRepo { tx: &self.tx }
    }
}

/// The oldest is looked for on lanes that are due and may send: what a paused sender keeps is not
/// late.
const STATS: &str = "
    SELECT
        (SELECT count(*) FROM messages WHERE status IN ('queued', 'deferred', 'held')) AS waiting,
        (SELECT count(*) FROM messages WHERE status = 'sending') AS sending,
        (SELECT extract(epoch FROM letterhead_now() - min(first.due_at))::float8
         FROM lanes l CROSS JOIN LATERAL (
             SELECT letterhead_earliest_due(l.tenant_id, l.id) AS due_at OFFSET 0
         ) first
         WHERE NOT l.blocked AND l.due_at <= letterhead_now()
             AND first.due_at <= letterhead_now()) AS oldest";

const HELD: &str = "SELECT held_at, reason FROM queue_hold WHERE held_at IS NOT NULL";

/// A hold that lasts keeps its beginning and takes the new reason.
const HOLD: &str = "
UPDATE queue_hold SET held_at = coalesce(held_at, letterhead_now()), reason = $1";

const RELEASE: &str = "
UPDATE queue_hold SET held_at = NULL, reason = NULL WHERE held_at IS NOT NULL";

/// What was to leave later than now cannot have left.
const WAITING_SINCE: &str = "
SELECT tenant_id, id FROM messages
WHERE status IN ('queued', 'deferred', 'held') AND created_at <= $1
    AND (send_at IS NULL OR send_at <= letterhead_now())
LIMIT $2";

#[derive(FromQueryResult)]
struct StatsRow {
    waiting: i64,
    sending: i64,
    oldest: Option<f64>,
}

#[derive(FromQueryResult)]
struct HoldRow {
    held_at: DateTime<Utc>,
    reason: Option<String>,
}

impl QueueRepo<'_> {
    /// How much waits and is on its way, and for how long the oldest due message has been due.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unavailable`] if the database is away, here and below.
    pub async fn stats(&self) -> Result<QueueStats, StorageError> {
        let row = row::<StatsRow>(self.tx, statement(STATS, []), "count what waits")
            .await?
            .ok_or(StorageError::Corrupt { table: "messages" })?;
        Ok(QueueStats {
            waiting: number(row.waiting, "messages")?,
            sending: number(row.sending, "messages")?,
            oldest_due_age: row.oldest.and_then(|age| Duration::try_from_secs_f64(age).ok()),
        })
    }

    /// The hold that keeps everything from leaving, if there is one.
    ///
    /// # Errors
    ///
    /// As above.
    pub async fn held(&self) -> Result<Option<QueueHold>, StorageError> {
        let row = row::<HoldRow>(self.tx, statement(HELD, []), "see whether the queue is held");
        Ok(row.await?.map(|row| QueueHold { since: row.held_at, reason: row.reason }))
    }

    /// Lets nothing more leave, from the next claim and the next mark on. What is marked already
    /// goes out.
    ///
    /// # Errors
    ///
    /// As above.
    pub async fn hold(&self, reason: Option<&str>) -> Result<(), StorageError> {
        execute(self.tx, statement(HOLD, [reason.into()]), "hold the queue").await?;
        Ok(())
    }

    /// Lets mail leave again; says whether it was held.
    ///
    /// # Errors
    ///
    /// As above.
    pub async fn release(&self) -> Result<bool, StorageError> {
        Ok(execute(self.tx, statement(RELEASE, []), "release the queue").await? > 0)
    }

    /// At most `limit` messages that wait and were accepted at `time` or before, for
    /// `messages().doubt(..)` of their tenants. Those whose `send_at` is still to come are left out.
    ///
    /// # Errors
    ///
    /// As above.
    pub async fn waiting_since(
        &self,
        time: DateTime<Utc>,
        limit: u64,
    ) -> Result<Vec<(TenantId, Vec<MessageId>)>, StorageError> {
        let values = [time.into(), as_limit(limit).into()];
        let action = "find messages accepted before a restore";
        Ok(by_tenant(rows::<FoundRow>(self.tx, statement(WAITING_SINCE, values), action).await?))
    }
}
