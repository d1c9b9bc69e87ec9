//! Composition of the mail that leaves (RFC 5322 and MIME).
//!
//! Bodies and attachments are encoded into ASCII here, whatever they hold, so only an address
//! outside ASCII makes a mail that needs more than the oldest server. No caller can name a
//! header. `Bcc` is in none.

use std::fmt::Write;

use letterhead_domain::{
    email::EmailAddress,
    message::{Attachment, Mailbox, MessageContent, OutgoingMail},
};
use lettre::{
    Address,
    address::Envelope,
    message::{
        Attachment as AttachmentPart, Body, Mailbox as HeaderMailbox, Message, MultiPart,
        SinglePart,
        header::{ContentTransferEncoding, ContentType, HeaderName, HeaderValue, MIME_VERSION_1_0},
    },
};

/// Longest line in bytes, CRLF not counted (RFC 5322, section 2.1.1).
const MAX_LINE: usize = 998;
/// Longest line of a body that stays as it is; longer ones make the body quoted-printable.
const MAX_PLAIN_LINE: usize = 900;
/// Longest word of a subject that can be folded around.
const MAX_PLAIN_WORD: usize = 200;

/// A mail as it goes over the wire, before dot-stuffing: lines of at most 998 bytes, each ended
/// by CRLF, and no other CR or LF.
#[derive(Clone, PartialEq, Eq)]
pub struct ComposedMail {
    bytes: Vec<u8>,
}

type Source = Box<dyn std::error::Error + Send + Sync>;

