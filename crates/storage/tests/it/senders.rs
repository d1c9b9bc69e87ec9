//! What a sender is doing: pauses, failures, its end.

use letterhead_domain::{
    id::TenantId,
    message::SenderRef,
    reply::Reply,
    sender::{PauseReason, SenderState, VersionNumber},
};
use letterhead_storage::{
    error::StorageError,
    record::{Expected, PageRequest, SenderRecord},
};

use crate::support::{World, default_sender, id, save_in, typed};

async fn load(world: &World, tenant: TenantId) -> SenderRecord {
    let tx = world.store.tenant(tenant).await.unwrap();
    tx.senders().load(&default_sender()).await.unwrap()
}

#[tokio::test]
async fn a_pause_blocks_the_lane_and_says_why_and_resuming_opens_it_with_what_waits_due() {
    let world = World::new().await;
    let aurora = world.tenant("aurora").await;
    let sender = world.live_sender(aurora).await;
    let reply = Reply::new(535, "5.7.8 Username and Password not accepted");

    let tx = world.store.tenant(aurora).await.unwrap();
    let reason = PauseReason::AuthRefused;
    assert!(tx.senders().pause(&default_sender(), reason, Some(&reply), None).await.unwrap());
    tx.commit().await.unwrap();
    world.waiting_message(aurora, sender).await;
    world.database.sql("UPDATE lanes SET not_before = 'infinity', trouble = 5, held = true").await;

    let paused = load(&world, aurora).await;
    assert_eq!(paused.state(), SenderState::Paused);
    let pause = paused.pause.unwrap();
    assert_eq!((pause.reason, pause.reply), (reason, Some(reply)));
    assert!(world.is_blocked(sender).await);

    let tx = world.store.tenant(aurora).await.unwrap();
    assert!(tx.senders().resume(&default_sender()).await.unwrap());
    assert!(!tx.senders().resume(&default_sender()).await.unwrap());
    tx.commit().await.unwrap();

    assert_eq!(load(&world, aurora).await.state(), SenderState::Live);
    let open = "SELECT count(*) FROM lanes WHERE NOT blocked AND due_at <= letterhead_now()
                AND not_before = '-infinity' AND trouble = 0 AND NOT held";
    assert_eq!(world.database.number(open).await, 1);
}

#[tokio::test]
async fn a_refusal_of_a_version_that_is_no_longer_live_pauses_nothing() {
    let world = World::new().await;
    let aurora = world.tenant("aurora").await;
    let sender = world.live_sender(aurora).await;
    world.save(aurora, typed("new.example", "new")).await;
    world.prove(aurora, sender, 2).await;

    let tx = world.store.tenant(aurora).await.unwrap();
    let pause = async |version| {
        let (reason, version) = (PauseReason::AuthRefused, Some(VersionNumber(version)));
        tx.senders().pause(&SenderRef::Id(sender), reason, None, version).await.unwrap()
    };
    assert!(!pause(1).await);
    assert!(pause(2).await);
}

#[tokio::test]
async fn a_pause_by_hand_takes_the_place_of_another_and_none_takes_its() {
    let world = World::new().await;
    let aurora = world.tenant("aurora").await;
    world.live_sender(aurora).await;
    let tx = world.store.tenant(aurora).await.unwrap();
    let pause =
        async |reason| tx.senders().pause(&default_sender(), reason, None, None).await.unwrap();

    assert!(pause(PauseReason::AuthRefused).await);
    assert!(!pause(PauseReason::FromRefused).await);
    assert!(pause(PauseReason::ByHand).await);
    assert!(!pause(PauseReason::AuthRefused).await);

    let record = tx.senders().load(&default_sender()).await.unwrap();
    assert_eq!(record.pause.unwrap().reason, PauseReason::ByHand);
}

#[tokio::test]
async fn a_passed_test_of_the_live_version_ends_a_pause_for_refused_auth_but_none_by_hand() {
    for (reason, ends) in [(PauseReason::AuthRefused, true), (PauseReason::ByHand, false)] {
        let world = World::new().await;
        let aurora = world.tenant("aurora").await;
        let sender = world.live_sender(aurora).await;
        let tx = world.store.tenant(aurora).await.unwrap();
        tx.senders().pause(&default_sender(), reason, None, None).await.unwrap();
        tx.commit().await.unwrap();

        world.prove(aurora, sender, 1).await;

        assert_eq!(load(&world, aurora).await.pause.is_none(), ends, "{reason:?}");
        assert_eq!(world.is_blocked(sender).await, !ends);
    }
}

#[tokio::test]
async fn a_sender_is_failing_from_the_third_failure_in_a_row_until_something_works() {
    let world = World::new().await;
    let aurora = world.tenant("aurora").await;
    let sender = world.live_sender(aurora).await;
    let tx = world.store.tenant(aurora).await.unwrap();

    let mut became = Vec::new();
    for _ in 0..4 {
        became.push(tx.senders().record_failed(sender).await.unwrap());
    }
    assert_eq!(became, [false, false, true, false]);
    let failing = tx.senders().load(&default_sender()).await.unwrap();
    assert_eq!(failing.state(), SenderState::Failing);

    assert!(tx.senders().record_worked(sender).await.unwrap());
    assert!(!tx.senders().record_worked(sender).await.unwrap());
    let live = tx.senders().load(&default_sender()).await.unwrap();
    assert_eq!(live.state(), SenderState::Live);

    assert!(!tx.senders().record_failed(sender).await.unwrap());
    assert!(!tx.senders().record_worked(sender).await.unwrap());
}

