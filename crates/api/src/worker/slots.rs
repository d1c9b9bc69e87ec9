//! How many lanes are served at once, and whose.
//!
//! A lane whose server does not answer needs hardly anything but patience. It steps aside after a
//! moment, so that any number of silent servers cannot keep mail from those that answer. Until then it
//! has a slot, and a thousand lanes of which nobody knows would pass through all slots before the next
//! one gets its turn: so some are kept for lanes that were served lately.

use std::{sync::Arc, time::Duration};

use letterhead_storage::{record::LaneStanding, repo::lane::Shares};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::random;

/// How long a lane may wait for its server in its slot, more or less: lanes that began together would
/// otherwise leave together, and as many others begin in the same moment, again and again.
const PATIENCE: Duration = Duration::from_millis(250);

/// How long one lane may wait for its server in its slot.
pub(super) fn patience() -> Duration {
    PATIENCE.mul_f64(0.5 + random::jitter())
}

/// Lanes that may wait aside, for each slot: some 25 KB each.
const ASIDE: usize = 16;

/// The slots of one worker.
#[derive(Clone)]
pub(super) struct Slots {
    served: Arc<Semaphore>,
    /// Those of them that lanes may have of which nobody knows whether their server answers: a quarter.
    unknown: Arc<Semaphore>,
    /// Those of them that lanes in trouble may have: a quarter.
    in_trouble: Arc<Semaphore>,
    aside: Arc<Semaphore>,
}

/// Leave to serve one lane.
pub(super) struct Slot {
    permit: OwnedSemaphorePermit,
    /// Its part of a share.
    share: Option<OwnedSemaphorePermit>,
    aside: Arc<Semaphore>,
}

impl Slots {
    pub(super) fn new(slots: usize) -> Self {
        let some = |count| Arc::new(Semaphore::new(count));
        Self {
            served: some(slots),
            unknown: some((slots / 4).max(1)),
            in_trouble: some((slots / 4).max(1)),
            aside: some(slots * ASIDE),
        }
    }

    /// How many are free.
    pub(super) fn free(&self) -> usize {
        self.served.available_permits()
    }

    /// How many of them lanes may have whose server may not answer.
    pub(super) fn shares(&self) -> Shares {
        Shares {
            unknown: self.unknown.available_permits(),
            in_trouble: self.in_trouble.available_permits(),
        }
    }

    /// Waits until one is free.
    pub(super) async fn one_is_free(&self) {
        // Closed it never is; and the permit goes back at once.
        let _permit = self.served.acquire().await;
    }

    /// Waits until there is room again in a share that was used up in `shares`; for ever if none was.
    pub(super) async fn share_is_free(&self, shares: Shares) {
        let free = async |left, share: &Semaphore| match left {
            0 => drop(share.acquire().await),
            1.. => std::future::pending().await,
        };
        tokio::select! {
            () = free(shares.unknown, &self.unknown) => {}
            () = free(shares.in_trouble, &self.in_trouble) => {}
        }
    }

    /// Takes one for a lane that was claimed within its share, if one is free.
    pub(super) fn take(&self, standing: LaneStanding) -> Option<Slot> {
        let take = |share: &Arc<Semaphore>| Arc::clone(share).try_acquire_owned().ok();
        let share = match standing {
            LaneStanding::Known => None,
            LaneStanding::Unknown => Some(take(&self.unknown)?),
            LaneStanding::InTrouble => Some(take(&self.in_trouble)?),
        };
        Some(Slot { permit: take(&self.served)?, share, aside: Arc::clone(&self.aside) })
    }
}

impl Slot {
    /// Leaves the slot to another lane, unless too many wait aside already.
    pub(super) fn step_aside(&mut self) {
        if let Ok(permit) = Arc::clone(&self.aside).try_acquire_owned() {
            self.permit = permit;
            self.share = None;
        }
    }

    /// Leaves its share: the server answers.
    pub(super) fn is_known(&mut self) {
        self.share = None;
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
            let mut slot = slots.take(LaneStanding::Known).unwrap();
            assert!(slots.take(LaneStanding::Known).is_none());
            slot.step_aside();
            assert_eq!(slots.free(), 1);
            aside.push(slot);
        }
        let mut last = slots.take(LaneStanding::Known).unwrap();

        last.step_aside();
        assert_eq!(slots.free(), 0);
        aside.pop();
        last.step_aside();
        assert_eq!(slots.free(), 1);
    }

    #[test]
    fn half_of_the_slots_are_kept_for_lanes_whose_server_is_known_to_answer() {
        let slots = Slots::new(8);
        let mut taken = Vec::new();
        for standing in [LaneStanding::Unknown, LaneStanding::InTrouble] {
            taken.extend(std::iter::from_fn(|| slots.take(standing)));
        }

        assert_eq!(taken.len(), 4);
        assert_eq!(slots.shares(), Shares { unknown: 0, in_trouble: 0 });
        taken.extend(std::iter::from_fn(|| slots.take(LaneStanding::Known)));
        assert_eq!(taken.len(), 8);
        assert_eq!(slots.free(), 0);
    }

    #[test]
    fn a_lane_leaves_its_share_when_it_steps_aside_and_when_its_server_answers() {
        let slots = Slots::new(8);
        let mut first = slots.take(LaneStanding::Unknown).unwrap();
        let mut second = slots.take(LaneStanding::Unknown).unwrap();

        first.step_aside();
        assert_eq!((slots.free(), slots.shares().unknown), (7, 1));
        second.is_known();
        assert_eq!((slots.free(), slots.shares().unknown), (7, 2));
    }

    #[tokio::test]
    async fn who_waits_for_a_share_is_woken_when_there_is_room_in_it() {
        let slots = Slots::new(4);
        let taken: Vec<_> = std::iter::from_fn(|| slots.take(LaneStanding::Unknown)).collect();
        let full = slots.shares();
        let waiting = tokio::spawn({
            let slots = slots.clone();
            async move { slots.share_is_free(full).await }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());

        drop(taken);
        waiting.await.unwrap();
    }
}
