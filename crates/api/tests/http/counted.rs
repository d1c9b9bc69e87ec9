//! What accepting costs, counted by the database: statements and commits, not time.

use futures_util::future::join_all;
use letterhead_test_database::{Counts, Lock};
use poem::http::StatusCode;
use serde_json::{Value, json};

use crate::world::World;

/// Messages that are handed over.
const MESSAGES: usize = 100;
/// One statement stores a whole batch and is its own commit.
const A_BATCH: Counts = Counts { statements: 2, commits: 1, pages: i64::MAX };
/// Four statements at once store those that come first, and one more all that came meanwhile.
const TOGETHER: Counts = Counts { statements: 8, commits: 5, pages: i64::MAX };

fn receipt(number: usize) -> Value {
    json!({
        "kind": "receipt",
        "to": [{"email": format!("ann{number}@example.net")}],
        "subject": "Your receipt",
        "text": "Thank you.",
    })
}

/// A world whose database counts, with what every request asks for looked up already.
async fn counting() -> Option<World> {
    let world = World::with_rules(|rules| rules.known_for = std::time::Duration::from_secs(600));
    let world = world.await;
    world.save_default().await;
    if !world.database.count_statements().await {
        return None;
    }
    let first = world.post("/v1/tenants/self/messages", &world.aurora, &receipt(0)).await;
    assert_eq!(first.status, StatusCode::ACCEPTED, "{}", first.text);
    world.database.counted().await;
    Some(world)
}

fn assert_within(counted: Counts, most: Counts) {
    assert!(counted.statements <= most.statements, "{counted:?}");
    assert!(counted.commits <= most.commits, "{counted:?}");
}

#[tokio::test]
async fn a_batch_of_a_hundred_is_one_statement_and_one_commit() {
    let Some(world) = counting().await else { return };
    let items: Vec<_> = (0..MESSAGES).map(|n| json!({"message": receipt(n)})).collect();

    let body = json!({"messages": items});
    let answer = world.post("/v1/tenants/self/messages/batch", &world.aurora, &body).await;

    assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.text);
    let stored = world.database.number("SELECT count(*) FROM messages").await;
    assert_eq!(stored, 1 + i64::try_from(MESSAGES).expect("few"));
    assert_within(world.database.counted().await, A_BATCH);
}

#[tokio::test]
async fn a_hundred_messages_that_arrive_together_share_a_few_statements_and_commits() {
    let Some(world) = counting().await else { return };
    // Nothing is stored before all of them are there.
    let held = world.database.hold("LOCK TABLE message_bodies IN EXCLUSIVE MODE").await;

    let bodies: Vec<_> = (0..MESSAGES).map(receipt).collect();
    let requests =
        bodies.iter().map(|body| world.post("/v1/tenants/self/messages", &world.aurora, body));
    let (answers, ()) = tokio::join!(join_all(requests), async {
        world.database.wait_for_a_lock(Lock::Table).await;
        held.release().await;
    });

    for answer in answers {
        assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.text);
    }
    assert_within(world.database.counted().await, TOGETHER);
}
