//! What is about to be written, and where in it messages end.

use tokio::time::Instant;

use super::ledger::Serial;
use crate::{compose::ComposedMail, conversation::Patience};

/// How much of a body is gathered with what goes before and after it, in bytes: a larger one
/// leaves in pieces of this size, so that it is not held twice.
pub(super) const COPIED: usize = 64 * 1024;

/// Bytes for one write, and how far the group has come that they belong to.
pub(super) struct Draft {
    begun: Instant,
    sent: usize,
    bytes: Vec<u8>,
    ends: Vec<(usize, Serial)>,
}

impl Draft {
    pub(super) fn new() -> Self {
        Self { begun: Instant::now(), sent: 0, bytes: Vec::new(), ends: Vec::new() }
    }

    pub(super) fn line(&mut self, line: &str) {
        self.bytes.extend_from_slice(line.as_bytes());
        self.bytes.extend_from_slice(b"\r\n");
    }

    /// Adds whole lines of a body.
    pub(super) fn piece(&mut self, lines: &[u8], as_is: bool) {
        if as_is {
            self.bytes.extend_from_slice(lines);
        } else {
            ComposedMail::stuff(lines, &mut self.bytes);
        }
    }

    /// Notes that the last octet of a message was added.
    pub(super) fn note_end(&mut self, serial: Serial) {
        self.ends.push((self.bytes.len(), serial));
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The messages that end within the first `written` bytes.
    pub(super) fn ended_within(&self, written: usize) -> impl Iterator<Item = Serial> {
        self.ends.iter().filter(move |(end, _)| *end <= written).map(|(_, serial)| *serial)
    }

    /// When it must have left: a group may take as long as it makes progress.
    pub(super) fn deadline(&self, patience: &Patience) -> Instant {
        let floor = self.begun + patience.timeouts.body(self.sent + self.bytes.len());
        patience.limit.map_or(floor, |limit| limit.min(floor))
    }

    /// Goes on with the next part of the group.
    pub(super) fn clear(&mut self) {
        self.sent += self.bytes.len();
        self.bytes.clear();
        self.ends.clear();
    }
}
