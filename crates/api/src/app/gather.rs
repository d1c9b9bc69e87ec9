//! Doing together what many want done at the same moment: one statement and one commit for all of them.
//!
//! Nobody waits for company as such: what comes while others are being served is what goes together next.
//! A few wait until those are served; enough of them, or those who would wait long, go beside them.

use std::{
    collections::VecDeque,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use letterhead_storage::error::StorageError;
use tokio::{sync::oneshot, time::timeout};
use tokio_util::task::TaskTracker;

/// Work that is cheaper done for many at once.
pub(crate) trait Joint: Clone + Send + Sync + 'static {
    /// What one of them wants.
    type Wish: Send + Sync + 'static;
    /// What comes of it.
    type Outcome: Send + 'static;

    /// The bounds of one statement.
    const BOUNDS: Bounds;

    /// How many bytes a wish holds.
    fn weight(wish: &Self::Wish) -> u64;

    /// Writes what is wished, all of it or nothing; gives one outcome for each wish, in their order.
    fn write(
        &self,
        wishes: &[Self::Wish],
    ) -> impl Future<Output = Result<Vec<Self::Outcome>, StorageError>> + Send;
}

/// A wish that was written, or was not, given back to whoever had it.
pub(crate) struct Answer<Work: Joint> {
    pub(crate) wish: Work::Wish,
    pub(crate) outcome: Result<Work::Outcome, StorageError>,
}

/// How much is done at once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// Statements at the same time.
    pub(crate) at_once: usize,
    /// So many waiting wishes are worth a statement beside one that is being written; fewer wait for that
    /// one, and gather meanwhile.
    pub(crate) enough: usize,
    /// A statement that takes longer is waited for by nobody: it holds a large message, or somebody else
    /// holds what it must lock.
    pub(crate) patience: Duration,
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
    /// How many of those at work are waited for by nobody.
    late: usize,
}

struct Waiting<Work: Joint> {
    wish: Work::Wish,
    answer: oneshot::Sender<Answer<Work>>,
}

impl<Work: Joint> Gather<Work> {
    /// Nobody yet; what is to be done is done in tasks of `tasks`.
    pub(crate) fn new(work: Work, tasks: TaskTracker) -> Self {
        let state = State { waiting: VecDeque::new(), working: 0, late: 0 };
        Self { work, tasks, state: Arc::new(Mutex::new(state)) }
    }

    /// Hands wishes over; the answers come in the same order. Whoever hangs up drops only the
    /// waiting. An answer that never comes means that its work panicked.
    pub(crate) fn enter(
        &self,
        wishes: impl IntoIterator<Item = Work::Wish>,
    ) -> Vec<oneshot::Receiver<Answer<Work>>> {
        let mut answers = Vec::new();
        let mut state = self.state();
        for wish in wishes {
            let (answer, answered) = oneshot::channel();
            state.waiting.push_back(Waiting { wish, answer });
            answers.push(answered);
        }
        self.put_to_work(&mut state);
        answers
    }

    /// Starts as many more statements as what waits is worth.
    fn put_to_work(&self, state: &mut State<Work>) {
        let waiting = state.waiting.len();
        let none_comes_soon = state.working == state.late;
        let wanted = (waiting / Work::BOUNDS.enough).max((waiting > 0 && none_comes_soon).into());
        for _ in state.working..(state.working + wanted).min(Work::BOUNDS.at_once) {
            state.working += 1;
            self.tasks.spawn(self.clone().work());
        }
    }

    /// Works until nobody waits.
    async fn work(self) {
        let watch = Watch { gather: &self, count: |state| &mut state.working };
        while let Some(together) = self.take() {
            let (wishes, listeners): (Vec<_>, Vec<_>) =
                together.into_iter().map(|waiting| (waiting.wish, waiting.answer)).unzip();
            let outcomes = self.written(&wishes).await;
            for ((wish, outcome), listener) in wishes.into_iter().zip(outcomes).zip(listeners) {
                // Nobody may be waiting any more.
                let _unheard = listener.send(Answer { wish, outcome });
            }
        }
        // It has counted itself out.
        std::mem::forget(watch);
    }

    /// Writes wishes together. Others begin as soon as it takes long.
    async fn written(&self, wishes: &[Work::Wish]) -> Vec<Result<Work::Outcome, StorageError>> {
        let mut outcomes = pin!(self.outcomes(wishes));
        if let Ok(outcomes) = timeout(Work::BOUNDS.patience, &mut outcomes).await {
            return outcomes;
        }
        let _late = self.is_late();
        outcomes.await
    }

    /// Lets others begin as if this one were not at work, until what is given back is dropped.
    fn is_late(&self) -> Watch<'_, Work> {
        let mut state = self.state();
        state.late += 1;
        self.put_to_work(&mut state);
        Watch { gather: self, count: |state| &mut state.late }
    }

    /// What comes of wishes. If writing them together fails by what one of them holds, each is written alone, so that
    /// it fails alone.
    async fn outcomes(&self, wishes: &[Work::Wish]) -> Vec<Result<Work::Outcome, StorageError>> {
        match self.work.write(wishes).await {
            Ok(outcomes) => outcomes.into_iter().map(Ok).collect(),
            Err(err) if wishes.len() == 1 || err.is_unavailable() => {
                wishes.iter().map(|_| Err(err.clone())).collect()
            }
            Err(_) => {
                let mut outcomes = Vec::with_capacity(wishes.len());
                for wish in wishes {
                    let alone = self.work.write(std::slice::from_ref(wish)).await;
                    outcomes.push(alone.map(|mut outcomes| outcomes.remove(0)));
                }
                outcomes
            }
        }
    }

    /// What goes together next; with `None` the caller has stopped working.
    fn take(&self) -> Option<Vec<Waiting<Work>>> {
        let mut state = self.state();
        let another_comes_soon = state.working - state.late > 1;
        if another_comes_soon && state.waiting.len() < Work::BOUNDS.enough {
            state.working -= 1;
            return None;
        }
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
            // Under the lock: what comes from now on finds nobody at work.
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

/// Counts out, when it is dropped, what was counted in: also of a task that panicked, for otherwise
/// nobody would take its place.
struct Watch<'a, Work: Joint> {
    gather: &'a Gather<Work>,
    count: fn(&mut State<Work>) -> &mut usize,
}

