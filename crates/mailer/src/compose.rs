//! Composition of the mail that leaves (RFC 5322 and MIME).
//!
//! Bodies and attachments are encoded into ASCII here, whatever they hold, so only an address
//! outside ASCII makes a mail that needs more than the oldest server. No caller can name a
//! header. `Bcc` is in none.

use base64::{Engine, prelude::BASE64_STANDARD};
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
const MAX_PLAIN_WORD: usize = 60;
/// How much text one encoded word carries, in bytes.
const WORD_BYTES: usize = 45;

/// A mail as it goes over the wire, before dot-stuffing: lines of at most 998 bytes, each ended
/// by CRLF, and no other CR or LF.
#[derive(Clone, PartialEq, Eq)]
pub struct ComposedMail {
    bytes: Vec<u8>,
    has_leading_dots: bool,
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

    /// Whether a line begins with a dot, so that the mail must be stuffed.
    pub(crate) const fn has_leading_dots(&self) -> bool {
        self.has_leading_dots
    }

    /// The mail with its leading dots doubled and the final dot (RFC 5321, section 4.5.2).
    pub(crate) fn dot_stuffed(&self) -> Vec<u8> {
        let mut stuffed = Vec::with_capacity(self.bytes.len() + self.bytes.len() / 64 + 8);
        Self::stuff(&self.bytes, &mut stuffed);
        stuffed.extend_from_slice(b".\r\n");
        stuffed
    }

    /// Adds whole lines to `stuffed`, their leading dots doubled.
    pub(crate) fn stuff(lines: &[u8], stuffed: &mut Vec<u8>) {
        for line in lines.split_inclusive(|byte| *byte == b'\n') {
            if line.first() == Some(&b'.') {
                stuffed.push(b'.');
            }
            stuffed.extend_from_slice(line);
        }
    }

    /// The mail in pieces of whole lines, each of at most `size` bytes; `size` is more than a
    /// line.
    pub(crate) fn pieces(&self, size: usize) -> impl Iterator<Item = &[u8]> {
        let mut rest = self.bytes.as_slice();
        std::iter::from_fn(move || {
            let head = rest.get(..size).unwrap_or(rest);
            let end = head.iter().rposition(|byte| *byte == b'\n')? + 1;
            let (piece, left) = rest.split_at(end);
            rest = left;
            Some(piece)
        })
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
        if !is_sound {
            return Err(ComposeError::Line);
        }
        let has_leading_dots =
            bytes.first() == Some(&b'.') || bytes.windows(2).any(|pair| pair == b"\n.");
        Ok(Self { bytes, has_leading_dots })
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
    let nobody = mail.to.is_empty() && mail.cc.is_empty();
    if nobody {
        let group = "undisclosed-recipients:;".to_owned();
        builder = builder.raw_header(encoded("To", group));
    }
    for (name, mailboxes) in [("To", &mail.to), ("Cc", &mail.cc)] {
        if !mailboxes.is_empty() {
            let list: Vec<_> = mailboxes.iter().map(header_mailbox).collect();
            builder = builder.raw_header(encoded(name, list.join(",\r\n ")));
        }
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

/// A header in the form that it has on the wire.
fn encoded(name: &'static str, wire: String) -> HeaderValue {
    let name = HeaderName::new_from_ascii_str(name);
    HeaderValue::dangerous_new_pre_encoded(name, wire.clone(), wire)
}

/// A mailbox in a list. The library's own list folds nowhere once a name is long, and a line of
/// fifty names is too long for any server.
fn header_mailbox(mailbox: &Mailbox) -> String {
    let email = &mailbox.email;
    let Some(name) = &mailbox.name else {
        return email.to_string();
    };
    let name = name.as_str();
    if name.is_ascii() {
        let name = name.replace('\\', "\\\\").replace('"', "\\\"");
        format!("\"{name}\" <{email}>")
    } else {
        format!("{} <{email}>", encoded_words(name))
    }
}

/// The subject; one with a word too long to fold around is written as encoded words.
fn subject(text: &str) -> HeaderValue {
    if text.split(' ').all(|word| word.len() <= MAX_PLAIN_WORD) {
        HeaderValue::new(HeaderName::new_from_ascii_str("Subject"), text.to_owned())
    } else {
        encoded("Subject", encoded_words(text))
    }
}

/// `text` as encoded words (RFC 2047), each of at most 75 bytes. The white space between them is
/// not part of the text.
fn encoded_words(text: &str) -> String {
    let mut words: Vec<String> = vec![String::new()];
    for c in text.chars() {
        match words.last_mut() {
            Some(word) if word.len() + c.len_utf8() <= WORD_BYTES => word.push(c),
            Some(_) | None => words.push(c.to_string()),
        }
    }
    let words = words.iter().map(|word| format!("=?utf-8?B?{}?=", BASE64_STANDARD.encode(word)));
    words.collect::<Vec<_>>().join("\r\n ")
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
    // Always base64: lettre would choose quoted-printable for a file that happens to be ASCII, and
    // some readers then mend its line ends.
    let content = attachment.content.clone();
    let body =
        Body::new_with_encoding(content, ContentTransferEncoding::Base64).unwrap_or_else(Body::new);
    let part = AttachmentPart::new(attachment.filename.as_str().to_owned());
    Ok(part.body(body, content_type))
}

#[cfg(test)]
mod tests;
