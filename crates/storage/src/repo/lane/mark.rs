//! Marking: the durable promise, before the first byte leaves, that a message is being tried.

use std::time::Duration;

use chrono::{DateTime, Utc};
use letterhead_domain::{
    email::EmailAddress,
    id::{AttemptId, MessageId, RecipientId},
    limit::Limits,
    message::{Mailbox, MessageContent, OnUncertain, RecipientRole, RecipientStatus},
    sender::VersionNumber,
    text::Subject,
};
use sea_orm::sqlx::{self, Row, postgres::PgRow};
use uuid::Uuid;

use super::LaneRepo;
use crate::{
    error::StorageError,
    repo::{
        execute,
        message::BodyRow,
        number, parse,
        sql::{parse_option, statement},
    },
};

const TABLE: &str = "messages";

/// What to mark.
#[derive(Clone, Copy, Debug)]
pub struct MarkRequest<'a> {
    /// One id for each attempt that may begin: as many messages are marked at most.
    pub attempt_ids: &'a [AttemptId],
    /// Most bytes of content together; the first message is marked whatever its size.
    pub max_bytes: u64,
    /// What may leave through the sender.
    pub limits: Limits,
}

/// What came of a mark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Marked {
    /// The lane is not ours any more: nothing may be sent.
    Lost,
    /// The sender may not send: not live, paused, deleted, or its tenant suspended; or the whole
    /// queue is held.
    Blocked,
    /// Nothing is due.
    Nothing,
    /// As many messages as the limit a minute allows have left: the next one may after this long.
    Paced(Duration),
    /// As many messages as the limit a day allows have left: the next one may after this long.
    Full(Duration),
    /// These messages are ours to send.
    Window {
        /// The settings version to use.
        version: VersionNumber,
        /// In the order in which they should leave.
        messages: Vec<MarkedMessage>,
    },
}

/// A marked message: all that composing it needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MarkedMessage {
    /// Its id.
    pub id: MessageId,
    /// The attempt that the mark opened.
    pub attempt: AttemptId,
    /// How many attempts will have counted if this one does: 1 for the first.
    pub attempt_number: u32,
    /// Since when it is being tried, to now.
    pub tried_for: Duration,
    /// What its caller wants when nobody knows.
    pub on_uncertain: OnUncertain,
    /// Where answers go, if not where the sender says.
    pub reply_to: Option<EmailAddress>,
    /// Its subject.
    pub subject: Subject,
    /// Its `Message-ID` header.
    pub header_id: String,
    /// Its `Date` header: the same at each attempt.
    pub header_date: DateTime<Utc>,
    /// Text, HTML and decoded attachments, in bytes.
    pub size: u64,
    /// Everybody in `To`, whether they are tried now or not.
    pub to: Vec<Mailbox>,
    /// Everybody in `Cc`.
    pub cc: Vec<Mailbox>,
    /// The recipients to be tried now, `Bcc` among them: as many as may get one message at once.
    pub pending: Vec<(RecipientId, EmailAddress)>,
    /// Where the message stands for those that are not tried now.
    pub settled: Vec<RecipientStatus>,
    /// What it says; `None` if it is to be loaded apart: large, or gone.
    pub content: Option<MessageContent>,
}

/// A lane that may be claimed although its sender may not send would be claimed again at once.
const BLOCK: &str = "
UPDATE lanes l SET blocked = true
WHERE l.tenant_id = $1 AND l.id = $2 AND NOT l.blocked AND NOT EXISTS (
    SELECT FROM senders s JOIN tenants t ON t.id = s.tenant_id
    WHERE s.tenant_id = $1 AND s.id = $2 AND s.live_version IS NOT NULL
        AND s.pause_reason IS NULL AND s.deleted_at IS NULL
        AND t.status = 'active' AND t.deleted_at IS NULL)";

impl LaneRepo<'_> {
    /// Takes the lane out of the queue if its sender may not send: called when a mark said so.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unavailable`] if the database is away.
    pub async fn block(&self) -> Result<(), StorageError> {
        let values = [self.tenant.get().into(), self.sender.get().into()];
        execute(self.tx, statement(BLOCK, values), "block a lane").await.map(|_| ())
    }
}

/// One row of the journal's answer, of a turn that asked for messages.
pub(super) struct MarkRow<'r>(pub(super) &'r PgRow);

