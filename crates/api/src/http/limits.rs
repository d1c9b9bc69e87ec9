//! How large bodies may be. Each bound holds while the body is read, whatever its
//! `Content-Length` says.

use letterhead_domain::message::MessageLimits;

/// Bytes of a body that holds settings, names or nothing.
pub(super) const SMALL_BODY: usize = 64 * 1024;

/// Bytes of a body that holds many messages.
pub(super) const BATCH_BODY: usize = 32 * 1024 * 1024;

/// Most messages of one body.
pub(super) const BATCH_MESSAGES: usize = 500;

/// Bytes of a body that holds one message: base64 makes four of three, and some room is left for
/// escapes and names.
pub(super) fn message_body(limits: &MessageLimits) -> usize {
    limits.total_bytes.saturating_mul(3) / 2 + 1024 * 1024
}
