//! How far the runs under way have come: at once for whoever watches in this process, and in the
//! database for everybody else.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use letterhead_domain::{
    id::{TenantId, TestRunId},
    test_run::StageReport,
};
use tokio::sync::watch;
use tracing::warn;

use crate::app::{App, AppError};

/// The stages of a run that have ended, in the order of the wire.
pub type Stages = Vec<StageReport>;

type Runs = HashMap<TestRunId, watch::Sender<Stages>>;

/// The runs that this process conducts.
#[derive(Clone, Default)]
pub struct RunsUnderWay(Arc<Mutex<Runs>>);

impl RunsUnderWay {
    /// Begins to tell how far run `id` comes.
    pub(super) fn begin(&self, id: TestRunId) -> Telling {
        let (stages, _) = watch::channel(Stages::new());
        self.runs().insert(id, stages.clone());
        Telling { id, stages, under_way: self.clone() }
    }

    /// Watches run `id`, if this process conducts it. The channel closes once the run is recorded.
    pub(super) fn watch(&self, id: TestRunId) -> Option<watch::Receiver<Stages>> {
        self.runs().get(&id).map(watch::Sender::subscribe)
    }

    fn runs(&self) -> MutexGuard<'_, Runs> {
        // Nothing panics while it is held, and a map of senders cannot be half changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells how far one run has come; dropped when it is recorded.
pub(super) struct Telling {
    id: TestRunId,
    stages: watch::Sender<Stages>,
    under_way: RunsUnderWay,
}

impl Telling {
    /// A stage has ended.
    pub(super) fn ended(&self, stage: &StageReport) {
        self.stages.send_modify(|stages| stages.push(stage.clone()));
    }

    /// Watches this run.
    pub(super) fn watch(&self) -> watch::Receiver<Stages> {
        self.stages.subscribe()
    }
}

impl Drop for Telling {
    fn drop(&mut self) {
        self.under_way.runs().remove(&self.id);
    }
}

/// Writes each progress of run `id` to its row until the run is over. What comes while one write is
/// under way goes out with the next; a run never waits for this, nor fails by it.
pub(super) async fn write_down(
    app: App,
    tenant: TenantId,
    id: TestRunId,
    mut watched: watch::Receiver<Stages>,
) {
    while watched.changed().await.is_ok() {
        let stages = watched.borrow_and_update().clone();
        if let Err(error) = write(&app, tenant, id, &stages).await {
            warn!(test_run.id = %id, %error, "a test run's progress was not written");
        }
    }
}

async fn write(
    app: &App,
    tenant: TenantId,
    id: TestRunId,
    stages: &[StageReport],
) -> Result<(), AppError> {
    let tx = app.store.tenant(tenant).await?;
    tx.test_runs().progress(id, stages).await?;
    tx.commit().await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use letterhead_domain::test_run::{Stage, StageStatus};
    use uuid::Uuid;

    use super::*;

    fn passed(stage: Stage) -> StageReport {
        StageReport { stage, status: StageStatus::Passed, took: Duration::ZERO, reply: None }
    }

    #[tokio::test]
    async fn whoever_watches_sees_each_stage_and_then_the_end() {
        let (runs, id) = (RunsUnderWay::default(), TestRunId::from(Uuid::from_u128(1)));
        assert!(runs.watch(id).is_none());
        let telling = runs.begin(id);
        telling.ended(&passed(Stage::Policy));
        let mut watched = runs.watch(id).expect("under way");
        assert_eq!(*watched.borrow_and_update(), [passed(Stage::Policy)]);

        telling.ended(&passed(Stage::Resolve));
        assert!(watched.changed().await.is_ok());
        assert_eq!(watched.borrow_and_update().len(), 2);

        drop(telling);
        assert!(watched.changed().await.is_err());
        assert!(runs.watch(id).is_none());
    }
}
