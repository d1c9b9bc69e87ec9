//! The audit, and what the operator is told.

use letterhead_domain::event::{AuditAction, OperatorEventKind};
use letterhead_storage::record::PageRequest;
use uuid::Uuid;

use crate::support::{World, as_role, id, login};

#[tokio::test]
async fn the_audit_is_listed_newest_first_and_to_its_tenant_alone() {
    let world = World::new().await;
    let (aurora, borealis) = (world.tenant("aurora").await, world.tenant("borealis").await);
    let system = world.store.system().await.unwrap();
    let (action, detail) = (AuditAction::TenantCreated, [("slug", "aurora".to_owned())]);
    system.audit().record(aurora, id(), "operator-key:1", action, "aurora", &detail).await.unwrap();
    system.commit().await.unwrap();
    let tx = world.store.tenant(aurora).await.unwrap();
    let action = AuditAction::SenderSaved;
    tx.audit().record(id(), "api-key:1", action, "sender:1", &[]).await.unwrap();
    tx.commit().await.unwrap();

    let tx = world.store.tenant(aurora).await.unwrap();
    let lines = tx.audit().list(PageRequest::first(10)).await.unwrap().items;
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[0].action, "sender.saved");
    assert_eq!(lines[0].actor, "api-key:1");
    assert_eq!(lines[1].detail, [("slug".to_owned(), "aurora".to_owned())]);

    let tx = world.store.tenant(borealis).await.unwrap();
    assert!(tx.audit().list(PageRequest::first(10)).await.unwrap().items.is_empty());
}

#[tokio::test]
async fn nobody_but_the_owner_changes_or_deletes_the_audit() {
    let world = World::new().await;
    let aurora = world.tenant("aurora").await;
    let tx = world.store.tenant(aurora).await.unwrap();
    tx.audit().record(id(), "a", AuditAction::SenderSaved, "t", &[]).await.unwrap();
    tx.commit().await.unwrap();
    let db = login(&world.database).await;

    for role in ["letterhead_tenant", "letterhead_system"] {
        for sql in [
            "UPDATE audit_events SET actor = 'nobody'",
            "DELETE FROM audit_events",
            "TRUNCATE audit_events",
        ] {
            let done = as_role(&db, role, Some(aurora), sql).await;
            let denied = done.is_err_and(|err| err.to_string().contains("permission denied"));
            assert!(denied, "{role}: {sql}");
        }
    }
}

/// Numbers drawn while writing would let a reader pass an event that is not committed yet.
#[tokio::test]
async fn a_reader_that_goes_on_from_its_last_number_misses_no_event() {
    let world = World::new().await;
    let (aurora, borealis) = (world.tenant("aurora").await, world.tenant("borealis").await);
    let slow = world.store.tenant(aurora).await.unwrap();
    slow.events().record(OperatorEventKind::SenderPaused, None, None, &[]).await.unwrap();
    let fast = world.store.tenant(borealis).await.unwrap();
    let detail = [("reason", "by_hand".to_owned())];
    fast.events().record(OperatorEventKind::SenderFailing, None, None, &detail).await.unwrap();
    fast.commit().await.unwrap();

    let read =
        async |after| world.store.system().await.unwrap().list_events(after, 10).await.unwrap();
    let first = read(None).await;
    slow.commit().await.unwrap();
    let second = read(Some(first[0].seq)).await;

    assert_eq!(first.len(), 1);
    assert_eq!(first[0].tenant, Some(borealis));
    assert_eq!(first[0].detail, [("reason".to_owned(), "by_hand".to_owned())]);
    assert_eq!(second.len(), 1);
    assert_eq!(second[0].tenant, Some(aurora));
    assert!(second[0].seq > first[0].seq);
    assert_eq!(read(None).await, [first, second].concat());
}

#[tokio::test]
async fn readers_at_the_same_time_give_no_number_twice() {
    let world = World::new().await;
    let aurora = world.tenant("aurora").await;
    let tx = world.store.tenant(aurora).await.unwrap();
    for _ in 0..20 {
        let message = Some(Uuid::now_v7().into());
        tx.events().record(OperatorEventKind::MessageExpired, None, message, &[]).await.unwrap();
    }
    tx.commit().await.unwrap();

    let read =
        || async { world.store.system().await.unwrap().list_events(None, 100).await.unwrap() };
    let (one, two, three) = tokio::join!(read(), read(), read());

    assert_eq!(one.len(), 20);
    assert_eq!(one, two);
    assert_eq!(two, three);
    let numbers: Vec<_> = one.iter().map(|event| event.seq).collect();
    assert_eq!(numbers, (1..=20).collect::<Vec<_>>());
}