impl<Work: Joint> Drop for Watch<'_, Work> {
    fn drop(&mut self) {
        *(self.count)(&mut self.gather.state()) -= 1;
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::{Semaphore, mpsc};

    use super::*;

    const PATIENCE: Duration = Duration::from_millis(20);

    /// A wish has a weight; a statement is written when the test lets it.
    #[derive(Clone)]
    struct Slow {
        begun: mpsc::UnboundedSender<usize>,
        may_end: Arc<Semaphore>,
    }

    impl Joint for Slow {
        type Wish = u64;
        type Outcome = u64;

        const BOUNDS: Bounds =
            Bounds { at_once: 2, enough: 3, patience: PATIENCE, wishes: 4, bytes: 100 };

        fn weight(wish: &u64) -> u64 {
            *wish
        }

        async fn write(&self, wishes: &[u64]) -> Result<Vec<u64>, StorageError> {
            self.begun.send(wishes.len()).unwrap();
            self.may_end.acquire().await.unwrap().forget();
            Ok(wishes.to_vec())
        }
    }

    struct Stand {
        gather: Gather<Slow>,
        begun: mpsc::UnboundedReceiver<usize>,
        may_end: Arc<Semaphore>,
    }

    impl Stand {
        fn new() -> Self {
            let (begun, listener) = mpsc::unbounded_channel();
            let may_end = Arc::new(Semaphore::new(0));
            let work = Slow { begun, may_end: Arc::clone(&may_end) };
            Self { gather: Gather::new(work, TaskTracker::new()), begun: listener, may_end }
        }

        fn enter(&self, wishes: &[u64]) -> Vec<oneshot::Receiver<Answer<Slow>>> {
            self.gather.enter(wishes.iter().copied())
        }

        /// How many wishes the next statement holds.
        async fn next(&mut self) -> usize {
            tokio::time::timeout(Duration::from_secs(10), self.begun.recv()).await.unwrap().unwrap()
        }

        /// That nothing more begins as things stand.
        async fn expect_nothing_more(&mut self) {
            for _ in 0..10 {
                tokio::task::yield_now().await;
            }
            assert!(self.begun.try_recv().is_err());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_goes_at_once_and_a_few_wait_for_it_and_then_go_together() {
        let mut stand = Stand::new();
        let mut answers = stand.enter(&[1]);
        assert_eq!(stand.next().await, 1);

        answers.extend(stand.enter(&[2]));
        answers.extend(stand.enter(&[3]));
        stand.expect_nothing_more().await;
        stand.may_end.add_permits(2);

        assert_eq!(stand.next().await, 2);
        for (answer, wish) in answers.into_iter().zip(1..) {
            assert_eq!(answer.await.unwrap().outcome.unwrap(), wish);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn enough_go_beside_what_is_being_written_and_no_more_than_may_at_once() {
        let mut stand = Stand::new();
        let _first = stand.enter(&[1]);
        assert_eq!(stand.next().await, 1);

        let _enough = stand.enter(&[1, 1, 1]);
        assert_eq!(stand.next().await, 3);

        let _too_many = stand.enter(&[1, 1, 1, 1]);
        stand.expect_nothing_more().await;
        stand.may_end.add_permits(1);
        assert_eq!(stand.next().await, 4);
    }

    #[tokio::test(start_paused = true)]
    async fn a_few_are_left_to_the_statement_beside_and_none_is_forgotten() {
        let mut stand = Stand::new();
        let first = stand.enter(&[1]);
        assert_eq!(stand.next().await, 1);
        let second = stand.enter(&[1, 1, 1]);
        assert_eq!(stand.next().await, 3);
        let few = stand.enter(&[1, 1]);

        stand.may_end.add_permits(1);
        stand.expect_nothing_more().await;
        stand.may_end.add_permits(1);

        assert_eq!(stand.next().await, 2);
        stand.may_end.add_permits(1);
        for answer in first.into_iter().chain(second).chain(few) {
            assert!(answer.await.unwrap().outcome.is_ok());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_for_a_statement_that_takes_long() {
        let mut stand = Stand::new();
        let late = stand.enter(&[1]);
        assert_eq!(stand.next().await, 1);
        let few = stand.enter(&[1, 1]);
        stand.expect_nothing_more().await;

        tokio::time::advance(PATIENCE).await;

        assert_eq!(stand.next().await, 2);
        stand.may_end.add_permits(2);
        for answer in late.into_iter().chain(few) {
            assert!(answer.await.unwrap().outcome.is_ok());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_too_large_to_go_with_others_goes_alone() {
        let mut stand = Stand::new();
        let _wishes = stand.enter(&[60, 60]);
        assert_eq!(stand.next().await, 1);

        stand.may_end.add_permits(1);

        assert_eq!(stand.next().await, 1);
    }
}
