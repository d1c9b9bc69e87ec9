//! Mails handed over for sending.

use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use crate::{
    email::EmailAddress,
    field_errors::{FieldErrors, Invalid},
    id::{MessageId, SenderId, TenantId},
    slug::Slug,
    text::{DisplayName, FileName, Reference, SenderName, Subject},
    words::words,
};

words! {
    /// What a message is for. Within a lane the kinds leave in this order.
    MessageKind {
        /// A digital receipt.
        Receipt = "receipt",
        /// A system notification.
        Notification = "notification",
        /// A billing collection.
        Collection = "collection",
        /// A purchase statement.
        Statement = "statement",
    }
}

words! {
    /// Where a message stands.
    MessageStatus {
        /// It waits for its turn.
        Queued = "queued",
        /// A worker is handing it over.
        Sending = "sending",
        /// The server accepted it for every recipient.
        Accepted = "accepted",
        /// The server accepted it for some recipients and refused the others.
        PartlyAccepted = "partly_accepted",
        /// The server asked to try later.
        Deferred = "deferred",
        /// The account's quota is spent; it waits for the window to reset.
        Held = "held",
        /// The server refused it for good.
        Rejected = "rejected",
        /// The conversation was cut after the last octet: nobody knows.
        Uncertain = "uncertain",
        /// Somebody cancelled it.
        Cancelled = "cancelled",
        /// It was not accepted in time.
        Expired = "expired",
    }
}

impl MessageStatus {
    /// Whether the message still waits and may be cancelled.
    pub const fn may_be_cancelled(self) -> bool {
        matches!(
            self,
            Self::Queued | Self::Deferred | Self::Held | Self::Uncertain
        )
    }

    /// Whether the message may be put back into the queue, for the recipients that have not
    /// got it.
    pub const fn may_be_retried(self) -> bool {
        matches!(
            self,
            Self::Rejected
                | Self::Expired
                | Self::Uncertain
                | Self::Cancelled
                | Self::PartlyAccepted
        )
    }

    /// Whether nothing more happens to the message by itself.
    pub const fn is_final(self) -> bool {
        matches!(
            self,
            Self::Accepted
                | Self::PartlyAccepted
                | Self::Rejected
                | Self::Cancelled
                | Self::Expired
        )
    }

    /// One plain sentence for a person. `last_reply` is the server's last answer, if any.
    pub fn explanation(self, last_reply: Option<&str>) -> String {
        let sentence = match self {
            Self::Queued => "The message waits for its turn.",
            Self::Sending => "The message is being handed to the mail server.",
            Self::Accepted => "The mail server accepted the message for every recipient.",
            Self::PartlyAccepted => {
                "The mail server accepted the message for some recipients and refused others."
            }
            Self::Deferred => "The mail server could not take the message yet; it is tried again.",
            Self::Held => "The mail account's limit is reached; the message waits for its reset.",
            Self::Rejected => "The mail server refused the message for good.",
            Self::Uncertain => {
                "The connection broke before the mail server confirmed the message; \
                 it may or may not have been accepted."
            }
            Self::Cancelled => "The message was cancelled before the mail server accepted it.",
            Self::Expired => "The message was not accepted in time and is no longer tried.",
        };
        match last_reply {
            Some(reply) if !matches!(self, Self::Accepted | Self::Cancelled) => {
                format!("{sentence} The server's last answer: {reply}")
            }
            _ => sentence.to_owned(),
        }
    }
}

words! {
    /// Where a message stands for one recipient.
    RecipientStatus {
        /// Not tried yet, or to be tried again.
        Queued = "queued",
        /// The server accepted the message for this recipient.
        Accepted = "accepted",
        /// The server asked to try this recipient later.
        Deferred = "deferred",
        /// The server refused this recipient for good.
        Rejected = "rejected",
        /// Nobody knows whether the server accepted it.
        Uncertain = "uncertain",
        /// Somebody cancelled the message.
        Cancelled = "cancelled",
        /// It was not accepted in time.
        Expired = "expired",
    }
}

words! {
    /// Which header names a recipient; `bcc` is named in none.
    RecipientRole {
        /// `To`.
        To = "to",
        /// `Cc`.
        Cc = "cc",
        /// In the envelope only.
        Bcc = "bcc",
    }
}

