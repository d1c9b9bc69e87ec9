//! Accepting messages, once under each key, and not for senders that are gone.

use letterhead_domain::id::MessageId;
use letterhead_storage::{error::StorageError, repo::message::Enqueued};

use crate::fixture::{Queue, enqueue, id, key, receipt};

#[tokio::test]
async fn the_same_body_under_a_key_gives_the_first_message_again_and_another_body_is_refused() {
    let queue = Queue::new().await;
    let message = receipt();
    let first: MessageId = id();
    let tx = queue.store.tenant(queue.tenant).await.unwrap();
    let new = enqueue(first, queue.sender, &message, Some(key("receipt-4711", 1)));
    assert_eq!(tx.messages().enqueue(&new).await.unwrap(), Enqueued::New);
    tx.commit().await.unwrap();

    let tx = queue.store.tenant(queue.tenant).await.unwrap();
    let again = enqueue(id(), queue.sender, &message, Some(key("receipt-4711", 1)));
    let other = enqueue(id(), queue.sender, &message, Some(key("receipt-4711", 2)));
    let again = tx.messages().enqueue(&again).await.unwrap();
    let other = tx.messages().enqueue(&other).await.unwrap();
    tx.commit().await.unwrap();

    assert_eq!(again, Enqueued::Same { id: first, header_id: format!("<{first}@aurora.example>") });
    assert_eq!(other, Enqueued::DifferentBody);
    assert_eq!(queue.db.number("SELECT count(*) FROM messages").await, 1);
    assert_eq!(queue.db.number("SELECT count(*) FROM message_bodies").await, 1);
}

#[tokio::test]
async fn equal_keys_of_two_tenants_have_nothing_to_do_with_each_other() {
    let queue = Queue::new().await;
    let (other, others_sender) = queue.other().await;
    let message = receipt();

    for (tenant, sender) in [(queue.tenant, queue.sender), (other, others_sender)] {
        let tx = queue.store.tenant(tenant).await.unwrap();
        let new = enqueue(id(), sender, &message, Some(key("receipt-4711", 1)));
        assert_eq!(tx.messages().enqueue(&new).await.unwrap(), Enqueued::New);
        tx.commit().await.unwrap();
    }

    assert_eq!(queue.db.number("SELECT count(*) FROM messages").await, 2);
}

#[tokio::test]
async fn many_that_come_at_once_under_one_key_make_one_message() {
    let queue = Queue::new().await;

    let mut racing = tokio::task::JoinSet::new();
    for _ in 0..16 {
        let (store, tenant, sender) = (queue.store.clone(), queue.tenant, queue.sender);
        racing.spawn(async move {
            let message = receipt();
            let tx = store.tenant(tenant).await.unwrap();
            let new = enqueue(id(), sender, &message, Some(key("receipt-4711", 1)));
            let enqueued = tx.messages().enqueue(&new).await.unwrap();
            tx.commit().await.unwrap();
            (new.id, enqueued)
        });
    }
    let outcomes = racing.join_all().await;

    let first: Vec<_> = outcomes.iter().filter(|(_, e)| *e == Enqueued::New).collect();
    assert_eq!(first.len(), 1);
    let winner = first[0].0;
    let others = outcomes.iter().filter(|(id, _)| *id != winner);
    let all_same = others
        .into_iter()
        .all(|(_, enqueued)| matches!(enqueued, Enqueued::Same { id, .. } if *id == winner));
    assert!(all_same);
    assert_eq!(queue.db.number("SELECT count(*) FROM messages").await, 1);
    assert_eq!(queue.db.number("SELECT count(*) FROM recipients").await, 1);
}

#[tokio::test]
async fn a_key_whose_first_message_was_rolled_back_is_free() {
    let queue = Queue::new().await;
    let message = receipt();
    let tx = queue.store.tenant(queue.tenant).await.unwrap();
    let new = enqueue(id(), queue.sender, &message, Some(key("receipt-4711", 1)));
    tx.messages().enqueue(&new).await.unwrap();

    let (store, tenant, sender) = (queue.store.clone(), queue.tenant, queue.sender);
    let second = tokio::spawn(async move {
        let message = receipt();
        let tx = store.tenant(tenant).await.unwrap();
        let new = enqueue(id(), sender, &message, Some(key("receipt-4711", 1)));
        let enqueued = tx.messages().enqueue(&new).await.unwrap();
        tx.commit().await.unwrap();
        enqueued
    });
    let waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted";
    queue.db.wait_until(waiting, 1).await;
    drop(tx);

    assert_eq!(second.await.unwrap(), Enqueued::New);
    assert_eq!(queue.db.number("SELECT count(*) FROM messages").await, 1);
}

#[tokio::test]
async fn a_sender_that_is_gone_or_anothers_takes_no_message() {
    let queue = Queue::new().await;
    let (_, others) = queue.other().await;
    queue
        .db
        .sql(&format!("UPDATE senders SET deleted_at = now() WHERE id = '{}'", queue.sender))
        .await;
    let message = receipt();

    for sender in [queue.sender, others, id()] {
        let tx = queue.store.tenant(queue.tenant).await.unwrap();
        let new = enqueue(id(), sender, &message, Some(key("receipt-4711", 1)));
        let refused = tx.messages().enqueue(&new).await;
        assert!(matches!(refused, Err(StorageError::NotFound("sender"))));
        tx.commit().await.unwrap();
    }

    assert_eq!(queue.db.number("SELECT count(*) FROM messages").await, 0);
    assert_eq!(queue.db.number("SELECT count(*) FROM idempotency_keys").await, 0);
}

#[tokio::test]
async fn a_lane_that_is_due_is_left_alone_and_one_that_is_due_later_is_made_due() {
    let queue = Queue::new().await;
    let mut later = receipt();
    let in_an_hour = queue.now().await + chrono::TimeDelta::hours(1);
    later.send_at = Some(in_an_hour);
    let due = "SELECT extract(epoch FROM due_at) * 1000 FROM lanes";

    queue.accept(&later).await;
    let planned = queue.db.number(due).await;
    queue.accept(&receipt()).await;
    let now = queue.db.number(due).await;
    let untouched = queue.db.rows("SELECT xmin::text AS changed_by FROM lanes").await;
    queue.accept(&receipt()).await;

    assert!((planned - in_an_hour.timestamp_millis()).abs() < 2_000);
    assert!(now < planned);
    assert_eq!(queue.db.rows("SELECT xmin::text AS changed_by FROM lanes").await, untouched);
}
