//! Keys, tenants and senders that are kept in memory: how soon they are forgotten, here and on other instances.

use std::{net::Ipv4Addr, time::Duration};

use letterhead_api::{
    api_key::{self, KeyKind},
    app::{App, AppError, access, instances},
    http::{HttpConfig, routes},
};
use letterhead_storage::record::NewOperatorKey;
use poem::{
    http::{Method, StatusCode},
    test::TestClient,
};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::world::{EVERY_SCOPE, World, app, bearer};

const KEPT_FOR: Duration = Duration::from_secs(5);
const SOON: Duration = Duration::from_secs(60);
const SENDERS: &str = "/v1/tenants/aurora/senders";

/// Another instance on the same database.
async fn elsewhere(world: &World, known_for: Duration) -> App {
    let mut rules = world.app.rules;
    rules.known_for = known_for;
    app(&world.database.url(), &world.practice, rules).await
}

async fn works(app: &App, key: &str) -> bool {
    match access::authenticate(app, key, Ipv4Addr::LOCALHOST.into()).await {
        Ok(_) => true,
        Err(AppError::Unauthorized | AppError::TooMany { .. }) => false,
        Err(err) => panic!("{err}"),
    }
}

/// Makes a key of aurora; gives it, and where it is revoked.
async fn key(world: &World) -> (String, String) {
    let body = json!({"name": "shop", "scopes": EVERY_SCOPE});
    let created = world.post("/v1/tenants/aurora/api-keys", &world.operator, &body).await;
    let key = created.json()["key"].as_str().expect("a key").to_owned();
    (key, created.header("location").to_owned())
}

fn hits(app: &App, cache: &str) -> u64 {
    let line = format!("letterhead_cache_lookups_total{{cache=\"{cache}\",outcome=\"hit\"}} ");
    let rendered = app.metrics.render();
    let found = rendered.lines().find_map(|it| it.strip_prefix(&line));
    found.map_or(0, |count| count.parse().expect("a count"))
}

#[tokio::test]
async fn a_key_and_a_tenant_that_were_looked_up_are_not_looked_up_again() {
    let world = World::new().await;
    world.get(SENDERS, &world.operator).await;
    let before = (hits(&world.app, "api_key"), hits(&world.app, "tenant"));

    world.get(SENDERS, &world.operator).await;

    let after = (hits(&world.app, "api_key"), hits(&world.app, "tenant"));
    assert_eq!(after, (before.0 + 1, before.1 + 1));
}

#[tokio::test]
async fn a_revoked_key_stops_at_once_here_and_elsewhere_by_its_age_at_the_latest() {
    let world = World::new().await;
    let other = elsewhere(&world, KEPT_FOR).await;
    let (key, location) = key(&world).await;
    assert!(works(&world.app, &key).await && works(&other, &key).await);

    let revoked = world.delete(&location, &world.operator).await;

    assert_eq!(revoked.status, StatusCode::NO_CONTENT);
    assert!(!works(&world.app, &key).await);
    // The two do not speak to each other here.
    assert!(works(&other, &key).await);
    tokio::time::pause();
    tokio::time::advance(KEPT_FOR).await;
    tokio::time::resume();
    assert!(!works(&other, &key).await);
}

#[tokio::test]
async fn an_instance_that_hears_of_a_change_does_not_wait_for_the_age() {
    let world = World::new().await;
    let other = elsewhere(&world, Duration::from_secs(3600)).await;
    let (key, location) = key(&world).await;
    let stop = CancellationToken::new();
    for app in [&world.app, &other] {
        tokio::spawn(instances::exchange(app.clone(), stop.clone()));
    }
    let listening = "SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND query LIKE 'LISTEN%'";
    world.database.wait_until(listening, 2).await;
    assert!(works(&other, &key).await);

    world.delete(&location, &world.operator).await;

    let forgotten = async {
        while works(&other, &key).await {
            tokio::task::yield_now().await;
        }
    };
    assert!(tokio::time::timeout(SOON, forgotten).await.is_ok());
    stop.cancel();
}

#[tokio::test]
async fn a_key_that_was_unknown_works_as_soon_as_it_is_made() {
    let world = World::new().await;
    let new = api_key::generate(KeyKind::Operator);
    assert!(!works(&world.app, &new.text).await);

    let system = world.app.store.system().await.expect("a transaction");
    let name = "late".parse().expect("a name");
    let record = NewOperatorKey { id: new.id, name, secret_hash: new.hash, expires_at: None };
    system.operator_keys().create(&record).await.expect("a key");
    system.commit().await.expect("a commit");

    assert!(works(&world.app, &new.text).await);
}

