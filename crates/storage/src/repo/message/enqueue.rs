//! Accepting a message: everything about it in one statement, and no wake-up lost.

use letterhead_domain::{
    id::{MessageId, RecipientId, SenderId},
    message::{Attachment, LONGEST_WAIT, NewMessage, NewRecipient},
};
use sea_orm::{FromQueryResult, Value};
use uuid::Uuid;

use super::MessageRepo;
use crate::{
    error::StorageError,
    repo::{
        row,
        sql::{keep_unparked, statement},
    },
};

/// A message to be taken over, with the ids that its rows get.
pub struct Enqueue<'a> {
    /// Its id.
    pub id: MessageId,
    /// The sender through which it leaves.
    pub sender: SenderId,
    /// Its `Message-ID` header.
    pub header_id: String,
    /// What it is.
    pub message: &'a NewMessage,
    /// One id for each of its recipients.
    pub recipient_ids: Vec<RecipientId>,
    /// The caller's promise that equal keys mean the same message.
    pub idempotency: Option<Idempotency>,
}

/// A key under which the same message may be handed over again.
pub struct Idempotency {
    /// The id of the key's row.
    pub id: Uuid,
    /// Keys are apart from route to route.
    pub route: &'static str,
    /// The key as given.
    pub key: String,
    /// SHA-256 of the request's body.
    pub body_hash: [u8; 32],
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Enqueued {
    /// The message is taken over.
    New,
    /// It was before, under the same key.
    Same {
        /// The id of the message that was accepted first.
        id: MessageId,
        /// Its `Message-ID` header.
        header_id: String,
    },
    /// The key belongs to another body.
    DifferentBody,
}

/// Accepts a message.
///
/// The lane's row is touched only if it is not due by then anyway: with many accepts at once it
/// would be the one row that all of them wait for.
const ACCEPT: &str = "
WITH sender AS (
    SELECT id FROM senders WHERE tenant_id = $1 AND id = $3 AND deleted_at IS NULL
), key AS (
    INSERT INTO idempotency_keys (tenant_id, id, route, key, body_hash, message_id)
    SELECT $1, $23::uuid, $24, $25, $26, $2 FROM sender WHERE $23::uuid IS NOT NULL
    ON CONFLICT (tenant_id, route, key) DO NOTHING
    RETURNING message_id
), message AS (
    INSERT INTO messages (tenant_id, id, sender_id, kind, priority, reference, subject, reply_to,
        header_id, size, on_uncertain, send_at, due_at, expires_at)
    SELECT $1, $2, sender.id, $4, $5, $6, $7, $8, $9, $10, $11, $12::timestamptz, start.at,
        start.at + make_interval(secs => $13)
    FROM sender
    CROSS JOIN (SELECT greatest($12::timestamptz, letterhead_now()) AS at) start
    WHERE $23::uuid IS NULL OR EXISTS (SELECT FROM key)
    RETURNING id, sender_id, due_at
), body AS (
    INSERT INTO message_bodies (tenant_id, id, text_body, html_body, attachment_names,
        attachment_types, attachment_contents)
    SELECT $1, id, $14, $15, $16, $17, $18 FROM message
), recipient AS (
    INSERT INTO recipients (tenant_id, id, message_id, position, role, email, name)
    SELECT $1, r.id, message.id, r.position, r.role, r.email, nullif(r.name, '')
    FROM message
    CROSS JOIN unnest($19::uuid[], $20::text[], $21::text[], $22::text[])
        WITH ORDINALITY AS r(id, role, email, name, position)
), wake AS (
    UPDATE lanes l SET due_at = m.due_at
    FROM message m
    WHERE l.tenant_id = $1 AND l.id = m.sender_id AND (l.due_at IS NULL OR l.due_at > m.due_at)
)
SELECT EXISTS (SELECT FROM sender) AS sender_is_there, EXISTS (SELECT FROM message) AS is_new";

const FIRST_ACCEPTED: &str = "
SELECT m.id, m.header_id, k.body_hash
FROM idempotency_keys k
JOIN messages m ON m.tenant_id = k.tenant_id AND m.id = k.message_id
WHERE k.tenant_id = $1 AND k.route = $2 AND k.key = $3";

#[derive(FromQueryResult)]
struct AcceptRow {
    sender_is_there: bool,
    is_new: bool,
}

#[derive(FromQueryResult)]
struct FirstRow {
    id: Uuid,
    header_id: String,
    body_hash: Vec<u8>,
}

impl MessageRepo<'_> {
    /// Takes a message over; it leaves when its sender is live and its turn comes.
    ///
    /// Under an idempotency key it is taken over once, however many ask at the same moment.
    ///
    /// # Errors
    ///
    /// [`StorageError::NotFound`] if the sender is gone.
    pub async fn enqueue(&self, enqueue: &Enqueue<'_>) -> Result<Enqueued, StorageError> {
        keep_unparked(self.tx, enqueue.sender).await?;
        loop {
            let accept = statement(ACCEPT, self.values(enqueue));
            let row = row::<AcceptRow>(self.tx, accept, "accept a message")
                .await?
                .ok_or(StorageError::Corrupt { table: "messages" })?;
            if row.is_new {
                return Ok(Enqueued::New);
            }
            let first = match &enqueue.idempotency {
                Some(idempotency) => self.first_accepted(idempotency).await?,
                None => None,
            };
            match first {
                Some(first) => return Ok(first),
                None if !row.sender_is_there => return Err(StorageError::NotFound("sender")),
                // The key was there and is gone: the sweep forgot it between the two statements.
                None => {}
            }
        }
    }

