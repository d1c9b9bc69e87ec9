//! From a link to a session and to its end, by the use cases: the pages only show them.

use std::time::Duration;

use letterhead_api::app::{
    AppError, access,
    access::Caller,
    portal_links::{self, LinkDraft, LinkState},
    portal_sessions::{self, IDLE, LIFETIME, Opened, Redeemed},
};
use letterhead_domain::access::{PortalRole, Principal};
use letterhead_storage::record::{PageRequest, PortalSessionRecord, SessionState};

use crate::world::World;

fn draft(role: PortalRole, name: &str) -> LinkDraft {
    LinkDraft {
        role,
        email: format!("{name}@aurora.example").parse().expect("an address"),
        name: name.parse().expect("a name"),
        valid_for: None,
    }
}

async fn console(world: &World, tenant: &str) -> Caller {
    access::enter(&world.app, &Principal::Console, tenant).await.expect("a tenant")
}

/// The token of a new link into aurora's pages, or to the operator's.
async fn link(world: &World, role: PortalRole, name: &str) -> String {
    let draft = draft(role, name);
    let created = if role == PortalRole::Operator {
        portal_links::create_operator(&world.app, &Principal::Console, draft).await
    } else {
        portal_links::create(&world.app, &console(world, "aurora").await, draft).await
    };
    created.expect("a link").token.to_string()
}

async fn sign_in(world: &World, role: PortalRole, name: &str) -> Opened {
    match portal_sessions::open(&world.app, &link(world, role, name).await).await {
        Ok(Redeemed::Opened(opened)) => opened,
        Ok(Redeemed::Used | Redeemed::Expired | Redeemed::Unknown) => panic!("not opened"),
        Err(err) => panic!("{err}"),
    }
}

async fn is_signed_in(world: &World, opened: &Opened) -> bool {
    let person = portal_sessions::authenticate(&world.app, &opened.token).await.expect("an answer");
    assert!(person.as_ref().is_none_or(|person| *person == opened.person), "{person:?}");
    person.is_some()
}

fn on_own_tenant(opened: &Opened) -> Caller {
    let tenant = opened.person.tenant.expect("a tenant");
    Caller { principal: Principal::Person(opened.person.clone()), tenant }
}

async fn state(world: &World, token: &str) -> Option<LinkState> {
    let found = portal_links::find(&world.app, token).await.expect("an answer");
    found.map(|link| link.state)
}

#[tokio::test]
async fn a_link_signs_its_person_in_once_and_looking_at_it_does_not() {
    let world = World::new().await;
    for role in [PortalRole::Admin, PortalRole::Operator] {
        let token = link(&world, role, "ann").await;
        for _ in 0..2 {
            assert_eq!(state(&world, &token).await, Some(LinkState::Fresh));
        }

        let opened = portal_sessions::open(&world.app, &token).await.expect("an answer");

        let Redeemed::Opened(opened) = opened else { panic!("not opened") };
        assert_eq!(opened.person.role, role);
        assert_eq!(opened.person.tenant.is_none(), role == PortalRole::Operator);
        assert!(is_signed_in(&world, &opened).await);
        assert_eq!(state(&world, &token).await, Some(LinkState::Used));
        let again = portal_sessions::open(&world.app, &token).await.expect("an answer");
        assert!(matches!(again, Redeemed::Used));
    }
}

#[tokio::test]
async fn of_many_who_use_a_link_at_once_one_is_signed_in() {
    let world = World::new().await;
    for role in [PortalRole::Viewer, PortalRole::Operator] {
        let token = link(&world, role, "ann").await;

        let tries = (0..8).map(|_| portal_sessions::open(&world.app, &token));
        let results = futures_util::future::join_all(tries).await;

        let mut opened = 0;
        for result in results {
            match result.expect("an answer") {
                Redeemed::Opened(_) => opened += 1,
                Redeemed::Used => {}
                Redeemed::Expired | Redeemed::Unknown => panic!("neither opened nor used"),
            }
        }
        assert_eq!(opened, 1);
    }
}

#[tokio::test]
async fn a_link_that_was_not_used_in_time_opens_nothing() {
    let world = World::new().await;
    for role in [PortalRole::Admin, PortalRole::Setup, PortalRole::Operator] {
        let token = link(&world, role, "ann").await;
        let second = Duration::from_secs(1);

        world.database.advance(role.longest_link().saturating_sub(10 * second)).await;
        assert_eq!(state(&world, &token).await, Some(LinkState::Fresh), "{role:?}");
        world.database.advance(10 * second).await;

        assert_eq!(state(&world, &token).await, Some(LinkState::Expired), "{role:?}");
        let late = portal_sessions::open(&world.app, &token).await.expect("an answer");
        assert!(matches!(late, Redeemed::Expired), "{role:?}");
    }
}

