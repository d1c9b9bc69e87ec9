//! What the instances on one database tell each other: that something may be due, and what has to be
//! looked up again. Hints, all of it: a wake-up that is lost costs a wait, and what is kept in memory
//! ends by its age.

use std::{error::Error, time::Duration};

use letterhead_storage::wakeups::Signal;
use tokio_util::sync::CancellationToken;
use tracing::debug;

use super::App;

/// How long signals for other processes are gathered: a NOTIFY a message would cost more than the
/// message.
const GATHER: Duration = Duration::from_millis(20);

/// Passes signals between this process and the others until `stop`.
pub async fn exchange(app: App, stop: CancellationToken) {
    let wakes = async {
        loop {
            app.waker.passed_on().await;
            tokio::time::sleep(GATHER).await;
            if let Err(err) = app.store.notify_wake().await {
                debug!(error = &err as &dyn Error, "a wake-up was not passed on");
            }
        }
    };
    let changes = async {
        loop {
            app.known.has_news().await;
            tokio::time::sleep(GATHER).await;
            if let Err(err) = app.store.notify_changes(&app.known.take_news()).await {
                debug!(error = &err as &dyn Error, "changes were not passed on");
            }
        }
    };
    let inward = async {
        let mut signals = app.store.wakeups();
        loop {
            match signals.next().await {
                Signal::Wake => app.waker.wake_here(),
                Signal::Changed(change) => app.forget(change),
                Signal::Connected => {
                    app.known.forget_all();
                    app.store.forget_all_senders();
                    app.waker.wake_here();
                }
            }
        }
    };
    tokio::select! {
        () = stop.cancelled() => {}
        () = wakes => {}
        () = changes => {}
        () = inward => {}
    }
}
