//! A test of settings that belong to nobody: no tenant, no database, nothing recorded.
//!
//! It takes the same way as every other test run, with the same guard before it.

use chrono::{DateTime, Utc};
use letterhead_domain::{
    advice::{self, Advice},
    arrival::ArrivalCode,
    domain_check::DomainCheck,
    email::EmailAddress,
    field_errors::FieldErrors,
    fix::{
        Fix,
        account::{Account, PastSignIn, SignIn, may_sign_in},
    },
    password::PasswordChange,
    smtp_settings::{SettingsDraft, SettingsInput},
    test_run::{StageReport, TestMode, TestReport},
};
use letterhead_mailer::{fix::FixPlan, mailer::Mailer, test_run::TestPlan};

use super::mail::test_mail;
use crate::{
    app::{dns_checks::Beside, senders::TypedSettings},
    random,
};

/// What to try.
pub struct UnsavedTest {
    /// The settings, with their password if they sign in.
    pub settings: TypedSettings,
    /// How far to go.
    pub mode: TestMode,
    /// Whom to name as the recipient; left out, the sender's own address.
    pub recipient: Option<EmailAddress>,
    /// Whether to look for settings that work if these do not.
    pub fix: bool,
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
    /// The code in the mail that the server accepted.
    pub code: Option<ArrivalCode>,
    /// What was found after its failure, if anything was looked for.
    pub fix: Option<Fix>,
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
    let UnsavedTest { settings, mode, recipient, fix, now } = test;
    let SettingsDraft { settings, password } = settings.draft;
    let password = match password {
        PasswordChange::Set(password) => Some(password),
        PasswordChange::Keep | PasswordChange::Remove => None,
    };
    let recipient = recipient.unwrap_or_else(|| settings.sender_email.clone());
    let (mail, code) = match mode {
        TestMode::Connection => (None, None),
        TestMode::Message => {
            let code = random::arrival_code();
            (Some(test_mail(&settings, &recipient, &code, now)?), Some(code))
        }
    };
    let plan = TestPlan { settings, password, mode, recipient, mail };
    let domain = Beside::start(mailer, &plan.settings);
    let report = mailer.test(&plan, on_stage).await;
    let failure = report.failure.as_ref();
    let advice = failure.map(|failure| advice::advise(&plan.settings, failure));
    let own = SignIn::of(&plan.settings, None, failure);
    let search =
        failure.filter(|_| fix).and_then(|failure| FixPlan::of(plan, failure, report.took, true));
    let fix = match search {
        Some(search) => mailer.find_fix(search, async |account| is_permitted(own, &account)).await,
        None => None,
    };
    let dns_check = domain.found().await;
    let code = code.filter(|_| report.passed());
    Ok(UnsavedRun { mode, started_at: now, report, advice, code, fix, dns_check })
}

/// Whether there may be one more sign-in to `account` after the run's own, all that is known here.
fn is_permitted(own: Option<SignIn>, account: &Account) -> bool {
    let past: Vec<_> = own
        .into_iter()
        .filter(|own| own.account == *account)
        .map(|SignIn { account: _, secret, accepted }| PastSignIn { secret, accepted })
        .collect();
    may_sign_in(&past, 0, None)
}
