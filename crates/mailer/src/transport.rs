//! The transport cache: what a sender's version needs in order to send, opened once.
//!
//! A hit opens no secret and no connection. The key names tenant, sender and version, so equal
//! hosts and user names of two tenants share nothing, and a changed password is a new key.

mod pool;
mod run;

use std::{
    future::Future,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use letterhead_domain::{
    delivery::AttemptOutcome,
    id::{SenderId, TenantId},
    password::SmtpPassword,
    sender::VersionNumber,
    smtp_settings::SmtpSettings,
};
use moka::future::Cache;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use self::pool::{Idle, Watch};
pub(crate) use self::{pool::Commons, run::Run};
pub use self::{
    pool::SessionLimits,
    run::{Dispatch, Parcel},
};
use crate::{
    counts::{Retirement, SessionCounts, SessionsNow},
    gear::{Gear, GearLimit, Gearbox},
    lease::LeaseDeadline,
    opening::Bounds,
    session::Session,
    walk::Walk,
};

/// How long a transport is kept that nobody asks for.
const IDLE_TRANSPORT: Duration = Duration::from_secs(10 * 60);

/// What a transport is cached under.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TransportKey {
    /// The tenant.
    pub tenant: TenantId,
    /// The sender.
    pub sender: SenderId,
    /// The settings version.
    pub version: VersionNumber,
}

/// The cache, bounded in entries and in idle time. Clones share it.
#[derive(Clone)]
pub struct Transports {
    open: Cache<TransportKey, Arc<Transport>>,
    commons: Arc<Commons>,
}

impl Transports {
    pub(crate) fn new(commons: Arc<Commons>, entries: u64) -> Self {
        let open = Cache::builder().max_capacity(entries).time_to_idle(IDLE_TRANSPORT).build();
        Self { open, commons }
    }

    /// Gives the transport under `key`; if there is none, makes it from what `load` gives.
    ///
    /// Callers that miss at the same time share one `load`; a hit never polls it. Failures are
    /// not kept.
    ///
    /// # Errors
    ///
    /// What `load` gave, shared by all who waited for it.
    pub async fn get_or_open<E, F>(
        &self,
        key: TransportKey,
        load: F,
    ) -> Result<Arc<Transport>, Arc<E>>
    where
        E: Send + Sync + 'static,
        F: Future<Output = Result<(SmtpSettings, Option<SmtpPassword>), E>>,
    {
        let mut was_kept = true;
        let open = async {
            was_kept = false;
            let (settings, password) = load.await?;
            let commons = Arc::clone(&self.commons);
            Ok(Arc::new(Transport::new(settings, password, commons)))
        };
        let transport = self.open.try_get_with(key, open).await;
        self.commons.counters.transport_asked_for(was_kept);
        transport
    }

    /// Forgets the transport under `key`. Sessions on loan end with their messages.
    pub async fn invalidate(&self, key: &TransportKey) {
        self.open.invalidate(key).await;
    }

    /// What the sessions of all transports did up to now.
    pub fn session_counts(&self) -> SessionCounts {
        self.commons.counters.read()
    }

    /// How the sessions of all transports stand at this moment. Looks at each transport.
    pub fn sessions_now(&self) -> SessionsNow {
        let latest: Vec<_> =
            self.open.iter().filter_map(|(_, transport)| transport.gearbox.latest()).collect();
        let count = |gear| latest.iter().filter(|latest| **latest == gear).count();
        SessionsNow {
            open: self.commons.open_sessions(),
            gears: Gear::ALL.map(|gear| (gear, u64::try_from(count(gear)).unwrap_or(u64::MAX))),
        }
    }

    /// How many transports are kept.
    pub async fn count(&self) -> u64 {
        self.open.run_pending_tasks().await;
        self.open.entry_count()
    }
}

