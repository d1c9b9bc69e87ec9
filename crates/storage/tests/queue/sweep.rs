//! The net under everything.

use std::time::Duration;

use letterhead_domain::message::{MessageStatus, RecipientStatus};
use letterhead_storage::{record::QueueStats, store::SystemTx};

use crate::fixture::{LEASE, Queue, accept, id, key, receipt};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

async fn system(queue: &Queue) -> SystemTx {
    queue.store.system().await.unwrap()
}

async fn repair(queue: &Queue) -> u64 {
    let system = system(queue).await;
    let repaired = system.sweep().repair_lanes(100).await.unwrap();
    system.commit().await.unwrap();
    repaired
}

#[tokio::test]
async fn a_lane_whose_wake_up_was_lost_is_found() {
    let queue = Queue::new().await;
    let (other, others_sender) = queue.other().await;
    queue.accept(&receipt()).await;
    queue.accept_for(other, others_sender, &receipt()).await;
    assert_eq!(repair(&queue).await, 0, "nothing is lost by itself");

    for lost in ["NULL", "now() + interval '1 day'"] {
        queue
            .db
            .sql(&format!("UPDATE lanes SET due_at = {lost} WHERE id = '{others_sender}'"))
            .await;
        assert_eq!(repair(&queue).await, 1);
        assert_eq!(repair(&queue).await, 0);
    }

    assert_eq!(queue.claim(10).await.len(), 2);
}

#[tokio::test]
async fn lanes_that_may_not_send_or_have_nothing_to_send_are_left_alone() {
    let queue = Queue::new().await;
    queue.accept(&receipt()).await;
    let (_, idle) = queue.other().await;
    queue.db.sql("UPDATE lanes SET due_at = NULL, blocked = true").await;

    assert_eq!(repair(&queue).await, 0);

    queue.db.sql("UPDATE lanes SET blocked = false; UPDATE messages SET expires_at = now()").await;
    assert_eq!(repair(&queue).await, 0, "what has expired makes no lane due");
    let due = format!("SELECT count(*) FROM lanes WHERE id = '{idle}' AND due_at IS NOT NULL");
    assert_eq!(queue.db.number(&due).await, 0);
}

#[tokio::test]
async fn a_paused_senders_messages_do_not_stay_marked_after_a_crash() {
    let queue = Queue::new().await;
    let message = queue.accept(&receipt()).await;
    let lost = queue.claim_one().await;
    queue.window(&lost, 1).await;
    queue.db.sql("UPDATE lanes SET blocked = true").await;
    assert_eq!(system(&queue).await.sweep().abandoned_lanes(10).await.unwrap(), []);
    queue.db.advance(LEASE).await;

    let abandoned = system(&queue).await.sweep().abandoned_lanes(10).await.unwrap();
    assert_eq!(abandoned, [(queue.tenant, queue.sender)]);
    let tx = queue.store.tenant(queue.tenant).await.unwrap();
    let recovered = tx.messages().recover_abandoned(queue.sender).await.unwrap();
    tx.commit().await.unwrap();

    assert_eq!(recovered.len(), 1);
    assert_eq!(queue.load(message).await.status, MessageStatus::Queued);
    queue.cancel(message).await.unwrap();
    assert_eq!(system(&queue).await.sweep().abandoned_lanes(10).await.unwrap(), []);
}

#[tokio::test]
async fn messages_whose_time_is_over_are_listed_by_tenant() {
    let queue = Queue::new().await;
    let (other, others_sender) = queue.other().await;
    let done = queue.accept(&receipt()).await;
    queue.settle(done, &[RecipientStatus::Accepted]).await;
    let mine = queue.accept(&receipt()).await;
    let theirs = queue.accept_for(other, others_sender, &receipt()).await;
    assert_eq!(system(&queue).await.sweep().overdue_messages(10).await.unwrap(), []);
    queue.db.advance(30 * DAY).await;

    let mut overdue = system(&queue).await.sweep().overdue_messages(10).await.unwrap();

    overdue.sort();
    let mut expected = [(queue.tenant, vec![mine]), (other, vec![theirs])];
    expected.sort();
    assert_eq!(overdue, expected);
    let bounded = system(&queue).await.sweep().overdue_messages(1).await.unwrap();
    assert_eq!(bounded.len(), 1);
}

#[tokio::test]
async fn test_runs_whose_program_died_are_listed() {
    let queue = Queue::new().await;
    let run: letterhead_domain::id::TestRunId = id();
    let (tenant, sender) = (queue.tenant, queue.sender);
    queue
        .db
        .sql(&format!(
            "INSERT INTO test_runs (tenant_id, id, sender_id, mode, requested_by)
                 VALUES ('{tenant}', '{run}', '{sender}', 'connection', 'api-key:1')"
        ))
        .await;
    assert_eq!(system(&queue).await.sweep().interrupted_test_runs(10).await.unwrap(), []);

    queue.db.advance(Duration::from_secs(121)).await;

    let interrupted = system(&queue).await.sweep().interrupted_test_runs(10).await.unwrap();
    assert_eq!(interrupted, [(tenant, vec![run])]);
}

