//! Accepting messages, once under each key, and not for senders that are gone.

use letterhead_domain::{
    id::MessageId,
    message::{MessageStatus, NewMessage, RecipientRole, SenderRef},
};
use letterhead_storage::{
    error::StorageError,
    repo::message::{Acceptance, Idempotency},
};
use letterhead_test_database::Lock;

use crate::fixture::{Queue, accept, attachment, id, key, new_message, receipt, receipt_for};

impl Queue {
    /// Hands a message over under a key; gives what it was answered.
    async fn accept_under(&self, new: MessageId, under: Idempotency) -> Acceptance {
        let message = receipt();
        let mut answers =
            self.store.accept(&[accept(self.tenant, new, &message, Some(under))]).await.unwrap();
        assert_eq!(answers.len(), 1);
        answers.remove(0)
    }

    async fn count(&self, table: &str) -> i64 {
        self.db.number(&format!("SELECT count(*) FROM {table}")).await
    }
}

#[tokio::test]
async fn messages_of_several_tenants_are_taken_over_together_each_with_what_is_its_own() {
    let queue = Queue::new().await;
    let (other, _) = queue.other().await;
    let mut mine = receipt_for(&["ann@example.net", "ben@example.net"]);
    mine.recipients[1].role = RecipientRole::Bcc;
    mine.content.attachments = vec![attachment(3), attachment(5)];
    mine.content.html = Some("<p>Thank you</p>".to_owned());
    let theirs = NewMessage { subject: "Another".parse().unwrap(), ..receipt() };
    let ids: [MessageId; 3] = [id(), id(), id()];

    let answers = queue
        .store
        .accept(&[
            accept(queue.tenant, ids[0], &mine, None),
            accept(other, ids[1], &theirs, None),
            accept(queue.tenant, ids[2], &theirs, None),
        ])
        .await
        .unwrap();

    assert_eq!(answers, ids.map(new_message));
    let record = queue.load(ids[0]).await;
    let people: Vec<_> =
        record.recipients.iter().map(|r| (r.role, r.mailbox.email.as_str())).collect();
    assert_eq!(
        people,
        [(RecipientRole::To, "ann@example.net"), (RecipientRole::Bcc, "ben@example.net")]
    );
    assert_eq!((record.status, record.size), (MessageStatus::Queued, 9 + 16 + 8));
    let tx = queue.store.tenant(queue.tenant).await.unwrap();
    let contents = tx.messages().load_contents(&ids).await.unwrap();
    let content = |id| contents.iter().find(|(of, _)| *of == id).map(|(_, content)| content);
    assert_eq!(content(ids[0]), Some(&mine.content));
    assert_eq!(content(ids[1]), None, "it is the other tenant's");
    assert_eq!(content(ids[2]), Some(&theirs.content));
    assert_eq!(queue.claim(10).await.len(), 2, "both lanes are due");
}

#[tokio::test]
async fn the_same_body_under_a_key_gives_the_first_message_again_and_another_body_is_refused() {
    let queue = Queue::new().await;
    let first: MessageId = id();
    assert_eq!(queue.accept_under(first, key("receipt-4711", 1)).await, new_message(first));

    let again = queue.accept_under(id(), key("receipt-4711", 1)).await;
    let other = queue.accept_under(id(), key("receipt-4711", 2)).await;

    let header_id = format!("<{first}@aurora.example>");
    assert_eq!(again, Acceptance::Same { id: first, header_id });
    assert_eq!(other, Acceptance::DifferentBody);
    assert_eq!(queue.count("messages").await, 1);
    assert_eq!(queue.count("message_bodies").await, 1);
}

#[tokio::test]
async fn equal_keys_of_two_tenants_have_nothing_to_do_with_each_other() {
    let queue = Queue::new().await;
    let (other, _) = queue.other().await;
    let message = receipt();
    let ids: [MessageId; 2] = [id(), id()];

    let answers = queue
        .store
        .accept(&[
            accept(queue.tenant, ids[0], &message, Some(key("receipt-4711", 1))),
            accept(other, ids[1], &message, Some(key("receipt-4711", 1))),
        ])
        .await
        .unwrap();

    assert_eq!(answers, ids.map(new_message));
}