words! {
    /// What happens to a message of which nobody knows whether the server took it.
    OnUncertain {
        /// It is sent again: better twice than never.
        Resend = "resend",
        /// It waits for a person to retry or cancel it.
        Wait = "wait",
    }
}

/// How a caller names a tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TenantRef {
    /// `self`: the tenant of the API key.
    Own,
    /// By id.
    Id(TenantId),
    /// By slug.
    Slug(Slug),
}

impl TenantRef {
    /// Reads a path segment; nothing that is malformed names a tenant.
    pub fn parse(text: &str) -> Option<Self> {
        match (text, Uuid::try_parse(text)) {
            ("self", _) => Some(Self::Own),
            (_, Ok(id)) => Some(Self::Id(id.into())),
            (_, Err(_)) => text.parse().ok().map(Self::Slug),
        }
    }
}

/// How a caller names a sender.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SenderRef {
    /// By id.
    Id(SenderId),
    /// By slug.
    Slug(Slug),
}

impl SenderRef {
    /// Reads a path segment or a field; nothing that is malformed names a sender.
    pub fn parse(text: &str) -> Option<Self> {
        match Uuid::try_parse(text) {
            Ok(id) => Some(Self::Id(id.into())),
            Err(_) => text.parse().ok().map(Self::Slug),
        }
    }
}

/// A person or thing with an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mailbox {
    /// The address.
    pub email: EmailAddress,
    /// The display name.
    pub name: Option<DisplayName>,
}

/// One recipient of a new message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRecipient {
    /// Which header names it.
    pub role: RecipientRole,
    /// Who it is.
    pub mailbox: Mailbox,
}

/// A media type (RFC 2045) without parameters that could break a header; never `multipart/*` or
/// `message/*`, which may not be base64 (RFC 2046).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContentType(String);

impl ContentType {
    /// The media type as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for ContentType {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let malformed = || Invalid::new("malformed", "use a media type such as application/pdf");
        let is_token = |part: &str| {
            !part.is_empty()
                && part.len() <= 127
                && part
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"!#$&^_.+-".contains(&b))
        };
        let (essence, parameters) = text.split_once(';').unwrap_or((text, ""));
        let essence = essence.trim().to_ascii_lowercase();
        let (kind, subtype) = essence.split_once('/').ok_or_else(malformed)?;
        if !is_token(kind) || !is_token(subtype) {
            return Err(malformed());
        }
        if matches!(kind, "multipart" | "message") {
            let message = "attach mails and multipart bodies as application/octet-stream";
            return Err(Invalid::new("not_allowed", message));
        }
        let mut text = essence.clone();
        for parameter in parameters
            .split(';')
            .map(str::trim)
            .filter(|p| !p.is_empty())
        {
            let (name, value) = parameter.split_once('=').ok_or_else(malformed)?;
            let value = value
                .strip_prefix('"')
                .and_then(|v| v.strip_suffix('"'))
                .unwrap_or(value);
            if !is_token(name) || !is_token(value) || text.len() > 200 {
                return Err(malformed());
            }
            text.push_str("; ");
            text.push_str(&name.to_ascii_lowercase());
            text.push('=');
            text.push_str(value);
        }
        Ok(Self(text))
    }
}

impl fmt::Display for ContentType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A file that goes with a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// Its name, without a folder.
    pub filename: FileName,
    /// What it is.
    pub content_type: ContentType,
    /// Its bytes.
    pub content: Vec<u8>,
}

/// What a message says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageContent {
    /// The plain text; one of text and HTML is always there.
    pub text: Option<String>,
    /// The HTML.
    pub html: Option<String>,
    /// The files.
    pub attachments: Vec<Attachment>,
}

/// A message that is well formed and not yet stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewMessage {
    /// What it is for.
    pub kind: MessageKind,
    /// Through which sender it leaves.
    pub sender: SenderRef,
    /// The caller's own reference.
    pub reference: Option<Reference>,
    /// Everybody who gets it, at least one.
    pub recipients: Vec<NewRecipient>,
    /// Where answers go, if not where the sender says.
    pub reply_to: Option<EmailAddress>,
    /// The subject.
    pub subject: Subject,
    /// What it says.
    pub content: MessageContent,
    /// Not before this time.
    pub send_at: Option<DateTime<Utc>>,
    /// What to do when nobody knows.
    pub on_uncertain: OnUncertain,
}

