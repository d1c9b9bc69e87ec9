//! Links into the portal and sessions there.

use std::time::Duration;

use letterhead_domain::{
    access::PortalRole,
    id::{PortalSessionId, TenantId},
};
use letterhead_storage::record::{
    LinkState, NewPortalLink, NewPortalSession, PageRequest, PortalLinkRecord, PortalSessionRecord,
    SessionState,
};

use crate::support::{World, as_role, id, login};

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

async fn link(world: &World, tenant: Option<TenantId>, token_hash: [u8; 32]) {
    let system = world.store.system().await.unwrap();
    let new = NewPortalLink {
        id: id(),
        token_hash,
        role: tenant.map_or(PortalRole::Operator, |_| PortalRole::Setup),
        email: "ann@aurora.example".parse().unwrap(),
        name: "Ann".parse().unwrap(),
        created_by: "operator-key:test".to_owned(),
        expires_at: system.now() + 10 * MINUTE,
    };
    match tenant {
        None => {
            system.portal_links().create_operator(&new).await.unwrap();
            system.commit().await.unwrap();
        }
        Some(tenant) => {
            let tx = world.store.tenant(tenant).await.unwrap();
            tx.portal_links().create(&new).await.unwrap();
            tx.commit().await.unwrap();
        }
    }
}

async fn find_link(world: &World, token_hash: [u8; 32]) -> Option<PortalLinkRecord> {
    world.store.system().await.unwrap().portal_links().find(&token_hash).await.unwrap()
}

async fn claim(world: &World, token_hash: [u8; 32]) -> Option<PortalLinkRecord> {
    let system = world.store.system().await.unwrap();
    let claimed = system.portal_links().claim(&token_hash).await.unwrap();
    system.commit().await.unwrap();
    claimed
}

async fn session(world: &World, tenant: Option<TenantId>, token_hash: [u8; 32]) -> PortalSessionId {
    let system = world.store.system().await.unwrap();
    let new = NewPortalSession {
        id: id(),
        token_hash,
        tenant,
        role: tenant.map_or(PortalRole::Operator, |_| PortalRole::Viewer),
        email: "ann@aurora.example".parse().unwrap(),
        name: "Ann".parse().unwrap(),
        expires_at: system.now() + PortalSessionRecord::LIFETIME,
    };
    system.portal_sessions().create(&new).await.unwrap();
    system.commit().await.unwrap();
    new.id
}

async fn find_session(world: &World, token_hash: [u8; 32]) -> Option<PortalSessionRecord> {
    world.store.system().await.unwrap().portal_sessions().find(&token_hash).await.unwrap()
}

async fn delete(world: &World, tenant: TenantId) {
    let system = world.store.system().await.unwrap();
    system.tenants().remove(tenant).await.unwrap();
    system.commit().await.unwrap();
}

async fn forget(world: &World, limit: u64) -> u64 {
    let system = world.store.system().await.unwrap();
    let forgotten = system.sweep().forget_portal(limit).await.unwrap();
    system.commit().await.unwrap();
    forgotten
}

#[tokio::test]
async fn a_link_is_found_by_its_token_and_claimed_once() {
    let world = World::new().await;
    let aurora = world.tenant("aurora").await;
    for (tenant, hash) in [(Some(aurora), [1; 32]), (None, [2; 32])] {
        link(&world, tenant, hash).await;

        let found = find_link(&world, hash).await.unwrap();
        assert_eq!(found.tenant.as_ref().map(|(id, _)| *id), tenant);
        assert_eq!(found.role == PortalRole::Operator, tenant.is_none());
        assert_eq!(found.state(found.expires_at - MINUTE), LinkState::Fresh);
        assert_eq!(found.state(found.expires_at), LinkState::Expired);
        let claimed = claim(&world, hash).await.unwrap();
        assert_eq!((claimed.id, claimed.email), (found.id, found.email));
        assert_eq!(claim(&world, hash).await, None);
        let used = find_link(&world, hash).await.unwrap();
        assert_eq!(used.state(used.expires_at), LinkState::Used);
    }
    assert_eq!(find_link(&world, [3; 32]).await, None);
    assert_eq!(claim(&world, [3; 32]).await, None);
}

#[tokio::test]
async fn whoever_waits_for_another_to_claim_a_link_gets_none() {
    const LOCK_WAITERS: &str = "SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let world = World::new().await;
    let aurora = world.tenant("aurora").await;
    for (tenant, hash) in [(Some(aurora), [1; 32]), (None, [2; 32])] {
        link(&world, tenant, hash).await;
        let first = world.store.system().await.unwrap();
        assert!(first.portal_links().claim(&hash).await.unwrap().is_some());

        let committed = async {
            world.database.wait_until(LOCK_WAITERS, 1).await;
            first.commit().await.unwrap();
        };
        let (second, ()) = tokio::join!(claim(&world, hash), committed);

        assert_eq!(second, None);
    }
}

