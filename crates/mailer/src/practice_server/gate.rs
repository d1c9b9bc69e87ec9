//! Places where a conversation can be made to wait, so that a test may act in between.
//!
//! A gate is set before the conversation gets there. Nothing is decided by time: the test waits
//! for [`Gate::reached`], does what it came for, and releases.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

/// A point of a conversation at which it can be held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Point {
    /// MAIL has been read and accepted, its reply has not been sent.
    Mail,
    /// RCPT has been read and accepted, its reply has not been sent.
    Rcpt,
    /// DATA has been read, the 354 has not been sent.
    Data,
    /// At least this many bytes of the body have been read, the final dot has not.
    Body(usize),
    /// The final dot has been read and the message is caught, its reply has not been sent.
    Dot,
}

/// A gate that was set; dropping it lets everyone through.
#[must_use = "a gate that is dropped is open"]
pub struct Gate {
    barrier: Arc<Barrier>,
    gates: Gates,
}

impl Gate {
    /// Waits until a conversation is held here.
    pub async fn reached(&self) {
        self.reached_by(1).await;
    }

    /// Waits until `count` conversations have been held here.
    pub async fn reached_by(&self, count: usize) {
        let mut arrived = self.barrier.arrived.subscribe();
        // The sender lives in `self`, so waiting can only end by the count.
        let _ = arrived.wait_for(|arrived| *arrived >= count).await;
    }

    /// Lets those who wait go on, and all who come later.
    pub fn release(self) {
        drop(self);
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.gates.forget(&self.barrier);
        self.barrier.open.send_replace(true);
    }
}

/// What conversations wait at.
struct Barrier {
    point: Point,
    /// Holds whoever comes, not only the first.
    holds_all: bool,
    arrived: watch::Sender<usize>,
    open: watch::Sender<bool>,
}

/// All gates that are set on one server.
#[derive(Clone, Default)]
pub(super) struct Gates {
    set: Arc<Mutex<VecDeque<Arc<Barrier>>>>,
    /// How many are set: spares conversations the lock when there are none.
    count: Arc<AtomicUsize>,
}

impl Gates {
    /// Sets a gate at `point` for the next conversation to come, or for all.
    pub(super) fn set(&self, point: Point, holds_all: bool) -> Gate {
        let barrier = Arc::new(Barrier {
            point,
            holds_all,
            arrived: watch::Sender::new(0),
            open: watch::Sender::new(false),
        });
        let mut set = self.lock();
        set.push_back(Arc::clone(&barrier));
        self.count.store(set.len(), Ordering::Release);
        drop(set);
        Gate { barrier, gates: self.clone() }
    }

    /// The gate that holds a conversation now at `point`, if one does.
    pub(super) fn holding(&self, point: Point) -> Option<Held> {
        if self.count.load(Ordering::Acquire) == 0 {
            return None;
        }
        let mut set = self.lock();
        let index = set.iter().position(|barrier| barrier.stops(point))?;
        let barrier = Arc::clone(set.get(index)?);
        if !barrier.holds_all {
            set.remove(index);
            self.count.store(set.len(), Ordering::Release);
        }
        Some(Held(barrier))
    }

    fn forget(&self, gone: &Arc<Barrier>) {
        let mut set = self.lock();
        set.retain(|barrier| !Arc::ptr_eq(barrier, gone));
        self.count.store(set.len(), Ordering::Release);
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Arc<Barrier>>> {
        self.set.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Barrier {
    /// Whether one who is at `point` is held: in the body, from the chosen byte on.
    fn stops(&self, point: Point) -> bool {
        match (self.point, point) {
            (Point::Body(from), Point::Body(read)) => read >= from,
            (mine, theirs) => mine == theirs,
        }
    }
}

/// A conversation's place at a gate.
pub(super) struct Held(Arc<Barrier>);

impl Held {
    /// Says that the gate is reached, and waits until it opens.
    pub(super) async fn wait(self) {
        let mut open = self.0.open.subscribe();
        self.0.arrived.send_modify(|arrived| *arrived += 1);
        // The sender lives in `self`, so waiting can only end by opening.
        let _ = open.wait_for(|open| *open).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_gate_holds_the_next_one_only() {
        let gates = Gates::default();
        let gate = gates.set(Point::Dot, false);

        let held = gates.holding(Point::Dot).expect("the first is held");
        let second = gates.holding(Point::Dot);

        assert!(second.is_none());
        let waiting = tokio::spawn(held.wait());
        gate.reached().await;
        gate.release();
        waiting.await.unwrap();
    }

    #[tokio::test]
    async fn a_gate_for_all_holds_everyone_until_it_is_dropped() {
        let gates = Gates::default();
        let gate = gates.set(Point::Mail, true);

        let waiting: Vec<_> = (0..3)
            .map(|_| tokio::spawn(gates.holding(Point::Mail).expect("held").wait()))
            .collect();

        gate.reached_by(3).await;
        drop(gate);
        for waiter in waiting {
            waiter.await.unwrap();
        }
        assert!(gates.holding(Point::Mail).is_none());
    }

    #[test]
    fn a_gate_in_the_body_holds_from_its_byte_on() {
        let gates = Gates::default();
        let _gate = gates.set(Point::Body(100), false);

        assert!(gates.holding(Point::Body(99)).is_none());
        assert!(gates.holding(Point::Dot).is_none());
        assert!(gates.holding(Point::Body(140)).is_some());
    }
}
