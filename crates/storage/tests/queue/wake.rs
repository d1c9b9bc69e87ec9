//! Wake-ups from instance to instance.

use std::time::Duration;

use letterhead_storage::{
    key::MasterKeys,
    store::{Store, StoreConfig},
};

use crate::fixture::Queue;

const LISTENING: &str = "SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND query LIKE 'LISTEN%'";
const SOON: Duration = Duration::from_secs(30);

#[tokio::test]
async fn a_wake_up_reaches_another_instance_and_goes_on_after_its_connection_was_cut() {
    let queue = Queue::new().await;
    let keys = MasterKeys::parse(&MasterKeys::generate("test", &[7; 32])).unwrap();
    let config = StoreConfig { url: queue.db.url(), connections: 2, statement_cache: 0 };
    let elsewhere = Store::connect(config, keys).await.unwrap();
    let mut wakeups = elsewhere.wakeups();
    let connected = tokio::time::timeout(SOON, wakeups.next()).await;
    assert!(connected.is_ok(), "being connected counts as one");

    queue.store.notify_wake().await.unwrap();
    assert!(tokio::time::timeout(SOON, wakeups.next()).await.is_ok());

    queue
        .db
        .sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
              WHERE datname = current_database() AND query LIKE 'LISTEN%'",
        )
        .await;
    assert!(tokio::time::timeout(SOON, wakeups.next()).await.is_ok(), "being connected again");
    queue.store.notify_wake().await.unwrap();
    assert!(tokio::time::timeout(SOON, wakeups.next()).await.is_ok());

    drop(wakeups);
    queue.db.wait_until(&format!("SELECT 1 - ({LISTENING})"), 1).await;
}
