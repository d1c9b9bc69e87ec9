//! The net under everything: what was lost, forgotten, or has grown old.
//!
//! Each step is bounded by a limit and right to run on several instances at once. What needs a
//! tenant's own rows is only listed here, for a transaction of that tenant to do.

use std::collections::BTreeMap;

use letterhead_domain::id::{MessageId, SenderId, TenantId, TestRunId};
use sea_orm::{DatabaseTransaction, FromQueryResult};
use uuid::Uuid;

use super::{
    execute, number, row, rows,
    sql::{as_limit, statement},
};
use crate::{error::StorageError, store::SystemTx};

/// The sweep's steps.
pub struct SweepRepo<'a> {
    tx: &'a DatabaseTransaction,
}

impl SystemTx {
    /// The sweep's steps.
    pub fn sweep(&self) -> SweepRepo<'_> {
        SweepRepo { tx: &self.tx }
    }
}

/// The function is in `migrations/sql`.
const REPAIR_LANES: &str = "SELECT letterhead_repair_lanes($1) AS count";

/// Lanes with marked messages that nobody holds and no claim comes to now: while the queue is held,
/// every such lane.
const ABANDONED: &str = "
SELECT DISTINCT m.tenant_id, m.sender_id AS id
FROM messages m
JOIN lanes l ON l.tenant_id = m.tenant_id AND l.id = m.sender_id
WHERE m.status = 'sending' AND (l.lease_until IS NULL OR l.lease_until <= letterhead_now())
    AND (l.blocked OR l.due_at IS NULL OR l.due_at > letterhead_now()
        OR l.not_before > letterhead_now()
        OR EXISTS (SELECT FROM queue_hold WHERE held_at IS NOT NULL))
LIMIT $1";

const OVERDUE: &str = "
SELECT tenant_id, id FROM messages
WHERE status IN ('queued', 'deferred', 'held') AND expires_at <= letterhead_now()
ORDER BY expires_at LIMIT $1";

/// A run takes 20 seconds at most: after two minutes nobody is running it.
const INTERRUPTED: &str = "
SELECT tenant_id, id FROM test_runs
WHERE status = 'running' AND started_at <= letterhead_now() - interval '2 minutes'
ORDER BY started_at LIMIT $1";

const FORGET_KEYS: &str = "
DELETE FROM idempotency_keys k
USING (
    SELECT tenant_id, id FROM idempotency_keys
    WHERE created_at <= letterhead_now() - interval '7 days'
    ORDER BY created_at LIMIT $1
) old
WHERE k.tenant_id = old.tenant_id AND k.id = old.id";

/// The password of a version that is neither live nor the candidate goes once five newer ones were
/// saved, or 90 days after the next one was.
const FORGET_PASSWORDS: &str = "
UPDATE sender_versions v SET sealed_password = NULL
FROM (
    SELECT o.tenant_id, o.id
    FROM sender_versions o
    JOIN senders s ON s.tenant_id = o.tenant_id AND s.id = o.sender_id
    WHERE o.has_password
        AND o.number IS DISTINCT FROM s.live_version
        AND o.number IS DISTINCT FROM s.candidate_version
        AND (o.number <= s.last_version - 5 OR EXISTS (
            SELECT FROM sender_versions n
            WHERE n.tenant_id = o.tenant_id AND n.sender_id = o.sender_id
                AND n.number = o.number + 1
                AND n.created_at <= letterhead_now() - interval '90 days'))
    LIMIT $1
) old
WHERE v.tenant_id = old.tenant_id AND v.id = old.id";

/// Links 30 days and sessions 90 days after their end: until then people can see who came in.
const FORGET_PORTAL: [&str; 4] = [
    "DELETE FROM portal_links l
     USING (
         SELECT tenant_id, id FROM portal_links
         WHERE coalesce(used_at, expires_at) <= letterhead_now() - interval '30 days' LIMIT $1
     ) old
     WHERE l.tenant_id = old.tenant_id AND l.id = old.id",
    "DELETE FROM portal_sessions s
     USING (
         SELECT tenant_id, id FROM portal_sessions
         WHERE coalesce(ended_at, expires_at) <= letterhead_now() - interval '90 days' LIMIT $1
     ) old
     WHERE s.tenant_id = old.tenant_id AND s.id = old.id",
    "DELETE FROM operator_links WHERE id IN (
         SELECT id FROM operator_links
         WHERE coalesce(used_at, expires_at) <= letterhead_now() - interval '30 days' LIMIT $1)",
    "DELETE FROM operator_sessions WHERE id IN (
         SELECT id FROM operator_sessions
         WHERE coalesce(ended_at, expires_at) <= letterhead_now() - interval '90 days' LIMIT $1)",
];

const REMOVE_DELETED: &str = "SELECT letterhead_remove_deleted($1) AS count";

