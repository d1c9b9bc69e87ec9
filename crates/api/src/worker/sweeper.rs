//! The net under everything: what was lost, forgotten or has grown old.

use std::sync::Arc;

use letterhead_domain::{
    delivery::AttemptWord,
    event::OperatorEventKind,
    id::{MessageId, SenderId, TenantId},
    message::MessageStatus,
};
use letterhead_storage::{error::StorageError, record::Recovered, store::TenantTx};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::WorkerConfig;
use crate::{app::App, random};

/// Rows that one step touches at most.
const BATCH: u64 = 1_000;

/// Batches of deleted tenants' rows that one round removes at most.
const MOST_REMOVALS: usize = 100;

/// Sweeps until `stop`, each time after a jittered wait, so that instances do not sweep together.
pub(super) async fn sweep(app: App, config: Arc<WorkerConfig>, stop: CancellationToken) {
    loop {
        let wait = config.sweep.mul_f64(0.5 + random::jitter());
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(wait) => {}
        }
        if let Err(err) = sweep_once(&app).await {
            warn!(error = &err as &dyn std::error::Error, "cannot sweep");
        }
    }
}

/// One round. Each step is bounded and commits by itself.
pub(crate) async fn sweep_once(app: &App) -> Result<(), StorageError> {
    let system = app.store.system().await?;
    let stats = system.queue().stats().await?;
    app.metrics.queue(stats.waiting, stats.oldest_due_age);
    let repaired = system.sweep().repair_lanes(BATCH).await?;
    system.commit().await?;
    if repaired > 0 {
        info!(repaired, "repaired lanes whose wake-up was lost");
        app.waker.wake();
    }

    let system = app.store.system().await?;
    let overdue = system.sweep().overdue_messages(BATCH).await?;
    let interrupted = system.sweep().interrupted_test_runs(BATCH).await?;
    let abandoned = system.sweep().abandoned_lanes(BATCH).await?;
    system.commit().await?;
    for (tenant, sender) in abandoned {
        let tx = app.store.tenant(tenant).await?;
        let recovered = tx.messages().recover_abandoned(sender).await?;
        record_recovered(app, &tx, sender, &recovered).await?;
        tx.commit().await?;
    }
    for (tenant, messages) in overdue {
        expire(app, tenant, &messages).await?;
    }
    for (tenant, runs) in interrupted {
        let tx = app.store.tenant(tenant).await?;
        tx.test_runs().interrupt(&runs).await?;
        tx.commit().await?;
    }

    let system = app.store.system().await?;
    system.sweep().forget_idempotency_keys(BATCH).await?;
    system.sweep().forget_old_passwords(BATCH).await?;
    system.sweep().forget_portal(BATCH).await?;
    system.commit().await?;
    let system = app.store.system().await?;
    system.bulk_runs().forget_old().await?;
    system.commit().await?;
    for _ in 0..MOST_REMOVALS {
        let system = app.store.system().await?;
        let removed = system.sweep().remove_deleted_tenants(BATCH).await?;
        system.commit().await?;
        if removed == 0 {
            break;
        }
    }
    Ok(())
}

/// Counts what was found marked by a worker that is gone, and tells the operator what now waits
/// for a person.
pub(super) async fn record_recovered(
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

async fn expire(app: &App, tenant: TenantId, messages: &[MessageId]) -> Result<(), StorageError> {
    let tx = app.store.tenant(tenant).await?;
    let expired = tx.messages().expire(messages).await?;
    for message in expired {
        tx.events().record(OperatorEventKind::MessageExpired, None, Some(message), &[]).await?;
    }
    tx.commit().await
}
