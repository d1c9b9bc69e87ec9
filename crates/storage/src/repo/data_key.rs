//! Wrapped data keys, one per tenant and generation.

use letterhead_domain::id::TenantId;
use sea_orm::{FromQueryResult, raw_sql};
use serde::Deserialize;
use uuid::Uuid;

use super::{execute, json::bytes, number, rows};
use crate::{
    error::StorageError,
    key::MasterKeys,
    store::{SystemTx, TenantTx},
    vault::data_key::{DataKeys, WrappedKey},
};

const TABLE: &str = "data_keys";

#[derive(Deserialize, FromQueryResult)]
pub(super) struct KeyRow {
    generation: i32,
    master_key_id: String,
    #[serde(deserialize_with = "bytes")]
    wrapped: Vec<u8>,
}

/// Opens a tenant's data keys, as far as they open.
pub(super) fn open(
    tenant: TenantId,
    rows: Vec<KeyRow>,
    keys: &MasterKeys,
) -> Result<DataKeys, StorageError> {
    let wrapped = rows.into_iter().map(|row| {
        Ok(WrappedKey {
            generation: number(row.generation, TABLE)?,
            master_key_id: row.master_key_id,
            bytes: row.wrapped,
        })
    });
    let wrapped = wrapped.collect::<Result<Vec<_>, StorageError>>()?;
    Ok(DataKeys::unwrap(tenant, &wrapped, keys))
}

impl TenantTx {
    /// The tenant's data keys, as far as they open.
    pub(crate) async fn open_data_keys(&self) -> Result<DataKeys, StorageError> {
        let tenant = self.tenant.get();
        let query = raw_sql!(
            Postgres,
            r#"SELECT generation, master_key_id, wrapped FROM data_keys
               WHERE tenant_id = {tenant}"#
        );
        let rows = rows::<KeyRow>(&self.tx, query, "read the tenant's data keys").await?;
        open(self.tenant, rows, &self.keys)
    }
}

impl SystemTx {
    /// The wrapped data keys of all tenants.
    pub fn data_keys(&self) -> DataKeyRepo<'_> {
        DataKeyRepo { tx: self }
    }
}

/// The wrapped data keys of all tenants.
pub struct DataKeyRepo<'tx> {
    tx: &'tx SystemTx,
}

impl DataKeyRepo<'_> {
    /// How many data keys each master key wraps, by the master key's id.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unavailable`].
    pub async fn by_master_key(&self) -> Result<Vec<(String, u64)>, StorageError> {
        #[derive(FromQueryResult)]
        struct Count {
            master_key_id: String,
            keys: i64,
        }

        let query = raw_sql!(
            Postgres,
            r#"SELECT master_key_id, count(*) AS keys FROM data_keys
               GROUP BY master_key_id ORDER BY master_key_id"#
        );
        let counts = rows::<Count>(&self.tx.tx, query, "count data keys").await?;
        counts
            .into_iter()
            .map(|count| Ok((count.master_key_id, number(count.keys, TABLE)?)))
            .collect()
    }

    /// Stores a tenant's wrapped key.
    pub(crate) async fn create(
        &self,
        tenant: TenantId,
        id: Uuid,
        key: WrappedKey,
    ) -> Result<(), StorageError> {
        let (tenant, now) = (tenant.get(), self.tx.now);
        let WrappedKey { generation, master_key_id, bytes } = key;
        let insert = raw_sql!(
            Postgres,
            r#"INSERT INTO data_keys
                   (tenant_id, id, generation, master_key_id, wrapped, created_at)
               VALUES ({tenant}, {id}, {generation}, {master_key_id}, {bytes}, {now})"#
        );
        execute(&self.tx.tx, insert, "store a data key").await.map(|_| ())
    }
}
