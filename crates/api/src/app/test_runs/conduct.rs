//! A run's own task: it speaks to the mail server and then records what came of it.

use std::time::Duration;

use letterhead_domain::{
    access::Principal,
    advice::{self, Advice},
    domain_check::DomainCheck,
    email::EmailAddress,
    event::{AuditAction, OperatorEventKind},
    smtp_settings::SmtpSettings,
    test_run::{Cause, Stage, TestMode, TestReport, TestStatus},
};
use letterhead_mailer::test_run::TestPlan;
use letterhead_storage::repo::test_run::NewTestRun;

use super::{
    mail::test_mail,
    progress::{self, Telling},
    subject::{SecretUnreadable, Subject},
};
use crate::{
    app::{App, AppError, access::Caller, dns_checks::Beside},
    random,
};

/// Runs the test and records it; the record is tried again while the database is away.
pub(super) async fn conduct(
    app: App,
    caller: Caller,
    run: NewTestRun,
    subject: Subject,
    telling: Telling,
) -> Result<(), AppError> {
    let Subject { settings, password } = subject;
    app.tasks.spawn(progress::write_down(app.clone(), caller.tenant, run.id, telling.watch()));
    let domain = Beside::start(&app.mailer, &settings);
    let report = match password {
        Ok(password) => {
            let recipient = recipient(&caller, &settings, run.mode);
            let plan = TestPlan {
                mail: match run.mode {
                    TestMode::Connection => None,
                    TestMode::Message => Some(test_mail(&settings, &recipient, app.now().await?)?),
                },
                recipient,
                settings: settings.clone(),
                password,
                mode: run.mode,
            };
            app.mailer.test(plan, |stage| telling.ended(stage)).await
        }
        Err(SecretUnreadable) => TestReport::stopped(Stage::Auth, Cause::SecretUnreadable),
    };
    let advice = report.failure.as_ref().map(|failure| advice::advise(&settings, failure));
    app.metrics.test_run(report.status());
    let dns_check = domain.found().await;

    let mut wait = Duration::from_millis(250);
    loop {
        match record(&app, &caller, &run, &report, (advice.as_ref(), dns_check.as_ref())).await {
            Err(AppError::Unavailable(_)) if wait < Duration::from_secs(60) => {
                tokio::time::sleep(wait).await;
                wait *= 2;
            }
            recorded => return recorded,
        }
    }
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
    report: &TestReport,
    (advice, dns_check): (Option<&Advice>, Option<&DomainCheck>),
) -> Result<(), AppError> {
    let tx = app.store.tenant(caller.tenant).await?;
    if let Some(check) = dns_check {
        tx.test_runs().keep_dns_check(run.id, check).await?;
    }
    tx.test_runs().finish(run.id, report, advice).await?;
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
