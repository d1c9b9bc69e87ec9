//! Test runs: stored before they start, finished with their report.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use letterhead_domain::{
    advice::{Advice, advise},
    arrival::{ArrivalCode, VALID_FOR},
    domain_check::DomainCheck,
    id::{SenderId, TestRunId},
    sender::VersionNumber,
    test_run::{Cause, Failure, Stage, StageReport, TestMode, TestReport},
};
use sea_orm::{FromQueryResult, raw_sql};
use uuid::Uuid;

use self::row::TestRunRow;
use super::{execute, row as one_row, rows, version::VersionRow};
use crate::{
    error::StorageError,
    record::{Page, PageRequest, RunLimits, TestRunRecord},
    store::TenantTx,
};

mod arrival;
mod dns_check;
mod fix;
mod row;

const NO_RUN: StorageError = StorageError::NotFound("test run");

/// A test run that is about to start.
#[derive(Clone)]
pub struct NewTestRun {
    /// Its id.
    pub id: TestRunId,
    /// The sender.
    pub sender: SenderId,
    /// The version to be tried; none for settings that were never saved.
    pub version: Option<VersionNumber>,
    /// How far it is to go.
    pub mode: TestMode,
    /// The code that its mail carries, in mode `message`.
    pub code: Option<ArrivalCode>,
    /// Who asks for it, as the audit names them.
    pub requested_by: String,
}

/// Whether a test run may start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begun {
    /// It is stored and may start once the transaction is committed.
    Started,
    /// The tenant has begun too many of late; nothing is stored.
    TooMany {
        /// When the next one may begin.
        retry_after: Duration,
    },
}

impl TenantTx {
    /// The tenant's test runs.
    pub fn test_runs(&self) -> TestRuns<'_> {
        TestRuns { tx: self }
    }
}

/// One tenant's test runs.
pub struct TestRuns<'tx> {
    tx: &'tx TenantTx,
}

