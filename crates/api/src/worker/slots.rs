//! How many lanes are served at once.
//!
//! A lane whose server does not answer needs hardly anything but patience. It steps aside after a
//! moment, so that any number of silent servers cannot keep mail from those that answer.

use std::{sync::Arc, time::Duration};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How long a lane may wait for its server in its slot.
pub(super) const PATIENCE: Duration = Duration::from_millis(250);

/// Lanes that may wait aside, for each slot: some 25 KB each.
const ASIDE: usize = 16;

/// The slots of one worker.
#[derive(Clone)]
pub(super) struct Slots {
    served: Arc<Semaphore>,
    aside: Arc<Semaphore>,
}

/// Leave to serve one lane.
pub(super) struct Slot {
    permit: OwnedSemaphorePermit,
    aside: Arc<Semaphore>,
}

impl Slots {
    pub(super) fn new(slots: usize) -> Self {
        Self {
            served: Arc::new(Semaphore::new(slots)),
            aside: Arc::new(Semaphore::new(slots * ASIDE)),
        }
    }

    /// How many are free.
    pub(super) fn free(&self) -> usize {
        self.served.available_permits()
    }

    /// Waits until one is free.
    pub(super) async fn one_is_free(&self) {
        // Closed it never is; and the permit goes back at once.
        let _permit = self.served.acquire().await;
    }

    /// Takes one, if one is free.
    pub(super) fn take(&self) -> Option<Slot> {
        let permit = Arc::clone(&self.served).try_acquire_owned().ok()?;
        Some(Slot { permit, aside: Arc::clone(&self.aside) })
    }
}

impl Slot {
    /// Leaves the slot to another lane, unless too many wait aside already; says whether it did.
    pub(super) fn step_aside(&mut self) -> bool {
        let Ok(permit) = Arc::clone(&self.aside).try_acquire_owned() else { return false };
        self.permit = permit;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lane_that_steps_aside_leaves_its_slot_to_another_until_too_many_have() {
        let slots = Slots::new(1);
        let mut aside = Vec::new();
        for _ in 0..ASIDE {
            let mut slot = slots.take().unwrap();
            assert!(slots.take().is_none());
            assert!(slot.step_aside());
            aside.push(slot);
        }
        let mut last = slots.take().unwrap();

        assert!(!last.step_aside());
        assert_eq!(slots.free(), 0);
        aside.pop();
        assert!(last.step_aside());
        assert_eq!(slots.free(), 1);
    }
}