#[tokio::test]
async fn a_link_that_has_expired_is_not_claimed() {
    let world = World::new().await;
    let aurora = world.tenant("aurora").await;
    for (tenant, hash) in [(Some(aurora), [1; 32]), (None, [2; 32])] {
        link(&world, tenant, hash).await;
    }

    world.database.advance(10 * MINUTE).await;

    for hash in [[1; 32], [2; 32]] {
        assert_eq!(claim(&world, hash).await, None);
        assert_eq!(find_link(&world, hash).await.unwrap().used_at, None);
    }
}

#[tokio::test]
async fn a_deleted_tenants_links_and_sessions_are_not_found() {
    let world = World::new().await;
    let (aurora, borealis) = (world.tenant("aurora").await, world.tenant("borealis").await);
    for (tenant, hash) in [(aurora, [1; 32]), (borealis, [2; 32])] {
        link(&world, Some(tenant), hash).await;
        session(&world, Some(tenant), hash).await;
    }

    delete(&world, aurora).await;

    assert_eq!(find_link(&world, [1; 32]).await, None);
    assert_eq!(claim(&world, [1; 32]).await, None);
    assert_eq!(find_session(&world, [1; 32]).await, None);
    assert!(find_link(&world, [2; 32]).await.is_some());
    assert!(find_session(&world, [2; 32]).await.is_some());
    let live = "SELECT count(*) FROM portal_sessions WHERE ended_at IS NULL";
    assert_eq!(world.database.number(live).await, 1, "its sessions have ended in the rows as well");
}

#[tokio::test]
async fn what_a_deleted_tenant_leaves_of_the_portal_is_removed() {
    let world = World::new().await;
    let (aurora, borealis) = (world.tenant("aurora").await, world.tenant("borealis").await);
    for (tenant, hash) in [(aurora, [1; 32]), (borealis, [2; 32])] {
        link(&world, Some(tenant), hash).await;
        session(&world, Some(tenant), hash).await;
    }
    delete(&world, aurora).await;

    while world.database.number("SELECT letterhead_remove_deleted(1)").await > 0 {}

    for table in ["portal_links", "portal_sessions"] {
        let rows = world.database.rows(&format!("SELECT tenant_id FROM {table}")).await;
        assert_eq!(rows.len(), 1, "{table}");
        assert_eq!(rows[0]["tenant_id"].as_str(), Some(borealis.to_string().as_str()), "{table}");
    }
}

#[tokio::test]
async fn a_session_is_live_until_it_is_idle_old_or_ended() {
    let world = World::new().await;
    let aurora = world.tenant("aurora").await;
    session(&world, Some(aurora), [1; 32]).await;
    let session = find_session(&world, [1; 32]).await.unwrap();
    let (second, start) = (Duration::from_secs(1), session.started_at);
    let seen = |at, ended_at| PortalSessionRecord { last_seen_at: at, ended_at, ..session.clone() };
    let (idle, old) = (PortalSessionRecord::IDLE, PortalSessionRecord::LIFETIME);

    let cases = [
        ("just begun", seen(start, None), start, SessionState::Live),
        ("almost idle", seen(start, None), start + idle - second, SessionState::Live),
        ("idle", seen(start, None), start + idle, SessionState::Expired),
        ("almost old", seen(start + old - idle, None), start + old - second, SessionState::Live),
        ("old", seen(start + old - second, None), start + old, SessionState::Expired),
        ("ended", seen(start, Some(start)), start, SessionState::Ended),
        ("ended long ago", seen(start, Some(start)), start + old, SessionState::Ended),
    ];

    for (case, session, now, expected) in cases {
        assert_eq!(session.state(now), expected, "{case}");
    }
}

#[tokio::test]
async fn a_session_is_ended_once_and_by_its_own_side_alone() {
    let world = World::new().await;
    let (aurora, borealis) = (world.tenant("aurora").await, world.tenant("borealis").await);
    let anns = session(&world, Some(aurora), [1; 32]).await;
    let kims = session(&world, None, [2; 32]).await;

    let tx = world.store.tenant(borealis).await.unwrap();
    assert!(!tx.portal_sessions().end(anns).await.unwrap());
    assert_eq!(tx.portal_sessions().find(anns).await.unwrap(), None);
    tx.commit().await.unwrap();
    let tx = world.store.tenant(aurora).await.unwrap();
    assert!(!tx.portal_sessions().end(kims).await.unwrap());
    assert!(tx.portal_sessions().end(anns).await.unwrap());
    assert!(!tx.portal_sessions().end(anns).await.unwrap());
    tx.commit().await.unwrap();
    let system = world.store.system().await.unwrap();
    assert!(!system.portal_sessions().end_operator(anns).await.unwrap());
    assert_eq!(system.portal_sessions().find_operator(anns).await.unwrap(), None);
    assert!(system.portal_sessions().end_operator(kims).await.unwrap());
    assert!(!system.portal_sessions().end_operator(kims).await.unwrap());
    system.commit().await.unwrap();

    assert!(find_session(&world, [1; 32]).await.unwrap().ended_at.is_some());
    assert!(find_session(&world, [2; 32]).await.unwrap().ended_at.is_some());
}

