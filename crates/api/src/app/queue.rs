//! The queue as a whole: holding it, releasing it, and how it stands.

use chrono::{DateTime, Utc};
use letterhead_domain::{
    delivery::AttemptWord, event::OperatorEventKind, id::SenderId, message::MessageStatus,
};
use letterhead_storage::{
    error::StorageError,
    record::{QueueHold, QueueStats, Recovered},
    store::TenantTx,
};
use tracing::warn;

use super::{App, AppError};

/// Messages that one step touches at most.
const BATCH: u64 = 1_000;

/// How the queue stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueStatus {
    /// The hold that keeps everything from leaving.
    pub hold: Option<QueueHold>,
    /// How much waits and is on its way.
    pub stats: QueueStats,
}

/// What a release did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Released {
    /// Whether the queue was held.
    pub was_held: bool,
    /// Messages that may have been sent before the restore and now wait for a person.
    pub uncertain: u64,
}

/// How the queue stands.
///
/// # Errors
///
/// [`AppError::Unavailable`].
pub async fn status(app: &App) -> Result<QueueStatus, AppError> {
    let system = app.store.system().await?;
    Ok(QueueStatus { hold: system.queue().held().await?, stats: system.queue().stats().await? })
}

/// Lets nothing more leave, whichever instance is at work. Messages are taken over as ever, and
/// what is marked already goes out. A hold that lasts keeps its beginning.
///
/// # Errors
///
/// [`AppError::Unavailable`].
pub async fn hold(app: &App, reason: Option<&str>) -> Result<(), AppError> {
    let system = app.store.system().await?;
    system.queue().hold(reason).await?;
    let detail: Vec<_> = reason.map(|reason| ("reason", reason.to_owned())).into_iter().collect();
    system.events().record(OperatorEventKind::QueueHeld, None, &detail).await?;
    system.commit().await?;
    Ok(())
}

/// Lets mail leave again.
///
/// After a restore, `restored_to` is the time that the backup is of: what was accepted until then
/// may have been sent since, which the restored database cannot know. It becomes uncertain and
/// waits for a person; only then the queue goes on.
///
/// # Errors
///
/// [`AppError::Conflict`] for a `restored_to` while the queue is not held: it may be leaving.
pub async fn release(app: &App, restored_to: Option<DateTime<Utc>>) -> Result<Released, AppError> {
    let mut uncertain = 0;
    if let Some(time) = restored_to {
        if app.store.system().await?.queue().held().await?.is_none() {
            let words = "the queue is not held; hold it before anything is sent, then release it";
            return Err(AppError::Conflict(words.to_owned()));
        }
        // What a worker of the lost database had marked waits only when it is put back.
        recover_abandoned(app).await?;
        uncertain = doubt(app, time).await?;
    }
    let system = app.store.system().await?;
    let was_held = system.queue().release().await?;
    if was_held {
        let detail = [("uncertain", uncertain.to_string())];
        system.events().record(OperatorEventKind::QueueReleased, None, &detail).await?;
    }
    system.commit().await?;
    Ok(Released { was_held, uncertain })
}

/// Makes uncertain what waits since `time` or longer, in batches; says how many.
async fn doubt(app: &App, time: DateTime<Utc>) -> Result<u64, AppError> {
    let mut doubted = 0;
    loop {
        let waiting = app.store.system().await?.queue().waiting_since(time, BATCH).await?;
        if waiting.is_empty() {
            return Ok(doubted);
        }
        for (tenant, messages) in waiting {
            let tx = app.store.tenant(tenant).await?;
            doubted += tx.messages().doubt(&messages).await?;
            tx.commit().await?;
        }
    }
}

/// Puts right what lost workers left marked on lanes that nobody holds or will claim.
///
/// # Errors
///
/// [`StorageError::Unavailable`].
pub async fn recover_abandoned(app: &App) -> Result<(), StorageError> {
    let abandoned = app.store.system().await?.sweep().abandoned_lanes(BATCH).await?;
    for (tenant, sender) in abandoned {
        let tx = app.store.tenant(tenant).await?;
        let recovered = tx.messages().recover_abandoned(sender).await?;
        record_recovered(app, &tx, sender, &recovered).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// Counts what was found marked by a worker that is gone, and tells the operator what now waits
/// for a person.
///
/// # Errors
///
/// [`StorageError::Unavailable`].
pub async fn record_recovered(
    app: &App,
    tx: &TenantTx,
    sender: SenderId,
    recovered: &[Recovered],
) -> Result<(), StorageError> {
    for message in recovered {
        app.metrics.attempt(AttemptWord::WorkerLost.as_str());
        if message.status == MessageStatus::Uncertain {
            let kind = OperatorEventKind::MessageUncertain;
            tx.events().record(kind, Some(sender), Some(message.id), &[]).await?;
        }
    }
    if !recovered.is_empty() {
        warn!(count = recovered.len(), sender.id = %sender, "found messages that a lost worker had marked");
    }
    Ok(())
}
