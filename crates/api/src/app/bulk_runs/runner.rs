//! Works on bulk runs: a few senders at once, each held under a lease.
//!
//! A process that dies leaves leases that run out, and whoever claims its senders then goes on with
//! the test runs that it had begun.

use std::{sync::Arc, time::Duration};

use letterhead_domain::{
    access::{Person, PortalRole, Principal},
    bulk_run::SkipReason,
    id::{LeaseToken, TestRunId},
    message::SenderRef,
    test_run::{TestMode, TestStatus, TestTarget},
};
use letterhead_storage::record::{
    BulkOutcome, BulkRequester, ClaimedBulkItem, SenderRecord, TestRunRecord,
};
use tokio::sync::Semaphore;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::{Instrument, debug, error, info_span, warn};

use crate::{
    app::{
        App, AppError,
        access::{self, Caller},
        senders,
        test_runs::{self, TestRequest},
    },
    random,
};

/// Tests that one process runs at once.
const AT_ONCE: usize = 8;
/// A test takes 20 seconds at most, and recording it a minute if the database is away; a run whose
/// process died counts as interrupted after two minutes.
const LEASE: Duration = Duration::from_secs(150);
/// How often to look for what other processes have begun or left behind.
const POLL: Duration = Duration::from_secs(5);
/// How many times a sender is begun before the last interruption counts as its result.
const MOST_ATTEMPTS: u32 = 5;
/// The advice code of a test run whose process died.
const INTERRUPTED: &str = "interrupted";

/// What a claim gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Claimed {
    /// One for each free hand: there may be more, as soon as a hand is free.
    AsManyAsAsked,
    /// Fewer: for now there are no more.
    Rest,
}

/// What works on bulk runs in this process.
#[derive(Clone)]
pub struct BulkRunner {
    app: App,
    slots: Arc<Semaphore>,
    items: TaskTracker,
}

impl BulkRunner {
    /// One that does nothing yet.
    pub fn new(app: App) -> Self {
        Self { app, slots: Arc::new(Semaphore::new(AT_ONCE)), items: TaskTracker::new() }
    }

    /// Works until `stop`; then waits for the tests that are under way.
    pub async fn run(self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            let claimed = self.claim().await.unwrap_or_else(|err| {
                warn!(error = &err as &dyn std::error::Error, "cannot claim senders of bulk runs");
                Claimed::Rest
            });
            let is_rest = claimed == Claimed::Rest;
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.free_slot(), if !is_rest => {}
                () = self.app.bulk_begun.notified(), if is_rest => {}
                () = tokio::time::sleep(POLL.mul_f64(0.75 + 0.5 * random::jitter())) => {}
            }
        }
        self.items.close();
        self.items.wait().await;
    }

    /// Works until nothing is left that may be claimed. For tests, which await it.
    ///
    /// # Errors
    ///
    /// [`AppError::Unavailable`] if the database is away.
    pub async fn run_once(&self) -> Result<(), AppError> {
        loop {
            let claimed = self.claim().await?;
            self.items.close();
            self.items.wait().await;
            self.items.reopen();
            if claimed == Claimed::Rest {
                return Ok(());
            }
        }
    }

    async fn free_slot(&self) {
        // Closed it never is; and the permit goes back at once.
        let _permit = self.slots.acquire().await;
    }

    /// Claims a sender for each free hand, and begins to test them.
    async fn claim(&self) -> Result<Claimed, AppError> {
        let free = self.slots.available_permits();
        if free == 0 {
            return Ok(Claimed::AsManyAsAsked);
        }
        let limit = u64::try_from(free).unwrap_or(u64::MAX);
        let system = self.app.store.system().await?;
        let token: LeaseToken = random::token();
        let claimed = system.bulk_runs().claim(token, LEASE, limit).await?;
        system.commit().await?;
        let count = claimed.len();
        for item in claimed {
            let Ok(slot) = self.slots.clone().try_acquire_owned() else { break };
            let app = self.app.clone();
            let span = info_span!(
                "bulk_run.test_sender",
                bulk_run.id = %item.bulk_run, tenant.id = %item.tenant
            );
            self.items.spawn(
                async move {
                    test(&app, &item).await;
                    drop(slot);
                }
                .instrument(span),
            );
        }
        Ok(if count == free { Claimed::AsManyAsAsked } else { Claimed::Rest })
    }
}

