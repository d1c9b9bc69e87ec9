//! One slice of one lane: mark a window, deliver it, record the results, and again.

use std::{sync::Arc, time::Duration};

use letterhead_domain::{
    delivery::back_off,
    event::{AuditAction, OperatorEventKind},
    limit::{Limits, quota_wait},
    message::{MessageStatus, SenderRef},
    sender::{PauseReason, VersionNumber},
};
use letterhead_mailer::{
    lease::LeaseDeadline,
    transport::{Transport, TransportKey},
};
use letterhead_storage::{
    error::StorageError,
    record::LeasedLane,
    repo::lane::{MarkRequest, Marked, MarkedMessage, Release, TakenLane},
};
use tokio::time::Instant;
use tracing::{debug, error, warn};

use super::{
    Worker,
    delivery::{Delivered, Effects},
};
use crate::{app::queue::record_recovered, random};

impl Worker {
    /// Serves `lane` until nothing of it is due, its slice is over, or something is in the way.
    pub(super) async fn serve(&self, lane: LeasedLane, lease: LeaseDeadline) {
        let release = match self.drain(&lane, &lease).await {
            Ok(release) => release,
            // The database's trouble is not the mail server's: the lane stays due.
            Err(err) if err.is_unavailable() => {
                warn!(error = &err as &dyn std::error::Error, "cannot serve a lane yet");
                tokio::time::sleep(Duration::from_millis(500)).await;
                Some(Release::Park)
            }
            Err(err) => {
                error!(error = &err as &dyn std::error::Error, "cannot serve a lane");
                Some(Release::BackOff(back_off(lane.trouble + 1, random::jitter())))
            }
        };
        let Some(release) = release else { return };
        // If this fails the lease runs out, and the next holder goes on from the database.
        let released = self.app.store.in_time("give a lane back", self.release(&lane, release));
        if let Err(err) = released.await.flatten() {
            warn!(error = &err as &dyn std::error::Error, "cannot give a lane back");
        }
    }

    async fn release(&self, lane: &LeasedLane, release: Release) -> Result<(), StorageError> {
        let tx = self.app.store.tenant(lane.tenant).await?;
        if !tx.lane(lane.sender, lane.token).release(release).await? {
            debug!("the lane had changed hands already");
        }
        tx.commit().await
    }

    /// Gives how to give the lane back; `None` if it is no longer ours.
    async fn drain(
        &self,
        lane: &LeasedLane,
        lease: &LeaseDeadline,
    ) -> Result<Option<Release>, StorageError> {
        let store = &self.app.store;
        let TakenLane { limits, holds, .. } =
            store.in_time("take a lane over", self.take_over(lane)).await??;
        let slice_ends = Instant::now() + self.config.slice;
        // One message first, alone: refused settings then cost one try, and a server in trouble
        // one connection.
        let mut window = 1;
        loop {
            if self.draining.is_cancelled() || Instant::now() >= slice_ends {
                return Ok(Some(Release::Park));
            }
            let marked = store.in_time("mark messages", self.mark(lane, window, limits)).await??;
            let (version, messages) = match marked {
                Marked::Window { version, messages } => (version, messages),
                Marked::Nothing | Marked::Blocked => return Ok(Some(Release::Park)),
                Marked::Paced(wait) => return Ok(Some(Release::Pace(wait))),
                Marked::Full(wait) => return Ok(Some(Release::Full(wait))),
                Marked::Lost => return Ok(None),
            };
            self.app.metrics.window(messages.len());
            let delivered = match self.transport(lane, version).await {
                Ok(transport) => {
                    transport.bound_sessions(limits.connections);
                    self.deliver(lane, &transport, lease, messages).await
                }
                Err(err) => undelivered(&messages, &err),
            };
            let effects = self.record(lane, version, delivered).await?;
            match effects {
                Effects { hold: Some(said), .. } => {
                    return Ok(Some(Release::Hold(quota_wait(said, holds))));
                }
                Effects { backs_off: true, .. } => {
                    let wait = back_off(lane.trouble + 1, random::jitter());
                    return Ok(Some(Release::BackOff(wait)));
                }
                Effects { pause: Some(_), .. } => return Ok(Some(Release::Park)),
                Effects { .. } => window = self.config.window,
            }
        }
    }

    /// Puts right what a holder before us left marked: those messages may have reached the server.
    async fn take_over(&self, lane: &LeasedLane) -> Result<TakenLane, StorageError> {
        let tx = self.app.store.tenant(lane.tenant).await?;
        let taken = tx.lane(lane.sender, lane.token).take_over().await?;
        record_recovered(&self.app, &tx, lane.sender, &taken.recovered).await?;
        tx.commit().await?;
        Ok(taken)
    }

