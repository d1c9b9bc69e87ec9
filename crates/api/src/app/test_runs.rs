//! Test runs: one staged try of a sender's settings with the parts that also deliver its mail.
//!
//! A run is stored before it starts and goes on in its own task, so it ends and is recorded even
//! when the caller hangs up. No transaction is open while the mail server is spoken to.

use std::time::Duration;

use letterhead_domain::{
    advice::{self, Advice},
    event::{AuditAction, OperatorEventKind},
    field_errors::{FieldErrors, Invalid},
    id::{MessageId, SenderId, TestRunId},
    message::{Mailbox, MessageContent, OutgoingMail, message_id_header},
    password::{PasswordChange, SmtpPassword},
    sender::{PromotePolicy, SavePlan, SecretPlan, SettingsVersion, plan_save},
    smtp_settings::{SettingsDraft, SmtpSettings},
    test_run::{Cause, Stage, TestMode, TestReport, TestStatus, TestTarget},
};
use letterhead_mailer::test_run::TestPlan;
use letterhead_storage::{
    error::StorageError,
    record::{Page, PageRequest, SenderRecord, TestRunRecord},
    repo::test_run::{Begun, NewTestRun},
    store::TenantTx,
};

use super::{App, AppError, access::Caller};
use crate::random;

/// What to try.
pub struct TestRequest {
    /// How far to go.
    pub mode: TestMode,
    /// Which saved version; left out, the candidate, else the live one.
    pub target: Option<TestTarget>,
    /// Typed settings that were not saved; they prove nothing.
    pub settings: Option<SettingsDraft>,
}

/// What a run tries, decided before it is stored.
struct Subject {
    settings: SmtpSettings,
    /// The password, or that it cannot be opened.
    password: Result<Option<SmtpPassword>, SecretUnreadable>,
}

struct SecretUnreadable;

/// Runs a test and records it. Returns the finished run, also when it failed.
///
/// # Errors
///
/// [`AppError::Invalid`] for typed settings that are refused, [`AppError::Conflict`] if the version
/// asked for does not exist, [`AppError::TooMany`] beyond the tenant's limits.
pub async fn run(
    app: &App,
    caller: &Caller,
    sender: &SenderRecord,
    request: TestRequest,
) -> Result<TestRunRecord, AppError> {
    let mode = request.mode;
    let tx = app.store.tenant(caller.tenant).await?;
    let run = NewTestRun {
        id: random::id(),
        sender: sender.id,
        version: match &request.settings {
            Some(_) => None,
            None => Some(target_version(sender, request.target)?.number),
        },
        mode,
        requested_by: caller.actor(),
    };
    let subject = match request.settings {
        Some(draft) => typed(app, &tx, sender, draft).await?,
        None => saved(&tx, sender, target_version(sender, request.target)?).await?,
    };
    if let Begun::TooMany { retry_after } = tx.test_runs().begin(&run, app.rules.test_runs).await? {
        return Err(AppError::TooMany { retry_after: retry_after.as_secs().max(1) });
    }
    tx.commit().await?;

    // The run's own task: a caller that hangs up drops only the waiting.
    let id = run.id;
    let task = app.tasks.spawn(conduct(app.clone(), caller.clone(), run, subject));
    match task.await {
        Ok(recorded) => recorded?,
        Err(_) => {
            return Err(AppError::Internal(StorageError::Corrupt { table: "(test run task)" }));
        }
    }
    load(app, caller, sender.id, &id.to_string()).await
}

fn target_version(
    sender: &SenderRecord,
    target: Option<TestTarget>,
) -> Result<&SettingsVersion, AppError> {
    let version = match target {
        None => Some(sender.newest()),
        Some(TestTarget::Candidate) => sender.candidate.as_ref(),
        Some(TestTarget::Live) => sender.live.as_ref(),
    };
    version.ok_or_else(|| {
        AppError::Conflict("the sender has no such version; leave version out".to_owned())
    })
}

async fn saved(
    tx: &TenantTx,
    sender: &SenderRecord,
    version: &SettingsVersion,
) -> Result<Subject, AppError> {
    match tx.senders().reveal(sender.id, version.number).await {
        Ok((settings, password)) => Ok(Subject { settings, password: Ok(password) }),
        Err(StorageError::Sealed(_)) => {
            let settings = version.settings.clone();
            Ok(Subject { settings, password: Err(SecretUnreadable) })
        }
        Err(err) => Err(err.into()),
    }
}

