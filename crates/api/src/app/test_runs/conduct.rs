//! A run's own task: it speaks to the mail server and then records what came of it.

use std::time::Duration;

use letterhead_domain::{
    access::Principal,
    advice::{self, Advice},
    domain_check::DomainCheck,
    email::EmailAddress,
    event::{AuditAction, OperatorEventKind},
    fix::{Fix, account::SignIn},
    smtp_settings::SmtpSettings,
    test_run::{Cause, Stage, TestMode, TestReport, TestStatus},
};
use letterhead_mailer::{fix::FixPlan, test_run::TestPlan};
use letterhead_storage::repo::test_run::NewTestRun;

use super::{
    fix,
    mail::test_mail,
    progress::{self, Telling},
    subject::Subject,
};
use crate::{
    app::{App, AppError, access::Caller, dns_checks::Beside},
    random,
};

/// A run under way.
pub(super) struct Conducted {
    pub(super) app: App,
    pub(super) caller: Caller,
    pub(super) run: NewTestRun,
    /// Whether to look for settings that work if these do not.
    pub(super) wants_fix: bool,
}

/// What is recorded of a run.
struct Outcome {
    report: TestReport,
    advice: Option<Advice>,
    fix: Option<Fix>,
    /// In the order in which they were tried.
    sign_ins: Vec<SignIn>,
}

/// Runs the test and records it; the record is tried again while the database is away.
pub(super) async fn conduct(
    conducted: Conducted,
    subject: Subject,
    telling: Telling,
) -> Result<(), AppError> {
    let Conducted { app, caller, run, .. } = &conducted;
    app.tasks.spawn(progress::write_down(app.clone(), caller.tenant, run.id, telling.watch()));
    let domain = Beside::start(&app.mailer, &subject.settings);
    let outcome = try_out(&conducted, subject, &telling).await?;
    app.metrics.test_run(outcome.report.status());
    let dns_check = domain.found().await;

    let mut wait = Duration::from_millis(250);
    loop {
        match record(app, caller, run, &outcome, dns_check.as_ref()).await {
            Err(AppError::Unavailable(_)) if wait < Duration::from_secs(60) => {
                tokio::time::sleep(wait).await;
                wait *= 2;
            }
            recorded => return recorded,
        }
    }
}

/// Speaks to the mail server, and looks for other settings if these fail.
async fn try_out(
    conducted: &Conducted,
    subject: Subject,
    telling: &Telling,
) -> Result<Outcome, AppError> {
    let Conducted { app, caller, run, wants_fix } = conducted;
    let Subject { settings, password, secret, password_is_typed } = subject;
    let Ok(password) = password else {
        let report = TestReport::stopped(Stage::Auth, Cause::SecretUnreadable);
        let advice = report.failure.as_ref().map(|failure| advice::advise(&settings, failure));
        return Ok(Outcome { report, advice, fix: None, sign_ins: Vec::new() });
    };
    let recipient = recipient(caller, &settings, run.mode);
    let plan = TestPlan {
        mail: match &run.code {
            None => None,
            Some(code) => Some(test_mail(&settings, &recipient, code, app.now().await?)?),
        },
        recipient,
        settings,
        password,
        mode: run.mode,
    };
    let report = app.mailer.test(&plan, |stage| telling.ended(stage)).await;
    let failure = report.failure.as_ref();
    let advice = failure.map(|failure| advice::advise(&plan.settings, failure));
    let own = SignIn::of(&plan.settings, secret, failure);
    let search = failure
        .filter(|_| *wants_fix)
        .and_then(|failure| FixPlan::of(plan, failure, report.took, password_is_typed));
    let (fix, further) = match search {
        Some(search) => fix::look(conducted, search, own.as_ref(), secret).await,
        None => (None, None),
    };
    let sign_ins = own.into_iter().chain(further).collect();
    Ok(Outcome { report, advice, fix, sign_ins })
}

/// Whom the run names at `RCPT`: somebody signed in gets their test mail themselves. Everybody else
/// writes to the sender's own address, so that a test run is no way to write to strangers.
fn recipient(caller: &Caller, settings: &SmtpSettings, mode: TestMode) -> EmailAddress {
    match (&caller.principal, mode) {
        (Principal::Person(person), TestMode::Message) => person.email.clone(),
        (Principal::Person(_), TestMode::Connection)
        | (Principal::Operator { .. } | Principal::Console | Principal::Tenant { .. }, _) => {
            settings.sender_email.clone()
        }
    }
}

async fn record(
    app: &App,
    caller: &Caller,
    run: &NewTestRun,
    outcome: &Outcome,
    dns_check: Option<&DomainCheck>,
) -> Result<(), AppError> {
    let Outcome { report, advice, fix, sign_ins } = outcome;
    let tx = app.store.tenant(caller.tenant).await?;
    if let Some(check) = dns_check {
        tx.test_runs().keep_dns_check(run.id, check).await?;
    }
    tx.test_runs().finish(run.id, report, advice.as_ref()).await?;
    tx.test_runs().keep_sign_ins(run.id, sign_ins).await?;
    if let Some(fix) = fix {
        tx.test_runs().keep_fix(run.id, fix).await?;
    }
    let mut detail = vec![("status", report.status().as_str().to_owned())];
    detail.extend(run.version.map(|version| ("version", version.to_string())));
    detail.extend(advice.map(|advice| ("advice", advice.code.to_owned())));
    let (actor, target) = (caller.actor(), run.sender.to_string());
    let (id, action) = (random::id(), AuditAction::TestRunFinished);
    tx.audit().record(id, &actor, action, &target, &detail).await?;

    let mut wakes = false;
    if let (Some(version), TestStatus::Passed) = (run.version, report.status()) {
        let effect = tx.senders().after_test(run.sender, version, run.id).await?;
        if effect.promote {
            let detail = [("version", version.to_string())];
            let (id, action) = (random::id(), AuditAction::SenderPromoted);
            tx.audit().record(id, &actor, action, &target, &detail).await?;
        }
        if effect.end_pause {
            let (id, action) = (random::id(), AuditAction::SenderResumed);
            tx.audit().record(id, &actor, action, &target, &[]).await?;
            let kind = OperatorEventKind::SenderRecovered;
            tx.events().record(kind, Some(run.sender), None, &[]).await?;
        }
        wakes = effect.promote || effect.end_pause;
    }
    tx.commit().await?;
    if wakes {
        app.waker.wake();
    }
    Ok(())
}
