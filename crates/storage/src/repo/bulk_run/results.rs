//! What has come of a bulk run, grouped by cause.

use letterhead_domain::{
    bulk_run::{BulkItemStatus, WITHOUT_AN_ANSWER},
    id::BulkRunId,
};
use sea_orm::{FromQueryResult, Value};
use uuid::Uuid;

use super::{BulkRuns, ITEMS};
use crate::{
    error::StorageError,
    record::{BulkGroup, BulkGroupKey, BulkItemRecord, Page, PageRequest},
    repo::{number, parse, rows, sql::statement},
};

/// What has a cause, with what its group has in common: the port where no connection was taken, for
/// then it may be ours that is closed, and the mail service everywhere else.
macro_rules! caused {
    () => {
        "SELECT i.*,
             CASE WHEN i.cause IS DISTINCT FROM 'no_connection' THEN i.provider END AS of_provider,
             CASE WHEN i.cause = 'no_connection' THEN i.port END AS of_port
         FROM bulk_run_items i
         WHERE i.bulk_run_id = $1"
    };
}

const GROUPS: &str = concat!(
    "SELECT c.status, c.cause, c.of_provider AS provider, c.of_port AS port,
         min(c.title) AS title, count(DISTINCT c.tenant_id) AS tenants, count(*) AS senders,
         count(DISTINCT c.host) AS hosts,
         (SELECT count(*) FROM bulk_run_items o
          WHERE o.bulk_run_id = $1 AND o.port = c.of_port AND o.status IN ('passed', 'failed')
              AND coalesce(o.cause, '') <> ALL ($2::text[])) AS connected
     FROM (",
    caused!(),
    ") c
     WHERE c.status IN ('failed', 'skipped')
     GROUP BY c.status, c.cause, c.of_provider, c.of_port
     ORDER BY c.status, tenants DESC, c.cause, provider, port"
);

/// By tenant's slug; `$6` is the item behind which the page begins, or NULL.
const ITEMS_OF: &str = concat!(
    "SELECT c.id, c.tenant_id, t.slug, t.name, c.sender_id, s.slug AS sender_slug, c.test_run_id,
         c.host
     FROM (",
    caused!(),
    ") c
     JOIN tenants t ON t.id = c.tenant_id
     LEFT JOIN senders s ON s.tenant_id = c.tenant_id AND s.id = c.sender_id
     WHERE t.deleted_at IS NULL AND c.status = $2
         AND c.cause IS NOT DISTINCT FROM $3::text
         AND ($2 NOT IN ('failed', 'skipped')
             OR c.of_provider IS NOT DISTINCT FROM $4::text
                 AND c.of_port IS NOT DISTINCT FROM $5::integer)
         AND ($6::uuid IS NULL OR (t.slug, c.id) > (
             SELECT last.slug, item.id FROM bulk_run_items item
             JOIN tenants last ON last.id = item.tenant_id
             WHERE item.bulk_run_id = $1 AND item.id = $6))
     ORDER BY t.slug, c.id LIMIT $7"
);

#[derive(FromQueryResult)]
struct GroupRow {
    status: String,
    cause: String,
    provider: Option<String>,
    port: Option<i32>,
    title: Option<String>,
    tenants: i64,
    senders: i64,
    hosts: i64,
    connected: i64,
}

#[derive(FromQueryResult)]
struct ItemRow {
    id: Uuid,
    tenant_id: Uuid,
    slug: String,
    name: String,
    sender_id: Option<Uuid>,
    sender_slug: Option<String>,
    test_run_id: Option<Uuid>,
    host: Option<String>,
}

impl BulkRuns<'_> {
    /// What failed or was skipped so far, by cause; failures first, large groups first.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unavailable`].
    pub async fn groups(&self, id: BulkRunId) -> Result<Vec<BulkGroup>, StorageError> {
        let without: Vec<_> = WITHOUT_AN_ANSWER.map(str::to_owned).into();
        let query = statement(GROUPS, [id.get().into(), without.into()]);
        let found = rows::<GroupRow>(&self.tx.tx, query, "group a bulk run's results").await?;
        found.into_iter().map(TryInto::try_into).collect()
    }

    /// The senders of one group, by their tenants' slugs.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unavailable`].
    pub async fn items_of(
        &self,
        id: BulkRunId,
        group: &BulkGroupKey,
        page: PageRequest,
    ) -> Result<Page<BulkItemRecord>, StorageError> {
        let BulkGroupKey { status, cause, provider, port } = group;
        let values: [Value; 7] = [
            id.get().into(),
            status.as_str().into(),
            cause.clone().into(),
            provider.clone().into(),
            port.map(i32::from).into(),
            page.after_id().into(),
            page.rows().into(),
        ];
        let query = statement(ITEMS_OF, values);
        let found = rows::<ItemRow>(&self.tx.tx, query, "list a bulk run's senders").await?;
        Page::cut(found, page, |row| row.id).try_map(TryInto::try_into)
    }
}

impl TryFrom<GroupRow> for BulkGroup {
    type Error = StorageError;

    fn try_from(row: GroupRow) -> Result<Self, StorageError> {
        Ok(Self {
            key: BulkGroupKey {
                status: parse::<BulkItemStatus>(&row.status, ITEMS)?,
                cause: Some(row.cause),
                provider: row.provider,
                port: row.port.map(|port| number(port, ITEMS)).transpose()?,
            },
            title: row.title,
            tenants: number(row.tenants, ITEMS)?,
            senders: number(row.senders, ITEMS)?,
            hosts: number(row.hosts, ITEMS)?,
            connected: number(row.connected, ITEMS)?,
        })
    }
}

impl TryFrom<ItemRow> for BulkItemRecord {
    type Error = StorageError;

    fn try_from(row: ItemRow) -> Result<Self, StorageError> {
        let sender_slug = row.sender_slug.as_deref().map(|slug| parse(slug, "senders"));
        Ok(Self {
            tenant: row.tenant_id.into(),
            slug: parse(&row.slug, "tenants")?,
            name: parse(&row.name, "tenants")?,
            sender: row.sender_id.map(Into::into).zip(sender_slug.transpose()?),
            test_run: row.test_run_id.map(Into::into),
            host: row.host,
        })
    }
}
