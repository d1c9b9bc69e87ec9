//! What the whole way costs, from the queue to the server and back, counted and not timed: it says
//! the same on a slow machine.

use letterhead_tests::program::{Instance, World, output};
use serde_json::json;

/// Lanes, and messages on each.
const LANES: usize = 4;
const EACH: usize = 100;
const MESSAGES: f64 = 400.0;

/// The most that a message may cost under a backlog.
///
/// A turn of the journal is one statement and one commit, for half a window at least; the first window
/// of a lane holds one message only, and claims, leases, releases and sweeps come on top.
const STATEMENTS: f64 = 0.5;
/// A database with the default durability waits for its disk as often, at most.
const COMMITS: f64 = 0.2;
/// With PIPELINING, openings not included: one a message, and one more whenever a session had nothing
/// to do for a moment. Under a backlog that never ends it is 1.1 at most, as the sessions' own tests say.
const ROUND_TRIPS: f64 = 1.25;
/// Sessions of one sender at the same time, by default.
const SESSIONS: f64 = 2.0;

/// The sum over a metric's series.
async fn metric(instance: &Instance, name: &str) -> f64 {
    let answer = reqwest::get(format!("{}/metrics", instance.metrics_url)).await;
    let text = answer.expect("an answer").text().await.expect("text");
    let series = text
        .lines()
        .filter(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' '])));
    let values: Vec<f64> = series
        .map(|line| line.rsplit(' ').next().and_then(|value| value.parse().ok()).expect("a value"))
        .collect();
    assert!(!values.is_empty(), "{name} is not shown:\n{text}");
    values.iter().sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn under_a_backlog_messages_share_statements_commits_sessions_and_round_trips() {
    let (world, instance) = World::start().await;
    output(world.command(&["queue", "hold"]));
    for number in 0..LANES {
        let tenant = world.live_tenant(&instance, &format!("tenant-{number}")).await;
        let item = |n| {
            json!({"message": {
                "kind": "statement",
                "to": [{"email": format!("ann{n}@example.net")}],
                "subject": "Your statement",
                "text": "Thank you.",
            }})
        };
        let body = json!({"messages": (0..EACH).map(item).collect::<Vec<_>>()});
        let answer = tenant.post("/v1/tenants/self/messages/batch", body).await;
        assert_eq!(answer.status, 202, "{answer:?}");
    }
    if !world.database.count_statements().await {
        return;
    }

    output(world.command(&["queue", "release"]));
    let accepted = "SELECT count(*) FROM messages WHERE status = 'accepted'";
    world.database.wait_until(accepted, i64::try_from(LANES * EACH).expect("few")).await;

    let counted = world.database.counted().await;
    println!("{counted:?}");
    #[expect(clippy::cast_precision_loss, reason = "these are small numbers")]
    let a_message = |count: i64| count as f64 / MESSAGES;
    assert!(a_message(counted.statements) <= STATEMENTS, "{counted:?}");
    assert!(a_message(counted.commits) <= COMMITS, "{counted:?}");

    let messages = metric(&instance, "letterhead_session_messages_total").await;
    let round_trips = metric(&instance, "letterhead_session_round_trips_total").await;
    let opened = metric(&instance, "letterhead_sessions_opened_total").await;
    let reused = metric(&instance, "letterhead_sessions_reused_total").await;
    let retired = metric(&instance, "letterhead_sessions_retired_total").await;
    assert!(messages >= MESSAGES, "{messages} messages");
    assert!(round_trips <= messages * ROUND_TRIPS, "{round_trips} round trips");
    #[expect(clippy::cast_precision_loss, reason = "there are four")]
    let bound = LANES as f64 * SESSIONS;
    assert!(opened <= bound + retired, "{opened} sessions opened, {retired} retired");
    assert!(reused >= opened, "{reused} used again: windows find sessions warm");
    assert!(metric(&instance, "letterhead_lane_wait_seconds_count").await >= 1.0);
    assert!(metric(&instance, "letterhead_window_messages_sum").await >= MESSAGES);
}
