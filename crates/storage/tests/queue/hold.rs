//! Holding the whole queue.

use std::time::Duration;

use letterhead_domain::message::{MessageStatus, NewMessage, RecipientStatus};
use letterhead_storage::{
    record::QueueHold,
    repo::lane::{Marked, Release, Released},
};

use crate::fixture::{LEASE, Queue, receipt};

async fn hold(queue: &Queue, reason: Option<&str>) {
    let system = queue.store.system().await.unwrap();
    system.queue().hold(reason).await.unwrap();
    system.commit().await.unwrap();
}

async fn release(queue: &Queue) -> bool {
    let system = queue.store.system().await.unwrap();
    let was_held = system.queue().release().await.unwrap();
    system.commit().await.unwrap();
    was_held
}

async fn held(queue: &Queue) -> Option<QueueHold> {
    queue.store.system().await.unwrap().queue().held().await.unwrap()
}

#[tokio::test]
async fn nothing_is_claimed_while_the_queue_is_held_and_everything_afterwards() {
    let queue = Queue::new().await;
    queue.accept(&receipt()).await;

    hold(&queue, None).await;
    queue.accept(&receipt()).await;
    assert_eq!(queue.claim(10).await, []);

    assert!(release(&queue).await);
    let lane = queue.claim_one().await;
    assert_eq!(queue.window(&lane, 10).await.len(), 2);
    assert!(!release(&queue).await, "it is not held any more");
}

#[tokio::test]
async fn a_worker_that_has_a_lane_marks_nothing_more_and_records_what_it_sent() {
    let queue = Queue::new().await;
    queue.accept_many(2).await;
    let lane = queue.claim_one().await;
    let window = queue.window(&lane, 1).await;

    hold(&queue, None).await;

    assert_eq!(queue.mark(&lane, 1).await, Marked::Blocked);
    assert_eq!(queue.finish(&lane, &[crate::fixture::accepted(&window[0])]).await, []);
    assert_ne!(queue.release(&lane, Release::Park).await, Released::Lost);
    release(&queue).await;
    assert_eq!(queue.claim(10).await.len(), 1, "the lane was not taken for a blocked one");
}

#[tokio::test]
async fn a_second_hold_keeps_the_beginning_and_takes_the_new_reason() {
    let queue = Queue::new().await;
    assert_eq!(held(&queue).await, None);
    hold(&queue, Some("restore")).await;
    let first = held(&queue).await.unwrap();
    queue.db.advance(LEASE).await;

    hold(&queue, Some("restore, still counting")).await;

    let reason = Some("restore, still counting".to_owned());
    assert_eq!(held(&queue).await, Some(QueueHold { since: first.since, reason }));
}

#[tokio::test]
async fn what_a_lost_worker_had_marked_is_put_back_while_the_queue_is_held() {
    let queue = Queue::new().await;
    let message = queue.accept(&receipt()).await;
    let lost = queue.claim_one().await;
    queue.window(&lost, 1).await;
    queue.db.advance(LEASE).await;
    let abandoned =
        async || queue.store.system().await.unwrap().sweep().abandoned_lanes(10).await.unwrap();
    assert_eq!(abandoned().await, [], "the next claim puts it back");

    hold(&queue, None).await;

    assert_eq!(abandoned().await, [(queue.tenant, queue.sender)]);
    let tx = queue.store.tenant(queue.tenant).await.unwrap();
    tx.messages().recover_abandoned(queue.sender).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(queue.load(message).await.status, MessageStatus::Queued);
}

#[tokio::test]
async fn what_a_lost_database_may_have_sent_becomes_uncertain() {
    let queue = Queue::new().await;
    let sent = queue.accept(&receipt()).await;
    queue.settle(sent, &[RecipientStatus::Accepted]).await;
    let waiting = queue.accept(&receipt()).await;
    let send_at = Some(queue.now().await + Duration::from_secs(86_400));
    let later = queue.accept(&NewMessage { send_at, ..receipt() }).await;
    let backup = queue.now().await;
    queue.db.advance(LEASE).await;
    let new = queue.accept(&receipt()).await;

    let system = queue.store.system().await.unwrap();
    let found = system.queue().waiting_since(backup, 10).await.unwrap();
    assert_eq!(found, [(queue.tenant, vec![waiting])]);
    let tx = queue.store.tenant(queue.tenant).await.unwrap();
    assert_eq!(tx.messages().doubt(&[sent, waiting]).await.unwrap(), 1);
    tx.commit().await.unwrap();

    let doubted = queue.load(waiting).await;
    assert_eq!(doubted.status, MessageStatus::Uncertain);
    assert_eq!(doubted.recipients[0].status, RecipientStatus::Uncertain);
    assert_eq!(doubted.next_attempt_at, None);
    for (message, status) in [
        (sent, MessageStatus::Accepted),
        (later, MessageStatus::Queued),
        (new, MessageStatus::Queued),
    ] {
        assert_eq!(queue.load(message).await.status, status);
    }
    queue.retry(waiting).await.unwrap();
    assert_eq!(queue.load(waiting).await.status, MessageStatus::Queued);
}
