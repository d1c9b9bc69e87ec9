//! Marks: what they check, in which order they take, and what they hand out.

use std::time::Duration;

use letterhead_domain::{
    id::SenderId,
    message::{MessageKind, MessageStatus, NewMessage, RecipientStatus},
    sender::VersionNumber,
};
use letterhead_storage::{
    record::LeasedLane,
    repo::lane::{Marked, Release, Released},
};

use crate::fixture::{LEASE, Queue, accepted, attachment, id, receipt, receipt_for, result};

#[tokio::test]
async fn a_mark_is_durable_and_names_version_worker_and_lease() {
    let queue = Queue::new().await;
    let message = queue.accept(&receipt()).await;
    let lane = queue.claim_one().await;

    let Marked::Window { version, messages } = queue.mark(&lane, 8).await else {
        panic!("a window")
    };

    assert_eq!(version, VersionNumber(1));
    assert_eq!(messages.len(), 1);
    let record = queue.load(message).await;
    assert_eq!(record.status, MessageStatus::Sending);
    assert_eq!(record.attempts.len(), 1);
    assert_eq!(record.attempts[0].id, messages[0].attempt);
    assert_eq!(record.attempts[0].number, 1);
    assert_eq!(record.attempts[0].version, VersionNumber(1));
    assert_eq!(record.attempts[0].outcome, None);
    let token = queue.db.rows("SELECT lease_token, worker FROM attempts").await;
    assert_eq!(token[0]["lease_token"], lane.token.to_string());
    assert_eq!(token[0]["worker"], "worker");
}

#[tokio::test]
async fn kinds_leave_in_their_order_and_within_one_the_oldest_first() {
    let queue = Queue::new().await;
    let mut accepted = Vec::new();
    for kind in MessageKind::ALL.iter().rev().chain(MessageKind::ALL) {
        let message = NewMessage { kind: *kind, ..receipt() };
        accepted.push((*kind, queue.accept(&message).await));
    }
    let lane = queue.claim_one().await;

    let first: Vec<_> = queue.window(&lane, 5).await.iter().map(|m| m.id).collect();
    let rest: Vec<_> = queue.window(&lane, 5).await.iter().map(|m| m.id).collect();

    accepted.sort_by_key(|(kind, _)| *kind);
    let expected: Vec<_> = accepted.into_iter().map(|(_, id)| id).collect();
    assert_eq!([first, rest].concat(), expected);
}

#[tokio::test]
async fn a_window_is_bounded_in_bytes_but_never_empty() {
    let queue = Queue::new().await;
    let mut big = receipt();
    big.content.attachments = vec![attachment(1_000)];
    for _ in 0..4 {
        queue.accept(&big).await;
    }
    let lane = queue.claim_one().await;
    let taken = async |max_bytes| match queue.mark_bytes(&lane, 8, max_bytes).await {
        Marked::Window { messages, .. } => messages.len(),
        Marked::Lost | Marked::Blocked | Marked::Nothing | Marked::Paced(_) | Marked::Full(_) => 0,
    };

    assert_eq!(taken(2_100).await, 2);
    assert_eq!(taken(10).await, 1);
    assert_eq!(taken(u64::MAX).await, 1);
}

#[tokio::test]
async fn a_window_of_two_hundred_is_marked_and_finished_whole() {
    let queue = Queue::new().await;
    let sent = queue.accept_many(200).await;
    let lane = queue.claim_one().await;

    let window = queue.window(&lane, 200).await;
    let results: Vec<_> = window.iter().map(accepted).collect();
    let refused = queue.finish(&lane, &results).await;

    assert_eq!(window.iter().map(|m| m.id).collect::<Vec<_>>(), sent);
    assert_eq!(refused, []);
    let done = "SELECT count(*) FROM messages m JOIN attempts a ON a.message_id = m.id
        JOIN recipients r ON r.message_id = m.id
        WHERE m.status = 'accepted' AND a.outcome = 'accepted' AND r.status = 'accepted'
            AND m.attempt_id IS NULL AND m.finished_at IS NOT NULL";
    assert_eq!(queue.db.number(done).await, 200);
}

#[tokio::test]
async fn nothing_is_marked_for_a_sender_that_may_not_send() {
    let queue = Queue::new().await;
    queue.accept(&receipt()).await;
    let cases = [
        ("senders", "live_version = NULL", "live_version = 1"),
        (
            "senders",
            "pause_reason = 'by_hand', paused_at = now()",
            "pause_reason = NULL, paused_at = NULL",
        ),
        ("senders", "deleted_at = now()", "deleted_at = NULL"),
        ("tenants", "status = 'suspended'", "status = 'active'"),
        ("tenants", "deleted_at = now()", "deleted_at = NULL"),
    ];
    for (table, block, unblock) in cases {
        let lane = queue.claim_one().await;
        queue.db.sql(&format!("UPDATE {table} SET {block}")).await;

        assert_eq!(queue.mark(&lane, 8).await, Marked::Blocked, "{block}");
        assert_ne!(queue.release(&lane, Release::Park).await, Released::Lost);
        assert_eq!(queue.claim(1).await, [], "it is not claimed again: {block}");

        queue
            .db
            .sql(&format!("UPDATE {table} SET {unblock}; UPDATE lanes SET blocked = false"))
            .await;
    }
    let lane = queue.claim_one().await;
    assert_eq!(queue.window(&lane, 8).await.len(), 1);
}

