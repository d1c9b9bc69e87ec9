//! Sessions at rest, and the process's bound on open ones.

use std::{
    collections::VecDeque,
    pin::pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use letterhead_domain::{
    delivery::AttemptOutcome,
    test_run::{Cause, Failure},
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, sleep, timeout},
};

use super::Transport;
use crate::{
    clock::Clock,
    conversation::Conversation,
    counts::{Counters, Retirement},
    lease::LeaseDeadline,
    opening::Opener,
    session::{Session, outcome_of},
};

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What the messages get that waited for a session until their lease was over.
pub(super) fn lease_is_over() -> AttemptOutcome {
    AttemptOutcome::NotSent(Cause::Interrupted)
}

/// How long a server may take to open a session in a place that others wait for.
const PATIENCE: Duration = Duration::from_millis(250);

/// How many sessions may be opened aside, for each place.
const ASIDE: usize = 2;

/// How much one session may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionLimits {
    /// How many messages it carries; many servers hang up after 100.
    pub messages: u32,
    /// How old it may become: servers and their balancers cut old ones.
    pub age: Duration,
    /// How long it may rest.
    pub idle: Duration,
}

impl Default for SessionLimits {
    fn default() -> Self {
        Self { messages: 100, age: Duration::from_secs(5 * 60), idle: Duration::from_secs(30) }
    }
}

/// What all transports share.
pub(crate) struct Commons {
    pub(crate) opener: Opener,
    pub(crate) connections_per_sender: usize,
    pub(crate) limits: SessionLimits,
    /// Most messages in flight on one session.
    pub(crate) window: usize,
    pub(crate) clock: Clock,
    pub(crate) counters: Counters,
    places: Arc<Semaphore>,
    /// Openings that left their places: their servers take their time.
    aside: Arc<Semaphore>,
    most_places: usize,
    /// How many wait for a place.
    waiting: AtomicUsize,
    /// Whose sessions at rest are watched; some may have none at the moment.
    rested: Mutex<VecDeque<Weak<Transport>>>,
}

impl Commons {
    pub(crate) fn new(
        opener: Opener,
        connections_per_sender: usize,
        max_sessions: usize,
        limits: SessionLimits,
        window: usize,
        clock: Clock,
    ) -> Self {
        Self {
            opener,
            connections_per_sender: connections_per_sender.max(1),
            limits,
            window: window.max(1),
            clock,
            counters: Counters::default(),
            places: Arc::new(Semaphore::new(max_sessions.max(1))),
            aside: Arc::new(Semaphore::new(max_sessions.max(1) * ASIDE)),
            most_places: max_sessions.max(1),
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

    /// How many sessions are open or being opened.
    pub(super) fn open_sessions(&self) -> u64 {
        let open = self.most_places.saturating_sub(self.places.available_permits());
        u64::try_from(open).unwrap_or(u64::MAX)
    }

    /// Waits for `opening` in `place`. When it takes a while the place is left to others, as long as not
    /// too many openings wait aside: servers that never answer must not take all places.
    pub(super) async fn wait_for(
        &self,
        opening: impl Future<Output = Result<Conversation, Failure>>,
        place: OwnedSemaphorePermit,
        lease: &LeaseDeadline,
    ) -> Result<(Conversation, OwnedSemaphorePermit), AttemptOutcome> {
        let mut opening = pin!(opening);
        if let Ok(opened) = timeout(PATIENCE, &mut opening).await {
            return Ok((opened.map_err(outcome_of)?, place));
        }
        let Ok(_aside) = Arc::clone(&self.aside).try_acquire_owned() else {
            return Ok((opening.await.map_err(outcome_of)?, place));
        };
        drop(place);
        let conversation = opening.await.map_err(outcome_of)?;
        Ok((conversation, self.place(lease).await?))
    }

    /// Whether somebody waits for a place: a session should then not come to rest.
    pub(super) fn is_short_of_places(&self) -> bool {
        self.waiting.load(Ordering::Acquire) > 0
    }

    /// Closes `session`, for `reason`.
    pub(super) fn retire(&self, session: Session, reason: Retirement) {
        self.counters.retired(reason);
        session.quit();
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
            while let Some(wait) =
                transport.upgrade().and_then(|transport| transport.idle.retire_old(&commons))
            {
                sleep(wait).await;
            }
            lock(&commons.rested).retain(|other| !other.ptr_eq(&transport));
        });
    }

    fn close_one_at_rest(&self) {
        let rested: Vec<_> = lock(&self.rested).iter().filter_map(Weak::upgrade).collect();
        for transport in rested {
            if transport.idle.close_oldest(self) {
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
    pub(super) fn take(&self, commons: &Commons) -> Option<Session> {
        let now = commons.clock.now();
        let mut resting = lock(&self.0);
        while let Some((since, session)) = resting.sessions.pop_back() {
            let worn = if !session.is_quiet() {
                // What the server says to an idle session is good-bye.
                Some(Retirement::ServerClosed)
            } else if now.duration_since(since) >= commons.limits.idle {
                Some(Retirement::Idle)
            } else {
                session.retirement(&commons.limits, now)
            };
            let Some(reason) = worn else { return Some(session) };
            commons.retire(session, reason);
        }
        None
    }

    /// Keeps `session` for another message.
    pub(super) fn put(&self, session: Session, now: Instant) -> Watch {
        let mut resting = lock(&self.0);
        resting.sessions.push_back((now, session));
        if std::mem::replace(&mut resting.is_watched, true) {
            Watch::NotNeeded
        } else {
            Watch::Needed
        }
    }

    /// Closes what has rested too long, and says how long to wait before looking again; `None`,
    /// and the watch is over, once nothing is at rest.
    fn retire_old(&self, commons: &Commons) -> Option<Duration> {
        let now = commons.clock.now();
        let mut resting = lock(&self.0);
        while let Some((since, session)) = resting.sessions.pop_front() {
            let wait = (since + commons.limits.idle).duration_since(now);
            if !wait.is_zero() {
                resting.sessions.push_front((since, session));
                return Some(wait);
            }
            commons.retire(session, Retirement::Idle);
        }
        resting.is_watched = false;
        None
    }

    /// Closes all but the `most` sessions that came to rest last.
    pub(super) fn close_beyond(&self, most: usize, commons: &Commons) {
        let mut resting = lock(&self.0);
        while resting.sessions.len() > most {
            if let Some((_, session)) = resting.sessions.pop_front() {
                commons.retire(session, Retirement::Place);
            }
        }
    }

    /// Closes the session that has rested longest, and says whether there was one.
    fn close_oldest(&self, commons: &Commons) -> bool {
        let oldest = lock(&self.0).sessions.pop_front();
        oldest.map(|(_, session)| commons.retire(session, Retirement::Place)).is_some()
    }
}
