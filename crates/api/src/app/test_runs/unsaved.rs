//! A test of settings that belong to nobody: no tenant, no database, nothing recorded.
//!
//! It takes the same way as every other test run, with the same guard before it.

use chrono::{DateTime, Utc};
use letterhead_domain::{
    advice::{self, Advice},
    domain_check::DomainCheck,
    email::EmailAddress,
    field_errors::FieldErrors,
    password::PasswordChange,
    smtp_settings::{SettingsDraft, SettingsInput},
    test_run::{StageReport, TestMode, TestReport},
};
use letterhead_mailer::{mailer::Mailer, test_run::TestPlan};

use super::mail::test_mail;
use crate::app::{dns_checks::Beside, senders::TypedSettings};

/// What to try.
pub struct UnsavedTest {
    /// The settings, with their password if they sign in.
    pub settings: TypedSettings,
    /// How far to go.
    pub mode: TestMode,
    /// Whom to name as the recipient; left out, the sender's own address.
    pub recipient: Option<EmailAddress>,
    /// The time on this machine.
    pub now: DateTime<Utc>,
}

/// What came of it.
pub struct UnsavedRun {
    /// How far it was to go.
    pub mode: TestMode,
    /// When it began, by this machine's clock.
    pub started_at: DateTime<Utc>,
    /// The run itself.
    pub report: TestReport,
    /// What to do about its failure.
    pub advice: Option<Advice>,
    /// What was found about the domain of the From address, if it was known in time.
    pub dns_check: Option<DomainCheck>,
}

/// Judges settings that are to be tried.
///
/// # Errors
///
/// Every refused field: malformed ones, a destination that the operator does not allow, and no
/// password where the settings sign in.
pub fn judge(mailer: &Mailer, input: SettingsInput) -> Result<TypedSettings, FieldErrors> {
    TypedSettings::judge(input, None, mailer.guard())
}

/// Runs the test; `on_stage` is told of each stage as it ends.
///
/// # Errors
///
/// All refused fields: a destination that the operator does not allow, or no password where the
/// settings sign in.
pub async fn try_unsaved(
    mailer: &Mailer,
    test: UnsavedTest,
    on_stage: impl FnMut(&StageReport) + Send,
) -> Result<UnsavedRun, FieldErrors> {
    let UnsavedTest { settings, mode, recipient, now } = test;
    let SettingsDraft { settings, password } = settings.draft;
    let password = match password {
        PasswordChange::Set(password) => Some(password),
        PasswordChange::Keep | PasswordChange::Remove => None,
    };
    let recipient = recipient.unwrap_or_else(|| settings.sender_email.clone());
    let mail = match mode {
        TestMode::Connection => None,
        TestMode::Message => Some(test_mail(&settings, &recipient, now)?),
    };
    let plan = TestPlan { settings: settings.clone(), password, mode, recipient, mail };
    let domain = Beside::start(mailer, &settings);
    let report = mailer.test(plan, on_stage).await;
    let advice = report.failure.as_ref().map(|failure| advice::advise(&settings, failure));
    let dns_check = domain.found().await;
    Ok(UnsavedRun { mode, started_at: now, report, advice, dns_check })
}
