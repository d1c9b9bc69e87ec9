//! After a crash: nothing lost, nothing burnt, each duplicate explained.

use std::sync::Arc;

use letterhead_domain::{
    delivery::AttemptWord,
    message::{MessageStatus, NewMessage, OnUncertain, RecipientStatus},
};
use letterhead_storage::{
    record::{LeasedLane, Recovered},
    repo::lane::{MarkRequest, Marked, Release, Released},
};
use letterhead_test_database::Lock;

use crate::fixture::{LEASE, Queue, accepted, receipt};

async fn recover(queue: &Queue, lane: &LeasedLane) -> Vec<Recovered> {
    let tx = queue.store.tenant(lane.tenant).await.unwrap();
    let recovered = tx.lane(lane.sender, lane.token).take_over().await.unwrap();
    tx.commit().await.unwrap();
    recovered
}

fn waits() -> NewMessage {
    NewMessage { on_uncertain: OnUncertain::Wait, ..receipt() }
}

#[tokio::test]
async fn the_next_holder_sends_again_or_asks_a_person_and_the_attempt_says_why() {
    let queue = Queue::new().await;
    let resent = queue.accept(&receipt()).await;
    let asked = queue.accept(&waits()).await;
    let untouched = queue.accept(&receipt()).await;
    let lost = queue.claim_one().await;
    queue.window(&lost, 2).await;
    queue.db.advance(LEASE).await;

    let lane = queue.claim_one().await;
    assert!(lane.is_left && !lost.is_left);
    let mut recovered = recover(&queue, &lane).await;

    recovered.sort_by_key(|message| message.id);
    assert_eq!(
        recovered,
        [
            Recovered { id: resent, status: MessageStatus::Queued },
            Recovered { id: asked, status: MessageStatus::Uncertain },
        ]
    );
    let asked = queue.load(asked).await;
    assert_eq!(asked.status, MessageStatus::Uncertain);
    assert_eq!(asked.recipients[0].status, RecipientStatus::Uncertain);
    assert_eq!(asked.attempts[0].outcome, Some(AttemptWord::WorkerLost));
    let window = queue.window(&lane, 8).await;
    assert_eq!(window.iter().map(|m| m.id).collect::<Vec<_>>(), [untouched, resent]);
    let resent = queue.load(resent).await;
    assert_eq!(resent.attempts[0].outcome, Some(AttemptWord::WorkerLost));
    assert_eq!(resent.attempts[1].number, 2);
    assert_eq!(recover(&queue, &lane).await, [], "its own marks are not lost");
}

#[tokio::test]
async fn a_late_workers_result_is_refused_once_its_message_has_changed_hands() {
    let queue = Queue::new().await;
    let message = queue.accept(&receipt()).await;
    let slow = queue.claim_one().await;
    let old = queue.window(&slow, 1).await;
    queue.db.advance(LEASE).await;
    let lane = queue.claim_one().await;
    recover(&queue, &lane).await;

    assert_eq!(queue.finish(&slow, &[accepted(&old[0])]).await, [message], "before the new mark");
    let new = queue.window(&lane, 1).await;
    assert_eq!(queue.finish(&slow, &[accepted(&old[0])]).await, [message], "and after it");
    assert_eq!(queue.load(message).await.status, MessageStatus::Sending);
    assert_eq!(queue.load(message).await.recipients[0].status, RecipientStatus::Queued);
    assert_eq!(queue.finish(&lane, &[accepted(&new[0])]).await, []);
    let outcomes: Vec<_> = queue.load(message).await.attempts.iter().map(|a| a.outcome).collect();
    assert_eq!(outcomes, [Some(AttemptWord::WorkerLost), Some(AttemptWord::Accepted)]);
}

#[tokio::test]
async fn a_late_result_that_comes_before_the_recovery_is_the_truth() {
    let queue = Queue::new().await;
    let message = queue.accept(&receipt()).await;
    let slow = queue.claim_one().await;
    let old = queue.window(&slow, 1).await;
    queue.db.advance(LEASE).await;
    let lane = queue.claim_one().await;

    assert_eq!(queue.finish(&slow, &[accepted(&old[0])]).await, []);

    assert_eq!(recover(&queue, &lane).await, []);
    assert_eq!(queue.load(message).await.status, MessageStatus::Accepted);
    assert_eq!(queue.mark(&slow, 8).await, Marked::Lost);
}

