//! `letterhead queue`, run as an operator runs it.

use std::process::Command;

use chrono::DateTime;
use letterhead_tests::program::World;
use serde_json::Value;

fn run(mut command: Command) -> String {
    let output = command.output().expect("the program runs");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).expect("text")
}

fn status(world: &World) -> Value {
    serde_json::from_str(&run(world.command(&["queue", "status", "--json"]))).expect("JSON")
}

/// The database's time, as the command line takes it.
async fn now(world: &World) -> String {
    let micros = "SELECT (extract(epoch FROM letterhead_now()) * 1000000)::bigint";
    let now = DateTime::from_timestamp_micros(world.database.number(micros).await);
    now.expect("a time").to_rfc3339()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_held_queue_takes_messages_over_and_sends_them_when_it_is_released() {
    let (world, instance) = World::start().await;
    let aurora = world.live_tenant(&instance, "aurora").await;

    let said = run(world.command(&["queue", "hold", "--reason", "a look at the restore"]));
    assert!(said.contains("nothing more leaves"), "{said}");
    let id = aurora.send("ann@example.net").await;
    let held = status(&world);
    assert_eq!((&held["reason"], &held["waiting"]), (&"a look at the restore".into(), &1.into()));
    let words = run(world.command(&["queue", "status"]));
    assert!(words.contains("The queue is held since"), "{words}");

    let said = run(world.command(&["queue", "release"]));
    assert!(said.contains("mail leaves again"), "{said}");
    aurora.wait_for_message(&id, &["accepted"]).await;
    assert_eq!(status(&world)["held_since"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_restore_what_may_have_been_sent_waits_for_a_person() {
    let (world, instance) = World::start().await;
    let aurora = world.live_tenant(&instance, "aurora").await;
    run(world.command(&["queue", "hold"]));
    let before = aurora.send("ann@example.net").await;
    let backup = now(&world).await;
    let after = aurora.send("ben@example.net").await;

    let said = run(world.command(&["queue", "release", "--restored-to", &backup]));

    assert!(said.contains("sent already: 1."), "{said}");
    aurora.wait_for_message(&after, &["accepted"]).await;
    let doubted = aurora.get(&format!("/v1/tenants/self/messages/{before}")).await;
    assert_eq!(doubted.body["status"], "uncertain");
    let explanation = doubted.body["explanation"].as_str().expect("a sentence");
    assert!(explanation.contains("restored from a backup"), "{explanation}");
    let kinds = ["queue.held", "queue.released"];
    let events = world.operator(&instance).get("/v1/events").await;
    let events = events.body["data"].as_array().expect("events");
    assert_eq!(events.iter().filter(|event| kinds.iter().any(|k| event["kind"] == *k)).count(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_is_only_told_to_a_queue_that_is_held() {
    let world = World::create().await;

    let output = world.command(&["queue", "release", "--restored-to", &now(&world).await]).output();

    let output = output.expect("the program runs");
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("the queue is not held; hold it before"), "{said}");
}
