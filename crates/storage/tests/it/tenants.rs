//! The directory of tenants.

use letterhead_domain::{
    event::OperatorEventKind,
    message::TenantRef,
    sender::{PauseReason, SenderState, VersionNumber},
    tenant::TenantStatus,
};
use letterhead_storage::{
    error::StorageError,
    record::{Expected, NewTenant, PageRequest, TenantRecord},
};

use crate::support::{World, default_sender, id, kept, settings, typed};

const LOCK_WAITERS: &str = "SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock'";

#[tokio::test]
async fn a_tenant_is_found_by_id_and_by_slug_and_knows_itself() {
    let world = World::new().await;
    let aurora = world.tenant("aurora").await;

    let system = world.store.system().await.unwrap();
    let by_id = system.tenants().find(&TenantRef::Id(aurora)).await.unwrap().unwrap();
    let slug = TenantRef::Slug("aurora".parse().unwrap());
    let by_slug = system.tenants().find(&slug).await.unwrap().unwrap();
    let own = world.store.tenant(aurora).await.unwrap().tenant().load().await.unwrap();

    assert_eq!(by_id, by_slug);
    assert_eq!(by_id, own);
    assert_eq!(own.status, TenantStatus::Active);
    assert!(system.tenants().find(&TenantRef::Own).await.unwrap().is_none());
    assert_eq!(system.data_keys().by_master_key().await.unwrap(), [("a".to_owned(), 1)]);
}

#[tokio::test]
async fn a_slug_is_taken_until_its_tenant_is_deleted() {
    let world = World::new().await;
    let aurora = world.tenant("aurora").await;
    let again =
        NewTenant { id: id(), slug: "aurora".parse().unwrap(), name: "Other".parse().unwrap() };

    let system = world.store.system().await.unwrap();
    let taken = system.tenants().create(&again, id()).await;
    assert!(matches!(taken, Err(StorageError::Taken("slug"))), "{taken:?}");
    drop(system);

    let system = world.store.system().await.unwrap();
    system.tenants().remove(aurora).await.unwrap();
    let created = system.tenants().create(&again, id()).await.unwrap();
    assert_eq!(created.id, again.id);
}

