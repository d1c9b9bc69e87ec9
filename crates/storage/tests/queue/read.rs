//! Messages read back as they were accepted, by their own tenant alone.

use letterhead_domain::{
    id::MessageId,
    message::{
        Mailbox, MessageContent, MessageKind, MessageStatus, NewMessage, NewRecipient, OnUncertain,
        RecipientRole,
    },
};
use letterhead_storage::{
    error::StorageError,
    record::{MessageRecord, PageRequest},
    repo::message::MessageFilter,
};

use crate::fixture::{Queue, attachment, id, receipt, receipt_for, to};

const ALL: PageRequest = PageRequest { limit: 100, after: None };

fn rich() -> NewMessage {
    let person = |role, email: &str, name: Option<&str>| NewRecipient {
        role,
        mailbox: Mailbox {
            email: email.parse().unwrap(),
            name: name.map(|name| name.parse().unwrap()),
        },
    };
    NewMessage {
        kind: MessageKind::Statement,
        reference: Some("INV-4711 «ü»".parse().unwrap()),
        recipients: vec![
            person(RecipientRole::To, "ann@example.net", Some("Ann Ärger, 株式会社")),
            person(RecipientRole::Cc, "bob@example.net", None),
            person(RecipientRole::Bcc, "eve@example.net", None),
        ],
        reply_to: Some("office@aurora.example".parse().unwrap()),
        content: MessageContent {
            text: Some("Dear Ann,\r\n.\r\n".to_owned()),
            html: Some("<p>ü</p>".to_owned()),
            attachments: vec![attachment(3), attachment(0)],
        },
        on_uncertain: OnUncertain::Wait,
        ..receipt()
    }
}

#[tokio::test]
async fn a_message_reads_back_as_it_was_accepted() {
    let queue = Queue::new().await;
    let message = rich();

    let accepted = queue.accept(&message).await;

    let record = queue.load(accepted).await;
    assert_eq!(record.sender, queue.sender);
    assert_eq!(record.sender_slug.as_str(), "default");
    assert_eq!(record.kind, MessageKind::Statement);
    assert_eq!(record.reference, message.reference);
    assert_eq!(record.reply_to, message.reply_to);
    assert_eq!(record.subject, message.subject);
    assert_eq!(record.status, MessageStatus::Queued);
    assert_eq!(record.header_id, format!("<{accepted}@aurora.example>"));
    assert_eq!(record.size, 14 + 9 + 3);
    assert_eq!(record.on_uncertain, OnUncertain::Wait);
    assert_eq!(record.next_attempt_at, Some(record.created_at));
    assert_eq!(record.attempts, []);
    let people = record.recipients.iter().map(|r| (r.role, r.mailbox.clone()));
    let given = message.recipients.iter().map(|r| (r.role, r.mailbox.clone()));
    assert!(people.eq(given));

    let tx = queue.store.tenant(queue.tenant).await.unwrap();
    let contents = tx.messages().load_contents(&[accepted, id()]).await.unwrap();
    assert_eq!(contents, [(accepted, message.content)]);
}

#[tokio::test]
async fn a_body_whose_files_are_not_as_many_as_their_names_is_corrupt() {
    for contents in ["'{}'", "attachment_contents || 'more'::bytea", "ARRAY[NULL::bytea]"] {
        let queue = Queue::new().await;
        let message = queue.accept(&rich()).await;
        let change = format!("UPDATE message_bodies SET attachment_contents = {contents}");
        queue.db.sql(&change).await;

        let tx = queue.store.tenant(queue.tenant).await.unwrap();
        let loaded = tx.messages().load_contents(&[message]).await;

        assert!(matches!(loaded, Err(StorageError::Corrupt { table: "message_bodies" })));
    }
}

