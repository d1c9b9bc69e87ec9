//! What requests and answers about messages look like.

use chrono::{DateTime, Utc};
use letterhead_domain::{
    delivery::AttemptWord,
    message::{
        AttachmentInput, MailboxInput, MessageInput, MessageKind, MessageStatus, OnUncertain,
        RecipientRole, RecipientStatus,
    },
};
use letterhead_storage::record::{AttemptRecord, MessageRecord, RecipientRecord};
use poem_openapi::{Object, types::Example};

use crate::{
    app::messages::Accepted,
    http::{
        error::ApiError,
        files::Files,
        problem::Problem,
        text::{Text, Word},
    },
};

/// A mail to be sent.
#[derive(Object)]
#[oai(deny_unknown_fields, example)]
pub(super) struct CreateMessage {
    /// What it is for. Receipts leave first, statements last
    kind: Word<MessageKind>,
    /// The sender's id or slug; left out, it is `default`
    #[oai(nullable)]
    sender: Option<String>,
    /// Your own reference, such as an invoice number, at most 200 characters
    #[oai(nullable)]
    reference: Option<String>,
    /// Who gets it. At least one recipient in `to`, `cc` or `bcc`, and at most 50 in all
    #[oai(nullable)]
    to: Option<Vec<MailboxBody>>,
    /// Who gets a copy
    #[oai(nullable)]
    cc: Option<Vec<MailboxBody>>,
    /// Who gets a copy that nobody else sees
    #[oai(nullable)]
    bcc: Option<Vec<MailboxBody>>,
    /// Where answers go, if not where the sender says
    #[oai(nullable)]
    reply_to: Option<String>,
    /// One line of at most 998 bytes
    subject: String,
    /// The plain text; at least one of `text` and `html` must be given
    #[oai(nullable)]
    text: Option<String>,
    /// The HTML
    #[oai(nullable)]
    html: Option<String>,
    /// Files to go with it: at most 10, and with text and HTML at most 20 MiB
    #[oai(nullable)]
    attachments: Option<Vec<AttachmentBody>>,
    /// Not before this time, within the next 30 days
    #[oai(nullable)]
    send_at: Option<DateTime<Utc>>,
    /// What to do if the connection breaks before the server confirms: send it again (`resend`, the
    /// default: it may arrive twice), or `wait` for a person
    #[oai(nullable)]
    on_uncertain: Option<Word<OnUncertain>>,
}

/// A recipient.
#[derive(Object)]
#[oai(deny_unknown_fields, rename = "Mailbox")]
struct MailboxBody {
    /// One plain address
    email: String,
    /// The name to show, at most 200 characters
    #[oai(nullable)]
    name: Option<String>,
}

/// A file that goes with a message.
#[derive(Object)]
#[oai(deny_unknown_fields, rename = "Attachment")]
struct AttachmentBody {
    /// Its name, without a folder
    filename: String,
    /// What it is, such as `application/pdf`
    content_type: String,
    /// Its bytes as base64 (RFC 4648, section 4, with padding)
    content_base64: String,
}

impl Example for CreateMessage {
    fn example() -> Self {
        Self {
            kind: MessageKind::Receipt.into(),
            sender: Some("default".to_owned()),
            reference: Some("INV-4711".to_owned()),
            to: Some(vec![MailboxBody {
                email: "ann@example.net".to_owned(),
                name: Some("Ann".to_owned()),
            }]),
            cc: None,
            bcc: None,
            reply_to: None,
            subject: "Your receipt 4711".to_owned(),
            text: Some("Thank you for your purchase.".to_owned()),
            html: None,
            attachments: None,
            send_at: None,
            on_uncertain: Some(OnUncertain::Resend.into()),
        }
    }
}

impl CreateMessage {
    /// The field of an attachment that may be large.
    pub(super) const FILES: &str = "content_base64";

    /// What it says; the long ones of its files are in `files`.
    pub(super) fn input(self, files: &mut Files) -> MessageInput {
        let mailboxes = |list: Option<Vec<MailboxBody>>| {
            let list = list.unwrap_or_default().into_iter();
            list.map(|MailboxBody { email, name }| MailboxInput { email, name }).collect()
        };
        let attachments = self.attachments.unwrap_or_default().into_iter();
        MessageInput {
            kind: self.kind.into_string(),
            sender: self.sender,
            reference: self.reference,
            to: mailboxes(self.to),
            cc: mailboxes(self.cc),
            bcc: mailboxes(self.bcc),
            reply_to: self.reply_to,
            subject: self.subject,
            text: self.text,
            html: self.html,
            attachments: attachments.map(|file| file.input(files)).collect(),
            send_at: self.send_at,
            on_uncertain: self.on_uncertain.map(Text::into_string),
        }
    }
}

impl AttachmentBody {
    fn input(self, files: &mut Files) -> AttachmentInput {
        let content = files.take(&self.content_base64);
        AttachmentInput { filename: self.filename, content_type: self.content_type, content }
    }
}

/// A message that was taken over.
#[derive(Object)]
pub(super) struct AcceptedMessage {
    /// Its id
    id: String,
    /// Where it stands
    status: Word<MessageStatus>,
    /// Its `Message-ID` header, angle brackets included
    message_id: String,
}

impl From<Accepted> for AcceptedMessage {
    fn from(accepted: Accepted) -> Self {
        Self {
            id: accepted.id.to_string(),
            status: accepted.status.into(),
            message_id: accepted.header_id,
        }
    }
}

/// Many messages to be taken over, each by itself.
#[derive(Object)]
#[oai(deny_unknown_fields)]
pub(super) struct CreateBatch {
    /// 1 to 500 messages
    messages: Vec<BatchItem>,
}

