//! The turns of all lanes that this process serves, written together.

use letterhead_domain::{id::AttemptId, limit::Limits};
use letterhead_storage::{
    error::StorageError,
    record::LeasedLane,
    repo::lane::{AttemptResult, MarkRequest, Turn, Turned},
    store::Store,
};
use tokio::sync::oneshot;

use crate::app::gather::{Bounds, Gather, Joint};

/// What one lane wants written.
pub(super) struct Ask {
    pub(super) lane: LeasedLane,
    pub(super) results: Vec<AttemptResult>,
    pub(super) attempt_ids: Vec<AttemptId>,
    pub(super) max_bytes: u64,
    pub(super) limits: Limits,
}

/// What came of it, with the results that it brought: if it failed they are to be recorded again.
pub(super) struct Answer {
    pub(super) turned: Result<Turned, StorageError>,
    pub(super) results: Vec<AttemptResult>,
}

/// The journal of one process.
#[derive(Clone)]
pub(super) struct Journal(Gather<Writer>);

#[derive(Clone)]
pub(super) struct Writer {
    store: Store,
    worker: String,
}

impl Journal {
    pub(super) fn new(store: Store, worker: String, tasks: tokio_util::task::TaskTracker) -> Self {
        Self(Gather::new(Writer { store, worker }, tasks))
    }

    /// Hands `ask` over.
    pub(super) fn enter(&self, ask: Ask) -> Option<oneshot::Receiver<Answer>> {
        self.0.enter([ask]).pop()
    }
}

impl Joint for Writer {
    type Wish = Ask;
    type Answer = Answer;

    const BOUNDS: Bounds = Bounds { at_once: 2, wishes: 64, bytes: u64::MAX };

    fn weight(_: &Ask) -> u64 {
        0
    }

    async fn fulfil(&self, asks: Vec<Ask>) -> Vec<Answer> {
        let together = self.write(&asks).await;
        let turned: Vec<_> = match together {
            Ok(turned) => turned.into_iter().map(Ok).collect(),
            Err(err) if asks.len() == 1 || err.is_unavailable() => {
                asks.iter().map(|_| Err(err.clone())).collect()
            }
            // It fails by what one of them holds: each is written alone, so that it fails alone.
            Err(_) => {
                let mut turned = Vec::with_capacity(asks.len());
                for ask in &asks {
                    let alone = self.write(std::slice::from_ref(ask)).await;
                    turned.push(alone.map(|mut turned| turned.remove(0)));
                }
                turned
            }
        };
        let results = asks.into_iter().map(|ask| ask.results);
        turned
            .into_iter()
            .zip(results)
            .map(|(turned, results)| Answer { turned, results })
            .collect()
    }
}

impl Writer {
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
