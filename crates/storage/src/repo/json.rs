//! Rows that come as JSON, several kinds in one answer: what of it is not JSON's own.

use serde::{Deserialize, Deserializer, de::Error};

/// Reads bytes as Postgres writes them in JSON: `\x` and hexadecimal digits.
pub(super) fn bytes<'de, D: Deserializer<'de>>(json: D) -> Result<Vec<u8>, D::Error> {
    let text = String::deserialize(json)?;
    parse(&text).ok_or_else(|| D::Error::custom("not bytes"))
}

/// The same, or `null`.
pub(super) fn bytes_or_null<'de, D: Deserializer<'de>>(
    json: D,
) -> Result<Option<Vec<u8>>, D::Error> {
    let text = Option::<String>::deserialize(json)?;
    text.map(|text| parse(&text).ok_or_else(|| D::Error::custom("not bytes"))).transpose()
}

fn parse(text: &str) -> Option<Vec<u8>> {
    let digits = text.strip_prefix("\\x")?.as_bytes();
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let (pairs, []) = digits.as_chunks::<2>() else { return None };
    pairs.iter().map(|&[high, low]| Some(digit(high)? << 4 | digit(low)?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_pairs_of_digits_behind_their_mark() {
        assert_eq!(parse("\\x"), Some(Vec::new()));
        assert_eq!(parse("\\x00ff7A"), Some(vec![0, 255, 0x7a]));
        for text in ["", "00", "\\x0", "\\x0g", "\\x+1", "\\xä"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
