//! The use cases. Each is one function that a person could name, over storage and mailer; none
//! knows HTTP, and none holds a transaction while it speaks to a mail server.

use std::{
    hash::Hash,
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use chrono::{DateTime, Utc};
use letterhead_domain::{id::TenantId, message::MessageLimits, sender::PromotePolicy};
use letterhead_mailer::mailer::Mailer;
use letterhead_storage::{record::RunLimits, store::Store, wakeups::Change};
use tokio::sync::Notify;
use tokio_util::task::TaskTracker;

pub mod access;
pub mod audit;
pub mod bulk_runs;
pub mod discoveries;
pub mod dns_checks;
pub mod error;
pub mod events;
pub(crate) mod gather;
pub mod guides;
pub mod instances;
mod intake;
mod known;
pub mod measure;
pub mod messages;
pub mod portal_links;
pub mod portal_sessions;
pub mod queue;
pub mod room;
pub mod senders;
pub mod tenants;
pub mod test_runs;
pub mod waker;

pub use error::AppError;
pub use waker::Waker;

use crate::metrics::Metrics;

/// How long what is limited is counted together.
const WINDOW: Duration = Duration::from_secs(60);

/// What the operator chose about the use cases.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// When a saved version becomes live.
    pub promote: PromotePolicy,
    /// How much one message may be.
    pub message: MessageLimits,
    /// How many test runs a tenant may start.
    pub test_runs: RunLimits,
    /// How many times a minute one client address may show a wrong key.
    pub failed_auth_per_minute: u32,
    /// How many times a minute a tenant may have DNS searched: for the server of an address, or for
    /// what it says about a sender's domain.
    pub searches_per_minute: u32,
    /// For how long a key, a tenant or a sender that was looked up is believed.
    pub known_for: Duration,
}

/// What is counted in this process, within a minute from the first.
pub type Counters<K> = moka::sync::Cache<K, Arc<AtomicU32>>;

/// Everything the use cases stand on. Cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Parts>);

/// The parts of an [`App`].
pub struct Parts {
    /// The database.
    pub store: Store,
    /// The way to mail servers.
    pub mailer: Mailer,
    /// What the operator chose.
    pub rules: Rules,
    /// The test runs that this process conducts.
    pub test_runs: test_runs::progress::RunsUnderWay,
    /// Told when a bulk run was begun here.
    pub bulk_begun: Notify,
    /// Work that outlives its request; a shutdown waits for it.
    pub tasks: TaskTracker,
    /// How much of large bodies is in memory.
    pub room: Arc<room::Room>,
    /// Messages about to be stored.
    intake: gather::Gather<intake::Intake>,
    /// The keys and tenants that were looked up a short while ago.
    known: known::Known,
    /// Tells workers that something is due.
    pub waker: Waker,
    /// What is counted.
    pub metrics: Metrics,
    /// Wrong keys, by client address.
    pub failed_auth: Counters<IpAddr>,
    /// Searches for the server of an address, by tenant.
    pub searches: Counters<TenantId>,
}

impl App {
    /// Puts the parts together.
    pub fn new(store: Store, mailer: Mailer, rules: Rules, waker: Waker, metrics: Metrics) -> Self {
        let (store, tasks) = (store.keeping_views(rules.known_for), TaskTracker::new());
        let intake = intake::Intake { store: store.clone(), waker: waker.clone() };
        let parts = Parts {
            store,
            mailer,
            rules,
            test_runs: test_runs::progress::RunsUnderWay::default(),
            bulk_begun: Notify::new(),

            room: room::Room::new(&rules.message),
            intake: gather::Gather::new(intake, tasks.clone()),
            tasks,
            known: known::Known::new(rules.known_for, metrics.clone()),
            waker,
            metrics,
            failed_auth: counters(),
            searches: counters(),
        };
        Self(Arc::new(parts))
    }

    /// Counts a search of DNS that `tenant` asked for: the questions go to places that it names. In
    /// this process, for a search leaves nothing behind that could be counted elsewhere.
    ///
    /// # Errors
    ///
    /// [`AppError::TooMany`] beyond what a tenant may ask for within a minute.
    pub fn count_search(&self, tenant: TenantId) -> Result<(), AppError> {
        let searches = self.searches.get_with(tenant, Arc::default);
        if searches.fetch_add(1, Ordering::Relaxed) >= self.rules.searches_per_minute {
            return Err(AppError::TooMany { retry_after: WINDOW.as_secs() });
        }
        Ok(())
    }

    /// Looks up again what was changed elsewhere.
    fn forget(&self, change: Change) {
        match change {
            Change::ApiKey(_) => self.known.forget(change),
            Change::Tenant(tenant) => {
                self.known.forget(change);
                self.store.forget_senders(tenant);
            }
            Change::Senders(tenant) => self.store.forget_senders(tenant),
        }
    }

    /// The time that decides: the database's.
    ///
    /// # Errors
    ///
    /// [`AppError::Unavailable`].
    pub async fn now(&self) -> Result<DateTime<Utc>, AppError> {
        Ok(self.store.system().await?.now())
    }
}

fn counters<K: Hash + Eq + Send + Sync + 'static>() -> Counters<K> {
    moka::sync::Cache::builder().max_capacity(100_000).time_to_live(WINDOW).build()
}

impl std::ops::Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}
