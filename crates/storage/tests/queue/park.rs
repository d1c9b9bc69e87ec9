//! Giving lanes back, and that no wake-up is lost on the way.

use std::{sync::Arc, time::Duration};

use letterhead_domain::message::MessageStatus;
use letterhead_storage::{
    record::LaneStanding,
    repo::lane::{Marked, Release, Released},
};
use letterhead_test_database::Lock;

use crate::fixture::{Queue, accepted, receipt};

#[tokio::test]
async fn a_lane_is_not_parked_while_an_accept_is_uncommitted() {
    let queue = Arc::new(Queue::new().await);
    queue.accept(&receipt()).await;
    let lane = queue.claim_one().await;
    let window = queue.window(&lane, 8).await;
    queue.finish(&lane, &[accepted(&window[0])]).await;
    // It finds the lane due, and so leaves its row alone.
    let (open, accepting) = queue.open_accept().await;

    let parking = tokio::spawn({
        let queue = queue.clone();
        async move { queue.release(&lane, Release::Park).await }
    });
    queue.db.wait_for_a_lock(Lock::Advisory).await;
    open.release().await;
    accepting.await.unwrap();

    assert_eq!(parking.await.unwrap(), Released::Due);
    let lane = queue.claim_one().await;
    assert_eq!(queue.window(&lane, 8).await.len(), 1);
}

#[tokio::test]
async fn an_accept_that_meets_a_parking_worker_makes_the_lane_due_again() {
    let queue = Arc::new(Queue::new().await);
    queue.accept(&receipt()).await;
    let lane = queue.claim_one().await;
    let window = queue.window(&lane, 8).await;
    queue.finish(&lane, &[accepted(&window[0])]).await;
    // It has found nothing due, keeps accepts out, and comes as far as the lane's row.
    let held = queue.db.hold("SELECT FROM lanes FOR UPDATE").await;
    let parking = tokio::spawn({
        let queue = queue.clone();
        async move { queue.release(&lane, Release::Park).await }
    });
    queue.db.wait_for_a_lock(Lock::Row).await;

    let accepting = tokio::spawn({
        let queue = queue.clone();
        async move { queue.accept(&receipt()).await }
    });
    queue.db.wait_for_a_lock(Lock::Advisory).await;
    held.release().await;
    assert_eq!(parking.await.unwrap(), Released::Resting);
    accepting.await.unwrap();

    let lane = queue.claim_one().await;
    assert_eq!(queue.window(&lane, 8).await.len(), 1);
}

/// True of no snapshot: what waits, waits on a lane that is due by then.
const LOST: &str = "SELECT count(*) FROM lanes l JOIN messages m ON m.sender_id = l.id
    WHERE m.status IN ('queued', 'deferred', 'held') AND (l.due_at IS NULL OR l.due_at > m.due_at)";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_wake_up_is_lost_however_accepts_and_parking_interleave() {
    const ACCEPTS: usize = 300;
    let queue = Arc::new(Queue::new().await);
    // An accept follows when the one before was sent: so the lane runs dry again and again.
    let (sent_one, sent) = tokio::sync::watch::channel(0);
    let accepting = tokio::spawn({
        let (queue, mut sent) = (queue.clone(), sent);
        async move {
            for accepted in 0..ACCEPTS {
                sent.wait_for(|sent| accepted <= sent + 1).await.unwrap();
                queue.accept(&receipt()).await;
            }
        }
    });

    // The sweep does not run: what is not found through the lane is never found.
    let mut parked = 0;
    while *sent_one.borrow() < ACCEPTS {
        for lane in queue.claim(1).await {
            if let Marked::Window { messages, .. } = queue.mark(&lane, 8).await {
                let results: Vec<_> = messages.iter().map(accepted).collect();
                queue.finish(&lane, &results).await;
                sent_one.send_modify(|sent| *sent += messages.len());
            }
            queue.release(&lane, Release::Park).await;
            parked += 1;
        }
        assert_eq!(queue.db.number(LOST).await, 0, "after {parked} times");
    }
    accepting.await.unwrap();

    assert!(parked > ACCEPTS / 4, "it ran dry only {parked} times");
    assert_eq!(queue.claim(1).await, [], "parked at last");
}

#[tokio::test]
async fn a_lane_with_more_due_goes_to_the_end_of_the_turn_at_once() {
    let queue = Arc::new(Queue::new().await);
    queue.accept_many(3).await;
    let lane = queue.claim_one().await;
    let window = queue.window(&lane, 1).await;
    queue.finish(&lane, &[accepted(&window[0])]).await;
    let (open, accepting) = queue.open_accept().await;

    // It does not wait for the open accept.
    assert_eq!(queue.release(&lane, Release::Park).await, Released::Due);
    open.release().await;
    accepting.await.unwrap();

    let lane = queue.claim_one().await;
    assert_eq!(queue.window(&lane, 8).await.len(), 3);
}

#[tokio::test]
async fn a_lane_in_trouble_waits_and_the_trouble_counts_until_a_slice_goes_well() {
    let queue = Queue::new().await;
    queue.accept(&receipt()).await;
    let minute = Duration::from_secs(60);
    for trouble in 0..3 {
        let lane = queue.claim_one().await;
        assert_eq!(lane.trouble, trouble);
        assert_eq!(lane.standing == LaneStanding::InTrouble, trouble > 0);
        assert_ne!(queue.release(&lane, Release::BackOff(minute)).await, Released::Lost);
        assert_eq!(queue.claim(1).await, []);
        queue.db.advance(minute).await;
    }

    let lane = queue.claim_one().await;
    assert_ne!(queue.release(&lane, Release::Park).await, Released::Lost);

    assert_eq!(queue.claim_one().await.trouble, 0);
}

#[tokio::test]
async fn what_waits_for_a_quota_is_shown_as_held_also_what_comes_meanwhile() {
    let queue = Queue::new().await;
    let before = queue.accept(&receipt()).await;
    let lane = queue.claim_one().await;
    let hour = Duration::from_secs(3_600);

    assert_ne!(queue.release(&lane, Release::Hold(hour)).await, Released::Lost);
    let during = queue.accept(&receipt()).await;

    for message in [before, during] {
        let record = queue.load(message).await;
        assert_eq!(record.status, MessageStatus::Held);
        let wait = record.next_attempt_at.unwrap() - record.created_at;
        assert!(wait.num_minutes() >= 59);
    }
    assert_eq!(queue.claim(1).await, []);
    queue.cancel(during).await.unwrap();
    queue.db.advance(hour).await;
    assert_eq!(queue.load(before).await.status, MessageStatus::Queued);
    let standing = queue.claim_one().await.standing;
    assert_ne!(standing, LaneStanding::InTrouble, "a quota is nobody's trouble");
}

#[tokio::test]
async fn a_lease_that_was_lost_gives_nothing_back() {
    let queue = Queue::new().await;
    queue.accept(&receipt()).await;
    let lost = queue.claim_one().await;
    queue.db.advance(crate::fixture::LEASE).await;
    let holder = queue.claim_one().await;

    for release in [Release::Park, Release::BackOff(Duration::ZERO), Release::Hold(Duration::ZERO)]
    {
        assert_eq!(queue.release(&lost, release).await, Released::Lost);
    }

    assert_eq!(queue.window(&holder, 8).await.len(), 1, "the holder goes on");
}
