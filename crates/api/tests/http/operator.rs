//! The operator's calls: tenants, their keys, events; and the audit that shows them.

use poem::http::{Method, StatusCode};
use serde_json::json;

use crate::world::{World, bearer};

#[tokio::test]
async fn a_tenant_is_created_listed_renamed_suspended_and_deleted() {
    let world = World::new().await;
    let tenant = json!({"slug": "corvus", "name": "Corvus Ltd"});

    let created = world.post("/v1/tenants", &world.operator, &tenant).await;
    assert_eq!(created.status, StatusCode::CREATED);
    insta::assert_json_snapshot!("tenant_created", created.settled());
    let loaded = world.get(created.header("location"), &world.operator).await;
    assert_eq!(loaded.json(), created.json());

    let taken = world.post("/v1/tenants", &world.operator, &tenant).await;
    assert_eq!(taken.status, StatusCode::CONFLICT);
    assert_eq!(taken.json()["detail"], "This slug is taken.");

    let page = world.get("/v1/tenants?limit=1", &world.operator).await.json();
    assert_eq!(page["data"][0]["slug"], "corvus");
    let cursor = page["next_cursor"].as_str().expect("a next page").to_owned();
    let next = world.get(&format!("/v1/tenants?cursor={cursor}"), &world.operator).await.json();
    assert_eq!(next["data"].as_array().map(Vec::len), Some(2));
    assert!(next["next_cursor"].is_null());

    let own = bearer(&world.operator);
    let change = json!({"name": "Corvus & Co", "status": "suspended"});
    let path = "/v1/tenants/corvus";
    let changed = world.call(Method::PATCH, path, &[own.as_ref()], Some(&change)).await.json();
    assert_eq!(
        (&changed["name"], &changed["status"]),
        (&json!("Corvus & Co"), &json!("suspended"))
    );

    let deleted = world.delete(path, &world.operator).await;
    assert_eq!((deleted.status, deleted.text.as_str()), (StatusCode::ACCEPTED, ""));
    assert_eq!(world.get(path, &world.operator).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn every_refused_field_of_a_tenant_is_named_at_once() {
    let world = World::new().await;
    let refused = |pointer: &str, code: &str| (pointer.to_owned(), code.to_owned());

    let answer =
        world.post("/v1/tenants", &world.operator, &json!({"slug": "self", "name": ""})).await;
    assert_eq!(answer.refused(), [refused("/slug", "reserved"), refused("/name", "required")]);

    let body = json!({"slug": 5, "nom": "x"});
    let answer = world.post("/v1/tenants", &world.operator, &body).await;
    let mut found = answer.refused();
    found.sort();
    let expected = [
        refused("/name", "required"),
        refused("/nom", "unknown_field"),
        refused("/slug", "wrong_type"),
    ];
    assert_eq!(found, expected);

    let answer = world.get("/v1/tenants?limit=0&cursor=x", &world.operator).await;
    assert_eq!(
        answer.refused(),
        [refused("/limit", "out_of_range"), refused("/cursor", "malformed")]
    );
}

#[tokio::test]
async fn an_api_key_is_shown_once_works_and_is_revoked() {
    let world = World::new().await;
    let path = "/v1/tenants/aurora/api-keys";
    let draft = json!({"name": "Shop", "scopes": ["messages:read", "messages:read", "audit:read"],
                       "expires_at": "2999-01-01T00:00:00Z"});

    let created = world.post(path, &world.operator, &draft).await;
    assert_eq!(created.status, StatusCode::CREATED);
    let key = created.json()["key"].as_str().expect("a key").to_owned();
    assert!(key.starts_with("lhk_tn_"));
    assert_eq!(created.json()["scopes"], json!(["messages:read", "audit:read"]));
    assert_eq!(world.get("/v1/tenants/self/messages", &key).await.status, StatusCode::OK);

    let listed = world.get(path, &world.operator).await;
    assert!(!listed.text.contains(&key));
    assert_eq!(listed.json()["data"][0]["name"], "Shop");

    let revoked = world.delete(created.header("location"), &world.operator).await;
    assert_eq!(revoked.status, StatusCode::NO_CONTENT);
    assert_eq!(world.get("/v1/tenants/self/messages", &key).await.status, StatusCode::UNAUTHORIZED);

    let broken = json!({"name": "x", "scopes": ["messages:read", "everything"],
                        "expires_at": "2001-01-01T00:00:00Z"});
    let answer = world.post(path, &world.operator, &broken).await;
    assert_eq!(answer.refused(), [("/scopes/1".to_owned(), "unknown_value".to_owned())]);
    let answer = world.post(path, &world.operator, &json!({"name": "x", "scopes": []})).await;
    assert_eq!(answer.refused(), [("/scopes".to_owned(), "required".to_owned())]);
}

#[tokio::test]
async fn what_is_the_operators_is_forbidden_to_tenants() {
    let world = World::new().await;
    let paths = ["/v1/tenants", "/v1/tenants/aurora", "/v1/tenants/self/api-keys", "/v1/events"];
    for path in paths {
        let answer = world.get(path, &world.aurora).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}");
    }
    let other = world.get("/v1/tenants/borealis", &world.aurora).await;
    assert_eq!(other.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_audit_and_the_events_tell_what_was_done_without_a_secret() {
    let world = World::new().await;
    world.save_default().await;
    let pause = "/v1/tenants/aurora/senders/default/pause";
    world.post(pause, &world.aurora, &json!({})).await;

    let audit = world.get("/v1/tenants/aurora/audit-events", &world.aurora).await;
    let events = audit.json()["data"].as_array().cloned().expect("events");
    let actions: Vec<_> = events.iter().map(|event| event["action"].clone()).collect();
    assert_eq!(actions, ["sender.paused", "sender.saved", "api_key.created", "tenant.created"]);
    assert!(!audit.text.contains("practice-password"));

    let events = world.get("/v1/events", &world.operator).await.json();
    assert_eq!(events["data"][0]["kind"], "sender.paused");
    let after = events["next_cursor"].as_str().expect("a place").to_owned();
    let later = world.get(&format!("/v1/events?after={after}"), &world.operator).await.json();
    assert_eq!(later, json!({"data": [], "next_cursor": after}));

    let answer = world.get("/v1/events?after=x&limit=1000", &world.operator).await;
    assert_eq!(answer.refused().len(), 2);
}
