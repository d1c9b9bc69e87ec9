//! Sessions at rest, and the process's bound on open ones.

use std::{
    collections::VecDeque,
    future::Future,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use letterhead_domain::{delivery::AttemptOutcome, test_run::Cause};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, timeout},
};

use super::Transport;
use crate::{lease::LeaseDeadline, opening::Opener, session::Session};

/// How long a session may rest.
pub(super) const IDLE_SESSION: Duration = Duration::from_secs(30);
/// How old a session may become: servers and their balancers cut old ones.
const OLDEST: Duration = Duration::from_secs(5 * 60);
/// How many messages one session carries; many servers hang up after 100.
const MOST_MESSAGES: u32 = 100;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What the messages get that waited for a session until their lease was over.
pub(super) fn lease_is_over() -> AttemptOutcome {
    AttemptOutcome::NotSent(Cause::Interrupted)
}

/// Runs `task` beside everything else; outside of a runtime, at shutdown, not at all.
pub(super) fn later(task: impl Future<Output = ()> + Send + 'static) {
    if let Ok(runtime) = tokio::runtime::Handle::try_current() {
        runtime.spawn(task);
    }
}

/// What all transports share.
pub(crate) struct Commons {
    pub(crate) opener: Arc<Opener>,
    pub(crate) connections_per_sender: usize,
    places: Arc<Semaphore>,
    /// How many wait for a place.
    waiting: AtomicUsize,
    /// Who has sessions at rest, longest rested first; some may have none any more.
    rested: Mutex<VecDeque<Weak<Transport>>>,
}

impl Commons {
    pub(crate) fn new(
        opener: Arc<Opener>,
        connections_per_sender: usize,
        max_sessions: usize,
    ) -> Self {
        Self {
            opener,
            connections_per_sender: connections_per_sender.max(1),
            places: Arc::new(Semaphore::new(max_sessions.max(1))),
            waiting: AtomicUsize::new(0),
            rested: Mutex::default(),
        }
    }

    /// A place for one more open session. When all are taken, the session that has rested
    /// longest gives up its own, whoever it belongs to.
    pub(super) async fn place(
        &self,
        lease: &LeaseDeadline,
    ) -> Result<OwnedSemaphorePermit, AttemptOutcome> {
        let places = Arc::clone(&self.places);
        if let Ok(place) = Arc::clone(&places).try_acquire_owned() {
            return Ok(place);
        }
        let _waiting = Waiting::begin(&self.waiting);
        self.close_one_at_rest();
        match timeout(lease.remaining(), places.acquire_owned()).await {
            Ok(Ok(place)) => Ok(place),
            Ok(Err(_)) | Err(_) => Err(lease_is_over()),
        }
    }

    pub(super) fn note_idle(&self, transport: Weak<Transport>) {
        // A session that comes to rest while others wait for a place frees its own at once.
        if self.waiting.load(Ordering::Acquire) > 0 {
            if let Some(transport) = transport.upgrade() {
                transport.idle.close_oldest();
            }
            return;
        }
        let mut rested = lock(&self.rested);
        rested.push_back(transport);
        while rested
            .front()
            .is_some_and(|front| front.upgrade().is_none_or(|transport| transport.idle.is_empty()))
        {
            rested.pop_front();
        }
    }

    fn close_one_at_rest(&self) {
        let mut rested = lock(&self.rested);
        while let Some(transport) = rested.pop_front() {
            if transport.upgrade().is_some_and(|transport| transport.idle.close_oldest()) {
                return;
            }
        }
    }
}

/// Counts one that waits, also when the wait is given up.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn begin(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::AcqRel);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// A transport's sessions at rest, longest rested first.
#[derive(Default)]
pub(super) struct Idle(Mutex<VecDeque<(Instant, Session)>>);

impl Idle {
    /// The session that came to rest last and is still good. Others found on the way are closed.
    pub(super) fn take(&self) -> Option<Session> {
        let mut sessions = lock(&self.0);
        while let Some((since, session)) = sessions.pop_back() {
            let is_fresh = since.elapsed() < IDLE_SESSION && session.opened_at().elapsed() < OLDEST;
            if is_fresh && session.is_quiet() {
                return Some(session);
            }
            if session.is_quiet() {
                later(session.quit());
            }
        }
        None
    }

    /// Keeps `session` if it may carry another message, and says whether it did.
    pub(super) fn put(&self, session: Session) -> bool {
        if session.handed_over() >= MOST_MESSAGES || session.opened_at().elapsed() >= OLDEST {
            later(session.quit());
            return false;
        }
        lock(&self.0).push_back((Instant::now(), session));
        true
    }

    /// Closes what has rested too long.
    pub(super) fn retire_old(&self) {
        let mut sessions = lock(&self.0);
        while sessions.front().is_some_and(|(since, _)| since.elapsed() >= IDLE_SESSION) {
            if let Some((_, session)) = sessions.pop_front() {
                later(session.quit());
            }
        }
    }

    /// Closes the session that has rested longest, and says whether there was one.
    pub(super) fn close_oldest(&self) -> bool {
        let oldest = lock(&self.0).pop_front();
        oldest.is_some_and(|(_, session)| {
            later(session.quit());
            true
        })
    }

    pub(super) fn is_empty(&self) -> bool {
        lock(&self.0).is_empty()
    }
}