    async fn mark(
        &self,
        lane: &LeasedLane,
        window: usize,
        limits: Limits,
    ) -> Result<Marked, StorageError> {
        let attempt_ids: Vec<_> = (0..window).map(|_| random::id()).collect();
        let tx = self.app.store.tenant(lane.tenant).await?;
        let marked = tx
            .lane(lane.sender, lane.token)
            .mark(MarkRequest {
                attempt_ids: &attempt_ids,
                worker: &self.config.name,
                max_bytes: self.config.window_bytes,
                limits,
            })
            .await?;
        // Durable before the first byte leaves.
        tx.commit().await?;
        Ok(marked)
    }

    /// The transport of the version that the mark gave: a hit decrypts nothing.
    async fn transport(
        &self,
        lane: &LeasedLane,
        version: VersionNumber,
    ) -> Result<Arc<Transport>, Arc<StorageError>> {
        let key = TransportKey { tenant: lane.tenant, sender: lane.sender, version };
        let load = async {
            let reveal = async {
                let tx = self.app.store.tenant(lane.tenant).await?;
                tx.senders().reveal(lane.sender, version).await
            };
            self.app.store.in_time("open a sender's password", reveal).await.flatten()
        };
        self.app.mailer.transports().get_or_open(key, load).await
    }

    /// Records a window's results and what they mean for the sender, in one transaction; tries
    /// again while the database is away, for nothing else knows what the server said.
    async fn record(
        &self,
        lane: &LeasedLane,
        version: VersionNumber,
        delivered: Vec<Delivered>,
    ) -> Result<Effects, StorageError> {
        let effects = Effects::of(&delivered);
        let mut wait = Duration::from_millis(100);
        loop {
            let recorded = self.record_once(lane, version, &delivered, &effects);
            match self.app.store.in_time("record results", recorded).await.flatten() {
                Err(err) if err.is_unavailable() => {
                    warn!(error = &err as &dyn std::error::Error, "cannot record results yet");
                    tokio::time::sleep(wait).await;
                    wait = (wait * 2).min(Duration::from_secs(5));
                }
                Err(err) => return Err(err),
                Ok(()) => break,
            }
        }
        for result in &delivered {
            self.app.metrics.attempt(result.record.outcome.as_str());
        }
        Ok(effects)
    }

    async fn record_once(
        &self,
        lane: &LeasedLane,
        version: VersionNumber,
        delivered: &[Delivered],
        effects: &Effects,
    ) -> Result<(), StorageError> {
        let tx = self.app.store.tenant(lane.tenant).await?;
        let results: Vec<_> = delivered.iter().map(|delivered| &delivered.record).collect();
        let refused = tx.lane(lane.sender, lane.token).finish(&results).await?;
        if !refused.is_empty() {
            debug!(count = refused.len(), "another worker has taken these messages over");
        }
        let is_ours = |result: &Delivered| !refused.contains(&result.record.message);
        let events = tx.events();
        for result in delivered.iter().filter(|result| is_ours(result)) {
            let kind = match result.record.status {
                MessageStatus::Rejected => OperatorEventKind::MessageRejected,
                MessageStatus::Expired => OperatorEventKind::MessageExpired,
                MessageStatus::Uncertain => OperatorEventKind::MessageUncertain,
                MessageStatus::Queued
                | MessageStatus::Sending
                | MessageStatus::Accepted
                | MessageStatus::PartlyAccepted
                | MessageStatus::Deferred
                | MessageStatus::Held
                | MessageStatus::Cancelled => continue,
            };
            events.record(kind, Some(lane.sender), Some(result.record.message), &[]).await?;
        }
        if delivered.iter().any(|result| result.is_accepted() && is_ours(result)) {
            tx.senders().record_accepted(lane.sender).await?;
        }
        if effects.worked && tx.senders().record_worked(lane.sender).await? {
            events.record(OperatorEventKind::SenderRecovered, Some(lane.sender), None, &[]).await?;
        }
        if effects.failed && tx.senders().record_failed(lane.sender).await? {
            events.record(OperatorEventKind::SenderFailing, Some(lane.sender), None, &[]).await?;
        }
        if let Some((reason, reply)) = &effects.pause {
            let sender = SenderRef::Id(lane.sender);
            let reply = reply.as_ref();
            if tx.senders().pause(&sender, *reason, reply, Some(version)).await? {
                let detail = [
                    ("reason", reason.as_str().to_owned()),
                    ("version", version.to_string()),
                    ("reply", reply.map(ToString::to_string).unwrap_or_default()),
                ];
                let target = lane.sender.to_string();
                let (id, action) = (random::id(), AuditAction::SenderPaused);
                tx.audit().record(id, "letterhead", action, &target, &detail).await?;
                let kind = OperatorEventKind::SenderPaused;
                events.record(kind, Some(lane.sender), None, &detail).await?;
            }
        }
        tx.commit().await
    }
}

/// The results of a window whose transport could not be opened: nothing left.
fn undelivered(messages: &[MarkedMessage], err: &StorageError) -> Vec<Delivered> {
    let pause = matches!(err, StorageError::Sealed(_)).then_some(PauseReason::SecretUnreadable);
    error!(error = err as &dyn std::error::Error, "cannot open the sender's transport");
    messages.iter().map(|message| Delivered::unopened(message, pause)).collect()
}
