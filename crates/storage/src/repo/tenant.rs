//! Tenants: the directory, which the system keeps, and a tenant's own line in it.

use chrono::{DateTime, Utc};
use letterhead_domain::{
    event::OperatorEventKind, id::TenantId, message::TenantRef, tenant::TenantStatus,
    text::TenantName,
};
use sea_orm::{FromQueryResult, raw_sql};
use uuid::Uuid;

use super::{execute, parse, row, rows, sender::sync_lanes};
use crate::{
    error::{StorageError, failed_or_taken},
    record::{NewTenant, Page, PageRequest, TenantRecord},
    store::{SystemTx, TenantTx},
    vault::data_key::DataKey,
};

pub(super) mod overview;

const TABLE: &str = "tenants";

#[derive(FromQueryResult)]
struct TenantRow {
    id: Uuid,
    slug: String,
    name: String,
    status: String,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl TryFrom<TenantRow> for TenantRecord {
    type Error = StorageError;

    fn try_from(row: TenantRow) -> Result<Self, StorageError> {
        Ok(Self {
            id: row.id.into(),
            slug: parse(&row.slug, TABLE)?,
            name: parse(&row.name, TABLE)?,
            status: parse(&row.status, TABLE)?,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

impl TenantTx {
    /// This tenant's own line in the directory.
    pub fn tenant(&self) -> OwnTenant<'_> {
        OwnTenant { tx: self }
    }
}

/// One tenant's own line in the directory.
pub struct OwnTenant<'tx> {
    tx: &'tx TenantTx,
}

impl OwnTenant<'_> {
    /// Loads the tenant.
    ///
    /// # Errors
    ///
    /// [`StorageError::NotFound`] if it is gone.
    pub async fn load(&self) -> Result<TenantRecord, StorageError> {
        let tenant = self.tx.tenant.get();
        let query = raw_sql!(
            Postgres,
            r#"SELECT id, slug, name, status, created_at, updated_at
               FROM tenants WHERE id = {tenant} AND deleted_at IS NULL"#
        );
        let found = row::<TenantRow>(&self.tx.tx, query, "load the tenant").await?;
        found.ok_or(StorageError::NotFound("tenant"))?.try_into()
    }
}

impl SystemTx {
    /// The directory of tenants.
    pub fn tenants(&self) -> Tenants<'_> {
        Tenants { tx: self }
    }
}

/// The directory of tenants.
pub struct Tenants<'tx> {
    tx: &'tx SystemTx,
}

