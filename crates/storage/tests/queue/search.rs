//! Looking for messages with words, and counting what did not come to a good end.

use letterhead_domain::{
    id::MessageId,
    message::{MessageKind, MessageStatus, NewMessage, RecipientStatus},
};
use letterhead_storage::{
    record::PageRequest,
    repo::message::{MessageFilter, StandingCounts},
};

use crate::fixture::{Queue, receipt, receipt_for};

const ALL: PageRequest = PageRequest { limit: 100, after: None };

fn invoice(reference: &str, subject: &str) -> NewMessage {
    NewMessage {
        reference: Some(reference.parse().unwrap()),
        subject: subject.parse().unwrap(),
        ..receipt()
    }
}

fn looked_for(text: &str) -> MessageFilter {
    MessageFilter { text: Some(text.to_owned()), ..MessageFilter::default() }
}

async fn found(queue: &Queue, filter: MessageFilter) -> Vec<MessageId> {
    let tx = queue.store.tenant(queue.tenant).await.unwrap();
    let page = tx.messages().list(filter, ALL).await.unwrap();
    page.items.iter().map(|record| record.id).collect()
}

async fn standing(queue: &Queue) -> StandingCounts {
    let tx = queue.store.tenant(queue.tenant).await.unwrap();
    tx.messages().standing().await.unwrap()
}

/// As many messages of the queue's tenant as are wanted, older than all others.
async fn add_old(queue: &Queue, count: usize, reference: &str, subject: &str, status: &str) {
    let (tenant, sender) = (queue.tenant, queue.sender);
    let due = if status == "queued" { "letterhead_now()" } else { "NULL" };
    let sql = format!(
        "INSERT INTO messages (tenant_id, id, sender_id, kind, priority, reference, subject,
             header_id, size, on_uncertain, status, due_at, expires_at)
         SELECT '{tenant}', lpad(to_hex(n), 32, '0')::uuid, '{sender}', 'receipt', 0,
             '{reference}' || n, '{subject} ' || n, '<' || n || '@aurora.example>', 1, 'resend',
             '{status}', {due}, letterhead_now() + interval '1 day'
         FROM generate_series(1, {count}) n"
    );
    queue.db.sql(&sql).await;
}

#[tokio::test]
async fn words_find_references_by_their_beginning_recipients_and_parts_of_subjects() {
    let queue = Queue::new().await;
    let ann = queue.accept(&receipt_for(&["ann@example.net", "bob@example.net"])).await;
    let lower = queue.accept(&invoice("inv-4711", "Your receipt")).await;
    let upper = queue.accept(&invoice("INV-4712", "Ä 100% <b>paid</b>_receipt")).await;
    let other = queue.accept(&invoice("REF-INV-4711", "Statement for INV-4711")).await;

    let cases = [
        ("INV-471", vec![other, upper, lower]),
        ("inv-4712", vec![upper]),
        ("Inv-4711", vec![other, lower]),
        ("REF-", vec![other]),
        ("bob@example.net", vec![ann]),
        ("bob@EXAMPLE.net", vec![ann]),
        ("bob@example", vec![]),
        ("ä 100%", vec![upper]),
        ("<B>PAID", vec![upper]),
        ("0%_", vec![]),
        ("your RECEIPT", vec![lower, ann]),
        ("' OR true --", vec![]),
        ("\\", vec![]),
    ];
    for (text, expected) in cases {
        assert_eq!(found(&queue, looked_for(text)).await, expected, "{text}");
    }
}

#[tokio::test]
async fn words_narrow_what_kind_and_status_leave() {
    let queue = Queue::new().await;
    let first = queue.accept(&invoice("INV-1", "Your receipt")).await;
    let statement =
        NewMessage { kind: MessageKind::Statement, ..invoice("INV-2", "Your statement") };
    let second = queue.accept(&statement).await;
    queue.cancel(second).await.unwrap();
    queue.accept(&receipt()).await;

    let of = |kind, status| MessageFilter { kind, status, ..looked_for("INV-") };
    let (kind, status) = (Some(MessageKind::Statement), Some(MessageStatus::Cancelled));
    assert_eq!(found(&queue, of(None, None)).await, [second, first]);
    assert_eq!(found(&queue, of(kind, None)).await, [second]);
    assert_eq!(found(&queue, of(None, status)).await, [second]);
    assert_eq!(found(&queue, of(Some(MessageKind::Receipt), status)).await, []);
}

