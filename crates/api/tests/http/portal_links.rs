//! Links into the portal, as the operator makes them; what opens them, the use cases say.

use letterhead_api::app::{portal_links, portal_sessions};
use poem::http::StatusCode;
use serde_json::{Value, json};

use crate::world::{Answer, PUBLIC_URL, World};

const TENANTS: &str = "/v1/tenants/aurora/portal-links";
const OPERATORS: &str = "/v1/portal-links";

fn draft(role: &str) -> Value {
    json!({"role": role, "email": "ann@aurora.example", "name": "Ann"})
}

/// The token of a link that was just made.
fn token(answer: &Answer) -> String {
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
    let url = answer.json()["url"].as_str().expect("a URL").to_owned();
    let token = url.strip_prefix(PUBLIC_URL).and_then(|path| path.strip_prefix("/portal/links/"));
    token.expect("our URL").to_owned()
}

/// How many seconds a link that was just made works.
fn valid_seconds(world_now: &Value, answer: &Answer) -> i64 {
    let time = |value: &Value| {
        let text = value.as_str().expect("a time");
        chrono::DateTime::parse_from_rfc3339(text).expect("a time").timestamp()
    };
    time(&answer.json()["expires_at"]) - time(world_now)
}

/// The database's time.
async fn now(world: &World) -> Value {
    let rows = world.database.rows("SELECT letterhead_now() AS now").await;
    rows[0]["now"].clone()
}

#[tokio::test]
async fn a_link_is_shown_once_and_leads_to_the_portal() {
    let world = World::new().await;

    let created = world.post(TENANTS, &world.operator, &draft("admin")).await;

    let json = created.json();
    assert_eq!(json["role"], "admin");
    assert_eq!(json["email"], "ann@aurora.example");
    assert_eq!(json["name"], "Ann");
    let shown = portal_links::find(&world.app, &token(&created)).await.expect("found");
    let shown = shown.expect("a link");
    assert_eq!(shown.state, portal_links::LinkState::Fresh);
    assert_eq!(shown.tenant.expect("a tenant").1.as_str(), "aurora & Sons");
}

#[tokio::test]
async fn a_link_lasts_as_long_as_its_role_allows_or_as_long_as_was_asked() {
    let world = World::new().await;
    let now = now(&world).await;
    let cases = [("admin", None, 600), ("viewer", None, 600), ("setup", None, 604_800)];
    let shorter = [("admin", Some(60), 60), ("setup", Some(3_600), 3_600)];
    for (role, asked, expected) in cases.into_iter().chain(shorter) {
        let mut body = draft(role);
        body["expires_in_seconds"] = json!(asked);
        let created = world.post(TENANTS, &world.operator, &body).await;
        let seconds = valid_seconds(&now, &created);
        assert!((expected..expected + 60).contains(&seconds), "{role}: {seconds}");
    }
}

#[tokio::test]
async fn every_refused_field_of_a_link_is_named_at_once() {
    let world = World::new().await;
    let refused = |pointer: &str, code: &str| (pointer.to_owned(), code.to_owned());

    let body = json!({"role": "admin", "email": "ann", "name": "", "expires_in_seconds": 601});
    let answer = world.post(TENANTS, &world.operator, &body).await;
    assert_eq!(
        answer.refused(),
        [
            refused("/email", "malformed"),
            refused("/name", "required"),
            refused("/expires_in_seconds", "out_of_range"),
        ]
    );

    for (path, role) in [(TENANTS, "operator"), (TENANTS, "boss"), (OPERATORS, "admin")] {
        let answer = world.post(path, &world.operator, &draft(role)).await;
        assert_eq!(answer.refused(), [refused("/role", "unknown_value")], "{path} {role}");
    }
    for seconds in [-1, 0, 604_801, i64::MAX] {
        let mut body = draft("setup");
        body["expires_in_seconds"] = json!(seconds);
        let answer = world.post(TENANTS, &world.operator, &body).await;
        assert_eq!(answer.refused(), [refused("/expires_in_seconds", "out_of_range")], "{seconds}");
    }
}

#[tokio::test]
async fn only_the_operator_makes_links() {
    let world = World::new().await;

    for (path, key, expected) in [
        (TENANTS, &world.aurora, StatusCode::FORBIDDEN),
        (TENANTS, &world.borealis, StatusCode::NOT_FOUND),
        (OPERATORS, &world.aurora, StatusCode::FORBIDDEN),
        (TENANTS, &"lhk_tn_wrong".to_owned(), StatusCode::UNAUTHORIZED),
    ] {
        // A body that says nothing: it is not looked at before its turn.
        let answer = world.post(path, key, &json!({})).await;
        assert_eq!(answer.status, expected, "{path}: {}", answer.text);
    }
}

#[tokio::test]
async fn the_audit_names_whom_a_link_is_for_and_who_used_it_and_not_the_token() {
    let world = World::new().await;
    let created = world.post(TENANTS, &world.operator, &draft("viewer")).await;
    let token = token(&created);

    let opened = portal_sessions::open(&world.app, &token).await.expect("opened");

    let portal_sessions::Redeemed::Opened(opened) = opened else { panic!("not opened") };
    let audit = world.get("/v1/tenants/aurora/audit-events", &world.aurora).await;
    assert!(!audit.text.contains(&token) && !audit.text.contains(opened.token.as_str()));
    let lines = audit.json()["data"].as_array().cloned().expect("lines");
    assert_eq!(lines[0]["action"], "portal_session.started");
    assert_eq!(lines[0]["actor"], "person:ann@aurora.example");
    assert_eq!(lines[0]["detail"]["role"], "viewer");
    assert_eq!(lines[1]["action"], "portal_link.created");
    assert_eq!(lines[1]["detail"]["email"], "ann@aurora.example");
    assert_eq!(lines[1]["target"], created.json()["id"]);
}

#[tokio::test]
async fn what_concerns_the_operator_itself_is_an_event_of_no_tenant() {
    let world = World::new().await;
    let created = world.post(OPERATORS, &world.operator, &draft("operator")).await;
    let token = token(&created);
    let opened = portal_sessions::open(&world.app, &token).await.expect("opened");
    let portal_sessions::Redeemed::Opened(opened) = opened else { panic!("not opened") };
    let principal = letterhead_domain::access::Principal::Person(opened.person.clone());
    let own = opened.person.session;
    portal_sessions::end_operator(&world.app, &principal, own).await.expect("ended");

    let events = world.get("/v1/events", &world.operator).await;

    assert!(!events.text.contains(&token) && !events.text.contains(opened.token.as_str()));
    let events = events.json()["data"].as_array().cloned().expect("events");
    let kinds: Vec<_> = events.iter().map(|event| event["kind"].clone()).collect();
    assert_eq!(kinds, ["operator.link_created", "operator.signed_in", "operator.signed_out"]);
    for event in &events {
        assert!(event["tenant_id"].is_null(), "{event}");
    }
    assert_eq!(events[1]["detail"]["by"], "operator:ann@aurora.example");
}
