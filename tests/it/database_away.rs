//! A database that goes away and comes back: callers are told to wait, and nothing is lost.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use letterhead_mailer::practice_server::gate::Point;
use letterhead_tests::{
    client::{Answer, Client},
    cut_line::CutLine,
    program::{Instance, PATIENCE, World},
};
use serde_json::{Value, json};
use tokio::task::JoinSet;

const SENDER: &str = "/v1/tenants/self/senders/default";
const MESSAGES: &str = "/v1/tenants/self/messages";

/// A world whose one instance reaches its database over a line that can be cut.
async fn start(environment: &[(&str, &str)]) -> (World, CutLine, Instance) {
    let world = World::create().await;
    let line = CutLine::to(&world.database.url());
    let url = line.url();
    let through_line = [("LETTERHEAD_DATABASE_URL", url.as_str())];
    let instance = world.serve(&[environment, &through_line].concat());
    (world, line, instance)
}

fn message(number: usize) -> Value {
    json!({
        "kind": "receipt",
        "to": [{"email": format!("ann{number}@example.net")}],
        "subject": "Your receipt",
        "text": "Thank you.",
    })
}

fn assert_is_away(answer: &Answer) {
    assert_eq!(answer.status, 503, "{answer:?}");
    assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{answer:?}");
    let wait = answer.header("retry-after").and_then(|seconds| seconds.parse::<u32>().ok());
    assert!(wait.is_some_and(|seconds| seconds > 0), "{answer:?}");
    assert_eq!(answer.body["status"], 503, "{answer:?}");
    assert!(answer.body["code"].is_string() && answer.body["title"].is_string(), "{answer:?}");
    // The log knows more, under this name; the caller does not.
    let incident = answer.body["instance"].as_str().unwrap_or_default();
    assert!(incident.starts_with("urn:uuid:"), "{answer:?}");
    let told = answer.body.to_string().to_lowercase();
    for inside in ["127.0.0.1", "postgres", "sqlx", "pool", "connection"] {
        assert!(!told.contains(inside), "{answer:?}");
    }
}

