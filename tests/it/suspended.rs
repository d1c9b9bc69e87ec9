//! A worker that is suspended in the middle, and comes back after another has taken its lane over.

use letterhead_mailer::practice_server::{Verb, gate::Point};
use letterhead_tests::program::World;
use serde_json::{Value, json};

/// How often the server was told something that begins or continues a mail.
fn told(world: &World) -> Vec<u64> {
    let counters = world.practice.inbox().counters();
    [Verb::Mail, Verb::Rcpt, Verb::Data, Verb::Bdat].map(|verb| counters.commands(verb)).to_vec()
}

fn outcomes(message: &Value) -> Vec<&str> {
    let attempts = message["attempts"].as_array().expect("attempts");
    attempts.iter().filter_map(|attempt| attempt["outcome"].as_str()).collect()
}

/// Suspends a worker at `point` of its first message until its lease is over and another one has sent
/// that message, and lets it go on. Gives how often the server has the message in the end.
async fn suspended_at(point: Point, attachments: &Value) -> usize {
    let world = World::create().await;
    // Shorter, and a busy machine might lose it by itself.
    let first = world.serve(&[("LETTERHEAD_LEASE_SECONDS", "6")]);
    let aurora = world.live_tenant(&first, "aurora").await;
    let gate = world.practice.gate(point);
    let body = json!({
        "kind": "receipt",
        "to": [{"email": "ann@example.net"}],
        "subject": "Your receipt",
        "text": "Thank you.",
        "attachments": attachments,
    });
    let accepted = aurora.post("/v1/tenants/self/messages", body).await;
    let id = accepted.body["id"].as_str().expect("an id").to_owned();
    gate.reached().await;

    first.suspend().await;
    gate.release();
    let second = world.serve(&[("LETTERHEAD_LEASE_SECONDS", "60")]);
    let at_second = aurora.at(&second.url);
    let sent = at_second.wait_for_message(&id, &["accepted"]).await;
    assert_eq!(outcomes(&sent), ["worker_lost", "accepted"], "{sent}");
    let before = (told(&world), world.practice.inbox().list().len());
    assert!(second.stop());

    first.resume();
    // It is alive and works: so it has come to where it was suspended as well, by the time it ends.
    let next = aurora.send("ben@example.net").await;
    aurora.wait_for_message(&next, &["accepted"]).await;
    let still = aurora.get(&format!("/v1/tenants/self/messages/{id}")).await;
    assert_eq!(outcomes(&still.body), ["worker_lost", "accepted"], "{still:?}");
    assert_eq!(still.body["status"], "accepted", "{still:?}");
    assert!(first.stop());
    let mails = world.practice.inbox().list();
    let one_more: Vec<_> =
        told(&world).iter().zip(before.0).map(|(now, then)| now - then).collect();
    assert_eq!(one_more, [1, 1, 1, 0], "only the next message was begun");
    assert_eq!(mails.len(), before.1 + 1, "only the next message came");
    mails.iter().filter(|mail| mail.rcpt_to == ["ann@example.net"]).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_suspended_before_the_body_writes_nothing_more_once_its_lease_is_over() {
    assert_eq!(suspended_at(Point::Data, &json!([])).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_suspended_within_the_body_leaves_it_unfinished_once_its_lease_is_over() {
    // More than the sockets between the two hold: some of it has not left the worker. A file costs
    // less time to compose than a text, and that time is the lease's.
    let file = json!({
        "filename": "receipt.pdf",
        "content_type": "application/pdf",
        "content_base64": "QUJD".repeat(2_000_000),
    });
    assert_eq!(suspended_at(Point::Body(10), &json!([file])).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_suspended_after_its_last_write_costs_a_duplicate_that_the_attempts_explain() {
    assert_eq!(suspended_at(Point::Dot, &json!([])).await, 2);
}
