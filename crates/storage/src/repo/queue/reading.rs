//! How the queue stands, told again and again: what it costs must not grow with what waits.

use std::time::Duration;

use letterhead_domain::message::MessageStatus;
use sea_orm::FromQueryResult;

use super::QueueRepo;
use crate::{
    error::StorageError,
    record::message::{LaneWait, QueueReading},
    repo::{
        execute, number, row, rows,
        sql::{as_limit, statement},
    },
};

/// Longest time that one of the statements may take, in milliseconds: who asks comes again. Nothing is
/// sorted that an index has in its order: to a plan that was made while nothing waited that costs the same.
const PATIENCE: &str = "
SELECT set_config('statement_timeout', '2000', true), set_config('enable_sort', 'off', true),
    set_config('enable_incremental_sort', 'off', true)";

/// - `counted` walks `messages_waiting`, in its order so that nothing else is walked, to the bound.
/// - `oldest` asks only the lanes that have been due longest. A lane's own `due_at` is not enough: it
///   stays in the past while the lane is served.
const MESSAGES: &str = "
    WITH counted AS MATERIALIZED (
        SELECT status FROM messages
        WHERE status IN ('queued', 'deferred', 'held')
        ORDER BY tenant_id, sender_id, priority, due_at, id
        LIMIT $1
    ), longest AS MATERIALIZED (
        SELECT tenant_id, id FROM lanes
        WHERE NOT blocked AND due_at <= letterhead_now() AND not_before <= letterhead_now()
        ORDER BY due_at LIMIT 200
    )
    SELECT
        (SELECT count(*) FROM counted WHERE status = 'queued') AS queued,
        (SELECT count(*) FROM counted WHERE status = 'deferred') AS deferred,
        (SELECT count(*) FROM counted WHERE status = 'held') AS held,
        (SELECT greatest(reltuples, 0)::bigint FROM pg_class
         WHERE oid = 'messages_waiting'::regclass) AS estimate,
        (SELECT count(*) FROM messages WHERE status = 'sending') AS sending,
        EXISTS (SELECT FROM queue_hold WHERE held_at IS NOT NULL) AS is_held,
        (SELECT extract(epoch FROM letterhead_now() - min(first.due_at))::float8
         FROM longest l CROSS JOIN LATERAL (
             SELECT letterhead_earliest_due(l.tenant_id, l.id) AS due_at OFFSET 0
         ) first
         WHERE first.due_at <= letterhead_now()) AS oldest";

/// One row a lane is read: there are as many as senders, however much waits.
const LANES: &str = "
SELECT CASE
        WHEN lease_until > letterhead_now() THEN 'leased'
        WHEN blocked THEN 'blocked'
        WHEN not_before <= letterhead_now() AND due_at <= letterhead_now() THEN 'due'
        WHEN not_before <= letterhead_now() THEN 'later'
        WHEN held THEN coalesce(hold_reason, 'quota')
        WHEN trouble > 0 THEN 'backing_off'
        ELSE 'minute_limit' END AS waits_for,
    count(*) AS count
FROM lanes
WHERE due_at IS NOT NULL
GROUP BY waits_for";

#[derive(FromQueryResult)]
struct MessagesRow {
    queued: i64,
    deferred: i64,
    held: i64,
    estimate: i64,
    sending: i64,
    is_held: bool,
    oldest: Option<f64>,
}

#[derive(FromQueryResult)]
struct LanesRow {
    waits_for: String,
    count: i64,
}

impl QueueRepo<'_> {
    /// How the queue stands, for readings that come every few seconds. From here on this
    /// transaction's statements may take two seconds each.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unavailable`] if the database is away, [`StorageError::Database`] if it takes
    /// too long.
    pub async fn reading(&self) -> Result<QueueReading, StorageError> {
        let action = "read how the queue stands";
        execute(self.tx, statement(PATIENCE, []), action).await?;
        let most = as_limit(QueueReading::MOST_COUNTED);
        let messages = row::<MessagesRow>(self.tx, statement(MESSAGES, [most.into()]), action)
            .await?
            .ok_or(StorageError::Corrupt { table: "messages" })?;
        let lanes = rows::<LanesRow>(self.tx, statement(LANES, []), action).await?;
        let lanes_that = |waits_for: LaneWait| {
            let found = lanes.iter().find(|row| row.waits_for == waits_for.as_str());
            found.map_or(0, |row| u64::try_from(row.count).unwrap_or_default())
        };
        Ok(QueueReading {
            waiting: [
                (MessageStatus::Queued, number(messages.queued, "messages")?),
                (MessageStatus::Deferred, number(messages.deferred, "messages")?),
                (MessageStatus::Held, number(messages.held, "messages")?),
            ],
            waiting_estimate: number(messages.estimate, "messages")?,
            sending: number(messages.sending, "messages")?,
            oldest_due_age: messages.oldest.and_then(|age| Duration::try_from_secs_f64(age).ok()),
            is_held: messages.is_held,
            lanes: LaneWait::ALL.map(|waits_for| (waits_for, lanes_that(waits_for))),
        })
    }
}
