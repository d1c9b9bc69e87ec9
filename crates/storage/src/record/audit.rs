//! A tenant's audit.

use chrono::{DateTime, Utc};
use letterhead_domain::id::AuditEventId;

/// One line of a tenant's audit: who did what to which thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRecord {
    /// Its id.
    pub id: AuditEventId,
    /// When it was done.
    pub at: DateTime<Utc>,
    /// Who did it.
    pub actor: String,
    /// What was done: a word of [`letterhead_domain::event::AuditAction`], perhaps one that only
    /// another release knows.
    pub action: String,
    /// To which thing, such as `sender:0190…`.
    pub target: String,
    /// More about it, by name.
    pub detail: Vec<(String, String)>,
}
