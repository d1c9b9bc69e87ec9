//! Messages on their way over a sender's sessions, and what became of each as it is known.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use letterhead_domain::{delivery::AttemptOutcome, email::EmailAddress, test_run::Cause};
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;

use super::{Transport, pool};
use crate::{compose::ComposedMail, lease::LeaseDeadline, session::Served};

/// How many sessions in a row may bring parcels back and end no attempt: one that the server had
/// closed while it rested, and one in each gear.
const MOST_FRUITLESS: u32 = 3;

/// A second session is opened once this many parcels wait: opening one costs nine round trips
/// with TLS and a sign-in, a message one at most.
const WORTH_OPENING: usize = 4;

/// One message and who gets it.
pub struct Parcel {
    /// The caller's number for it, given back with its outcome.
    pub ticket: usize,
    /// The mail.
    pub mail: ComposedMail,
    /// The envelope's sender.
    pub from: EmailAddress,
    /// The envelope's recipients; at least one.
    pub recipients: Vec<EmailAddress>,
}

/// Decides whether an outcome means that nothing more should be tried.
type Halts = Box<dyn Fn(&AttemptOutcome) -> bool + Send + Sync>;

/// A run of messages over one transport, under one lease.
///
/// Parcels may be handed over at any time, outcomes come in the order in which they are known.
/// Dropping it leaves what waits; what is in flight ends by itself, and its session stays good.
pub struct Dispatch {
    run: Arc<Run>,
    outcomes: mpsc::UnboundedReceiver<(usize, AttemptOutcome)>,
    outstanding: usize,
}

/// What the sessions of a run share.
pub(crate) struct Run {
    pub(crate) transport: Arc<Transport>,
    lease: LeaseDeadline,
    halts: Halts,
    queue: Mutex<Queue>,
    arrival: Notify,
    halted: CancellationToken,
    outcomes: mpsc::UnboundedSender<(usize, AttemptOutcome)>,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Parcel>,
    /// How many sessions in a row brought parcels back and ended no attempt.
    fruitless: u32,
    /// Sessions that serve the run, or are about to.
    active: usize,
    is_halted: bool,
}

impl Dispatch {
    pub(super) fn new(
        transport: Arc<Transport>,
        lease: LeaseDeadline,
        halts: impl Fn(&AttemptOutcome) -> bool + Send + Sync + 'static,
    ) -> Self {
        let (sender, outcomes) = mpsc::unbounded_channel();
        let run = Run {
            transport,
            lease,
            halts: Box::new(halts),
            queue: Mutex::default(),
            arrival: Notify::new(),
            halted: CancellationToken::new(),
            outcomes: sender,
        };
        Self { run: Arc::new(run), outcomes, outstanding: 0 }
    }

    /// Hands `parcel` over to the next session that has room for it. Never waits: who calls
    /// bounds what is outstanding. Must be called within a runtime.
    pub fn push(&mut self, parcel: Parcel) {
        self.outstanding += 1;
        if self.run.push(parcel) {
            tokio::spawn(serve(Arc::clone(&self.run)));
        }
    }

    /// How many parcels have no outcome yet.
    pub const fn outstanding(&self) -> usize {
        self.outstanding
    }

    /// Lets nothing more begin: what waits is [`AttemptOutcome::NotSent`], what is in flight ends by
    /// itself. The outcomes still come.
    pub fn halt(&self) {
        self.run.halt();
    }

    /// Waits for the next outcome, with its parcel's ticket; `None` if none is outstanding. Nothing is
    /// lost when the wait is given up.
    ///
    /// Once an outcome halted the run, what had not begun is [`AttemptOutcome::NotSent`] with
    /// [`Cause::Interrupted`], and so is what is handed over later.
    pub async fn next(&mut self) -> Option<(usize, AttemptOutcome)> {
        if self.outstanding == 0 {
            return None;
        }
        let outcome = self.outcomes.recv().await;
        self.outstanding -= 1;
        outcome
    }
}

impl Drop for Dispatch {
    fn drop(&mut self) {
        self.run.halt();
    }
}

impl Run {
    /// Takes `parcel` in, and says whether another session should serve the run.
    fn push(&self, parcel: Parcel) -> bool {
        let mut queue = self.lock();
        if queue.is_halted {
            drop(queue);
            self.tell(parcel.ticket, AttemptOutcome::NotSent(Cause::Interrupted));
            return false;
        }
        queue.waiting.push_back(parcel);
        let most = self.transport.most_sessions();
        let wanted =
            queue.active == 0 || (queue.active < most && queue.waiting.len() >= WORTH_OPENING);
        if wanted {
            queue.active += 1;
        }
        drop(queue);
        self.arrival.notify_one();
        wanted
    }

