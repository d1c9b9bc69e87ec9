//! Handing messages over, looking at them, cancelling and retrying them.

use letterhead_domain::id::TenantId;
use poem::http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::world::{Answer, World, bearer};

const MESSAGES: &str = "/v1/tenants/aurora/messages";

fn receipt() -> Value {
    json!({
        "kind": "receipt", "reference": "INV-4711",
        "to": [{"email": "ann@example.net", "name": "Ann"}], "cc": [], "bcc": [{"email": "b@example.net"}],
        "reply_to": null, "subject": "Your receipt 4711", "text": "Thank you.",
        "attachments": [{"filename": "receipt.pdf", "content_type": "application/pdf",
                         "content_base64": "JVBERi0xLjQK"}],
        "send_at": null,
    })
}

async fn hand_over(world: &World, key: &str, body: &Value) -> Answer {
    let own = bearer(&world.aurora);
    let headers = [own.as_ref(), ("idempotency-key", key)];
    world.call(Method::POST, MESSAGES, &headers, Some(body)).await
}

#[tokio::test]
async fn a_message_is_taken_over_and_waits_for_its_sender() {
    let world = World::new().await;
    world.save_default().await;

    let accepted = world.post(MESSAGES, &world.aurora, &receipt()).await;

    assert_eq!(accepted.status, StatusCode::ACCEPTED, "{}", accepted.text);
    let id = accepted.json()["message_id"].as_str().expect("an id").to_owned();
    assert!(id.starts_with('<') && id.ends_with("@aurora.example>"), "{id}");
    let message = world.get(accepted.header("location"), &world.aurora).await;
    insta::assert_json_snapshot!("message_waiting", message.settled());
    assert!(!message.text.contains("Thank you"));
}

