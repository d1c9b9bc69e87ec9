//! A sender read in one round trip is the same sender, and one that was read is kept until it changes.

use std::time::Duration;

use letterhead_domain::{
    id::TenantId,
    message::SenderRef,
    reply::Reply,
    sender::{PauseReason, SecretState},
    tenant::TenantStatus,
};
use letterhead_storage::{record::SenderRecord, store::Store};
use letterhead_test_database::Lock;

use crate::support::{World, default_sender, id, kept, master_keys, settings, typed};

/// Reads `default` in both ways, which must agree.
async fn read(store: &Store, tenant: TenantId) -> Option<SenderRecord> {
    let tx = store.tenant(tenant).await.unwrap();
    let by_steps = tx.senders().find(&default_sender()).await.unwrap();
    let at_once = store.find_sender(tenant, &default_sender()).await.unwrap();
    assert_eq!(at_once, by_steps);
    at_once
}

#[tokio::test]
async fn a_sender_looks_the_same_in_every_state() {
    let world = World::new().await;
    let aurora = world.tenant("aurora").await;
    assert!(read(&world.store, aurora).await.is_none());

    let sender = world.save(aurora, typed("mail.example", "hunter2")).await.record.id;
    assert!(read(&world.store, aurora).await.unwrap().live.is_none());

    world
        .database
        .sql(&format!(
            r#"INSERT INTO test_runs (tenant_id, id, sender_id, version, mode, status, requested_by,
                   started_at, finished_at, stages, advice)
               SELECT '{aurora}', gen_random_uuid(), '{sender}', n, 'connection', 'failed', 'test',
                   now(), now(), '[{{"stage": "auth", "status": "failed"}}]',
                   '{{"code": "auth_bad_password"}}'
               FROM generate_series(1, 3) AS n"#
        ))
        .await;
    let tested = read(&world.store, aurora).await.unwrap().last_test.unwrap();
    assert_eq!(tested.advice_code.as_deref(), Some("auth_bad_password"));

    world.prove(aurora, sender, 1).await;
    let other = kept(letterhead_domain::smtp_settings::SmtpSettings {
        port: 465_u16.try_into().unwrap(),
        ..settings("mail.example")
    });
    world.save(aurora, other).await;
    let both = read(&world.store, aurora).await.unwrap();
    assert!(both.live.is_some() && both.candidate.is_some());

    let tx = world.store.tenant(aurora).await.unwrap();
    let reply = Reply::new(535, "5.7.8 \"no\" \\x00");
    let reason = PauseReason::AuthRefused;
    tx.senders().pause(&default_sender(), reason, Some(&reply), None).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(read(&world.store, aurora).await.unwrap().pause.unwrap().reply, Some(reply));

    let system = world.store.system().await.unwrap();
    system.tenants().update(aurora, None, Some(TenantStatus::Suspended)).await.unwrap();
    system.commit().await.unwrap();
    assert!(read(&world.store, aurora).await.unwrap().tenant_suspended);

    let without_key = world.with_keys(&master_keys("b", 2)).await;
    let unreadable = read(&without_key, aurora).await.unwrap().live.unwrap();
    assert_eq!(unreadable.secret_state, SecretState::Unreadable);

    let tx = world.store.tenant(aurora).await.unwrap();
    tx.senders().remove(&default_sender()).await.unwrap();
    tx.commit().await.unwrap();
    assert!(read(&world.store, aurora).await.is_none());
}

#[tokio::test]
async fn a_sender_is_found_by_its_id_and_not_in_a_deleted_tenant() {
    let world = World::new().await;
    let aurora = world.tenant("aurora").await;
    let sender = world.live_sender(aurora).await;
    let by_id = SenderRef::Id(sender);
    let found = world.store.find_sender(aurora, &by_id).await.unwrap();
    assert_eq!(found.map(|found| found.id), Some(sender));

    let system = world.store.system().await.unwrap();
    system.tenants().remove(aurora).await.unwrap();
    system.commit().await.unwrap();

    assert!(world.store.find_sender(aurora, &by_id).await.unwrap().is_none());
}

const KEPT_FOR: Duration = Duration::from_secs(5);

impl World {
    /// The world's store, as an instance that keeps what it shows.
    fn keeping(&self) -> Store {
        self.store.clone().keeping_views(KEPT_FOR)
    }
}

async fn pause(store: &Store, tenant: TenantId) {
    let tx = store.tenant(tenant).await.unwrap();
    tx.senders().pause(&default_sender(), PauseReason::ByHand, None, None).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn what_was_read_is_kept_for_a_while() {
    let world = World::new().await;
    let aurora = world.tenant("aurora").await;
    world.live_sender(aurora).await;
    let store = world.keeping();
    assert!(store.kept_sender(aurora, &default_sender()).is_none());

    let read = store.find_sender(aurora, &default_sender()).await.unwrap();
    tokio::time::pause();

    let kept = store.kept_sender(aurora, &default_sender());
    assert_eq!(kept.as_deref(), read.as_ref());
    assert!(store.kept_sender(id(), &default_sender()).is_none());
    tokio::time::advance(KEPT_FOR).await;
    assert!(store.kept_sender(aurora, &default_sender()).is_none());
}

#[tokio::test]
async fn a_change_through_the_same_store_is_read_at_once_and_another_tenants_stays() {
    let world = World::new().await;
    let (aurora, borealis) = (world.tenant("aurora").await, world.tenant("borealis").await);
    world.live_sender(aurora).await;
    world.live_sender(borealis).await;
    let store = world.keeping();
    for tenant in [aurora, borealis] {
        store.find_sender(tenant, &default_sender()).await.unwrap();
    }

    pause(&store, aurora).await;

    assert!(store.kept_sender(aurora, &default_sender()).is_none());
    assert!(store.kept_sender(borealis, &default_sender()).is_some());
    store.forget_all_senders();
    assert!(store.kept_sender(borealis, &default_sender()).is_none());
}

#[tokio::test]
async fn what_was_read_before_a_change_is_not_kept_after_it() {
    let world = World::new().await;
    let aurora = world.tenant("aurora").await;
    world.live_sender(aurora).await;
    let store = world.keeping();
    // The view waits, with its look-up begun.
    let held = world.database.hold("LOCK TABLE test_runs IN ACCESS EXCLUSIVE MODE").await;
    let reading = tokio::spawn({
        let store = store.clone();
        async move { store.find_sender(aurora, &default_sender()).await }
    });
    world.database.wait_for_a_lock(Lock::Table).await;

    pause(&store, aurora).await;
    held.release().await;

    assert!(reading.await.unwrap().unwrap().is_some());
    assert!(store.kept_sender(aurora, &default_sender()).is_none());
}

#[tokio::test]
async fn a_hold_is_not_shown_when_it_is_over() {
    let world = World::new().await;
    let aurora = world.tenant("aurora").await;
    world.live_sender(aurora).await;
    let store = world.keeping();
    let hold = "UPDATE lanes SET held = true, not_before = letterhead_now() + interval '2 seconds'";
    world.database.sql(hold).await;

    let read = store.find_sender(aurora, &default_sender()).await.unwrap().unwrap();
    tokio::time::pause();

    assert!(read.hold.is_some());
    tokio::time::advance(Duration::from_secs(2)).await;
    assert!(store.kept_sender(aurora, &default_sender()).is_none());
}
