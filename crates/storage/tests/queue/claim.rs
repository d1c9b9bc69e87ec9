//! Claims: one holder per lane, in turn.

use std::{collections::HashSet, sync::Arc, time::Duration};

use letterhead_domain::id::{LeaseToken, SenderId};
use letterhead_storage::{
    record::{LaneStanding, LeasedLane},
    repo::lane::{Release, Released, Shares},
};

use crate::fixture::{LEASE, Queue, id, receipt};

/// `count` more senders, each with one due message.
async fn senders(queue: &Queue, count: usize) -> Vec<SenderId> {
    let mut senders = Vec::with_capacity(count);
    for index in 0..count {
        let sender = id();
        queue.add_sender(queue.tenant, sender, &format!("sender-{index}")).await;
        queue.accept_for(queue.tenant, sender, &receipt()).await;
        senders.push(sender);
    }
    senders
}

#[tokio::test]
async fn a_claimed_lane_is_nobody_elses_until_its_lease_is_over() {
    let queue = Queue::new().await;
    queue.accept(&receipt()).await;

    let lane = queue.claim_one().await;

    assert_eq!((lane.tenant, lane.sender), (queue.tenant, queue.sender));
    assert_eq!(lane.standing, LaneStanding::Unknown);
    assert_eq!(queue.claim(10).await, []);
    queue.db.advance(LEASE).await;
    assert_ne!(queue.claim_one().await.token, lane.token);
}

#[tokio::test]
async fn no_lane_is_claimed_twice_however_many_ask_at_once() {
    let queue = Arc::new(Queue::new().await);
    let senders = senders(&queue, 60).await;

    let mut racing = tokio::task::JoinSet::new();
    for _ in 0..12 {
        let queue = queue.clone();
        racing.spawn(async move {
            let mut all = Vec::new();
            for _ in 0..10 {
                all.extend(queue.claim(4).await);
            }
            all
        });
    }
    let mut claimed: Vec<LeasedLane> = racing.join_all().await.concat();
    // What others had locked at the moment was skipped.
    claimed.extend(queue.claim(60).await);

    let lanes: HashSet<SenderId> = claimed.iter().map(|lane| lane.sender).collect();
    let tokens: HashSet<LeaseToken> = claimed.iter().map(|lane| lane.token).collect();
    assert_eq!(claimed.len(), 60);
    assert_eq!(lanes, senders.into_iter().collect());
    assert_eq!(tokens.len(), 60);
}

#[tokio::test]
async fn lanes_are_served_in_turn_so_that_none_waits_behind_anothers_flood() {
    let queue = Queue::new().await;
    queue.accept_many(100).await;
    let flooded = queue.claim_one().await;
    queue.window(&flooded, 5).await;
    queue.release(&flooded, Release::Park).await;
    let others = senders(&queue, 1).await;

    let next = queue.claim(1).await;

    assert_eq!(next[0].sender, others[0]);
    assert_eq!(queue.claim(1).await[0].sender, queue.sender, "and then the flood goes on");
}

#[tokio::test]
async fn lanes_whose_server_may_not_answer_get_no_more_than_their_shares() {
    let queue = Queue::new().await;
    senders(&queue, 16).await;
    let in_trouble = "SELECT id FROM lanes WHERE due_at IS NOT NULL ORDER BY id LIMIT 8";
    queue.db.sql(&format!("UPDATE lanes SET trouble = 3 WHERE id IN ({in_trouble})")).await;
    let well = senders_named(&queue, "well").await;
    let served = format!("UPDATE lanes SET served_at = now() WHERE id = '{well}'");
    queue.db.sql(&served).await;

    let claimed = queue.claim_within(16, Shares { unknown: 3, in_trouble: 2 }).await;

    let count = |standing| claimed.iter().filter(|lane| lane.standing == standing).count();
    assert_eq!(count(LaneStanding::Unknown), 3);
    assert_eq!(count(LaneStanding::InTrouble), 2);
    let known: Vec<_> =
        claimed.iter().filter(|lane| lane.standing == LaneStanding::Known).collect();
    assert_eq!(known.iter().map(|lane| lane.sender).collect::<Vec<_>>(), [well]);
    assert_eq!(claimed.len(), 6);
}

#[tokio::test]
async fn a_lane_that_was_served_well_is_known_for_an_hour() {
    let queue = Queue::new().await;
    queue.accept(&receipt()).await;
    let lane = queue.claim_one().await;
    queue.release(&lane, Release::Park).await;

    let hour = Duration::from_secs(60 * 60);
    queue.db.advance(hour * 59 / 60).await;
    let lane = queue.claim_one().await;
    assert_eq!(lane.standing, LaneStanding::Known);
    queue.release(&lane, Release::Park).await;
    queue.db.advance(hour).await;
    assert_eq!(queue.claim_one().await.standing, LaneStanding::Unknown);
}

async fn senders_named(queue: &Queue, slug: &str) -> SenderId {
    let sender = id();
    queue.add_sender(queue.tenant, sender, slug).await;
    queue.accept_for(queue.tenant, sender, &receipt()).await;
    sender
}

#[tokio::test]
async fn a_heartbeat_keeps_a_lease_but_never_revives_one() {
    let queue = Queue::new().await;
    queue.accept(&receipt()).await;
    let lane = queue.claim_one().await;
    let beat = async || {
        let system = queue.store.system().await.unwrap();
        let ours = system.lanes().heartbeat(&[lane.token, id()], LEASE).await.unwrap();
        system.commit().await.unwrap();
        ours
    };

    queue.db.advance(LEASE / 2).await;
    assert_eq!(beat().await, [lane.token]);
    queue.db.advance(LEASE * 3 / 4).await;
    assert_eq!(queue.claim(1).await, [], "the heartbeat has kept it");
    queue.db.advance(LEASE).await;
    assert_eq!(beat().await, []);
    assert_eq!(queue.claim(1).await.len(), 1);
}

#[tokio::test]
async fn lanes_given_back_may_be_claimed_at_once() {
    let queue = Queue::new().await;
    queue.accept(&receipt()).await;
    let lane = queue.claim_one().await;

    let system = queue.store.system().await.unwrap();
    let given_back = system.lanes().give_back(&[lane.token]).await.unwrap();
    system.commit().await.unwrap();

    assert_eq!(given_back, 1);
    assert_eq!(queue.claim_one().await.sender, queue.sender);
    assert_eq!(
        queue.release(&lane, Release::Park).await,
        Released::Lost,
        "the old lease means nothing"
    );
}
