//! Test runs as they are stored.

use std::time::Duration;

use chrono::{DateTime, Utc};
use letterhead_domain::{
    advice::{Advice, Side},
    arrival::Arrival,
    domain_check::DomainCheck,
    fix::Fix,
    id::{SenderId, TestRunId},
    sender::VersionNumber,
    test_run::{Stage, StageReport, TestMode, TestStatus, TlsFacts},
};

/// One staged try of a version, or of typed settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestRunRecord {
    /// Its id.
    pub id: TestRunId,
    /// The sender.
    pub sender: SenderId,
    /// The version that was tried; none if the settings were never saved.
    pub version: Option<VersionNumber>,
    /// How far it was to go.
    pub mode: TestMode,
    /// Where it stands.
    pub status: TestStatus,
    /// Who asked for it, as the audit names them.
    pub requested_by: String,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// How long it took, once it has ended.
    pub took: Option<Duration>,
    /// All nine stages, once it has ended; until then those that have, in the order of the wire.
    pub stages: Vec<StageReport>,
    /// What TLS showed, if the handshake ended well.
    pub tls: Option<TlsFacts>,
    /// What to do about its failure.
    pub advice: Option<StoredAdvice>,
    /// What was found about the sender's domain, if it was known in time.
    pub dns_check: Option<DomainCheck>,
    /// What was found after its failure, if anything was looked for.
    pub fix: Option<Fix>,
    /// Whether there is a transcript of the conversation.
    pub has_transcript: bool,
    /// What is known of the arrival of its mail.
    pub arrival: Arrival,
}

/// An advice as it was given at the time: the words may have changed since.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredAdvice {
    /// A stable word for programs.
    pub code: String,
    /// Who can mend it.
    pub side: Side,
    /// What happened.
    pub title: String,
    /// What to do, in order.
    pub steps: Vec<String>,
    /// The guide that leads through it, if there is one.
    pub guide: Option<String>,
}

impl From<&Advice> for StoredAdvice {
    fn from(advice: &Advice) -> Self {
        Self {
            code: advice.code.to_owned(),
            side: advice.side,
            title: advice.title.to_owned(),
            steps: advice.steps.iter().map(|&step| step.to_owned()).collect(),
            guide: advice.guide.map(str::to_owned),
        }
    }
}

/// A test run in one line, as its sender shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestRunSummary {
    /// Its id.
    pub id: TestRunId,
    /// The version that was tried; none if the settings were never saved.
    pub version: Option<VersionNumber>,
    /// Where it stands.
    pub status: TestStatus,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// The code of its advice, if it failed.
    pub advice_code: Option<String>,
    /// The stage that failed, if one did.
    pub failed_stage: Option<Stage>,
}

/// How many test runs a tenant may begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunLimits {
    /// In any minute.
    pub per_minute: u32,
    /// In any hour.
    pub per_hour: u32,
}
