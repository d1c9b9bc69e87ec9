//! The delivery worker: leases lanes, drains them over warm sessions, records what became of each
//! message.
//!
//! One holder per lane gives connection limits, order and circuit breaking without any distributed
//! counter. A wake-up is only a hint; what the worker does follows from what it claims and marks in
//! the database. Several workers at once are normal, and one that dies leaves nothing behind that
//! the next holder of its lanes does not put right.

use std::{sync::Arc, time::Duration};

use letterhead_domain::id::LeaseToken;
use letterhead_storage::repo::lane::Shares;
use tokio::time::Instant;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::{Instrument, debug, info_span, warn};

mod delivery;
mod journal;
mod lane;
mod leases;
mod slice;
mod slots;
mod sweeper;

use self::{journal::Journal, leases::Leases, slots::Slots};
use crate::{
    app::{App, AppError},
    random,
};

/// How the worker works.
#[derive(Clone, Debug)]
pub struct WorkerConfig {
    /// What attempts say about who made them, such as `host-pid`.
    pub name: String,
    /// Most lanes in flight at once; beside those that wait for a server that does not answer.
    pub lanes: usize,
    /// How long a lease lasts without a heartbeat; a crashed worker's lanes wait that long.
    pub lease: Duration,
    /// How long one lane is served before the next one gets its turn.
    pub slice: Duration,
    /// How many messages of a lane are marked and not recorded at most: twice what its sessions have in
    /// flight, so that they go on while the next ones are being marked.
    pub window: usize,
    /// Most bytes of message content in memory for one lane; one message may be larger.
    pub window_bytes: u64,
    /// How often the worker looks for itself, without a wake-up.
    pub poll: Duration,
    /// How often what was lost is looked for.
    pub sweep: Duration,
    /// How long messages are kept.
    pub retention: Retention,
}

/// How long messages are kept once they came to their end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// What they say.
    pub bodies: Duration,
    /// The messages themselves, with their recipients and attempts: longer than idempotency keys,
    /// which are kept for 7 days.
    pub messages: Duration,
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

impl Default for WorkerConfig {
    fn default() -> Self {
        Self {
            name: format!("worker-{}", std::process::id()),
            lanes: 64,
            lease: Duration::from_secs(60),
            slice: Duration::from_secs(2),
            window: 32,
            window_bytes: 24 * 1024 * 1024,
            poll: Duration::from_secs(1),
            sweep: Duration::from_secs(10),
            retention: Retention { bodies: 30 * DAY, messages: 400 * DAY },
        }
    }
}

/// The delivery worker of one process.
#[derive(Clone)]
pub struct Worker {
    app: App,
    config: Arc<WorkerConfig>,
    leases: Leases,
    journal: Journal,
    slots: Slots,
    lanes: TaskTracker,
    /// Set when no new window may be marked.
    draining: CancellationToken,
}

impl Worker {
    /// A worker that does nothing yet.
    pub fn new(app: App, config: WorkerConfig) -> Self {
        Self {
            slots: Slots::new(config.lanes),
            leases: Leases::new(config.lease),
            journal: Journal::new(app.store.clone(), config.name.clone(), app.tasks.clone()),
            lanes: TaskTracker::new(),
            draining: CancellationToken::new(),
            config: Arc::new(config),
            app,
        }
    }

    /// Works until `stop`, then finishes the windows that are marked and gives the lanes back.
    pub async fn run(self, stop: CancellationToken) {
        let heartbeat = tokio::spawn(self.leases.clone().keep(self.app.store.clone()));
        let sweeper =
            tokio::spawn(sweeper::sweep(self.app.clone(), self.config.clone(), stop.clone()));
        let mut trouble = Duration::ZERO;
        while !stop.is_cancelled() {
            // What comes free from here on is not missed.
            let shares = self.slots.shares();
            let pause = match self.claim(shares).await {
                // More may be due than there were slots for: look again as soon as one is free.
                Ok(claimed) if claimed > 0 => {
                    trouble = Duration::ZERO;
                    Duration::ZERO
                }
                Ok(_) => {
                    trouble = Duration::ZERO;
                    self.config.poll.mul_f64(0.75 + 0.5 * random::jitter())
                }
                Err(err) => {
                    warn!(error = &err as &dyn std::error::Error, "cannot claim lanes");
                    trouble =
                        (trouble * 2).clamp(Duration::from_millis(250), Duration::from_secs(5));
                    trouble
                }
            };
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.slots.one_is_free(), if pause.is_zero() => {}
                () = self.slots.share_is_free(shares), if trouble.is_zero() && !pause.is_zero() => {}
                () = self.app.waker.woken(), if trouble.is_zero() && !pause.is_zero() => {}
                () = tokio::time::sleep(pause), if !pause.is_zero() => {}
            }
        }
        self.draining.cancel();
        self.lanes.close();
        self.lanes.wait().await;
        heartbeat.abort();
        sweeper.abort();
    }

    /// Serves every lane that is due until none is. For tests, which await it instead of sleeping.
    ///
    /// # Errors
    ///
    /// [`AppError::Unavailable`] if the database is away.
    pub async fn run_once(&self) -> Result<(), AppError> {
        loop {
            let claimed = self.claim(self.slots.shares()).await?;
            self.lanes.close();
            self.lanes.wait().await;
            self.lanes.reopen();
            if claimed == 0 {
                return Ok(());
            }
        }
    }

    /// Claims as many due lanes as there are free slots, within `shares`, and serves each in a task of
    /// its own.
    async fn claim(&self, shares: Shares) -> Result<usize, AppError> {
        let free = self.slots.free();
        if free == 0 {
            return Ok(0);
        }
        let tokens = || (0..free).map(|_| random::token()).collect::<Vec<LeaseToken>>();
        // Before the query: the lease in the database then never ends before ours.
        let asked_at = Instant::now();
        let Self { app, config, .. } = self;
        let claimed = app.store.claim(&config.name, tokens, config.lease, shares).await?;
        let count = claimed.len();
        for lane in claimed {
            let Some(slot) = self.slots.take(lane.standing) else {
                // Nobody else takes slots or of the shares, so there is one for each lane that was
                // asked for.
                break;
            };
            self.app.metrics.lane_claimed(lane.standing, lane.waited);
            let lease = self.leases.hold(lane.token, asked_at);
            let worker = self.clone();
            let span =
                info_span!("worker.serve_lane", tenant.id = %lane.tenant, sender.id = %lane.sender);
            self.lanes.spawn(
                async move {
                    let token = lane.token;
                    worker.serve(lane, lease, slot).await;
                    worker.leases.drop_token(token);
                }
                .instrument(span),
            );
        }
        debug!(count, "claimed lanes");
        Ok(count)
    }
}