#[tokio::test]
async fn an_idempotency_key_is_forgotten_after_seven_days_and_its_message_is_not() {
    let queue = Queue::new().await;
    let (message, new) = (receipt(), id());
    let accept = accept(queue.tenant, new, &message, Some(key("receipt-4711", 1)));
    queue.store.accept(&[accept]).await.unwrap();
    let forget = async || {
        let system = system(&queue).await;
        let forgotten = system.sweep().forget_idempotency_keys(10).await.unwrap();
        system.commit().await.unwrap();
        forgotten
    };

    queue.db.advance(DAY * 69 / 10).await;
    assert_eq!(forget().await, 0);
    queue.db.advance(DAY).await;
    assert_eq!(forget().await, 1);

    assert_eq!(queue.load(new).await.status, MessageStatus::Queued);
}

#[tokio::test]
async fn old_passwords_go_but_those_of_the_live_version_and_the_candidate_stay() {
    let queue = Queue::new().await;
    let (tenant, sender) = (queue.tenant, queue.sender);
    queue
        .db
        .sql(&format!(
            "DELETE FROM sender_versions;
             INSERT INTO sender_versions (tenant_id, id, sender_id, number, host, port, encryption,
                 auth, username, sender_name, sender_email, secret_id, sealed_password, created_by)
             SELECT '{tenant}', gen_random_uuid(), '{sender}', n, 'mail.example', 587, 'starttls',
                 'password', 'billing', 'Aurora', 'billing@aurora.example', gen_random_uuid(),
                 'sealed', 'api-key:1'
             FROM generate_series(1, 9) n;
             UPDATE senders SET last_version = 9, live_version = 2, candidate_version = 9"
        ))
        .await;
    let forget = async || {
        let system = system(&queue).await;
        let forgotten = system.sweep().forget_old_passwords(100).await.unwrap();
        system.commit().await.unwrap();
        forgotten
    };
    let kept = async || {
        let kept = "SELECT number FROM sender_versions WHERE has_password ORDER BY number";
        let rows = queue.db.rows(kept).await;
        rows.iter().filter_map(|row| row["number"].as_i64()).collect::<Vec<_>>()
    };

    assert_eq!(forget().await, 3);
    assert_eq!(kept().await, [2, 5, 6, 7, 8, 9], "live, candidate, and the last five");
    assert_eq!(forget().await, 0);
    queue.db.advance(DAY * 91).await;
    assert_eq!(forget().await, 4);
    assert_eq!(kept().await, [2, 9]);
}

#[tokio::test]
async fn what_a_deleted_tenant_left_behind_goes_in_batches_and_nothing_else() {
    let queue = Queue::new().await;
    let (other, others_sender) = queue.other().await;
    queue.accept_many(5).await;
    let kept = queue.accept_for(other, others_sender, &receipt()).await;
    queue
        .db
        .sql(&format!("UPDATE tenants SET deleted_at = now() WHERE id = '{}'", queue.tenant))
        .await;

    let mut batches = 0;
    loop {
        let system = system(&queue).await;
        let removed = system.sweep().remove_deleted_tenants(2).await.unwrap();
        system.commit().await.unwrap();
        assert!(removed <= 2);
        if removed == 0 {
            break;
        }
        batches += 1;
    }

    assert!(batches > 5);
    assert_eq!(queue.db.number("SELECT count(*) FROM tenants").await, 1);
    assert_eq!(queue.db.number("SELECT count(*) FROM messages").await, 1);
    let tx = queue.store.tenant(other).await.unwrap();
    assert!(tx.messages().find(kept).await.unwrap().is_some());
}

#[tokio::test]
async fn the_queues_numbers_leave_out_what_a_blocked_sender_keeps_from_being_late() {
    let queue = Queue::new().await;
    let (other, others_sender) = queue.other().await;
    let stats = async || system(&queue).await.queue().stats().await.unwrap();
    assert_eq!(stats().await, QueueStats { waiting: 0, sending: 0, oldest_due_age: None });

    queue.accept_for(other, others_sender, &receipt()).await;
    queue.db.sql(&format!("UPDATE lanes SET blocked = true WHERE id = '{others_sender}'")).await;
    queue.db.advance(Duration::from_secs(3_600)).await;
    queue.accept_many(2).await;
    queue.db.advance(Duration::from_secs(60)).await;

    let QueueStats { waiting, oldest_due_age, .. } = stats().await;
    assert_eq!(waiting, 3);
    let age = oldest_due_age.unwrap().as_secs();
    assert!((60..120).contains(&age), "{age}");
}
