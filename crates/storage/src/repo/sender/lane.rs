//! Lanes, in so far as a sender's and its tenant's state decide whether anything may leave.

use letterhead_domain::id::{SenderId, TenantId};
use sea_orm::{DatabaseTransaction, raw_sql};

use super::Senders;
use crate::{error::StorageError, repo::execute};

/// Sets whether lanes are blocked: of one sender, or of all that the tenant has.
///
/// A lane that was blocked forgets its back-off, and is due as soon as the earliest message that
/// waits. Part of every change of a tenant's status, a sender's live version, its pause or its end.
pub(in crate::repo) async fn sync_lanes(
    tx: &DatabaseTransaction,
    tenant: TenantId,
    sender: Option<SenderId>,
) -> Result<(), StorageError> {
    let (tenant, sender) = (tenant.get(), sender.map(SenderId::get));
    // Each lane is written whether or not it seems to change, with the question in the SET clause:
    // so a row that another transaction is changing is waited for, and the question asked anew.
    let update = raw_sql!(
        Postgres,
        r#"UPDATE lanes l
           SET blocked = letterhead_lane_is_blocked(l.tenant_id, l.id),
               held = l.held AND NOT l.blocked,
               not_before = CASE WHEN l.blocked THEN '-infinity' ELSE l.not_before END,
               trouble = CASE WHEN l.blocked THEN 0 ELSE l.trouble END,
               due_at = CASE WHEN l.blocked THEN least(l.due_at, (
                   SELECT min(m.due_at) FROM messages m
                   WHERE m.tenant_id = l.tenant_id AND m.sender_id = l.id
                       AND m.status IN ('queued', 'deferred', 'held'))) ELSE l.due_at END
           WHERE l.tenant_id = {tenant} AND ({sender}::uuid IS NULL OR l.id = {sender})"#
    );
    execute(tx, update, "block or open lanes").await.map(|_| ())
}

impl Senders<'_> {
    /// Gives a new sender its lane, blocked until something is live.
    pub(super) async fn create_lane(&self, sender: SenderId) -> Result<(), StorageError> {
        let (tenant, sender) = (self.tx.tenant.get(), sender.get());
        let insert =
            raw_sql!(Postgres, r#"INSERT INTO lanes (tenant_id, id) VALUES ({tenant}, {sender})"#);
        execute(&self.tx.tx, insert, "create a lane").await.map(|_| ())
    }

    /// Ends whatever holds the sender's lane back: another version may be another account.
    pub(super) async fn end_hold(&self, sender: SenderId) -> Result<(), StorageError> {
        let (tenant, sender) = (self.tx.tenant.get(), sender.get());
        let update = raw_sql!(
            Postgres,
            r#"UPDATE lanes SET held = false, holds = 0, not_before = '-infinity'
               WHERE tenant_id = {tenant} AND id = {sender} AND held"#
        );
        execute(&self.tx.tx, update, "end a hold").await.map(|_| ())
    }

    /// Sets whether the sender's lane is blocked.
    pub(super) async fn sync_lane(&self, sender: SenderId) -> Result<(), StorageError> {
        sync_lanes(&self.tx.tx, self.tx.tenant, Some(sender)).await
    }
}
