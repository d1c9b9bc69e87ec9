//! The one door to this machine's clock. Nothing is decided by it: what decides uses the database's.

use chrono::{DateTime, Utc};

/// The time on this machine.
#[expect(clippy::disallowed_methods, reason = "this is the door")]
pub fn machine() -> DateTime<Utc> {
    Utc::now()
}
