//! Signals between instances: hints that shorten a wait, never what correctness rests on.
//!
//! `LISTEN` needs a connection of its own for as long as it lasts. Behind a pooler in transaction
//! mode no signal arrives; workers then look by themselves, as they do anyway, and what is kept in
//! memory ends by its age.

use std::{sync::Arc, time::Duration};

use letterhead_domain::id::{ApiKeyId, TenantId};
use sea_orm::{
    ConnectionTrait,
    sqlx::{
        self,
        postgres::{PgListener, PgPool, PgPoolOptions},
    },
};
use tokio::{
    sync::{Notify, mpsc},
    task::JoinHandle,
};
use tracing::debug;

use crate::{
    error::{StorageError, failed},
    repo::sql::statement,
    store::Store,
};

const WAKE: &str = "letterhead_wake";
const CHANGED: &str = "letterhead_changed";

/// First wait before listening is tried again; it doubles from there.
const FIRST_WAIT: Duration = Duration::from_millis(500);
/// Longest wait before listening is tried again.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// Changes that were heard and not taken yet. With more, the rest waits in the connection.
const MOST_UNTAKEN: usize = 256;

/// What an instance may have kept in memory and must look up again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Change {
    /// A key was revoked.
    ApiKey(ApiKeyId),
    /// A tenant was deleted, and with it its keys.
    Tenant(TenantId),
    /// Something that is shown of a tenant's senders was changed. The database tells it by triggers.
    Senders(TenantId),
}

/// What came in from the other instances.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// Something may be due. Many of these count as one.
    Wake,
    /// Something was changed.
    Changed(Change),
    /// Listening began, or began again: any signal may have been missed before.
    Connected,
}

impl Change {
    const API_KEY: &str = "api_key";
    const TENANT: &str = "tenant";
    const SENDERS: &str = "senders";

    fn payload(self) -> String {
        match self {
            Self::ApiKey(id) => format!("{} {id}", Self::API_KEY),
            Self::Tenant(id) => format!("{} {id}", Self::TENANT),
            Self::Senders(id) => format!("{} {id}", Self::SENDERS),
        }
    }

    fn parse(payload: &str) -> Option<Self> {
        match payload.split_once(' ')? {
            (Self::API_KEY, id) => id.parse().ok().map(Self::ApiKey),
            (Self::TENANT, id) => id.parse().ok().map(Self::Tenant),
            (Self::SENDERS, id) => id.parse().ok().map(Self::Senders),
            _ => None,
        }
    }
}

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

    /// Tells every instance what was changed. To be called after the commits.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unavailable`] if the database is away.
    pub async fn notify_changes(&self, changes: &[Change]) -> Result<(), StorageError> {
        let payloads: Vec<_> = changes.iter().map(|change| change.payload()).collect();
        let text = "SELECT pg_notify($1, payload) FROM unnest($2::text[]) AS payload";
        let tell = statement(text, [CHANGED.into(), payloads.into()]);
        self.db().execute_raw(tell).await.map_err(failed("pass changes on"))?;
        Ok(())
    }

    /// Listens for signals from now on, on a connection of its own. To be called within a tokio
    /// runtime.
    pub fn wakeups(&self) -> Wakeups {
        let woken = Arc::new(Notify::new());
        let (heard, changes) = mpsc::channel(MOST_UNTAKEN);
        let options = self.db().get_postgres_connection_pool().connect_options();
        let pool = PgPoolOptions::new().max_connections(1).connect_lazy_with((*options).clone());
        let ear = Ear { woken: woken.clone(), heard };
        let listening = tokio::spawn(listen(pool, ear));
        Wakeups { woken, changes, listening }
    }
}

/// Signals as they come in. Dropped, it stops listening.
pub struct Wakeups {
    woken: Arc<Notify>,
    changes: mpsc::Receiver<Signal>,
    listening: JoinHandle<()>,
}

impl Wakeups {
    /// Waits for the next signal. May be dropped at any time, and may never end: look for yourself
    /// now and then.
    pub async fn next(&mut self) -> Signal {
        tokio::select! {
            Some(signal) = self.changes.recv() => signal,
            () = self.woken.notified() => Signal::Wake,
        }
    }
}

impl Drop for Wakeups {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

/// Where what is heard goes.
struct Ear {
    woken: Arc<Notify>,
    heard: mpsc::Sender<Signal>,
}

impl Ear {
    async fn hear(&self, signal: Signal) {
        match signal {
            Signal::Wake => self.woken.notify_one(),
            Signal::Changed(_) | Signal::Connected => {
                // Nobody may be waiting any more.
                let _unheard = self.heard.send(signal).await;
            }
        }
    }
}

async fn listen(pool: PgPool, ear: Ear) {
    let mut wait = FIRST_WAIT;
    loop {
        match hear(&pool, &ear, &mut wait).await {
            Ok(()) => debug!("the connection for wake-ups was lost"),
            Err(err) => debug!(error = &err as &dyn std::error::Error, "cannot hear wake-ups"),
        }
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(LONGEST_WAIT);
    }
}

/// Listens until the connection is lost.
async fn hear(pool: &PgPool, ear: &Ear, wait: &mut Duration) -> Result<(), sqlx::Error> {
    let mut listener = PgListener::connect_with(pool).await?;
    // Reconnecting is ours, with its waits.
    listener.eager_reconnect(false);
    listener.listen_all([WAKE, CHANGED]).await?;
    *wait = FIRST_WAIT;
    ear.hear(Signal::Connected).await;
    while let Some(told) = listener.try_recv().await? {
        let signal = match told.channel() {
            CHANGED => {
                // Another release may tell what this one does not know.
                Change::parse(told.payload()).map_or(Signal::Connected, Signal::Changed)
            }
            _ => Signal::Wake,
        };
        ear.hear(signal).await;
    }
    Ok(())
}