#[tokio::test]
async fn a_late_result_and_a_recovery_at_the_same_moment_agree_on_each_message() {
    let queue = Arc::new(Queue::new().await);
    for _ in 0..20 {
        let sent = queue.accept_many(10).await;
        let slow = queue.claim_one().await;
        let window = queue.window(&slow, 10).await;
        queue.db.advance(LEASE).await;
        let lane = queue.claim_one().await;

        let finishing = tokio::spawn({
            let queue = queue.clone();
            let results: Vec<_> = window.iter().rev().map(accepted).collect();
            async move { queue.finish(&slow, &results).await }
        });
        let recovered = recover(&queue, &lane).await;
        let refused = finishing.await.unwrap();

        let mut taken: Vec<_> = recovered.iter().map(|message| message.id).collect();
        let mut refused = refused;
        taken.sort();
        refused.sort();
        assert_eq!(taken, refused, "each message is finished or recovered, never both");
        let again = if taken.is_empty() { Vec::new() } else { queue.window(&lane, 20).await };
        assert_eq!(again.len(), taken.len());
        let results: Vec<_> = again.iter().map(accepted).collect();
        queue.finish(&lane, &results).await;
        queue.release(&lane, Release::Park).await;
        for message in sent {
            assert_eq!(queue.load(message).await.status, MessageStatus::Accepted);
        }
    }
}

#[tokio::test]
async fn a_mark_that_is_not_committed_yet_keeps_the_lane_from_changing_hands() {
    let queue = Arc::new(Queue::new().await);
    let (earlier, later) = (queue.accept(&receipt()).await, crate::fixture::id());
    let lane = queue.claim_one().await;
    // The same attempt, by somebody who has not committed: the mark waits for them at its end.
    let held = queue
        .db
        .hold(&format!(
            "INSERT INTO attempts (tenant_id, id, message_id, number, version, worker, lease_token)
             VALUES ('{}', '{later}', '{earlier}', 9, 1, 'other', '{later}')",
            queue.tenant
        ))
        .await;
    let marking = tokio::spawn({
        let queue = queue.clone();
        async move {
            let limits = letterhead_domain::limit::Limits::default();
            let request = MarkRequest { attempt_ids: &[later], max_bytes: 1_000, limits };
            queue.mark_under(&lane, request).await
        }
    });
    queue.db.wait_for_a_lock(Lock::Row).await;
    queue.db.advance(LEASE).await;

    assert_eq!(queue.claim(1).await, [], "it is skipped");
    held.release().await;
    assert!(matches!(marking.await.unwrap(), Marked::Window { .. }));

    let next = queue.claim_one().await;
    assert_eq!(recover(&queue, &next).await.len(), 1, "and the mark is seen");
}

#[tokio::test]
async fn a_lane_parked_with_marked_messages_is_due_at_once() {
    let queue = Queue::new().await;
    let message = queue.accept(&receipt()).await;
    let careless = queue.claim_one().await;
    queue.window(&careless, 1).await;

    assert_ne!(queue.release(&careless, Release::Park).await, Released::Lost);

    let lane = queue.claim_one().await;
    assert!(lane.is_left);
    let recovered = recover(&queue, &lane).await;
    assert_eq!(recovered, [Recovered { id: message, status: MessageStatus::Queued }]);
}

#[tokio::test]
async fn nobody_recovers_under_a_lease_that_is_not_theirs() {
    let queue = Queue::new().await;
    queue.accept(&receipt()).await;
    let holder = queue.claim_one().await;
    queue.window(&holder, 1).await;

    let stranger = LeasedLane { token: crate::fixture::id(), ..holder };
    assert_eq!(recover(&queue, &stranger).await, []);

    let tx = queue.store.tenant(queue.tenant).await.unwrap();
    let abandoned = tx.messages().recover_abandoned(queue.sender).await.unwrap();
    assert_eq!(abandoned, [], "it is held");
}