/// Tests one sender and records what came of it. What cannot be found out now is left to whoever
/// claims it once the lease is over.
async fn test(app: &App, item: &ClaimedBulkItem) {
    let outcome = match outcome_of(app, item).await {
        Ok(Some(outcome)) => outcome,
        Ok(None) => return,
        Err(away @ AppError::Unavailable(_)) => {
            warn!(error = &away as &dyn std::error::Error, "cannot test a sender now");
            return;
        }
        Err(err) => {
            error!(error = &err as &dyn std::error::Error, "cannot test a sender");
            BulkOutcome::Skipped(SkipReason::Broken)
        }
    };
    let finished = async {
        let system = app.store.system().await?;
        let ours = system.bulk_runs().finish(item, &outcome).await?;
        system.commit().await?;
        Ok::<_, AppError>(ours)
    };
    match finished.await {
        Ok(true) => {}
        Ok(false) => debug!("another process has taken this sender over"),
        Err(err) => {
            warn!(error = &err as &dyn std::error::Error, "cannot record a bulk run's result");
        }
    }
}

/// What came of one sender; none if that is not known yet.
async fn outcome_of(app: &App, item: &ClaimedBulkItem) -> Result<Option<BulkOutcome>, AppError> {
    let principal = principal(&item.requested_by);
    let caller = match access::enter(app, &principal, &item.tenant.to_string()).await {
        Err(AppError::NotFound(_)) => return Ok(Some(BulkOutcome::Skipped(SkipReason::Gone))),
        entered => entered?,
    };
    let Some(sender) = item.sender else {
        return Ok(Some(BulkOutcome::Skipped(SkipReason::NoSender)));
    };
    let sender = match senders::load(app, &caller, &sender.to_string()).await {
        Err(AppError::NotFound(_)) => return Ok(Some(BulkOutcome::Skipped(SkipReason::Gone))),
        loaded => loaded?,
    };
    if let Some(begun) = item.test_run {
        let run = test_runs::load(app, &caller, sender.id, &begun.to_string()).await?;
        let interrupted =
            run.advice.as_ref().is_some_and(|advice| advice.code.as_str() == INTERRUPTED);
        if !interrupted || item.attempts > MOST_ATTEMPTS {
            return result(app, &caller, &run).await;
        }
    }
    if item.attempts > MOST_ATTEMPTS {
        return Ok(Some(BulkOutcome::Skipped(SkipReason::Broken)));
    }
    if sender.tenant_suspended {
        return Ok(Some(BulkOutcome::Skipped(SkipReason::Suspended)));
    }
    let run = match begin(app, &caller, &sender).await {
        Err(AppError::TooMany { .. }) => {
            return Ok(Some(BulkOutcome::Skipped(SkipReason::TooManyTests)));
        }
        Err(AppError::NotFound(_)) => return Ok(Some(BulkOutcome::Skipped(SkipReason::Gone))),
        begun => begun?,
    };
    let system = app.store.system().await?;
    let ours = system.bulk_runs().attach(item, run).await?;
    system.commit().await?;
    if !ours {
        return Ok(None);
    }
    if let Some(mut stages) = test_runs::watch(app, run) {
        while stages.changed().await.is_ok() {}
    }
    let run = test_runs::load(app, &caller, sender.id, &run.to_string()).await?;
    result(app, &caller, &run).await
}

/// Whoever asked for the bulk run, as each test run's audit names them.
fn principal(requester: &BulkRequester) -> Principal {
    let BulkRequester { session, email, name } = requester.clone();
    Principal::Person(Person { session, role: PortalRole::Operator, tenant: None, email, name })
}

/// Starts a test of the version that sends, or of the candidate while there is none.
async fn begin(app: &App, caller: &Caller, sender: &SenderRecord) -> Result<TestRunId, AppError> {
    let target = if sender.live.is_some() { TestTarget::Live } else { TestTarget::Candidate };
    let mode = TestMode::Connection;
    // No fix: with hundreds of senders it would multiply connections and sign-ins, from one address,
    // for offers that nobody is waiting for. Whoever looks into a failure tests that sender alone.
    let request = TestRequest { mode, target: Some(target), settings: None, fix: false };
    test_runs::start(app, caller, sender, request).await
}

/// What a test run says; none while it goes on, in another process or beyond a database's absence.
async fn result(
    app: &App,
    caller: &Caller,
    run: &TestRunRecord,
) -> Result<Option<BulkOutcome>, AppError> {
    let tx = app.store.tenant(caller.tenant).await?;
    let Some(version) = run.version else {
        return Ok(Some(BulkOutcome::Skipped(SkipReason::Broken)));
    };
    let sender = SenderRef::Id(run.sender);
    let settings = tx.senders().load_version(&sender, version).await?.version.settings;
    let run_id = run.id;
    Ok(match (run.status, run.advice.clone()) {
        (TestStatus::Running, _) => None,
        (TestStatus::Passed, _) => Some(BulkOutcome::Passed { run: run_id, settings }),
        (TestStatus::Failed, Some(advice)) => {
            Some(BulkOutcome::Failed { run: run_id, settings, advice })
        }
        (TestStatus::Failed, None) => Some(BulkOutcome::Skipped(SkipReason::Broken)),
    })
}
