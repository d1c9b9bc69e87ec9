//! What people and time do to messages: cancel, retry, expire.

use letterhead_domain::{
    delivery::fold,
    id::{MessageId, SenderId},
    message::{LONGEST_WAIT, MessageStatus, RecipientStatus},
};
use sea_orm::FromQueryResult;
use uuid::Uuid;

use super::MessageRepo;
use crate::{
    error::StorageError,
    record::message::Recovered,
    repo::{
        execute,
        lane::{put_back_lost, wake_lane},
        parse, row, rows,
        sql::{keep_unparked, statement},
    },
};

const OWN_SENDER: &str = "SELECT sender_id FROM messages WHERE tenant_id = $1 AND id = $2";

const LOCK: &str = "
SELECT m.status, s.deleted_at IS NOT NULL AS sender_is_gone,
    m.body_removed_at IS NOT NULL AS body_is_gone
FROM messages m
JOIN senders s ON s.tenant_id = m.tenant_id AND s.id = m.sender_id
WHERE m.tenant_id = $1 AND m.id = $2
FOR NO KEY UPDATE OF m";

const STANDING: &str = "SELECT status FROM recipients WHERE tenant_id = $1 AND message_id = $2";

const CANCEL_RECIPIENTS: &str = "
UPDATE recipients SET status = 'cancelled', updated_at = letterhead_now()
WHERE tenant_id = $1 AND message_id = $2 AND status IN ('queued', 'deferred', 'uncertain')";

const CANCEL: &str = "
UPDATE messages
SET status = $3, due_at = NULL, updated_at = letterhead_now(), finished_at = letterhead_now()
WHERE tenant_id = $1 AND id = $2";

const RETRY_RECIPIENTS: &str = "
UPDATE recipients SET status = 'queued', updated_at = letterhead_now()
WHERE tenant_id = $1 AND message_id = $2 AND status <> 'accepted'";

const RETRY: &str = "
UPDATE messages
SET status = 'queued', due_at = letterhead_now(), attempts = 0, first_tried_at = NULL,
    expires_at = letterhead_now() + make_interval(secs => $3),
    updated_at = letterhead_now(), finished_at = NULL
WHERE tenant_id = $1 AND id = $2
RETURNING due_at";

/// Ends what waits: its recipients that wait get the word `$3`, and the message what
/// `delivery::fold` would say of them. Locked in the order of ids, as everywhere.
macro_rules! end_waiting {
    ($which:literal) => {
        concat!(
            "WITH ended AS MATERIALIZED (
                SELECT id FROM messages
                WHERE tenant_id = $1 AND ",
            $which,
            " AND status IN ('queued', 'deferred', 'held')
                ORDER BY id FOR NO KEY UPDATE
            ), recipient AS (
                UPDATE recipients r SET status = $3, updated_at = letterhead_now()
                FROM ended
                WHERE r.tenant_id = $1 AND r.message_id = ended.id
                    AND r.status IN ('queued', 'deferred')
            ), standing AS (
                SELECT r.message_id AS id, bool_or(r.status = 'accepted') AS accepted,
                    bool_or(r.status = 'rejected') AS rejected,
                    bool_or(r.status = 'expired') AS expired
                FROM recipients r JOIN ended ON ended.id = r.message_id
                WHERE r.tenant_id = $1
                GROUP BY r.message_id
            )
            UPDATE messages m
            SET status = CASE WHEN s.accepted THEN 'partly_accepted' WHEN s.rejected THEN 'rejected'
                    WHEN s.expired THEN 'expired' ELSE $3 END,
                due_at = NULL, updated_at = letterhead_now(), finished_at = letterhead_now()
            FROM standing s
            WHERE m.tenant_id = $1 AND m.id = s.id
            RETURNING m.id"
        )
    };
}

const EXPIRE: &str = end_waiting!("id = ANY ($2::uuid[]) AND expires_at <= letterhead_now()");
const CANCEL_ALL: &str = end_waiting!("sender_id = $2");
const CANCEL_ALL_IF_REMOVED: &str = end_waiting!(
    "sender_id = $2 AND EXISTS (SELECT FROM senders s
        WHERE s.tenant_id = $1 AND s.id = $2 AND s.deleted_at IS NOT NULL)"
);

