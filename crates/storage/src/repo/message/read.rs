//! Looking at messages: one, or a page of them, with recipients and attempts.
//!
//! A page costs three statements, however many messages it shows.

use chrono::{DateTime, Utc};
use letterhead_domain::{
    explanation::{Standing, explain},
    id::MessageId,
    limit::HoldReason,
    message::{Mailbox, MessageStatus},
    sender::VersionNumber,
};
use sea_orm::{FromQueryResult, Value};
use uuid::Uuid;

use super::{
    MessageRepo,
    filter::{MessageFilter, shown_status},
};
use crate::{
    error::StorageError,
    record::{
        Page, PageRequest,
        message::{AttemptRecord, MessageRecord, RecipientRecord},
    },
    repo::{
        number, parse, rows,
        sql::{parse_option, statement},
    },
};

const MESSAGES: &str = concat!(
    "SELECT m.id, m.sender_id, s.slug AS sender_slug, m.kind, m.reference, m.subject, m.reply_to, ",
    shown_status!(),
    " AS status, m.header_id, m.size, m.on_uncertain, m.send_at, m.attempts, m.last_reply,
        CASE WHEN NOT l.blocked AND m.due_at IS NOT NULL
             THEN greatest(m.due_at, l.not_before) END AS next_attempt_at,
        m.created_at, m.updated_at,
        EXISTS (SELECT FROM queue_hold WHERE held_at IS NOT NULL) AS queue_is_held,
        t.status = 'suspended' AS is_suspended, s.live_version IS NULL AS is_untested,
        s.pause_reason, coalesce(m.send_at > letterhead_now(), false) AS is_scheduled,
        l.not_before > letterhead_now() AS lane_waits, l.held AS lane_is_held, l.hold_reason,
        l.trouble > 0 AS lane_in_trouble
    FROM messages m
    JOIN senders s ON s.tenant_id = m.tenant_id AND s.id = m.sender_id
    JOIN lanes l ON l.tenant_id = m.tenant_id AND l.id = m.sender_id
    JOIN tenants t ON t.id = m.tenant_id
    WHERE m.tenant_id = $1"
);

const RECIPIENTS: &str = "
SELECT message_id, id, role, email, name, status, last_reply
FROM recipients
WHERE tenant_id = $1 AND message_id = ANY ($2::uuid[])
ORDER BY message_id, position";

const ATTEMPTS: &str = "
SELECT message_id, id, number, version, worker, started_at, finished_at, outcome, reply
FROM attempts
WHERE tenant_id = $1 AND message_id = ANY ($2::uuid[])
ORDER BY message_id, number";

#[derive(FromQueryResult)]
struct MessageRow {
    id: Uuid,
    sender_id: Uuid,
    sender_slug: String,
    kind: String,
    reference: Option<String>,
    subject: String,
    reply_to: Option<String>,
    status: String,
    header_id: String,
    size: i64,
    on_uncertain: String,
    send_at: Option<DateTime<Utc>>,
    attempts: i32,
    last_reply: Option<String>,
    next_attempt_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    #[sea_orm(nested)]
    wait: WaitRow,
}

/// What may keep a message from leaving.
#[derive(FromQueryResult)]
#[expect(clippy::struct_excessive_bools, reason = "each is one thing that may stand in the way")]
struct WaitRow {
    queue_is_held: bool,
    is_suspended: bool,
    is_untested: bool,
    pause_reason: Option<String>,
    is_scheduled: bool,
    lane_waits: bool,
    lane_is_held: bool,
    hold_reason: Option<String>,
    lane_in_trouble: bool,
}

impl WaitRow {
    fn standing(&self, status: MessageStatus) -> Result<Standing, StorageError> {
        let hold = parse_option(self.hold_reason.as_deref(), "lanes")?;
        let (waits, is_held) = (self.lane_waits, self.lane_is_held);
        Ok(Standing {
            status,
            queue_is_held: self.queue_is_held,
            is_suspended: self.is_suspended,
            is_untested: self.is_untested,
            pause: parse_option(self.pause_reason.as_deref(), "senders")?,
            is_scheduled: self.is_scheduled,
            hold: (waits && is_held).then(|| hold.unwrap_or(HoldReason::Quota)),
            backs_off: waits && !is_held && self.lane_in_trouble,
            is_paced: waits && !is_held && !self.lane_in_trouble,
        })
    }
}

#[derive(FromQueryResult)]
struct RecipientRow {
    message_id: Uuid,
    id: Uuid,
    role: String,
    email: String,
    name: Option<String>,
    status: String,
    last_reply: Option<String>,
}

