//! Hostile bytes in, clean and bounded reply lines out.

use std::collections::VecDeque;

use letterhead_domain::{test_run::Cause, text::is_unsafe_in_line};

/// Longest part of a reply line that is looked at, in bytes; the rest is dropped.
const MAX_LINE: usize = 2_000;
/// Longest text of a line that is handed on, in bytes: the line reader above ends the
/// conversation over a line of more than 1,000 bytes, and a refusal would become "no answer".
const MAX_TEXT: usize = 900;
/// Longest reply, all lines together and dropped bytes included, in bytes.
const MAX_REPLY: usize = 64 * 1024;
/// Most lines of a reply.
const MAX_REPLY_LINES: usize = 100;

/// One line of a reply: its code, whether more follow, and its text, clean and cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ReplyLine {
    pub(super) code: u16,
    pub(super) is_last: bool,
    pub(super) text: String,
}

/// Bytes that have come and are not read yet, and the line they are becoming.
#[derive(Default)]
pub(super) struct Intake {
    unread: VecDeque<u8>,
    line: Vec<u8>,
    /// Code of the reply that has begun.
    code: Option<u16>,
    reply_bytes: usize,
    reply_lines: usize,
}

impl Intake {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.unread.extend(bytes);
    }

    /// Whether the server has said more than it was asked.
    pub(super) fn has_unread(&self) -> bool {
        !self.unread.is_empty() || !self.line.is_empty()
    }

    /// Forgets everything that has come: nothing said in clear text counts after the upgrade.
    pub(super) fn discard(&mut self) {
        *self = Self::default();
    }

    /// The next whole line, if there is one.
    ///
    /// # Errors
    ///
    /// [`Cause::TlsOnClearText`] for a TLS record where `clear_text` was expected;
    /// [`Cause::NotSmtp`] for what is no reply, or one beyond all bounds.
    pub(super) fn next_line(&mut self, clear_text: bool) -> Result<Option<ReplyLine>, Cause> {
        let is_first = self.reply_bytes == 0 && self.line.is_empty();
        if clear_text && is_first && matches!(self.unread.front(), Some(0x15 | 0x16)) {
            return match self.unread.get(1) {
                None => Ok(None),
                Some(3) => Err(Cause::TlsOnClearText),
                Some(_) => Err(Cause::NotSmtp),
            };
        }
        while let Some(byte) = self.unread.pop_front() {
            self.reply_bytes += 1;
            if self.reply_bytes > MAX_REPLY {
                return Err(Cause::NotSmtp);
            }
            if byte == b'\n' {
                return self.end_line().map(Some);
            }
            if self.line.len() < MAX_LINE {
                self.line.push(byte);
            }
        }
        Ok(None)
    }

    fn end_line(&mut self) -> Result<ReplyLine, Cause> {
        let bytes = std::mem::take(&mut self.line);
        let line = parse(&bytes).ok_or(Cause::NotSmtp)?;
        self.reply_lines += 1;
        let continues = self.code.is_none_or(|code| code == line.code);
        if !continues || self.reply_lines > MAX_REPLY_LINES {
            return Err(Cause::NotSmtp);
        }
        if line.is_last {
            self.code = None;
            self.reply_bytes = 0;
            self.reply_lines = 0;
        } else {
            self.code = Some(line.code);
        }
        Ok(line)
    }
}

/// Reads `250-text`, `250 text` and the bare `250`, with or without a CR at the end.
fn parse(bytes: &[u8]) -> Option<ReplyLine> {
    let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
    let (&[class @ b'2'..=b'5', kind @ b'0'..=b'5', detail @ b'0'..=b'9'], rest) =
        bytes.split_first_chunk()?
    else {
        return None;
    };
    let digit = |byte: u8| u16::from(byte - b'0');
    let (is_last, text) = match rest.split_first() {
        None => (true, rest),
        Some((b' ', text)) => (true, text),
        Some((b'-', text)) => (false, text),
        Some(_) => return None,
    };
    Some(ReplyLine {
        code: digit(class) * 100 + digit(kind) * 10 + digit(detail),
        is_last,
        text: clean(text),
    })
}

