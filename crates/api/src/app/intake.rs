//! Messages that arrive at the same moment are stored together: one statement and one commit for
//! all of them, whoever their tenants are.

use std::time::Duration;

use letterhead_domain::{
    id::{MessageId, TenantId},
    message::NewMessage,
};
use letterhead_storage::{
    error::StorageError,
    repo::message::{Accept, Acceptance, Idempotency},
    store::Store,
};

use super::{
    Waker,
    gather::{Bounds, Joint},
    room::Place,
};
use crate::random;

/// Stores messages, and wakes the workers.
#[derive(Clone)]
pub(super) struct Intake {
    pub(super) store: Store,
    pub(super) waker: Waker,
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

impl Arrival {
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

impl Joint for Intake {
    type Wish = Arrival;
    type Outcome = Acceptance;

    // A statement costs the database some 600 µs of a processor before its first message and some
    // 40 µs for each: what 32 clients send goes fastest in one after the other.
    const BOUNDS: Bounds = Bounds {
        at_once: 3,
        enough: 64,
        patience: Duration::from_millis(20),
        wishes: 128,
        bytes: 4 * 1024 * 1024,
    };

    fn weight(arrival: &Arrival) -> u64 {
        u64::try_from(arrival.message.content.bytes()).unwrap_or(u64::MAX)
    }

    async fn write(&self, arrivals: &[Arrival]) -> Result<Vec<Acceptance>, StorageError> {
        let accepts: Vec<_> = arrivals.iter().map(Arrival::accept).collect();
        let outcomes = self.store.accept(&accepts).await?;
        self.waker.wake();
        Ok(outcomes)
    }
}