#[tokio::test]
async fn a_removed_sender_leaves_no_password_and_what_waited_is_cancelled() {
    let world = World::new().await;
    let aurora = world.tenant("aurora").await;
    let sender = world.live_sender(aurora).await;
    world.waiting_message(aurora, sender).await;

    let tx = world.store.tenant(aurora).await.unwrap();
    tx.senders().remove(&default_sender()).await.unwrap();
    tx.commit().await.unwrap();

    let count = async |query| world.database.number(query).await;
    let passwords = "SELECT count(*) FROM sender_versions WHERE sealed_password IS NOT NULL";
    assert_eq!(count(passwords).await, 0);
    let cancelled = "SELECT count(*) FROM messages m JOIN recipients r ON r.message_id = m.id
                     WHERE m.status = 'cancelled' AND r.status = 'cancelled'
                         AND m.due_at IS NULL AND m.finished_at IS NOT NULL";
    assert_eq!(count(cancelled).await, 1);
    assert!(world.is_blocked(sender).await);
    let tx = world.store.tenant(aurora).await.unwrap();
    assert!(tx.senders().find(&default_sender()).await.unwrap().is_none());
    assert!(tx.senders().find(&SenderRef::Id(sender)).await.unwrap().is_none());
    let again = tx.senders().remove(&default_sender()).await;
    assert!(matches!(again, Err(StorageError::NotFound("sender"))));
    assert!(!tx.senders().after_test(sender, VersionNumber(1), id()).await.unwrap().promote);
    drop(tx);

    let anew = world.save(aurora, typed("mail.example", "x")).await;
    assert!(anew.created && anew.record.id != sender);
}

#[tokio::test]
async fn senders_are_listed_newest_first_page_by_page() {
    let world = World::new().await;
    let aurora = world.tenant("aurora").await;
    for slug in ["one", "two", "three"] {
        let tx = world.store.tenant(aurora).await.unwrap();
        let reference = SenderRef::parse(slug).unwrap();
        save_in(&tx, &reference, typed("mail.example", "x"), Expected::Any).await.unwrap();
        tx.commit().await.unwrap();
    }

    let tx = world.store.tenant(aurora).await.unwrap();
    let first = tx.senders().list(PageRequest::first(2)).await.unwrap();
    let rest = PageRequest { limit: 2, after: first.next };
    let second = tx.senders().list(rest).await.unwrap();

    let slugs: Vec<_> =
        first.items.iter().chain(&second.items).map(|sender| sender.slug.as_str()).collect();
    assert_eq!(slugs, ["three", "two", "one"]);
}

#[tokio::test]
async fn a_message_is_accepted_under_the_live_versions_address() {
    let world = World::new().await;
    let aurora = world.tenant("aurora").await;
    let sender = world.live_sender(aurora).await;
    let mut draft = typed("mail.example", "x");
    draft.settings.sender_email = "new@aurora.example".parse().unwrap();
    world.save(aurora, draft).await;

    let tx = world.store.tenant(aurora).await.unwrap();
    let identified = tx.senders().identify(&default_sender()).await.unwrap().unwrap();

    assert_eq!(identified.id, sender);
    assert_eq!(identified.email.as_str(), "billing@aurora.example");
    assert!(!identified.tenant_suspended);
}

/// The worker locks in the order of a delivery that failed, people in that of their clicks.
#[tokio::test(flavor = "multi_thread")]
async fn changes_of_one_sender_at_the_same_time_wait_for_each_other_and_never_in_a_circle() {
    let world = std::sync::Arc::new(World::new().await);
    let aurora = world.tenant("aurora").await;
    let sender = world.live_sender(aurora).await;

    let mut tasks = tokio::task::JoinSet::new();
    for task in 0..6 {
        let world = std::sync::Arc::clone(&world);
        tasks.spawn(async move {
            for round in 0..10 {
                let tx = world.store.tenant(aurora).await.unwrap();
                let senders = tx.senders();
                match (task + round) % 4 {
                    0 => {
                        senders.record_failed(sender).await.unwrap();
                        let reason = PauseReason::AuthRefused;
                        senders.pause(&default_sender(), reason, None, None).await.unwrap();
                    }
                    1 => {
                        senders.record_worked(sender).await.unwrap();
                        senders.resume(&default_sender()).await.unwrap();
                    }
                    2 => {
                        let draft = typed("mail.example", "x");
                        save_in(&tx, &default_sender(), draft, Expected::Any).await.unwrap();
                    }
                    _ => {
                        senders.after_test(sender, VersionNumber(1), id()).await.unwrap();
                    }
                }
                tx.commit().await.unwrap();
            }
        });
    }

    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    let record = load(&world, aurora).await;
    assert_eq!(record.etag_version(), VersionNumber(16));
    assert_eq!(world.is_blocked(sender).await, record.pause.is_some());
}
