//! What the checks found, and how it is shown.

use std::process::ExitCode;

use serde_json::json;

use crate::cli::say;

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Verdict {
    /// It could not be made, or was not asked for.
    NotChecked,
    /// It is as it should be.
    Ok,
    /// It works, but not as well or as safely as it should.
    Warning,
    /// It has to be mended.
    Failed,
}

impl Verdict {
    const fn as_str(self) -> &'static str {
        match self {
            Self::NotChecked => "not_checked",
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Failed => "failed",
        }
    }
}

/// What one check found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) check: &'static str,
    pub(super) verdict: Verdict,
    /// One sentence.
    pub(super) message: String,
    /// What to do about it.
    pub(super) remedy: Option<String>,
}

impl Finding {
    /// Something is as it should be.
    pub(super) fn ok(check: &'static str, message: impl Into<String>) -> Self {
        Self { check, verdict: Verdict::Ok, message: message.into(), remedy: None }
    }

    /// Something else, with what to do about it.
    pub(super) fn new(
        check: &'static str,
        verdict: Verdict,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self { check, verdict, message: message.into(), remedy: Some(remedy.into()) }
    }
}

/// The findings so far. People see each one as it is found, since checks may take seconds; programs
/// get them all at the end.
pub(super) struct Report {
    is_json: bool,
    findings: Vec<Finding>,
}

impl Report {
    pub(super) fn new(is_json: bool) -> Self {
        Self { is_json, findings: Vec::new() }
    }

    pub(super) fn add(&mut self, finding: Finding) {
        if !self.is_json {
            let Finding { check, verdict, message, remedy } = &finding;
            say(&format!("{:<12} {check:<14} {message}", verdict.as_str()));
            if let Some(remedy) = remedy {
                say(&format!("{:<27} → {remedy}", ""));
            }
        }
        self.findings.push(finding);
    }

    /// Whether nothing was found so far about `check` but that it is well.
    pub(super) fn is_clean(&self, check: &str) -> bool {
        self.findings.iter().all(|found| found.check != check || found.verdict <= Verdict::Ok)
    }

    /// Prints what is left to print. The status says whether anything has to be mended.
    pub(super) fn finish(self) -> ExitCode {
        let worst = self.findings.iter().map(|finding| finding.verdict).max();
        let worst = worst.unwrap_or(Verdict::NotChecked);
        if self.is_json {
            let checks = self.findings.iter().map(|finding| {
                let Finding { check, verdict, message, remedy } = finding;
                let verdict = verdict.as_str();
                json!({"check": check, "status": verdict, "message": message, "remedy": remedy})
            });
            let checks: Vec<_> = checks.collect();
            say(&format!("{:#}", json!({"status": worst.as_str(), "checks": checks})));
        } else {
            say(match worst {
                Verdict::NotChecked | Verdict::Ok => "\nEverything that was checked is well.",
                Verdict::Warning => "\nIt works. The warnings are worth a look.",
                Verdict::Failed => "\nWhat failed has to be mended.",
            });
        }
        if worst == Verdict::Failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
    }
}
