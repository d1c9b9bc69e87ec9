//! Messages as callers type them, and how they become well formed.

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    Attachment, Mailbox, MessageContent, NewMessage, NewRecipient, RecipientRole, SenderRef,
};
use crate::{
    field_errors::{FieldErrors, Invalid},
    text::FileName,
};

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
        Self { recipients: 50, attachments: 10, total_bytes: 20 * 1024 * 1024 }
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
    /// A word of [`MessageKind`](super::MessageKind).
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
    /// A word of [`OnUncertain`](super::OnUncertain); `resend` if left out.
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
            self.push("/to", Invalid::new("required", "name at least one recipient"));
        } else if count > limits.recipients {
            self.push("/to", Invalid::too_long(limits.recipients, "recipients in all"));
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
                    recipients.push(NewRecipient { role, mailbox: Mailbox { email, name } });
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
            self.push("/text", Invalid::new("required", "give a text, an HTML body, or both"));
        }
        for (pointer, body) in [("/text", &text), ("/html", &html)] {
            let has_nul = body.as_ref().is_some_and(|body| body.contains('\0'));
            if has_nul {
                self.push(pointer, Invalid::new("control_character", "leave out NUL characters"));
            }
        }
        if attachments.len() > limits.attachments {
            self.push("/attachments", Invalid::too_long(limits.attachments, "attachments"));
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
        (attachments.len() == given).then_some(MessageContent { text, html, attachments })
    }

    fn attachment(&mut self, index: usize, typed: AttachmentInput) -> Option<Attachment> {
        let pointer = format!("/attachments/{index}");
        let filename = match typed.filename.parse::<FileName>() {
            Ok(name) if name.as_str().contains(['/', '\\']) => {
                Err(Invalid::new("malformed", "give a file name without a folder"))
            }
            parsed => parsed,
        };
        let filename = self.note(format!("{pointer}/filename"), filename);
        let content_type = self.note(format!("{pointer}/content_type"), typed.content_type.parse());
        let not_base64 = || Invalid::new("malformed", "encode the file as base64 (RFC 4648)");
        let content =
            self.note(format!("{pointer}/content_base64"), typed.content.ok_or_else(not_base64));
        Some(Attachment { filename: filename?, content_type: content_type?, content: content? })
    }
}