/// What may have been sent without this database knowing: it waits for a person.
const DOUBT: &str = "
WITH doubted AS MATERIALIZED (
    SELECT id FROM messages
    WHERE tenant_id = $1 AND id = ANY ($2::uuid[]) AND status IN ('queued', 'deferred', 'held')
    ORDER BY id FOR NO KEY UPDATE
), recipient AS (
    UPDATE recipients r SET status = 'uncertain', updated_at = letterhead_now()
    FROM doubted
    WHERE r.tenant_id = $1 AND r.message_id = doubted.id AND r.status IN ('queued', 'deferred')
)
UPDATE messages m SET status = 'uncertain', due_at = NULL, updated_at = letterhead_now()
FROM doubted
WHERE m.tenant_id = $1 AND m.id = doubted.id";

/// Takes an abandoned lane from its holder, whose late marks are then refused.
const SEIZE: &str = "
UPDATE lanes SET lease_token = NULL, lease_until = NULL, worker = NULL
WHERE tenant_id = $1 AND id = $2 AND (lease_until IS NULL OR lease_until <= letterhead_now())";

#[derive(FromQueryResult)]
struct IdRow {
    id: Uuid,
}

#[derive(FromQueryResult)]
struct SenderRow {
    sender_id: Uuid,
}

#[derive(FromQueryResult)]
struct LockedRow {
    status: String,
    sender_is_gone: bool,
    body_is_gone: bool,
}

#[derive(FromQueryResult)]
struct StandingRow {
    status: String,
}

#[derive(FromQueryResult)]
struct DueRow {
    due_at: chrono::DateTime<chrono::Utc>,
}

