//! Bulk runs: tests of many senders at once. They are the operator's, so only the system's role
//! knows them; each test itself is an ordinary test run of its tenant.
//!
//! Senders are claimed one by one under a lease (`work`), by whichever process has a hand free. What
//! has come of them is grouped by cause (`results`).

use chrono::{DateTime, Utc};
use letterhead_domain::{id::BulkRunId, provider, tenant::TenantFilter};
use sea_orm::{FromQueryResult, Value};
use uuid::Uuid;

use super::{
    execute, number, parse, row, rows,
    sql::{parse_option, statement},
    tenant::overview::{filter_values, tenant_matches},
};
use crate::{
    error::StorageError,
    record::{BulkCounts, BulkRequester, BulkRunRecord, BulkTarget, NewBulkRun, Page, PageRequest},
    store::SystemTx,
};

mod results;
mod work;

const TABLE: &str = "bulk_runs";
const ITEMS: &str = "bulk_run_items";
const NO_RUN: StorageError = StorageError::NotFound("bulk run");

impl SystemTx {
    /// Tests of many senders at once.
    pub fn bulk_runs(&self) -> BulkRuns<'_> {
        BulkRuns { tx: self }
    }
}

/// Tests of many senders at once.
pub struct BulkRuns<'tx> {
    tx: &'tx SystemTx,
}

const CREATE: &str = "
INSERT INTO bulk_runs (id, scope, filter_text, filter_state, filter_provider, requested_session,
    requested_by_email, requested_by_name, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, letterhead_now())";

const FILL: &str = concat!(
    "INSERT INTO bulk_run_items (tenant_id, bulk_run_id, sender_id)
     SELECT t.id, $4, s.id
     FROM tenants t
     LEFT JOIN senders s ON s.tenant_id = t.id AND s.deleted_at IS NULL
     WHERE ($5::uuid[] IS NULL OR t.id = ANY ($5)) AND ",
    tenant_matches!()
);

/// `$1` is one run's id or NULL, `$2` the id behind which a page begins or NULL.
const READ: &str = "
SELECT r.*, c.*
FROM bulk_runs r
CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE status = 'waiting') AS waiting,
        count(*) FILTER (WHERE status = 'running') AS running,
        count(*) FILTER (WHERE status = 'passed') AS passed,
        count(*) FILTER (WHERE status = 'failed') AS failed,
        count(*) FILTER (WHERE status = 'skipped') AS skipped,
        count(*) FILTER (WHERE status = 'cancelled') AS cancelled,
        max(finished_at) AS last_finished_at
    FROM bulk_run_items i WHERE i.bulk_run_id = r.id
) c
WHERE ($1::uuid IS NULL OR r.id = $1) AND ($2::uuid IS NULL OR r.id < $2)
ORDER BY r.id DESC LIMIT $3";

/// What a dead process held is not begun again either.
const CANCEL_ITEMS: &str = "
UPDATE bulk_run_items
SET status = 'cancelled', lease_token = NULL, lease_until = NULL, finished_at = letterhead_now()
WHERE bulk_run_id = $1
    AND (status = 'waiting' OR status = 'running' AND lease_until <= letterhead_now())";

const CANCEL: &str = "
UPDATE bulk_runs SET cancelled_at = letterhead_now(), cancelled_by = $2
WHERE id = $1 AND cancelled_at IS NULL
    AND EXISTS (SELECT FROM bulk_run_items
                WHERE bulk_run_id = $1 AND status IN ('waiting', 'running'))";

/// Whole bulk runs, so that counts never lie; a run has as many items as there are senders.
const FORGET_ITEMS: &str = "
DELETE FROM bulk_run_items i USING (
    SELECT id FROM bulk_runs
    WHERE created_at <= letterhead_now() - interval '90 days'
    ORDER BY id LIMIT 1
) old
WHERE i.bulk_run_id = old.id";

const FORGET: &str = "
DELETE FROM bulk_runs r
WHERE r.created_at <= letterhead_now() - interval '90 days'
    AND NOT EXISTS (SELECT FROM bulk_run_items i WHERE i.bulk_run_id = r.id)";

#[derive(FromQueryResult)]
struct BulkRunRow {
    id: Uuid,
    scope: String,
    filter_text: Option<String>,
    filter_state: Option<String>,
    filter_provider: Option<String>,
    #[sea_orm(nested)]
    requested_by: RequesterColumns,
    created_at: DateTime<Utc>,
    cancelled_at: Option<DateTime<Utc>>,
    cancelled_by: Option<String>,
    waiting: i64,
    running: i64,
    passed: i64,
    failed: i64,
    skipped: i64,
    cancelled: i64,
    last_finished_at: Option<DateTime<Utc>>,
}

#[derive(FromQueryResult)]
struct RequesterColumns {
    #[sea_orm(from_alias = "requested_session")]
    session: Uuid,
    #[sea_orm(from_alias = "requested_by_email")]
    email: String,
    #[sea_orm(from_alias = "requested_by_name")]
    name: String,
}

