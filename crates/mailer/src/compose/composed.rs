//! A composed mail, and how it leaves: piece by piece, so that a large file is never there as
//! base64 as a whole.

use std::mem;

use memchr::{memchr_iter, memchr2, memrchr};

use super::{ComposeError, base64_lines};

/// Longest line in bytes, CRLF not counted (RFC 5322, section 2.1.1).
const MAX_LINE: usize = 998;

/// A mail as it goes over the wire, before dot-stuffing: lines of at most 998 bytes, each ended
/// by CRLF, and no other CR or LF.
#[derive(Clone)]
pub struct ComposedMail {
    /// All but the large files, in one piece.
    text: Vec<u8>,
    /// In the order in which they come.
    pub(super) files: Vec<LargeFile>,
    size: usize,
    has_leading_dots: bool,
}

/// A file that is encoded while it leaves.
#[derive(Clone)]
pub(super) struct LargeFile {
    /// Where in the text its lines come; a line begins there.
    pub(super) at: usize,
    pub(super) content: Vec<u8>,
}

/// What is left of a mail that is leaving.
pub(crate) struct Pieces<'mail> {
    mail: &'mail ComposedMail,
    is_stuffed: bool,
    /// Which part comes after the one that is leaving.
    next: usize,
    rest: Part<'mail>,
}

/// Lines of a mail that stand together.
#[derive(Clone, Copy)]
enum Part<'mail> {
    Text(&'mail [u8]),
    File(&'mail [u8]),
}

impl ComposedMail {
    /// Takes the mail if a server can be trusted to see one message in it and no more: a bare
    /// LF before a dot ends the message for some servers (SMTP smuggling).
    pub(super) fn new(mut text: Vec<u8>, files: Vec<LargeFile>) -> Result<Self, ComposeError> {
        if !text.ends_with(b"\r\n") {
            text.extend_from_slice(b"\r\n");
        }
        // Base64 has no dot.
        let mut has_leading_dots = false;
        for line in lines(&text) {
            has_leading_dots |= line.starts_with(b".");
            let is_sound = line
                .strip_suffix(b"\r\n")
                .is_some_and(|line| line.len() <= MAX_LINE && memchr2(b'\r', 0, line).is_none());
            if !is_sound {
                return Err(ComposeError::Line);
            }
        }
        let encoded: usize = files.iter().map(|file| base64_lines::size(file.content.len())).sum();
        Ok(Self { size: text.len() + encoded, text, files, has_leading_dots })
    }

    /// How many bytes arrive.
    pub const fn size(&self) -> usize {
        self.size
    }

    /// The mail as it is to arrive, all of it at once: to look at, not to send.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.size);
        self.as_is().put(usize::MAX, &mut bytes);
        bytes
    }

    /// Whether any server can carry it; otherwise it takes SMTPUTF8 (RFC 6531).
    pub fn is_ascii(&self) -> bool {
        self.text.is_ascii()
    }

    /// The mail as it arrives.
    pub(crate) const fn as_is(&self) -> Pieces<'_> {
        Pieces { mail: self, is_stuffed: false, next: 0, rest: Part::Text(&[]) }
    }

    /// The mail with its leading dots doubled (RFC 5321, section 4.5.2), without the final dot.
    pub(crate) const fn dot_stuffed(&self) -> Pieces<'_> {
        Pieces { is_stuffed: self.has_leading_dots, ..self.as_is() }
    }

    /// Text and large files in turn; the text before, between and after files may be empty.
    fn part(&self, index: usize) -> Option<Part<'_>> {
        let turn = index / 2;
        let file = self.files.get(turn);
        if index % 2 == 1 {
            return file.map(|file| Part::File(&file.content));
        }
        let end = file.map_or(self.text.len(), |file| file.at);
        let begin = match turn.checked_sub(1) {
            None => 0,
            Some(before) => self.files.get(before)?.at,
        };
        self.text.get(begin..end).map(Part::Text)
    }
}

impl Pieces<'_> {
    /// Adds the next lines to `out`, whole ones and as many as make at most `size` bytes of the
    /// mail, which is more than a line; gives whether any are left.
    pub(crate) fn put(&mut self, size: usize, out: &mut Vec<u8>) -> bool {
        let mut room = size;
        loop {
            let taken = match self.rest {
                Part::Text([]) | Part::File([]) => {
                    let Some(part) = self.mail.part(self.next) else { return false };
                    self.next += 1;
                    self.rest = part;
                    continue;
                }
                Part::Text(text) => {
                    let (head, rest) = text.split_at(whole_lines(text, room));
                    if self.is_stuffed {
                        stuff(head, out);
                    } else {
                        out.extend_from_slice(head);
                    }
                    self.rest = Part::Text(rest);
                    head.len()
                }
                Part::File(content) => {
                    let (head, rest) = content.split_at(base64_lines::within(room, content.len()));
                    base64_lines::put(head, out);
                    self.rest = Part::File(rest);
                    base64_lines::size(head.len())
                }
            };
            if taken == 0 {
                return true;
            }
            room -= taken;
        }
    }
}

/// The lines of `text`, each with its LF; what comes after the last LF is one as well.
pub(super) fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut begin = 0;
    let ends = memchr_iter(b'\n', text).map(|end| end + 1).chain([text.len()]);
    let lines = ends.map(move |end| text.get(mem::replace(&mut begin, end)..end));
    lines.flatten().filter(|line| !line.is_empty())
}

/// How much of `text` is whole lines of at most `room` bytes together.
fn whole_lines(text: &[u8], room: usize) -> usize {
    let Some(head) = text.get(..room) else { return text.len() };
    memrchr(b'\n', head).map_or(0, |end| end + 1)
}

/// Adds whole lines to `stuffed`, their leading dots doubled.
fn stuff(text: &[u8], stuffed: &mut Vec<u8>) {
    for line in lines(text) {
        if line.starts_with(b".") {
            stuffed.push(b'.');
        }
        stuffed.extend_from_slice(line);
    }
}

#[cfg(test)]
mod tests;
