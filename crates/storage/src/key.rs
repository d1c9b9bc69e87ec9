//! Master keys: what wraps each tenant's data key. They come from the operator's configuration
//! and are never stored in the database; their ids are.

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::STANDARD};
use zeroize::Zeroizing;

/// One master key with its name.
pub(crate) struct MasterKey {
    id: String,
    key: Zeroizing<[u8; MasterKeys::KEY_LEN]>,
}

impl MasterKey {
    /// The name that is stored beside what the key wraps.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// The key itself.
    pub(crate) fn expose(&self) -> &[u8; MasterKeys::KEY_LEN] {
        &self.key
    }
}

/// Every master key that this program knows; the first one wraps what is new. Cheap to clone,
/// and nothing prints it.
#[derive(Clone)]
pub struct MasterKeys(Arc<[MasterKey]>);

/// Why a text holds no master keys. Never repeats the text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidMasterKeys {
    /// There is not one key.
    #[error("there is no master key")]
    Empty,
    /// An entry is not `id:base64`.
    #[error("master key {position} is not written as id:base64")]
    Malformed {
        /// Which entry, counted from 1.
        position: usize,
    },
    /// An id has other characters than `a-z`, `0-9` and `-`, or is not 1 to 32 long.
    #[error("the id of master key {position} is not 1 to 32 of a-z, 0-9 and -")]
    Id {
        /// Which entry, counted from 1.
        position: usize,
    },
    /// A key is not 32 bytes long.
    #[error("master key {position} is not 32 bytes long")]
    Length {
        /// Which entry, counted from 1.
        position: usize,
    },
    /// Two keys have the same id.
    #[error("the master key id {id} is used twice")]
    Duplicate {
        /// The id.
        id: String,
    },
}

impl MasterKeys {
    /// Length of a master key, in bytes (AES-256).
    pub const KEY_LEN: usize = 32;
    /// Longest id, in bytes.
    pub const MAX_ID_LEN: usize = 32;

    /// Reads `id:base64` entries that stand on lines of their own or between commas.
    ///
    /// The first one is current; the others open what they wrapped in their time.
    ///
    /// # Errors
    ///
    /// [`InvalidMasterKeys`] if there is no entry, or one is malformed, of another length or
    /// has an id that was there before.
    pub fn parse(text: &str) -> Result<Self, InvalidMasterKeys> {
        let entries = text.split([',', '\n']).map(str::trim).filter(|entry| !entry.is_empty());
        let mut keys: Vec<MasterKey> = Vec::new();
        for (entry, position) in entries.zip(1..) {
            let key = parse_entry(entry, position)?;
            if keys.iter().any(|earlier| earlier.id == key.id) {
                return Err(InvalidMasterKeys::Duplicate { id: key.id });
            }
            keys.push(key);
        }
        if keys.is_empty() {
            return Err(InvalidMasterKeys::Empty);
        }
        Ok(Self(keys.into()))
    }

    /// Writes a new key as a line for [`MasterKeys::parse`]. The caller brings the randomness.
    pub fn generate(id: &str, key: &[u8; Self::KEY_LEN]) -> Zeroizing<String> {
        let encoded = Zeroizing::new(STANDARD.encode(key));
        Zeroizing::new(format!("{id}:{}", encoded.as_str()))
    }

    /// The id of the key that wraps what is new.
    pub fn current_id(&self) -> &str {
        self.current().id()
    }

    /// The ids of all known keys, the current one first.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(MasterKey::id)
    }

    /// The key that wraps what is new.
    pub(crate) fn current(&self) -> &MasterKey {
        // `parse` makes no empty ring.
        &self.0[0]
    }

    /// The key named `id`, if it is known.
    pub(crate) fn find(&self, id: &str) -> Option<&MasterKey> {
        self.0.iter().find(|key| key.id == id)
    }
}

fn parse_entry(entry: &str, position: usize) -> Result<MasterKey, InvalidMasterKeys> {
    let (id, encoded) = entry.split_once(':').ok_or(InvalidMasterKeys::Malformed { position })?;
    if !is_id(id) {
        return Err(InvalidMasterKeys::Id { position });
    }
    let decoded = STANDARD
        .decode(encoded)
        .map(Zeroizing::new)
        .map_err(|_| InvalidMasterKeys::Malformed { position })?;
    let key = <[u8; MasterKeys::KEY_LEN]>::try_from(decoded.as_slice())
        .map_err(|_| InvalidMasterKeys::Length { position })?;
    Ok(MasterKey { id: id.to_owned(), key: Zeroizing::new(key) })
}

fn is_id(id: &str) -> bool {
    (1..=MasterKeys::MAX_ID_LEN).contains(&id.len())
        && id.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_key_is_current_and_all_are_known() {
        let new = MasterKeys::generate("2026-11", &[1; 32]);
        let old = MasterKeys::generate("2025-11", &[2; 32]);

        let keys = MasterKeys::parse(&format!("{},\n {} \n", new.as_str(), old.as_str())).unwrap();

        assert_eq!(keys.current_id(), "2026-11");
        assert_eq!(keys.ids().collect::<Vec<_>>(), ["2026-11", "2025-11"]);
        assert!(keys.find("2025-11").is_some());
        assert!(keys.find("2024-11").is_none());
    }

    #[test]
    fn what_is_not_a_ring_of_keys_is_refused_without_repeating_it() {
        let key = STANDARD.encode([7; 32]);
        let short = STANDARD.encode([7; 31]);
        let position = 1;
        let cases = [
            (String::new(), InvalidMasterKeys::Empty),
            (" ,\n,".to_owned(), InvalidMasterKeys::Empty),
            (key.clone(), InvalidMasterKeys::Malformed { position }),
            ("a:%%%".to_owned(), InvalidMasterKeys::Malformed { position }),
            (format!("A:{key}"), InvalidMasterKeys::Id { position }),
            (format!(":{key}"), InvalidMasterKeys::Id { position }),
            (format!("{}:{key}", "a".repeat(33)), InvalidMasterKeys::Id { position }),
            (format!("a:{short}"), InvalidMasterKeys::Length { position }),
            (format!("b:{key},a:{short}"), InvalidMasterKeys::Length { position: 2 }),
            (format!("a:{key},a:{key}"), InvalidMasterKeys::Duplicate { id: "a".to_owned() }),
        ];
        for (text, expected) in cases {
            let error = MasterKeys::parse(&text).err().unwrap();
            assert!(!error.to_string().contains(&key));
            assert_eq!(error, expected);
        }
    }
}
