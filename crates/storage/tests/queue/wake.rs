//! Wake-ups from instance to instance.

use std::time::Duration;

use letterhead_storage::{
    key::MasterKeys,
    store::{Store, StoreConfig},
    wakeups::{Change, Signal, Wakeups},
};
use uuid::Uuid;

use crate::fixture::Queue;

const LISTENING: &str = "SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND query LIKE 'LISTEN%'";
const SOON: Duration = Duration::from_secs(30);

async fn elsewhere(queue: &Queue) -> Store {
    let keys = MasterKeys::parse(&MasterKeys::generate("test", &[7; 32])).unwrap();
    let config = StoreConfig { url: queue.db.url(), connections: 2, statement_cache: 0 };
    Store::connect(config, keys).await.unwrap()
}

async fn next(wakeups: &mut Wakeups) -> Signal {
    tokio::time::timeout(SOON, wakeups.next()).await.unwrap()
}

#[tokio::test]
async fn every_change_reaches_another_instance_by_name() {
    let queue = Queue::new().await;
    let mut wakeups = elsewhere(&queue).await.wakeups();
    assert_eq!(next(&mut wakeups).await, Signal::Connected);
    let changes = [Change::ApiKey(Uuid::new_v4().into()), Change::Tenant(Uuid::new_v4().into())];

    queue.store.notify_changes(&changes).await.unwrap();

    for change in changes {
        assert_eq!(next(&mut wakeups).await, Signal::Changed(change));
    }
}

#[tokio::test]
async fn a_change_that_this_release_does_not_know_may_be_any() {
    let queue = Queue::new().await;
    let mut wakeups = elsewhere(&queue).await.wakeups();
    assert_eq!(next(&mut wakeups).await, Signal::Connected);

    queue.db.sql("NOTIFY letterhead_changed, 'planet mars'").await;

    assert_eq!(next(&mut wakeups).await, Signal::Connected);
}

#[tokio::test]
async fn a_wake_up_reaches_another_instance_and_goes_on_after_its_connection_was_cut() {
    let queue = Queue::new().await;
    let mut wakeups = elsewhere(&queue).await.wakeups();
    assert_eq!(next(&mut wakeups).await, Signal::Connected);

    queue.store.notify_wake().await.unwrap();
    assert_eq!(next(&mut wakeups).await, Signal::Wake);

    queue
        .db
        .sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
              WHERE datname = current_database() AND query LIKE 'LISTEN%'",
        )
        .await;
    assert_eq!(next(&mut wakeups).await, Signal::Connected, "again");
    queue.store.notify_wake().await.unwrap();
    assert_eq!(next(&mut wakeups).await, Signal::Wake);

    drop(wakeups);
    queue.db.wait_until(&format!("SELECT 1 - ({LISTENING})"), 1).await;
}
