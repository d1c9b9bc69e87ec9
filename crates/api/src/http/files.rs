//! Files in a body: their base64 is decoded where it stands, and the body becomes the largest of
//! them. So a file is held once, and its base64 with it only while it is decoded.

use std::{mem, ops::Range};

use base64::{Engine, engine::general_purpose::STANDARD};
use zeroize::Zeroizing;

use super::json;

/// Bytes of base64 that are decoded at once; a multiple of four.
const PIECE: usize = 4_096;

/// A body that was read, with where in it the long base64 texts stand.
pub(super) struct Unread {
    pub(super) bytes: Zeroizing<Vec<u8>>,
    pub(super) places: Vec<Range<usize>>,
}

/// What the long base64 texts of a body say; `None` for one that is not base64.
#[derive(Default)]
pub(super) struct Files(Vec<Option<Vec<u8>>>);

impl Unread {
    /// Decodes every file. Memory is needed for all files but the largest.
    pub(super) fn decode(mut self) -> Files {
        let mut bytes = mem::take(&mut *self.bytes);
        let decoded: Vec<_> = self
            .places
            .into_iter()
            .map(|place| {
                let length = decode_in_place(&mut bytes[place.clone()])?;
                Some(place.start..place.start + length)
            })
            .collect();
        let lengths = decoded.iter().map(|file| file.as_ref().map_or(0, ExactSizeIterator::len));
        let largest = lengths.enumerate().max_by_key(|&(_, length)| length).map(|(index, _)| index);
        let mut files = vec![None; decoded.len()];
        // From the end, so that what was taken need not be kept.
        for (index, file) in decoded.iter().enumerate().rev() {
            if let Some(file) = file
                && largest.is_some_and(|largest| index > largest)
            {
                files[index] = Some(bytes[file.clone()].to_vec());
                bytes.truncate(file.start);
                bytes.shrink_to_fit();
            }
        }
        for (index, file) in decoded.iter().enumerate() {
            if let Some(file) = file
                && largest.is_some_and(|largest| index < largest)
            {
                files[index] = Some(bytes[file.clone()].to_vec());
            }
        }
        if let Some(largest) = largest
            && let Some(file) = &decoded[largest]
        {
            bytes.truncate(file.end);
            bytes.drain(..file.start);
            bytes.shrink_to_fit();
            files[largest] = Some(bytes);
        }
        Files(files)
    }
}

impl Files {
    /// The bytes of a file of which the parsed body says `text`; `None` if that is not base64.
    pub(super) fn take(&mut self, text: &str) -> Option<Vec<u8>> {
        match json::left(text) {
            Some(index) => self.0.get_mut(index)?.take(),
            None => STANDARD.decode(text).ok(),
        }
    }
}

/// Decodes base64 (RFC 4648, section 4, with padding) in which a backslash means nothing, to the front of
/// the same bytes; gives how many there are now.
fn decode_in_place(text: &mut [u8]) -> Option<usize> {
    let (mut read, mut written) = (0, 0);
    let (mut piece, mut decoded) = ([0; PIECE], [0; PIECE / 4 * 3]);
    let mut is_over = false;
    while read < text.len() {
        let mut filled = 0;
        while filled < PIECE && read < text.len() {
            let backslashes = usize::from(text[read] == b'\\');
            piece[filled] = text[read];
            filled += 1 - backslashes;
            read += 1;
        }
        if is_over && filled > 0 {
            return None;
        }
        let length = STANDARD.decode_slice(&piece[..filled], &mut decoded).ok()?;
        // Padding is the end.
        is_over = length < filled / 4 * 3;
        text[written..written + length].copy_from_slice(&decoded[..length]);
        written += length;
    }
    Some(written)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(length: usize) -> Vec<u8> {
        (0..length).map(|n| u8::try_from(n * 7 % 251).expect("small")).collect()
    }

    #[test]
    fn decoding_in_place_is_decoding() {
        for length in (0..300).chain([3_071, 3_072, 3_073, 10_000]) {
            let file = bytes(length);
            let mut text = STANDARD.encode(&file).into_bytes();
            let decoded = decode_in_place(&mut text).expect("base64");
            assert_eq!(text[..decoded], file);

            let mut escaped = STANDARD.encode(&file).replace('/', r"\/").into_bytes();
            let decoded = decode_in_place(&mut escaped).expect("base64");
            assert_eq!(escaped[..decoded], file);
        }
    }

    #[test]
    fn what_is_not_base64_is_refused_wherever_it_stands() {
        let text = STANDARD.encode(bytes(9_000));
        let padded = format!("{}=={text}", &text[..PIECE - 2]);
        for wrong in [&text[1..], &format!("{text}A"), &format!("{text}===="), &padded, "A A="] {
            assert!(STANDARD.decode(wrong).is_err());
            assert_eq!(decode_in_place(&mut wrong.as_bytes().to_vec()), None);
        }
        for at in [0, 5_000, 11_999] {
            let mut wrong = text.clone().into_bytes();
            wrong[at] = b'!';
            assert_eq!(decode_in_place(&mut wrong), None, "{at}");
        }
    }

    #[test]
    fn every_file_is_found_whichever_is_the_largest() {
        for lengths in [[70_000, 50_000, 60_000], [10, 90_000, 50_000], [0, 1, 80_000]] {
            let mut body = b"{".to_vec();
            let places = lengths.map(|length| {
                body.extend_from_slice(b"\"f\":\"");
                let start = body.len();
                body.extend_from_slice(STANDARD.encode(bytes(length)).as_bytes());
                start..body.len()
            });

            let unread = Unread { bytes: Zeroizing::new(body), places: places.to_vec() };
            let mut files = unread.decode();

            for (index, length) in lengths.into_iter().enumerate() {
                assert_eq!(files.take(&format!("#{index}")), Some(bytes(length)));
            }
            assert_eq!(files.take("#3"), None);
        }
    }

    #[test]
    fn one_file_that_is_not_base64_takes_no_other_with_it() {
        let unread = Unread {
            bytes: Zeroizing::new(b"QUJD!!!!QUJD".to_vec()),
            places: vec![0..4, 4..8, 8..12],
        };
        let mut files = unread.decode();

        assert_eq!(files.take("#0"), Some(b"ABC".to_vec()));
        assert_eq!(files.take("#1"), None);
        assert_eq!(files.take("#2"), Some(b"ABC".to_vec()));
        assert_eq!(files.take("QUJD"), Some(b"ABC".to_vec()));
    }
}
