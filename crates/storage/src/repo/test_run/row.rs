//! Test runs as rows: stages, TLS facts and advice are JSON documents of their own.

use std::time::Duration;

use chrono::{DateTime, Utc};
use letterhead_domain::{
    advice::Advice,
    arrival::{Arrival, ArrivalFacts},
    reply::Reply,
    sender::VersionNumber,
    test_run::{StageReport, TestMode, TestStatus, TlsFacts},
};
use sea_orm::FromQueryResult;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;
use uuid::Uuid;

use super::dns_check::dns_check_from_json;
use super::fix::fix_from_json;
use crate::{
    error::StorageError,
    record::{StoredAdvice, TestRunRecord},
    repo::{number, parse},
};

pub(super) const TABLE: &str = "test_runs";
pub(super) const CORRUPT: StorageError = StorageError::Corrupt { table: TABLE };

#[derive(FromQueryResult)]
pub(super) struct TestRunRow {
    pub(super) id: Uuid,
    sender_id: Uuid,
    version: Option<i32>,
    mode: String,
    status: String,
    requested_by: String,
    started_at: DateTime<Utc>,
    took_ms: Option<i64>,
    stages: Option<Value>,
    tls: Option<Value>,
    advice: Option<Value>,
    dns_check: Option<Value>,
    fix: Option<Value>,
    has_transcript: bool,
    code_is_valid: bool,
    wrong_codes: i16,
    arrived_at: Option<DateTime<Utc>>,
}

#[derive(Serialize, Deserialize)]
struct StageJson {
    stage: String,
    status: String,
    took_ms: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reply: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct TlsJson {
    version: String,
    certificate_subject: String,
    certificate_expires_at: DateTime<Utc>,
}

#[derive(Serialize, Deserialize)]
struct AdviceJson {
    code: String,
    side: String,
    title: String,
    steps: Vec<String>,
    guide: Option<String>,
}

pub(super) fn to_json(document: impl Serialize) -> Result<Value, StorageError> {
    serde_json::to_value(document).map_err(|_| CORRUPT)
}

pub(super) fn from_json<T: DeserializeOwned>(document: Value) -> Result<T, StorageError> {
    serde_json::from_value(document).map_err(|_| CORRUPT)
}

pub(super) fn stages_to_json(stages: &[StageReport]) -> Result<Value, StorageError> {
    let documents = stages.iter().map(|report| StageJson {
        stage: report.stage.as_str().to_owned(),
        status: report.status.as_str().to_owned(),
        took_ms: u64::try_from(report.took.as_millis()).unwrap_or(u64::MAX),
        reply: report.reply.as_ref().map(ToString::to_string),
    });
    to_json(documents.collect::<Vec<_>>())
}

fn stages_from_json(stages: Value) -> Result<Vec<StageReport>, StorageError> {
    from_json::<Vec<StageJson>>(stages)?
        .into_iter()
        .map(|document| {
            Ok(StageReport {
                stage: parse(&document.stage, TABLE)?,
                status: parse(&document.status, TABLE)?,
                took: Duration::from_millis(document.took_ms),
                reply: document.reply.as_deref().and_then(Reply::parse),
            })
        })
        .collect()
}

pub(super) fn tls_to_json(tls: &TlsFacts) -> Result<Value, StorageError> {
    to_json(TlsJson {
        version: tls.version.clone(),
        certificate_subject: tls.certificate_subject.clone(),
        certificate_expires_at: tls.certificate_expires_at,
    })
}

fn tls_from_json(tls: Value) -> Result<TlsFacts, StorageError> {
    let TlsJson { version, certificate_subject, certificate_expires_at } = from_json(tls)?;
    Ok(TlsFacts { version, certificate_subject, certificate_expires_at })
}

pub(super) fn advice_to_json(advice: &Advice) -> Result<Value, StorageError> {
    let StoredAdvice { code, side, title, steps, guide } = StoredAdvice::from(advice);
    to_json(AdviceJson { code, side: side.as_str().to_owned(), title, steps, guide })
}

fn advice_from_json(advice: Value) -> Result<StoredAdvice, StorageError> {
    let AdviceJson { code, side, title, steps, guide } = from_json(advice)?;
    Ok(StoredAdvice { code, side: parse(&side, TABLE)?, title, steps, guide })
}

impl TryFrom<TestRunRow> for TestRunRecord {
    type Error = StorageError;

    fn try_from(row: TestRunRow) -> Result<Self, StorageError> {
        let version = row.version.map(|version| number(version, TABLE).map(VersionNumber));
        let took = row.took_ms.map(|took| number(took, TABLE).map(Duration::from_millis));
        let stages = row.stages.map(stages_from_json).transpose()?;
        let (mode, status): (TestMode, TestStatus) =
            (parse(&row.mode, TABLE)?, parse(&row.status, TABLE)?);
        let arrival = Arrival::from(ArrivalFacts {
            mode,
            status,
            code_is_valid: row.code_is_valid,
            wrong_tries: number(row.wrong_codes, TABLE)?,
            arrived_at: row.arrived_at,
        });
        Ok(Self {
            id: row.id.into(),
            sender: row.sender_id.into(),
            version: version.transpose()?,
            mode,
            status,
            requested_by: row.requested_by,
            started_at: row.started_at,
            took: took.transpose()?,
            stages: stages.unwrap_or_default(),
            tls: row.tls.map(tls_from_json).transpose()?,
            advice: row.advice.map(advice_from_json).transpose()?,
            dns_check: row.dns_check.map(dns_check_from_json).transpose()?,
            fix: row.fix.map(fix_from_json).transpose()?,
            has_transcript: row.has_transcript,
            arrival,
        })
    }
}
