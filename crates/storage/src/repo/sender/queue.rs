//! What waits at a sender, and what became of what was tried: counted, never walked.

use std::time::Duration;

use chrono::{DateTime, Utc};
use letterhead_domain::{
    id::SenderId,
    limit::{COUNTED_FOR, Usage},
};
use sea_orm::FromQueryResult;

use super::Senders;
use crate::{
    error::StorageError,
    record::{OutcomeCounts, SenderQueue},
    repo::{
        number, row, rows,
        sql::{as_limit, seconds, statement},
    },
};

const TABLE: &str = "sender_counts";

/// What waits is counted up to this: an index alone is read for it, in milliseconds.
const COUNTED: u64 = 100_000;

/// Counted in the order of its index, so that no plan walks the table instead. The oldest is that of the
/// messages that are due first, one of each priority.
const WAITING: &str = "
SELECT (
    SELECT count(*) FROM (
        SELECT FROM messages
        WHERE tenant_id = $1 AND sender_id = $2 AND status IN ('queued', 'deferred', 'held')
        ORDER BY priority, due_at, id
        LIMIT $3 + 1
    ) counted
) AS waiting, (
    SELECT min(head.created_at)
    FROM generate_series(0, 3) AS class(priority)
    CROSS JOIN LATERAL (
        SELECT w.created_at FROM messages w
        WHERE w.tenant_id = $1 AND w.sender_id = $2 AND w.priority = class.priority
            AND w.status IN ('queued', 'deferred', 'held')
        ORDER BY w.due_at LIMIT 1
    ) head
) AS oldest_at";

const USED: &str = "
SELECT accepted + uncertain AS messages,
    extract(epoch FROM began_at + make_interval(secs => $3) - letterhead_now())::float8 AS until_free
FROM sender_counts
WHERE tenant_id = $1 AND id = $2 AND began_at > letterhead_now() - make_interval(secs => $3)
    AND accepted + uncertain > 0
ORDER BY began_at";

macro_rules! sums {
    ($since:literal, $suffix:literal) => {
        concat!(
            sums!(@one "accepted", $since, $suffix), ", ",
            sums!(@one "deferred", $since, $suffix), ", ",
            sums!(@one "rejected", $since, $suffix), ", ",
            sums!(@one "uncertain", $since, $suffix)
        )
    };
    (@one $word:literal, $since:literal, $suffix:literal) => {
        concat!(
            "coalesce(sum(", $word, ") FILTER (WHERE began_at >= ", $since, "), 0) AS ",
            $word, $suffix
        )
    };
}

const OUTCOMES: &str = concat!(
    "SELECT ",
    sums!("date_trunc('day', letterhead_now(), 'UTC')", "_today"),
    ", ",
    sums!("letterhead_now() - interval '30 days'", "_lately"),
    " FROM sender_counts
     WHERE tenant_id = $1 AND id = $2 AND began_at >= letterhead_now() - interval '30 days'"
);

#[derive(FromQueryResult)]
struct WaitingRow {
    waiting: i64,
    oldest_at: Option<DateTime<Utc>>,
}

#[derive(FromQueryResult)]
struct UsedRow {
    messages: i32,
    until_free: f64,
}

#[derive(FromQueryResult)]
struct OutcomesRow {
    accepted_today: i64,
    deferred_today: i64,
    rejected_today: i64,
    uncertain_today: i64,
    accepted_lately: i64,
    deferred_lately: i64,
    rejected_lately: i64,
    uncertain_lately: i64,
}

impl Senders<'_> {
    /// Counts what waits at a sender, and what became of what was tried.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unavailable`].
    pub async fn queue(&self, sender: SenderId) -> Result<SenderQueue, StorageError> {
        let (tenant, id) = (self.tx.tenant.get(), sender.get());
        let of_sender = [tenant.into(), id.into()];
        let [tenant, id] = of_sender.clone();
        let waiting = statement(WAITING, [tenant, id, as_limit(COUNTED).into()]);
        let waiting = row::<WaitingRow>(&self.tx.tx, waiting, "count what waits").await?;
        let [tenant, id] = of_sender.clone();
        let used = statement(USED, [tenant, id, seconds(COUNTED_FOR).into()]);
        let used = rows::<UsedRow>(&self.tx.tx, used, "read what left lately").await?;
        let outcomes = statement(OUTCOMES, of_sender);
        let outcomes = row::<OutcomesRow>(&self.tx.tx, outcomes, "count what was tried").await?;
        let corrupt = StorageError::Corrupt { table: TABLE };
        let (Some(waiting), Some(outcomes)) = (waiting, outcomes) else { return Err(corrupt) };
        let counted: u64 = number(waiting.waiting, TABLE)?;
        Ok(SenderQueue {
            waiting: counted.min(COUNTED),
            more_wait: counted > COUNTED,
            oldest_waiting_at: waiting.oldest_at,
            used: used.iter().map(Usage::try_from).collect::<Result<_, _>>()?,
            today: outcomes.today()?,
            last_30_days: outcomes.lately()?,
            at: self.tx.now,
        })
    }
}

impl TryFrom<&UsedRow> for Usage {
    type Error = StorageError;

    fn try_from(row: &UsedRow) -> Result<Self, StorageError> {
        let until_free = Duration::try_from_secs_f64(row.until_free).unwrap_or_default();
        Ok(Self { messages: number(row.messages, TABLE)?, until_free })
    }
}

impl OutcomesRow {
    fn today(&self) -> Result<OutcomeCounts, StorageError> {
        Ok(OutcomeCounts {
            accepted: number(self.accepted_today, TABLE)?,
            deferred: number(self.deferred_today, TABLE)?,
            rejected: number(self.rejected_today, TABLE)?,
            uncertain: number(self.uncertain_today, TABLE)?,
        })
    }

    fn lately(&self) -> Result<OutcomeCounts, StorageError> {
        Ok(OutcomeCounts {
            accepted: number(self.accepted_lately, TABLE)?,
            deferred: number(self.deferred_lately, TABLE)?,
            rejected: number(self.rejected_lately, TABLE)?,
            uncertain: number(self.uncertain_lately, TABLE)?,
        })
    }
}