/// How much one message may be; the operator can change each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MessageLimits {
    /// Recipients of all roles together.
    pub recipients: usize,
    /// Attachments.
    pub attachments: usize,
    /// Text, HTML and decoded attachments together, in bytes.
    pub total_bytes: usize,
}

impl Default for MessageLimits {
    fn default() -> Self {
        Self {
            recipients: 50,
            attachments: 10,
            total_bytes: 20 * 1024 * 1024,
        }
    }
}

/// A recipient as it was typed.
pub struct MailboxInput {
    /// The address.
    pub email: String,
    /// The display name.
    pub name: Option<String>,
}

/// An attachment as it was given.
pub struct AttachmentInput {
    /// Its name.
    pub filename: String,
    /// What it is.
    pub content_type: String,
    /// Its bytes; `None` if they were not base64.
    pub content: Option<Vec<u8>>,
}

/// A message as it was given.
pub struct MessageInput {
    /// A word of [`MessageKind`].
    pub kind: String,
    /// The sender's id or slug; `default` if left out.
    pub sender: Option<String>,
    /// The caller's own reference.
    pub reference: Option<String>,
    /// `To`.
    pub to: Vec<MailboxInput>,
    /// `Cc`.
    pub cc: Vec<MailboxInput>,
    /// `Bcc`.
    pub bcc: Vec<MailboxInput>,
    /// Where answers go.
    pub reply_to: Option<String>,
    /// The subject.
    pub subject: String,
    /// The plain text.
    pub text: Option<String>,
    /// The HTML.
    pub html: Option<String>,
    /// The files.
    pub attachments: Vec<AttachmentInput>,
    /// Not before this time.
    pub send_at: Option<DateTime<Utc>>,
    /// A word of [`OnUncertain`]; `resend` if left out.
    pub on_uncertain: Option<String>,
}

/// Longest time that a message may be given in advance, and that it may wait in all.
pub const LONGEST_WAIT: TimeDelta = TimeDelta::days(30);

impl NewMessage {
    /// Parses every field and reports every one that is refused.
    ///
    /// # Errors
    ///
    /// All refused fields; limits are reported on the list that is too long, too large a message
    /// as `too_large` on `/attachments`.
    pub fn parse(
        input: MessageInput,
        limits: &MessageLimits,
        now: DateTime<Utc>,
    ) -> Result<Self, FieldErrors> {
        let mut errors = FieldErrors::default();
        let kind = errors.note("/kind", input.kind.parse());
        let sender = input.sender.as_deref().unwrap_or("default");
        let no_name = || Invalid::new("malformed", "name a sender by its id or slug");
        let sender = errors.note("/sender", SenderRef::parse(sender).ok_or_else(no_name));
        let reference = errors.note("/reference", input.reference.map(|r| r.parse()).transpose());
        let recipients = errors.recipients([input.to, input.cc, input.bcc], limits);
        let reply_to = errors.note("/reply_to", input.reply_to.map(|r| r.parse()).transpose());
        let subject = errors.note("/subject", input.subject.parse());
        let content = errors.content(input.text, input.html, input.attachments, limits);
        let too_late = input.send_at.is_some_and(|at| at > now + LONGEST_WAIT);
        if too_late {
            let message = "choose a time within the next 30 days";
            errors.push("/send_at", Invalid::new("out_of_range", message));
        }
        let on_uncertain = input.on_uncertain.as_deref().unwrap_or("resend").parse();
        let on_uncertain = errors.note("/on_uncertain", on_uncertain);

        let message = (|| {
            Some(Self {
                kind: kind?,
                sender: sender?,
                reference: reference?,
                recipients,
                reply_to: reply_to?,
                subject: subject?,
                content: content?,
                send_at: input.send_at,
                on_uncertain: on_uncertain?,
            })
        })();
        errors.or(message)
    }
}