/// Typed settings with the password that was typed with them, or with the stored one if a save
/// would have kept it.
async fn typed(
    app: &App,
    tx: &TenantTx,
    sender: &SenderRecord,
    draft: SettingsDraft,
) -> Result<Subject, AppError> {
    app.mailer.guard().check_literal(&draft.settings).map_err(|e| below_settings(&e))?;
    let newest = sender.newest();
    let plan = plan_save(Some(newest), None, &draft, PromotePolicy::AfterTest);
    let secret = match plan.map_err(|errors| below_settings(&errors))? {
        SavePlan::Unchanged => SecretPlan::Carry,
        SavePlan::NewVersion { secret, .. } => secret,
    };
    let password = match (secret, draft.password) {
        (SecretPlan::None, _) => None,
        (SecretPlan::Typed, PasswordChange::Set(password)) => Some(password),
        (SecretPlan::Typed | SecretPlan::Carry, _) => {
            tx.senders().reveal(sender.id, newest.number).await?.1
        }
    };
    Ok(Subject { settings: draft.settings, password: Ok(password) })
}

fn below_settings(errors: &FieldErrors) -> FieldErrors {
    let mut below = FieldErrors::default();
    for error in errors.iter() {
        let invalid = Invalid { code: error.code, message: error.message.clone() };
        below.push(format!("/settings{}", error.pointer), invalid);
    }
    below
}

/// Runs the test and records it; the record is tried again while the database is away.
async fn conduct(
    app: App,
    caller: Caller,
    run: NewTestRun,
    subject: Subject,
) -> Result<(), AppError> {
    let Subject { settings, password } = subject;
    let report = match password {
        Ok(password) => {
            let plan = TestPlan {
                recipient: settings.sender_email.clone(),
                mail: test_mail(&settings, run.mode, &app).await?,
                settings: settings.clone(),
                password,
                mode: run.mode,
            };
            app.mailer.test(plan, |_stage| {}).await
        }
        Err(SecretUnreadable) => TestReport::stopped(Stage::Auth, Cause::SecretUnreadable),
    };
    let advice = report.failure.as_ref().map(|failure| advice::advise(&settings, failure));
    app.metrics.test_run(report.status());

    let mut wait = Duration::from_millis(250);
    loop {
        match record(&app, &caller, &run, &report, advice.as_ref()).await {
            Err(AppError::Unavailable(_)) if wait < Duration::from_secs(60) => {
                tokio::time::sleep(wait).await;
                wait *= 2;
            }
            recorded => return recorded,
        }
    }
}

/// The mail of mode `message`: constant text to the sender's own address, so that a test run is no
/// way to write to strangers.
async fn test_mail(
    settings: &SmtpSettings,
    mode: TestMode,
    app: &App,
) -> Result<Option<OutgoingMail>, AppError> {
    if mode == TestMode::Connection {
        return Ok(None);
    }
    let date = app.store.system().await?.now();
    let text = "This is a test mail.\r\n\r\nIt left through the mail server in your SMTP settings, \
                from the address that your receipts, collections and statements will use. There \
                is nothing to do.\r\n";
    Ok(Some(OutgoingMail {
        from_name: settings.sender_name.clone(),
        from: settings.sender_email.clone(),
        reply_to: settings.reply_to.clone(),
        to: vec![Mailbox { email: settings.sender_email.clone(), name: None }],
        cc: Vec::new(),
        subject: "Test of your SMTP settings"
            .parse()
            .map_err(|invalid| AppError::Invalid(FieldErrors::one("/subject", invalid)))?,
        content: MessageContent {
            text: Some(text.to_owned()),
            html: None,
            attachments: Vec::new(),
        },
        message_id: message_id_header(random::id::<MessageId>(), &settings.sender_email),
        date,
    }))
}

async fn record(
    app: &App,
    caller: &Caller,
    run: &NewTestRun,
    report: &TestReport,
    advice: Option<&Advice>,
) -> Result<(), AppError> {
    let tx = app.store.tenant(caller.tenant).await?;
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

/// Lists a sender's test runs, newest first.
///
/// # Errors
///
/// [`AppError::Unavailable`].
pub async fn list(
    app: &App,
    caller: &Caller,
    sender: SenderId,
    page: PageRequest,
) -> Result<Page<TestRunRecord>, AppError> {
    Ok(app.store.tenant(caller.tenant).await?.test_runs().list(sender, page).await?)
}

/// Loads one test run of a sender.
///
/// # Errors
///
/// [`AppError::NotFound`].
pub async fn load(
    app: &App,
    caller: &Caller,
    sender: SenderId,
    id: &str,
) -> Result<TestRunRecord, AppError> {
    let id: TestRunId = id.parse().map_err(|_| AppError::NotFound("test run"))?;
    Ok(app.store.tenant(caller.tenant).await?.test_runs().load(sender, id).await?)
}

/// The redacted conversation of a finished run, strangers' text.
///
/// # Errors
///
/// [`AppError::NotFound`] if there is no such run, or it has none.
pub async fn transcript(
    app: &App,
    caller: &Caller,
    sender: SenderId,
    id: &str,
) -> Result<String, AppError> {
    let run = load(app, caller, sender, id).await?;
    let tx = app.store.tenant(caller.tenant).await?;
    let transcript = tx.test_runs().transcript(sender, run.id).await?;
    transcript.ok_or(AppError::NotFound("transcript"))
}
