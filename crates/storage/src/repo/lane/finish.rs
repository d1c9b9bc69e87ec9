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

use super::{LaneRepo, wake_lane};
use crate::{
    error::StorageError,
    repo::{
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

/// The function is in `migrations/sql`.
const FINISH: &str = "
SELECT id, due_at
FROM letterhead_settle_lane($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";

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
        let mut columns = Columns::default();
        for result in results {
            columns.push(1, result);
        }
        let waits: Vec<f64> =
            results.iter().map(|r| seconds(r.retry_after.unwrap_or_default())).collect();
        let counts: Vec<bool> = results.iter().map(|r| r.counts).collect();
        let values: [Value; 13] = [
            self.tenant.get().into(),
            self.sender.get().into(),
            columns.messages.into(),
            columns.attempts.into(),
            columns.outcomes.into(),
            columns.replies.into(),
            columns.statuses.into(),
            waits.into(),
            counts.into(),
            columns.fate_results.into(),
            columns.fate_recipients.into(),
            columns.fate_statuses.into(),
            columns.fate_replies.into(),
        ];
        let action = "record what became of messages";
        let finished = rows::<FinishedRow>(self.tx, statement(FINISH, values), action).await?;
        if let Some(due_at) = finished.iter().filter_map(|row| row.due_at).min() {
            wake_lane(self.tx, self.tenant, self.sender, due_at).await?;
            MessageRepo::new(self.tx, self.tenant).cancel_waiting_if_removed(self.sender).await?;
        }
        let ours: HashSet<Uuid> = finished.iter().map(|row| row.id).collect();
        let ids = results.iter().map(|result| result.message);
        Ok(ids.filter(|id| !ours.contains(&id.get())).collect())
    }
}

/// Results as the arrays that the functions take; an empty reply is none.
#[derive(Default)]
pub(super) struct Columns {
    pub(super) turns: Vec<i32>,
    pub(super) messages: Vec<Uuid>,
    pub(super) attempts: Vec<Uuid>,
    pub(super) outcomes: Vec<String>,
    pub(super) replies: Vec<String>,
    pub(super) statuses: Vec<String>,
    /// Of which result a fate is, counted from 1.
    pub(super) fate_results: Vec<i32>,
    pub(super) fate_recipients: Vec<Uuid>,
    pub(super) fate_statuses: Vec<String>,
    pub(super) fate_replies: Vec<String>,
}

impl Columns {
    /// Adds a result of a turn; turns are counted from 1.
    pub(super) fn push(&mut self, turn: i32, result: &AttemptResult) {
        self.turns.push(turn);
        self.messages.push(result.message.get());
        self.attempts.push(result.attempt.get());
        self.outcomes.push(result.outcome.as_str().to_owned());
        self.replies.push(result.reply.clone().unwrap_or_default());
        self.statuses.push(result.status.as_str().to_owned());
        for (recipient, status, reply) in &result.fates {
            self.fate_results.push(i32::try_from(self.messages.len()).unwrap_or(i32::MAX));
            self.fate_recipients.push(recipient.get());
            self.fate_statuses.push(status.as_str().to_owned());
            self.fate_replies.push(reply.clone().unwrap_or_default());
        }
    }
}

/// Whether a message that stands so comes back by itself.
fn waits(status: MessageStatus) -> bool {
    matches!(status, MessageStatus::Queued | MessageStatus::Deferred | MessageStatus::Held)
}
