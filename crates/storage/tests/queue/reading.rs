//! How the queue stands, as the metrics tell it.

use std::time::Duration;

use letterhead_domain::message::{MessageStatus, RecipientStatus};
use letterhead_storage::{
    record::{LaneWait, QueueReading},
    repo::lane::Release,
};

use crate::fixture::{Queue, id, receipt, result};

async fn reading(queue: &Queue) -> QueueReading {
    let system = queue.store.system().await.unwrap();
    system.queue().reading().await.unwrap()
}

/// What lanes wait for, each with a lane at least.
fn lanes(reading: &QueueReading) -> Vec<(LaneWait, u64)> {
    reading.lanes.into_iter().filter(|(_, count)| *count > 0).collect()
}

#[tokio::test]
async fn waiting_messages_are_told_by_their_status_and_marked_ones_apart() {
    let queue = Queue::new().await;
    queue.accept_many(3).await;
    let lane = queue.claim_one().await;
    let window = queue.window(&lane, 2).await;
    queue.finish(&lane, &[result(&window[0], &[RecipientStatus::Deferred])]).await;

    let reading = reading(&queue).await;

    let waiting =
        [(MessageStatus::Queued, 1), (MessageStatus::Deferred, 1), (MessageStatus::Held, 0)];
    assert_eq!((reading.waiting, reading.sending), (waiting, 1));
    assert!(!reading.is_held);
}

#[tokio::test]
async fn a_lane_is_told_by_what_it_waits_for() {
    let queue = Queue::new().await;
    let minute = Duration::from_secs(60);
    let releases = [
        (LaneWait::BackingOff, Release::BackOff(minute)),
        (LaneWait::Quota, Release::Hold(minute)),
        (LaneWait::DailyLimit, Release::Full(minute)),
        (LaneWait::MinuteLimit, Release::Pace(minute)),
    ];
    assert_eq!(lanes(&reading(&queue).await), []);
    queue.accept(&receipt()).await;
    assert_eq!(lanes(&reading(&queue).await), [(LaneWait::Due, 1)]);

    for (waits_for, release) in releases {
        let lane = queue.claim_one().await;
        assert_eq!(lanes(&reading(&queue).await), [(LaneWait::Leased, 1)]);
        queue.release(&lane, release).await;

        let reading = reading(&queue).await;
        assert_eq!(lanes(&reading), [(waits_for, 1)]);
        assert_eq!(reading.oldest_due_age, None, "nobody could serve it");
        queue.db.advance(minute).await;
    }

    queue.db.sql("UPDATE lanes SET blocked = true").await;
    assert_eq!(lanes(&reading(&queue).await), [(LaneWait::Blocked, 1)]);
    queue.db.sql("UPDATE lanes SET blocked = false, due_at = due_at + interval '1 day'").await;
    assert_eq!(lanes(&reading(&queue).await), [(LaneWait::Later, 1)]);
}

#[tokio::test]
async fn the_oldest_message_that_is_due_is_found_behind_a_lane_that_was_due_before_it() {
    let queue = Queue::new().await;
    let served = id();
    queue.add_sender(queue.tenant, served, "served").await;
    queue.accept_for(queue.tenant, served, &receipt()).await;
    // It was due an hour ago, and what made it due has left since.
    queue.db.sql("UPDATE lanes SET due_at = due_at - interval '1 hour'").await;
    queue.db.advance(Duration::from_secs(600)).await;
    queue.accept(&receipt()).await;
    queue.db.sql("UPDATE messages SET due_at = due_at - interval '30 seconds'").await;
    queue
        .db
        .sql(&format!("UPDATE messages SET due_at = letterhead_now() WHERE sender_id = '{served}'"))
        .await;

    let age = reading(&queue).await.oldest_due_age.unwrap().as_secs();

    assert!((30..60).contains(&age), "{age}");
}

#[tokio::test]
async fn a_claimed_lane_says_for_how_long_it_might_have_been_served() {
    let queue = Queue::new().await;
    queue.accept_many(2).await;
    queue.db.advance(Duration::from_secs(7)).await;
    let first = queue.claim_one().await;
    queue.db.advance(Duration::from_secs(20)).await;
    queue.release(&first, Release::Pace(Duration::from_secs(5))).await;

    queue.db.advance(Duration::from_secs(8)).await;
    let second = queue.claim_one().await;

    // What held it back and the slice itself are no waiting.
    assert_eq!((first.waited.as_secs(), second.waited.as_secs()), (7, 3));
}