impl FieldErrors {
    fn recipients(
        &mut self,
        typed: [Vec<MailboxInput>; 3],
        limits: &MessageLimits,
    ) -> Vec<NewRecipient> {
        let count: usize = typed.iter().map(Vec::len).sum();
        if count == 0 {
            self.push(
                "/to",
                Invalid::new("required", "name at least one recipient"),
            );
        } else if count > limits.recipients {
            self.push(
                "/to",
                Invalid::too_long(limits.recipients, "recipients in all"),
            );
            return Vec::new();
        }
        let mut recipients = Vec::with_capacity(count);
        for (&role, mailboxes) in RecipientRole::ALL.iter().zip(typed) {
            for (index, typed) in mailboxes.into_iter().enumerate() {
                let pointer = format!("/{}/{index}", role.as_str());
                let email = self.note(format!("{pointer}/email"), typed.email.parse());
                let name = typed.name.filter(|name| !name.trim().is_empty());
                let name = name.map(|name| name.parse()).transpose();
                let name = self.note(format!("{pointer}/name"), name);
                if let (Some(email), Some(name)) = (email, name) {
                    recipients.push(NewRecipient {
                        role,
                        mailbox: Mailbox { email, name },
                    });
                }
            }
        }
        recipients
    }

    fn content(
        &mut self,
        text: Option<String>,
        html: Option<String>,
        attachments: Vec<AttachmentInput>,
        limits: &MessageLimits,
    ) -> Option<MessageContent> {
        let text = text.filter(|text| !text.is_empty());
        let html = html.filter(|html| !html.is_empty());
        if text.is_none() && html.is_none() {
            self.push(
                "/text",
                Invalid::new("required", "give a text, an HTML body, or both"),
            );
        }
        for (pointer, body) in [("/text", &text), ("/html", &html)] {
            let has_nul = body.as_ref().is_some_and(|body| body.contains('\0'));
            if has_nul {
                self.push(
                    pointer,
                    Invalid::new("control_character", "leave out NUL characters"),
                );
            }
        }
        if attachments.len() > limits.attachments {
            self.push(
                "/attachments",
                Invalid::too_long(limits.attachments, "attachments"),
            );
            return None;
        }
        let given = attachments.len();
        let attachments: Vec<Attachment> = attachments
            .into_iter()
            .enumerate()
            .filter_map(|(index, typed)| self.attachment(index, typed))
            .collect();
        let size = text.as_ref().map_or(0, String::len)
            + html.as_ref().map_or(0, String::len)
            + attachments.iter().map(|a| a.content.len()).sum::<usize>();
        if size > limits.total_bytes {
            let message = format!(
                "text, HTML and attachments are {size} bytes together; use at most {}",
                limits.total_bytes
            );
            self.push("/attachments", Invalid::new("too_large", message));
        }
        (attachments.len() == given).then_some(MessageContent {
            text,
            html,
            attachments,
        })
    }

    fn attachment(&mut self, index: usize, typed: AttachmentInput) -> Option<Attachment> {
        let pointer = format!("/attachments/{index}");
        let filename = match typed.filename.parse::<FileName>() {
            Ok(name) if name.as_str().contains(['/', '\\']) => Err(Invalid::new(
                "malformed",
                "give a file name without a folder",
            )),
            parsed => parsed,
        };
        let filename = self.note(format!("{pointer}/filename"), filename);
        let content_type = self.note(
            format!("{pointer}/content_type"),
            typed.content_type.parse(),
        );
        let not_base64 = || Invalid::new("malformed", "encode the file as base64 (RFC 4648)");
        let content = self.note(
            format!("{pointer}/content_base64"),
            typed.content.ok_or_else(not_base64),
        );
        Some(Attachment {
            filename: filename?,
            content_type: content_type?,
            content: content?,
        })
    }
}

/// The `Message-ID` of a message (RFC 5322, section 3.6.4), fixed when it is accepted.
pub fn message_id_header(id: MessageId, sender: &EmailAddress) -> String {
    format!("<{id}@{}>", sender.domain())
}