impl BulkRuns<'_> {
    /// Stores a bulk run of every sender that its tenants have now, and of each tenant without one.
    /// How many there are; a bulk run of none is stored too.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unavailable`].
    pub async fn create(&self, new: &NewBulkRun) -> Result<u64, StorageError> {
        let NewBulkRun { id, target, requested_by } = new;
        let everyone = TenantFilter::default();
        let (filter, selection) = match target {
            BulkTarget::Filter(filter) => (filter, None),
            BulkTarget::Selection(tenants) => {
                let tenants: Vec<_> = tenants.iter().map(|tenant| tenant.get()).collect();
                (&everyone, Some(tenants))
            }
        };
        let [text, state, hosts] = filter_values(filter);
        let values: [Value; 8] = [
            id.get().into(),
            target.scope().as_str().into(),
            text.clone(),
            state.clone(),
            filter.provider.map(|provider| provider.id).into(),
            requested_by.session.get().into(),
            requested_by.email.as_str().into(),
            requested_by.name.as_str().into(),
        ];
        execute(&self.tx.tx, statement(CREATE, values), "store a bulk run").await?;
        let values = [text, state, hosts, id.get().into(), selection.into()];
        execute(&self.tx.tx, statement(FILL, values), "list the senders of a bulk run").await
    }

    /// Loads a bulk run.
    ///
    /// # Errors
    ///
    /// [`StorageError::NotFound`].
    pub async fn load(&self, id: BulkRunId) -> Result<BulkRunRecord, StorageError> {
        let values = [Some(id.get()).into(), None::<Uuid>.into(), 1_i64.into()];
        let found = row::<BulkRunRow>(&self.tx.tx, statement(READ, values), "load a bulk run");
        found.await?.ok_or(NO_RUN)?.try_into()
    }

    /// Lists bulk runs, newest first.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unavailable`].
    pub async fn list(&self, page: PageRequest) -> Result<Page<BulkRunRecord>, StorageError> {
        let values = [None::<Uuid>.into(), page.after_id().into(), page.rows().into()];
        let found = rows::<BulkRunRow>(&self.tx.tx, statement(READ, values), "list bulk runs");
        Page::cut(found.await?, page, |row| row.id).try_map(TryInto::try_into)
    }

    /// Cancels a bulk run: no sender's turn comes any more, and those that are being tested end by
    /// themselves. Whether there was anything left to cancel.
    ///
    /// # Errors
    ///
    /// [`StorageError::NotFound`].
    pub async fn cancel(&self, id: BulkRunId, by: &str) -> Result<bool, StorageError> {
        let values = [id.get().into(), by.into()];
        let changed = execute(&self.tx.tx, statement(CANCEL, values), "cancel a bulk run").await?;
        if changed == 0 {
            return self.load(id).await.map(|_| false);
        }
        let items = statement(CANCEL_ITEMS, [id.get().into()]);
        execute(&self.tx.tx, items, "cancel what is left of a bulk run").await?;
        Ok(true)
    }

    /// Forgets the oldest bulk run that was made more than 90 days ago. How many rows that were.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unavailable`].
    pub async fn forget_old(&self) -> Result<u64, StorageError> {
        let items = execute(&self.tx.tx, statement(FORGET_ITEMS, []), "forget a bulk run").await?;
        let runs = execute(&self.tx.tx, statement(FORGET, []), "forget a bulk run").await?;
        Ok(items + runs)
    }
}

impl TryFrom<RequesterColumns> for BulkRequester {
    type Error = StorageError;

    fn try_from(row: RequesterColumns) -> Result<Self, StorageError> {
        Ok(Self {
            session: row.session.into(),
            email: parse(&row.email, TABLE)?,
            name: parse(&row.name, TABLE)?,
        })
    }
}

impl TryFrom<BulkRunRow> for BulkRunRecord {
    type Error = StorageError;

    fn try_from(row: BulkRunRow) -> Result<Self, StorageError> {
        let count = |counted: i64| number::<u64>(counted, ITEMS);
        let counts = BulkCounts {
            waiting: count(row.waiting)?,
            running: count(row.running)?,
            passed: count(row.passed)?,
            failed: count(row.failed)?,
            skipped: count(row.skipped)?,
            cancelled: count(row.cancelled)?,
        };
        let ended = row.last_finished_at.unwrap_or(row.created_at);
        Ok(Self {
            id: row.id.into(),
            scope: parse(&row.scope, TABLE)?,
            filter: TenantFilter {
                text: parse_option(row.filter_text.as_deref(), TABLE)?,
                state: parse_option(row.filter_state.as_deref(), TABLE)?,
                provider: row.filter_provider.as_deref().and_then(provider::find),
            },
            requested_by: row.requested_by.try_into()?,
            created_at: row.created_at,
            cancelled: row.cancelled_at.zip(row.cancelled_by),
            finished_at: (counts.open() == 0).then_some(ended),
            counts,
        })
    }
}
