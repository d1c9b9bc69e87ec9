//! Chance that can be repeated: everything random in a run follows from its seed.

/// A seeded generator (SplitMix64): good enough to be unpredictable to the program under test.
#[derive(Clone, Debug)]
pub(crate) struct Chance(u64);

impl Chance {
    /// The generator of `seed` for one `purpose`, so that what draws more here does not change what
    /// is drawn there.
    pub(crate) fn new(seed: u64, purpose: &str) -> Self {
        // FNV-1a.
        let purpose = purpose.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Self(seed ^ purpose)
    }

    /// A number below `bound`, which is at least 1.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }

    /// Whether this is one of `share` cases in a thousand.
    pub(crate) fn of_thousand(&mut self, share: u64) -> bool {
        self.below(1_000) < share
    }

    /// An index into `length` things, of which there is at least one.
    pub(crate) fn index(&mut self, length: usize) -> usize {
        let length = u64::try_from(length).unwrap_or(u64::MAX);
        usize::try_from(self.below(length)).unwrap_or_default()
    }
}
