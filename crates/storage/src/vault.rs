//! Sealing: how secrets lie in the database so that only the right place can open them.
//!
//! A master key wraps one data key per tenant and generation (`data_key`); the data key seals
//! that tenant's passwords (`password`). Both use AES-256-GCM with a random nonce. What is
//! sealed is bound to its place by associated data, which is authenticated and not stored: a
//! value copied to another row, or a row whose host was edited by hand, does not open. The master
//! key's id is bound in the wrapping only, so turning the master key touches no password.

use aes_gcm::{
    Aes256Gcm, KeyInit, Nonce,
    aead::{Aead, Payload},
};
use zeroize::Zeroizing;

pub(crate) mod data_key;
pub(crate) mod password;

/// Why something sealed does not open, or cannot be sealed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VaultError {
    /// What is stored is not in a form that this program writes.
    #[error("a sealed value is not in a known form")]
    Format,
    /// The tenant's data key was wrapped by a master key that is not configured.
    #[error("the master key {id} is not known")]
    UnknownMasterKey {
        /// The missing key's id.
        id: String,
    },
    /// The tenant has no data key of this generation.
    #[error("the tenant's data key of generation {generation} is gone")]
    UnknownDataKey {
        /// The missing key's generation.
        generation: u32,
    },
    /// The cipher refuses: another key, another place, or changed bytes.
    #[error("a sealed value does not open here")]
    Cipher,
    /// No password is stored: the version is too old, or its sender was deleted.
    #[error("no password is stored")]
    Missing,
    /// The operating system gave no random bytes.
    #[error("the operating system gives no random bytes")]
    NoRandomness,
}

/// Length of every key here, in bytes.
const KEY_LEN: usize = 32;
/// Length of a nonce, in bytes.
const NONCE_LEN: usize = 12;
/// The only layout so far.
const FORMAT: u8 = 1;
/// AES-256-GCM with a nonce of 12 bytes and a tag of 16.
const AES_256_GCM: u8 = 1;

/// Random bytes from the operating system.
fn random<const N: usize>() -> Result<Zeroizing<[u8; N]>, VaultError> {
    let mut bytes = Zeroizing::new([0; N]);
    getrandom::fill(bytes.as_mut_slice()).map_err(|_| VaultError::NoRandomness)?;
    Ok(bytes)
}

/// Gives nonce, ciphertext and tag.
fn encrypt(key: &[u8; KEY_LEN], aad: &Aad, plain: &[u8]) -> Result<Vec<u8>, VaultError> {
    let nonce = random::<NONCE_LEN>()?;
    let payload = Payload { msg: plain, aad: &aad.0 };
    let sealed = Aes256Gcm::new(key.into())
        .encrypt(&Nonce::from(*nonce), payload)
        .map_err(|_| VaultError::Cipher)?;
    Ok([nonce.as_slice(), &sealed].concat())
}

/// Opens what [`encrypt`] gave.
fn decrypt(
    key: &[u8; KEY_LEN],
    aad: &Aad,
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, VaultError> {
    let (&nonce, sealed) = sealed.split_first_chunk::<NONCE_LEN>().ok_or(VaultError::Format)?;
    let payload = Payload { msg: sealed, aad: &aad.0 };
    Aes256Gcm::new(key.into())
        .decrypt(&Nonce::from(nonce), payload)
        .map(Zeroizing::new)
        .map_err(|_| VaultError::Cipher)
}

/// Associated data. Each field carries its length, so that no two lists of fields read alike.
struct Aad(Vec<u8>);

impl Aad {
    /// Begins with what the bytes are for, so that a wrapped key never passes for a password.
    fn new(purpose: &str) -> Self {
        Self(Vec::with_capacity(256)).field(purpose.as_bytes())
    }

    #[must_use]
    fn field(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(&(bytes.len() as u64).to_be_bytes());
        self.0.extend_from_slice(bytes);
        self
    }
}