#[tokio::test]
async fn tenants_are_listed_newest_first_page_by_page() {
    let world = World::new().await;
    for slug in ["one", "two", "three"] {
        world.tenant(slug).await;
    }

    let system = world.store.system().await.unwrap();
    let first = system.tenants().list(PageRequest::first(2)).await.unwrap();
    let rest = PageRequest { limit: 2, after: first.next };
    let second = system.tenants().list(rest).await.unwrap();

    let slugs = |items: &[TenantRecord]| {
        items.iter().map(|tenant| tenant.slug.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(slugs(&first.items), ["three", "two"]);
    assert_eq!(slugs(&second.items), ["one"]);
    assert_eq!(second.next, None);
}

#[tokio::test]
async fn suspending_a_tenant_blocks_its_lanes_and_resuming_opens_them() {
    let world = World::new().await;
    let (aurora, borealis) = (world.tenant("aurora").await, world.tenant("borealis").await);
    let (sender, other) = (world.live_sender(aurora).await, world.live_sender(borealis).await);

    let system = world.store.system().await.unwrap();
    let update = system.tenants().update(aurora, None, Some(TenantStatus::Suspended)).await;
    assert_eq!(update.unwrap().status, TenantStatus::Suspended);
    system.commit().await.unwrap();

    assert!(world.is_blocked(sender).await);
    assert!(!world.is_blocked(other).await);
    let tx = world.store.tenant(aurora).await.unwrap();
    let record = tx.senders().load(&default_sender()).await.unwrap();
    assert_eq!(record.state(), SenderState::Suspended);

    let system = world.store.system().await.unwrap();
    let name = "New name".parse().unwrap();
    let update = system.tenants().update(aurora, Some(&name), Some(TenantStatus::Active)).await;
    assert_eq!(update.unwrap().name, name);
    system.commit().await.unwrap();
    assert!(!world.is_blocked(sender).await);
}

/// Whichever comes last waits for the lane's row, and must then know of the other.
#[tokio::test]
async fn a_lane_stays_blocked_when_resuming_and_suspending_meet() {
    for suspended_first in [true, false] {
        let world = World::new().await;
        let aurora = world.tenant("aurora").await;
        let sender = world.live_sender(aurora).await;
        let tx = world.store.tenant(aurora).await.unwrap();
        let reason = PauseReason::ByHand;
        tx.senders().pause(&default_sender(), reason, None, None).await.unwrap();
        tx.commit().await.unwrap();
        let system = world.store.system().await.unwrap();
        let tx = world.store.tenant(aurora).await.unwrap();
        let suspend = async || {
            let status = Some(TenantStatus::Suspended);
            system.tenants().update(aurora, None, status).await.unwrap();
        };
        let resume = async || tx.senders().resume(&default_sender()).await.unwrap();

        if suspended_first {
            suspend().await;
            let suspended = async {
                world.database.wait_until(LOCK_WAITERS, 1).await;
                system.commit().await.unwrap();
            };
            assert!(tokio::join!(resume(), suspended).0);
            tx.commit().await.unwrap();
        } else {
            assert!(resume().await);
            let resumed = async {
                world.database.wait_until(LOCK_WAITERS, 1).await;
                tx.commit().await.unwrap();
            };
            tokio::join!(suspend(), resumed);
            system.commit().await.unwrap();
        }

        assert!(world.is_blocked(sender).await, "suspended first: {suspended_first}");
    }
}

/// What waited must see the pause that ended meanwhile, or the lane would stay blocked for good.
#[tokio::test]
async fn a_lane_opens_when_resuming_a_sender_and_its_tenant_meet() {
    let world = World::new().await;
    let aurora = world.tenant("aurora").await;
    let sender = world.live_sender(aurora).await;
    let set_status = async |status| {
        let system = world.store.system().await.unwrap();
        system.tenants().update(aurora, None, Some(status)).await.unwrap();
        system.commit().await.unwrap();
    };
    set_status(TenantStatus::Suspended).await;
    let tx = world.store.tenant(aurora).await.unwrap();
    tx.senders().pause(&default_sender(), PauseReason::ByHand, None, None).await.unwrap();
    tx.commit().await.unwrap();

    let tx = world.store.tenant(aurora).await.unwrap();
    tx.senders().resume(&default_sender()).await.unwrap();
    let resumed = async {
        world.database.wait_until(LOCK_WAITERS, 1).await;
        tx.commit().await.unwrap();
    };
    tokio::join!(set_status(TenantStatus::Active), resumed);

    assert!(!world.is_blocked(sender).await);
}

#[tokio::test]
async fn a_deleted_tenant_is_gone_for_everybody_at_once() {
    let world = World::new().await;
    let aurora = world.tenant("aurora").await;
    let sender = world.live_sender(aurora).await;
    let open = world.store.tenant(aurora).await.unwrap();

    let system = world.store.system().await.unwrap();
    system.tenants().remove(aurora).await.unwrap();
    system.commit().await.unwrap();

    let system = world.store.system().await.unwrap();
    assert!(system.tenants().find(&TenantRef::Id(aurora)).await.unwrap().is_none());
    assert!(matches!(system.tenants().remove(aurora).await, Err(StorageError::NotFound("tenant"))));
    assert!(system.data_keys().by_master_key().await.unwrap().is_empty());
    let events = system.list_events(None, 10).await.unwrap();
    assert_eq!(events.last().unwrap().kind, OperatorEventKind::TenantDeleted);
    assert!(world.is_blocked(sender).await);

    assert!(open.tenant().load().await.is_err());
    assert!(open.senders().find(&default_sender()).await.unwrap().is_none());
    assert!(open.senders().reveal(sender, VersionNumber(1)).await.is_err());
    drop(open);
    let save = world.try_save(aurora, typed("mail.example", "x"), Expected::Any).await;
    assert!(matches!(save, Err(StorageError::NotFound("tenant"))), "{save:?}");
}

#[tokio::test]
async fn what_a_deleted_tenant_leaves_is_removed_in_batches_and_nobody_elses() {
    let world = World::new().await;
    let (aurora, borealis) = (world.tenant("aurora").await, world.tenant("borealis").await);
    for tenant in [aurora, borealis] {
        let sender = world.live_sender(tenant).await;
        world.waiting_message(tenant, sender).await;
        let mut renamed = settings("mail.example");
        renamed.sender_name = "Other".parse().unwrap();
        world.save(tenant, kept(renamed)).await;
    }
    let system = world.store.system().await.unwrap();
    system.tenants().remove(aurora).await.unwrap();
    system.commit().await.unwrap();

    let mut batches = 0;
    while world.database.number("SELECT letterhead_remove_deleted(1)").await > 0 {
        batches += 1;
    }

    assert!(batches > 5, "{batches}");
    for table in ["senders", "sender_versions", "messages", "recipients", "lanes"] {
        let of = async |tenant| {
            let query = format!("SELECT count(*) FROM {table} WHERE tenant_id = '{tenant}'");
            world.database.number(&query).await
        };
        assert_eq!(of(aurora).await, 0, "{table}");
        assert!(of(borealis).await > 0, "{table}");
    }
    assert_eq!(world.database.number("SELECT count(*) FROM tenants").await, 1);
}
