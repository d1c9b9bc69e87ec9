//! Test runs: one staged try of a sender's settings with the parts that also deliver its mail.
//!
//! A run is stored before it starts and goes on in its own task, so it ends and is recorded even
//! when the caller hangs up. No transaction is open while the mail server is spoken to.

use letterhead_domain::{
    field_errors::FieldErrors,
    id::{SenderId, TestRunId},
    smtp_settings::SettingsInput,
    test_run::{TestMode, TestStatus, TestTarget},
};
use letterhead_storage::{
    error::StorageError,
    record::{Page, PageRequest, SenderRecord, TestRunRecord},
    repo::test_run::{Begun, NewTestRun},
};
use tokio::{sync::watch, task::JoinHandle};

use self::{
    conduct::{Conducted, conduct},
    progress::Stages,
    subject::{saved, target_version, typed},
};
use super::{App, AppError, access::Caller, senders::TypedSettings};
use crate::random;

mod arrival;
mod conduct;
mod fix;
mod mail;
pub mod progress;
mod subject;
pub mod unsaved;

pub use self::arrival::confirm;

/// What to try.
pub struct TestRequest {
    /// How far to go.
    pub mode: TestMode,
    /// Which saved version; left out, the candidate, else the live one.
    pub target: Option<TestTarget>,
    /// Typed settings that were not saved; they prove nothing.
    pub settings: Option<TypedSettings>,
    /// Whether to look for settings that work if these do not.
    pub fix: bool,
}

/// Judges settings that are to be tried without saving them, as a save over the sender's newest
/// version would.
///
/// # Errors
///
/// Every refused field, destinations that are not allowed and `password_required` among them.
pub fn judge(
    app: &App,
    sender: &SenderRecord,
    input: SettingsInput,
) -> Result<TypedSettings, FieldErrors> {
    TypedSettings::judge(input, Some(sender.newest()), app.mailer.guard())
}

/// Starts a test and does not wait for its end: it goes on and is recorded by itself.
///
/// # Errors
///
/// [`AppError::Conflict`] if the version asked for does not exist, [`AppError::TooMany`] beyond the
/// tenant's limits.
pub async fn start(
    app: &App,
    caller: &Caller,
    sender: &SenderRecord,
    request: TestRequest,
) -> Result<TestRunId, AppError> {
    Ok(begin(app, caller, sender, request).await?.0)
}

/// Runs a test and records it. Returns the finished run, also when it failed.
///
/// # Errors
///
/// As [`start`].
pub async fn run(
    app: &App,
    caller: &Caller,
    sender: &SenderRecord,
    request: TestRequest,
) -> Result<TestRunRecord, AppError> {
    let (id, task) = begin(app, caller, sender, request).await?;
    match task.await {
        Ok(recorded) => recorded?,
        Err(_) => {
            return Err(AppError::Internal(StorageError::Corrupt { table: "(test run task)" }));
        }
    }
    load(app, caller, sender.id, &id.to_string()).await
}

/// Stores a run and sends it on its way.
async fn begin(
    app: &App,
    caller: &Caller,
    sender: &SenderRecord,
    request: TestRequest,
) -> Result<(TestRunId, JoinHandle<Result<(), AppError>>), AppError> {
    let (mode, wants_fix) = (request.mode, request.fix);
    let tx = app.store.tenant(caller.tenant).await?;
    let run = NewTestRun {
        id: random::id(),
        sender: sender.id,
        version: match &request.settings {
            Some(_) => None,
            None => Some(target_version(sender, request.target)?.number),
        },
        mode,
        code: match mode {
            TestMode::Connection => None,
            TestMode::Message => Some(random::arrival_code()),
        },
        requested_by: caller.actor(),
    };
    let subject = match request.settings {
        Some(settings) => typed(&tx, sender, settings).await?,
        None => saved(&tx, sender, target_version(sender, request.target)?).await?,
    };
    if let Begun::TooMany { retry_after } = tx.test_runs().begin(&run, app.rules.test_runs).await? {
        return Err(AppError::TooMany { retry_after: retry_after.as_secs().max(1) });
    }
    tx.commit().await?;

    // The run's own task: a caller that hangs up drops only the waiting.
    let id = run.id;
    let telling = app.test_runs.begin(id);
    let conducted = Conducted { app: app.clone(), caller: caller.clone(), run, wants_fix };
    Ok((id, app.tasks.spawn(conduct(conducted, subject, telling))))
}

/// Watches a run that this process conducts: the stages so far, as they end. The channel closes
/// once the run is recorded; none is given for one that is over, or that another process conducts.
pub fn watch(app: &App, id: TestRunId) -> Option<watch::Receiver<Stages>> {
    app.test_runs.watch(id)
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

/// Loads one test run of a sender; one that is under way with the stages that have ended.
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
    let watched = watch(app, id);
    let mut run = app.store.tenant(caller.tenant).await?.test_runs().load(sender, id).await?;
    // This process may know more than the row says yet.
    if let (TestStatus::Running, Some(watched)) = (run.status, watched) {
        run.stages.clone_from(&watched.borrow());
    }
    Ok(run)
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
