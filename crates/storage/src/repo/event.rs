//! Events for the operator: tenants' transactions write them, the system reads them in order.

use chrono::{DateTime, Utc};
use letterhead_domain::{
    event::OperatorEventKind,
    id::{MessageId, SenderId, TenantId},
};
use sea_orm::{FromQueryResult, raw_sql};
use serde_json::Value;
use uuid::Uuid;

use super::{
    audit::{from_json, to_json},
    execute, parse, rows,
};
use crate::{
    error::StorageError,
    record::EventRecord,
    store::{SystemTx, TenantTx},
};

const TABLE: &str = "operator_events";
/// "events" in ASCII: any number that nobody else locks.
const ONE_READER_AT_A_TIME: i64 = 0x6576_656e_7473;
/// Events that one reading numbers at most.
const NUMBERED_AT_ONCE: i64 = 10_000;

impl TenantTx {
    /// What the operator is told about this tenant.
    pub fn events(&self) -> Events<'_> {
        Events { tx: self }
    }
}

/// What the operator is told about one tenant, to write to: a tenant cannot read it.
pub struct Events<'tx> {
    tx: &'tx TenantTx,
}

impl Events<'_> {
    /// Tells the operator. No secret may stand in `detail`.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unavailable`].
    pub async fn record(
        &self,
        kind: OperatorEventKind,
        sender: Option<SenderId>,
        message: Option<MessageId>,
        detail: &[(&str, String)],
    ) -> Result<(), StorageError> {
        let (tenant, at, kind) = (self.tx.tenant.get(), self.tx.now, kind.as_str());
        let (sender, message) = (sender.map(SenderId::get), message.map(MessageId::get));
        let detail = to_json(detail);
        let insert = raw_sql!(
            Postgres,
            r#"INSERT INTO operator_events (at, kind, tenant_id, sender_id, message_id, detail)
               VALUES ({at}, {kind}, {tenant}, {sender}, {message}, {detail})"#
        );
        execute(&self.tx.tx, insert, "tell the operator").await.map(|_| ())
    }
}

impl SystemTx {
    /// Lists at most `limit` events behind the one numbered `after`, oldest first, and commits:
    /// whoever goes on from the last number that it was given misses none.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unavailable`].
    pub async fn list_events(
        self,
        after: Option<i64>,
        limit: u64,
    ) -> Result<Vec<EventRecord>, StorageError> {
        let events = self.events().list(after, limit).await?;
        // Without this the numbers would be forgotten, and given to others the next time.
        self.commit().await?;
        Ok(events)
    }

    /// What the operator is told, to write to.
    pub fn events(&self) -> SystemEvents<'_> {
        SystemEvents { tx: self }
    }
}

/// What the operator is told about all tenants, and about itself.
pub struct SystemEvents<'tx> {
    tx: &'tx SystemTx,
}

impl SystemEvents<'_> {
    /// Tells the operator something about a tenant as a whole, or without one about the operator.
    /// No secret may stand in `detail`.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unavailable`].
    pub async fn record(
        &self,
        kind: OperatorEventKind,
        tenant: Option<TenantId>,
        detail: &[(&str, String)],
    ) -> Result<(), StorageError> {
        let (tenant, at, kind) = (tenant.map(TenantId::get), self.tx.now, kind.as_str());
        let detail = to_json(detail);
        let insert = raw_sql!(
            Postgres,
            r#"INSERT INTO operator_events (at, kind, tenant_id, detail)
               VALUES ({at}, {kind}, {tenant}, {detail})"#
        );
        execute(&self.tx.tx, insert, "tell the operator").await.map(|_| ())
    }

    /// Lists at most `limit` events behind the one numbered `after`, oldest first. Whoever goes on
    /// from the last number it was given misses none.
    async fn list(&self, after: Option<i64>, limit: u64) -> Result<Vec<EventRecord>, StorageError> {
        #[derive(FromQueryResult)]
        struct EventRow {
            seq: i64,
            at: DateTime<Utc>,
            kind: String,
            tenant_id: Option<Uuid>,
            sender_id: Option<Uuid>,
            message_id: Option<Uuid>,
            detail: Value,
        }

        self.number().await?;
        let after = after.unwrap_or(0);
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let query = raw_sql!(
            Postgres,
            r#"SELECT seq, at, kind, tenant_id, sender_id, message_id, detail
               FROM operator_events WHERE seq > {after} ORDER BY seq LIMIT {limit}"#
        );
        let found = rows::<EventRow>(&self.tx.tx, query, "list the operator's events").await?;
        found
            .into_iter()
            .map(|row| {
                Ok(EventRecord {
                    seq: row.seq,
                    at: row.at,
                    kind: parse(&row.kind, TABLE)?,
                    tenant: row.tenant_id.map(Into::into),
                    sender: row.sender_id.map(Into::into),
                    message: row.message_id.map(Into::into),
                    detail: from_json(row.detail, TABLE)?,
                })
            })
            .collect()
    }

    /// Numbers what has been committed since the last reading. The lock is a statement of its own:
    /// what it waited for must be seen by the next one.
    async fn number(&self) -> Result<(), StorageError> {
        let lock = raw_sql!(Postgres, r#"SELECT pg_advisory_xact_lock({ONE_READER_AT_A_TIME})"#);
        execute(&self.tx.tx, lock, "wait for another reader of events").await?;
        let update = raw_sql!(
            Postgres,
            r#"UPDATE operator_events e SET seq = n.seq
               FROM (
                   SELECT id, row_number() OVER (ORDER BY id)
                       + (SELECT coalesce(max(seq), 0) FROM operator_events) AS seq
                   FROM operator_events WHERE seq IS NULL ORDER BY id LIMIT {NUMBERED_AT_ONCE}
               ) n
               WHERE e.id = n.id"#
        );
        execute(&self.tx.tx, update, "number the operator's events").await.map(|_| ())
    }
}