#[tokio::test]
async fn each_side_lists_its_own_sessions_for_90_days_newest_first() {
    let world = World::new().await;
    let (aurora, borealis) = (world.tenant("aurora").await, world.tenant("borealis").await);
    let ended = session(&world, Some(aurora), [1; 32]).await;
    let tx = world.store.tenant(aurora).await.unwrap();
    assert!(tx.portal_sessions().end(ended).await.unwrap());
    tx.commit().await.unwrap();
    world.database.advance(MINUTE).await;
    let newer = session(&world, Some(aurora), [2; 32]).await;
    session(&world, Some(borealis), [3; 32]).await;
    let kims = session(&world, None, [4; 32]).await;
    let ids = |items: Vec<PortalSessionRecord>| {
        items.into_iter().map(|session| session.id).collect::<Vec<_>>()
    };
    let listed = async || {
        let tx = world.store.tenant(aurora).await.unwrap();
        ids(tx.portal_sessions().list(PageRequest::first(10)).await.unwrap().items)
    };

    assert_eq!(listed().await, [newer, ended]);
    let system = world.store.system().await.unwrap();
    let operators = system.portal_sessions().list_operator(PageRequest::first(10)).await.unwrap();
    assert_eq!(ids(operators.items), [kims]);
    drop(system);

    world.database.advance(90 * DAY).await;
    assert_eq!(listed().await, [newer], "it ended eight hours later than the other");
}

#[tokio::test]
async fn a_use_is_noted_at_most_once_a_minute() {
    let world = World::new().await;
    let aurora = world.tenant("aurora").await;
    for (tenant, hash) in [(Some(aurora), [1; 32]), (None, [2; 32])] {
        session(&world, tenant, hash).await;
        let touch = async || {
            let system = world.store.system().await.unwrap();
            let session = system.portal_sessions().find(&hash).await.unwrap().unwrap();
            let touched = system.portal_sessions().touch(&session).await.unwrap();
            system.commit().await.unwrap();
            touched
        };

        assert!(!touch().await);
        world.database.advance(MINUTE).await;
        assert!(touch().await);
        assert!(!touch().await);
    }
}

#[tokio::test]
async fn links_are_forgotten_after_30_days_and_sessions_after_90_a_few_at_a_time() {
    let world = World::new().await;
    let aurora = world.tenant("aurora").await;
    for (tenant, hashes) in [(Some(aurora), [[1; 32], [2; 32]]), (None, [[3; 32], [4; 32]])] {
        for hash in hashes {
            link(&world, tenant, hash).await;
            session(&world, tenant, hash).await;
        }
    }
    let day_less = 29 * DAY;

    world.database.advance(day_less).await;
    assert_eq!(forget(&world, 10).await, 0);
    world.database.advance(2 * DAY).await;
    assert_eq!(forget(&world, 1).await, 2, "one of the tenant's and one of the operator's");
    assert_eq!(forget(&world, 10).await, 2);
    assert_eq!(find_link(&world, [1; 32]).await, None);
    assert!(find_session(&world, [1; 32]).await.is_some());
    world.database.advance(60 * DAY).await;
    assert_eq!(forget(&world, 10).await, 4);
    assert_eq!(find_session(&world, [1; 32]).await, None);
}

#[tokio::test]
async fn a_tenants_role_sees_no_token_and_nothing_of_the_operators() {
    let world = World::new().await;
    let aurora = world.tenant("aurora").await;
    let db = login(&world.database).await;

    for sql in [
        "SELECT token_hash FROM portal_sessions",
        "SELECT token_hash FROM portal_links",
        "UPDATE portal_sessions SET role = 'admin'",
        "UPDATE portal_sessions SET token_hash = sha256('x')",
        "UPDATE portal_sessions SET expires_at = 'infinity'",
        "UPDATE portal_links SET used_at = NULL",
        "DELETE FROM portal_sessions",
        "SELECT id FROM operator_links",
        "SELECT id FROM operator_sessions",
    ] {
        let done = as_role(&db, "letterhead_tenant", Some(aurora), sql).await;
        let denied = done.is_err_and(|err| err.to_string().contains("permission denied"));
        assert!(denied, "{sql}");
    }
}
