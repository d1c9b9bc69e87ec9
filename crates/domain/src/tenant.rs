//! The operator's client businesses.

use crate::words::words;

words! {
    /// Whether a tenant may use Letterhead.
    TenantStatus {
        /// Everything works.
        Active = "active",
        /// Settings can be read; new messages are refused and waiting ones stay.
        Suspended = "suspended",
    }
}
