//! What may leave through a sender: set, held, explained, foretold and counted.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use letterhead_api::worker::{Worker, WorkerConfig};
use poem::http::StatusCode;
use serde_json::{Value, json};

use crate::world::{Answer, World};

const SENDER: &str = "/v1/tenants/aurora/senders/default";
const LIMITS: &str = "/v1/tenants/aurora/senders/default/limits";
const QUEUE: &str = "/v1/tenants/aurora/senders/default/queue";
const MESSAGES: &str = "/v1/tenants/aurora/messages";

/// A world whose sender is live.
async fn world() -> World {
    let world = World::new().await;
    world.save_default().await;
    let run = world.post(&format!("{SENDER}/test-runs"), &world.aurora, &json!({})).await;
    assert_eq!(run.json()["status"], "passed", "{}", run.text);
    world
}

async fn set(world: &World, limits: Value) -> Answer {
    world.put(LIMITS, &world.aurora, &limits).await
}

/// Hands a receipt over; gives where it can be looked at.
async fn hand_over(world: &World, recipients: &[&str]) -> String {
    let to: Vec<_> = recipients.iter().map(|email| json!({"email": email})).collect();
    let receipt = json!({"kind": "receipt", "to": to, "subject": "Receipt", "text": "Thanks"});
    let taken = world.post(MESSAGES, &world.aurora, &receipt).await;
    assert_eq!(taken.status, StatusCode::ACCEPTED, "{}", taken.text);
    taken.header("location").to_owned()
}

async fn work(world: &World) {
    let worker = Worker::new(world.app.clone(), WorkerConfig::default());
    worker.run_once().await.expect("a database");
}

async fn load(world: &World, path: &str) -> Value {
    let found = world.get(path, &world.aurora).await;
    assert_eq!(found.status, StatusCode::OK, "{}", found.text);
    found.json()
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}

#[tokio::test]
async fn limits_are_set_without_a_new_version_and_count_before_what_is_known() {
    let world = world().await;

    let saved = set(&world, json!({"messages_per_day": 50, "connections": null})).await;

    assert_eq!((saved.status, saved.header("etag")), (StatusCode::OK, "\"1\""));
    let sender = saved.json();
    assert_eq!((text(&sender, "state"), sender["live_version"].as_u64()), ("live", Some(1)));
    assert_eq!(sender["limits"]["set"]["messages_per_day"], 50);
    assert_eq!(sender["limits"]["known"]["messages_per_day"], Value::Null);
    assert_eq!(sender["limits"]["counts"]["messages_per_day"], 50);
    assert_eq!(load(&world, SENDER).await, sender);
    set(&world, json!({"messages_per_day": 50})).await;
    let audit = load(&world, "/v1/tenants/aurora/audit-events").await;
    let changes: Vec<_> = audit["data"].as_array().expect("a list").iter().collect();
    let changes: Vec<_> =
        changes.iter().filter(|line| line["action"] == "sender.limits_changed").collect();
    assert_eq!(changes.len(), 1, "the same again changes nothing: {audit}");
    assert_eq!(changes[0]["detail"]["messages_per_day"], "50");

    let cleared = set(&world, json!({})).await.json();
    assert_eq!(cleared["limits"]["counts"]["messages_per_day"], Value::Null);
}

#[tokio::test]
async fn what_is_known_of_a_mail_service_is_shown() {
    let world = World::new().await;
    let mut settings = world.settings();
    settings["host"] = json!("smtp.gmail.com");
    settings["port"] = json!(587);
    let saved = world.put(SENDER, &world.aurora, &settings).await;

    let limits = saved.json()["limits"].clone();

    assert_eq!(limits["known"]["messages_per_day"], 2_000);
    assert_eq!(limits["set"]["messages_per_day"], Value::Null);
    assert_eq!(limits["counts"], limits["known"]);
}

#[tokio::test]
async fn every_limit_out_of_range_is_refused_at_once() {
    let world = world().await;

    let refused = set(&world, json!({"messages_per_minute": 0, "connections": 101})).await;

    let out_of_range = |pointer: &str| (pointer.to_owned(), "out_of_range".to_owned());
    let expected = [out_of_range("/messages_per_minute"), out_of_range("/connections")];
    assert_eq!(refused.refused(), expected);
    let unknown = set(&world, json!({"messages": 1})).await;
    assert!(unknown.refused().contains(&("/messages".to_owned(), "unknown_field".to_owned())));
}

#[tokio::test]
async fn limits_and_queue_need_their_scopes_and_are_nobody_elses() {
    let world = world().await;
    let reader = world.key("aurora", &["settings:read"]).await;
    let limits = json!({"connections": 1});

    let answers = [
        (world.put(LIMITS, "lhk_tn_nonsense", &limits).await, StatusCode::UNAUTHORIZED),
        (world.put(LIMITS, &world.borealis, &limits).await, StatusCode::NOT_FOUND),
        (world.put(LIMITS, &reader, &limits).await, StatusCode::FORBIDDEN),
        (world.get(QUEUE, "lhk_tn_nonsense").await, StatusCode::UNAUTHORIZED),
        (world.get(QUEUE, &world.borealis).await, StatusCode::NOT_FOUND),
        (world.get(QUEUE, &reader).await, StatusCode::FORBIDDEN),
    ];

    for (answer, status) in answers {
        assert_eq!(answer.status, status, "{}", answer.text);
    }
}

