//! Files as base64 (RFC 2045, section 6.8), in lines of 76 characters.

use base64::{Engine, prelude::BASE64_STANDARD};

/// Bytes of a file in one line.
const LINE_BYTES: usize = 57;
/// A whole line, with its CRLF.
const LINE: usize = ENCODED + 2;
const ENCODED: usize = LINE_BYTES / 3 * 4;

/// How many bytes the lines of a file of `bytes` are.
pub(super) const fn size(bytes: usize) -> usize {
    bytes.div_ceil(3) * 4 + bytes.div_ceil(LINE_BYTES) * 2
}

/// How much of a file of `bytes` becomes whole lines of at most `room` bytes together.
pub(super) const fn within(room: usize, bytes: usize) -> usize {
    if size(bytes) <= room { bytes } else { room / LINE * LINE_BYTES }
}

/// Adds `content` as lines. What is added after it goes on where it ends if it is a number of
/// whole lines.
pub(super) fn put(content: &[u8], out: &mut Vec<u8>) {
    out.reserve(size(content.len()));
    let mut line = [0; ENCODED];
    for bytes in content.chunks(LINE_BYTES) {
        #[expect(clippy::expect_used, reason = "what 57 bytes become is what a line holds")]
        let length = BASE64_STANDARD.encode_slice(bytes, &mut line).expect("room for a line");
        out.extend_from_slice(&line[..length]);
        out.extend_from_slice(b"\r\n");
    }
}