    async fn first_accepted(
        &self,
        idempotency: &Idempotency,
    ) -> Result<Option<Enqueued>, StorageError> {
        let values =
            [self.tenant.get().into(), idempotency.route.into(), idempotency.key.as_str().into()];
        let row = row::<FirstRow>(
            self.tx,
            statement(FIRST_ACCEPTED, values),
            "find the message first accepted under a key",
        )
        .await?;
        Ok(row.map(|row| {
            if row.body_hash == idempotency.body_hash {
                Enqueued::Same { id: row.id.into(), header_id: row.header_id }
            } else {
                Enqueued::DifferentBody
            }
        }))
    }

    fn values(&self, enqueue: &Enqueue<'_>) -> Vec<Value> {
        let Enqueue { id, sender, header_id, message, recipient_ids, idempotency } = enqueue;
        let content = &message.content;
        let files = &content.attachments;
        let people = &message.recipients;
        let of_people = |text: fn(&NewRecipient) -> &str| -> Vec<String> {
            people.iter().map(|person| text(person).to_owned()).collect()
        };
        let of_files = |text: fn(&Attachment) -> &str| -> Vec<String> {
            files.iter().map(|file| text(file).to_owned()).collect()
        };
        let contents: Vec<Vec<u8>> = files.iter().map(|file| file.content.clone()).collect();
        let recipient_ids: Vec<Uuid> = recipient_ids.iter().map(|id| id.get()).collect();
        let key = idempotency.as_ref();
        vec![
            self.tenant.get().into(),
            id.get().into(),
            sender.get().into(),
            message.kind.as_str().into(),
            priority(message).into(),
            message.reference.as_ref().map(|text| text.as_str().to_owned()).into(),
            message.subject.as_str().into(),
            message.reply_to.as_ref().map(|email| email.as_str().to_owned()).into(),
            header_id.as_str().into(),
            size(message).into(),
            message.on_uncertain.as_str().into(),
            message.send_at.into(),
            LONGEST_WAIT.as_seconds_f64().into(),
            content.text.clone().into(),
            content.html.clone().into(),
            of_files(|file| file.filename.as_str()).into(),
            of_files(|file| file.content_type.as_str()).into(),
            contents.into(),
            recipient_ids.into(),
            of_people(|person| person.role.as_str()).into(),
            of_people(|person| person.mailbox.email.as_str()).into(),
            of_people(|person| person.mailbox.name.as_ref().map_or("", |name| name.as_str()))
                .into(),
            key.map(|key| key.id).into(),
            key.map(|key| key.route.to_owned()).into(),
            key.map(|key| key.key.clone()).into(),
            key.map(|key| key.body_hash.to_vec()).into(),
        ]
    }
}

/// Order within a lane: the order in which the kinds are declared.
fn priority(message: &NewMessage) -> i16 {
    message.kind as i16
}

fn size(message: &NewMessage) -> i64 {
    let content = &message.content;
    let bodies = [&content.text, &content.html].into_iter().flatten().map(String::len);
    let files = content.attachments.iter().map(|file| file.content.len());
    i64::try_from(bodies.chain(files).sum::<usize>()).unwrap_or(i64::MAX)
}