#[tokio::test]
async fn a_deleted_tenant_is_gone_at_once_and_its_slug_names_the_next() {
    let world = World::new().await;
    let path = "/v1/tenants/aurora";
    let first = world.get(path, &world.operator).await.json();
    assert_eq!(world.get(SENDERS, &world.aurora).await.status, StatusCode::OK);

    assert_eq!(world.delete(path, &world.operator).await.status, StatusCode::ACCEPTED);

    assert_eq!(world.get(SENDERS, &world.aurora).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(world.get(path, &world.operator).await.status, StatusCode::NOT_FOUND);
    let tenant = json!({"slug": "aurora", "name": "Another Aurora"});
    world.post("/v1/tenants", &world.operator, &tenant).await;
    let next = world.get(path, &world.operator).await.json();
    assert_eq!(next["name"], "Another Aurora");
    assert_ne!(next["id"], first["id"]);
}

const SENDER: &str = "/v1/tenants/aurora/senders/default";

/// What another instance answers about the sender: its ETag and the name that it shows.
async fn shown(app: &App, key: &str) -> (String, String) {
    let client = TestClient::new(routes(app.clone(), HttpConfig::default()));
    let answer = client.get(SENDER).header("authorization", format!("Bearer {key}")).send().await.0;
    let tag = answer.header("etag").expect("an ETag").to_owned();
    let text = answer.into_body().into_string().await.expect("text");
    let sender: Value = serde_json::from_str(&text).expect("JSON");
    (tag, sender["settings"]["sender_name"].as_str().expect("a name").to_owned())
}

async fn rename(world: &World, name: &str) {
    let mut settings = world.settings();
    settings["sender_name"] = json!(name);
    let saved = world.put(SENDER, &world.aurora, &settings).await;
    assert_eq!(saved.status, StatusCode::OK, "{}", saved.text);
}

#[tokio::test]
async fn a_sender_is_read_once_and_every_change_through_this_instance_is_seen_at_once() {
    let world = World::new().await;
    world.save_default().await;
    let first = world.get(SENDER, &world.aurora).await;
    let before = hits(&world.app, "sender");
    let again = world.get(SENDER, &world.aurora).await;
    assert_eq!((again.text, hits(&world.app, "sender")), (first.text, before + 1));

    rename(&world, "Aurora Renamed").await;
    let renamed = world.get(SENDER, &world.aurora).await.json();
    assert_eq!(renamed["settings"]["sender_name"], "Aurora Renamed");

    world.post(&format!("{SENDER}/pause"), &world.aurora, &json!({})).await;
    assert_eq!(world.get(SENDER, &world.aurora).await.json()["pause"]["reason"], "by_hand");

    let limits = json!({"messages_per_day": 7});
    let limited = world.put(&format!("{SENDER}/limits"), &world.aurora, &limits).await;
    assert_eq!(limited.status, StatusCode::OK, "{}", limited.text);
    let shown = world.get(SENDER, &world.aurora).await.json();
    assert_eq!(shown["limits"], limited.json()["limits"]);

    let tests = format!("{SENDER}/test-runs");
    let run = world.post(&tests, &world.aurora, &json!({"mode": "connection"})).await.json();
    let tested = world.get(SENDER, &world.aurora).await.json();
    assert_eq!(tested["last_test"]["id"], run["id"]);
    assert_eq!(tested["live_version"], 2, "the renamed one is proven");

    let suspend = json!({"status": "suspended"});
    world
        .call(
            Method::PATCH,
            "/v1/tenants/aurora",
            &[bearer(&world.operator).as_ref()],
            Some(&suspend),
        )
        .await;
    assert_eq!(world.get(SENDER, &world.aurora).await.json()["state"], "suspended");

    assert_eq!(world.delete(SENDER, &world.aurora).await.status, StatusCode::NO_CONTENT);
    assert_eq!(world.get(SENDER, &world.aurora).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_kept_sender_is_shown_to_nobody_who_may_not_see_it() {
    let world = World::new().await;
    world.save_default().await;
    world.get(SENDER, &world.aurora).await;
    let sending_only = world.key("aurora", &["messages:send"]).await;

    assert_eq!(world.get(SENDER, &world.borealis).await.status, StatusCode::NOT_FOUND);
    assert_eq!(world.get(SENDER, &sending_only).await.status, StatusCode::FORBIDDEN);
    assert_eq!(world.get(SENDER, "").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_sender_changed_elsewhere_is_shown_as_it_was_for_its_age_at_most_and_saves_over_nothing()
{
    let world = World::new().await;
    world.save_default().await;
    let other = elsewhere(&world, KEPT_FOR).await;
    let (stale, name) = shown(&other, &world.aurora).await;

    rename(&world, "Aurora Renamed").await;

    // The two do not speak to each other here.
    assert_eq!(shown(&other, &world.aurora).await, (stale.clone(), name));
    let client = TestClient::new(routes(other.clone(), HttpConfig::default()));
    let save = client.put(SENDER).header("authorization", format!("Bearer {}", world.aurora));
    let save = save.header("if-match", stale).content_type("application/json");
    let refused = save.body(world.settings().to_string()).send().await;
    refused.assert_status(StatusCode::PRECONDITION_FAILED);
    tokio::time::pause();
    tokio::time::advance(KEPT_FOR).await;
    tokio::time::resume();
    assert_eq!(shown(&other, &world.aurora).await.1, "Aurora Renamed");
}

#[tokio::test]
async fn an_instance_that_hears_of_a_changed_sender_shows_it_at_once() {
    let world = World::new().await;
    world.save_default().await;
    let other = elsewhere(&world, Duration::from_secs(3600)).await;
    let stop = CancellationToken::new();
    tokio::spawn(instances::exchange(other.clone(), stop.clone()));
    let listening = "SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND query LIKE 'LISTEN%'";
    world.database.wait_until(listening, 1).await;
    let (_, before) = shown(&other, &world.aurora).await;

    rename(&world, "Aurora Renamed").await;

    let seen = async {
        while shown(&other, &world.aurora).await.1 == before {
            tokio::task::yield_now().await;
        }
    };
    assert!(tokio::time::timeout(SOON, seen).await.is_ok());
    stop.cancel();
}
