//! What sessions did, counted over the whole process.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::gear::{Gear, GearFault};

/// Why a session was closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Retirement {
    /// It had carried as many messages as one session may.
    Messages,
    /// It was as old as a session may become.
    Age,
    /// It had rested for too long.
    Idle,
    /// Another sender needed its place.
    Place,
    /// The server had closed it, or said that it would.
    ServerClosed,
    /// Its conversation was cut, or made no sense.
    Broken,
}

impl Retirement {
    /// Every reason.
    pub const ALL: [Self; 6] =
        [Self::Messages, Self::Age, Self::Idle, Self::Place, Self::ServerClosed, Self::Broken];

    /// The reason in one word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Messages => "messages",
            Self::Age => "age",
            Self::Idle => "idle",
            Self::Place => "place",
            Self::ServerClosed => "server_closed",
            Self::Broken => "broken",
        }
    }
}

/// What was counted up to now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionCounts {
    /// Sessions opened: connected, and signed in where that is asked for.
    pub opened: u64,
    /// Times that a session at rest was used again.
    pub reused: u64,
    /// Messages handed over, whatever became of them; by `opened`, the messages a session.
    pub messages: u64,
    /// Times that a session wrote and then waited for the answer, openings not included.
    pub round_trips: u64,
    /// Sessions closed, by reason.
    pub retired: [(Retirement, u64); Retirement::ALL.len()],
    /// Senders put into a slower gear, by the gear that went wrong and how.
    pub gear_drops: Vec<(Gear, GearFault, u64)>,
    /// Messages handed over in each gear.
    pub by_gear: [(Gear, u64); Gear::ALL.len()],
    /// Times that a transport was asked for and was kept.
    pub transport_hits: u64,
    /// Times that one had to be made: settings loaded, a password opened.
    pub transport_misses: u64,
}

/// How sessions stand at this moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionsNow {
    /// Sessions that are open or being opened.
    pub open: u64,
    /// Transports that are kept, by the gear of their latest session; those without one are left
    /// out.
    pub gears: [(Gear, u64); Gear::ALL.len()],
}

/// The counters behind [`SessionCounts`].
#[derive(Default)]
pub(crate) struct Counters {
    opened: AtomicU64,
    reused: AtomicU64,
    round_trips: AtomicU64,
    retired: [AtomicU64; Retirement::ALL.len()],
    gear_drops: [[AtomicU64; GearFault::ALL.len()]; Gear::ALL.len()],
    by_gear: [AtomicU64; Gear::ALL.len()],
    transport_hits: AtomicU64,
    transport_misses: AtomicU64,
}

impl Counters {
    pub(crate) fn opened(&self) {
        add(&self.opened, 1);
    }

    pub(crate) fn reused(&self) {
        add(&self.reused, 1);
    }

    pub(crate) fn round_trip(&self) {
        add(&self.round_trips, 1);
    }

    pub(crate) fn retired(&self, reason: Retirement) {
        self.retired.get(reason as usize).into_iter().for_each(|counter| add(counter, 1));
    }

    pub(crate) fn gear_dropped(&self, gear: Gear, fault: GearFault) {
        let faults = self.gear_drops.get(gear as usize);
        if let Some(counter) = faults.and_then(|faults| faults.get(fault as usize)) {
            add(counter, 1);
        }
    }

    pub(crate) fn transport_asked_for(&self, was_kept: bool) {
        add(if was_kept { &self.transport_hits } else { &self.transport_misses }, 1);
    }

    pub(crate) fn messages(&self, gear: Gear, count: u64) {
        self.by_gear.get(gear as usize).into_iter().for_each(|counter| add(counter, count));
    }

    pub(crate) fn read(&self) -> SessionCounts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let of = |counters: &[AtomicU64], index: usize| counters.get(index).map_or(0, read);
        let by_gear = Gear::ALL.map(|gear| (gear, of(&self.by_gear, gear as usize)));
        let drops_of = |gear: Gear| {
            let faults = self.gear_drops.get(gear as usize).map_or(&[][..], |faults| faults);
            GearFault::ALL.map(|fault| (gear, fault, of(faults, fault as usize)))
        };
        let above_another = Gear::ALL.into_iter().filter(|gear| gear.lower().is_some());
        let gear_drops = above_another.flat_map(drops_of).collect();
        SessionCounts {
            opened: read(&self.opened),
            reused: read(&self.reused),
            messages: by_gear.iter().map(|(_, count)| count).sum(),
            round_trips: read(&self.round_trips),
            retired: Retirement::ALL.map(|reason| (reason, of(&self.retired, reason as usize))),
            gear_drops,
            by_gear,
            transport_hits: read(&self.transport_hits),
            transport_misses: read(&self.transport_misses),
        }
    }
}

fn add(counter: &AtomicU64, count: u64) {
    counter.fetch_add(count, Ordering::Relaxed);
}
