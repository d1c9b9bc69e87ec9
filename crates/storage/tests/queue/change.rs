//! Cancel, retry, expire.

use std::time::Duration;

use letterhead_domain::message::{MessageStatus, RecipientStatus};
use letterhead_storage::{error::StorageError, record::MessageRecord, repo::lane::Release};

use crate::fixture::{Queue, accepted, receipt, receipt_for, result};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn standing(record: &MessageRecord) -> Vec<RecipientStatus> {
    record.recipients.iter().map(|recipient| recipient.status).collect()
}

#[tokio::test]
async fn a_waiting_message_is_cancelled_and_never_sent() {
    let queue = Queue::new().await;
    let message = queue.accept(&receipt_for(&["ann@example.net", "bob@example.net"])).await;

    queue.cancel(message).await.unwrap();

    let record = queue.load(message).await;
    assert_eq!(record.status, MessageStatus::Cancelled);
    assert_eq!(record.next_attempt_at, None);
    assert_eq!(standing(&record), [RecipientStatus::Cancelled; 2]);
    let lane = queue.claim_one().await;
    assert_eq!(queue.mark(&lane, 8).await, letterhead_storage::repo::lane::Marked::Nothing);
}

#[tokio::test]
async fn a_message_on_its_way_or_at_its_end_cannot_be_cancelled() {
    let queue = Queue::new().await;
    let message = queue.accept(&receipt()).await;
    let lane = queue.claim_one().await;
    let window = queue.window(&lane, 1).await;

    let on_its_way = queue.cancel(message).await;
    queue.finish(&lane, &[accepted(&window[0])]).await;
    let at_its_end = queue.cancel(message).await;

    assert!(matches!(on_its_way, Err(StorageError::Conflict(_))));
    assert!(matches!(at_its_end, Err(StorageError::Conflict(_))));
    assert_eq!(queue.load(message).await.status, MessageStatus::Accepted);
}

#[tokio::test]
async fn cancelling_the_rest_keeps_what_somebody_has_got() {
    let queue = Queue::new().await;
    let message = queue.accept(&receipt_for(&["ann@example.net", "bob@example.net"])).await;
    let fates = [RecipientStatus::Accepted, RecipientStatus::Deferred];
    queue.settle(message, &fates).await;

    queue.cancel(message).await.unwrap();

    let record = queue.load(message).await;
    assert_eq!(record.status, MessageStatus::PartlyAccepted);
    assert_eq!(standing(&record), [RecipientStatus::Accepted, RecipientStatus::Cancelled]);
}

#[tokio::test]
async fn a_retry_goes_only_to_those_who_have_not_got_it_and_wakes_the_lane() {
    let queue = Queue::new().await;
    let message = queue.accept(&receipt_for(&["ann@example.net", "bob@example.net"])).await;
    let fates = [RecipientStatus::Accepted, RecipientStatus::Rejected];
    queue.settle(message, &fates).await;
    assert_eq!(queue.claim(1).await, [], "nothing is due");
    queue.db.advance(4 * DAY).await;

    queue.retry(message).await.unwrap();

    let record = queue.load(message).await;
    assert_eq!(record.status, MessageStatus::Queued);
    assert_eq!(record.attempts_counted, 0);
    let lane = queue.claim_one().await;
    let window = queue.window(&lane, 8).await;
    let pending: Vec<_> = window[0].pending.iter().map(|(_, email)| email.as_str()).collect();
    assert_eq!(pending, ["bob@example.net"]);
    assert_eq!(window[0].settled, [RecipientStatus::Accepted]);
    assert_eq!(window[0].to.len(), 2, "the header names both");
    assert_eq!(window[0].attempt_number, 1);
    assert_eq!(window[0].tried_for, Duration::ZERO, "its days of trying begin again");
    queue.finish(&lane, &[accepted(&window[0])]).await;
    assert_eq!(queue.load(message).await.status, MessageStatus::Accepted);
}

#[tokio::test]
async fn what_waits_or_was_accepted_for_everybody_cannot_be_retried() {
    let queue = Queue::new().await;
    let message = queue.accept(&receipt()).await;

    let waiting = queue.retry(message).await;
    queue.settle(message, &[RecipientStatus::Accepted]).await;
    let accepted = queue.retry(message).await;

    assert!(matches!(waiting, Err(StorageError::Conflict(_))));
    assert!(matches!(accepted, Err(StorageError::Conflict(_))));
}

#[tokio::test]
async fn a_message_of_a_deleted_sender_cannot_be_retried() {
    let queue = Queue::new().await;
    let message = queue.accept(&receipt()).await;
    queue.settle(message, &[RecipientStatus::Rejected]).await;
    queue.db.sql("UPDATE senders SET deleted_at = now()").await;

    assert!(matches!(queue.retry(message).await, Err(StorageError::Conflict(_))));
}

#[tokio::test]
async fn only_what_waits_beyond_its_time_expires() {
    let queue = Queue::new().await;
    let done = queue.accept(&receipt()).await;
    queue.settle(done, &[RecipientStatus::Accepted]).await;
    let old = queue.accept(&receipt_for(&["ann@example.net", "bob@example.net"])).await;
    let lane = queue.claim_one().await;
    let window = queue.window(&lane, 1).await;
    let fates = [RecipientStatus::Rejected, RecipientStatus::Deferred];
    queue.finish(&lane, &[result(&window[0], &fates)]).await;
    queue.release(&lane, Release::Park).await;
    let older = queue.accept(&receipt()).await;
    queue.db.advance(31 * DAY).await;
    let new = queue.accept(&receipt()).await;

    let tx = queue.store.tenant(queue.tenant).await.unwrap();
    let mut expired = tx.messages().expire(&[done, old, older, new]).await.unwrap();
    tx.commit().await.unwrap();

    expired.sort();
    assert_eq!(expired, [old, older]);
    assert_eq!(queue.load(older).await.status, MessageStatus::Expired);
    assert_eq!(queue.load(older).await.recipients[0].status, RecipientStatus::Expired);
    let folded = queue.load(old).await;
    assert_eq!(folded.status, MessageStatus::Rejected, "as the domain folds it");
    assert_eq!(standing(&folded), [RecipientStatus::Rejected, RecipientStatus::Expired]);
    assert_eq!(queue.load(done).await.status, MessageStatus::Accepted);
    assert_eq!(queue.load(new).await.status, MessageStatus::Queued);
}
