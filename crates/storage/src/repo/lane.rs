//! Lanes: all waiting messages of one sender, leased whole.
//!
//! What happens all the time is one statement each, over all tenants:
//! [`claim`](crate::store::Store::claim) leases lanes, [`journal`](crate::store::Store::journal) takes
//! a [`Turn`] of each of many, which marks messages before their first byte leaves and records that
//! they were accepted, and [`release`](crate::store::Store::release) gives a lane back. [`LanesRepo`]
//! keeps leases. [`LaneRepo`] works on one leased lane of one tenant: puts right what a lost worker
//! left, and records what became of messages that is out of the ordinary.
//!
//! What keeps it right:
//!
//! - A lane's row is locked by each mark, and a claim skips locked rows: a lease never changes
//!   hands in the middle of a mark.
//! - A result counts only while its attempt is the message's open one: a late worker is refused.
//! - Whoever makes a message wait holds the lane's advisory lock shared and makes the lane due;
//!   parking holds it alone. So no wake-up is lost, and accepts never wait for one row.

use chrono::{DateTime, Utc};
use letterhead_domain::id::{LeaseToken, SenderId, TenantId};
use sea_orm::DatabaseTransaction;

use super::{execute, sql::statement};
use crate::{error::StorageError, store::TenantTx};

mod claim;
mod finish;
mod journal;
mod mark;
mod recover;
mod release;

pub use claim::{LanesRepo, Shares};
pub use finish::AttemptResult;
pub use journal::{Turn, Turned};
pub use mark::{MarkRequest, Marked, MarkedMessage};
pub(crate) use recover::put_back_lost;
pub use release::{Release, Released};

/// One leased lane.
pub struct LaneRepo<'a> {
    tx: &'a DatabaseTransaction,
    tenant: TenantId,
    sender: SenderId,
    token: LeaseToken,
}

impl TenantTx {
    /// The lane of `sender`, for whoever holds it under `token`.
    pub fn lane(&self, sender: SenderId, token: LeaseToken) -> LaneRepo<'_> {
        LaneRepo { tx: &self.tx, tenant: self.tenant, sender, token }
    }
}

const WAKE: &str = "
UPDATE lanes SET due_at = $3
WHERE tenant_id = $1 AND id = $2 AND (due_at IS NULL OR due_at > $3)";

/// Makes a lane due at `due_at` unless it is due by then. The caller keeps it from being parked
/// (see [`keep_unparked`](super::sql::keep_unparked)).
pub(crate) async fn wake_lane(
    tx: &DatabaseTransaction,
    tenant: TenantId,
    sender: SenderId,
    due_at: DateTime<Utc>,
) -> Result<(), StorageError> {
    let values = [tenant.get().into(), sender.get().into(), due_at.into()];
    execute(tx, statement(WAKE, values), "make a lane due").await?;
    Ok(())
}
