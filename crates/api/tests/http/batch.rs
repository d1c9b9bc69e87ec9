//! Handing many messages over at once.

use poem::http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::world::{Answer, World, bearer};

const BATCH: &str = "/v1/tenants/aurora/messages/batch";

fn receipt(subject: &str) -> Value {
    json!({"kind": "receipt", "to": [{"email": "ann@example.net"}], "subject": subject, "text": "Thanks."})
}

fn item(subject: &str, key: &str) -> Value {
    json!({"message": receipt(subject), "idempotency_key": key})
}

async fn hand_over(world: &World, items: &[Value]) -> Answer {
    world.post(BATCH, &world.aurora, &json!({"messages": items})).await
}

/// The status of each result, and the code of its problem.
fn outcomes(answer: &Answer) -> Vec<(u64, Value)> {
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.text);
    let results = answer.json()["results"].as_array().expect("results").clone();
    for (index, result) in results.iter().enumerate() {
        assert_eq!(result["index"], index);
        assert_ne!(result["message"].is_null(), result["problem"].is_null(), "{result}");
    }
    let status = |result: &Value| result["status"].as_u64().expect("a status");
    results.iter().map(|result| (status(result), result["problem"]["code"].clone())).collect()
}

async fn waiting(world: &World) -> usize {
    let listed = world.get("/v1/tenants/aurora/messages?limit=100", &world.aurora).await.json();
    listed["data"].as_array().expect("messages").len()
}

#[tokio::test]
async fn messages_are_taken_over_together_in_the_order_given() {
    let world = World::new().await;
    world.save_default().await;
    let items: Vec<_> = (0..40).map(|n| item(&format!("Receipt {n}"), &format!("r-{n}"))).collect();

    let answer = hand_over(&world, &items).await;

    assert_eq!(outcomes(&answer), vec![(202, Value::Null); 40]);
    for (n, result) in answer.json()["results"].as_array().expect("results").iter().enumerate() {
        let id = result["message"]["id"].as_str().expect("an id");
        let path = format!("/v1/tenants/aurora/messages/{id}");
        let message = world.get(&path, &world.aurora).await.json();
        assert_eq!(message["subject"], format!("Receipt {n}"));
    }
    assert_eq!(waiting(&world).await, 40);
}

#[tokio::test]
async fn what_is_wrong_with_one_message_keeps_none_of_the_others_back() {
    let world = World::new().await;
    world.save_default().await;
    let mut elsewhere = receipt("No such sender");
    elsewhere["sender"] = json!("nowhere");
    let mut broken = receipt("a\r\nb");
    broken["to"] = json!([]);

    let answer = hand_over(
        &world,
        &[
            item("Good", "good"),
            json!({"message": broken, "idempotency_key": "two words"}),
            json!({"message": {"kind": 5, "colour": "red"}}),
            json!({"message": elsewhere}),
            json!("nothing"),
            json!({"message": receipt("Good too")}),
        ],
    )
    .await;

    let refused = (422, json!("invalid_fields"));
    assert_eq!(
        outcomes(&answer),
        [
            (202, Value::Null),
            refused.clone(),
            refused.clone(),
            (409, json!("conflict")),
            refused,
            (202, Value::Null)
        ]
    );
    let pointers = |index: usize| -> Vec<Value> {
        let problem = answer.json()["results"][index]["problem"].clone();
        let errors = problem["errors"].as_array().expect("errors").clone();
        errors.into_iter().map(|error| error["pointer"].clone()).collect()
    };
    assert_eq!(pointers(1), ["/idempotency_key", "/message/to", "/message/subject"]);
    assert_eq!(pointers(2), ["/message/subject", "/message/kind", "/message/colour"]);
    assert_eq!(pointers(4), [""]);
    assert_eq!(waiting(&world).await, 2);
}

#[tokio::test]
async fn a_batch_that_is_repeated_takes_nothing_over_twice() {
    let world = World::new().await;
    world.save_default().await;
    let items = [item("One", "r-1"), item("Two", "r-2")];
    let first = hand_over(&world, &items).await.json();

    let again =
        hand_over(&world, &[items[1].clone(), items[0].clone(), item("Three", "r-2")]).await;

    assert_eq!(
        outcomes(&again),
        [(202, Value::Null), (202, Value::Null), (422, json!("invalid_fields"))]
    );
    let id = |answer: &Value, index: usize| answer["results"][index]["message"]["id"].clone();
    assert_eq!((id(&again.json(), 1), id(&again.json(), 0)), (id(&first, 0), id(&first, 1)));
    assert_eq!(waiting(&world).await, 2);
}

#[tokio::test]
async fn a_batch_as_a_whole_is_1_to_500_messages_and_nothing_else() {
    let world = World::new().await;
    let bodies = [
        (json!({"messages": []}), "/messages", "out_of_range"),
        (json!({"messages": vec![json!({}); 501]}), "/messages", "out_of_range"),
        (json!({"messages": {}}), "/messages", "wrong_type"),
        (json!({}), "/messages", "required"),
        (json!({"messages": [{}], "all": true}), "/all", "unknown_field"),
    ];
    for (body, pointer, code) in bodies {
        let answer = world.post(BATCH, &world.aurora, &body).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", answer.text);
        assert_eq!(answer.refused(), [(pointer.to_owned(), code.to_owned())]);
    }
}

#[tokio::test]
async fn a_batch_needs_the_scope_and_ends_at_32_mebibytes() {
    let world = World::new().await;
    let reader = world.key("aurora", &["messages:read"]).await;
    let answer = world.post(BATCH, &reader, &json!({"messages": []})).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    let answer = world.post(BATCH, &world.borealis, &json!({"messages": []})).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);

    let own = bearer(&world.aurora);
    let headers = [own.as_ref(), ("content-type", "application/json")];
    let huge = format!("{{\"messages\": [\"{}\"", "x".repeat(32 * 1024 * 1024));
    let answer = world.raw(Method::POST, BATCH, &headers, huge).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
}
