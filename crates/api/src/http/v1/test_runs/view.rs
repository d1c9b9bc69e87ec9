//! What answers about test runs look like.

use std::time::Duration;

use chrono::{DateTime, Utc};
use letterhead_domain::{
    advice::Side,
    arrival::{Arrival, ArrivalCode},
    test_run::{Stage, StageReport, StageStatus, TestMode, TestStatus, TlsFacts},
};
use letterhead_storage::record::{StoredAdvice, TestRunRecord};
use poem_openapi::Object;

use self::fix::FixView;
use super::super::dns_checks::DnsCheckView;
use crate::{app::test_runs::unsaved::UnsavedRun, http::text::Word};

mod fix;

/// One staged try of a sender's settings.
#[derive(Object)]
#[oai(rename = "TestRun")]
pub(in crate::http) struct TestRunView {
    /// Its id
    id: String,
    /// How far it was to go
    mode: Word<TestMode>,
    /// The version that was tried; `null` if the settings were never saved
    #[oai(nullable)]
    version: Option<u32>,
    /// Where it stands
    status: Word<TestStatus>,
    /// Who asked for it, as the audit names them
    requested_by: String,
    /// When it began
    started_at: DateTime<Utc>,
    /// How long it took, in milliseconds; `null` while it is running
    #[oai(nullable)]
    took_ms: Option<u64>,
    /// Its stages, in order; empty while it is running
    stages: Vec<StageView>,
    /// What TLS showed; `null` if the handshake did not end well
    #[oai(nullable)]
    tls: Option<TlsView>,
    /// What to do about a failure
    #[oai(nullable)]
    advice: Option<AdviceView>,
    /// What DNS said about the domain of the From address: a hint, whatever came of the run. `null`
    /// while it is running, and if it was not known in time
    #[oai(nullable)]
    dns_check: Option<DnsCheckView>,
    /// Settings that may work instead; `null` if nothing was looked for
    #[oai(nullable)]
    fix: Option<FixView>,
    /// Whether there is a transcript to read
    has_transcript: bool,
    /// When somebody confirmed that the mail of this run arrived; `null` until then
    #[oai(nullable)]
    arrived_at: Option<DateTime<Utc>>,
}

impl From<TestRunRecord> for TestRunView {
    fn from(run: TestRunRecord) -> Self {
        Self {
            id: run.id.to_string(),
            mode: run.mode.into(),
            version: run.version.map(|version| version.0),
            status: run.status.into(),
            requested_by: run.requested_by,
            started_at: run.started_at,
            took_ms: run.took.map(milliseconds),
            stages: run.stages.into_iter().map(Into::into).collect(),
            tls: run.tls.map(Into::into),
            advice: run.advice.map(Into::into),
            dns_check: run.dns_check.as_ref().map(Into::into),
            fix: run.fix.map(Into::into),
            has_transcript: run.has_transcript,
            arrived_at: match run.arrival {
                Arrival::Confirmed(at) => Some(at),
                Arrival::Awaited { .. } | Arrival::Unknown(_) => None,
            },
        }
    }
}

/// A test of settings that belong to nobody: a [`TestRunView`] without what only a stored run has.
#[derive(Object)]
pub(in crate::http) struct UnsavedRunView {
    /// How far it was to go
    mode: Word<TestMode>,
    /// How it ended
    status: Word<TestStatus>,
    /// When it began
    started_at: DateTime<Utc>,
    /// How long it took, in milliseconds
    took_ms: u64,
    /// Its stages, in order
    stages: Vec<StageView>,
    /// What TLS showed; `null` if the handshake did not end well
    #[oai(nullable)]
    tls: Option<TlsView>,
    /// What to do about a failure
    #[oai(nullable)]
    advice: Option<AdviceView>,
    /// What DNS said about the domain of the From address: a hint, whatever came of the run. `null`
    /// if it was not known in time
    #[oai(nullable)]
    dns_check: Option<DnsCheckView>,
    /// Settings that may work instead; `null` if nothing was looked for
    #[oai(nullable)]
    fix: Option<FixView>,
    /// The redacted conversation, a stranger's text; only if it was asked for
    #[oai(skip_serializing_if_is_none)]
    transcript: Option<String>,
    /// The code in the mail that was accepted: whoever sees it there knows that the mail arrived
    #[oai(skip_serializing_if_is_none)]
    code: Option<String>,
}

impl UnsavedRunView {
    /// The view of `run`, with `transcript` if it is to be shown.
    pub(in crate::http) fn of(run: &UnsavedRun, transcript: Option<&str>) -> Self {
        let UnsavedRun { mode, started_at, report, advice, code, fix, dns_check } = run;
        Self {
            mode: (*mode).into(),
            status: report.status().into(),
            started_at: *started_at,
            took_ms: milliseconds(report.took),
            stages: report.stages.iter().cloned().map(Into::into).collect(),
            tls: report.tls.clone().map(Into::into),
            advice: advice.as_ref().map(|advice| StoredAdvice::from(advice).into()),
            dns_check: dns_check.as_ref().map(Into::into),
            fix: fix.clone().map(Into::into),
            transcript: transcript.map(str::to_owned),
            code: code.as_ref().map(|code| ArrivalCode::as_str(code).to_owned()),
        }
    }
}

/// How one stage of a test run went.
#[derive(Object)]
#[oai(rename = "Stage")]
struct StageView {
    /// The stage
    stage: Word<Stage>,
    /// How it ended
    status: Word<StageStatus>,
    /// How long it took, in milliseconds; only if it was tried
    #[oai(skip_serializing_if_is_none)]
    took_ms: Option<u64>,
    /// The mail server's last reply in it: a stranger's text
    #[oai(skip_serializing_if_is_none)]
    reply: Option<String>,
}

impl From<StageReport> for StageView {
    fn from(report: StageReport) -> Self {
        let took_ms = match report.status {
            StageStatus::Passed | StageStatus::Failed => Some(milliseconds(report.took)),
            StageStatus::Skipped | StageStatus::NotReached => None,
        };
        Self {
            stage: report.stage.into(),
            status: report.status.into(),
            took_ms,
            reply: report.reply.map(|reply| reply.to_string()),
        }
    }
}

/// What the TLS handshake showed.
#[derive(Object)]
#[oai(rename = "Tls")]
struct TlsView {
    /// Such as `TLSv1.3`
    version: String,
    /// The subject of the server's certificate
    certificate_subject: String,
    /// When the certificate ends
    certificate_expires_at: DateTime<Utc>,
}

impl From<TlsFacts> for TlsView {
    fn from(facts: TlsFacts) -> Self {
        Self {
            version: facts.version,
            certificate_subject: facts.certificate_subject,
            certificate_expires_at: facts.certificate_expires_at,
        }
    }
}

/// What a person should do about a failure.
#[derive(Object)]
#[oai(rename = "Advice")]
struct AdviceView {
    /// A stable word for programs
    code: String,
    /// Who can mend it: you, the mail server's people, or the company that runs Letterhead
    side: Word<Side>,
    /// What happened, in one sentence
    title: String,
    /// What to do, in order
    steps: Vec<String>,
    /// The guide that leads through it, if there is one
    #[oai(nullable)]
    guide: Option<String>,
}

impl From<StoredAdvice> for AdviceView {
    fn from(advice: StoredAdvice) -> Self {
        let StoredAdvice { code, side, title, steps, guide } = advice;
        Self { code, side: side.into(), title, steps, guide }
    }
}

fn milliseconds(took: Duration) -> u64 {
    u64::try_from(took.as_millis()).unwrap_or(u64::MAX)
}