/// One version of one sender: its settings, its password, and its warm sessions.
pub struct Transport {
    settings: SmtpSettings,
    password: Option<SmtpPassword>,
    commons: Arc<Commons>,
    /// Bounds the sessions on loan.
    loans: Arc<Semaphore>,
    /// How many sessions that is.
    most_sessions: Mutex<usize>,
    idle: Idle,
    pub(crate) gearbox: Gearbox,
}

impl Transport {
    fn new(settings: SmtpSettings, password: Option<SmtpPassword>, commons: Arc<Commons>) -> Self {
        Self {
            settings,
            password,
            loans: Arc::new(Semaphore::new(commons.connections_per_sender)),
            most_sessions: Mutex::new(commons.connections_per_sender),
            idle: Idle::default(),
            gearbox: Gearbox::default(),
            commons,
        }
    }

    /// The settings.
    pub fn settings(&self) -> &SmtpSettings {
        &self.settings
    }

    /// What holds the sender's sessions back, if its server cannot do what it offers.
    pub fn gear_limit(&self) -> Option<GearLimit> {
        self.gearbox.limit(self.commons.clock.now())
    }

    /// Bounds the sessions to `most` at the same time, where that is fewer than the program's own
    /// bound. To be called while none is on loan: those are not taken back.
    pub fn bound_sessions(&self, most: Option<u32>) {
        let own = self.commons.connections_per_sender;
        let wanted = most.and_then(|most| usize::try_from(most).ok()).unwrap_or(own);
        let wanted = wanted.clamp(1, own);
        let mut bound = self.most_sessions.lock().unwrap_or_else(PoisonError::into_inner);
        if wanted > *bound {
            self.loans.add_permits(wanted - *bound);
            *bound = wanted;
        } else {
            *bound -= self.loans.forget_permits(*bound - wanted);
        }
        self.idle.close_beyond(*bound, &self.commons);
    }

    /// How many sessions the sender may have at the same time.
    fn most_sessions(&self) -> usize {
        *self.most_sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a run of messages under `lease`: at most as many sessions as the sender may have,
    /// warm ones first, until an outcome `halts` it.
    pub fn dispatch(
        self: &Arc<Self>,
        lease: &LeaseDeadline,
        halts: impl Fn(&AttemptOutcome) -> bool + Send + Sync + 'static,
    ) -> Dispatch {
        Dispatch::new(Arc::clone(self), lease.clone(), halts)
    }

    pub(crate) fn commons(&self) -> &Commons {
        &self.commons
    }

    /// Leave to use one session. Waits while as many as the sender may have are on loan, at most
    /// until `lease` is over.
    async fn loan(&self, lease: &LeaseDeadline) -> Option<OwnedSemaphorePermit> {
        lease.bound(Arc::clone(&self.loans).acquire_owned()).await?.ok()
    }

    /// A signed-in session: a warm one if there is one, otherwise a new one.
    async fn session(&self, lease: &LeaseDeadline) -> Result<Session, AttemptOutcome> {
        if let Some(warm) = self.idle.take(&self.commons) {
            self.commons.counters.reused();
            warm.set_lease(Some(lease.clone()));
            return Ok(warm);
        }
        let place = self.commons.place(lease).await?;
        let bounds = Bounds { lease: Some(lease.clone()), ..Bounds::default() };
        let opener = &self.commons.opener;
        let mut walk = Walk::new(None);
        let opening = opener.open(&self.settings, self.password.as_ref(), bounds, &mut walk);
        let (conversation, place) = self.commons.wait_for(opening, place, lease).await?;
        self.commons.counters.opened();
        Ok(Session::new(conversation, place, self.commons.clock.now()))
    }

    /// Keeps `session` for the next message, or closes it.
    fn take_back(self: &Arc<Self>, session: Session) {
        session.set_lease(None);
        let now = self.commons.clock.now();
        if let Some(reason) = session.retirement(&self.commons.limits, now) {
            self.commons.retire(session, reason);
        } else if self.commons.is_short_of_places() {
            self.commons.retire(session, Retirement::Place);
        } else if self.idle.put(session, now) == Watch::Needed {
            self.commons.watch(self);
        }
    }
}