impl MarkRow<'_> {
    fn get<'r, T>(&'r self, column: &str) -> Result<T, StorageError>
    where
        T: sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
    {
        self.0.try_get(column).map_err(|_| StorageError::Corrupt { table: TABLE })
    }

    /// The version to use, if the sender may send; `None` for a lane that is not ours.
    pub(super) fn standing(&self) -> Result<Option<Standing>, StorageError> {
        let Some(is_open) = self.get::<Option<bool>>("is_open")? else { return Ok(None) };
        match self.get::<Option<i32>>("version")? {
            Some(version) if is_open => {
                Ok(Some(Standing::Open(VersionNumber(number(version, "senders")?))))
            }
            Some(_) | None => Ok(Some(Standing::Closed)),
        }
    }

    /// Why nothing was marked although the lane is open.
    pub(super) fn unmarked(&self) -> Result<Marked, StorageError> {
        // The database's clock may have moved on since the wait was worked out.
        let wait = |seconds: f64| Duration::try_from_secs_f64(seconds).unwrap_or_default();
        let waits: (Option<f64>, Option<f64>) = (self.get("day_wait")?, self.get("pace_wait")?);
        Ok(match (self.get("is_due")?, waits) {
            (false, _) | (true, (None, None)) => Marked::Nothing,
            (true, (Some(full), _)) => Marked::Full(wait(full)),
            (true, (None, Some(paced))) => Marked::Paced(wait(paced)),
        })
    }

    /// The id of the marked message of which the row holds a recipient, if it holds one.
    fn id(&self) -> Result<Option<Uuid>, StorageError> {
        self.get("id")
    }

    /// The message `id`, of which this is the first row, without its recipients.
    fn message(&self, id: Uuid) -> Result<MarkedMessage, StorageError> {
        let attempts: u32 = number(self.get::<i32>("attempts")?, TABLE)?;
        Ok(MarkedMessage {
            id: id.into(),
            attempt: self.get::<Uuid>("attempt_id")?.into(),
            attempt_number: attempts.saturating_add(1),
            // The clock of the database may have been set back.
            tried_for: Duration::try_from_secs_f64(self.get("tried_for")?).unwrap_or_default(),
            on_uncertain: parse(self.get("on_uncertain")?, TABLE)?,
            reply_to: parse_option(self.get("reply_to")?, TABLE)?,
            subject: parse(self.get("subject")?, TABLE)?,
            header_id: self.get("header_id")?,
            header_date: self.get("header_date")?,
            size: number(self.get::<i64>("size")?, TABLE)?,
            to: Vec::new(),
            cc: Vec::new(),
            pending: Vec::new(),
            settled: Vec::new(),
            content: self.content(id)?,
        })
    }

    fn content(&self, id: Uuid) -> Result<Option<MessageContent>, StorageError> {
        if !self.get::<bool>("has_body")? {
            return Ok(None);
        }
        let body = BodyRow {
            id,
            text_body: self.get("text_body")?,
            html_body: self.get("html_body")?,
            attachment_names: self.get("attachment_names")?,
            attachment_types: self.get("attachment_types")?,
        };
        body.with_files(self.get("attachment_contents")?).map(Some)
    }

    fn recipient(&self) -> Result<RecipientRow<'_>, StorageError> {
        Ok(RecipientRow {
            id: self.get("person_id")?,
            role: self.get("person_role")?,
            email: self.get("person_email")?,
            name: self.get("person_name")?,
            status: self.get("person_status")?,
            updated_at: self.get("person_time")?,
        })
    }
}

/// The marked messages of one turn, at most so many recipients of each at once.
pub(super) fn messages(
    rows: &[PgRow],
    most_at_once: Option<u32>,
) -> Result<Vec<MarkedMessage>, StorageError> {
    let mut messages = Vec::with_capacity(rows.len());
    let mut rows = rows.iter().map(MarkRow).peekable();
    while let Some(first) = rows.next() {
        let Some(id) = first.id()? else { continue };
        let mut message = first.message(id)?;
        let mut waiting = Vec::new();
        let mut row = first;
        loop {
            let person = row.recipient()?;
            let updated_at = person.updated_at;
            waiting.extend(person.join(&mut message)?.map(|tried| (tried, updated_at)));
            match rows.next_if(|next| next.id().is_ok_and(|next| next == Some(id))) {
                Some(next) => row = next,
                None => break,
            }
        }
        if most_at_once.is_some() {
            // Whoever was not tried yet comes first, and then in turn: nobody keeps others waiting.
            waiting.sort_by_key(|((.., status), at)| (*status != RecipientStatus::Queued, *at));
        }
        let most = most_at_once.and_then(|most| usize::try_from(most).ok());
        let now = most.map_or(waiting.len(), |most| most.min(waiting.len()));
        let later = waiting.split_off(now);
        message.settled.extend(later.into_iter().map(|((.., status), _)| status));
        message.pending = waiting.into_iter().map(|((id, email, _), _)| (id, email)).collect();
        messages.push(message);
    }
    Ok(messages)
}

/// Whether the sender of a lane that is ours may send.
pub(super) enum Standing {
    Open(VersionNumber),
    Closed,
}

struct RecipientRow<'r> {
    id: Uuid,
    role: &'r str,
    email: &'r str,
    name: Option<&'r str>,
    status: &'r str,
    updated_at: DateTime<Utc>,
}

impl RecipientRow<'_> {
    /// Puts the recipient into the headers, and gives it back if it waits.
    fn join(
        self,
        message: &mut MarkedMessage,
    ) -> Result<Option<(RecipientId, EmailAddress, RecipientStatus)>, StorageError> {
        let table = "recipients";
        let email: EmailAddress = parse(self.email, table)?;
        let mut waiting = None;
        match parse(self.status, table)? {
            status @ (RecipientStatus::Queued | RecipientStatus::Deferred) => {
                waiting = Some((self.id.into(), email.clone(), status));
            }
            settled @ (RecipientStatus::Accepted
            | RecipientStatus::Rejected
            | RecipientStatus::Uncertain
            | RecipientStatus::Cancelled
            | RecipientStatus::Expired) => message.settled.push(settled),
        }
        let name = parse_option(self.name, table)?;
        match parse(self.role, table)? {
            RecipientRole::To => message.to.push(Mailbox { email, name }),
            RecipientRole::Cc => message.cc.push(Mailbox { email, name }),
            RecipientRole::Bcc => {}
        }
        Ok(waiting)
    }
}