#[tokio::test]
async fn nothing_is_marked_under_another_token_tenant_or_a_lease_that_is_over() {
    let queue = Queue::new().await;
    let (other, _) = queue.other().await;
    queue.accept(&receipt()).await;
    let lane = queue.claim_one().await;

    let stolen = LeasedLane { token: id(), ..lane };
    assert_eq!(queue.mark(&stolen, 8).await, Marked::Lost);
    let elsewhere = LeasedLane { tenant: other, ..lane };
    assert_eq!(queue.mark(&elsewhere, 8).await, Marked::Lost);
    let another = LeasedLane { sender: id::<SenderId>(), ..lane };
    assert_eq!(queue.mark(&another, 8).await, Marked::Lost);
    queue.db.advance(LEASE).await;
    assert_eq!(queue.mark(&lane, 8).await, Marked::Lost);
    assert_eq!(queue.db.number("SELECT count(*) FROM attempts").await, 0);
}

#[tokio::test]
async fn what_is_not_due_yet_or_has_expired_is_not_marked() {
    let queue = Queue::new().await;
    let mut later = receipt();
    later.send_at = Some(queue.now().await + chrono::TimeDelta::hours(1));
    let later = queue.accept(&later).await;
    let expired = queue.accept(&receipt()).await;
    queue.db.sql(&format!("UPDATE messages SET expires_at = now() WHERE id = '{expired}'")).await;
    let lane = queue.claim_one().await;

    assert_eq!(queue.mark(&lane, 8).await, Marked::Nothing);
    queue.release(&lane, Release::Park).await;
    assert_eq!(queue.claim(1).await, [], "an expired message makes no lane due");

    queue.db.advance(Duration::from_secs(3_601)).await;
    let lane = queue.claim_one().await;
    let window = queue.window(&lane, 8).await;
    assert_eq!(window.iter().map(|m| m.id).collect::<Vec<_>>(), [later]);
}

#[tokio::test]
async fn two_sessions_of_one_lane_never_mark_the_same_message() {
    let queue = std::sync::Arc::new(Queue::new().await);
    queue.accept_many(100).await;
    let lane = queue.claim_one().await;

    let mut racing = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let queue = queue.clone();
        racing.spawn(async move {
            let mut marked = Vec::new();
            while let Marked::Window { messages, .. } = queue.mark(&lane, 5).await {
                marked.extend(messages.into_iter().map(|message| message.id));
            }
            marked
        });
    }
    let mut marked = racing.join_all().await.concat();

    marked.sort();
    let all = marked.len();
    marked.dedup();
    assert_eq!((marked.len(), all), (100, 100));
    assert_eq!(queue.db.number("SELECT count(*) FROM attempts").await, 100);
}

#[tokio::test]
async fn a_message_that_is_being_cancelled_is_left_out() {
    let queue = Queue::new().await;
    let first = queue.accept(&receipt()).await;
    let second = queue.accept(&receipt()).await;
    let lane = queue.claim_one().await;
    let tx = queue.store.tenant(queue.tenant).await.unwrap();
    tx.messages().cancel(first).await.unwrap();

    let window = queue.window(&lane, 8).await;
    tx.commit().await.unwrap();

    assert_eq!(window.iter().map(|m| m.id).collect::<Vec<_>>(), [second]);
    assert_eq!(queue.mark(&lane, 8).await, Marked::Nothing);
}

#[tokio::test]
async fn a_second_attempt_keeps_the_date_and_counts_on() {
    let queue = Queue::new().await;
    let message = queue.accept(&receipt_for(&["ann@example.net", "bob@example.net"])).await;
    let lane = queue.claim_one().await;
    let first = queue.window(&lane, 1).await;
    let fates = [RecipientStatus::Deferred, RecipientStatus::Accepted];
    queue.finish(&lane, &[result(&first[0], &fates)]).await;
    assert_eq!(queue.mark(&lane, 1).await, Marked::Nothing, "it waits for a minute");
    queue.release(&lane, Release::Park).await;
    queue.db.advance(Duration::from_secs(61)).await;

    let lane = queue.claim_one().await;
    let second = queue.window(&lane, 1).await;

    assert_eq!(second[0].header_date, first[0].header_date);
    assert_eq!(second[0].header_id, first[0].header_id);
    assert_eq!(second[0].attempt_number, 2);
    assert!(second[0].tried_for >= Duration::from_secs(61));
    let pending: Vec<_> = second[0].pending.iter().map(|(_, email)| email.as_str()).collect();
    assert_eq!(pending, ["ann@example.net"]);
    assert_eq!(second[0].settled, [RecipientStatus::Accepted]);
    let numbers: Vec<_> = queue.load(message).await.attempts.iter().map(|a| a.number).collect();
    assert_eq!(numbers, [1, 2]);
}