/// Something of a tenant's.
#[derive(FromQueryResult)]
pub(super) struct FoundRow {
    pub(super) tenant_id: Uuid,
    pub(super) id: Uuid,
}

#[derive(FromQueryResult)]
struct CountRow {
    count: i64,
}

impl SweepRepo<'_> {
    /// Makes at most `limit` lanes due whose wake-up was lost; says how many. The invariant that
    /// none is ever lost is kept elsewhere: anything but 0 deserves a line in the log.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unavailable`] if the database is away, here and below.
    pub async fn repair_lanes(&self, limit: u64) -> Result<u64, StorageError> {
        let action = "repair lanes";
        let repair = statement(REPAIR_LANES, [as_limit(limit).into()]);
        let changed = row::<CountRow>(self.tx, repair, action).await?;
        number(changed.map_or(0, |row| row.count), "lanes")
    }

    /// At most `limit` lanes with marked messages that nobody holds and nobody will claim, for
    /// `messages().recover_abandoned(..)` of their tenants.
    ///
    /// # Errors
    ///
    /// As above.
    pub async fn abandoned_lanes(
        &self,
        limit: u64,
    ) -> Result<Vec<(TenantId, SenderId)>, StorageError> {
        let found = self.found(ABANDONED, limit, "find abandoned lanes").await?;
        Ok(found.into_iter().map(|row| (row.tenant_id.into(), row.id.into())).collect())
    }

    /// At most `limit` messages that wait and whose time is over, for `messages().expire(..)` of
    /// their tenants.
    ///
    /// # Errors
    ///
    /// As above.
    pub async fn overdue_messages(
        &self,
        limit: u64,
    ) -> Result<Vec<(TenantId, Vec<MessageId>)>, StorageError> {
        Ok(by_tenant(self.found(OVERDUE, limit, "find overdue messages").await?))
    }

    /// At most `limit` test runs whose program died before they ended, for
    /// `test_runs().interrupt(..)` of their tenants.
    ///
    /// # Errors
    ///
    /// As above.
    pub async fn interrupted_test_runs(
        &self,
        limit: u64,
    ) -> Result<Vec<(TenantId, Vec<TestRunId>)>, StorageError> {
        Ok(by_tenant(self.found(INTERRUPTED, limit, "find interrupted test runs").await?))
    }

    /// Forgets at most `limit` idempotency keys that are older than 7 days; says how many.
    ///
    /// # Errors
    ///
    /// As above.
    pub async fn forget_idempotency_keys(&self, limit: u64) -> Result<u64, StorageError> {
        execute(
            self.tx,
            statement(FORGET_KEYS, [as_limit(limit).into()]),
            "forget idempotency keys",
        )
        .await
    }

    /// Removes at most `limit` stored passwords that nobody will restore any more; says how many.
    ///
    /// # Errors
    ///
    /// As above.
    pub async fn forget_old_passwords(&self, limit: u64) -> Result<u64, StorageError> {
        execute(
            self.tx,
            statement(FORGET_PASSWORDS, [as_limit(limit).into()]),
            "forget old passwords",
        )
        .await
    }

    /// Forgets at most `limit` links into the portal and `limit` sessions there, of tenants and as
    /// many of the operator, that ended long ago; says how many.
    ///
    /// # Errors
    ///
    /// As above.
    pub async fn forget_portal(&self, limit: u64) -> Result<u64, StorageError> {
        let mut forgotten = 0;
        for text in FORGET_PORTAL {
            let forget = statement(text, [as_limit(limit).into()]);
            forgotten += execute(self.tx, forget, "forget portal links and sessions").await?;
        }
        Ok(forgotten)
    }

    /// Removes at most `limit` rows of one table that a deleted tenant left behind; says how many.
    /// 0 means that nothing is left of any.
    ///
    /// # Errors
    ///
    /// As above.
    pub async fn remove_deleted_tenants(&self, limit: u64) -> Result<u64, StorageError> {
        let batch = i32::try_from(limit).unwrap_or(i32::MAX);
        let row = row::<CountRow>(
            self.tx,
            statement(REMOVE_DELETED, [batch.into()]),
            "remove what deleted tenants left behind",
        )
        .await?;
        number(row.map_or(0, |row| row.count), "tenants")
    }

    async fn found(
        &self,
        text: &str,
        limit: u64,
        action: &'static str,
    ) -> Result<Vec<FoundRow>, StorageError> {
        rows::<FoundRow>(self.tx, statement(text, [as_limit(limit).into()]), action).await
    }
}

pub(super) fn by_tenant<T: From<Uuid>>(found: Vec<FoundRow>) -> Vec<(TenantId, Vec<T>)> {
    let mut tenants = BTreeMap::<Uuid, Vec<T>>::new();
    for row in found {
        tenants.entry(row.tenant_id).or_default().push(row.id.into());
    }
    tenants.into_iter().map(|(tenant, things)| (tenant.into(), things)).collect()
}
