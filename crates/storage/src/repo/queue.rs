//! How much waits, over all tenants.

use std::time::Duration;

use sea_orm::{DatabaseTransaction, FromQueryResult};

use super::{lane::earliest_due, number, row, sql::statement};
use crate::{error::StorageError, record::message::QueueStats, store::SystemTx};

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
const STATS: &str = concat!(
    "SELECT
        (SELECT count(*) FROM messages WHERE status IN ('queued', 'deferred', 'held')) AS waiting,
        (SELECT extract(epoch FROM letterhead_now() - min(first.due_at))::float8
         FROM lanes l CROSS JOIN LATERAL (",
    earliest_due!("l.tenant_id", "l.id"),
    ") first
         WHERE NOT l.blocked AND l.due_at <= letterhead_now()
             AND first.due_at <= letterhead_now()) AS oldest"
);

#[derive(FromQueryResult)]
struct StatsRow {
    waiting: i64,
    oldest: Option<f64>,
}

impl QueueRepo<'_> {
    /// How much waits, and for how long the oldest due message has.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unavailable`] if the database is away.
    pub async fn stats(&self) -> Result<QueueStats, StorageError> {
        let row = row::<StatsRow>(self.tx, statement(STATS, []), "count what waits")
            .await?
            .ok_or(StorageError::Corrupt { table: "messages" })?;
        Ok(QueueStats {
            waiting: number(row.waiting, "messages")?,
            oldest_due_age: row.oldest.and_then(|age| Duration::try_from_secs_f64(age).ok()),
        })
    }
}
