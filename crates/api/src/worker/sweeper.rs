//! The net under everything: what was lost, forgotten or has grown old.

use std::sync::Arc;

use letterhead_domain::{
    event::OperatorEventKind,
    id::{MessageId, TenantId},
};
use letterhead_storage::error::StorageError;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::{Retention, WorkerConfig};
use crate::{
    app::{App, queue::recover_abandoned},
    random,
};

/// Rows that one step touches at most.
const BATCH: u64 = 1_000;

/// Batches of rows that one round removes at most, of deleted tenants and of what is old.
const MOST_REMOVALS: usize = 100;

/// Sweeps until `stop`, each time after a jittered wait, so that instances do not sweep together.
pub(super) async fn sweep(app: App, config: Arc<WorkerConfig>, stop: CancellationToken) {
    loop {
        let wait = config.sweep.mul_f64(0.5 + random::jitter());
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(wait) => {}
        }
        if let Err(err) = sweep_once(&app, config.retention).await {
            warn!(error = &err as &dyn std::error::Error, "cannot sweep");
        }
    }
}

/// One round. Each step is bounded and commits by itself.
async fn sweep_once(app: &App, retention: Retention) -> Result<(), StorageError> {
    let system = app.store.system().await?;
    let repaired = system.sweep().repair_lanes(BATCH).await?;
    system.commit().await?;
    if repaired > 0 {
        info!(repaired, "repaired lanes whose wake-up was lost");
        app.waker.wake();
    }

    let system = app.store.system().await?;
    let overdue = system.sweep().overdue_messages(BATCH).await?;
    let interrupted = system.sweep().interrupted_test_runs(BATCH).await?;
    system.commit().await?;
    recover_abandoned(app).await?;
    for (tenant, messages) in overdue {
        expire(app, tenant, &messages).await?;
    }
    for (tenant, runs) in interrupted {
        let tx = app.store.tenant(tenant).await?;
        tx.test_runs().interrupt(&runs).await?;
        tx.commit().await?;
    }

    let system = app.store.system().await?;
    let keys = system.sweep().forget_idempotency_keys(BATCH).await?;
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
    remove_old(app, retention, keys < BATCH).await
}

/// Removes what is kept no longer, in batches that commit by themselves. Messages go only when no
/// key that names them is left.
async fn remove_old(app: &App, kept: Retention, keys_are_gone: bool) -> Result<(), StorageError> {
    let system = app.store.system().await?;
    system.retention().remove_counts(BATCH).await?;
    system.commit().await?;
    for _ in 0..MOST_REMOVALS {
        let system = app.store.system().await?;
        let bodies = system.retention().remove_bodies(kept.bodies, BATCH).await?;
        let messages = if keys_are_gone {
            system.retention().remove_messages(kept.messages, BATCH).await?
        } else {
            0
        };
        system.commit().await?;
        if bodies.max(messages) < BATCH {
            break;
        }
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
