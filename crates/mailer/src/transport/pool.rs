//! Sessions at rest, and the process's bound on open ones.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use letterhead_domain::{delivery::AttemptOutcome, test_run::Cause};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, sleep_until},
};

use super::Transport;
use crate::{lease::LeaseDeadline, opening::Opener, session::Session};

/// How long a session may rest.
const IDLE_SESSION: Duration = Duration::from_secs(30);
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

/// What all transports share.
pub(crate) struct Commons {
    pub(crate) opener: Arc<Opener>,
    pub(crate) connections_per_sender: usize,
    places: Arc<Semaphore>,
    /// How many wait for a place.
    waiting: AtomicUsize,
    /// Whose sessions at rest are watched; some may have none at the moment.
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
        match lease.bound(places.acquire_owned()).await {
            Some(Ok(place)) => Ok(place),
            Some(Err(_)) | None => Err(lease_is_over()),
        }
    }

    /// Whether somebody waits for a place: a session should then not come to rest.
    pub(super) fn is_short_of_places(&self) -> bool {
        self.waiting.load(Ordering::Acquire) > 0
    }

    /// Watches over the sessions at rest of `transport` until it has none: one task for each
    /// transport, however often its sessions come and go.
    pub(super) fn watch(self: &Arc<Self>, transport: &Arc<Transport>) {
        // Outside of a runtime there is nobody to watch, and the program is about to end.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return;
        };
        let commons = Arc::clone(self);
        let transport = Arc::downgrade(transport);
        lock(&commons.rested).push_back(Weak::clone(&transport));
        runtime.spawn(async move {
            while let Some(next) =
                transport.upgrade().and_then(|transport| transport.idle.retire_old())
            {
                sleep_until(next).await;
            }
            lock(&commons.rested).retain(|other| !other.ptr_eq(&transport));
        });
    }

    fn close_one_at_rest(&self) {
        let rested: Vec<_> = lock(&self.rested).iter().filter_map(Weak::upgrade).collect();
        for transport in rested {
            if transport.idle.close_oldest() {
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
pub(super) struct Idle(Mutex<Resting>);

#[derive(Default)]
struct Resting {
    sessions: VecDeque<(Instant, Session)>,
    is_watched: bool,
}

/// Whether sessions at rest need somebody who closes them in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Watch {
    Needed,
    NotNeeded,
}

impl Idle {
    /// The session that came to rest last and is still good. Others found on the way are closed.
    pub(super) fn take(&self) -> Option<Session> {
        let mut resting = lock(&self.0);
        while let Some((since, session)) = resting.sessions.pop_back() {
            // What the server says to an idle session is good-bye.
            if session.is_quiet() {
                let is_fresh = since.elapsed() < IDLE_SESSION;
                if is_fresh && session.opened_at().elapsed() < OLDEST {
                    return Some(session);
                }
                session.quit();
            }
        }
        None
    }

    /// Keeps `session` if it may carry another message, and closes it otherwise.
    pub(super) fn put(&self, session: Session) -> Watch {
        if session.handed_over() >= MOST_MESSAGES || session.opened_at().elapsed() >= OLDEST {
            session.quit();
            return Watch::NotNeeded;
        }
        let mut resting = lock(&self.0);
        resting.sessions.push_back((Instant::now(), session));
        if std::mem::replace(&mut resting.is_watched, true) {
            Watch::NotNeeded
        } else {
            Watch::Needed
        }
    }

    /// Closes what has rested too long, and says when to look again; `None`, and the watch is
    /// over, once nothing is at rest.
    fn retire_old(&self) -> Option<Instant> {
        let mut resting = lock(&self.0);
        while let Some((since, session)) = resting.sessions.pop_front() {
            let due = since + IDLE_SESSION;
            if due > Instant::now() {
                resting.sessions.push_front((since, session));
                return Some(due);
            }
            session.quit();
        }
        resting.is_watched = false;
        None
    }

    /// Closes all but the `most` sessions that came to rest last.
    pub(super) fn close_beyond(&self, most: usize) {
        let mut resting = lock(&self.0);
        while resting.sessions.len() > most {
            if let Some((_, session)) = resting.sessions.pop_front() {
                session.quit();
            }
        }
    }

    /// Closes the session that has rested longest, and says whether there was one.
    fn close_oldest(&self) -> bool {
        let oldest = lock(&self.0).sessions.pop_front();
        oldest.map(|(_, session)| session.quit()).is_some()
    }
}