impl MessageRepo<'_> {
    /// Cancels a message for the recipients that have not got it.
    ///
    /// # Errors
    ///
    /// [`StorageError::Conflict`] if it is on its way or has come to its end,
    /// [`StorageError::NotFound`].
    pub async fn cancel(&self, id: MessageId) -> Result<(), StorageError> {
        let status = self.lock(id).await?.status()?;
        if status == MessageStatus::Sending {
            let words =
                "the message is being handed to its mail server and cannot be cancelled now";
            return Err(StorageError::Conflict(words));
        }
        if !status.may_be_cancelled() {
            return Err(StorageError::Conflict("the message does not wait any more"));
        }
        let action = "cancel a message";
        let key = [self.tenant.get().into(), id.get().into()];
        execute(self.tx, statement(CANCEL_RECIPIENTS, key.clone()), action).await?;
        let standing = rows::<StandingRow>(self.tx, statement(STANDING, key), action).await?;
        let standing: Vec<RecipientStatus> = standing
            .iter()
            .map(|row| parse(&row.status, "recipients"))
            .collect::<Result<_, _>>()?;
        let status = fold(&standing, false).as_str();
        let values = [self.tenant.get().into(), id.get().into(), status.into()];
        execute(self.tx, statement(CANCEL, values), action).await?;
        Ok(())
    }

    /// Puts a message back into the queue, due now, for the recipients that have not got it.
    ///
    /// It has its days of trying and waiting again from the start.
    ///
    /// # Errors
    ///
    /// [`StorageError::Conflict`] if it still waits, everybody has got it, its sender was deleted,
    /// or its content is no longer kept; [`StorageError::NotFound`].
    pub async fn retry(&self, id: MessageId) -> Result<(), StorageError> {
        let key = [self.tenant.get().into(), id.get().into()];
        let sender = row::<SenderRow>(
            self.tx,
            statement(OWN_SENDER, key.clone()),
            "find a message's sender",
        )
        .await?
        .ok_or(StorageError::NotFound("message"))?;
        let sender = SenderId::from(sender.sender_id);
        keep_unparked(self.tx, sender).await?;
        let locked = self.lock(id).await?;
        if locked.sender_is_gone {
            return Err(StorageError::Conflict("the message's sender was deleted"));
        }
        if locked.body_is_gone {
            let words = "what the message said is no longer kept; hand it over again";
            return Err(StorageError::Conflict(words));
        }
        let status = locked.status()?;
        if !status.may_be_retried() {
            let words = "the message still waits, is on its way, or was accepted for everybody";
            return Err(StorageError::Conflict(words));
        }
        let action = "retry a message";
        execute(self.tx, statement(RETRY_RECIPIENTS, key), action).await?;
        let values =
            [self.tenant.get().into(), id.get().into(), LONGEST_WAIT.as_seconds_f64().into()];
        let due = row::<DueRow>(self.tx, statement(RETRY, values), action)
            .await?
            .ok_or(StorageError::NotFound("message"))?;
        wake_lane(self.tx, self.tenant, sender, due.due_at).await
    }

    /// Ends those of `messages` that wait and whose time is over; gives them back.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unavailable`] if the database is away.
    pub async fn expire(&self, messages: &[MessageId]) -> Result<Vec<MessageId>, StorageError> {
        let ids: Vec<Uuid> = messages.iter().map(|id| id.get()).collect();
        let values = [self.tenant.get().into(), ids.into(), "expired".into()];
        let ended = rows::<IdRow>(self.tx, statement(EXPIRE, values), "expire messages").await?;
        Ok(ended.into_iter().map(|row| row.id.into()).collect())
    }

    /// Makes those of `messages` that wait uncertain, so that they wait for a person; says how many.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unavailable`] if the database is away.
    pub async fn doubt(&self, messages: &[MessageId]) -> Result<u64, StorageError> {
        let ids: Vec<Uuid> = messages.iter().map(|id| id.get()).collect();
        let values = [self.tenant.get().into(), ids.into()];
        execute(self.tx, statement(DOUBT, values), "hold messages for a person").await
    }

    /// Puts right what a lost worker left marked on a lane that nobody holds or will claim, so
    /// that even a paused sender's messages do not stay `sending`. Does nothing while the lane's
    /// lease lasts.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unavailable`] if the database is away.
    pub async fn recover_abandoned(
        &self,
        sender: SenderId,
    ) -> Result<Vec<Recovered>, StorageError> {
        keep_unparked(self.tx, sender).await?;
        let values = [self.tenant.get().into(), sender.get().into()];
        let seized = execute(self.tx, statement(SEIZE, values), "take an abandoned lane").await?;
        if seized == 0 {
            return Ok(Vec::new());
        }
        put_back_lost(self.tx, self.tenant, sender, None).await
    }

    /// Cancels all that waits on a sender that is being removed; says how many.
    ///
    /// The caller has kept accepts out with `exclude_accepts`, before its first lock on a row.
    pub(crate) async fn cancel_waiting(&self, sender: SenderId) -> Result<u64, StorageError> {
        self.end_all(CANCEL_ALL, sender).await
    }

    /// The same if the sender was removed meanwhile: what comes back from a worker then waits for
    /// nobody.
    pub(crate) async fn cancel_waiting_if_removed(
        &self,
        sender: SenderId,
    ) -> Result<u64, StorageError> {
        self.end_all(CANCEL_ALL_IF_REMOVED, sender).await
    }

    async fn end_all(&self, text: &str, sender: SenderId) -> Result<u64, StorageError> {
        let values = [self.tenant.get().into(), sender.get().into(), "cancelled".into()];
        execute(self.tx, statement(text, values), "cancel what waits on a removed sender").await
    }

    async fn lock(&self, id: MessageId) -> Result<LockedRow, StorageError> {
        let key = [self.tenant.get().into(), id.get().into()];
        row::<LockedRow>(self.tx, statement(LOCK, key), "lock a message")
            .await?
            .ok_or(StorageError::NotFound("message"))
    }
}

impl LockedRow {
    fn status(&self) -> Result<MessageStatus, StorageError> {
        parse(&self.status, "messages")
    }
}
