//! The secrets of portal links and portal sessions as text: 32 random bytes in base64url.
//!
//! The store keeps the SHA-256 of the text: 256 random bits need no slow hash. A link's token and
//! the token of the session that it opens have nothing in common.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::random;

/// 32 bytes in base64url without padding.
const CHARS: usize = 43;

/// A token that was just made: the text is shown once and never stored.
pub struct NewToken {
    /// The whole token.
    pub text: Zeroizing<String>,
    /// What the store keeps.
    pub hash: [u8; 32],
}

/// Makes a token.
pub fn generate() -> NewToken {
    let secret = Zeroizing::new(random::bytes::<32>());
    let text = Zeroizing::new(URL_SAFE_NO_PAD.encode(secret.as_slice()));
    NewToken { hash: hash(&text), text }
}

/// The hash of a token as somebody shows it; `None` for what cannot be one.
pub fn parse(text: &str) -> Option<[u8; 32]> {
    // Nothing long is decoded.
    let well_formed = text.len() == CHARS && URL_SAFE_NO_PAD.decode(text).is_ok();
    well_formed.then(|| hash(text))
}

fn hash(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_parses_to_its_hash_and_no_two_are_equal() {
        let (token, other) = (generate(), generate());

        assert_eq!(token.text.len(), CHARS);
        assert_eq!(parse(&token.text), Some(token.hash));
        assert_ne!(token.hash, other.hash);
    }

    #[test]
    fn what_cannot_be_a_token_is_noticed_without_the_store() {
        let spaced = format!(" {}", "A".repeat(42));
        let (short, long) = ("A".repeat(42), "A".repeat(44));
        let (other_alphabet, trailing_bits) =
            (format!("+/{}", "A".repeat(41)), format!("{}B", "A".repeat(42)));
        for text in ["", "x", &spaced, &short, &long, &other_alphabet, &trailing_bits] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
