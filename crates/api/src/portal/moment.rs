//! Times as people read them.

use chrono::{DateTime, SecondsFormat, Utc};

/// A time for a page: in words in UTC, exact for the machine. The page's script puts it into the
/// reader's own zone.
pub(crate) struct Moment {
    /// As the page shows it until a script knows the reader's zone.
    pub(crate) words: String,
    /// To the second, for the reader who points at it.
    pub(crate) exact: String,
    /// For the script (RFC 3339).
    pub(crate) machine: String,
}

impl From<DateTime<Utc>> for Moment {
    fn from(at: DateTime<Utc>) -> Self {
        Self {
            words: at.format("%-d %b %Y, %H:%M UTC").to_string(),
            exact: at.format("%Y-%m-%d %H:%M:%S UTC").to_string(),
            machine: at.to_rfc3339_opts(SecondsFormat::Secs, true),
        }
    }
}
