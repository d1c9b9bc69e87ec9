//! API keys as text: `lhk_<kind>_<id>_<secret><crc32>`.
//!
//! The id finds the key's row without a scan, the checksum refuses typing errors and random
//! probes without a query, and the fixed beginning lets secret scanners find keys that leaked. The
//! store keeps the SHA-256 of the whole text: 256 random bits need no slow hash.

use letterhead_domain::id::ApiKeyId;
use sha2::{Digest, Sha256};
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::random;

/// Whose key it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// The operator's.
    Operator,
    /// A tenant's.
    Tenant,
}

impl KeyKind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Operator => "op",
            Self::Tenant => "tn",
        }
    }
}

/// A key that was just made: the text is shown once and never stored.
pub struct NewKey {
    /// Its id.
    pub id: ApiKeyId,
    /// The whole key.
    pub text: Zeroizing<String>,
    /// What the store keeps.
    pub hash: [u8; 32],
}

/// A key as it was shown by a caller: well formed, not yet known to be real.
#[derive(Debug, PartialEq, Eq)]
pub struct ShownKey {
    /// The id that it claims.
    pub id: ApiKeyId,
    /// Whose it claims to be.
    pub kind: KeyKind,
    /// The hash of the whole text.
    pub hash: [u8; 32],
}

const SECRET_CHARS: usize = 64;
const CHECKSUM_CHARS: usize = 8;

/// Makes a key.
pub fn generate(kind: KeyKind) -> NewKey {
    let id: Uuid = random::token();
    let secret = Zeroizing::new(random::bytes::<32>());
    let mut text = Zeroizing::new(format!("lhk_{}_{}_", kind.as_str(), id.simple()));
    for byte in secret.iter() {
        for digit in [byte >> 4, byte & 15] {
            text.push(char::from(b"0123456789abcdef"[usize::from(digit)]));
        }
    }
    let checksum = format!("{:08x}", crc32fast::hash(text.as_bytes()));
    text.push_str(&checksum);
    NewKey { id: id.into(), hash: hash(&text), text }
}

/// Reads a key; `None` if it is malformed or its checksum is wrong.
pub fn parse(text: &str) -> Option<ShownKey> {
    let (kind, rest) = match text.strip_prefix("lhk_")?.split_once('_')? {
        ("op", rest) => (KeyKind::Operator, rest),
        ("tn", rest) => (KeyKind::Tenant, rest),
        _ => return None,
    };
    let (id, secret) = rest.split_once('_')?;
    let well_formed = secret.len() == SECRET_CHARS + CHECKSUM_CHARS
        && secret.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    let id = (id.len() == 32).then(|| Uuid::try_parse(id).ok())??;
    if !well_formed {
        return None;
    }
    let (signed, checksum) = text.split_at(text.len() - CHECKSUM_CHARS);
    let matches = u32::from_str_radix(checksum, 16) == Ok(crc32fast::hash(signed.as_bytes()));
    matches.then(|| ShownKey { id: id.into(), kind, hash: hash(text) })
}

fn hash(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_parses_to_its_id_kind_and_hash() {
        for kind in [KeyKind::Operator, KeyKind::Tenant] {
            let key = generate(kind);

            let shown = parse(&key.text).expect("well formed");

            assert_eq!(shown, ShownKey { id: key.id, kind, hash: key.hash });
        }
    }

    #[test]
    fn any_changed_character_is_noticed_without_the_store() {
        let key = generate(KeyKind::Tenant);
        for at in 0..key.text.len() {
            let mut text = key.text.as_bytes().to_vec();
            text[at] = if text[at] == b'a' { b'b' } else { b'a' };
            let text = String::from_utf8(text).expect("ASCII");
            assert_eq!(parse(&text), None, "character {at}");
        }
        for text in ["", "lhk_", "lhk_tn", "lhk_tn_x_y", "Bearer x"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
