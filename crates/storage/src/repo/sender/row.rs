//! Senders as rows.

use chrono::{DateTime, Utc};
use letterhead_domain::{
    reply::Reply,
    sender::{Pause, SettingsVersion},
};
use sea_orm::FromQueryResult;
use serde::Deserialize;
use uuid::Uuid;

use super::{LimitsRow, TABLE, VersionRow, hold_of, number, parse, version_number};
use crate::{
    error::StorageError,
    record::{SenderRecord, TestRunSummary},
    vault::data_key::DataKeys,
};

#[derive(Deserialize, FromQueryResult)]
pub(super) struct SenderRow {
    pub(super) id: Uuid,
    slug: String,
    pub(super) last_version: i32,
    pub(super) live_version: Option<i32>,
    pub(super) candidate_version: Option<i32>,
    pub(super) pause_reason: Option<String>,
    paused_at: Option<DateTime<Utc>>,
    pause_reply: Option<String>,
    pub(super) failures: i32,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    tenant_suspended: bool,
    hold_reason: Option<String>,
    held_until: Option<DateTime<Utc>>,
    #[sea_orm(nested)]
    #[serde(flatten)]
    pub(super) limits: LimitsRow,
}

/// The newest test run of a sender.
#[derive(Deserialize, FromQueryResult)]
pub(super) struct TestRow {
    sender_id: Uuid,
    id: Uuid,
    version: Option<i32>,
    status: String,
    started_at: DateTime<Utc>,
    advice_code: Option<String>,
    failed_stage: Option<String>,
}

impl TestRow {
    fn summary(&self) -> Result<TestRunSummary, StorageError> {
        const TABLE: &str = "test_runs";
        Ok(TestRunSummary {
            id: self.id.into(),
            version: version_number(self.version)?,
            status: parse(&self.status, TABLE)?,
            started_at: self.started_at,
            advice_code: self.advice_code.clone(),
            failed_stage: self.failed_stage.as_deref().map(|s| parse(s, TABLE)).transpose()?,
        })
    }
}

impl SenderRow {
    /// The record, out of the versions and test runs of any number of senders.
    pub(super) fn record(
        self,
        versions: &[VersionRow],
        tests: &[TestRow],
        keys: &DataKeys,
    ) -> Result<SenderRecord, StorageError> {
        let version = |wanted: Option<i32>| -> Result<Option<SettingsVersion>, StorageError> {
            let Some(wanted) = wanted else { return Ok(None) };
            let row = versions.iter().find(|row| row.sender_id == self.id && row.number == wanted);
            row.ok_or(StorageError::Corrupt { table: TABLE })?.version(keys).map(Some)
        };
        let (live, candidate) = (version(self.live_version)?, version(self.candidate_version)?);
        let newest = candidate.as_ref().or(live.as_ref()).cloned();
        let test = tests.iter().find(|test| test.sender_id == self.id);
        Ok(SenderRecord {
            id: self.id.into(),
            slug: parse(&self.slug, TABLE)?,
            pause: self.pause()?,
            hold: hold_of(self.held_until, self.hold_reason.as_deref())?,
            limits: self.limits.try_into()?,
            failures: number(self.failures, TABLE)?,
            tenant_suspended: self.tenant_suspended,
            last_test: test.map(TestRow::summary).transpose()?,
            created_at: self.created_at,
            updated_at: self.updated_at,
            newest: newest.ok_or(StorageError::Corrupt { table: TABLE })?,
            live,
            candidate,
        })
    }

    fn pause(&self) -> Result<Option<Pause>, StorageError> {
        let Some((reason, since)) = self.pause_reason.as_deref().zip(self.paused_at) else {
            return Ok(None);
        };
        let reply = self.pause_reply.as_deref().and_then(Reply::parse);
        Ok(Some(Pause { reason: parse(reason, TABLE)?, since, reply }))
    }
}
