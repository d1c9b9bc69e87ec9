//! Removing what is old: what messages say first, the rows that tell what became of them later, and
//! counts that nobody asks for any more.
//!
//! Each step takes a bounded number of messages, passes over those that somebody has locked, and
//! is right to run on several instances at once.

use std::time::Duration;

use sea_orm::DatabaseTransaction;

use super::{
    execute,
    sql::{as_limit, seconds, statement},
};
use crate::{error::StorageError, store::SystemTx};

/// The steps that remove what is old.
pub struct RetentionRepo<'a> {
    tx: &'a DatabaseTransaction,
}

impl SystemTx {
    /// The steps that remove what is old.
    pub fn retention(&self) -> RetentionRepo<'_> {
        RetentionRepo { tx: &self.tx }
    }
}

/// What is uncertain waits for a person, but not for ever: it counts from its last change. The words
/// of the index's predicate are repeated, or the index would not be used.
const REMOVE_BODIES: &str = "
WITH old AS MATERIALIZED (
    SELECT tenant_id, id FROM messages
    WHERE body_removed_at IS NULL
        AND status IN ('accepted', 'partly_accepted', 'rejected', 'uncertain', 'cancelled', 'expired')
        AND coalesce(finished_at, updated_at) <= letterhead_now() - make_interval(secs => $1)
    ORDER BY coalesce(finished_at, updated_at) LIMIT $2
    FOR NO KEY UPDATE SKIP LOCKED
), gone AS (
    DELETE FROM message_bodies b USING old WHERE b.tenant_id = old.tenant_id AND b.id = old.id
)
UPDATE messages m SET body_removed_at = letterhead_now()
FROM old
WHERE m.tenant_id = old.tenant_id AND m.id = old.id";

/// The foreign keys are looked at when the whole statement ends.
const REMOVE_MESSAGES: &str = "
WITH old AS MATERIALIZED (
    SELECT tenant_id, id FROM messages
    WHERE body_removed_at IS NOT NULL
        AND coalesce(finished_at, updated_at) <= letterhead_now() - make_interval(secs => $1)
    ORDER BY coalesce(finished_at, updated_at) LIMIT $2
    FOR UPDATE SKIP LOCKED
), tries AS (
    DELETE FROM attempts a USING old
    WHERE a.tenant_id = old.tenant_id AND a.message_id = old.id
), people AS (
    DELETE FROM recipients r USING old
    WHERE r.tenant_id = old.tenant_id AND r.message_id = old.id
)
DELETE FROM messages m USING old WHERE m.tenant_id = old.tenant_id AND m.id = old.id";

/// Nothing looks further back than 30 days.
const REMOVE_COUNTS: &str = "
DELETE FROM sender_counts WHERE (tenant_id, id, began_at) IN (
    SELECT tenant_id, id, began_at FROM sender_counts
    WHERE began_at < letterhead_now() - interval '31 days'
    ORDER BY began_at LIMIT $1)";

impl RetentionRepo<'_> {
    /// Removes at most `limit` counts of what left that nobody asks for any more; says how many.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unavailable`] if the database is away, here and below.
    pub async fn remove_counts(&self, limit: u64) -> Result<u64, StorageError> {
        let values = [as_limit(limit).into()];
        execute(self.tx, statement(REMOVE_COUNTS, values), "remove old counts").await
    }

    /// Removes what at most `limit` messages say that came to their end `age` ago or earlier; says
    /// how many. What became of them stays.
    ///
    /// # Errors
    ///
    /// As above.
    pub async fn remove_bodies(&self, age: Duration, limit: u64) -> Result<u64, StorageError> {
        let values = [seconds(age).into(), as_limit(limit).into()];
        execute(self.tx, statement(REMOVE_BODIES, values), "remove what old messages say").await
    }

    /// Removes at most `limit` messages without a body that came to their end `age` ago or earlier,
    /// with their recipients and attempts; says how many.
    ///
    /// Idempotency keys name their messages without a foreign key: the caller has forgotten those
    /// that are as old as `age`.
    ///
    /// # Errors
    ///
    /// As above.
    pub async fn remove_messages(&self, age: Duration, limit: u64) -> Result<u64, StorageError> {
        let values = [seconds(age).into(), as_limit(limit).into()];
        execute(self.tx, statement(REMOVE_MESSAGES, values), "remove old messages").await
    }
}
