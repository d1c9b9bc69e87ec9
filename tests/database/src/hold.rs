//! Locks that a test holds, and conditions that it waits for.

use std::time::{Duration, Instant};

use sea_orm::{ConnectionTrait, DatabaseTransaction, TransactionTrait};

use crate::TestDatabase;

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
