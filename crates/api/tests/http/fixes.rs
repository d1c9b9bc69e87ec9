//! What a failed test offers, and how rarely it signs in for that: the server's counts are the
//! witness.

use letterhead_mailer::practice_server::Verb;
use poem::http::StatusCode;
use serde_json::{Value, json};

use crate::world::World;

const DEFAULT: &str = "/v1/tenants/aurora/senders/default";
const RUNS: &str = "/v1/tenants/aurora/senders/default/test-runs";

/// Saves settings that work but for their encryption.
async fn save_with_the_wrong_encryption(world: &World, password: &str) -> Value {
    let mut settings = world.settings();
    settings["encryption"] = json!("implicit_tls");
    settings["password"] = json!(password);
    let saved = world.put(DEFAULT, &world.aurora, &settings).await;
    assert_eq!(saved.status, StatusCode::CREATED, "{}", saved.text);
    settings
}

async fn run(world: &World, body: &Value) -> Value {
    let run = world.post(RUNS, &world.aurora, body).await;
    assert_eq!(run.status, StatusCode::CREATED, "{}", run.text);
    run.json()
}

fn auth_commands(world: &World) -> u64 {
    world.practice.inbox().counters().commands(Verb::Auth)
}

#[tokio::test]
async fn a_failed_test_offers_what_works_and_saves_none_of_it() {
    let world = World::new().await;
    save_with_the_wrong_encryption(&world, "practice-password").await;

    let failed = run(&world, &json!({"mode": "message"})).await;

    assert_eq!(failed["status"], "failed");
    assert_eq!(failed["advice"]["code"], "wrong_encryption");
    let port = world.practice.starttls_port();
    let entry = |encryption: &str| {
        json!({
            "driver": "smtp", "host": "localhost", "port": port, "encryption": encryption,
            "username": "practice",
        })
    };
    assert_eq!(
        failed["fix"],
        json!({
            "outcome": "proven",
            "message": "A change to encryption starttls instead of implicit_tls passes a \
                        connection test.",
            "settings": entry("starttls"),
            "instead_of": entry("implicit_tls"),
            "changes": ["encryption"],
            "needs_password": false,
            "tried": [{
                "host": "localhost", "port": port, "encryption": "starttls",
                "username": "practice", "result": "passed",
            }],
        }),
    );
    let sender = world.get(DEFAULT, &world.aurora).await.json();
    assert_eq!((&sender["state"], &sender["live_version"]), (&json!("untested"), &Value::Null));
    assert_eq!(world.practice.inbox().counters().messages, 0);
    let loaded =
        world.get(&format!("{RUNS}/{}", failed["id"].as_str().unwrap()), &world.aurora).await;
    assert_eq!(loaded.json(), failed);
}

#[tokio::test]
async fn nothing_is_tried_when_nobody_wants_it_or_when_nothing_could_help() {
    let world = World::new().await;
    save_with_the_wrong_encryption(&world, "practice-password").await;
    assert_eq!(run(&world, &json!({"fix": false})).await["fix"], Value::Null);
    assert_eq!(auth_commands(&world), 0);

    let mut wrong = world.settings();
    wrong["password"] = json!("hunter2-hunter2");
    world.put(DEFAULT, &world.aurora, &wrong).await;
    assert_eq!(run(&world, &json!({})).await["fix"], Value::Null);
    assert_eq!(auth_commands(&world), 1, "the run's own");

    world.put(DEFAULT, &world.aurora, &world.settings()).await;
    assert_eq!(run(&world, &json!({})).await["fix"], Value::Null, "it passed");
}

#[tokio::test]
async fn a_wrong_password_is_tried_twice_and_never_again_until_it_is_changed() {
    let world = World::new().await;
    save_with_the_wrong_encryption(&world, "hunter2-hunter2").await;
    let results = |run: &Value| run["fix"]["tried"][0]["result"].clone();

    let first = run(&world, &json!({})).await;
    assert_eq!(
        (&first["fix"]["outcome"], results(&first)),
        (&json!("likely"), json!("sign_in_refused"))
    );
    let second = run(&world, &json!({})).await;
    assert_eq!((results(&second), auth_commands(&world)), (json!("sign_in_refused"), 2));
    for _ in 0..2 {
        let later = run(&world, &json!({})).await;
        assert_eq!(
            (&later["fix"]["outcome"], results(&later)),
            (&json!("likely"), json!("answers"))
        );
        assert_eq!(auth_commands(&world), 2);
    }

    let mut typed = world.settings();
    typed["encryption"] = json!("implicit_tls");
    let tried = run(&world, &json!({"settings": typed})).await;
    assert_eq!(results(&tried), json!("answers"), "a typed one may be the same");
    assert_eq!((&tried["fix"]["needs_password"], auth_commands(&world)), (&json!(true), 2));

    world.put(DEFAULT, &world.aurora, &typed).await;
    let changed = world.get(DEFAULT, &world.aurora).await.json();
    assert_eq!(changed["candidate_version"], 2);
    let proven = run(&world, &json!({})).await;
    assert_eq!(proven["fix"]["outcome"], "proven");
    assert_eq!(auth_commands(&world), 3);
}

#[tokio::test]
async fn a_typed_password_is_tried_and_must_be_given_again_to_save_the_offer() {
    let world = World::new().await;
    world.save_default().await;
    let mut typed = world.settings();
    typed["encryption"] = json!("implicit_tls");

    let tried = run(&world, &json!({"settings": typed})).await;

    assert_eq!(tried["fix"]["outcome"], "proven");
    assert_eq!(tried["fix"]["needs_password"], true);
    typed.as_object_mut().unwrap().remove("password");
    let stored = run(&world, &json!({"settings": typed})).await;
    assert_eq!(stored["fix"]["needs_password"], false, "the stored one was tried");
}
