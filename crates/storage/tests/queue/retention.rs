//! Removing what is old.

use std::time::Duration;

use letterhead_domain::{
    id::MessageId,
    message::{MessageStatus, RecipientStatus},
};
use letterhead_storage::error::StorageError;

use crate::fixture::{Queue, receipt};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

async fn remove_bodies(queue: &Queue, limit: u64) -> u64 {
    let system = queue.store.system().await.unwrap();
    let removed = system.retention().remove_bodies(30 * DAY, limit).await.unwrap();
    system.commit().await.unwrap();
    removed
}

async fn remove_messages(queue: &Queue) -> u64 {
    let system = queue.store.system().await.unwrap();
    let removed = system.retention().remove_messages(400 * DAY, 10).await.unwrap();
    system.commit().await.unwrap();
    removed
}

async fn rows(queue: &Queue, table: &str) -> i64 {
    queue.db.number(&format!("SELECT count(*) FROM {table}")).await
}

async fn settled(queue: &Queue, fate: RecipientStatus) -> MessageId {
    let message = queue.accept(&receipt()).await;
    queue.settle(message, &[fate]).await;
    message
}

#[tokio::test]
async fn what_a_message_said_goes_and_what_became_of_it_stays() {
    let queue = Queue::new().await;
    let old = settled(&queue, RecipientStatus::Accepted).await;
    let uncertain = settled(&queue, RecipientStatus::Uncertain).await;
    queue.db.advance(29 * DAY).await;
    assert_eq!(remove_bodies(&queue, 10).await, 0, "they are not old enough");
    let young = settled(&queue, RecipientStatus::Rejected).await;
    let waiting = queue.accept(&receipt()).await;
    queue.db.advance(DAY).await;

    assert_eq!(remove_bodies(&queue, 10).await, 2);

    assert_eq!(remove_bodies(&queue, 10).await, 0, "nothing is left to remove");
    let record = queue.load(old).await;
    assert_eq!((record.status, record.attempts.len()), (MessageStatus::Accepted, 1));
    let tx = queue.store.tenant(queue.tenant).await.unwrap();
    let left = tx.messages().load_contents(&[old, uncertain, young, waiting]).await.unwrap();
    let mut left: Vec<_> = left.into_iter().map(|(id, _)| id).collect();
    left.sort();
    assert_eq!(left, [young, waiting]);
}

#[tokio::test]
async fn a_round_is_bounded_and_begins_with_the_oldest() {
    let queue = Queue::new().await;
    let oldest = settled(&queue, RecipientStatus::Accepted).await;
    queue.db.advance(DAY).await;
    settled(&queue, RecipientStatus::Accepted).await;
    queue.db.advance(40 * DAY).await;

    assert_eq!(remove_bodies(&queue, 1).await, 1);

    let gone = format!("SELECT count(*) FROM message_bodies WHERE id = '{oldest}'");
    assert_eq!(queue.db.number(&gone).await, 0);
    assert_eq!(rows(&queue, "message_bodies").await, 1);
}

#[tokio::test]
async fn a_message_whose_content_is_gone_is_not_tried_again() {
    let queue = Queue::new().await;
    let message = settled(&queue, RecipientStatus::Rejected).await;
    queue.db.advance(30 * DAY).await;
    remove_bodies(&queue, 10).await;

    let refused = queue.retry(message).await;

    assert!(
        matches!(refused, Err(StorageError::Conflict(words)) if words.contains("hand it over"))
    );
    assert_eq!(queue.load(message).await.status, MessageStatus::Rejected);
}

#[tokio::test]
async fn a_row_that_somebody_has_locked_is_left_for_the_next_round() {
    let queue = Queue::new().await;
    let message = settled(&queue, RecipientStatus::Rejected).await;
    queue.db.advance(30 * DAY).await;
    let retrying = queue.store.tenant(queue.tenant).await.unwrap();
    retrying.messages().retry(message).await.unwrap();

    assert_eq!(remove_bodies(&queue, 10).await, 0);

    retrying.commit().await.unwrap();
    assert_eq!(remove_bodies(&queue, 10).await, 0, "it waits again");
    assert_eq!(rows(&queue, "message_bodies").await, 1);
}

#[tokio::test]
async fn in_the_end_nothing_of_a_message_is_left() {
    let queue = Queue::new().await;
    settled(&queue, RecipientStatus::Accepted).await;
    queue.db.advance(399 * DAY).await;
    assert_eq!(remove_messages(&queue).await, 0, "its content goes first");
    remove_bodies(&queue, 10).await;
    assert_eq!(remove_messages(&queue).await, 0, "it is not old enough");
    let waiting = queue.accept(&receipt()).await;
    queue.db.advance(DAY).await;

    assert_eq!(remove_messages(&queue).await, 1);

    for table in ["messages", "message_bodies", "recipients"] {
        assert_eq!(rows(&queue, table).await, 1, "{table}");
    }
    assert_eq!(rows(&queue, "attempts").await, 0);
    assert_eq!(queue.load(waiting).await.status, MessageStatus::Queued);
}
