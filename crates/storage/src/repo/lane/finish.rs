//! Recording what became of marked messages, in groups.

use std::{collections::HashSet, time::Duration};

use chrono::{DateTime, Utc};
use letterhead_domain::{
    delivery::AttemptWord,
    id::{AttemptId, MessageId, RecipientId},
    message::{MessageStatus, RecipientStatus},
};
use sea_orm::{FromQueryResult, Value};
use uuid::Uuid;

use super::{LaneRepo, count_outcomes, wake_lane};
use crate::{
    error::StorageError,
    repo::{
        execute,
        message::MessageRepo,
        rows,
        sql::{keep_unparked, seconds, statement},
    },
};

/// How an attempt ended, and where its message stands now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttemptResult {
    /// The message.
    pub message: MessageId,
    /// The attempt that its mark opened.
    pub attempt: AttemptId,
    /// How the attempt ended.
    pub outcome: AttemptWord,
    /// What the server said, or what stood in the way.
    pub reply: Option<String>,
    /// Where the message stands: `delivery::fold` over `settled` of the mark and the fates below.
    pub status: MessageStatus,
    /// Where it stands for each recipient that was tried, and what the server said about it.
    pub fates: Vec<(RecipientId, RecipientStatus, Option<String>)>,
    /// How long it waits, if it does; without one, not at all.
    pub retry_after: Option<Duration>,
    /// Whether the attempt counts towards its back-off.
    pub counts: bool,
}

/// Closes attempts that are still their messages' open ones, and counts them. Locked in the order of
/// ids, as a recovery does: a late worker and the lane's next holder may meet here.
const FINISH: &str = concat!(
    "
WITH result AS MATERIALIZED (
    SELECT * FROM unnest($3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::float8[],
        $9::bool[]) AS r(message_id, attempt_id, outcome, reply, status, wait, counts)
), ours AS MATERIALIZED (
    SELECT m.id
    FROM messages m
    JOIN result r ON r.message_id = m.id AND r.attempt_id = m.attempt_id
    WHERE m.tenant_id = $1 AND m.sender_id = $2 AND m.status = 'sending'
    ORDER BY m.id
    FOR NO KEY UPDATE OF m
), closed AS (
    UPDATE attempts a
    SET outcome = r.outcome, reply = nullif(r.reply, ''), finished_at = letterhead_now()
    FROM result r JOIN ours ON ours.id = r.message_id
    WHERE a.tenant_id = $1 AND a.id = r.attempt_id
), counted AS (",
    count_outcomes!("result r JOIN ours ON ours.id = r.message_id", "r.outcome"),
    ")
UPDATE messages m
SET status = r.status, attempt_id = NULL, attempts = m.attempts + r.counts::integer,
    due_at = CASE WHEN r.status IN ('queued', 'deferred', 'held')
                  THEN letterhead_now() + make_interval(secs => r.wait) END,
    last_reply = coalesce(nullif(r.reply, ''), m.last_reply),
    finished_at = CASE WHEN r.status NOT IN ('queued', 'deferred', 'held', 'uncertain')
                       THEN letterhead_now() END,
    updated_at = letterhead_now()
FROM result r JOIN ours ON ours.id = r.message_id
WHERE m.tenant_id = $1 AND m.id = ours.id
RETURNING m.id, m.due_at"
);

const FATES: &str = "
UPDATE recipients r
SET status = f.status, last_reply = coalesce(nullif(f.reply, ''), r.last_reply),
    updated_at = letterhead_now()
FROM unnest($2::uuid[], $3::uuid[], $4::text[], $5::text[])
    AS f(message_id, recipient_id, status, reply)
WHERE r.tenant_id = $1 AND r.id = f.recipient_id AND r.message_id = f.message_id";

#[derive(FromQueryResult)]
struct FinishedRow {
    id: Uuid,
    due_at: Option<DateTime<Utc>>,
}

impl LaneRepo<'_> {
    /// Records what became of marked messages, and gives back those that were refused: their
    /// attempt is not the open one any more, somebody else has taken them over.
    ///
    /// The attempt's id is the fence, not the lease: a result that comes after the lease's end but
    /// before anybody else's recovery is still the truth. The number of statements is the same for
    /// one result and for a hundred.
    ///
    /// # Errors
    ///
    /// [`StorageError::Database`] if a status does not fit: `sending`, for instance.
    pub async fn finish(&self, results: &[&AttemptResult]) -> Result<Vec<MessageId>, StorageError> {
        if results.is_empty() {
            return Ok(Vec::new());
        }
        if results.iter().any(|result| waits(result.status)) {
            keep_unparked(self.tx, self.sender).await?;
        }
        let finished = rows::<FinishedRow>(
            self.tx,
            statement(FINISH, self.values(results)),
            "record what became of messages",
        )
        .await?;
        let ours: HashSet<Uuid> = finished.iter().map(|row| row.id).collect();
        let (ours, refused): (Vec<&AttemptResult>, Vec<_>) =
            results.iter().copied().partition(|result| ours.contains(&result.message.get()));
        self.settle(&ours).await?;
        if let Some(due_at) = finished.iter().filter_map(|row| row.due_at).min() {
            wake_lane(self.tx, self.tenant, self.sender, due_at).await?;
            MessageRepo::new(self.tx, self.tenant).cancel_waiting_if_removed(self.sender).await?;
        }
        Ok(refused.into_iter().map(|result| result.message).collect())
    }

    async fn settle(&self, ours: &[&AttemptResult]) -> Result<(), StorageError> {
        let fates = || {
            ours.iter().flat_map(|result| result.fates.iter().map(|fate| (result.message, fate)))
        };
        let messages: Vec<Uuid> = fates().map(|(message, _)| message.get()).collect();
        let recipients: Vec<Uuid> = fates().map(|(_, (recipient, ..))| recipient.get()).collect();
        let statuses = fates().map(|(_, (_, status, _))| status.as_str().to_owned());
        let replies = fates().map(|(_, (.., reply))| reply.clone().unwrap_or_default());
        let values: [Value; 5] = [
            self.tenant.get().into(),
            messages.into(),
            recipients.into(),
            statuses.collect::<Vec<_>>().into(),
            replies.collect::<Vec<_>>().into(),
        ];
        execute(self.tx, statement(FATES, values), "record what became of recipients").await?;
        Ok(())
    }

    fn values(&self, results: &[&AttemptResult]) -> [Value; 9] {
        let messages: Vec<Uuid> = results.iter().map(|r| r.message.get()).collect();
        let attempts: Vec<Uuid> = results.iter().map(|r| r.attempt.get()).collect();
        let outcomes: Vec<String> = results.iter().map(|r| r.outcome.as_str().to_owned()).collect();
        let replies: Vec<String> =
            results.iter().map(|r| r.reply.clone().unwrap_or_default()).collect();
        let statuses: Vec<String> = results.iter().map(|r| r.status.as_str().to_owned()).collect();
        let waits: Vec<f64> =
            results.iter().map(|r| seconds(r.retry_after.unwrap_or_default())).collect();
        let counts: Vec<bool> = results.iter().map(|r| r.counts).collect();
        [
            self.tenant.get().into(),
            self.sender.get().into(),
            messages.into(),
            attempts.into(),
            outcomes.into(),
            replies.into(),
            statuses.into(),
            waits.into(),
            counts.into(),
        ]
    }
}

/// Whether a message that stands so comes back by itself.
fn waits(status: MessageStatus) -> bool {
    matches!(status, MessageStatus::Queued | MessageStatus::Deferred | MessageStatus::Held)
}
