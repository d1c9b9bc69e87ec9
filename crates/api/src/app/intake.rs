//! Messages that arrive at the same moment are stored together: one statement and one commit for
//! all of them, whoever their tenants are. Nobody waits for company: what comes while others are
//! being stored is what goes together next.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use letterhead_domain::{
    id::{MessageId, TenantId},
    message::NewMessage,
};
use letterhead_storage::repo::message::{Accept, Acceptance, Idempotency};
use tokio::sync::oneshot;

use super::{App, AppError, room::Place};
use crate::random;

/// Statements at once: while one is being stored, the next one gathers. A statement costs the database
/// some 400 µs of a processor before its first message and some 60 µs for each.
const AT_ONCE: usize = 2;
/// Most messages of one statement.
const MOST_MESSAGES: usize = 128;
/// Most bytes of content in one statement; one message may be larger.
const MOST_BYTES: u64 = 4 * 1024 * 1024;

/// The messages that are about to be stored.
#[derive(Clone, Default)]
pub(super) struct Intake(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    waiting: VecDeque<Waiting>,
    storing: usize,
}

/// A message on its way into the database.
pub(super) struct Arrival {
    pub(super) tenant: TenantId,
    pub(super) id: MessageId,
    pub(super) message: NewMessage,
    pub(super) idempotency: Option<Idempotency>,
    /// The room that it takes in memory, if it is large.
    #[expect(dead_code, reason = "it is held, and given back when the message is stored")]
    pub(super) place: Option<Place>,
}

struct Waiting {
    arrival: Arrival,
    answer: oneshot::Sender<Result<Acceptance, AppError>>,
}

impl Arrival {
    fn bytes(&self) -> u64 {
        u64::try_from(self.message.content.bytes()).unwrap_or(u64::MAX)
    }

    fn accept(&self) -> Accept<'_> {
        Accept {
            tenant: self.tenant,
            id: self.id,
            message: &self.message,
            recipient_ids: self.message.recipients.iter().map(|_| random::id()).collect(),
            idempotency: self.idempotency.clone(),
        }
    }
}

impl Intake {
    /// Hands messages over to be stored; the answers come in the same order. A caller that hangs up
    /// drops only the waiting.
    pub(super) fn enter(
        &self,
        app: &App,
        arrivals: impl IntoIterator<Item = Arrival>,
    ) -> Vec<(MessageId, oneshot::Receiver<Result<Acceptance, AppError>>)> {
        let mut answers = Vec::new();
        let mut state = self.state();
        for arrival in arrivals {
            let (id, (answer, answered)) = (arrival.id, oneshot::channel());
            state.waiting.push_back(Waiting { arrival, answer });
            answers.push((id, answered));
        }
        // One more statement, and one more for each that is full.
        let wanted = state.waiting.len().div_ceil(MOST_MESSAGES);
        for _ in state.storing..(state.storing + wanted).min(AT_ONCE) {
            state.storing += 1;
            app.tasks.spawn(self.clone().store(app.clone()));
        }
        answers
    }

    /// Stores what waits until nothing does.
    async fn store(self, app: App) {
        while let Some(together) = self.take() {
            store_together(&app, together).await;
            app.waker.wake();
        }
    }

    /// What goes together next; with `None` the caller has stopped storing.
    fn take(&self) -> Option<Vec<Waiting>> {
        let mut state = self.state();
        let mut together = Vec::new();
        let mut bytes = 0;
        while let Some(next) = state.waiting.front() {
            bytes += next.arrival.bytes();
            let is_full = together.len() == MOST_MESSAGES || bytes > MOST_BYTES;
            if is_full && !together.is_empty() {
                break;
            }
            together.extend(state.waiting.pop_front());
        }
        if together.is_empty() {
            state.storing -= 1;
            return None;
        }
        Some(together)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it is held.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Stores them in one statement, and answers each. If the statement fails by what one of them holds,
/// each is stored alone, so that it fails alone.
async fn store_together(app: &App, together: Vec<Waiting>) {
    let accepts: Vec<_> = together.iter().map(|waiting| waiting.arrival.accept()).collect();
    let stored = app.store.accept(&accepts).await;
    drop(accepts);
    match stored {
        Ok(outcomes) => {
            for (waiting, outcome) in together.into_iter().zip(outcomes) {
                waiting.tell(Ok(outcome));
            }
        }
        Err(err) if together.len() == 1 || err.is_unavailable() => {
            for waiting in together {
                waiting.tell(Err(err.clone().into()));
            }
        }
        Err(_) => {
            for waiting in together {
                let alone = app.store.accept(&[waiting.arrival.accept()]).await;
                let outcome = alone.map(|mut outcomes| outcomes.remove(0));
                waiting.tell(outcome.map_err(Into::into));
            }
        }
    }
}

impl Waiting {
    fn tell(self, outcome: Result<Acceptance, AppError>) {
        // Nobody may be waiting any more.
        let _unheard = self.answer.send(outcome);
    }
}
