//! A length of time as people say it.

use std::{fmt, time::Duration};

use crate::words::words;

words! {
    /// What a length of time is counted in.
    SpanUnit {
        /// Minutes.
        Minutes = "minutes",
        /// Hours.
        Hours = "hours",
        /// Days.
        Days = "days",
    }
}

impl SpanUnit {
    const fn seconds(self) -> u64 {
        match self {
            Self::Minutes => 60,
            Self::Hours => 60 * 60,
            Self::Days => 24 * 60 * 60,
        }
    }
}

/// A length of time in the unit that suits it, rounded and never zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// How many.
    pub count: u64,
    /// Of what.
    pub unit: SpanUnit,
}

impl From<Duration> for Span {
    fn from(length: Duration) -> Self {
        let seconds = length.as_secs();
        let unit = match seconds {
            0..5_400 => SpanUnit::Minutes,
            5_400..129_600 => SpanUnit::Hours,
            _ => SpanUnit::Days,
        };
        let count = (seconds + unit.seconds() / 2) / unit.seconds();
        Self { count: count.max(1), unit }
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = match self.count {
            1 => self.unit.as_str().trim_end_matches('s'),
            _ => self.unit.as_str(),
        };
        write!(f, "{} {unit}", self.count)
    }
}
