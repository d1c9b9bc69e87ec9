//! TLS: whom we trust, and what a handshake showed.

use std::path::PathBuf;

/// Whom we trust: one shared configuration for all connections. Clones are cheap.
#[derive(Clone)]
pub struct TlsTrust {}

/// No trust anchors could be had.
#[derive(Debug, thiserror::Error)]
#[error("load trust anchors")]
pub struct TlsTrustError;

impl TlsTrust {
    /// Trusts the system's roots and the certificates in the PEM files `ca_files`.
    ///
    /// # Errors
    ///
    /// [`TlsTrustError`] if a file cannot be read or no root is found at all.
    pub fn load(ca_files: &[PathBuf]) -> Result<Self, TlsTrustError> {
        unimplemented!("{ca_files:?}")
    }
}
