//! Senders: saving, pausing, restoring.

use std::sync::Arc;

use letterhead_domain::{
    event::{AuditAction, OperatorEventKind},
    message::SenderRef,
    sender::{PauseReason, VersionNumber},
    smtp_settings::SettingsInput,
};
use letterhead_storage::{
    record::{Expected, Page, PageRequest, SenderRecord, VersionRecord},
    repo::sender::{RestoreVersion, SaveSender, Saved},
    store::TenantTx,
};

use super::{App, AppError, access::Caller};
use crate::random;

mod limits;
mod typed;

pub use limits::{forecast, queue, replace_limits};
pub use typed::TypedSettings;

/// Finds the sender that a path names.
///
/// # Errors
///
/// [`AppError::NotFound`].
pub async fn load(app: &App, caller: &Caller, sender: &str) -> Result<SenderRecord, AppError> {
    find(app, caller, sender).await?.ok_or(AppError::NotFound("sender"))
}

/// Finds the sender that a path names, if there is one.
///
/// # Errors
///
/// [`AppError::Unavailable`].
pub async fn find(
    app: &App,
    caller: &Caller,
    sender: &str,
) -> Result<Option<SenderRecord>, AppError> {
    let Some(reference) = SenderRef::parse(sender) else { return Ok(None) };
    Ok(app.store.find_sender(caller.tenant, &reference).await?)
}

/// Finds the sender that a path names, to show it. It may be one that was read a short while ago, if no
/// change of it is known here.
///
/// # Errors
///
/// [`AppError::NotFound`].
pub async fn view(app: &App, caller: &Caller, sender: &str) -> Result<Arc<SenderRecord>, AppError> {
    let reference = SenderRef::parse(sender).ok_or(AppError::NotFound("sender"))?;
    let kept = app.store.kept_sender(caller.tenant, &reference);
    app.metrics.cache("sender", kept.is_some());
    match kept {
        Some(kept) => Ok(kept),
        None => load(app, caller, sender).await.map(Arc::new),
    }
}

/// Lists the tenant's senders, newest first.
///
/// # Errors
///
/// [`AppError::Unavailable`].
pub async fn list(
    app: &App,
    caller: &Caller,
    page: PageRequest,
) -> Result<Page<SenderRecord>, AppError> {
    Ok(app.store.tenant(caller.tenant).await?.senders().list(page).await?)
}

/// Saves settings as a new version: creates the sender if the path names a free slug.
///
/// The live version goes on sending until the new one is proven, or is replaced at once when only
/// names changed or the operator wants saves to go live.
///
/// # Errors
///
/// [`AppError::Invalid`] with every refused field (destinations that are not allowed and
/// `password_required` among them), [`AppError::Stale`] if the newest version is not `expected`,
/// which comes before a `password_required` that stands alone, [`AppError::NotFound`] for an id that
/// is nobody's.
pub async fn save(
    app: &App,
    caller: &Caller,
    sender: &str,
    input: SettingsInput,
    expected: Expected,
) -> Result<Saved, AppError> {
    let reference = SenderRef::parse(sender).ok_or(AppError::NotFound("sender"))?;
    let tx = app.store.tenant(caller.tenant).await?;
    let record = tx.senders().find(&reference).await?;
    let newest = record.as_ref().map(SenderRecord::newest);
    let draft = typed::judge(input, newest, app.mailer.guard())?;
    let actor = caller.actor();
    let saved = tx
        .senders()
        .save(SaveSender {
            reference: &reference,
            new_id: random::id(),
            new_version_id: random::id(),
            new_secret_id: random::token(),
            draft,
            expected,
            policy: app.rules.promote,
            by: &actor,
        })
        .await?;
    conclude(app, tx, &actor, AuditAction::SenderSaved, saved).await
}

/// Makes a new version of an older one; live at once if that one was ever proven.
///
/// # Errors
///
/// [`AppError::NotFound`] for an unknown version, [`AppError::Invalid`] with `password_required` if
/// its password is no longer kept or its destination is no longer allowed, [`AppError::Stale`].
pub async fn restore(
    app: &App,
    caller: &Caller,
    sender: &SenderRecord,
    number: VersionNumber,
    expected: Expected,
) -> Result<Saved, AppError> {
    let reference = SenderRef::Id(sender.id);
    let tx = app.store.tenant(caller.tenant).await?;
    let version = tx.senders().load_version(&reference, number).await?;
    app.mailer.guard().check_literal(&version.version.settings)?;
    let actor = caller.actor();
    let saved = tx
        .senders()
        .restore(RestoreVersion {
            sender: sender.id,
            number,
            new_version_id: random::id(),
            expected,
            policy: app.rules.promote,
            by: &actor,
        })
        .await?;
    conclude(app, tx, &actor, AuditAction::VersionRestored, saved).await
}

/// Writes down what a save or a restore changed, commits, and wakes the worker for what may leave.
async fn conclude(
    app: &App,
    tx: TenantTx,
    actor: &str,
    action: AuditAction,
    saved: Saved,
) -> Result<Saved, AppError> {
    if saved.changed {
        record_version(&tx, actor, action, &saved).await?;
    }
    tx.commit().await?;
    if saved.promoted {
        app.waker.wake();
    }
    Ok(saved)
}