/// The text as UTF-8; what is not UTF-8 is read as Latin-1, in which every byte is a letter.
fn clean(text: &[u8]) -> String {
    let text = match std::str::from_utf8(text) {
        Ok(text) => text.to_owned(),
        // The cut may have split a character; what stands before it is still UTF-8.
        Err(error) if error.error_len().is_none() => {
            String::from_utf8_lossy(&text[..error.valid_up_to()]).into_owned()
        }
        Err(_) => text.iter().copied().map(char::from).collect(),
    };
    text.chars().map(|c| if is_unsafe_in_line(c) { ' ' } else { c }).collect()
}

/// `text` cut to what the line reader above takes.
pub(super) fn cut(mut text: String) -> String {
    let mut end = text.len().min(MAX_TEXT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn lines(bytes: &[u8]) -> Result<Vec<ReplyLine>, Cause> {
        let mut intake = Intake::default();
        intake.push(bytes);
        std::iter::from_fn(|| intake.next_line(true).transpose()).collect()
    }

    #[test]
    fn replies_are_read_however_they_are_spelled() {
        let cases: [(&[u8], u16, &str); 6] = [
            (b"250 2.0.0 OK\r\n", 250, "2.0.0 OK"),
            (b"250\r\n", 250, ""),
            (b"250 bare line feed\n", 250, "bare line feed"),
            (b"550 \xe9tranger\r\n", 550, "étranger"),
            ("550 Größe".as_bytes(), 550, "Größe"),
            (b"550 a\x1b[31mb\0c\r\n", 550, "a [31mb c"),
        ];
        for (bytes, code, text) in cases {
            let bytes = [bytes, b"\n"].concat();
            let found = lines(&bytes[..=bytes.iter().position(|b| *b == b'\n').unwrap()]);
            let found = found.expect("a reply");
            assert_eq!((found[0].code, found[0].text.as_str()), (code, text));
        }
    }

    #[test]
    fn what_is_no_reply_is_said_to_be_none() {
        let cases: [(&[u8], Cause); 8] = [
            (b"\x16\x03\x01\x00\x05hello", Cause::TlsOnClearText),
            (b"\x15\x03\x01\x00\x02\x02\x0a", Cause::TlsOnClearText),
            (b"HTTP/1.1 400 Bad Request\r\n", Cause::NotSmtp),
            (b"25\r\n", Cause::NotSmtp),
            (b"999 x\r\n", Cause::NotSmtp),
            (b"250_x\r\n", Cause::NotSmtp),
            (b"250-a\r\n251 b\r\n", Cause::NotSmtp),
            (b"\r\n", Cause::NotSmtp),
        ];
        for (bytes, cause) in cases {
            assert_eq!(lines(bytes), Err(cause), "{bytes:?}");
        }
    }

    #[test]
    fn a_long_line_is_cut_and_an_endless_reply_ends_the_conversation() {
        let long = [b"220 ".as_slice(), &[b'x'; 2_100], b"\r\n"].concat();
        let huge = [b"220 ".as_slice(), &vec![b'x'; 1 << 20], b"\r\n"].concat();

        let cut_line = lines(&long).expect("a reply").remove(0);

        assert_eq!(cut(cut_line.text).len(), MAX_TEXT);
        assert_eq!(lines(&huge), Err(Cause::NotSmtp));
        assert_eq!(lines(&b"220-x\r\n".repeat(101)), Err(Cause::NotSmtp));
    }

    proptest! {
        #[test]
        fn no_bytes_make_a_long_or_unclean_line(bytes in prop::collection::vec(any::<u8>(), 0..4000)) {
            let bytes = [b"250 ".as_slice(), &bytes, b"\n"].concat();
            if let Ok(lines) = lines(&bytes) {
                for line in lines {
                    let text = cut(line.text);
                    prop_assert!(text.len() <= MAX_TEXT);
                    prop_assert!(!text.contains(is_unsafe_in_line));
                }
            }
        }
    }
}