#[tokio::test]
async fn beyond_the_limit_of_a_day_mail_waits_and_says_until_when() {
    let world = world().await;
    set(&world, json!({"messages_per_day": 2})).await;
    let mut taken = Vec::new();
    for _ in 0..5 {
        taken.push(hand_over(&world, &["ann@example.net"]).await);
    }

    work(&world).await;

    let sender = load(&world, SENDER).await;
    assert_eq!(sender["hold"]["reason"], "daily_limit");
    let last = load(&world, &taken[4]).await;
    assert_eq!(text(&last, "status"), "held");
    assert_eq!(last["next_attempt_at"], sender["hold"]["until"]);
    let explanation = text(&last, "explanation");
    let begin = "As many messages as this sender may send in 24 hours have left; the message waits \
                 until about ";
    assert!(explanation.starts_with(begin) && explanation.ends_with('.'), "{explanation}");
    let queue = load(&world, QUEUE).await;
    assert_eq!((&queue["waiting"], &queue["today"]["accepted"]), (&json!(3), &json!(2)));
    assert_eq!(queue["hold"], sender["hold"]);
    let sentence = "3 messages waiting, about 2 days at this account's limit";
    assert_eq!(queue["forecast"]["sentence"], sentence);

    set(&world, json!({"messages_per_day": 3})).await;
    work(&world).await;
    assert_eq!(load(&world, QUEUE).await["waiting"], 2);
    set(&world, json!({})).await;
    work(&world).await;
    let queue = load(&world, QUEUE).await;
    assert_eq!((&queue["waiting"], &queue["forecast"]), (&json!(0), &Value::Null));
    assert_eq!(queue["last_30_days"]["accepted"], 5);
    assert_eq!(queue["oldest_waiting_at"], Value::Null);
}

#[tokio::test]
async fn a_spent_quota_holds_everything_and_longer_each_time() {
    let world = world().await;
    let refused = hand_over(&world, &["quota@example.net"]).await;
    work(&world).await;
    let behind = hand_over(&world, &["ann@example.net"]).await;

    let first = load(&world, SENDER).await["hold"].clone();
    assert_eq!(first["reason"], "quota");
    for message in [&refused, &behind] {
        let message = load(&world, message).await;
        assert_eq!(
            (text(&message, "status"), &message["next_attempt_at"]),
            ("held", &first["until"])
        );
        let explanation = text(&message, "explanation");
        let begin = "The mail account's limit is reached; the message waits until about ";
        assert!(explanation.starts_with(begin), "{explanation}");
    }
    world.database.advance(Duration::from_secs(3_700)).await;
    // Only the database's clock was moved: what is kept in memory ends by the process's own.
    world.app.store.forget_all_senders();
    assert_eq!(load(&world, SENDER).await["hold"], Value::Null);
    let now = world.app.store.system().await.expect("a database").now();
    work(&world).await;

    let second = load(&world, SENDER).await["hold"]["until"].clone();
    let second: DateTime<Utc> = serde_json::from_value(second).expect("a time");
    let wait = second - now;
    assert!(wait > TimeDelta::hours(1) && wait < TimeDelta::hours(3), "{wait}");
}

#[tokio::test]
async fn a_message_for_more_than_may_get_it_at_once_goes_in_several_envelopes() {
    let world = world().await;
    set(&world, json!({"recipients_per_message": 2})).await;
    let everybody = ["a@example.net", "reject@example.net", "c@example.net", "d@example.net"];
    let message = hand_over(&world, &[&everybody[..], &["e@example.net"]].concat()).await;

    work(&world).await;

    let message = load(&world, &message).await;
    assert_eq!(text(&message, "status"), "partly_accepted");
    let statuses: Vec<_> = message["recipients"]
        .as_array()
        .expect("recipients")
        .iter()
        .map(|recipient| text(recipient, "status"))
        .collect();
    assert_eq!(statuses, ["accepted", "rejected", "accepted", "accepted", "accepted"]);
    assert_eq!(message["attempts"].as_array().map(Vec::len), Some(3), "one for each envelope");
}

#[tokio::test]
async fn what_waits_is_explained_by_what_it_waits_for() {
    let world = World::new().await;
    world.save_default().await;
    let message = hand_over(&world, &["ann@example.net"]).await;
    let explained = async || text(&load(&world, &message).await, "explanation").to_owned();

    assert!(explained().await.starts_with("No SMTP settings have passed a test yet"));
    world.post(&format!("{SENDER}/test-runs"), &world.aurora, &json!({})).await;
    assert_eq!(explained().await, "The message waits for its turn.");
    world.post(&format!("{SENDER}/pause"), &world.aurora, &json!({})).await;
    assert!(explained().await.starts_with("Sending is paused; "));
    let suspended = json!({"status": "suspended"});
    let operator = crate::world::bearer(&world.operator);
    let patch = poem::http::Method::PATCH;
    world.call(patch, "/v1/tenants/aurora", &[operator.as_ref()], Some(&suspended)).await;
    assert!(explained().await.starts_with("The operator suspended this account"));
    let system = world.app.store.system().await.expect("a database");
    system.queue().hold(None).await.expect("a hold");
    system.commit().await.expect("a commit");
    assert!(explained().await.starts_with("The operator holds all mail back"));
}
