//! The clock by which sessions grow old: the machine's, or one that a test turns.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// A monotonic clock. Deadlines of a conversation do not follow it: they are the machine's.
#[derive(Clone, Debug, Default)]
pub struct Clock(Arc<Mutex<Duration>>);

impl Clock {
    /// The machine's clock.
    pub fn new() -> Self {
        Self::default()
    }

    /// Turns it on by `time`, for every clone.
    pub fn advance(&self, time: Duration) {
        let mut ahead = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *ahead += time;
    }

    pub(crate) fn now(&self) -> Instant {
        let ahead = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Instant::now() + *ahead
    }
}
