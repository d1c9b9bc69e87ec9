//! The transport cache: what a sender's version needs in order to send, opened once.
//!
//! A hit opens no secret and no connection. The key names tenant, sender and version, so equal
//! hosts and user names of two tenants share nothing, and a changed password is a new key.

mod pool;

use std::{
    future::Future,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use letterhead_domain::{
    delivery::AttemptOutcome,
    email::EmailAddress,
    id::{SenderId, TenantId},
    password::SmtpPassword,
    sender::VersionNumber,
    smtp_settings::SmtpSettings,
};
use moka::future::Cache;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

pub(crate) use self::pool::Commons;
use self::pool::{Idle, Watch};
use crate::{
    compose::ComposedMail,
    lease::LeaseDeadline,
    opening::Bounds,
    session::{Handed, Session, outcome_of},
    transaction::Parcel,
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
        let open = async {
            let (settings, password) = load.await?;
            let commons = Arc::clone(&self.commons);
            Ok(Arc::new(Transport::new(settings, password, commons)))
        };
        self.open.try_get_with(key, open).await
    }

    /// Forgets the transport under `key`. Sessions on loan end with their messages.
    pub async fn invalidate(&self, key: &TransportKey) {
        self.open.invalidate(key).await;
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
}

impl Transport {
    fn new(settings: SmtpSettings, password: Option<SmtpPassword>, commons: Arc<Commons>) -> Self {
        Self {
            settings,
            password,
            loans: Arc::new(Semaphore::new(commons.connections_per_sender)),
            most_sessions: Mutex::new(commons.connections_per_sender),
            idle: Idle::default(),
            commons,
        }
    }

    /// The settings.
    pub fn settings(&self) -> &SmtpSettings {
        &self.settings
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
        self.idle.close_beyond(*bound);
    }

    /// A signed-in session: a warm one if there is one, otherwise a new one. Waits while as many
    /// as the sender may have are on loan, at most until `lease` is over.
    ///
    /// # Errors
    ///
    /// What became of the messages that wanted to leave: sign-in refused, or not sent.
    pub async fn session(
        self: &Arc<Self>,
        lease: &LeaseDeadline,
    ) -> Result<PooledSession, AttemptOutcome> {
        let waiting = lease.bound(Arc::clone(&self.loans).acquire_owned());
        let Some(Ok(loan)) = waiting.await else {
            return Err(pool::lease_is_over());
        };
        let session = match self.idle.take() {
            Some(warm) => {
                warm.set_lease(Some(lease.clone()));
                warm
            }
            None => self.open(lease).await?,
        };
        Ok(PooledSession {
            session: Some(session),
            transport: Arc::clone(self),
            lease: lease.clone(),
            _loan: loan,
        })
    }

    async fn open(&self, lease: &LeaseDeadline) -> Result<Session, AttemptOutcome> {
        let place = self.commons.place(lease).await?;
        let bounds = Bounds { lease: Some(lease.clone()), ..Bounds::default() };
        let opening = self
            .commons
            .opener
            .open(&self.settings, self.password.as_ref(), bounds, &mut Walk::new(None))
            .await;
        opening.map(|conversation| Session::new(conversation, place)).map_err(outcome_of)
    }

    /// Keeps `session` for the next message, or closes it.
    fn take_back(self: &Arc<Self>, session: Session) {
        session.set_lease(None);
        if self.commons.is_short_of_places() {
            session.quit();
        } else if self.idle.put(session) == Watch::Needed {
            self.commons.watch(self);
        }
    }
}

/// A session on loan. It goes back when dropped, unless it broke or was dropped in the middle of
/// a message: then it is closed.
pub struct PooledSession {
    session: Option<Session>,
    transport: Arc<Transport>,
    lease: LeaseDeadline,
    _loan: OwnedSemaphorePermit,
}

impl PooledSession {
    /// Hands `mail` over, from `from` to each of `recipients`, which must not be empty.
    ///
    /// A warm session on which the server had hung up is replaced by a new one, once. After
    /// [`AttemptOutcome::NotSent`] and [`AttemptOutcome::Unknown`] the session is spent; the next
    /// call opens another.
    pub async fn send(
        &mut self,
        mail: &ComposedMail,
        from: &EmailAddress,
        recipients: &[EmailAddress],
    ) -> AttemptOutcome {
        let parcel = Parcel { mail, from, recipients };
        if let Some(session) = self.session.as_mut().filter(|session| session.is_reusable()) {
            match session.send(parcel).await {
                Handed::Over(outcome) => return outcome,
                Handed::Stale(_) => {}
            }
        }
        self.session = None;
        let session = match self.transport.open(&self.lease).await {
            Ok(session) => self.session.insert(session),
            Err(outcome) => return outcome,
        };
        match session.send(parcel).await {
            Handed::Over(outcome) => outcome,
            Handed::Stale(cause) => AttemptOutcome::NotSent(cause),
        }
    }

    /// Whether the session can take another message without being opened anew.
    pub fn is_reusable(&self) -> bool {
        self.session.as_ref().is_some_and(Session::is_reusable)
    }
}

impl Drop for PooledSession {
    fn drop(&mut self) {
        if let Some(session) = self.session.take().filter(Session::is_reusable) {
            self.transport.take_back(session);
        }
    }
}
