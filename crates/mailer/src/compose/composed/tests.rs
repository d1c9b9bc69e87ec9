use ::base64::{Engine, prelude::BASE64_STANDARD};
use proptest::prelude::*;

use super::*;

/// Bytes of the files tried: around a line, around a piece, and none too large to print.
const LENGTHS: [usize; 12] = [1, 2, 3, 56, 57, 58, 113, 114, 115, 729, 741, 5_000];
/// Sizes of pieces: the smallest that a line fits into, around whole lines of files, and all at once.
const SIZES: [usize; 6] = [1_000, 1_001, 1_013, 1_014, 1_092, usize::MAX];

/// What the bytes of `content` are on the wire, done in one go.
fn encoded(content: &[u8]) -> Vec<u8> {
    let text = BASE64_STANDARD.encode(content);
    let lines = text.as_bytes().chunks(76).map(|line| [line, b"\r\n"].concat());
    lines.collect::<Vec<_>>().concat()
}

/// A mail of such texts with a file between each two, and its bytes.
fn mail(texts: &[String], contents: &[Vec<u8>]) -> (ComposedMail, Vec<u8>) {
    let (mut text, mut files, mut bytes) = (Vec::new(), Vec::new(), Vec::new());
    for (index, lines) in texts.iter().enumerate() {
        text.extend_from_slice(lines.as_bytes());
        bytes.extend_from_slice(lines.as_bytes());
        if let Some(content) = contents.get(index) {
            files.push(LargeFile { at: text.len(), content: content.clone() });
            bytes.extend(encoded(content));
        }
    }
    (ComposedMail::new(text, files).unwrap_or_else(|err| panic!("{err}")), bytes)
}

fn all(mut pieces: Pieces<'_>, size: usize) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    loop {
        let mut piece = Vec::new();
        let is_last = !pieces.put(size, &mut piece);
        all.push(piece);
        if is_last {
            return all;
        }
    }
}

fn stuffed(bytes: &[u8]) -> Vec<u8> {
    let text = String::from_utf8(bytes.to_vec()).expect("UTF-8");
    let text = text.replace("\r\n.", "\r\n..");
    if text.starts_with('.') { format!(".{text}") } else { text }.into_bytes()
}

#[test]
fn a_mail_of_lines_that_just_fit_leaves_whole() {
    let line = format!("{}\r\n", "x".repeat(MAX_LINE));
    for content in LENGTHS.map(|length| vec![7; length]) {
        let texts = [line.repeat(3), line.clone(), String::new()];
        let (mail, bytes) = mail(&texts, &[content.clone(), content]);
        for size in SIZES {
            assert!(all(mail.as_is(), size).concat() == bytes, "pieces of {size}");
        }
    }
}

#[test]
fn a_file_leaves_in_as_few_pieces_as_there_are_pieces_in_it() {
    let (mail, bytes) = mail(&["head\r\n".to_owned(), String::new()], &[vec![0; 5_700]]);

    let pieces = all(mail.as_is(), 1_006);

    // What is around it shares a piece with it.
    let lengths: Vec<_> = pieces.iter().map(Vec::len).collect();
    assert_eq!(lengths, [6 + 12 * 78, 936, 936, 936, 936, 936, 936, 936, 312]);
    assert_eq!(mail.size(), bytes.len());
}

proptest! {
    #[test]
    fn the_pieces_of_a_mail_are_whole_lines_and_together_the_mail(
        texts in prop::collection::vec("([ -~]{0,100}\r\n|\\.[.a]{0,3}\r\n){0,40}", 1..4),
        contents in prop::collection::vec(
            prop::sample::select(&LENGTHS[..]).prop_flat_map(|length| {
                prop::collection::vec(any::<u8>(), length)
            }),
            0..3,
        ),
        size in prop::sample::select(&SIZES[..]),
    ) {
        let mut texts = texts;
        // A mail begins with lines of its own and ends with them.
        texts[0].insert_str(0, "head\r\n");
        let contents = &contents[..contents.len().min(texts.len() - 1)];
        let (mail, bytes) = mail(&texts, contents);

        prop_assert_eq!(mail.size(), bytes.len());
        prop_assert!(mail.to_bytes() == bytes);
        let pieces = all(mail.as_is(), size);
        prop_assert!(pieces.concat() == bytes);
        prop_assert!(pieces.iter().all(|piece| piece.len() <= size && piece.ends_with(b"\r\n")));
        prop_assert!(all(mail.dot_stuffed(), size).concat() == stuffed(&bytes));
    }
}
