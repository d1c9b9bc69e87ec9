//! Mails handed over for sending.

use chrono::{DateTime, Utc};

use crate::{
    email::EmailAddress,
    id::MessageId,
    text::{DisplayName, FileName, Reference, SenderName, Subject},
    words::words,
};

mod content_type;
mod input;
mod reference;

pub use content_type::ContentType;
pub use input::{AttachmentInput, LONGEST_WAIT, MailboxInput, MessageInput, MessageLimits};
pub use reference::{SenderRef, TenantRef};

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
        matches!(self, Self::Queued | Self::Deferred | Self::Held | Self::Uncertain)
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

    /// Whether the server's last answer tells a person more than the status does.
    pub const fn reply_matters(self) -> bool {
        !matches!(self, Self::Accepted | Self::Cancelled)
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

impl MessageContent {
    /// Text, HTML and files together, in bytes.
    pub fn bytes(&self) -> usize {
        let bodies = [&self.text, &self.html].into_iter().flatten().map(String::len);
        bodies.chain(self.attachments.iter().map(|file| file.content.len())).sum()
    }
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
mod tests;