#[derive(FromQueryResult)]
struct AttemptRow {
    message_id: Uuid,
    id: Uuid,
    number: i32,
    version: i32,
    worker: String,
    started_at: DateTime<Utc>,
    finished_at: Option<DateTime<Utc>>,
    outcome: Option<String>,
    reply: Option<String>,
}

impl MessageRepo<'_> {
    /// Finds one message.
    ///
    /// # Errors
    ///
    /// [`StorageError::Corrupt`] if a row holds what was never accepted.
    pub async fn find(&self, id: MessageId) -> Result<Option<MessageRecord>, StorageError> {
        let one = format!("{MESSAGES} AND m.id = $2");
        let found = self.records(&one, vec![self.tenant.get().into(), id.get().into()]).await?;
        Ok(found.into_iter().next())
    }

    /// Loads one message.
    ///
    /// # Errors
    ///
    /// [`StorageError::NotFound`] if there is none, or it is another tenant's.
    pub async fn load(&self, id: MessageId) -> Result<MessageRecord, StorageError> {
        self.find(id).await?.ok_or(StorageError::NotFound("message"))
    }

    /// Lists messages, newest first.
    ///
    /// # Errors
    ///
    /// [`StorageError::Corrupt`] if a row holds what was never accepted.
    pub async fn list(
        &self,
        filter: MessageFilter,
        page: PageRequest,
    ) -> Result<Page<MessageRecord>, StorageError> {
        let (text, values) = filter.narrow(MESSAGES, self.tenant, &page);
        let records = self.records(&text, values).await?;
        Ok(Page::cut(records, page, |record| record.id.get()))
    }

    async fn records(
        &self,
        text: &str,
        values: Vec<Value>,
    ) -> Result<Vec<MessageRecord>, StorageError> {
        let messages =
            rows::<MessageRow>(self.tx, statement(text, values), "read messages").await?;
        let ids: Vec<Uuid> = messages.iter().map(|message| message.id).collect();
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let of_these = |text| statement(text, [self.tenant.get().into(), ids.clone().into()]);
        let recipients =
            rows::<RecipientRow>(self.tx, of_these(RECIPIENTS), "read recipients").await?;
        let attempts = rows::<AttemptRow>(self.tx, of_these(ATTEMPTS), "read attempts").await?;
        messages.into_iter().map(|message| record(message, &recipients, &attempts)).collect()
    }
}

fn record(
    row: MessageRow,
    recipients: &[RecipientRow],
    attempts: &[AttemptRow],
) -> Result<MessageRecord, StorageError> {
    let table = "messages";
    let recipients = recipients.iter().filter(|recipient| recipient.message_id == row.id);
    let attempts = attempts.iter().filter(|attempt| attempt.message_id == row.id);
    let status = parse(&row.status, table)?;
    Ok(MessageRecord {
        id: row.id.into(),
        sender: row.sender_id.into(),
        sender_slug: parse(&row.sender_slug, table)?,
        kind: parse(&row.kind, table)?,
        reference: parse_option(row.reference.as_deref(), table)?,
        subject: parse(&row.subject, table)?,
        reply_to: parse_option(row.reply_to.as_deref(), table)?,
        status,
        explanation: explain(&row.wait.standing(status)?),
        header_id: row.header_id,
        size: number(row.size, table)?,
        on_uncertain: parse(&row.on_uncertain, table)?,
        send_at: row.send_at,
        next_attempt_at: row.next_attempt_at,
        attempts_counted: number(row.attempts, table)?,
        last_reply: row.last_reply,
        created_at: row.created_at,
        updated_at: row.updated_at,
        recipients: recipients.map(RecipientRecord::try_from).collect::<Result<_, _>>()?,
        attempts: attempts.map(AttemptRecord::try_from).collect::<Result<_, _>>()?,
    })
}

impl TryFrom<&RecipientRow> for RecipientRecord {
    type Error = StorageError;

    fn try_from(row: &RecipientRow) -> Result<Self, StorageError> {
        let table = "recipients";
        Ok(Self {
            id: row.id.into(),
            role: parse(&row.role, table)?,
            mailbox: Mailbox {
                email: parse(&row.email, table)?,
                name: parse_option(row.name.as_deref(), table)?,
            },
            status: parse(&row.status, table)?,
            last_reply: row.last_reply.clone(),
        })
    }
}

impl TryFrom<&AttemptRow> for AttemptRecord {
    type Error = StorageError;

    fn try_from(row: &AttemptRow) -> Result<Self, StorageError> {
        let table = "attempts";
        Ok(Self {
            id: row.id.into(),
            number: number(row.number, table)?,
            version: VersionNumber(number(row.version, table)?),
            worker: row.worker.clone(),
            started_at: row.started_at,
            finished_at: row.finished_at,
            outcome: parse_option(row.outcome.as_deref(), table)?,
            reply: row.reply.clone(),
        })
    }
}