#[tokio::test]
async fn many_that_come_at_once_under_one_key_make_one_message() {
    let queue = Queue::new().await;

    let mut racing = tokio::task::JoinSet::new();
    for _ in 0..16 {
        let (store, tenant) = (queue.store.clone(), queue.tenant);
        racing.spawn(async move {
            let (message, ids): (_, [MessageId; 2]) = (receipt(), [id(), id()]);
            // Twice in one call as well.
            let under = || Some(key("receipt-4711", 1));
            let both = ids.map(|new| accept(tenant, new, &message, under()));
            let answers = store.accept(&both).await.unwrap();
            ids.into_iter().zip(answers).collect::<Vec<_>>()
        });
    }
    let outcomes = racing.join_all().await.concat();

    let winners: Vec<_> =
        outcomes.iter().filter(|(id, answer)| *answer == new_message(*id)).collect();
    assert_eq!(winners.len(), 1);
    let winner = winners[0].0;
    let others = outcomes.iter().filter(|(id, _)| *id != winner);
    let all_same = others
        .into_iter()
        .all(|(_, answer)| matches!(answer, Acceptance::Same { id, .. } if *id == winner));
    assert!(all_same, "{outcomes:?}");
    assert_eq!(queue.count("messages").await, 1);
    assert_eq!(queue.count("recipients").await, 1);
}

#[tokio::test]
async fn calls_with_many_keys_in_different_orders_do_not_wait_for_each_other_for_ever() {
    let queue = Queue::new().await;
    let (other, _) = queue.other().await;
    let mut racing = tokio::task::JoinSet::new();
    for call in 0..8 {
        let (store, tenants) = (queue.store.clone(), [queue.tenant, other]);
        racing.spawn(async move {
            let message = receipt();
            let mut accepts: Vec<_> = (0..40)
                .map(|n| {
                    let under = key(&format!("receipt-{}", n / 2), 1);
                    accept(tenants[n % 2], id(), &message, Some(under))
                })
                .collect();
            accepts.rotate_left(call * 5);
            if call % 2 == 0 {
                accepts.reverse();
            }
            store.accept(&accepts).await.unwrap();
        });
    }

    racing.join_all().await;

    assert_eq!(queue.count("messages").await, 40);
}

#[tokio::test]
async fn a_key_whose_first_message_was_rolled_back_is_free() {
    let queue = Queue::new().await;
    let (tenant, first): (_, MessageId) = (queue.tenant, id());
    let rolled_back = queue
        .db
        .hold(&format!(
            "INSERT INTO idempotency_keys (tenant_id, id, route, key, body_hash, message_id)
             VALUES ('{tenant}', '{first}', 'messages', 'receipt-4711', sha256('1'), '{first}')"
        ))
        .await;

    let second: MessageId = id();
    let accepting = tokio::spawn({
        let store = queue.store.clone();
        async move {
            let message = receipt();
            let under = Some(key("receipt-4711", 1));
            store.accept(&[accept(tenant, second, &message, under)]).await.unwrap()
        }
    });
    queue.db.wait_for_a_lock(Lock::Row).await;
    rolled_back.release().await;

    assert_eq!(accepting.await.unwrap(), [new_message(second)]);
    assert_eq!(queue.count("messages").await, 1);
}

#[tokio::test]
async fn a_call_that_is_repeated_because_its_answer_was_lost_stores_nothing_twice() {
    let queue = Queue::new().await;
    let (message, new): (_, MessageId) = (receipt(), id());

    for _ in 0..2 {
        let answers = queue.store.accept(&[accept(queue.tenant, new, &message, None)]).await;
        assert_eq!(answers.unwrap(), [new_message(new)]);
    }

    for table in ["messages", "message_bodies", "recipients"] {
        assert_eq!(queue.count(table).await, 1, "{table}");
    }
}

