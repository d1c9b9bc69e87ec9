//! Whose turn it is: senders of bulk runs are claimed under a lease, and finished by its holder.

use std::time::Duration;

use letterhead_domain::{
    bulk_run::BulkItemStatus,
    id::{LeaseToken, TestRunId},
    provider,
    smtp_settings::SmtpSettings,
};
use sea_orm::{FromQueryResult, Value};
use uuid::Uuid;

use super::{BulkRuns, ITEMS, RequesterColumns};
use crate::{
    error::StorageError,
    record::{BulkOutcome, ClaimedBulkItem},
    repo::{
        execute, number, rows,
        sql::{as_limit, seconds, statement},
    },
};

/// Oldest bulk run first. A row that changed since the snapshot is judged anew by the conditions
/// beside the lock, so they all stand there.
const CLAIM: &str = "
WITH picked AS (
    SELECT i.tenant_id, i.id
    FROM bulk_run_items i
    WHERE i.status IN ('waiting', 'running')
        AND (i.status = 'waiting' OR i.lease_until <= letterhead_now())
    ORDER BY i.bulk_run_id, i.id
    LIMIT $3
    FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE bulk_run_items i
SET status = 'running', attempts = i.attempts + 1, lease_token = $1,
    lease_until = letterhead_now() + make_interval(secs => $2)
FROM picked, bulk_runs r
WHERE i.tenant_id = picked.tenant_id AND i.id = picked.id AND r.id = i.bulk_run_id
RETURNING i.tenant_id, i.id, i.bulk_run_id, i.sender_id, i.test_run_id, i.attempts,
    i.lease_token, r.requested_session, r.requested_by_email, r.requested_by_name";

const ATTACH: &str = "
UPDATE bulk_run_items SET test_run_id = $4
WHERE tenant_id = $1 AND id = $2 AND lease_token = $3";

const FINISH: &str = "
UPDATE bulk_run_items
SET status = $4, cause = $5, title = $6, test_run_id = coalesce($7, test_run_id), host = $8,
    port = $9, provider = $10, lease_token = NULL, lease_until = NULL,
    finished_at = letterhead_now()
WHERE tenant_id = $1 AND id = $2 AND lease_token = $3";

#[derive(FromQueryResult)]
struct ClaimedRow {
    tenant_id: Uuid,
    id: Uuid,
    bulk_run_id: Uuid,
    sender_id: Option<Uuid>,
    test_run_id: Option<Uuid>,
    attempts: i32,
    lease_token: Uuid,
    #[sea_orm(nested)]
    requested_by: RequesterColumns,
}

impl BulkRuns<'_> {
    /// Claims at most `limit` senders whose turn has come, those first whose bulk run is oldest.
    /// Nobody else gets them before `lease` is over; after that somebody does, and what their first
    /// holder finishes then is refused.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unavailable`].
    pub async fn claim(
        &self,
        token: LeaseToken,
        lease: Duration,
        limit: u64,
    ) -> Result<Vec<ClaimedBulkItem>, StorageError> {
        let values = [token.get().into(), seconds(lease).into(), as_limit(limit).into()];
        let claimed = statement(CLAIM, values);
        let claimed =
            rows::<ClaimedRow>(&self.tx.tx, claimed, "claim senders of bulk runs").await?;
        claimed.into_iter().map(TryInto::try_into).collect()
    }

    /// Notes the test run that was begun for `item`. Whether the item is still its holder's.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unavailable`].
    pub async fn attach(
        &self,
        item: &ClaimedBulkItem,
        run: TestRunId,
    ) -> Result<bool, StorageError> {
        let values = hold(item).into_iter().chain([run.get().into()]);
        let attached =
            execute(&self.tx.tx, statement(ATTACH, values), "note a bulk run's test run");
        Ok(attached.await? == 1)
    }

    /// Records how `item` ended. Whether it was still its holder's.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unavailable`].
    pub async fn finish(
        &self,
        item: &ClaimedBulkItem,
        outcome: &BulkOutcome,
    ) -> Result<bool, StorageError> {
        let (status, cause, title, run, settings) = match outcome {
            BulkOutcome::Passed { run, settings } => {
                (BulkItemStatus::Passed, None, None, Some(*run), Some(settings))
            }
            BulkOutcome::Failed { run, settings, advice } => {
                let (cause, title) = (Some(advice.code.as_str()), Some(advice.title.as_str()));
                (BulkItemStatus::Failed, cause, title, Some(*run), Some(settings))
            }
            BulkOutcome::Skipped(reason) => {
                (BulkItemStatus::Skipped, Some(reason.as_str()), None, None, None)
            }
        };
        let service =
            settings.and_then(|settings: &SmtpSettings| provider::of_host(&settings.host));
        let rest: [Value; 7] = [
            status.as_str().into(),
            cause.into(),
            title.into(),
            run.map(TestRunId::get).into(),
            settings.map(|settings| settings.host.to_string()).into(),
            settings.map(|settings| i32::from(settings.port.get())).into(),
            service.map(|service| service.id).into(),
        ];
        let values = hold(item).into_iter().chain(rest);
        let finished = statement(FINISH, values);
        Ok(execute(&self.tx.tx, finished, "record a bulk run's result").await? == 1)
    }
}

/// What a holder shows: the item and its lease.
fn hold(item: &ClaimedBulkItem) -> [Value; 3] {
    [item.tenant.get().into(), item.id.into(), item.token.get().into()]
}

impl TryFrom<ClaimedRow> for ClaimedBulkItem {
    type Error = StorageError;

    fn try_from(row: ClaimedRow) -> Result<Self, StorageError> {
        Ok(Self {
            tenant: row.tenant_id.into(),
            id: row.id,
            bulk_run: row.bulk_run_id.into(),
            requested_by: row.requested_by.try_into()?,
            token: row.lease_token.into(),
            sender: row.sender_id.map(Into::into),
            test_run: row.test_run_id.map(Into::into),
            attempts: number(row.attempts, ITEMS)?,
        })
    }
}
