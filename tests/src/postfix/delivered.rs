//! Mail as the fixture delivered it.

use std::path::Path;
use std::{fs, io};

/// One mail in one recipient's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveredMail {
    /// Address of the envelope, from `MAIL`.
    pub mail_from: String,
    /// Address of the envelope, from `RCPT`.
    pub recipient: String,
    /// The mail as it was handed over, without the four fields that Postfix put before it, and
    /// with the CRLF line ends that it had on the way.
    pub content: Vec<u8>,
}

/// Reads every mail of a Maildir's `new`, oldest first; none if it is not there yet.
pub(super) fn read(folder: &Path) -> io::Result<Vec<DeliveredMail>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        // Made with the first mail.
        Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(err) => return Err(err),
    };
    let mut files = entries
        .map(|entry| {
            let entry = entry?;
            Ok((entry.metadata()?.modified()?, entry.file_name(), entry.path()))
        })
        .collect::<io::Result<Vec<_>>>()?;
    files.sort();
    files
        .iter()
        .map(|(_, _, path)| {
            parse(&fs::read(path)?)
                .ok_or_else(|| io::Error::other(format!("{} lacks its trace", path.display())))
        })
        .collect()
}

fn parse(file: &[u8]) -> Option<DeliveredMail> {
    let (mail_from, rest) = field(file, b"Return-Path: <")?;
    let (recipient, rest) = field(rest, b"X-Original-To: ")?;
    let (_, rest) = field(rest, b"Delivered-To: ")?;
    let (_, mut rest) = field(rest, b"Received: ")?;
    // The last field goes on over folded lines.
    while let [b' ' | b'\t', ..] = rest {
        rest = field(rest, b"")?.1;
    }
    let content = rest.split_inclusive(|byte| *byte == b'\n').flat_map(crlf).copied().collect();
    Some(DeliveredMail {
        mail_from: mail_from.trim_end_matches('>').to_owned(),
        recipient: recipient.to_owned(),
        content,
    })
}

fn field<'a>(text: &'a [u8], name: &[u8]) -> Option<(&'a str, &'a [u8])> {
    let text = text.strip_prefix(name)?;
    let end = text.iter().position(|byte| *byte == b'\n')?;
    Some((std::str::from_utf8(&text[..end]).ok()?, &text[end + 1..]))
}

fn crlf(line: &[u8]) -> impl Iterator<Item = &u8> {
    let (line, end) = match line.strip_suffix(b"\n") {
        Some(line) => (line, &b"\r\n"[..]),
        None => (line, &b""[..]),
    };
    line.iter().chain(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fields_that_postfix_added_are_taken_off() {
        let file = b"Return-Path: <a@example.org>\nX-Original-To: b@example.net\n\
            Delivered-To: b@example.net\nReceived: from x (y)\n\tby z; now\nSubject: Hi\n\n.\n";

        let mail = parse(file).unwrap();

        assert_eq!(mail.mail_from, "a@example.org");
        assert_eq!(mail.recipient, "b@example.net");
        assert_eq!(mail.content, b"Subject: Hi\r\n\r\n.\r\n");
    }

    #[test]
    fn a_file_without_its_trace_is_no_delivered_mail() {
        assert_eq!(parse(b"Subject: Hi\n\n"), None);
    }
}
