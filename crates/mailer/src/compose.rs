//! Composition of the mail that leaves (RFC 5322 and MIME).

use letterhead_domain::message::OutgoingMail;

/// A mail as it goes over the wire.
#[derive(Clone, Debug)]
pub struct ComposedMail {
    bytes: Vec<u8>,
}

/// Why a mail could not be composed.
#[derive(Debug, thiserror::Error)]
#[error("compose the mail")]
pub struct ComposeError;

impl ComposedMail {
    /// The mail: lines of at most 998 bytes, each ended by CRLF, not dot-stuffed.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// Composes `mail`.
///
/// # Errors
///
/// [`ComposeError`] if the library underneath refuses an address.
pub fn compose(mail: &OutgoingMail) -> Result<ComposedMail, ComposeError> {
    unimplemented!("{}", mail.message_id)
}