/// Waits until the program says that it is ready.
async fn ready(instance: &Instance) {
    Client::new(&instance.url, "").wait_for("/readyz", |_| true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn callers_are_told_to_come_back_while_the_database_is_away_and_then_all_is_as_before() {
    let (world, mut line, instance) = start(&[]).await;
    let aurora = world.live_tenant(&instance, "aurora").await;
    let operator = world.operator(&instance);
    let before = aurora.get(SENDER).await;

    line.cut().await;

    let settings = world.settings();
    let calls = [
        (&aurora, "GET", "/readyz", None),
        // A single sender may still be shown from memory for some seconds.
        (&aurora, "GET", "/v1/tenants/self/senders", None),
        (&aurora, "PUT", SENDER, Some(settings)),
        (&aurora, "DELETE", SENDER, None),
        (&aurora, "POST", "/v1/tenants/self/senders/default/test-runs", Some(json!({}))),
        (&aurora, "GET", MESSAGES, None),
        (&aurora, "POST", MESSAGES, Some(message(1))),
        (&aurora, "GET", "/v1/tenants/self/audit-events", None),
        (&operator, "GET", "/v1/tenants", None),
        (&operator, "POST", "/v1/tenants", Some(json!({"slug": "late", "name": "Late"}))),
        (&operator, "GET", "/v1/events", None),
    ];
    let mut answers = JoinSet::new();
    for (client, method, path, body) in calls {
        let client = client.clone();
        answers.spawn(async move { client.call(method, path, &[], body).await });
    }
    while let Some(answer) = answers.join_next().await {
        assert_is_away(&answer.expect("an answer"));
    }
    assert_eq!(aurora.get("/livez").await.status, 200);
    assert_eq!(aurora.get("/openapi.json").await.status, 200);
    // A key that cannot be one is refused without asking the database.
    let mistyped = Client::new(&instance.url, &aurora.key().replace("_tn_", "_op_"));
    assert_eq!(mistyped.get(SENDER).await.status, 401);

    line.mend();
    ready(&instance).await;

    let after = aurora.get(SENDER).await;
    assert_eq!((after.status, after.body), (200, before.body), "nothing was half done");
    assert_eq!(operator.get("/v1/tenants").await.body["data"].as_array().map(Vec::len), Some(1));
    let messages = aurora.get(MESSAGES).await;
    assert_eq!(messages.body["data"], json!([]), "a refused message is not kept");
    let id = aurora.send("bob@example.net").await;
    aurora.wait_for_message(&id, &["accepted"]).await;
    aurora.save_and_test(world.settings()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_under_way_when_the_database_went_is_recorded_when_it_is_back_and_sent_once() {
    let (world, mut line, instance) = start(&[("LETTERHEAD_LEASE_SECONDS", "60")]).await;
    let aurora = world.live_tenant(&instance, "aurora").await;
    let gate = world.practice.gate(Point::Dot);
    let under_way = aurora.send("ann@example.net").await;
    gate.reached().await;
    let waiting = aurora.send("bob@example.net").await;

    line.cut().await;
    gate.release();
    world.wait_for_log("cannot record results yet").await;
    line.mend();

    for id in [&under_way, &waiting] {
        let message = aurora.wait_for_message(id, &["accepted"]).await;
        let attempts = message["attempts"].as_array().expect("attempts");
        assert_eq!(attempts.len(), 1, "{message}");
        assert_eq!(attempts[0]["outcome"], "accepted", "{message}");
    }
    assert_eq!(world.practice.inbox().list().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_comes_and_goes_costs_no_message_and_every_duplicate_is_explained() {
    let (world, mut line, instance) = start(&[]).await;
    let aurora = world.live_tenant(&instance, "aurora").await;
    let mut ids = Vec::new();
    for number in 0..40 {
        if number % 8 == 4 {
            line.cut().await;
            line.mend();
        }
        let key = format!("receipt-{number}");
        ids.push(accepted(&aurora, &key, message(number)).await);
    }

    // A lane that lost its database in the middle rests for a while, which need not pass.
    world.database.wait_until("SELECT count(*) FROM lanes WHERE lease_token IS NULL", 1).await;
    world.database.advance(Duration::from_secs(60)).await;

    let mut attempts = HashMap::new();
    for id in &ids {
        let message = aurora.wait_for_message(id, &["accepted"]).await;
        let header = message["message_id"].as_str().expect("a Message-ID").to_owned();
        attempts.insert(header, message["attempts"].as_array().map_or(0, Vec::len));
    }
    assert_eq!(attempts.len(), 40, "a repeated call made no second message");
    let stored = world.database.number("SELECT count(*) FROM messages").await;
    assert_eq!(stored, 40, "what was answered with 503 is not kept beside what was accepted");
    let mut caught: HashMap<String, usize> = HashMap::new();
    for mail in world.practice.inbox().list() {
        *caught.entry(mail.message_id().expect("a Message-ID")).or_default() += 1;
    }
    for (header, attempts) in attempts {
        let caught = caught.get(&header).copied().unwrap_or_default();
        assert!((1..=attempts).contains(&caught), "{header}: {caught} of {attempts} attempts");
    }
}

/// Hands a message over as a careful caller does: with a key, again and again until it is taken.
async fn accepted(client: &Client, key: &str, body: Value) -> String {
    let begun = Instant::now();
    loop {
        let headers = [("idempotency-key", key)];
        let answer = client.call("POST", MESSAGES, &headers, Some(body.clone())).await;
        if answer.status == 202 {
            return answer.body["id"].as_str().expect("an id").to_owned();
        }
        assert_is_away(&answer);
        assert!(begun.elapsed() < PATIENCE, "never accepted: {answer:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_takes_calls_and_never_answers_is_away_as_well() {
    let (world, mut line, instance) = start(&[]).await;
    let aurora = world.live_tenant(&instance, "aurora").await;

    line.stall();

    let calls =
        [("GET", "/readyz", None), ("GET", SENDER, None), ("POST", MESSAGES, Some(message(1)))];
    let mut answers = JoinSet::new();
    for (method, path, body) in calls {
        let client = aurora.clone();
        answers.spawn(async move { client.call(method, path, &[], body).await });
    }
    while let Some(answer) = answers.join_next().await {
        assert_is_away(&answer.expect("an answer"));
    }
    assert_eq!(aurora.get("/livez").await.status, 200);

    line.cut().await;
    line.mend();
    ready(&instance).await;

    let id = aurora.send("bob@example.net").await;
    aurora.wait_for_message(&id, &["accepted"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_starts_before_its_database_serves_once_that_is_there() {
    let world = World::create().await;
    let mut line = CutLine::to(&world.database.url());
    line.cut().await;

    let instance = world.serve(&[("LETTERHEAD_DATABASE_URL", &line.url())]);
    assert_is_away(&Client::new(&instance.url, "").get("/readyz").await);
    line.mend();
    ready(&instance).await;

    let aurora = world.live_tenant(&instance, "aurora").await;
    let id = aurora.send("ann@example.net").await;
    aurora.wait_for_message(&id, &["accepted"]).await;
}
