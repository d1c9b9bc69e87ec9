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

#[tokio::test]
async fn whoever_changes_what_is_shown_of_a_sender_tells_every_instance() {
    let queue = Queue::new().await;
    let (tenant, run) = (queue.tenant, Uuid::new_v4());
    let mut wakeups = elsewhere(&queue).await.wakeups();
    assert_eq!(next(&mut wakeups).await, Signal::Connected);
    let changes = [
        "UPDATE senders SET pause_reason = 'by_hand', paused_at = now()".to_owned(),
        "UPDATE senders SET failures = 3".to_owned(),
        "UPDATE senders SET messages_per_day = 100".to_owned(),
        "UPDATE sender_versions SET sealed_password = NULL".to_owned(),
        format!(
            "INSERT INTO test_runs (tenant_id, id, sender_id, mode, requested_by)
             SELECT tenant_id, '{run}', id, 'connection', 'test' FROM senders"
        ),
        "UPDATE test_runs SET stages = '[]'".to_owned(),
        "UPDATE lanes SET held = true, not_before = now() + interval '1 hour'".to_owned(),
        "UPDATE lanes SET held = false, not_before = '-infinity'".to_owned(),
        "UPDATE tenants SET status = 'suspended'".to_owned(),
        "INSERT INTO senders (tenant_id, id, slug) SELECT id, gen_random_uuid(), 'b' FROM tenants"
            .to_owned(),
    ];

    for sql in changes {
        queue.db.sql(&sql).await;
        assert_eq!(next(&mut wakeups).await, Signal::Changed(Change::Senders(tenant)), "{sql}");
    }
}

#[tokio::test]
async fn what_changes_with_each_message_tells_nobody() {
    let queue = Queue::new().await;
    let mut wakeups = elsewhere(&queue).await.wakeups();
    assert_eq!(next(&mut wakeups).await, Signal::Connected);

    queue
        .db
        .sql(
            "UPDATE senders SET last_accepted_at = now();
             UPDATE lanes SET due_at = now(), not_before = now(), served_at = now(), trouble = 1;
             NOTIFY letterhead_wake",
        )
        .await;

    assert_eq!(next(&mut wakeups).await, Signal::Wake, "and nothing before it");
}