#[tokio::test]
async fn a_sender_that_is_gone_or_anothers_takes_no_message_and_those_beside_it_are_taken_over() {
    let queue = Queue::new().await;
    let (other, others) = queue.other().await;
    queue
        .db
        .sql(&format!("UPDATE senders SET deleted_at = now() WHERE id = '{}'", queue.sender))
        .await;
    let to = |sender| NewMessage { sender: SenderRef::Id(sender), ..receipt() };
    let (gone, theirs, unknown) = (to(queue.sender), to(others), to(id()));
    let new: MessageId = id();

    let answers = queue
        .store
        .accept(&[
            accept(queue.tenant, id(), &gone, Some(key("receipt-1", 1))),
            accept(queue.tenant, id(), &theirs, Some(key("receipt-2", 1))),
            accept(other, new, &theirs, None),
            accept(queue.tenant, id(), &unknown, None),
        ])
        .await
        .unwrap();

    let none = Acceptance::NoSender;
    assert_eq!(answers, [none.clone(), none.clone(), new_message(new), none]);
    assert_eq!(queue.count("messages").await, 1);
    assert_eq!(queue.count("idempotency_keys").await, 0);
}

#[tokio::test]
async fn a_suspended_tenant_hands_nothing_over() {
    let queue = Queue::new().await;
    queue.db.sql("UPDATE tenants SET status = 'suspended'").await;

    let answer = queue.accept_under(id(), key("receipt-4711", 1)).await;

    assert_eq!(answer, Acceptance::Suspended);
    assert_eq!(queue.count("messages").await, 0);
    assert_eq!(queue.count("idempotency_keys").await, 0);
}

#[tokio::test]
async fn what_postgres_does_not_take_fails_the_call_and_stores_nothing() {
    let queue = Queue::new().await;
    let good = receipt();
    let mut bad = receipt();
    bad.content.text = Some("no\0text".to_owned());

    let answers = queue
        .store
        .accept(&[accept(queue.tenant, id(), &good, None), accept(queue.tenant, id(), &bad, None)])
        .await;

    assert!(matches!(answers, Err(StorageError::Database { .. })));
    assert_eq!(queue.count("messages").await, 0);
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

#[tokio::test]
async fn a_large_message_is_stored_as_a_small_one_is_and_beside_it() {
    let queue = Queue::new().await;
    let mut large = receipt();
    large.content.html = Some("<p>é</p>".repeat(100_000));
    large.content.attachments = [3, 1_500_000, 0, 65_536, 65_537].map(attachment).into();
    let mut long = receipt();
    long.content.text = None;
    long.content.html = Some("x".repeat(2_000_000));
    let small = receipt();
    let ids: [MessageId; 3] = [id(), id(), id()];
    let messages = [&large, &small, &long];
    let accepts = ids.iter().zip(messages);
    let accepts: Vec<_> =
        accepts.map(|(&new, message)| accept(queue.tenant, new, message, None)).collect();

    let answers = queue.store.accept(&accepts).await.unwrap();
    let again = queue.store.accept(&accepts).await.unwrap();

    assert_eq!(answers, ids.map(new_message));
    assert_eq!(again, answers, "a call whose answer was lost");
    let tx = queue.store.tenant(queue.tenant).await.unwrap();
    let contents = tx.messages().load_contents(&ids).await.unwrap();
    for (id, message) in ids.iter().zip(messages) {
        let stored = contents.iter().find(|(of, _)| of == id).map(|(_, content)| content);
        assert!(stored == Some(&message.content));
    }
    assert_eq!(queue.count("message_bodies").await, 3);
}

#[tokio::test]
async fn a_large_message_that_is_not_taken_over_leaves_no_body() {
    let queue = Queue::new().await;
    let mut large = receipt();
    large.content.attachments = vec![attachment(1_500_000)];
    let first: MessageId = id();
    let keyed = |new, body| accept(queue.tenant, new, &large, Some(key("large", body)));
    let stranger = accept(id(), id(), &large, None);

    let answers = queue.store.accept(&[keyed(first, 1), stranger]).await.unwrap();
    let repeated = queue.store.accept(&[keyed(id(), 1)]).await.unwrap();

    assert_eq!(answers, [new_message(first), Acceptance::NoSender]);
    assert!(matches!(&repeated[..], [Acceptance::Same { id, .. }] if *id == first));
    assert_eq!((queue.count("messages").await, queue.count("message_bodies").await), (1, 1));
}
