//! One sender with everything that is shown of it, in one round trip or none.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use letterhead_domain::{id::TenantId, message::SenderRef};
use sea_orm::{FromQueryResult, JsonValue};
use serde::de::DeserializeOwned;

use super::{
    TABLE, columns,
    row::{SenderRow, TestRow},
};
use crate::{
    error::StorageError,
    record::SenderRecord,
    repo::{data_key, sql::statement, version::VersionRow},
    store::Store,
};

/// The function is in `migrations/sql`.
const FIND: &str = "SELECT *, letterhead_now() AS now FROM letterhead_sender($1, $2, $3)";

#[derive(FromQueryResult)]
struct View {
    sender: JsonValue,
    versions: Option<JsonValue>,
    tests: Option<JsonValue>,
    data_keys: Option<JsonValue>,
    now: DateTime<Utc>,
}

impl Store {
    /// Finds a sender: what [`Senders::find`](super::Senders::find) gives, in a statement that is a
    /// transaction of its own, for those who do nothing else in one.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unavailable`].
    pub async fn find_sender(
        &self,
        tenant: TenantId,
        reference: &SenderRef,
    ) -> Result<Option<SenderRecord>, StorageError> {
        let (id, slug) = columns(reference);
        let find = statement(FIND, [tenant.get().into(), id.into(), slug.into()]);
        let look_up = self.views().look_up(tenant);
        let found: Vec<View> = self.alone(|| find.clone(), "find a sender").await?;
        let Some(view) = found.into_iter().next() else { return Ok(None) };
        let versions: Vec<VersionRow> = read_all(view.versions)?;
        let tests: Vec<TestRow> = read_all(view.tests)?;
        let keys = data_key::open(tenant, read_all(view.data_keys)?, self.master_keys())?;
        let record = read::<SenderRow>(view.sender)?.record(&versions, &tests, &keys)?;
        self.views().keep(&look_up, reference, record.clone(), view.now);
        Ok(Some(record))
    }

    /// What [`Store::find_sender`] found a short while ago, if nothing about it is known to have changed
    /// since. To be shown, not to decide by.
    pub fn kept_sender(
        &self,
        tenant: TenantId,
        reference: &SenderRef,
    ) -> Option<Arc<SenderRecord>> {
        self.views().find(tenant, reference)
    }

    /// Something that is shown of the tenant's senders was changed, by other means than a
    /// [`TenantTx`](crate::store::TenantTx) of this store.
    pub fn forget_senders(&self, tenant: TenantId) {
        self.views().forget(tenant);
    }

    /// Anything may have been changed.
    pub fn forget_all_senders(&self) {
        self.views().forget_all();
    }
}

/// Reads rows; an aggregate of none is NULL.
fn read_all<Row: DeserializeOwned>(json: Option<JsonValue>) -> Result<Vec<Row>, StorageError> {
    json.map_or_else(|| Ok(Vec::new()), read)
}

fn read<T: DeserializeOwned>(json: JsonValue) -> Result<T, StorageError> {
    serde_json::from_value(json).map_err(|_| StorageError::Corrupt { table: TABLE })
}
