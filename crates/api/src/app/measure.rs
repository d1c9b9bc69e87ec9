//! What the metrics show and nobody counts as it happens: asked for when they are read.

use std::time::{Duration, Instant};

use letterhead_storage::{error::StorageError, record::QueueReading};
use tracing::warn;

use super::App;

/// How long a reading of the database serves whoever asks.
const FRESH: Duration = Duration::from_secs(5);
/// How long who asks is kept waiting for the database.
const PATIENCE: Duration = Duration::from_secs(3);

/// Brings the metrics up to date. A database that does not answer in time is told as unknown.
pub async fn refresh(app: &App) {
    // Held to the end: who asks meanwhile gets the same reading.
    let mut asked_at = app.metrics.asked_at().lock().await;
    let transports = app.mailer.transports();
    app.metrics.sessions(&transports.session_counts(), &transports.sessions_now());
    if asked_at.is_some_and(|asked_at| asked_at.elapsed() < FRESH) {
        return;
    }
    let reading = match tokio::time::timeout(PATIENCE, read(app)).await {
        Ok(Ok(reading)) => Some(reading),
        Ok(Err(err)) => {
            warn!(error = &err as &dyn std::error::Error, "cannot read how the queue stands");
            None
        }
        Err(_) => {
            warn!("the database does not say in time how the queue stands");
            None
        }
    };
    app.metrics.queue(reading.as_ref());
    *asked_at = Some(Instant::now());
}

async fn read(app: &App) -> Result<QueueReading, StorageError> {
    app.store.system().await?.queue().reading().await
}