impl Tenants<'_> {
    /// Creates a tenant together with its first data key, which gets the id `data_key_id`.
    ///
    /// # Errors
    ///
    /// [`StorageError::Taken`] if another tenant has the slug; the transaction is then spent.
    pub async fn create(
        &self,
        new: &NewTenant,
        data_key_id: Uuid,
    ) -> Result<TenantRecord, StorageError> {
        let (id, now) = (new.id.get(), self.tx.now);
        let (slug, name) = (new.slug.as_str(), new.name.as_str());
        let insert = raw_sql!(
            Postgres,
            r#"INSERT INTO tenants (id, slug, name, created_at, updated_at)
               VALUES ({id}, {slug}, {name}, {now}, {now})
               RETURNING id, slug, name, status, created_at, updated_at"#
        );
        let row = TenantRow::find_by_statement(insert)
            .one(&self.tx.tx)
            .await
            .map_err(failed_or_taken("create the tenant", "slug"))?
            .ok_or(StorageError::Corrupt { table: TABLE })?;
        let key = DataKey::generate(DataKey::FIRST_GENERATION)?;
        let wrapped = key.wrap(new.id, &self.tx.keys)?;
        self.tx.data_keys().create(new.id, data_key_id, wrapped).await?;
        row.try_into()
    }

    /// Finds a tenant; [`TenantRef::Own`] names nobody here.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unavailable`].
    pub async fn find(&self, reference: &TenantRef) -> Result<Option<TenantRecord>, StorageError> {
        let (id, slug) = match reference {
            TenantRef::Own => return Ok(None),
            TenantRef::Id(id) => (Some(id.get()), None),
            TenantRef::Slug(slug) => (None, Some(slug.as_str())),
        };
        let query = raw_sql!(
            Postgres,
            r#"SELECT id, slug, name, status, created_at, updated_at FROM tenants
               WHERE (id = {id}::uuid OR slug = {slug}::text) AND deleted_at IS NULL"#
        );
        let found = row::<TenantRow>(&self.tx.tx, query, "find a tenant").await?;
        found.map(TryInto::try_into).transpose()
    }

    /// Lists tenants, newest first.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unavailable`].
    pub async fn list(&self, page: PageRequest) -> Result<Page<TenantRecord>, StorageError> {
        let (after, limit) = (page.after_id(), page.rows());
        let query = raw_sql!(
            Postgres,
            r#"SELECT id, slug, name, status, created_at, updated_at FROM tenants
               WHERE deleted_at IS NULL AND ({after}::uuid IS NULL OR id < {after})
               ORDER BY id DESC LIMIT {limit}"#
        );
        let found = rows::<TenantRow>(&self.tx.tx, query, "list tenants").await?;
        Page::cut(found, page, |row| row.id).try_map(TryInto::try_into)
    }

    /// Changes a tenant's name, its status, or both. Suspending blocks its lanes and resuming opens
    /// them, in the same transaction.
    ///
    /// # Errors
    ///
    /// [`StorageError::NotFound`].
    pub async fn update(
        &self,
        id: TenantId,
        name: Option<&TenantName>,
        status: Option<TenantStatus>,
    ) -> Result<TenantRecord, StorageError> {
        let (tenant, now) = (id.get(), self.tx.now);
        let (name, status) = (name.map(TenantName::as_str), status.map(TenantStatus::as_str));
        let update = raw_sql!(
            Postgres,
            r#"UPDATE tenants
               SET name = coalesce({name}, name), status = coalesce({status}, status),
                   updated_at = {now}
               WHERE id = {tenant} AND deleted_at IS NULL
               RETURNING id, slug, name, status, created_at, updated_at"#
        );
        let changed = row::<TenantRow>(&self.tx.tx, update, "change a tenant").await?;
        let changed = changed.ok_or(StorageError::NotFound("tenant"))?;
        if status.is_some() {
            sync_lanes(&self.tx.tx, id, None).await?;
        }
        changed.try_into()
    }

    /// Deletes a tenant: its data keys go, so that nothing sealed of it can be opened any more; its
    /// API keys are revoked, its people's sessions ended, its lanes blocked, and the operator's
    /// events say so. The rest is removed in batches afterwards.
    ///
    /// # Errors
    ///
    /// [`StorageError::NotFound`], also for one that was deleted before.
    pub async fn remove(&self, id: TenantId) -> Result<(), StorageError> {
        let (tenant, now) = (id.get(), self.tx.now);
        let mark = raw_sql!(
            Postgres,
            r#"UPDATE tenants SET deleted_at = {now}, updated_at = {now}
               WHERE id = {tenant} AND deleted_at IS NULL"#
        );
        if execute(&self.tx.tx, mark, "delete a tenant").await? == 0 {
            return Err(StorageError::NotFound("tenant"));
        }
        let forget = raw_sql!(Postgres, r#"DELETE FROM data_keys WHERE tenant_id = {tenant}"#);
        execute(&self.tx.tx, forget, "destroy a tenant's data keys").await?;
        let revoke = raw_sql!(
            Postgres,
            r#"UPDATE api_keys SET revoked_at = {now}
               WHERE tenant_id = {tenant} AND revoked_at IS NULL"#
        );
        execute(&self.tx.tx, revoke, "revoke a tenant's API keys").await?;
        let sign_out = raw_sql!(
            Postgres,
            r#"UPDATE portal_sessions SET ended_at = {now}
               WHERE tenant_id = {tenant} AND ended_at IS NULL"#
        );
        execute(&self.tx.tx, sign_out, "end a tenant's portal sessions").await?;
        sync_lanes(&self.tx.tx, id, None).await?;
        self.tx.events().record(OperatorEventKind::TenantDeleted, Some(id), &[]).await
    }
}