#[tokio::test]
async fn another_tenants_messages_are_neither_found_nor_counted() {
    let queue = Queue::new().await;
    let (other, sender) = queue.other().await;
    queue.accept_for(other, sender, &invoice("INV-4711", "Your receipt")).await;

    for text in ["INV-4711", "receipt", "ann@example.net"] {
        assert_eq!(found(&queue, looked_for(text)).await, [], "{text}");
    }
    assert_eq!(standing(&queue).await, StandingCounts::default());
}

#[tokio::test]
async fn old_messages_are_found_by_reference_but_no_longer_by_subject() {
    let queue = Queue::new().await;
    add_old(&queue, 10_001, "INV-", "Subject", "accepted").await;

    // The oldest is just out of sight, the one after it just in.
    let oldest: MessageId = uuid::Uuid::from_u128(1).into();
    let second: MessageId = uuid::Uuid::from_u128(2).into();
    let by_subject = found(&queue, looked_for("subject 2")).await;
    assert_eq!(by_subject.len(), 100, "a page of them");
    assert!(found(&queue, looked_for("subject 1")).await.iter().all(|id| *id != oldest));
    assert_eq!(found(&queue, looked_for("inv-10001")).await.len(), 1);
    let by_reference = MessageFilter { reference: Some("INV-1".to_owned()), ..looked_for("INV-1") };
    assert_eq!(found(&queue, by_reference).await, [oldest]);
    let by_subject = MessageFilter { reference: Some("INV-1".to_owned()), ..looked_for("Subject") };
    assert_eq!(found(&queue, by_subject).await, []);
    let by_subject = MessageFilter { reference: Some("INV-2".to_owned()), ..looked_for("Subject") };
    assert_eq!(found(&queue, by_subject).await, [second]);
}

#[tokio::test]
async fn pages_of_what_was_looked_for_follow_each_other() {
    let queue = Queue::new().await;
    let mut invoices = Vec::new();
    for number in 0..5 {
        invoices.push(queue.accept(&invoice(&format!("INV-{number}"), "Your receipt")).await);
        queue.accept(&invoice("REF", "Something else")).await;
    }
    invoices.reverse();

    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let tx = queue.store.tenant(queue.tenant).await.unwrap();
        let page = PageRequest { limit: 2, after };
        let page = tx.messages().list(looked_for("receipt"), page).await.unwrap();
        seen.extend(page.items.iter().map(|record| record.id));
        match page.next {
            Some(next) => after = Some(next),
            None => break,
        }
    }

    assert_eq!(seen, invoices);
}

#[tokio::test]
async fn counts_tell_what_waits_and_what_went_wrong() {
    let queue = Queue::new().await;
    let people = ["ann@example.net", "bob@example.net"];
    for fates in [
        [RecipientStatus::Rejected, RecipientStatus::Rejected],
        [RecipientStatus::Accepted, RecipientStatus::Rejected],
        [RecipientStatus::Uncertain, RecipientStatus::Uncertain],
        [RecipientStatus::Accepted, RecipientStatus::Accepted],
    ] {
        let message = queue.accept(&receipt_for(&people)).await;
        queue.settle(message, &fates).await;
    }
    queue.accept_many(2).await;

    let expected =
        StandingCounts { waiting: 2, uncertain: 1, rejected: 1, partly_accepted: 1, expired: 0 };
    assert_eq!(standing(&queue).await, expected);
}

#[tokio::test]
async fn nothing_is_counted_beyond_a_thousand() {
    let queue = Queue::new().await;
    add_old(&queue, 1_001, "INV-", "Subject", "queued").await;

    assert_eq!(standing(&queue).await.waiting, 1_000);
}