#[tokio::test]
async fn a_repeated_call_is_the_same_message_and_another_body_is_refused() {
    let world = World::new().await;
    world.save_default().await;

    let first = hand_over(&world, "receipt-4711", &receipt()).await;
    let again = hand_over(&world, "receipt-4711", &receipt()).await;
    assert_eq!((again.status, again.json()), (StatusCode::ACCEPTED, first.json()));
    assert_eq!(again.header("location"), first.header("location"));

    let mut other = receipt();
    other["subject"] = json!("Another");
    let answer = hand_over(&world, "receipt-4711", &other).await;
    assert_eq!(answer.refused(), [(String::new(), "idempotency_key_reused".to_owned())]);
    let answer = hand_over(&world, "two words", &receipt()).await;
    assert_eq!(answer.refused(), [(String::new(), "idempotency_key".to_owned())]);
    let listed = world.get(MESSAGES, &world.aurora).await.json();
    assert_eq!(listed["data"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn every_refused_field_of_a_message_is_named_at_once() {
    let world = World::new().await;
    world.save_default().await;
    let broken = json!({
        "kind": "spam", "sender": "NO", "to": [{"email": "ann@example.net"}, {"email": "x\nBcc: y"}],
        "subject": "a\r\nb", "attachments": [{"filename": "../x", "content_type": "pdf",
        "content_base64": "%%%"}], "on_uncertain": "pray", "send_at": "2999-01-01T00:00:00Z",
    });

    let answer = world.post(MESSAGES, &world.aurora, &broken).await;

    insta::assert_json_snapshot!("message_refused", answer.settled());
    let answer =
        world.post(MESSAGES, &world.aurora, &json!({"kind": "receipt", "subject": "x"})).await;
    let pointers: Vec<_> = answer.refused().into_iter().map(|(pointer, _)| pointer).collect();
    assert_eq!(pointers, ["/to", "/text"]);
}

#[tokio::test]
async fn what_stands_in_a_messages_way_is_said() {
    let world = World::new().await;
    let answer = world.post(MESSAGES, &world.aurora, &receipt()).await;
    assert_eq!(answer.status, StatusCode::CONFLICT, "no such sender");

    world.save_default().await;
    let operator = bearer(&world.operator);
    let suspend = json!({"status": "suspended"});
    world.call(Method::PATCH, "/v1/tenants/aurora", &[operator.as_ref()], Some(&suspend)).await;
    let answer = world.post(MESSAGES, &world.aurora, &receipt()).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    let sender = world.get("/v1/tenants/aurora/senders/default", &world.aurora).await;
    assert_eq!((sender.status, &sender.json()["state"]), (StatusCode::OK, &json!("suspended")));
}

#[tokio::test]
async fn a_message_that_is_too_large_is_refused_by_size() {
    let world = World::with_rules(|rules| rules.message.total_bytes = 1_000).await;
    world.save_default().await;
    let mut large = receipt();
    large["text"] = json!("x".repeat(2_000));
    let answer = world.post(MESSAGES, &world.aurora, &large).await;
    assert_eq!(answer.refused(), [("/attachments".to_owned(), "too_large".to_owned())]);

    large["text"] = json!("x".repeat(2_000_000));
    let answer = world.post(MESSAGES, &world.aurora, &large).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn a_large_message_waits_for_room_and_small_ones_do_not() {
    let world = World::new().await;
    world.save_default().await;
    let file = "QUJD".repeat(400_000);
    let mut large = receipt();
    large["attachments"] = json!([
        {"filename": "a.pdf", "content_type": "application/pdf", "content_base64": "QUJD"},
        {"filename": "b.pdf", "content_type": "application/pdf", "content_base64": file},
        {"filename": "c.pdf", "content_type": "application/pdf", "content_base64": "#1"},
    ]);
    let tenant = world.get("/v1/tenants/aurora", &world.operator).await.json();
    let tenant: TenantId = tenant["id"].as_str().expect("an id").parse().expect("an id");

    let taken = world.app.room.take(tenant, 63 * 1024 * 1024).expect("room");
    let refused = world.post(MESSAGES, &world.aurora, &large).await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(refused.code(), "unavailable");
    assert_eq!(refused.header("retry-after"), "5");
    let small = world.post(MESSAGES, &world.aurora, &receipt()).await;
    assert_eq!(small.status, StatusCode::ACCEPTED);
    let other = world.post("/v1/tenants/borealis/messages", &world.borealis, &large).await;
    assert_eq!(other.refused().len(), 1, "it has room of its own");
    drop(taken);

    let fields = world.post(MESSAGES, &world.aurora, &large).await;
    let wrong = ("/attachments/2/content_base64".to_owned(), "malformed".to_owned());
    assert_eq!(fields.refused(), [wrong]);
    large["attachments"][2]["content_base64"] = json!("QUI=");
    let accepted = world.post(MESSAGES, &world.aurora, &large).await;
    assert_eq!(accepted.status, StatusCode::ACCEPTED, "{}", accepted.text);
    let stored = "SELECT count(*) FROM message_bodies
        WHERE octet_length(attachment_contents[2]) = 1200000 AND attachment_contents[3] = 'AB'";
    assert_eq!(world.database.number(stored).await, 1);
}

#[tokio::test]
async fn messages_are_found_by_what_is_known_about_them() {
    let world = World::new().await;
    world.save_default().await;
    world.post(MESSAGES, &world.aurora, &receipt()).await;
    let mut statement = receipt();
    statement["kind"] = json!("statement");
    statement["reference"] = json!("ST 1");
    statement["to"] = json!([{"email": "carl@example.net"}]);
    world.post(MESSAGES, &world.aurora, &statement).await;

    let cases = [
        ("", 2),
        ("?kind=receipt", 1),
        ("?status=queued", 2),
        ("?status=accepted", 0),
        ("?reference=INV-4711", 1),
        ("?reference=ST%201", 1),
        ("?recipient=carl@example.net", 1),
        ("?recipient=b@example.net", 2),
        ("?sender=default", 2),
        ("?sender=other", 0),
        ("?sender=default&kind=statement&recipient=ann@example.net", 0),
    ];
    for (query, count) in cases {
        let listed = world.get(&format!("{MESSAGES}{query}"), &world.aurora).await.json();
        assert_eq!(listed["data"].as_array().map(Vec::len), Some(count), "{query}");
    }
    let query = "?kind=x&status=x&recipient=x&limit=x";
    let answer = world.get(&format!("{MESSAGES}{query}"), &world.aurora).await;
    let mut pointers: Vec<_> = answer.refused().into_iter().map(|(pointer, _)| pointer).collect();
    pointers.sort();
    assert_eq!(pointers, ["/kind", "/limit", "/recipient", "/status"]);
}

#[tokio::test]
async fn a_waiting_message_is_cancelled_and_retried() {
    let world = World::new().await;
    world.save_default().await;
    let accepted = world.post(MESSAGES, &world.aurora, &receipt()).await;
    let path = accepted.header("location");
    let (cancel, retry) = (format!("{path}/cancel"), format!("{path}/retry"));

    let answer = world.post(&retry, &world.aurora, &json!({})).await;
    assert_eq!(answer.status, StatusCode::CONFLICT, "it still waits");

    let cancelled = world.post(&cancel, &world.aurora, &json!({})).await;
    assert_eq!(
        (cancelled.status, &cancelled.json()["status"]),
        (StatusCode::OK, &json!("cancelled"))
    );
    assert_eq!(world.post(&cancel, &world.aurora, &json!({})).await.status, StatusCode::CONFLICT);

    let retried = world.post(&retry, &world.aurora, &json!({})).await;
    assert_eq!((retried.status, &retried.json()["status"]), (StatusCode::OK, &json!("queued")));

    let reader = world.key("aurora", &["messages:read"]).await;
    assert_eq!(world.post(&cancel, &reader, &json!({})).await.status, StatusCode::FORBIDDEN);
    let other = path.replace("aurora", "borealis");
    assert_eq!(world.get(&other, &world.borealis).await.status, StatusCode::NOT_FOUND);
}
