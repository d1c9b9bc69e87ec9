//! A lane in this process's hands: what it asks of the database beside its turns of the journal.

use std::{sync::Arc, time::Duration};

use letterhead_domain::{
    delivery::back_off,
    event::{AuditAction, OperatorEventKind},
    message::{MessageStatus, SenderRef},
    sender::VersionNumber,
};
use letterhead_mailer::{
    lease::LeaseDeadline,
    transport::{Transport, TransportKey},
};
use letterhead_storage::{
    error::StorageError,
    record::LeasedLane,
    repo::lane::{Release, Released},
    store::TenantTx,
};
use tracing::{debug, error, warn};

use super::{
    Worker,
    delivery::{Delivered, Effects},
    slice::{Ending, Slice},
    slots::Slot,
};
use crate::{app::queue::record_recovered, random};

impl Worker {
    /// Serves `lane` until nothing of it is due, its slice is over, or something is in the way.
    pub(super) async fn serve(&self, lane: LeasedLane, lease: LeaseDeadline, mut slot: Slot) {
        let ending = match self.drain(&lane, &lease, &mut slot).await {
            Ok(ending) => ending,
            // The database's trouble is not the mail server's: the lane stays due.
            Err(err) if err.is_unavailable() => {
                warn!(error = &err as &dyn std::error::Error, "cannot serve a lane yet");
                tokio::time::sleep(Duration::from_millis(500)).await;
                Some(Ending { release: Release::Park, had_work: false })
            }
            Err(err) => {
                error!(error = &err as &dyn std::error::Error, "cannot serve a lane");
                let release = Release::BackOff(back_off(lane.trouble + 1, random::jitter()));
                Some(Ending { release, had_work: false })
            }
        };
        let Some(Ending { release, had_work }) = ending else { return };
        // If this fails the lease runs out, and the next holder goes on from the database.
        match self.app.store.release(&lane, release).await {
            // Nobody else says so. The slot first: whoever is woken may find no other.
            Ok(Released::Due) if had_work => {
                drop(slot);
                self.app.waker.wake();
            }
            // What is due is held by somebody who is changing it, and found again in the next round.
            Ok(Released::Due | Released::Resting) => {}
            Ok(Released::Lost) => debug!("the lane had changed hands already"),
            Err(err) => {
                warn!(error = &err as &dyn std::error::Error, "cannot give a lane back");
            }
        }
    }

    /// Gives how to give the lane back; `None` if it is no longer ours.
    async fn drain(
        &self,
        lane: &LeasedLane,
        lease: &LeaseDeadline,
        slot: &mut Slot,
    ) -> Result<Option<Ending>, StorageError> {
        if lane.is_left {
            self.app.store.in_time("take a lane over", self.take_over(lane)).await??;
        }
        Slice::new(self, lane, lease, slot).run().await
    }

    /// Puts right what a holder before us left marked: those messages may have reached the server.
    async fn take_over(&self, lane: &LeasedLane) -> Result<(), StorageError> {
        let tx = self.app.store.tenant(lane.tenant).await?;
        let recovered = tx.lane(lane.sender, lane.token).take_over().await?;
        record_recovered(&self.app, &tx, lane.sender, &recovered).await?;
        tx.commit().await
    }

    /// Takes a lane out of the queue whose sender may not send.
    pub(super) async fn block(&self, lane: &LeasedLane) -> Result<(), StorageError> {
        let block = async {
            let tx = self.app.store.tenant(lane.tenant).await?;
            tx.lane(lane.sender, lane.token).block().await?;
            tx.commit().await
        };
        self.app.store.in_time("block a lane", block).await.flatten()
    }

    /// Tells the sender that its mail is accepted.
    pub(super) async fn record_news(&self, lane: &LeasedLane) -> Result<(), StorageError> {
        let record = async {
            let tx = self.app.store.tenant(lane.tenant).await?;
            tx.senders().record_accepted(lane.sender).await?;
            note_recovery(&tx, lane).await?;
            tx.commit().await
        };
        self.app.store.in_time("tell a sender that it works", record).await.flatten()
    }

    /// The transport of the version that the mark gave: a hit decrypts nothing.
    pub(super) async fn transport(
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

    /// Records results and what they mean for the sender, in one transaction; tries again while the database is away, for nothing else knows what the server said.
    pub(super) async fn record(
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
        if effects.worked {
            note_recovery(&tx, lane).await?;
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

/// Notes that the server took something; an event, if the sender was failing.
async fn note_recovery(tx: &TenantTx, lane: &LeasedLane) -> Result<(), StorageError> {
    if tx.senders().record_worked(lane.sender).await? {
        let kind = OperatorEventKind::SenderRecovered;
        tx.events().record(kind, Some(lane.sender), None, &[]).await?;
    }
    Ok(())
}
