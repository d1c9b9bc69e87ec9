//! Locks that a test holds, and conditions that it waits for.

use std::time::{Duration, Instant};

use sea_orm::{ConnectionTrait, DatabaseTransaction, TransactionTrait};

use crate::TestDatabase;

/// What somebody may wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lock {
    /// An advisory lock: for lanes, the end of open accepts.
    Advisory,
    /// A row, that is, the end of the transaction that has it.
    Row,
    /// A whole table.
    Table,
}

/// A transaction of the superuser that stays open: what it locked stays locked.
pub struct Held {
    tx: DatabaseTransaction,
}

impl Held {
    /// Lets go.
    ///
    /// # Panics
    ///
    /// If the transaction cannot be ended.
    pub async fn release(self) {
        self.tx.rollback().await.unwrap_or_else(|err| panic!("cannot release: {err}"));
    }
}

impl TestDatabase {
    /// Runs `statement` in a transaction that stays open until it is released.
    ///
    /// # Panics
    ///
    /// If the statement fails.
    pub async fn hold(&self, statement: &str) -> Held {
        let tx = self.owner.begin().await.unwrap_or_else(|err| panic!("cannot begin: {err}"));
        let held = tx.execute_unprepared(statement).await;
        held.unwrap_or_else(|err| panic!("{statement}: {err}"));
        Held { tx }
    }

    /// Waits until somebody in this database waits for a lock.
    ///
    /// # Panics
    ///
    /// If nobody does within a minute.
    pub async fn wait_for_a_lock(&self, kind: Lock) {
        let event = match kind {
            Lock::Advisory => "'advisory'",
            Lock::Row => "'transactionid'",
            Lock::Table => "'relation'",
        };
        let waiting = "SELECT count(*) FROM pg_stat_activity
            WHERE datname = current_database() AND wait_event_type = 'Lock' AND wait_event =";
        self.wait_until(&format!("{waiting} {event}"), 1).await;
    }

    /// Waits until the number that `query` gives is at least `least`.
    ///
    /// # Panics
    ///
    /// If it is not within a minute.
    pub async fn wait_until(&self, query: &str, least: i64) {
        let begun = Instant::now();
        while self.number(query).await < least {
            assert!(begun.elapsed() < Duration::from_secs(60), "never at least {least}: {query}");
            // Postgres tells nobody when a lock is waited for.
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}
