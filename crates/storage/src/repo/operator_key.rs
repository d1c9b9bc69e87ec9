//! The operator's own keys.

use chrono::{DateTime, Utc};
use letterhead_domain::id::ApiKeyId;
use sea_orm::{FromQueryResult, raw_sql};
use uuid::Uuid;

use super::{execute, parse, row, rows};
use crate::{
    error::StorageError,
    record::{NewOperatorKey, OperatorKeyRecord, Page, PageRequest},
    store::SystemTx,
};

const TABLE: &str = "operator_keys";

#[derive(FromQueryResult)]
struct OperatorKeyRow {
    id: Uuid,
    name: String,
    created_at: DateTime<Utc>,
    expires_at: Option<DateTime<Utc>>,
    revoked_at: Option<DateTime<Utc>>,
    last_used_at: Option<DateTime<Utc>>,
}

impl TryFrom<OperatorKeyRow> for OperatorKeyRecord {
    type Error = StorageError;

    fn try_from(row: OperatorKeyRow) -> Result<Self, StorageError> {
        Ok(Self {
            id: row.id.into(),
            name: parse(&row.name, TABLE)?,
            created_at: row.created_at,
            expires_at: row.expires_at,
            revoked_at: row.revoked_at,
            last_used_at: row.last_used_at,
        })
    }
}

impl SystemTx {
    /// The operator's own keys.
    pub fn operator_keys(&self) -> OperatorKeys<'_> {
        OperatorKeys { tx: self }
    }
}

/// The operator's own keys.
pub struct OperatorKeys<'tx> {
    tx: &'tx SystemTx,
}

impl OperatorKeys<'_> {
    /// Stores a new key.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unavailable`].
    pub async fn create(&self, new: &NewOperatorKey) -> Result<OperatorKeyRecord, StorageError> {
        let NewOperatorKey { id, name, secret_hash, expires_at } = new;
        let (id, name, now) = (id.get(), name.as_str(), self.tx.now);
        let (secret_hash, expires_at) = (secret_hash.to_vec(), *expires_at);
        let insert = raw_sql!(
            Postgres,
            r#"INSERT INTO operator_keys (id, name, secret_hash, created_at, expires_at)
               VALUES ({id}, {name}, {secret_hash}, {now}, {expires_at})
               RETURNING id, name, created_at, expires_at, revoked_at, last_used_at"#
        );
        let stored = row::<OperatorKeyRow>(&self.tx.tx, insert, "store an operator key").await?;
        stored.ok_or(StorageError::Corrupt { table: TABLE })?.try_into()
    }

    /// Lists the keys, newest first, revoked ones too.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unavailable`].
    pub async fn list(&self, page: PageRequest) -> Result<Page<OperatorKeyRecord>, StorageError> {
        let (after, limit) = (page.after_id(), page.rows());
        let query = raw_sql!(
            Postgres,
            r#"SELECT id, name, created_at, expires_at, revoked_at, last_used_at
               FROM operator_keys
               WHERE {after}::uuid IS NULL OR (created_at, id) < (
                   SELECT created_at, id FROM operator_keys WHERE id = {after})
               ORDER BY created_at DESC, id DESC LIMIT {limit}"#
        );
        let found = rows::<OperatorKeyRow>(&self.tx.tx, query, "list operator keys").await?;
        Page::cut(found, page, |row| row.id).try_map(TryInto::try_into)
    }

    /// Revokes a key for good; one that was revoked before keeps its time.
    ///
    /// # Errors
    ///
    /// [`StorageError::NotFound`].
    pub async fn revoke(&self, id: ApiKeyId) -> Result<(), StorageError> {
        let (id, now) = (id.get(), self.tx.now);
        let update = raw_sql!(
            Postgres,
            r#"UPDATE operator_keys SET revoked_at = coalesce(revoked_at, {now})
               WHERE id = {id}"#
        );
        match execute(&self.tx.tx, update, "revoke an operator key").await? {
            0 => Err(StorageError::NotFound("operator key")),
            _ => Ok(()),
        }
    }
}
