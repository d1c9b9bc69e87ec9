//! The audit: written with what it tells of, in the same transaction, and never changed.

use chrono::{DateTime, Utc};
use letterhead_domain::{
    event::AuditAction,
    id::{AuditEventId, TenantId},
};
use sea_orm::{DatabaseTransaction, FromQueryResult, raw_sql};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{execute, rows};
use crate::{
    error::StorageError,
    record::{AuditRecord, Page, PageRequest},
    store::{SystemTx, TenantTx},
};

/// Names and texts as the JSON object that is stored.
pub(super) fn to_json(detail: &[(&str, String)]) -> Value {
    let pairs = detail.iter().map(|(name, text)| ((*name).to_owned(), text.clone().into()));
    Value::Object(pairs.collect::<Map<_, _>>())
}

/// The names and texts of a stored JSON object, by name.
pub(super) fn from_json(
    detail: Value,
    table: &'static str,
) -> Result<Vec<(String, String)>, StorageError> {
    let corrupt = || StorageError::Corrupt { table };
    let Value::Object(pairs) = detail else { return Err(corrupt()) };
    pairs
        .into_iter()
        .map(|(name, value)| match value {
            Value::String(text) => Ok((name, text)),
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::Array(_)
            | Value::Object(_) => Err(corrupt()),
        })
        .collect()
}

struct Line<'a> {
    tenant: TenantId,
    id: AuditEventId,
    at: DateTime<Utc>,
    actor: &'a str,
    action: AuditAction,
    target: &'a str,
    detail: &'a [(&'a str, String)],
}

async fn insert(tx: &DatabaseTransaction, line: Line<'_>) -> Result<(), StorageError> {
    let Line { tenant, id, at, actor, action, target, detail } = line;
    let (tenant, id, action) = (tenant.get(), id.get(), action.as_str());
    let detail = to_json(detail);
    let insert = raw_sql!(
        Postgres,
        r#"INSERT INTO audit_events (tenant_id, id, at, actor, action, target, detail)
           VALUES ({tenant}, {id}, {at}, {actor}, {action}, {target}, {detail})"#
    );
    execute(tx, insert, "write the audit").await.map(|_| ())
}

impl TenantTx {
    /// The tenant's audit.
    pub fn audit(&self) -> Audit<'_> {
        Audit { tx: self }
    }
}

/// One tenant's audit.
pub struct Audit<'tx> {
    tx: &'tx TenantTx,
}

impl Audit<'_> {
    /// Writes down that `actor` did `action` to `target`. No secret may stand in `detail`.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unavailable`].
    pub async fn record(
        &self,
        id: AuditEventId,
        actor: &str,
        action: AuditAction,
        target: &str,
        detail: &[(&str, String)],
    ) -> Result<(), StorageError> {
        let (tenant, at) = (self.tx.tenant, self.tx.now);
        insert(&self.tx.tx, Line { tenant, id, at, actor, action, target, detail }).await
    }

    /// Lists what was done, newest first.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unavailable`].
    pub async fn list(&self, page: PageRequest) -> Result<Page<AuditRecord>, StorageError> {
        #[derive(FromQueryResult)]
        struct AuditRow {
            id: Uuid,
            at: DateTime<Utc>,
            actor: String,
            action: String,
            target: String,
            detail: Value,
        }

        let (tenant, after, limit) = (self.tx.tenant.get(), page.after_id(), page.rows());
        let query = raw_sql!(
            Postgres,
            r#"SELECT id, at, actor, action, target, detail FROM audit_events
               WHERE tenant_id = {tenant} AND ({after}::uuid IS NULL OR id < {after})
               ORDER BY id DESC LIMIT {limit}"#
        );
        let found = rows::<AuditRow>(&self.tx.tx, query, "list the audit").await?;
        Page::cut(found, page, |row| row.id).try_map(|row| {
            Ok(AuditRecord {
                id: row.id.into(),
                at: row.at,
                actor: row.actor,
                action: row.action,
                target: row.target,
                detail: from_json(row.detail, "audit_events")?,
            })
        })
    }
}

impl SystemTx {
    /// Every tenant's audit, to write to.
    pub fn audit(&self) -> SystemAudit<'_> {
        SystemAudit { tx: self }
    }
}

/// Every tenant's audit, to write to: the system's role cannot read it.
pub struct SystemAudit<'tx> {
    tx: &'tx SystemTx,
}

impl SystemAudit<'_> {
    /// Writes into `tenant`'s audit what the operator did.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unavailable`].
    pub async fn record(
        &self,
        tenant: TenantId,
        id: AuditEventId,
        actor: &str,
        action: AuditAction,
        target: &str,
        detail: &[(&str, String)],
    ) -> Result<(), StorageError> {
        let at = self.tx.now;
        insert(&self.tx.tx, Line { tenant, id, at, actor, action, target, detail }).await
    }
}