/// Why a mail could not be composed. Repeats nothing of the mail: it is the tenant's.
#[derive(Debug, thiserror::Error)]
pub enum ComposeError {
    /// The library underneath takes a narrower view of addresses than we do.
    #[error("an address cannot be written in a header")]
    Address(#[source] Source),
    /// A media type cannot be written in a header.
    #[error("the media type of an attachment cannot be written in a header")]
    ContentType(#[source] Source),
    /// The library underneath refused the whole.
    #[error("the parts do not make a mail")]
    Mail(#[source] Source),
    /// The result has a bare CR or LF, a NUL, or too long a line.
    #[error("the composed mail has a malformed line")]
    Line,
}

impl ComposedMail {
    /// The mail as it is to arrive.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether any server can carry it; otherwise it takes SMTPUTF8 (RFC 6531).
    pub fn is_ascii(&self) -> bool {
        self.bytes.is_ascii()
    }

    /// The mail with its leading dots doubled and the final dot (RFC 5321, section 4.5.2).
    pub(crate) fn dot_stuffed(&self) -> Vec<u8> {
        let mut stuffed = Vec::with_capacity(self.bytes.len() + self.bytes.len() / 64 + 8);
        for line in self.bytes.split_inclusive(|byte| *byte == b'\n') {
            if line.first() == Some(&b'.') {
                stuffed.push(b'.');
            }
            stuffed.extend_from_slice(line);
        }
        stuffed.extend_from_slice(b".\r\n");
        stuffed
    }

    /// Takes the bytes if a server can be trusted to see one message in them and no more: a bare
    /// LF before a dot ends the message for some servers (SMTP smuggling).
    fn new(mut bytes: Vec<u8>) -> Result<Self, ComposeError> {
        if !bytes.ends_with(b"\r\n") {
            bytes.extend_from_slice(b"\r\n");
        }
        let is_sound = bytes.split_inclusive(|byte| *byte == b'\n').all(|line| {
            line.strip_suffix(b"\r\n").is_some_and(|line| {
                line.len() <= MAX_LINE && !line.iter().any(|byte| matches!(byte, b'\r' | 0))
            })
        });
        if is_sound { Ok(Self { bytes }) } else { Err(ComposeError::Line) }
    }
}

/// Composes `mail`. Equal mails differ in their MIME boundaries alone.
///
/// # Errors
///
/// [`ComposeError`] if the library underneath refuses a part of it.
pub fn compose(mail: &OutgoingMail) -> Result<ComposedMail, ComposeError> {
    let from = HeaderMailbox::new(Some(mail.from_name.as_str().to_owned()), address(&mail.from)?);
    // The envelope is ours to give at MAIL and RCPT; the builder only wants to have one.
    let envelope = Envelope::new(None, vec![from.email.clone()])
        .map_err(|error| ComposeError::Address(error.into()))?;
    let mut builder = Message::builder()
        .envelope(envelope)
        .date(mail.date.into())
        .message_id(Some(mail.message_id.clone()))
        .from(from);
    if let Some(reply_to) = &mail.reply_to {
        builder = builder.reply_to(HeaderMailbox::new(None, address(reply_to)?));
    }
    for mailbox in &mail.to {
        builder = builder.to(header_mailbox(mailbox)?);
    }
    for mailbox in &mail.cc {
        builder = builder.cc(header_mailbox(mailbox)?);
    }
    if mail.to.is_empty() && mail.cc.is_empty() {
        let nobody = "undisclosed-recipients:;".to_owned();
        builder = builder.raw_header(HeaderValue::dangerous_new_pre_encoded(
            HeaderName::new_from_ascii_str("To"),
            nobody.clone(),
            nobody,
        ));
    }
    let builder = builder.raw_header(subject(mail.subject.as_str()));
    let message = match part(&mail.content)? {
        // Not `singlepart`, which would add an empty line to the text.
        Part::Text(content_type, body) => {
            builder.header(MIME_VERSION_1_0).header(content_type).body(body)
        }
        Part::Multi(part) => builder.multipart(part),
    };
    let message = message.map_err(|error| ComposeError::Mail(error.into()))?;
    ComposedMail::new(message.formatted())
}

enum Part {
    Text(ContentType, Body),
    Multi(MultiPart),
}

fn address(email: &EmailAddress) -> Result<Address, ComposeError> {
    Address::new(email.local_part(), email.domain())
        .map_err(|error| ComposeError::Address(error.into()))
}

fn header_mailbox(mailbox: &Mailbox) -> Result<HeaderMailbox, ComposeError> {
    let name = mailbox.name.as_ref().map(|name| name.as_str().to_owned());
    Ok(HeaderMailbox::new(name, address(&mailbox.email)?))
}

/// The subject; one with a word too long to fold around is written as encoded words (RFC 2047).
fn subject(text: &str) -> HeaderValue {
    let name = HeaderName::new_from_ascii_str("Subject");
    let folds = text.split(' ').all(|word| word.len() <= MAX_PLAIN_WORD);
    if folds || !text.is_ascii() {
        return HeaderValue::new(name, text.to_owned());
    }
    let mut words = Vec::with_capacity(text.len() / 30 + 1);
    for chunk in text.as_bytes().chunks(30) {
        let mut word = "=?utf-8?Q?".to_owned();
        for byte in chunk {
            // Writing to a string cannot fail.
            let _ = write!(word, "={byte:02X}");
        }
        word.push_str("?=");
        words.push(word);
    }
    // White space between encoded words is not part of the text.
    HeaderValue::dangerous_new_pre_encoded(name, text.to_owned(), words.join("\r\n "))
}

fn part(content: &MessageContent) -> Result<Part, ComposeError> {
    let single =
        |content_type, body| SinglePart::builder().content_type(content_type).body::<Body>(body);
    let text = content.text.as_deref().map(body);
    let html = content.html.as_deref().map(body);
    let part = match (text, html) {
        (Some(text), Some(html)) => Part::Multi(
            MultiPart::alternative()
                .singlepart(single(ContentType::TEXT_PLAIN, text))
                .singlepart(single(ContentType::TEXT_HTML, html)),
        ),
        (None, Some(html)) => Part::Text(ContentType::TEXT_HTML, html),
        (Some(text), None) => Part::Text(ContentType::TEXT_PLAIN, text),
        (None, None) => Part::Text(ContentType::TEXT_PLAIN, body("")),
    };
    if content.attachments.is_empty() {
        return Ok(part);
    }
    let mut mixed = match part {
        Part::Text(content_type, body) => MultiPart::mixed().singlepart(single(content_type, body)),
        Part::Multi(part) => MultiPart::mixed().multipart(part),
    };
    for attachment in &content.attachments {
        mixed = mixed.singlepart(attachment_part(attachment)?);
    }
    Ok(Part::Multi(mixed))
}

/// A text in the encoding that suits it: as it is, quoted-printable or base64.
fn body(text: &str) -> Body {
    let text = text.replace("\r\n", "\n").replace(['\r', '\n'], "\r\n");
    let is_plain = text.split("\r\n").all(|line| line.len() <= MAX_PLAIN_LINE)
        && text.bytes().all(|byte| matches!(byte, b'\t' | b'\r' | b'\n' | b' '..=b'~'));
    if is_plain || !text.is_ascii() {
        Body::new(text)
    } else {
        // Encoding a text cannot fail this way: every text is sound quoted-printable.
        Body::new_with_encoding(text, ContentTransferEncoding::QuotedPrintable)
            .unwrap_or_else(Body::new)
    }
}

fn attachment_part(attachment: &Attachment) -> Result<SinglePart, ComposeError> {
    let content_type = ContentType::parse(attachment.content_type.as_str())
        .map_err(|error| ComposeError::ContentType(error.into()))?;
    // Bytes, not text, so always base64: the file arrives as it was given.
    let part = AttachmentPart::new(attachment.filename.as_str().to_owned());
    Ok(part.body(attachment.content.clone(), content_type))
}

#[cfg(test)]
mod tests;
