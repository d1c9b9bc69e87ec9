//! Doing together what many want done at the same moment: one statement and one commit for all of them.
//!
//! Nobody waits for company: what comes while others are being served is what goes together next.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::oneshot;
use tokio_util::task::TaskTracker;

/// Work that is cheaper done for many at once.
pub(crate) trait Joint: Clone + Send + Sync + 'static {
    /// What one of them wants.
    type Wish: Send + 'static;
    /// What it is told.
    type Answer: Send + 'static;

    /// The bounds of one piece of work.
    const BOUNDS: Bounds;

    /// How many bytes a wish holds.
    fn weight(wish: &Self::Wish) -> u64;

    /// Does what is wished; gives one answer for each wish, in their order.
    fn fulfil(&self, wishes: Vec<Self::Wish>) -> impl Future<Output = Vec<Self::Answer>> + Send;
}

/// How much is done at once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// Pieces of work at the same time. More would only wait for each other's commits.
    pub(crate) at_once: usize,
    /// Most wishes in one.
    pub(crate) wishes: usize,
    /// Most bytes in one; a single wish may be larger.
    pub(crate) bytes: u64,
}

/// Those who want `Work` done.
#[derive(Clone)]
pub(crate) struct Gather<Work: Joint> {
    work: Work,
    tasks: TaskTracker,
    state: Arc<Mutex<State<Work>>>,
}

struct State<Work: Joint> {
    waiting: VecDeque<Waiting<Work>>,
    working: usize,
}

struct Waiting<Work: Joint> {
    wish: Work::Wish,
    answer: oneshot::Sender<Work::Answer>,
}

impl<Work: Joint> Gather<Work> {
    /// Nobody yet; what is to be done is done in tasks of `tasks`.
    pub(crate) fn new(work: Work, tasks: TaskTracker) -> Self {
        let state = State { waiting: VecDeque::new(), working: 0 };
        Self { work, tasks, state: Arc::new(Mutex::new(state)) }
    }

    /// Hands wishes over; the answers come in the same order. Whoever hangs up drops only the
    /// waiting. An answer that never comes means that its work panicked.
    pub(crate) fn enter(
        &self,
        wishes: impl IntoIterator<Item = Work::Wish>,
    ) -> Vec<oneshot::Receiver<Work::Answer>> {
        let mut answers = Vec::new();
        let mut state = self.state();
        for wish in wishes {
            let (answer, answered) = oneshot::channel();
            state.waiting.push_back(Waiting { wish, answer });
            answers.push(answered);
        }
        // One more piece of work, and one more for each that is full.
        let wanted = state.waiting.len().div_ceil(Work::BOUNDS.wishes);
        for _ in state.working..(state.working + wanted).min(Work::BOUNDS.at_once) {
            state.working += 1;
            self.tasks.spawn(self.clone().work());
        }
        answers
    }

    /// Works until nobody waits.
    async fn work(self) {
        let watch = Watch(&self);
        while let Some(together) = self.take() {
            let (wishes, listeners): (Vec<_>, Vec<_>) =
                together.into_iter().map(|waiting| (waiting.wish, waiting.answer)).unzip();
            for (listener, answer) in listeners.into_iter().zip(self.work.fulfil(wishes).await) {
                // Nobody may be waiting any more.
                let _unheard = listener.send(answer);
            }
        }
        std::mem::forget(watch);
    }

    /// What goes together next; with `None` the caller has stopped working.
    fn take(&self) -> Option<Vec<Waiting<Work>>> {
        let mut state = self.state();
        let mut together = Vec::new();
        let mut bytes = 0;
        while let Some(next) = state.waiting.front() {
            bytes += Work::weight(&next.wish);
            let is_full = together.len() == Work::BOUNDS.wishes || bytes > Work::BOUNDS.bytes;
            if is_full && !together.is_empty() {
                break;
            }
            together.extend(state.waiting.pop_front());
        }
        if together.is_empty() {
            state.working -= 1;
            return None;
        }
        Some(together)
    }

    fn state(&self) -> MutexGuard<'_, State<Work>> {
        // Nothing panics while it is held.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts out a task that ended before it had stopped working: otherwise nobody would take its place.
struct Watch<'a, Work: Joint>(&'a Gather<Work>);

impl<Work: Joint> Drop for Watch<'_, Work> {
    fn drop(&mut self) {
        self.0.state().working -= 1;
    }
}
