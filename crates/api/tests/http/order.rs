//! In which order a request that is wrong in several ways is answered.

use poem::http::{Method, StatusCode};
use serde_json::json;

use crate::world::{World, bearer};

#[tokio::test]
async fn answers_come_in_the_order_of_the_contract() {
    let world = World::new().await;
    world.save_default().await;
    let reader = world.key("aurora", &["settings:read"]).await;
    let path = "/v1/tenants/aurora/senders/default";
    let stale = ("if-match", "\"7\"");
    let huge = format!("{{\"host\": \"{}\"", "x".repeat(100_000));
    let json = ("content-type", "application/json");

    let unknown = bearer("lhk_tn_nonsense");
    let answer = world.raw(Method::PUT, path, &[unknown.as_ref(), stale, json], huge.clone()).await;
    assert_eq!(
        (answer.status, answer.header("www-authenticate")),
        (401.try_into().unwrap(), "Bearer")
    );

    let other = bearer(&world.borealis);
    let answer = world.raw(Method::PUT, path, &[other.as_ref(), stale, json], huge.clone()).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);

    let reader = bearer(&reader);
    let answer = world.raw(Method::PUT, path, &[reader.as_ref(), stale, json], huge.clone()).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert_eq!(answer.json()["detail"], "This key lacks the scope settings:write.");

    let own = bearer(&world.aurora);
    let answer = world.raw(Method::PUT, path, &[own.as_ref(), stale, json], huge).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);

    let answer = world.raw(Method::PUT, path, &[own.as_ref(), stale, json], "{\"host\": ").await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (StatusCode::BAD_REQUEST, "malformed_json")
    );

    let wrong_types = json!({"host": 5, "port": "x"});
    let answer = world.call(Method::PUT, path, &[own.as_ref(), stale], Some(&wrong_types)).await;
    assert!(answer.refused().contains(&("/host".to_owned(), "wrong_type".to_owned())));

    let mut broken = world.settings();
    broken["sender_email"] = json!("nobody");
    let answer = world.call(Method::PUT, path, &[own.as_ref(), stale], Some(&broken)).await;
    assert_eq!(answer.refused(), [("/sender_email".to_owned(), "malformed".to_owned())]);

    let answer =
        world.call(Method::PUT, path, &[own.as_ref(), stale], Some(&world.settings())).await;
    assert_eq!((answer.status, answer.code().as_str()), (StatusCode::PRECONDITION_FAILED, "stale"));

    // And 412 before 409: this candidate is all that the sender has.
    let candidate = format!("{path}/candidate");
    let answer = world.call(Method::DELETE, &candidate, &[own.as_ref(), stale], None).await;
    assert_eq!(answer.status, StatusCode::PRECONDITION_FAILED);
    let answer = world.call(Method::DELETE, &candidate, &[own.as_ref()], None).await;
    assert_eq!(answer.status, StatusCode::CONFLICT);
}

#[tokio::test]
async fn what_is_malformed_in_a_path_is_not_there() {
    let world = World::new().await;
    world.save_default().await;
    let paths = [
        "/v1/tenants/NOT-A-SLUG/senders",
        "/v1/tenants/%ff/senders",
        "/v1/tenants/%00/senders",
        "/v1/tenants/aurora/senders/self",
        "/v1/tenants/aurora/senders/%2e%2e",
        "/v1/tenants/aurora/senders/default/test-runs/5",
        "/v1/tenants/aurora/messages/5",
        "/v1/tenants/borealis/senders",
        "/v1/nothing",
        "/v1/tenants/aurora/senders/default/",
    ];
    for path in paths {
        let answer = world.get(path, &world.aurora).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}: {}", answer.text);
    }
    let answer = world.get("/v1/tenants/self/senders", &world.operator).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    let answer = world.get("/v1/tenants/self/senders", &world.aurora).await;
    assert_eq!(answer.status, StatusCode::OK);
}

#[tokio::test]
async fn too_many_wrong_keys_from_one_address_are_held_off_and_others_are_not() {
    let world = World::with_rules(|rules| rules.failed_auth_per_minute = 3).await;
    let wrong = bearer("lhk_op_wrong");
    let from = |address| ("x-forwarded-for", address);
    for _ in 0..3 {
        let headers = [wrong.as_ref(), from("203.0.113.9")];
        let answer = world.call(Method::GET, "/v1/tenants", &headers, None).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    }

    let headers = [wrong.as_ref(), from("203.0.113.9")];
    let answer = world.call(Method::GET, "/v1/tenants", &headers, None).await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(answer.header("retry-after"), "60");

    let right = bearer(&world.operator);
    let headers = [right.as_ref(), from("203.0.113.9")];
    let answer = world.call(Method::GET, "/v1/tenants", &headers, None).await;
    assert_eq!(answer.status, StatusCode::OK, "a key that works goes on working");
    let headers = [wrong.as_ref(), from("203.0.113.10")];
    let answer = world.call(Method::GET, "/v1/tenants", &headers, None).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    let answer = world.call(Method::GET, "/v1/tenants", &[from("203.0.113.9")], None).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "no key is no guess");
}
