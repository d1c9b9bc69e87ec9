//! Wake-ups: hints that shorten a wait. Correctness never rests on them.

use std::{sync::Arc, time::Duration};

use letterhead_storage::store::Store;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tracing::debug;

/// Tells this process's worker at once, and the others' soon, that something may be due.
#[derive(Clone, Default)]
pub struct Waker(Arc<Signals>);

#[derive(Default)]
struct Signals {
    here: Notify,
    elsewhere: Notify,
}

/// How long wake-ups for other processes are gathered: a NOTIFY a message would cost more than the
/// message.
const GATHER: Duration = Duration::from_millis(20);

impl Waker {
    /// Something may be due. Never waits.
    pub fn wake(&self) {
        self.0.here.notify_one();
        self.0.elsewhere.notify_one();
    }

    /// Waits for the next wake-up; one that came since the last wait counts.
    pub async fn woken(&self) {
        self.0.here.notified().await;
    }

    /// Passes wake-ups between this process and the others until `stop`.
    pub async fn exchange(self, store: Store, stop: CancellationToken) {
        let outward = async {
            loop {
                self.0.elsewhere.notified().await;
                tokio::time::sleep(GATHER).await;
                if let Err(err) = store.notify_wake().await {
                    debug!(error = &err as &dyn std::error::Error, "a wake-up was not passed on");
                }
            }
        };
        let inward = async {
            let mut wakeups = store.wakeups();
            loop {
                wakeups.next().await;
                self.0.here.notify_one();
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = outward => {}
            () = inward => {}
        }
    }
}