#[tokio::test]
async fn another_tenant_neither_sees_nor_changes_a_message() {
    let queue = Queue::new().await;
    let (other, others_sender) = queue.other().await;
    let message = queue.accept(&receipt()).await;
    let before = queue.load(message).await;

    let tx = queue.store.tenant(other).await.unwrap();
    let messages = tx.messages();
    assert_eq!(messages.find(message).await.unwrap(), None);
    assert!(matches!(messages.load(message).await, Err(StorageError::NotFound("message"))));
    assert_eq!(messages.list(MessageFilter::default(), ALL).await.unwrap().items, []);
    let of_sender = MessageFilter { sender: Some(queue.sender), ..MessageFilter::default() };
    assert_eq!(messages.list(of_sender, ALL).await.unwrap().items, []);
    assert_eq!(messages.load_contents(&[message]).await.unwrap(), []);
    assert!(matches!(messages.cancel(message).await, Err(StorageError::NotFound("message"))));
    assert!(matches!(messages.retry(message).await, Err(StorageError::NotFound("message"))));
    assert_eq!(messages.expire(&[message]).await.unwrap(), []);
    assert_eq!(messages.recover_abandoned(queue.sender).await.unwrap(), []);
    assert_eq!(messages.recover_abandoned(others_sender).await.unwrap(), []);
    tx.commit().await.unwrap();

    assert_eq!(queue.load(message).await, before);
}

async fn ids(queue: &Queue, filter: MessageFilter) -> Vec<MessageId> {
    let tx = queue.store.tenant(queue.tenant).await.unwrap();
    let page = tx.messages().list(filter, ALL).await.unwrap();
    page.items.iter().map(|record| record.id).collect()
}

#[tokio::test]
async fn a_list_shows_what_was_asked_for_newest_first() {
    let queue = Queue::new().await;
    let reminders = id();
    queue.add_sender(queue.tenant, reminders, "reminders").await;
    let first = queue.accept(&receipt_for(&["ann@example.net", "bob@example.net"])).await;
    let second = queue.accept(&rich()).await;
    let third = queue.accept_for(queue.tenant, reminders, &receipt_for(&["bob@example.net"])).await;
    queue.cancel(first).await.unwrap();

    let any = MessageFilter::default;
    let cases = [
        (any(), vec![third, second, first]),
        (MessageFilter { sender: Some(reminders), ..any() }, vec![third]),
        (MessageFilter { kind: Some(MessageKind::Statement), ..any() }, vec![second]),
        (MessageFilter { status: Some(MessageStatus::Cancelled), ..any() }, vec![first]),
        (MessageFilter { status: Some(MessageStatus::Queued), ..any() }, vec![third, second]),
        (MessageFilter { status: Some(MessageStatus::Held), ..any() }, vec![]),
        (MessageFilter { reference: Some("INV-4711 «ü»".to_owned()), ..any() }, vec![second]),
        (MessageFilter { reference: Some("' OR true --".to_owned()), ..any() }, vec![]),
        (
            MessageFilter { recipient: Some("bob@example.net".parse().unwrap()), ..any() },
            vec![third, second, first],
        ),
        (
            MessageFilter {
                recipient: Some("bob@example.net".parse().unwrap()),
                sender: Some(queue.sender),
                kind: Some(MessageKind::Receipt),
                status: Some(MessageStatus::Cancelled),
                ..any()
            },
            vec![first],
        ),
    ];
    for (filter, expected) in cases {
        let what = format!("{filter:?}");
        assert_eq!(ids(&queue, filter).await, expected, "{what}");
    }
}

#[tokio::test]
async fn pages_follow_each_other_without_gap_or_repetition() {
    let queue = Queue::new().await;
    let mut accepted = queue.accept_many(5).await;
    accepted.reverse();

    let mut seen: Vec<MessageRecord> = Vec::new();
    let mut after = None;
    loop {
        let tx = queue.store.tenant(queue.tenant).await.unwrap();
        let page = PageRequest { limit: 2, after };
        let page = tx.messages().list(MessageFilter::default(), page).await.unwrap();
        seen.extend(page.items);
        match page.next {
            Some(next) => after = Some(next),
            None => break,
        }
    }

    assert_eq!(seen.iter().map(|record| record.id).collect::<Vec<_>>(), accepted);
    assert!(
        seen.iter().all(|record| record.recipients[0].mailbox == to("ann@example.net").mailbox)
    );
}
