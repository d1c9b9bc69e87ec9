//! What the operator is told about its tenants.

use chrono::{DateTime, Utc};
use letterhead_domain::{
    event::OperatorEventKind,
    id::{MessageId, SenderId, TenantId},
};

/// One event for the operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventRecord {
    /// Its place in the list: what comes later has a higher number.
    pub seq: i64,
    /// When it happened.
    pub at: DateTime<Utc>,
    /// What happened.
    pub kind: OperatorEventKind,
    /// To which tenant; to none if it is about the operator.
    pub tenant: Option<TenantId>,
    /// To which of its senders.
    pub sender: Option<SenderId>,
    /// To which of its messages.
    pub message: Option<MessageId>,
    /// More about it, by name.
    pub detail: Vec<(String, String)>,
}
