//! What is about to be written, and where in it messages end.

use tokio::time::Instant;

use super::ledger::Serial;
use crate::{compose::Pieces, conversation::Patience};

/// How much of a body is gathered with what goes before and after it, in bytes: a larger one
/// leaves in pieces of this size, so that it is not held twice.
const COPIED: usize = 64 * 1024;

/// Bytes for one write, and how far the group has come that they belong to.
pub(crate) struct Draft {
    begun: Instant,
    sent: usize,
    bytes: Vec<u8>,
    ends: Vec<(usize, Serial)>,
}

impl Draft {
    pub(crate) fn new() -> Self {
        Self { begun: Instant::now(), sent: 0, bytes: Vec::new(), ends: Vec::new() }
    }

    pub(crate) fn line(&mut self, line: &str) {
        self.bytes.extend_from_slice(line.as_bytes());
        self.bytes.extend_from_slice(b"\r\n");
    }

    /// Adds as much of a body as leaves at once; gives whether any is left.
    pub(crate) fn piece(&mut self, body: &mut Pieces<'_>) -> bool {
        body.put(COPIED, &mut self.bytes)
    }

    /// Notes that the last octet of a message was added.
    pub(super) fn note_end(&mut self, serial: Serial) {
        self.ends.push((self.bytes.len(), serial));
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The messages that end within the first `written` bytes.
    pub(super) fn ended_within(&self, written: usize) -> impl Iterator<Item = Serial> {
        self.ends.iter().filter(move |(end, _)| *end <= written).map(|(_, serial)| *serial)
    }

    /// When it must have left: a group may take as long as it makes progress.
    pub(crate) fn deadline(&self, patience: &Patience) -> Instant {
        let floor = self.begun + patience.timeouts.body(self.sent + self.bytes.len());
        patience.limit.map_or(floor, |limit| limit.min(floor))
    }

    /// Goes on with the next part of the group.
    pub(crate) fn clear(&mut self) {
        self.sent += self.bytes.len();
        self.bytes.clear();
        self.ends.clear();
    }
}
