//! Test runs against the practice mail server.

use poem::http::StatusCode;
use serde_json::json;

use crate::world::World;

const DEFAULT: &str = "/v1/tenants/aurora/senders/default";
const RUNS: &str = "/v1/tenants/aurora/senders/default/test-runs";

#[tokio::test]
async fn a_passed_run_makes_the_candidate_live() {
    let world = World::new().await;
    world.save_default().await;

    let run = world.post(RUNS, &world.aurora, &json!({"mode": "connection"})).await;

    assert_eq!(run.status, StatusCode::CREATED, "{}", run.text);
    let stages = run.json()["stages"].as_array().cloned().expect("stages");
    let ends: Vec<_> = stages.iter().map(|stage| stage["status"].clone()).collect();
    let passed = json!("passed");
    assert!(ends[..8].iter().all(|end| *end == passed), "{}", run.text);
    assert_eq!(stages[8], json!({"stage": "message", "status": "skipped"}));
    assert_eq!(run.json()["version"], 1);
    assert!(
        run.json()["tls"]["version"].as_str().is_some_and(|version| version.starts_with("TLS"))
    );

    let loaded = world.get(run.header("location"), &world.aurora).await;
    assert_eq!(loaded.json(), run.json());
    let sender = world.get(DEFAULT, &world.aurora).await.json();
    assert_eq!((&sender["state"], &sender["live_version"]), (&json!("live"), &json!(1)));
    assert_eq!(sender["last_test"]["status"], "passed");
    assert_eq!(world.get(RUNS, &world.aurora).await.json()["data"], json!([run.json()]));
}

#[tokio::test]
async fn a_wrong_password_fails_at_auth_with_advice_and_a_transcript_without_it() {
    let world = World::new().await;
    let mut settings = world.settings();
    settings["password"] = json!("hunter2-hunter2");
    world.put(DEFAULT, &world.aurora, &settings).await;

    let run = world.post(RUNS, &world.aurora, &json!({})).await;

    assert_eq!(run.status, StatusCode::CREATED, "{}", run.text);
    insta::assert_json_snapshot!("test_run_failed", run.settled());
    let transcript = format!("{}/transcript", run.header("location"));
    let transcript = world.get(&transcript, &world.aurora).await;
    assert_eq!(transcript.header("content-type"), "text/plain; charset=utf-8");
    assert!(transcript.text.contains("AUTH"), "{}", transcript.text);
    assert!(!transcript.text.contains("hunter2"), "{}", transcript.text);
}

#[tokio::test]
async fn typed_settings_are_tried_and_prove_nothing() {
    let world = World::new().await;
    world.save_default().await;

    let run = world.post(RUNS, &world.aurora, &json!({"settings": world.settings()})).await;
    assert_eq!((run.status, &run.json()["status"]), (StatusCode::CREATED, &json!("passed")));
    assert!(run.json()["version"].is_null());
    assert_eq!(world.get(DEFAULT, &world.aurora).await.json()["state"], "untested");

    let mut broken = world.settings();
    broken["port"] = json!(0);
    broken["sender_email"] = json!("nobody");
    let body = json!({"mode": "maybe", "version": "live", "settings": broken});
    let answer = world.post(RUNS, &world.aurora, &body).await;
    let refused = |pointer: &str, code: &str| (pointer.to_owned(), code.to_owned());
    assert_eq!(
        answer.refused(),
        [
            refused("/mode", "unknown_value"),
            refused("/version", "not_allowed"),
            refused("/settings/port", "out_of_range"),
            refused("/settings/sender_email", "malformed"),
        ],
    );
    let mut denied = world.settings();
    denied["host"] = json!("169.254.169.254");
    denied["port"] = json!(587);
    denied["sender_email"] = json!("nobody");
    denied.as_object_mut().expect("an object").remove("password");
    let body = json!({"mode": "maybe", "settings": denied});
    let answer = world.post(RUNS, &world.aurora, &body).await;
    assert_eq!(
        answer.refused(),
        [
            refused("/mode", "unknown_value"),
            refused("/settings/sender_email", "malformed"),
            refused("/settings/host", "destination_not_allowed"),
            refused("/settings/password", "password_required"),
        ],
    );
    let mut moved = world.settings();
    moved["host"] = json!("smtp.example.net");
    moved["port"] = json!(587);
    moved.as_object_mut().expect("an object").remove("password");
    let answer = world.post(RUNS, &world.aurora, &json!({"settings": moved})).await;
    assert_eq!(answer.refused(), [refused("/settings/password", "password_required")]);
}

#[tokio::test]
async fn a_version_that_is_not_there_cannot_be_tested() {
    let world = World::new().await;
    world.save_default().await;

    let answer = world.post(RUNS, &world.aurora, &json!({"version": "live"})).await;

    assert_eq!((answer.status, answer.code().as_str()), (StatusCode::CONFLICT, "conflict"));
}

#[tokio::test]
async fn test_runs_are_limited_per_tenant_by_the_database_clock() {
    let world = World::with_rules(|rules| rules.test_runs.per_minute = 1).await;
    world.save_default().await;
    assert_eq!(world.post(RUNS, &world.aurora, &json!({})).await.status, StatusCode::CREATED);

    let answer = world.post(RUNS, &world.aurora, &json!({})).await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    let wait: u64 = answer.header("retry-after").parse().expect("seconds");
    assert!((1..=60).contains(&wait), "{wait}");

    world.database.advance(std::time::Duration::from_secs(61)).await;
    assert_eq!(world.post(RUNS, &world.aurora, &json!({})).await.status, StatusCode::CREATED);
}