impl TestRuns<'_> {
    /// Stores a run, unless the tenant has begun too many. Runs of one tenant begin one after the
    /// other, so that the limits hold over all instances.
    ///
    /// # Errors
    ///
    /// [`StorageError::NotFound`] if there is no such sender.
    pub async fn begin(&self, new: &NewTestRun, limits: RunLimits) -> Result<Begun, StorageError> {
        let (tenant, now) = (self.tx.tenant.get(), self.tx.now);
        self.take_turn().await?;
        let windows =
            [(TimeDelta::minutes(1), limits.per_minute), (TimeDelta::hours(1), limits.per_hour)];
        let mut retry_after = None;
        for (window, limit) in windows {
            retry_after = retry_after.max(self.wait_for(window, limit).await?);
        }
        if let Some(retry_after) = retry_after {
            return Ok(Begun::TooMany { retry_after });
        }
        let NewTestRun { id, sender, version, mode, code, requested_by } = new;
        let (id, sender, mode) = (id.get(), sender.get(), mode.as_str());
        let version = version.map(|version| i64::from(version.0));
        let code = code.as_ref().map(ArrivalCode::as_str);
        let insert = raw_sql!(
            Postgres,
            r#"INSERT INTO test_runs
                   (tenant_id, id, sender_id, version, mode, arrival_code, requested_by, started_at)
               SELECT tenant_id, {id}, id, {version}, {mode}, {code}, {requested_by}, {now}
               FROM senders
               WHERE tenant_id = {tenant} AND id = {sender} AND deleted_at IS NULL"#
        );
        match execute(&self.tx.tx, insert, "store a test run").await? {
            0 => Err(StorageError::NotFound("sender")),
            _ => Ok(Begun::Started),
        }
    }

    /// Waits until no other run of the tenant begins or counts; it lasts as long as the transaction.
    async fn take_turn(&self) -> Result<(), StorageError> {
        let turn = format!("letterhead test runs {}", self.tx.tenant);
        let lock =
            raw_sql!(Postgres, r#"SELECT pg_advisory_xact_lock(hashtextextended({turn}, 0))"#);
        execute(&self.tx.tx, lock, "wait for another test run").await.map(|_| ())
    }

    /// How long the tenant must wait until fewer than `limit` runs began within `window`.
    async fn wait_for(
        &self,
        window: TimeDelta,
        limit: u32,
    ) -> Result<Option<Duration>, StorageError> {
        #[derive(FromQueryResult)]
        struct Started {
            started_at: DateTime<Utc>,
        }

        let (tenant, now) = (self.tx.tenant.get(), self.tx.now);
        let Some(others) = limit.checked_sub(1).map(i64::from) else {
            return Ok(window.to_std().ok());
        };
        let since = now - window;
        // The one run of the newest `limit` that must grow old first.
        let query = raw_sql!(
            Postgres,
            r#"SELECT started_at FROM test_runs
               WHERE tenant_id = {tenant} AND started_at > {since}
               ORDER BY started_at DESC OFFSET {others} LIMIT 1"#
        );
        let oldest = one_row::<Started>(&self.tx.tx, query, "count test runs").await?;
        Ok(oldest.and_then(|oldest| (oldest.started_at - since).to_std().ok()))
    }

    /// Writes down the stages of a running run that have ended, so that everybody can see how far
    /// it has come. Nothing happens to a run that has ended. Whether it was still running.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unavailable`].
    pub async fn progress(
        &self,
        id: TestRunId,
        stages: &[StageReport],
    ) -> Result<bool, StorageError> {
        let (tenant, id) = (self.tx.tenant.get(), id.get());
        let stages = row::stages_to_json(stages)?;
        let update = raw_sql!(
            Postgres,
            r#"UPDATE test_runs SET stages = {stages}
               WHERE tenant_id = {tenant} AND id = {id} AND status = 'running'"#
        );
        Ok(execute(&self.tx.tx, update, "write a test run's progress").await? == 1)
    }

    /// Keeps what was found about the sender's domain with its run, which is still running.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unavailable`].
    pub async fn keep_dns_check(
        &self,
        id: TestRunId,
        check: &DomainCheck,
    ) -> Result<(), StorageError> {
        let (tenant, id) = (self.tx.tenant.get(), id.get());
        let check = dns_check::dns_check_to_json(check)?;
        let update = raw_sql!(
            Postgres,
            r#"UPDATE test_runs SET dns_check = {check}
               WHERE tenant_id = {tenant} AND id = {id} AND status = 'running'"#
        );
        execute(&self.tx.tx, update, "keep what was found about a domain").await?;
        Ok(())
    }

    /// Finishes a run with its report. Whether it was still running.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unavailable`].
    pub async fn finish(
        &self,
        id: TestRunId,
        report: &TestReport,
        advice: Option<&Advice>,
    ) -> Result<bool, StorageError> {
        let (tenant, id, now) = (self.tx.tenant.get(), id.get(), self.tx.now);
        let status = report.status().as_str();
        let took_ms = i64::try_from(report.took.as_millis()).unwrap_or(i64::MAX);
        let stages = row::stages_to_json(&report.stages)?;
        let tls = report.tls.as_ref().map(row::tls_to_json).transpose()?;
        let advice = advice.map(row::advice_to_json).transpose()?;
        let transcript = Some(&report.transcript).filter(|text| !text.is_empty());
        // Postgres takes no NUL in text, whatever a stranger's server sends.
        let transcript = transcript.map(|text| text.replace('\0', "\u{fffd}"));
        let update = raw_sql!(
            Postgres,
            r#"UPDATE test_runs
               SET status = {status}, finished_at = {now}, took_ms = {took_ms},
                   stages = {stages}, tls = {tls}, advice = {advice}, transcript = {transcript}
               WHERE tenant_id = {tenant} AND id = {id} AND status = 'running'"#
        );
        Ok(execute(&self.tx.tx, update, "finish a test run").await? == 1)
    }

    /// Ends runs whose program died before they did. How many there were.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unavailable`].
    pub async fn interrupt(&self, ids: &[TestRunId]) -> Result<u64, StorageError> {
        let mut interrupted = 0;
        for &id in ids {
            // Nobody knows how far it came, so it is told as a run that did not begin.
            let failure = Failure { stage: Stage::Policy, cause: Cause::Interrupted };
            let advice = self.settings_of(id).await?.map(|settings| advise(&settings, &failure));
            let report = TestReport::stopped(failure.stage, failure.cause);
            interrupted += u64::from(self.finish(id, &report, advice.as_ref()).await?);
        }
        Ok(interrupted)
    }

    /// The settings of the version that a run tried; those of its sender's newest version for a
    /// run of settings that were never saved.
    async fn settings_of(
        &self,
        id: TestRunId,
    ) -> Result<Option<letterhead_domain::smtp_settings::SmtpSettings>, StorageError> {
        let (tenant, run) = (self.tx.tenant.get(), id.get());
        let query = raw_sql!(
            Postgres,
            r#"SELECT v.* FROM test_runs r
               JOIN sender_versions v ON v.tenant_id = r.tenant_id AND v.sender_id = r.sender_id
               WHERE r.tenant_id = {tenant} AND r.id = {run}
                   AND v.number = coalesce(r.version, v.number)
               ORDER BY v.number DESC LIMIT 1"#
        );
        let found = one_row::<VersionRow>(&self.tx.tx, query, "read a run's settings").await?;
        found.map(|row| row.settings()).transpose()
    }

    /// Loads a run of `sender`.
    ///
    /// # Errors
    ///
    /// [`StorageError::NotFound`].
    pub async fn load(
        &self,
        sender: SenderId,
        id: TestRunId,
    ) -> Result<TestRunRecord, StorageError> {
        let (tenant, sender, id) = (self.tx.tenant.get(), sender.get(), id.get());
        let too_old = self.tx.now - VALID_FOR;
        let query = raw_sql!(
            Postgres,
            r#"SELECT id, sender_id, version, mode, status, requested_by, started_at, took_ms,
                      stages, tls, advice, dns_check, fix, transcript IS NOT NULL AS has_transcript,
                      arrival_code IS NOT NULL AND started_at > {too_old} AS code_is_valid,
                      wrong_codes, arrived_at
               FROM test_runs
               WHERE tenant_id = {tenant} AND sender_id = {sender} AND id = {id}"#
        );
        let found = one_row::<TestRunRow>(&self.tx.tx, query, "load a test run").await?;
        found.ok_or(NO_RUN)?.try_into()
    }

    /// Lists the runs of `sender`, newest first.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unavailable`].
    pub async fn list(
        &self,
        sender: SenderId,
        page: PageRequest,
    ) -> Result<Page<TestRunRecord>, StorageError> {
        let (tenant, sender) = (self.tx.tenant.get(), sender.get());
        let (after, limit) = (page.after_id(), page.rows());
        let too_old = self.tx.now - VALID_FOR;
        let query = raw_sql!(
            Postgres,
            r#"SELECT id, sender_id, version, mode, status, requested_by, started_at, took_ms,
                      stages, tls, advice, dns_check, fix, transcript IS NOT NULL AS has_transcript,
                      arrival_code IS NOT NULL AND started_at > {too_old} AS code_is_valid,
                      wrong_codes, arrived_at
               FROM test_runs
               WHERE tenant_id = {tenant} AND sender_id = {sender}
                   AND ({after}::uuid IS NULL OR id < {after})
               ORDER BY id DESC LIMIT {limit}"#
        );
        let found = rows::<TestRunRow>(&self.tx.tx, query, "list test runs").await?;
        Page::cut(found, page, |row| row.id).try_map(TryInto::try_into)
    }

    /// The redacted conversation of a run of `sender`, if there was one. It is strangers' text.
    ///
    /// # Errors
    ///
    /// [`StorageError::NotFound`] if there is no such run.
    pub async fn transcript(
        &self,
        sender: SenderId,
        id: TestRunId,
    ) -> Result<Option<String>, StorageError> {
        #[derive(FromQueryResult)]
        struct Transcript {
            transcript: Option<String>,
        }

        let (tenant, sender, id): (_, _, Uuid) = (self.tx.tenant.get(), sender.get(), id.get());
        let query = raw_sql!(
            Postgres,
            r#"SELECT transcript FROM test_runs
               WHERE tenant_id = {tenant} AND sender_id = {sender} AND id = {id}"#
        );
        let found = one_row::<Transcript>(&self.tx.tx, query, "read a transcript").await?;
        Ok(found.ok_or(NO_RUN)?.transcript)
    }
}
