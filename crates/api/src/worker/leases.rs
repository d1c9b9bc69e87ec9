//! The leases that this process holds, kept alive by one heartbeat for all of them.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use letterhead_domain::id::LeaseToken;
use letterhead_mailer::lease::LeaseDeadline;
use letterhead_storage::store::Store;
use tokio::time::Instant;
use tracing::warn;

/// The leases held by one worker.
#[derive(Clone)]
pub(super) struct Leases {
    length: Duration,
    held: Arc<Mutex<HashMap<LeaseToken, LeaseDeadline>>>,
}

impl Leases {
    pub(super) fn new(length: Duration) -> Self {
        Self { length, held: Arc::default() }
    }

    /// Holds the lane of `token`, claimed by a query that began at `asked_at`.
    pub(super) fn hold(&self, token: LeaseToken, asked_at: Instant) -> LeaseDeadline {
        let deadline = LeaseDeadline::new(self.until(asked_at));
        self.with(|held| held.insert(token, deadline.clone()));
        deadline
    }

    /// Forgets `token`: its lane was given back.
    pub(super) fn drop_token(&self, token: LeaseToken) {
        self.with(|held| held.remove(&token));
    }

    /// Extends every lease three times within its length, for ever. A lease that cannot be extended
    /// runs out by itself, here before it does in the database.
    pub(super) async fn keep(self, store: Store) {
        loop {
            tokio::time::sleep(self.length / 3).await;
            let tokens: Vec<_> = self.with(|held| held.keys().copied().collect());
            if tokens.is_empty() {
                continue;
            }
            let asked_at = Instant::now();
            let extended = async {
                let system = store.system().await?;
                let ours = system.lanes().heartbeat(&tokens, self.length).await?;
                system.commit().await?;
                Ok::<_, letterhead_storage::error::StorageError>(ours)
            };
            match extended.await {
                Ok(ours) => self.with(|held| {
                    for deadline in ours.iter().filter_map(|token| held.get(token)) {
                        deadline.extend(self.until(asked_at));
                    }
                }),
                Err(err) => {
                    warn!(error = &err as &dyn std::error::Error, "cannot extend the leases");
                }
            }
        }
    }

    /// A tenth earlier than in the database: clocks do not run alike.
    fn until(&self, asked_at: Instant) -> std::time::Instant {
        (asked_at + self.length.mul_f64(0.9)).into_std()
    }

    fn with<T>(&self, act: impl FnOnce(&mut HashMap<LeaseToken, LeaseDeadline>) -> T) -> T {
        act(&mut self.held.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