/// One message of many.
#[derive(Object)]
#[oai(deny_unknown_fields)]
pub(super) struct BatchItem {
    /// 1 to 255 visible ASCII characters of your choice that name this message: the same item again
    /// under the same key is the same message, for 7 days
    #[oai(nullable)]
    pub(super) idempotency_key: Option<String>,
    /// The message
    pub(super) message: CreateMessage,
}

/// What came of each message, in the order in which they were given.
#[derive(Object)]
pub(super) struct BatchResults {
    /// One for each message
    pub(super) results: Vec<BatchResult>,
}

/// What came of one message of many.
#[derive(Object)]
pub(super) struct BatchResult {
    /// Which one it is, counted from 0
    index: usize,
    /// The status that a call of its own would have been answered with: 202 if it was taken over
    status: u16,
    /// The message, if it was taken over
    #[oai(nullable)]
    message: Option<AcceptedMessage>,
    /// Why it was not taken over
    #[oai(nullable)]
    problem: Option<Problem>,
}

impl BatchResult {
    /// The result of the message at `index`.
    pub(super) fn new(index: usize, result: Result<Accepted, ApiError>) -> Self {
        match result {
            Ok(accepted) => {
                Self { index, status: 202, message: Some(accepted.into()), problem: None }
            }
            Err(error) => {
                let problem = error.into_problem();
                Self { index, status: problem.status(), message: None, problem: Some(problem) }
            }
        }
    }
}

/// A message as it stands. What it says is not shown.
#[derive(Object)]
#[expect(clippy::struct_field_names, reason = "the contract names the field")]
pub(super) struct Message {
    /// Its id
    id: String,
    /// The slug of the sender through which it leaves
    sender: String,
    /// That sender's id
    sender_id: String,
    /// What it is for
    kind: Word<MessageKind>,
    /// Your own reference
    #[oai(nullable)]
    reference: Option<String>,
    /// Its subject
    subject: String,
    /// Where answers go, if not where the sender says
    #[oai(nullable)]
    reply_to: Option<String>,
    /// Where it stands. `accepted` means by the mail server, which may still fail to deliver it
    status: Word<MessageStatus>,
    /// The same in one plain sentence
    explanation: String,
    /// Its `Message-ID` header, angle brackets included
    message_id: String,
    /// Text, HTML and decoded attachments, in bytes
    size: u64,
    /// What happens if the connection breaks before the server confirms
    on_uncertain: Word<OnUncertain>,
    /// Not before this time, as you wished
    #[oai(nullable)]
    send_at: Option<DateTime<Utc>>,
    /// When it may be tried next; `null` when it does not wait, or waits for its sender
    #[oai(nullable)]
    next_attempt_at: Option<DateTime<Utc>>,
    /// When it was taken over
    created_at: DateTime<Utc>,
    /// When it last changed
    updated_at: DateTime<Utc>,
    /// Who gets it, and where it stands for each
    recipients: Vec<Recipient>,
    /// Every try to hand it over, newest last
    attempts: Vec<Attempt>,
}

impl From<MessageRecord> for Message {
    fn from(record: MessageRecord) -> Self {
        Self {
            id: record.id.to_string(),
            sender: record.sender_slug.to_string(),
            sender_id: record.sender.to_string(),
            kind: record.kind.into(),
            reference: record.reference.map(|reference| reference.to_string()),
            subject: record.subject.as_str().to_owned(),
            reply_to: record.reply_to.map(|address| address.to_string()),
            status: record.status.into(),
            explanation: record.explanation.sentence(
                record.next_attempt_at,
                record.last_reply.as_deref().filter(|_| record.status.reply_matters()),
            ),
            message_id: record.header_id,
            size: record.size,
            on_uncertain: record.on_uncertain.into(),
            send_at: record.send_at,
            next_attempt_at: record.next_attempt_at,
            created_at: record.created_at,
            updated_at: record.updated_at,
            recipients: record.recipients.into_iter().map(Into::into).collect(),
            attempts: record.attempts.into_iter().map(Into::into).collect(),
        }
    }
}

/// One recipient of a message.
#[derive(Object)]
struct Recipient {
    /// Which header names them; `bcc` is named in none
    role: Word<RecipientRole>,
    /// Their address
    email: String,
    /// The name to show
    #[oai(nullable)]
    name: Option<String>,
    /// Where the message stands for them
    status: Word<RecipientStatus>,
    /// What the mail server last said about them: a stranger's text
    #[oai(nullable)]
    reply: Option<String>,
}

impl From<RecipientRecord> for Recipient {
    fn from(record: RecipientRecord) -> Self {
        Self {
            role: record.role.into(),
            email: record.mailbox.email.to_string(),
            name: record.mailbox.name.map(|name| name.to_string()),
            status: record.status.into(),
            reply: record.last_reply,
        }
    }
}

/// One try to hand a message to its mail server.
#[derive(Object)]
struct Attempt {
    /// 1 for the first
    number: u32,
    /// The settings version that was used
    version: u32,
    /// When it began
    started_at: DateTime<Utc>,
    /// When its result was recorded; `null` while it is under way
    #[oai(nullable)]
    finished_at: Option<DateTime<Utc>>,
    /// How it ended; `null` while it is under way
    #[oai(nullable)]
    outcome: Option<Word<AttemptWord>>,
    /// What the mail server said, or what stood in the way: a stranger's text
    #[oai(nullable)]
    reply: Option<String>,
}

impl From<AttemptRecord> for Attempt {
    fn from(record: AttemptRecord) -> Self {
        Self {
            number: record.number,
            version: record.version.0,
            started_at: record.started_at,
            finished_at: record.finished_at,
            outcome: record.outcome.map(Into::into),
            reply: record.reply,
        }
    }
}