/// Everything that composing a mail needs; equal values give equal mails but for the MIME
/// boundaries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutgoingMail {
    /// The sender's name.
    pub from_name: SenderName,
    /// The sender's address.
    pub from: EmailAddress,
    /// Where answers go.
    pub reply_to: Option<EmailAddress>,
    /// The `To` header.
    pub to: Vec<Mailbox>,
    /// The `Cc` header.
    pub cc: Vec<Mailbox>,
    /// The subject.
    pub subject: Subject,
    /// What it says.
    pub content: MessageContent,
    /// The `Message-ID` header, angle brackets included.
    pub message_id: String,
    /// The `Date` header.
    pub date: DateTime<Utc>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input() -> MessageInput {
        MessageInput {
            kind: "receipt".to_owned(),
            sender: None,
            reference: None,
            to: vec![MailboxInput {
                email: "ann@example.net".to_owned(),
                name: None,
            }],
            cc: vec![],
            bcc: vec![],
            reply_to: None,
            subject: "Your receipt".to_owned(),
            text: Some("Thank you.".to_owned()),
            html: None,
            attachments: vec![],
            send_at: None,
            on_uncertain: None,
        }
    }

    fn pointers(input: MessageInput) -> Vec<String> {
        let errors = NewMessage::parse(input, &MessageLimits::default(), DateTime::UNIX_EPOCH)
            .expect_err("refused");
        errors.iter().map(|error| error.pointer.clone()).collect()
    }

    #[test]
    fn a_plain_message_goes_through_the_default_sender_and_is_resent_when_uncertain() {
        let message =
            NewMessage::parse(input(), &MessageLimits::default(), DateTime::UNIX_EPOCH).unwrap();

        assert_eq!(message.sender, SenderRef::Slug("default".parse().unwrap()));
        assert_eq!(message.on_uncertain, OnUncertain::Resend);
    }

    #[test]
    fn every_refused_field_is_reported_under_its_pointer() {
        let broken = MessageInput {
            kind: "spam".to_owned(),
            to: vec![
                MailboxInput {
                    email: "ann@example.net".to_owned(),
                    name: None,
                },
                MailboxInput {
                    email: "eve@example.net\nBcc: x@example.net".to_owned(),
                    name: Some("Eve\r\n".to_owned() + "x"),
                },
            ],
            subject: "a\nb".to_owned(),
            text: None,
            attachments: vec![AttachmentInput {
                filename: "../etc/passwd".to_owned(),
                content_type: "multipart/mixed".to_owned(),
                content: None,
            }],
            ..input()
        };

        assert_eq!(
            pointers(broken),
            [
                "/kind",
                "/to/1/email",
                "/to/1/name",
                "/subject",
                "/text",
                "/attachments/0/filename",
                "/attachments/0/content_type",
                "/attachments/0/content_base64",
            ],
        );
    }

    #[test]
    fn a_message_beyond_its_limits_is_refused() {
        let many = (0..51).map(|n| MailboxInput {
            email: format!("a{n}@example.net"),
            name: None,
        });
        assert_eq!(
            pointers(MessageInput {
                to: many.collect(),
                ..input()
            }),
            ["/to"]
        );

        let none = MessageInput {
            to: vec![],
            ..input()
        };
        assert_eq!(pointers(none), ["/to"]);

        let large = MessageInput {
            text: Some("x".repeat(20 * 1024 * 1024 + 1)),
            ..input()
        };
        assert_eq!(pointers(large), ["/attachments"]);

        let late = DateTime::UNIX_EPOCH + TimeDelta::days(31);
        assert_eq!(
            pointers(MessageInput {
                send_at: Some(late),
                ..input()
            }),
            ["/send_at"]
        );
    }

    #[test]
    fn a_content_type_carries_only_tokens() {
        let cases = [
            ("application/pdf", Some("application/pdf")),
            (
                "Text/CSV; Charset=\"utf-8\"",
                Some("text/csv; charset=utf-8"),
            ),
            ("text/plain\r\nX: y", None),
            ("text", None),
            ("text/plain; a=b\r\nc", None),
            ("message/rfc822", None),
            ("multipart/mixed; boundary=x", None),
        ];
        for (text, parsed) in cases {
            assert_eq!(
                text.parse::<ContentType>()
                    .ok()
                    .as_ref()
                    .map(ContentType::as_str),
                parsed
            );
        }
    }

    #[test]
    fn what_may_be_cancelled_or_retried_is_a_matter_of_the_status() {
        use MessageStatus::*;
        let cancellable = [Queued, Deferred, Held, Uncertain];
        let retryable = [PartlyAccepted, Rejected, Uncertain, Cancelled, Expired];
        for &status in MessageStatus::ALL {
            assert_eq!(
                status.may_be_cancelled(),
                cancellable.contains(&status),
                "{status:?}"
            );
            assert_eq!(
                status.may_be_retried(),
                retryable.contains(&status),
                "{status:?}"
            );
        }
    }
}
