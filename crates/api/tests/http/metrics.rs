//! What the listener for metrics shows, over a real database.

use letterhead_api::http::metrics_routes;
use poem::test::TestClient;
use serde_json::json;

use crate::world::World;

async fn shown(world: &World) -> String {
    let response = TestClient::new(metrics_routes(world.app.clone())).get("/metrics").send().await;
    response.assert_status_is_ok();
    response.assert_header("Cache-Control", "no-store");
    response.0.into_body().into_string().await.expect("text")
}

#[tokio::test]
async fn metrics_tell_how_the_queue_stands_when_they_are_read() {
    let world = World::new().await;
    let settings = world.settings();
    world.put("/v1/tenants/self/senders/default", &world.aurora, &settings).await;
    let receipt = json!({
        "kind": "receipt",
        "to": [{"email": "ann@example.net"}],
        "subject": "Your receipt",
        "text": "Thank you.",
    });
    world.post("/v1/tenants/self/messages", &world.aurora, &receipt).await;

    let shown = shown(&world).await;

    // Nothing is proven yet, so nothing may leave and nothing is late.
    for line in [
        "letterhead_messages_waiting{status=\"queued\"} 1",
        "letterhead_messages_sending 0",
        "letterhead_lanes{waits_for=\"blocked\"} 1",
        "letterhead_lanes{waits_for=\"due\"} 0",
        "letterhead_oldest_due_seconds 0",
        "letterhead_queue_held 0",
        "letterhead_sessions_open 0",
    ] {
        assert!(shown.lines().any(|found| found == line), "{line}\n{shown}");
    }
    assert!(!shown.contains("aurora"), "{shown}");
}

#[tokio::test]
async fn metrics_are_shown_without_the_queue_while_it_cannot_be_read() {
    let world = World::new().await;
    world.database.sql("ALTER TABLE lanes RENAME TO lanes_elsewhere").await;

    let shown = shown(&world).await;

    assert!(shown.contains("letterhead_sessions_open 0"), "{shown}");
    assert!(!shown.contains("letterhead_messages_waiting{"), "{shown}");
}
