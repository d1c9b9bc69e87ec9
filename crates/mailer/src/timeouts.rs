//! How long each step of a conversation may take.

use std::time::Duration;

/// How long each step of a conversation may take. The default is for production; RFC 5321,
/// section 4.5.3.2, is where the long ones come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// To establish a TCP connection, over all addresses of the host.
    pub connect: Duration,
    /// For the TLS handshake.
    pub tls: Duration,
    /// For the greeting and the answer to EHLO.
    pub greeting: Duration,
    /// For each other reply.
    pub reply: Duration,
    /// How long the message's body may stand still before its floor counts.
    pub body_grace: Duration,
    /// Bytes a second that the server must take of the body.
    pub body_floor: u32,
    /// For the reply after the final dot, besides a second for each 50,000 bytes.
    pub after_dot: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            tls: Duration::from_secs(10),
            greeting: Duration::from_secs(30),
            reply: Duration::from_secs(5 * 60),
            body_grace: Duration::from_secs(60),
            body_floor: 500,
            after_dot: Duration::from_secs(10 * 60),
        }
    }
}

impl Timeouts {
    /// How long the first `bytes` of a body may take.
    pub(crate) fn body(&self, bytes: usize) -> Duration {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        self.body_grace + Duration::from_secs(bytes / u64::from(self.body_floor.max(1)))
    }

    /// How long the reply after the final dot of `bytes` may take.
    pub(crate) fn after_dot(&self, bytes: usize) -> Duration {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        self.after_dot + Duration::from_secs(bytes / 50_000)
    }
}
