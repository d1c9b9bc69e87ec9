//! Results in groups.

use std::time::Duration;

use letterhead_domain::{
    delivery::AttemptWord,
    message::{MessageStatus, RecipientStatus},
};
use letterhead_storage::repo::lane::{AttemptResult, Release};

use crate::fixture::{Queue, accepted, receipt, receipt_for, result};

#[tokio::test]
async fn a_group_of_different_results_is_recorded_each_for_itself() {
    let queue = Queue::new().await;
    for _ in 0..5 {
        queue.accept(&receipt_for(&["ann@example.net", "bob@example.net"])).await;
    }
    let lane = queue.claim_one().await;
    let window = queue.window(&lane, 5).await;
    let fates = [
        [RecipientStatus::Accepted; 2],
        [RecipientStatus::Accepted, RecipientStatus::Rejected],
        [RecipientStatus::Accepted, RecipientStatus::Deferred],
        [RecipientStatus::Queued; 2],
        [RecipientStatus::Uncertain; 2],
    ];
    let mut results: Vec<AttemptResult> =
        window.iter().zip(fates).map(|(message, fates)| result(message, &fates)).collect();
    results[3].counts = false;
    results[3].retry_after = Some(Duration::ZERO);
    results[3].reply = None;

    assert_eq!(queue.finish(&lane, &results).await, []);

    let expected = [
        (MessageStatus::Accepted, AttemptWord::Accepted, 1),
        (MessageStatus::PartlyAccepted, AttemptWord::PartlyAccepted, 1),
        (MessageStatus::Deferred, AttemptWord::Deferred, 1),
        (MessageStatus::Queued, AttemptWord::NotSent, 0),
        (MessageStatus::Uncertain, AttemptWord::Uncertain, 1),
    ];
    for ((message, fates), (status, word, counted)) in window.iter().zip(fates).zip(expected) {
        let record = queue.load(message.id).await;
        assert_eq!(record.status, status);
        assert_eq!(record.attempts_counted, counted, "{status:?}");
        assert_eq!(record.attempts[0].outcome, Some(word));
        assert!(record.attempts[0].finished_at.is_some());
        let standing: Vec<_> = record.recipients.iter().map(|r| r.status).collect();
        assert_eq!(standing, fates);
        let waits = matches!(status, MessageStatus::Deferred | MessageStatus::Queued);
        assert_eq!(record.next_attempt_at.is_some(), waits, "{status:?}");
    }
    let deferred = queue.load(window[2].id).await;
    assert_eq!(
        deferred.next_attempt_at.unwrap(),
        deferred.updated_at + chrono::TimeDelta::minutes(1)
    );
    assert_eq!(deferred.last_reply.as_deref(), Some("250 2.0.0 as it may be"));
    assert_eq!(queue.load(window[3].id).await.last_reply, None);
}

#[tokio::test]
async fn one_refused_result_does_not_spoil_the_others() {
    let queue = Queue::new().await;
    queue.accept_many(3).await;
    let lane = queue.claim_one().await;
    let window = queue.window(&lane, 3).await;
    let mut results: Vec<_> = window.iter().map(accepted).collect();
    results[1].attempt = crate::fixture::id();

    assert_eq!(queue.finish(&lane, &results).await, [window[1].id]);

    assert_eq!(queue.load(window[0].id).await.status, MessageStatus::Accepted);
    assert_eq!(queue.load(window[1].id).await.status, MessageStatus::Sending);
    assert_eq!(queue.load(window[1].id).await.recipients[0].status, RecipientStatus::Queued);
    assert_eq!(queue.load(window[2].id).await.status, MessageStatus::Accepted);
    assert_eq!(queue.finish(&lane, &results).await.len(), 3, "and none counts twice");
}

#[tokio::test]
async fn a_parked_lane_is_due_when_its_deferred_message_is() {
    let queue = Queue::new().await;
    let message = queue.accept(&receipt()).await;

    queue.settle(message, &[RecipientStatus::Deferred]).await;

    assert_eq!(queue.claim(1).await, []);
    queue.db.advance(Duration::from_secs(59)).await;
    assert_eq!(queue.claim(1).await, []);
    queue.db.advance(Duration::from_secs(2)).await;
    assert_eq!(queue.claim(1).await.len(), 1);
}

#[tokio::test]
async fn a_result_that_comes_after_its_lane_was_parked_wakes_it() {
    let queue = Queue::new().await;
    queue.accept(&receipt()).await;
    let lane = queue.claim_one().await;
    let window = queue.window(&lane, 1).await;
    queue.release(&lane, Release::Park).await;
    queue.db.sql("UPDATE lanes SET due_at = NULL").await;

    assert_eq!(queue.finish(&lane, &[result(&window[0], &[RecipientStatus::Deferred])]).await, []);

    queue.db.advance(Duration::from_secs(61)).await;
    assert_eq!(queue.claim(1).await.len(), 1);
}

#[tokio::test]
async fn what_would_wait_for_a_removed_sender_is_cancelled() {
    let queue = Queue::new().await;
    let message = queue.accept(&receipt_for(&["ann@example.net", "bob@example.net"])).await;
    let lane = queue.claim_one().await;
    let window = queue.window(&lane, 1).await;
    queue.db.sql("UPDATE senders SET deleted_at = now()").await;

    let fates = [RecipientStatus::Accepted, RecipientStatus::Deferred];
    queue.finish(&lane, &[result(&window[0], &fates)]).await;

    let record = queue.load(message).await;
    assert_eq!(record.status, MessageStatus::PartlyAccepted);
    assert_eq!(record.recipients[1].status, RecipientStatus::Cancelled);
}

#[tokio::test]
async fn another_tenant_cannot_finish_a_message() {
    let queue = Queue::new().await;
    let (other, _) = queue.other().await;
    let message = queue.accept(&receipt()).await;
    let lane = queue.claim_one().await;
    let window = queue.window(&lane, 1).await;

    let tx = queue.store.tenant(other).await.unwrap();
    let refused = tx.lane(lane.sender, lane.token).finish(&[&accepted(&window[0])]).await.unwrap();
    tx.commit().await.unwrap();

    assert_eq!(refused, [message]);
    let record = queue.load(message).await;
    assert_eq!(record.status, MessageStatus::Sending);
    assert_eq!(record.recipients[0].status, RecipientStatus::Queued);
}
