//! Workers that die in the middle, and workers that work side by side.

use std::{collections::HashSet, time::Duration};

use letterhead_mailer::practice_server::gate::Point;
use letterhead_test_database::Lock;
use letterhead_tests::program::{Instance, World};
use serde_json::{Value, json};

/// What the practice server has caught, as message ids.
fn caught(world: &World) -> Vec<String> {
    let mails = world.practice.inbox().list();
    mails.iter().filter_map(|mail| mail.message_id()).collect()
}

fn outcomes(message: &Value) -> Vec<&str> {
    let attempts = message["attempts"].as_array().expect("attempts");
    attempts.iter().filter_map(|attempt| attempt["outcome"].as_str()).collect()
}

/// A lease that outlasts whatever happens under it, however busy the machine is.
const LEASE: (&str, &str) = ("LETTERHEAD_LEASE_SECONDS", "60");

/// A world with one instance under [`LEASE`].
async fn start() -> (World, Instance) {
    let world = World::create().await;
    let instance = world.serve(&[LEASE]);
    (world, instance)
}

/// The instance that comes after one that was killed: its leases are over.
async fn successor(world: &World) -> Instance {
    world.database.advance(Duration::from_secs(60)).await;
    world.serve(&[LEASE])
}

/// Kills the worker at `point` of its first message, and lets another one take over.
async fn killed_at(point: Point, text: &str) -> (Value, usize) {
    let (world, instance) = start().await;
    let aurora = world.live_tenant(&instance, "aurora").await;
    let gate = world.practice.gate(point);
    let body = json!({
        "kind": "receipt",
        "to": [{"email": "ann@example.net"}],
        "subject": "Your receipt",
        "text": text,
    });
    let accepted = aurora.post("/v1/tenants/self/messages", body).await;
    let id = accepted.body["id"].as_str().expect("an id").to_owned();
    gate.reached().await;

    instance.kill();
    gate.release();
    let successor = successor(&world).await;

    let aurora = aurora.at(&successor.url);
    let message = aurora.wait_for_message(&id, &["accepted"]).await;
    (message, caught(&world).len())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_killed_after_the_mark_loses_nothing_and_sends_once() {
    let (message, mails) = killed_at(Point::Mail, "Thank you.").await;

    assert_eq!(outcomes(&message), ["worker_lost", "accepted"]);
    assert_eq!(mails, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_killed_in_the_middle_of_the_body_loses_nothing_and_sends_once() {
    // More than the sockets between the two hold: some of it has not left the worker.
    let text = "Thank you. ".repeat(1_700_000);

    let (message, mails) = killed_at(Point::Body(10), &text).await;

    assert_eq!(outcomes(&message), ["worker_lost", "accepted"]);
    assert_eq!(mails, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_killed_after_the_dot_sends_twice_and_the_attempts_say_why() {
    let (message, mails) = killed_at(Point::Dot, "Thank you.").await;

    assert_eq!(outcomes(&message), ["worker_lost", "accepted"]);
    assert_eq!(mails, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_killed_before_its_result_is_stored_sends_twice_and_the_attempts_say_why() {
    let (world, instance) = start().await;
    let aurora = world.live_tenant(&instance, "aurora").await;
    let gate = world.practice.gate(Point::Dot);
    let id = aurora.send("ann@example.net").await;
    gate.reached().await;
    // The server says yes, and the worker waits for this lock with its result.
    let lock = world.database.hold("LOCK TABLE attempts IN EXCLUSIVE MODE").await;
    gate.release();
    world.database.wait_for_a_lock(Lock::Table).await;

    instance.kill();
    // Otherwise the database would go on with what it was told, and know that the mail was accepted.
    world
        .database
        .sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE datname = current_database() AND wait_event_type = 'Lock'",
        )
        .await;
    lock.release().await;
    let successor = successor(&world).await;

    let aurora = aurora.at(&successor.url);
    let message = aurora.wait_for_message(&id, &["accepted"]).await;
    assert_eq!(outcomes(&message), ["worker_lost", "accepted"]);
    assert_eq!(caught(&world).len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_may_wait_for_a_person_instead_of_being_sent_twice() {
    let (world, instance) = start().await;
    let aurora = world.live_tenant(&instance, "aurora").await;
    let gate = world.practice.gate(Point::Dot);
    let body = json!({
        "kind": "collection",
        "to": [{"email": "ann@example.net"}],
        "subject": "Invoice",
        "text": "Please pay.",
        "on_uncertain": "wait",
    });
    let accepted = aurora.post("/v1/tenants/self/messages", body).await;
    let id = accepted.body["id"].as_str().expect("an id").to_owned();
    gate.reached().await;

    instance.kill();
    gate.release();
    let successor = successor(&world).await;

    let aurora = aurora.at(&successor.url);
    aurora.wait_for_message(&id, &["uncertain"]).await;
    assert_eq!(caught(&world).len(), 1);
    let retried = aurora.post(&format!("/v1/tenants/self/messages/{id}/retry"), json!({})).await;
    assert_eq!(retried.status, 200, "{retried:?}");
    aurora.wait_for_message(&id, &["accepted"]).await;
    assert_eq!(caught(&world).len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_workers_share_the_work_and_send_each_message_once() {
    let (world, first) = World::start().await;
    let second = world.serve(&[]);
    let mut sent = Vec::new();
    for slug in ["aurora", "borealis", "corona"] {
        let tenant = world.live_tenant(&first, slug).await;
        for number in 0..40 {
            let instance = if number % 2 == 0 { &first } else { &second };
            let to = format!("ann{number}@example.net");
            let id = tenant.at(&instance.url).send(&to).await;
            sent.push((tenant.clone(), id));
        }
    }

    for (tenant, id) in &sent {
        let message = tenant.wait_for_message(id, &["accepted"]).await;
        assert_eq!(outcomes(&message), ["accepted"]);
    }
    let caught = caught(&world);
    let distinct: HashSet<_> = caught.iter().collect();
    assert_eq!((caught.len(), distinct.len()), (120, 120));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_asked_to_stop_finishes_what_it_marked_and_gives_its_lanes_back() {
    let (world, instance) = World::start().await;
    let aurora = world.live_tenant(&instance, "aurora").await;
    let gate = world.practice.gate(Point::Dot);
    let id = aurora.send("ann@example.net").await;
    gate.reached().await;

    let stopping = tokio::task::spawn_blocking(move || instance.stop());
    gate.release();

    assert!(stopping.await.expect("it stops"));
    let leased = world.database.number("SELECT count(*) FROM lanes WHERE lease_token IS NOT NULL");
    assert_eq!(leased.await, 0);
    let successor = world.serve(&[]);
    let message = aurora.at(&successor.url).wait_for_message(&id, &["accepted"]).await;
    assert_eq!(outcomes(&message), ["accepted"]);
    assert_eq!(caught(&world).len(), 1);
}
