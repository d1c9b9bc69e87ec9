//! How the worker passes from one slice to the next.

use std::time::Duration;

use letterhead_api::worker::{Worker, WorkerConfig};
use poem::http::StatusCode;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::world::World;

#[tokio::test]
async fn a_lane_with_more_due_gets_its_next_slice_without_waiting_for_the_next_round() {
    const COUNT: u64 = 5;
    let world = World::new().await;
    world.save_default().await;
    let tests = "/v1/tenants/aurora/senders/default/test-runs";
    let run = world.post(tests, &world.aurora, &json!({})).await;
    assert_eq!(run.json()["status"], "passed", "{}", run.text);
    let receipt = json!({"kind": "receipt", "to": [{"email": "ann@example.net"}], "subject": "Receipt",
        "text": "Thanks"});
    for _ in 0..COUNT {
        let taken = world.post("/v1/tenants/aurora/messages", &world.aurora, &receipt).await;
        assert_eq!(taken.status, StatusCode::ACCEPTED, "{}", taken.text);
    }
    let never = Duration::from_secs(24 * 60 * 60);
    // The first window of a slice is one message.
    let config = WorkerConfig {
        slice: Duration::ZERO,
        poll: never,
        sweep: never,
        ..WorkerConfig::default()
    };
    let stop = CancellationToken::new();

    let working = tokio::spawn(Worker::new(world.app.clone(), config).run(stop.clone()));

    let accepted = "SELECT count(*) FROM messages WHERE status = 'accepted'";
    world.database.wait_until(accepted, COUNT.try_into().expect("few")).await;
    stop.cancel();
    working.await.expect("no panic");
}
