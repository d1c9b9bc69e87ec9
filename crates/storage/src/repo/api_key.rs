//! API keys: a tenant's own, and the check of any key that is shown.

use chrono::{DateTime, TimeDelta, Utc};
use letterhead_domain::{access::Scope, id::ApiKeyId};
use sea_orm::{FromQueryResult, raw_sql};
use uuid::Uuid;

use super::{execute, parse, row, rows};
use crate::{
    error::StorageError,
    record::{ApiKeyRecord, KeyOwner, NewApiKey, Page, PageRequest, StoredKey},
    store::{SystemTx, TenantTx},
};

const TABLE: &str = "api_keys";

fn scopes_of(words: &[String]) -> Result<Vec<Scope>, StorageError> {
    words.iter().map(|word| parse(word, TABLE)).collect()
}

#[derive(FromQueryResult)]
struct ApiKeyRow {
    id: Uuid,
    name: String,
    scopes: Vec<String>,
    created_at: DateTime<Utc>,
    expires_at: Option<DateTime<Utc>>,
    revoked_at: Option<DateTime<Utc>>,
    last_used_at: Option<DateTime<Utc>>,
}

impl TryFrom<ApiKeyRow> for ApiKeyRecord {
    type Error = StorageError;

    fn try_from(row: ApiKeyRow) -> Result<Self, StorageError> {
        Ok(Self {
            id: row.id.into(),
            name: parse(&row.name, TABLE)?,
            scopes: scopes_of(&row.scopes)?,
            created_at: row.created_at,
            expires_at: row.expires_at,
            revoked_at: row.revoked_at,
            last_used_at: row.last_used_at,
        })
    }
}

impl TenantTx {
    /// The tenant's API keys.
    pub fn api_keys(&self) -> ApiKeys<'_> {
        ApiKeys { tx: self }
    }
}

/// One tenant's API keys.
pub struct ApiKeys<'tx> {
    tx: &'tx TenantTx,
}

impl ApiKeys<'_> {
    /// Stores a new key.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unavailable`].
    pub async fn create(&self, new: &NewApiKey) -> Result<ApiKeyRecord, StorageError> {
        let NewApiKey { id, name, scopes, secret_hash, created_by, expires_at } = new;
        let (tenant, id, name, now) = (self.tx.tenant.get(), id.get(), name.as_str(), self.tx.now);
        let scopes: Vec<_> = scopes.iter().map(|scope| scope.as_str().to_owned()).collect();
        let (secret_hash, expires_at) = (secret_hash.to_vec(), *expires_at);
        let insert = raw_sql!(
            Postgres,
            r#"INSERT INTO api_keys
                   (tenant_id, id, name, scopes, secret_hash, created_at, created_by, expires_at)
               VALUES ({tenant}, {id}, {name}, {scopes}, {secret_hash}, {now}, {created_by},
                       {expires_at})
               RETURNING id, name, scopes, created_at, expires_at, revoked_at, last_used_at"#
        );
        let stored = row::<ApiKeyRow>(&self.tx.tx, insert, "store an API key").await?;
        stored.ok_or(StorageError::Corrupt { table: TABLE })?.try_into()
    }

    /// Lists the keys, newest first, revoked ones too.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unavailable`].
    pub async fn list(&self, page: PageRequest) -> Result<Page<ApiKeyRecord>, StorageError> {
        let (tenant, after, limit) = (self.tx.tenant.get(), page.after_id(), page.rows());
        // A key's id is random, so its age is looked up.
        let query = raw_sql!(
            Postgres,
            r#"SELECT id, name, scopes, created_at, expires_at, revoked_at, last_used_at
               FROM api_keys
               WHERE tenant_id = {tenant} AND ({after}::uuid IS NULL OR (created_at, id) < (
                   SELECT created_at, id FROM api_keys
                   WHERE tenant_id = {tenant} AND id = {after}))
               ORDER BY created_at DESC, id DESC LIMIT {limit}"#
        );
        let found = rows::<ApiKeyRow>(&self.tx.tx, query, "list API keys").await?;
        Page::cut(found, page, |row| row.id).try_map(TryInto::try_into)
    }

    /// Revokes a key for good; one that was revoked before keeps its time.
    ///
    /// # Errors
    ///
    /// [`StorageError::NotFound`].
    pub async fn revoke(&self, id: ApiKeyId) -> Result<(), StorageError> {
        let (tenant, id, now) = (self.tx.tenant.get(), id.get(), self.tx.now);
        let update = raw_sql!(
            Postgres,
            r#"UPDATE api_keys SET revoked_at = coalesce(revoked_at, {now})
               WHERE tenant_id = {tenant} AND id = {id}"#
        );
        match execute(&self.tx.tx, update, "revoke an API key").await? {
            0 => Err(StorageError::NotFound("API key")),
            _ => Ok(()),
        }
    }
}

impl SystemTx {
    /// Every key, to check one that is shown.
    pub fn api_keys(&self) -> KeyCheck<'_> {
        KeyCheck { tx: self }
    }
}

/// Every tenant's and every operator's keys, in so far as checking one needs them.
pub struct KeyCheck<'tx> {
    tx: &'tx SystemTx,
}

impl KeyCheck<'_> {
    /// Finds what a shown key must match, whosever it is.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unavailable`].
    pub async fn find(&self, id: ApiKeyId) -> Result<Option<StoredKey>, StorageError> {
        #[derive(FromQueryResult)]
        struct StoredRow {
            tenant_id: Option<Uuid>,
            scopes: Vec<String>,
            secret_hash: Vec<u8>,
            expires_at: Option<DateTime<Utc>>,
            revoked: bool,
        }

        let key = id.get();
        let query = raw_sql!(
            Postgres,
            r#"SELECT k.tenant_id, k.scopes, k.secret_hash, k.expires_at,
                      k.revoked_at IS NOT NULL OR t.deleted_at IS NOT NULL AS revoked
               FROM api_keys k JOIN tenants t ON t.id = k.tenant_id WHERE k.id = {key}
               UNION ALL
               SELECT NULL, '{}', secret_hash, expires_at, revoked_at IS NOT NULL
               FROM operator_keys WHERE id = {key}"#
        );
        let Some(row) = row::<StoredRow>(&self.tx.tx, query, "find a key").await? else {
            return Ok(None);
        };
        let owner = match row.tenant_id {
            None => KeyOwner::Operator,
            Some(tenant) => {
                KeyOwner::Tenant { tenant: tenant.into(), scopes: scopes_of(&row.scopes)? }
            }
        };
        let secret_hash = row.secret_hash.try_into();
        Ok(Some(StoredKey {
            id,
            secret_hash: secret_hash.map_err(|_| StorageError::Corrupt { table: TABLE })?,
            owner,
            expires_at: row.expires_at,
            revoked: row.revoked,
        }))
    }

    /// Notes that a key was used, at most once a minute: a busy key's row is not worth a write
    /// for every call.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unavailable`].
    pub async fn touch(&self, id: ApiKeyId) -> Result<(), StorageError> {
        let (id, now) = (id.get(), self.tx.now);
        let before = now - TimeDelta::minutes(1);
        let update = raw_sql!(
            Postgres,
            r#"WITH tenants_key AS (
                   UPDATE api_keys SET last_used_at = {now}
                   WHERE id = {id} AND (last_used_at IS NULL OR last_used_at < {before})
               )
               UPDATE operator_keys SET last_used_at = {now}
               WHERE id = {id} AND (last_used_at IS NULL OR last_used_at < {before})"#
        );
        execute(&self.tx.tx, update, "note that a key was used").await.map(|_| ())
    }
}