async fn record_version(
    tx: &TenantTx,
    actor: &str,
    action: AuditAction,
    saved: &Saved,
) -> Result<(), AppError> {
    let target = saved.record.id.to_string();
    let newest = saved.record.newest();
    let detail = [
        ("sender", saved.record.slug.to_string()),
        ("version", newest.number.to_string()),
        ("host", newest.settings.host.to_string()),
    ];
    tx.audit().record(random::id(), actor, action, &target, &detail).await?;
    if saved.promoted {
        let action = AuditAction::SenderPromoted;
        tx.audit().record(random::id(), actor, action, &target, &detail).await?;
    }
    if saved.resumed {
        let action = AuditAction::SenderResumed;
        tx.audit().record(random::id(), actor, action, &target, &detail).await?;
        let kind = OperatorEventKind::SenderRecovered;
        tx.events().record(kind, Some(saved.record.id), None, &[]).await?;
    }
    Ok(())
}

/// Deletes a sender: its passwords go, and what waits is cancelled.
///
/// # Errors
///
/// [`AppError::NotFound`].
pub async fn remove(app: &App, caller: &Caller, sender: &SenderRecord) -> Result<(), AppError> {
    let tx = app.store.tenant(caller.tenant).await?;
    tx.senders().remove(&SenderRef::Id(sender.id)).await?;
    record(&tx, caller, sender, AuditAction::SenderDeleted).await?;
    tx.commit().await?;
    Ok(())
}

/// Drops the unproven candidate; the live version stays.
///
/// # Errors
///
/// [`AppError::NotFound`] if there is no candidate, [`AppError::Conflict`] if it is all the sender
/// has, [`AppError::Stale`].
pub async fn discard_candidate(
    app: &App,
    caller: &Caller,
    sender: &SenderRecord,
    expected: Expected,
) -> Result<(), AppError> {
    let tx = app.store.tenant(caller.tenant).await?;
    tx.senders().discard_candidate(&SenderRef::Id(sender.id), expected).await?;
    record(&tx, caller, sender, AuditAction::CandidateDiscarded).await?;
    tx.commit().await?;
    Ok(())
}

/// Pauses a sender by hand: messages are taken and wait.
///
/// # Errors
///
/// [`AppError::NotFound`].
pub async fn pause(
    app: &App,
    caller: &Caller,
    sender: &SenderRecord,
) -> Result<SenderRecord, AppError> {
    let reference = SenderRef::Id(sender.id);
    let tx = app.store.tenant(caller.tenant).await?;
    if tx.senders().pause(&reference, PauseReason::ByHand, None, None).await? {
        record(&tx, caller, sender, AuditAction::SenderPaused).await?;
        let detail = [("reason", PauseReason::ByHand.as_str().to_owned())];
        let kind = OperatorEventKind::SenderPaused;
        tx.events().record(kind, Some(sender.id), None, &detail).await?;
    }
    let record = tx.senders().load(&reference).await?;
    tx.commit().await?;
    Ok(record)
}

/// Ends a pause, whatever its reason: what waits goes on at once.
///
/// # Errors
///
/// [`AppError::NotFound`], [`AppError::Conflict`] if a password must be typed first.
pub async fn resume(
    app: &App,
    caller: &Caller,
    sender: &SenderRecord,
) -> Result<SenderRecord, AppError> {
    let reference = SenderRef::Id(sender.id);
    let tx = app.store.tenant(caller.tenant).await?;
    if tx.senders().resume(&reference).await? {
        record(&tx, caller, sender, AuditAction::SenderResumed).await?;
        let kind = OperatorEventKind::SenderRecovered;
        tx.events().record(kind, Some(sender.id), None, &[]).await?;
    }
    let record = tx.senders().load(&reference).await?;
    tx.commit().await?;
    app.waker.wake();
    Ok(record)
}

/// Loads one version of a sender.
///
/// # Errors
///
/// [`AppError::NotFound`].
pub async fn load_version(
    app: &App,
    caller: &Caller,
    sender: &SenderRecord,
    number: VersionNumber,
) -> Result<VersionRecord, AppError> {
    let tx = app.store.tenant(caller.tenant).await?;
    Ok(tx.senders().load_version(&SenderRef::Id(sender.id), number).await?)
}

/// Lists a sender's versions, newest first.
///
/// # Errors
///
/// [`AppError::Unavailable`].
pub async fn versions(
    app: &App,
    caller: &Caller,
    sender: &SenderRecord,
    page: PageRequest,
) -> Result<Page<VersionRecord>, AppError> {
    let tx = app.store.tenant(caller.tenant).await?;
    Ok(tx.senders().versions(&SenderRef::Id(sender.id), page).await?)
}

async fn record(
    tx: &TenantTx,
    caller: &Caller,
    sender: &SenderRecord,
    action: AuditAction,
) -> Result<(), AppError> {
    let detail = [("sender", sender.slug.to_string())];
    let (id, target) = (random::id(), sender.id.to_string());
    Ok(tx.audit().record(id, &caller.actor(), action, &target, &detail).await?)
}
