//! How fast messages follow each other on a session, and what a server has shown of its manners.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use crate::capabilities::Capabilities;

/// How long a gear that went wrong is left alone.
const MEMORY: Duration = Duration::from_secs(60 * 60);

/// How messages follow each other on a session, slowest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Gear {
    /// Each command waits for the reply to the one before.
    OneByOne,
    /// The next message's envelope leaves with this one's body (PIPELINING, RFC 2920): one round
    /// trip a message.
    Overlapped,
    /// Several whole messages in flight (PIPELINING and CHUNKING, RFC 3030).
    Chunked,
}

impl Gear {
    /// Every gear, slowest first.
    pub const ALL: [Self; 3] = [Self::OneByOne, Self::Overlapped, Self::Chunked];

    /// The gear in one word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OneByOne => "one_by_one",
            Self::Overlapped => "overlapped",
            Self::Chunked => "chunked",
        }
    }

    /// The gear below; the slowest has none.
    pub(crate) const fn lower(self) -> Option<Self> {
        match self {
            Self::OneByOne => None,
            Self::Overlapped => Some(Self::OneByOne),
            Self::Chunked => Some(Self::Overlapped),
        }
    }

    /// The fastest gear that a server offers.
    const fn offered(capabilities: &Capabilities) -> Self {
        match (capabilities.pipelining, capabilities.chunking) {
            (true, true) => Self::Chunked,
            (true, false) => Self::Overlapped,
            (false, _) => Self::OneByOne,
        }
    }
}

/// What a server did that it would not have done, perhaps, had it been asked more slowly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GearFault {
    /// A reply that makes no sense where it came.
    UnexpectedReply,
    /// It hung up on a group of commands.
    Cut,
    /// It did not answer a group of commands in time.
    TimedOut,
}

impl GearFault {
    /// Every fault.
    pub const ALL: [Self; 3] = [Self::UnexpectedReply, Self::Cut, Self::TimedOut];

    /// The fault in one word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UnexpectedReply => "unexpected_reply",
            Self::Cut => "cut",
            Self::TimedOut => "timed_out",
        }
    }
}

/// Why a sender's sessions go slower than its server offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GearLimit {
    /// The fastest gear that is used.
    pub gear: Gear,
    /// What went wrong in the gear above.
    pub fault: GearFault,
}

/// One sender's memory of gears.
#[derive(Default)]
pub(crate) struct Gearbox(Mutex<Memory>);

#[derive(Default)]
struct Memory {
    limit: Option<(GearLimit, Instant)>,
    /// The gear of the latest session.
    latest: Option<Gear>,
    chunking_works: bool,
}

impl Gearbox {
    /// The gear for a server with `capabilities`, at `now`.
    pub(crate) fn choose(&self, capabilities: &Capabilities, now: Instant) -> Gear {
        let offered = Gear::offered(capabilities);
        let gear = self.limit(now).map_or(offered, |limit| limit.gear.min(offered));
        self.lock().latest = Some(gear);
        gear
    }

    /// The gear of the latest session, if there was one.
    pub(crate) fn latest(&self) -> Option<Gear> {
        self.lock().latest
    }

    /// What holds the sender back at `now`, if something does.
    pub(crate) fn limit(&self, now: Instant) -> Option<GearLimit> {
        let mut memory = self.lock();
        memory.limit = memory.limit.filter(|(_, since)| now.duration_since(*since) < MEMORY);
        memory.limit.map(|(limit, _)| limit)
    }

    /// Remembers that `gear` went wrong. Gives whether there was a slower one to fall back to.
    pub(crate) fn drop_below(&self, gear: Gear, fault: GearFault, now: Instant) -> bool {
        let Some(lower) = gear.lower() else { return false };
        let mut memory = self.lock();
        // A session that began in a faster gear may fail after another one has.
        let gear = memory.limit.map_or(lower, |(limit, _)| limit.gear.min(lower));
        memory.limit = Some((GearLimit { gear, fault }, now));
        memory.chunking_works = false;
        true
    }

    /// Whether a message has gone through by CHUNKING since it was last doubted.
    pub(crate) fn chunking_works(&self) -> bool {
        self.lock().chunking_works
    }

    /// Remembers that a message went through by CHUNKING.
    pub(crate) fn prove_chunking(&self) {
        self.lock().chunking_works = true;
    }

    fn lock(&self) -> MutexGuard<'_, Memory> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offering(pipelining: bool, chunking: bool) -> Capabilities {
        Capabilities { pipelining, chunking, ..Capabilities::default() }
    }

    #[test]
    fn the_gear_is_what_the_server_offers() {
        let cases = [
            (true, true, Gear::Chunked),
            (true, false, Gear::Overlapped),
            // Chunks one by one would cost no fewer round trips than DATA.
            (false, true, Gear::OneByOne),
            (false, false, Gear::OneByOne),
        ];
        for (pipelining, chunking, gear) in cases {
            let offered = offering(pipelining, chunking);
            assert_eq!(Gearbox::default().choose(&offered, Instant::now()), gear);
        }
    }

    #[test]
    fn a_gear_that_went_wrong_is_left_alone_for_an_hour() {
        let (gearbox, now) = (Gearbox::default(), Instant::now());
        let offered = offering(true, true);

        assert!(gearbox.drop_below(Gear::Chunked, GearFault::Cut, now));
        assert_eq!(gearbox.choose(&offered, now), Gear::Overlapped);
        // Another session of the same sender, which had begun in the fast gear too.
        assert!(gearbox.drop_below(Gear::Chunked, GearFault::Cut, now));
        assert_eq!(gearbox.choose(&offered, now), Gear::Overlapped);
        assert!(gearbox.drop_below(Gear::Overlapped, GearFault::TimedOut, now));
        let limit = GearLimit { gear: Gear::OneByOne, fault: GearFault::TimedOut };
        assert_eq!(gearbox.limit(now), Some(limit));
        assert!(!gearbox.drop_below(Gear::OneByOne, GearFault::Cut, now));

        assert_eq!(gearbox.choose(&offered, now + MEMORY), Gear::Chunked);
    }

    #[test]
    fn chunking_is_to_be_proven_again_after_it_was_doubted() {
        let gearbox = Gearbox::default();
        assert!(!gearbox.chunking_works());

        gearbox.prove_chunking();
        assert!(gearbox.chunking_works());
        gearbox.drop_below(Gear::Chunked, GearFault::UnexpectedReply, Instant::now());

        assert!(!gearbox.chunking_works());
    }
}
