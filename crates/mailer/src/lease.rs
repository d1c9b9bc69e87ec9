//! Until when a worker may write to a server.

use std::{
    pin::pin,
    sync::{
        Arc, LazyLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::time::timeout;

/// Where the count of milliseconds begins; only differences matter.
static BEGIN: LazyLock<Instant> = LazyLock::new(Instant::now);

/// The moment after which nothing more may be written for a lane, on the monotonic clock.
///
/// A worker that was suspended or lost its database must not write for a lane that another
/// worker holds by now, so the moment is checked before each write to the socket. Clones share
/// the moment: the heartbeat extends it while sessions read it.
#[derive(Clone, Debug)]
pub struct LeaseDeadline(Arc<AtomicU64>);

impl LeaseDeadline {
    /// Allows writes until `until`.
    pub fn new(until: Instant) -> Self {
        Self(Arc::new(AtomicU64::new(millis(until))))
    }

    /// Moves the moment to `until`, for every clone.
    pub fn extend(&self, until: Instant) {
        self.0.store(millis(until), Ordering::Release);
    }

    /// Whether the moment is over.
    pub fn has_passed(&self) -> bool {
        self.remaining() == Duration::ZERO
    }

    /// Waits for `work`, but not beyond the moment, which may move meanwhile.
    pub(crate) async fn bound<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let mut work = pin!(work);
        while !self.has_passed() {
            if let Ok(done) = timeout(self.remaining(), &mut work).await {
                return Some(done);
            }
        }
        None
    }

    /// What is left until the moment; zero once it is over.
    pub fn remaining(&self) -> Duration {
        let until = self.0.load(Ordering::Acquire);
        Duration::from_millis(until.saturating_sub(millis(Instant::now())))
    }
}

fn millis(at: Instant) -> u64 {
    let since = at.saturating_duration_since(*BEGIN);
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_clone_sees_the_moment_move() {
        let lease = LeaseDeadline::new(Instant::now());
        let clone = lease.clone();
        assert!(clone.has_passed());

        lease.extend(Instant::now() + Duration::from_secs(60));

        assert!(!clone.has_passed());
    }
}
