//! Messages: taking them over, looking at them, and what people and time do to them.
//!
//! What workers do to them stands in [`lane`](super::lane).

use letterhead_domain::id::TenantId;
use sea_orm::DatabaseTransaction;

use crate::store::TenantTx;

mod accept;
mod change;
mod content;
mod filter;
mod read;
mod standing;

pub use accept::{Accept, Acceptance, Idempotency};
pub(super) use content::BodyRow;
pub use filter::MessageFilter;
pub use standing::{COUNTED, StandingCounts};

/// One tenant's messages.
pub struct MessageRepo<'a> {
    tx: &'a DatabaseTransaction,
    tenant: TenantId,
}

impl<'a> MessageRepo<'a> {
    /// The messages of `tenant`, in a transaction that is bound to it.
    pub(crate) fn new(tx: &'a DatabaseTransaction, tenant: TenantId) -> Self {
        Self { tx, tenant }
    }
}

impl TenantTx {
    /// The tenant's messages.
    pub fn messages(&self) -> MessageRepo<'_> {
        MessageRepo::new(&self.tx, self.tenant)
    }
}
