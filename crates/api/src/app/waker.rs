//! Wake-ups: hints that shorten a wait. Correctness never rests on them.

use std::sync::Arc;

use tokio::sync::Notify;

/// Tells this process's worker at once, and the others' soon ([`super::instances`]), that something
/// may be due.
#[derive(Clone, Default)]
pub struct Waker(Arc<Signals>);

#[derive(Default)]
struct Signals {
    here: Notify,
    elsewhere: Notify,
}

impl Waker {
    /// Something may be due. Never waits.
    pub fn wake(&self) {
        self.wake_here();
        self.0.elsewhere.notify_one();
    }

    /// Another instance said that something may be due.
    pub(super) fn wake_here(&self) {
        self.0.here.notify_one();
    }

    /// Waits for the next wake-up; one that came since the last wait counts.
    pub async fn woken(&self) {
        self.0.here.notified().await;
    }

    /// Waits for the next wake-up that the others should hear of.
    pub(super) async fn passed_on(&self) {
        self.0.elsewhere.notified().await;
    }
}