#[tokio::test]
async fn what_nobody_made_opens_nothing_and_is_nobody() {
    let world = World::new().await;
    let opened = sign_in(&world, PortalRole::Admin, "ann").await;
    let never_made = "A".repeat(43);

    // A session's token is no link.
    for token in ["", "x", "\0", "ä", &never_made, opened.token.as_str()] {
        assert_eq!(state(&world, token).await, None, "{token}");
        let result = portal_sessions::open(&world.app, token).await.expect("an answer");
        assert!(matches!(result, Redeemed::Unknown), "{token}");
    }
    // And a link's token is no session.
    let link = link(&world, PortalRole::Admin, "bea").await;
    for token in ["", "x", "\0", "ä", &never_made, &link] {
        let person = portal_sessions::authenticate(&world.app, token).await.expect("an answer");
        assert_eq!(person, None, "{token}");
    }
}

#[tokio::test]
async fn a_session_ends_after_half_an_hour_without_a_request() {
    let world = World::new().await;
    for role in [PortalRole::Admin, PortalRole::Operator] {
        let opened = sign_in(&world, role, "ann").await;
        let almost = IDLE.saturating_sub(Duration::from_secs(10));
        for _ in 0..3 {
            world.database.advance(almost).await;
            assert!(is_signed_in(&world, &opened).await, "{role:?}");
        }

        world.database.advance(IDLE).await;

        assert!(!is_signed_in(&world, &opened).await, "{role:?}");
    }
}

#[tokio::test]
async fn a_session_ends_after_eight_hours_however_busy() {
    let world = World::new().await;
    for role in [PortalRole::Viewer, PortalRole::Operator] {
        let opened = sign_in(&world, role, "ann").await;
        let step = Duration::from_secs(29 * 60);
        let mut passed = Duration::ZERO;
        while passed + step < LIFETIME {
            world.database.advance(step).await;
            passed += step;
            assert!(is_signed_in(&world, &opened).await, "{role:?} after {passed:?}");
        }

        world.database.advance(LIFETIME.saturating_sub(passed)).await;

        assert!(!is_signed_in(&world, &opened).await, "{role:?}");
    }
}

#[tokio::test]
async fn a_session_is_written_to_at_most_once_a_minute() {
    let world = World::new().await;
    let opened = sign_in(&world, PortalRole::Admin, "ann").await;
    let last_seen = async || {
        let rows = world.database.rows("SELECT last_seen_at FROM portal_sessions").await;
        rows[0]["last_seen_at"].clone()
    };
    let first = last_seen().await;

    world.database.advance(Duration::from_secs(30)).await;
    assert!(is_signed_in(&world, &opened).await);
    assert_eq!(last_seen().await, first);

    world.database.advance(Duration::from_secs(31)).await;
    assert!(is_signed_in(&world, &opened).await);
    assert_ne!(last_seen().await, first);
}

#[tokio::test]
async fn signing_out_ends_ones_own_session_and_is_written_down_once() {
    let world = World::new().await;
    let opened = sign_in(&world, PortalRole::Setup, "ann").await;
    let caller = on_own_tenant(&opened);

    for _ in 0..2 {
        portal_sessions::end(&world.app, &caller, opened.person.session).await.expect("ended");
    }

    assert!(!is_signed_in(&world, &opened).await);
    let audit = world.get("/v1/tenants/aurora/audit-events", &world.aurora).await.json();
    let lines = audit["data"].as_array().cloned().expect("lines");
    let ended: Vec<_> =
        lines.iter().filter(|line| line["action"] == "portal_session.ended").collect();
    assert_eq!(ended.len(), 1);
    assert_eq!(ended[0]["actor"], "person:ann@aurora.example");
}

#[tokio::test]
async fn an_admin_ends_anothers_session_and_nobody_below_does() {
    let world = World::new().await;
    let admin = sign_in(&world, PortalRole::Admin, "ann").await;
    let viewer = sign_in(&world, PortalRole::Viewer, "vic").await;
    let setup = sign_in(&world, PortalRole::Setup, "sid").await;

    for (who, whose) in [(&viewer, &setup), (&setup, &admin)] {
        let caller = on_own_tenant(who);
        let refused = portal_sessions::end(&world.app, &caller, whose.person.session).await;
        assert!(matches!(refused, Err(AppError::Forbidden(_))), "{refused:?}");
        let refused = portal_sessions::list(&world.app, &caller, PageRequest::first(10)).await;
        assert!(matches!(refused, Err(AppError::Forbidden(_))), "{refused:?}");
        assert!(is_signed_in(&world, whose).await);
    }
    let caller = on_own_tenant(&admin);
    portal_sessions::end(&world.app, &caller, viewer.person.session).await.expect("ended");

    assert!(!is_signed_in(&world, &viewer).await);
    assert!(is_signed_in(&world, &setup).await);
}

