//! Composition of the mail that leaves (RFC 5322 and MIME).
//!
//! Bodies and attachments are encoded into ASCII here, whatever they hold, so only an address
//! outside ASCII makes a mail that needs more than the oldest server. No caller can name a
//! header. `Bcc` is in none.

mod base64_lines;
mod composed;

use std::mem;

use base64::{Engine, prelude::BASE64_STANDARD};
use letterhead_domain::{
    email::EmailAddress,
    message::{Attachment, Mailbox, MessageContent, OutgoingMail},
};
use lettre::{
    Address,
    address::Envelope,
    message::{
        Attachment as AttachmentPart, Body, Mailbox as HeaderMailbox, Message, MessageBuilder,
        MultiPart, SinglePart,
        header::{ContentTransferEncoding, ContentType, HeaderName, HeaderValue, MIME_VERSION_1_0},
    },
};
use memchr::memchr2;

pub use self::composed::ComposedMail;
pub(crate) use self::composed::Pieces;
use self::composed::{LargeFile, lines};

/// Most bytes of files together that are encoded into the mail's one buffer; more are encoded while
/// they leave.
const MOST_ENCODED: usize = 48 * 1024;
/// Longest line of a body that stays as it is; longer ones make the body quoted-printable.
const MAX_PLAIN_LINE: usize = 900;
/// Longest word of a subject that can be folded around.
const MAX_PLAIN_WORD: usize = 60;
/// How much text one encoded word carries, in bytes.
const WORD_BYTES: usize = 45;

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

/// Composes `mail`. Equal mails differ in their MIME boundaries alone.
///
/// # Errors
///
/// [`ComposeError`] if the library underneath refuses a part of it.
pub fn compose(mut mail: OutgoingMail) -> Result<ComposedMail, ComposeError> {
    let files = mem::take(&mut mail.content.attachments);
    let builder = head(&mail)?;
    let part = part(&mail.content);
    let refused = |error: lettre::error::Error| ComposeError::Mail(error.into());
    if files.is_empty() {
        let message = match part {
            // Not `singlepart`, which would add an empty line to the text.
            Part::Text(content_type, body) => {
                builder.header(MIME_VERSION_1_0).header(content_type).body(body)
            }
            Part::Multi(part) => builder.multipart(part),
        };
        return ComposedMail::new(message.map_err(refused)?.formatted(), Vec::new());
    }
    let mixed = match part {
        Part::Text(content_type, body) => MultiPart::mixed().singlepart(single(content_type, body)),
        Part::Multi(part) => MultiPart::mixed().multipart(part),
    };
    let heads = files.iter().map(file_head).collect::<Result<_, _>>()?;
    let boundary = mixed.boundary();
    let message = builder.multipart(mixed).map_err(refused)?;
    with_files(message.formatted(), &boundary, heads, files)
}

/// Adds `files`, whose parts begin with `heads`, to a mail that ends with the last line of a
/// multipart.
fn with_files(
    mut text: Vec<u8>,
    boundary: &str,
    heads: Vec<Vec<u8>>,
    files: Vec<Attachment>,
) -> Result<ComposedMail, ComposeError> {
    let last_line = format!("--{boundary}--\r\n");
    text.truncate(text.len() - last_line.len());
    let bytes: usize = files.iter().map(|file| file.content.len()).sum();
    let mut large = Vec::new();
    for (head, Attachment { content, .. }) in heads.into_iter().zip(files) {
        text.extend_from_slice(format!("--{boundary}\r\n").as_bytes());
        text.extend_from_slice(&head);
        if content.is_empty() {
            text.extend_from_slice(b"\r\n");
        } else if bytes <= MOST_ENCODED {
            base64_lines::put(&content, &mut text);
        } else {
            large.push(LargeFile { at: text.len(), content });
        }
    }
    text.extend_from_slice(last_line.as_bytes());
    ComposedMail::new(text, large)
}

/// The headers, but for those of MIME.
fn head(mail: &OutgoingMail) -> Result<MessageBuilder, ComposeError> {
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
    Ok(builder.raw_header(subject(mail.subject.as_str())))
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

fn single(content_type: ContentType, body: Body) -> SinglePart {
    SinglePart::builder().content_type(content_type).body(body)
}

/// What the texts make.
fn part(content: &MessageContent) -> Part {
    match (content.text.as_deref(), content.html.as_deref()) {
        (Some(text), Some(html)) => Part::Multi(
            MultiPart::alternative()
                .singlepart(single(ContentType::TEXT_PLAIN, body(text)))
                .singlepart(single(ContentType::TEXT_HTML, body(html))),
        ),
        (None, Some(html)) => Part::Text(ContentType::TEXT_HTML, body(html)),
        (text, None) => Part::Text(ContentType::TEXT_PLAIN, body(text.unwrap_or_default())),
    }
}

/// A text in the encoding that suits it: as it is, quoted-printable or base64.
fn body(text: &str) -> Body {
    let text = with_crlf(text);
    // To the end without a way out: so it looks at many bytes at once.
    let is_printable = text.bytes().fold(true, |is_printable, byte| {
        is_printable & matches!(byte, b'\t' | b'\r' | b'\n' | b' '..=b'~')
    });
    if is_printable && lines(text.as_bytes()).all(|line| line.len() <= MAX_PLAIN_LINE + 2) {
        Body::dangerous_pre_encoded(text.into_bytes(), ContentTransferEncoding::SevenBit)
    } else if text.is_ascii() {
        // Encoding a text cannot fail this way: every text is sound quoted-printable.
        Body::new_with_encoding(text, ContentTransferEncoding::QuotedPrintable)
            .unwrap_or_else(Body::new)
    } else {
        Body::new(text)
    }
}

/// `text` with its line ends as CRLF, whatever they are.
fn with_crlf(text: &str) -> String {
    let mut ended = String::with_capacity(text.len() + text.len() / 32);
    let mut rest = text;
    while let Some((line, from_end)) =
        memchr2(b'\r', b'\n', rest.as_bytes()).and_then(|at| rest.split_at_checked(at))
    {
        ended.push_str(line);
        ended.push_str("\r\n");
        let is_pair = from_end.starts_with("\r\n");
        rest = from_end.get(1 + usize::from(is_pair)..).unwrap_or_default();
    }
    ended.push_str(rest);
    ended
}

/// The headers of a file's part, with the empty line after them.
fn file_head(file: &Attachment) -> Result<Vec<u8>, ComposeError> {
    let content_type = ContentType::parse(file.content_type.as_str())
        .map_err(|error| ComposeError::ContentType(error.into()))?;
    // Always base64: lettre would choose quoted-printable for a file that happens to be ASCII, and
    // some readers then mend its line ends.
    let nothing = Body::dangerous_pre_encoded(Vec::new(), ContentTransferEncoding::Base64);
    let part = AttachmentPart::new(file.filename.as_str().to_owned()).body(nothing, content_type);
    let mut head = part.formatted();
    // A part's content ends with the line end that begins the boundary's.
    head.truncate(head.len() - 2);
    Ok(head)
}

#[cfg(test)]
mod tests;
