//! What may leave through a sender, what waits for it, and how long that takes.

use std::time::Duration;

use letterhead_domain::{
    event::AuditAction,
    limit::{Forecast, LimitName, Limits, LimitsInput},
    message::SenderRef,
};
use letterhead_storage::record::{SenderQueue, SenderRecord};

use super::super::{App, AppError, access::Caller};
use crate::random;

/// Replaces the limits of a sender. No version is made: the settings that are proven stay so.
///
/// # Errors
///
/// [`AppError::Invalid`] with every refused field, [`AppError::NotFound`].
pub async fn replace_limits(
    app: &App,
    caller: &Caller,
    sender: &SenderRecord,
    input: LimitsInput,
) -> Result<SenderRecord, AppError> {
    let limits = Limits::parse(input)?;
    let reference = SenderRef::Id(sender.id);
    let tx = app.store.tenant(caller.tenant).await?;
    if tx.senders().replace_limits(&reference, limits).await? {
        let mut detail = vec![("sender", sender.slug.to_string())];
        let set = LimitName::ALL.iter().filter_map(|name| Some((name, limits.get(*name)?)));
        detail.extend(set.map(|(name, most)| (name.as_str(), most.to_string())));
        let (id, target) = (random::id(), sender.id.to_string());
        let action = AuditAction::SenderLimitsChanged;
        tx.audit().record(id, &caller.actor(), action, &target, &detail).await?;
    }
    let record = tx.senders().load(&reference).await?;
    tx.commit().await?;
    app.waker.wake();
    Ok(record)
}

/// Counts what waits at a sender and what became of what was tried.
///
/// # Errors
///
/// [`AppError::Unavailable`].
pub async fn queue(
    app: &App,
    caller: &Caller,
    sender: &SenderRecord,
) -> Result<SenderQueue, AppError> {
    Ok(app.store.tenant(caller.tenant).await?.senders().queue(sender.id).await?)
}

/// How long until what waits at `sender` has left, if its limits say so.
pub fn forecast(sender: &SenderRecord, queue: &SenderQueue) -> Option<Duration> {
    let held_for = sender.hold.and_then(|hold| (hold.until - queue.at).to_std().ok());
    let forecast = Forecast {
        waiting: queue.waiting,
        used: &queue.used,
        held_for: held_for.unwrap_or_default(),
    };
    forecast.through_in(&sender.counting_limits())
}