#[tokio::test]
async fn another_tenants_sessions_and_the_operators_are_not_there() {
    let world = World::new().await;
    let ann = sign_in(&world, PortalRole::Admin, "ann").await;
    let kim = sign_in(&world, PortalRole::Operator, "kim").await;
    let borealis = console(&world, "borealis").await;

    for session in [ann.person.session, kim.person.session] {
        let missing = portal_sessions::end(&world.app, &borealis, session).await;
        assert!(matches!(missing, Err(AppError::NotFound("session"))), "{missing:?}");
    }
    let theirs = portal_sessions::list(&world.app, &borealis, PageRequest::first(10)).await;
    assert!(theirs.expect("a page").items.is_empty());
    let operator = Principal::Person(kim.person.clone());
    let missing = portal_sessions::end_operator(&world.app, &operator, ann.person.session).await;
    assert!(matches!(missing, Err(AppError::NotFound("session"))), "{missing:?}");
    let admin = Principal::Person(ann.person.clone());
    let refused = portal_sessions::end_operator(&world.app, &admin, kim.person.session).await;
    assert!(matches!(refused, Err(AppError::Forbidden(_))), "{refused:?}");
    let refused = portal_sessions::list_operator(&world.app, &admin, PageRequest::first(10)).await;
    assert!(matches!(refused, Err(AppError::Forbidden(_))), "{refused:?}");
    assert!(is_signed_in(&world, &ann).await && is_signed_in(&world, &kim).await);
}

#[tokio::test]
async fn sessions_are_listed_newest_first_with_what_became_of_them() {
    let world = World::new().await;
    let caller = console(&world, "aurora").await;
    let idle = sign_in(&world, PortalRole::Viewer, "vic").await;
    world.database.advance(IDLE).await;
    let ended = sign_in(&world, PortalRole::Setup, "sid").await;
    portal_sessions::end(&world.app, &caller, ended.person.session).await.expect("ended");
    let live = sign_in(&world, PortalRole::Admin, "ann").await;

    let first = portal_sessions::list(&world.app, &caller, PageRequest::first(2)).await;
    let first = first.expect("a page");
    let rest = PageRequest { limit: 2, after: first.next };
    let rest = portal_sessions::list(&world.app, &caller, rest).await.expect("a page");

    let now = world.app.store.system().await.expect("a transaction").now();
    let shown = |session: &PortalSessionRecord| (session.id, session.state(now));
    let shown: Vec<_> = first.items.iter().chain(&rest.items).map(shown).collect();
    assert_eq!(
        shown,
        [
            (live.person.session, SessionState::Live),
            (ended.person.session, SessionState::Ended),
            (idle.person.session, SessionState::Expired),
        ]
    );
    assert_eq!(rest.next, None);
}

#[tokio::test]
async fn a_deleted_tenants_links_and_sessions_are_gone_at_once() {
    let world = World::new().await;
    let opened = sign_in(&world, PortalRole::Admin, "ann").await;
    let token = link(&world, PortalRole::Admin, "bea").await;
    let operator = sign_in(&world, PortalRole::Operator, "kim").await;

    world.delete("/v1/tenants/aurora", &world.operator).await;

    assert!(!is_signed_in(&world, &opened).await);
    assert_eq!(state(&world, &token).await, None);
    let result = portal_sessions::open(&world.app, &token).await.expect("an answer");
    assert!(matches!(result, Redeemed::Unknown));
    assert!(is_signed_in(&world, &operator).await);
}

#[tokio::test]
async fn a_suspended_tenants_people_may_still_come_in_and_see_it() {
    let world = World::new().await;
    let before = sign_in(&world, PortalRole::Admin, "ann").await;
    let own = crate::world::bearer(&world.operator);
    let suspend = serde_json::json!({"status": "suspended"});
    let path = "/v1/tenants/aurora";
    world.call(poem::http::Method::PATCH, path, &[own.as_ref()], Some(&suspend)).await;

    let after = sign_in(&world, PortalRole::Viewer, "vic").await;

    assert!(is_signed_in(&world, &before).await && is_signed_in(&world, &after).await);
}