    /// The next parcel, if one waits.
    pub(crate) fn take(&self) -> Option<Parcel> {
        self.lock().waiting.pop_front()
    }

    /// Waits until a parcel may have come since.
    pub(crate) async fn arrived(&self) {
        self.arrival.notified().await;
    }

    /// Takes in what a session leaves. Parcels that it brings back wait again, unless session after
    /// session ends like this one: then they were not sent.
    fn conclude(&self, served: Served) {
        let Served { untold, again, was_of_use } = served;
        for (ticket, outcome) in untold {
            self.tell(ticket, outcome);
        }
        let mut queue = self.lock();
        queue.fruitless = if was_of_use || again.is_empty() { 0 } else { queue.fruitless + 1 };
        if !queue.is_halted && queue.fruitless < MOST_FRUITLESS {
            again.into_iter().rev().for_each(|(parcel, _)| queue.waiting.push_front(parcel));
            return;
        }
        let is_halted = queue.is_halted;
        drop(queue);
        for (parcel, cause) in again {
            let cause = if is_halted { Cause::Interrupted } else { cause };
            let outcome = AttemptOutcome::NotSent(cause);
            let halts = self.halts(&outcome);
            self.tell(parcel.ticket, outcome);
            if halts {
                self.halt();
            }
        }
    }

    /// Whether nothing more should be tried after `outcome`.
    pub(crate) fn halts(&self, outcome: &AttemptOutcome) -> bool {
        (self.halts)(outcome)
    }

    /// Lets nothing more begin.
    pub(crate) fn halt(&self) {
        let left = self.empty();
        self.tell_left(left);
    }

    /// Lets nothing more begin; gives what waited.
    fn empty(&self) -> VecDeque<Parcel> {
        self.halted.cancel();
        let mut queue = self.lock();
        queue.is_halted = true;
        std::mem::take(&mut queue.waiting)
    }

    fn tell_left(&self, left: VecDeque<Parcel>) {
        for parcel in left {
            self.tell(parcel.ticket, AttemptOutcome::NotSent(Cause::Interrupted));
        }
    }

    /// Tells what became of a parcel.
    pub(crate) fn tell(&self, ticket: usize, outcome: AttemptOutcome) {
        // Nobody hears it where the run was dropped.
        let _ = self.outcomes.send((ticket, outcome));
    }

    /// No session could be had: where none is left that serves the run, that is its end, and the
    /// outcome that of the parcel that would have been the first.
    fn give_up(&self, outcome: AttemptOutcome) {
        let mut queue = self.lock();
        queue.active -= 1;
        if queue.active > 0 {
            return;
        }
        let first = queue.waiting.pop_front();
        drop(queue);
        let left = self.empty();
        if let Some(parcel) = first {
            self.tell(parcel.ticket, outcome);
        }
        self.tell_left(left);
    }

    /// Leaves the run if nothing waits.
    fn leave(&self) -> bool {
        let mut queue = self.lock();
        let leaves = queue.waiting.is_empty();
        if leaves {
            queue.active -= 1;
        }
        leaves
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Serves `run` with one session after the other until nothing waits.
async fn serve(run: Arc<Run>) {
    let watch = Watch(&run);
    serve_to_the_end(&run).await;
    std::mem::forget(watch);
}

/// Ends a run whose task was ended before it could leave: nobody else would take what waits.
struct Watch<'a>(&'a Run);

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        self.0.halt();
    }
}

async fn serve_to_the_end(run: &Run) {
    loop {
        // Waiting for a session may be given up at any time, and so may opening one; a conversation
        // about messages never is.
        let opened = async {
            let loan = run.transport.loan(&run.lease).await.ok_or_else(pool::lease_is_over)?;
            let session = run.transport.session(&run.lease).await?;
            Ok((session, loan))
        };
        let opened = tokio::select! {
            biased;
            () = run.halted.cancelled() => Err(pool::lease_is_over()),
            opened = opened => opened,
        };
        let (mut session, loan) = match opened {
            Ok(opened) => opened,
            Err(outcome) => return run.give_up(outcome),
        };
        let served = session.serve(run).await;
        run.transport.take_back(session);
        drop(loan);
        run.conclude(served);
        if run.lease.has_passed() {
            run.halt();
        }
        if run.leave() {
            return;
        }
    }
}
