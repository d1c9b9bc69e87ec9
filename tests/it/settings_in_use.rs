//! Settings that change while mail flows.

use letterhead_mailer::practice_server::{Verb, gate::Point};
use letterhead_tests::program::World;
use serde_json::json;

const SENDER: &str = "/v1/tenants/self/senders/default";

#[tokio::test(flavor = "multi_thread")]
async fn a_password_changed_on_one_instance_is_used_by_the_others_next_message() {
    let world = World::create().await;
    let on_save = ("LETTERHEAD_PROMOTE", "on-save");
    let api = world.serve(&[on_save, ("LETTERHEAD_NO_WORKER", "true")]);
    let _worker = world.serve(&[on_save]);
    let aurora = world.tenant(&api, "aurora").await;
    let mut wrong = world.settings();
    wrong["password"] = json!("not the password");
    aurora.put(SENDER, wrong).await;
    let id = aurora.send("ann@example.net").await;
    aurora.wait_for(SENDER, |sender| sender["state"] == "paused").await;

    let saved = aurora.put(SENDER, world.settings()).await;

    assert_eq!(saved.body["state"], "live", "{saved:?}");
    let message = aurora.wait_for_message(&id, &["accepted"]).await;
    let versions: Vec<_> = message["attempts"]
        .as_array()
        .expect("attempts")
        .iter()
        .map(|attempt| attempt["version"].clone())
        .collect();
    assert_eq!(versions, [1, 2], "{message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_stops_working_pauses_the_sender_and_a_new_one_goes_on() {
    let (world, instance) = World::start().await;
    let aurora = world.live_tenant(&instance, "aurora").await;
    // Proven once, refused from now on: as if the password had been revoked at the provider.
    let mut revoked = world.settings();
    revoked["username"] = json!("fault.refuse-login");
    revoked["password"] = json!("revoked");
    let saved = aurora.put(SENDER, revoked).await;
    assert_eq!(saved.status, 200, "{saved:?}");
    world
        .database
        .sql("UPDATE sender_versions SET proven_at = letterhead_now() WHERE number = 2")
        .await;
    world.database.sql("UPDATE senders SET live_version = 2, candidate_version = NULL").await;
    let refused_before = world.practice.inbox().counters().sign_ins_refused;

    let first = aurora.send("ann@example.net").await;
    let second = aurora.send("bob@example.net").await;
    let paused = aurora.wait_for(SENDER, |sender| sender["state"] == "paused").await;

    assert_eq!(paused["pause"]["reason"], "auth_refused", "{paused}");
    for id in [&first, &second] {
        let message = aurora.get(&format!("/v1/tenants/self/messages/{id}")).await;
        assert_eq!(message.body["status"], "queued", "{message:?}");
    }
    let tries = world.practice.inbox().counters().sign_ins_refused - refused_before;
    assert!((1..=2).contains(&tries), "{tries} tries of one version");
    let events = world.operator(&instance).get("/v1/events").await;
    assert!(events.body.to_string().contains("sender.paused"), "{events:?}");

    aurora.save_and_test(world.settings()).await;
    for id in [&first, &second] {
        aurora.wait_for_message(id, &["accepted"]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_whose_from_is_refused_is_paused_and_not_burnt() {
    let (world, instance) = World::start().await;
    let aurora = world.live_tenant(&instance, "aurora").await;
    world
        .database
        .sql("UPDATE sender_versions SET sender_email = 'refused-sender@aurora.example'")
        .await;
    let mut ids = Vec::new();
    for number in 0..20 {
        ids.push(aurora.send(&format!("ann{number}@example.net")).await);
    }

    let paused = aurora.wait_for(SENDER, |sender| sender["state"] == "paused").await;

    assert_eq!(paused["pause"]["reason"], "from_refused", "{paused}");
    for id in &ids {
        let message = aurora.get(&format!("/v1/tenants/self/messages/{id}")).await;
        assert_eq!(message.body["status"], "queued", "{message:?}");
    }
    assert!(world.practice.inbox().counters().commands(Verb::Mail) <= 1 + 2, "at most two tries");
}

#[tokio::test(flavor = "multi_thread")]
async fn editing_a_live_sender_sends_nothing_through_unproven_settings() {
    let (world, instance) = World::start().await;
    let aurora = world.live_tenant(&instance, "aurora").await;
    let mut ids = Vec::new();
    for number in 0..30 {
        if number % 5 == 0 {
            let mut edited = world.settings();
            edited["sender_email"] = json!(format!("unproven{number}@aurora.example"));
            let saved = aurora.put(SENDER, edited).await;
            assert_eq!(saved.status, 200, "{saved:?}");
        }
        ids.push(aurora.send(&format!("ann{number}@example.net")).await);
    }

    for id in &ids {
        aurora.wait_for_message(id, &["accepted"]).await;
    }
    let caught = world.practice.inbox().list();
    assert_eq!(caught.len(), 30);
    assert!(caught.iter().all(|mail| mail.mail_from == "billing@aurora.example"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_hangs_up_leaves_a_finished_test_run_behind() {
    let (world, instance) = World::start().await;
    let aurora = world.tenant(&instance, "aurora").await;
    aurora.put(SENDER, world.settings()).await;
    let gate = world.practice.gate(Point::Mail);
    let client = aurora.clone();
    let call =
        tokio::spawn(async move { client.post(&format!("{SENDER}/test-runs"), json!({})).await });
    gate.reached().await;

    call.abort();
    assert!(call.await.is_err(), "the client has hung up");
    gate.release();

    let path = format!("{SENDER}/test-runs");
    let runs = aurora.wait_for(&path, |runs| runs["data"][0]["status"] == "passed").await;
    assert_eq!(runs["data"].as_array().map(Vec::len), Some(1));
    assert_eq!(aurora.get(SENDER).await.body["state"], "live");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_one_tenant_does_not_hold_up_anothers_receipt() {
    let (world, instance) = World::start().await;
    let flood = world.live_tenant(&instance, "flood").await;
    let other = world.live_tenant(&instance, "other").await;
    let mut ids = Vec::new();
    for number in 0..1_000 {
        ids.push(flood.send(&format!("ann{number}@example.net")).await);
        if number == 500 {
            ids.push(flood.send("slow@example.net").await);
        }
    }

    let id = other.send("bob@example.net").await;
    let receipt = other.wait_for_message(&id, &["accepted"]).await;

    let waited = "SELECT (extract(epoch FROM finished_at - created_at) * 1000)::bigint AS ms \
                  FROM messages WHERE id = ";
    let waited = world.database.number(&format!("{waited}'{id}'")).await;
    assert!(waited < 2_000, "waited {waited} ms: {receipt}");
}
