//! The turns of all lanes that this process serves, written together.

use std::time::Duration;

use letterhead_domain::{id::AttemptId, limit::Limits};
use letterhead_storage::{
    error::StorageError,
    record::LeasedLane,
    repo::lane::{AttemptResult, MarkRequest, Turn, Turned},
    store::Store,
};
use tokio::sync::oneshot;
use tokio_util::task::TaskTracker;

use crate::app::gather::{self, Bounds, Gather, Joint};

/// What one lane wants written.
pub(super) struct Ask {
    pub(super) lane: LeasedLane,
    pub(super) results: Vec<AttemptResult>,
    pub(super) attempt_ids: Vec<AttemptId>,
    pub(super) max_bytes: u64,
    pub(super) limits: Limits,
}

/// The journal of one process.
#[derive(Clone)]
pub(super) struct Journal(Gather<Writer>);

/// What came of an ask, given back with it: if it failed its results are to be recorded again.
pub(super) type Answer = gather::Answer<Writer>;

#[derive(Clone)]
pub(super) struct Writer {
    store: Store,
    worker: String,
}

impl Journal {
    pub(super) fn new(store: Store, worker: String, tasks: TaskTracker) -> Self {
        Self(Gather::new(Writer { store, worker }, tasks))
    }

    /// Hands `ask` over.
    pub(super) fn enter(&self, ask: Ask) -> Option<oneshot::Receiver<Answer>> {
        self.0.enter([ask]).pop()
    }
}

impl Joint for Writer {
    type Wish = Ask;
    type Outcome = Turned;

    // What the asks hold is small; what they get is bounded by the windows of the lanes.
    const BOUNDS: Bounds = Bounds {
        at_once: 2,
        enough: 1,
        patience: Duration::from_millis(20),
        wishes: 64,
        bytes: u64::MAX,
    };

    fn weight(_: &Ask) -> u64 {
        0
    }

    async fn write(&self, asks: &[Ask]) -> Result<Vec<Turned>, StorageError> {
        let turns: Vec<_> = asks.iter().map(Ask::turn).collect();
        self.store.journal(&self.worker, &turns).await
    }
}

impl Ask {
    fn turn(&self) -> Turn<'_> {
        let request = MarkRequest {
            attempt_ids: &self.attempt_ids,
            max_bytes: self.max_bytes,
            limits: self.limits,
        };
        Turn { lane: &self.lane, results: &self.results, request }
    }
}
