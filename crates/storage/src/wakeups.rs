//! Wake-ups between instances: hints that shorten a wait, never what correctness rests on.
//!
//! `LISTEN` needs a connection of its own for as long as it lasts. Behind a pooler in transaction
//! mode no hint arrives; workers then look by themselves, as they do anyway.

use std::{sync::Arc, time::Duration};

use sea_orm::{
    ConnectionTrait,
    sqlx::{
        self,
        postgres::{PgListener, PgPool, PgPoolOptions},
    },
};
use tokio::{sync::Notify, task::JoinHandle};
use tracing::debug;

use crate::{
    error::{StorageError, failed},
    store::Store,
};

const CHANNEL: &str = "letterhead_wake";

/// First wait before listening is tried again; it doubles from there.
const FIRST_WAIT: Duration = Duration::from_millis(500);
/// Longest wait before listening is tried again.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

impl Store {
    /// Tells every instance that something may be due. The caller gathers: one NOTIFY for many
    /// messages, after their commits, never inside a transaction of theirs.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unavailable`] if the database is away.
    pub async fn notify_wake(&self) -> Result<(), StorageError> {
        let text = "NOTIFY letterhead_wake";
        self.db().execute_unprepared(text).await.map_err(failed("pass a wake-up on"))?;
        Ok(())
    }

    /// Listens for wake-ups from now on, on a connection of its own. To be called within a tokio
    /// runtime.
    pub fn wakeups(&self) -> Wakeups {
        let woken = Arc::new(Notify::new());
        let options = self.db().get_postgres_connection_pool().connect_options();
        let pool = PgPoolOptions::new().max_connections(1).connect_lazy_with((*options).clone());
        let listening = tokio::spawn(listen(pool, woken.clone()));
        Wakeups { woken, listening }
    }
}

/// Wake-ups as they come in. Dropped, it stops listening.
pub struct Wakeups {
    woken: Arc<Notify>,
    listening: JoinHandle<()>,
}

impl Wakeups {
    /// Waits for the next wake-up. Those that came since the last one count as one; so does a
    /// connection that was made again, for something may have been missed. May be dropped at any
    /// time, and may never end: look for yourself now and then.
    pub async fn next(&mut self) {
        self.woken.notified().await;
    }
}

impl Drop for Wakeups {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

async fn listen(pool: PgPool, woken: Arc<Notify>) {
    let mut wait = FIRST_WAIT;
    loop {
        match hear(&pool, &woken, &mut wait).await {
            Ok(()) => debug!("the connection for wake-ups was lost"),
            Err(err) => debug!(error = &err as &dyn std::error::Error, "cannot hear wake-ups"),
        }
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(LONGEST_WAIT);
    }
}

/// Listens until the connection is lost.
async fn hear(pool: &PgPool, woken: &Notify, wait: &mut Duration) -> Result<(), sqlx::Error> {
    let mut listener = PgListener::connect_with(pool).await?;
    // Reconnecting is ours, with its waits.
    listener.eager_reconnect(false);
    listener.listen(CHANNEL).await?;
    *wait = FIRST_WAIT;
    woken.notify_one();
    while listener.try_recv().await?.is_some() {
        woken.notify_one();
    }
    Ok(())
}
