//! Limits: what may leave, held over marks, leases and workers.

use std::time::Duration;

use letterhead_domain::{
    explanation::Explanation,
    limit::{COUNTED_FOR, HoldReason, Limits},
    message::{MessageStatus, NewMessage, RecipientStatus, SenderRef},
};
use letterhead_storage::{
    record::{LeasedLane, OutcomeCounts, SenderQueue, SenderRecord},
    repo::lane::{Marked, MarkedMessage, Release, Released},
};

use crate::fixture::{LEASE, Queue, accepted, receipt, result, to};

const HOUR: Duration = Duration::from_secs(60 * 60);
const DAILY: Limits = Limits { messages_per_day: Some(3), ..NONE };
const NONE: Limits = Limits {
    messages_per_minute: None,
    messages_per_day: None,
    recipients_per_message: None,
    connections: None,
};

async fn mark(queue: &Queue, lane: &LeasedLane, limits: Limits) -> Marked {
    queue.mark_within(lane, 10, 1_000_000, limits).await
}

fn messages(marked: Marked) -> Vec<MarkedMessage> {
    match marked {
        Marked::Window { messages, .. } => messages,
        nothing @ (Marked::Lost
        | Marked::Blocked
        | Marked::Nothing
        | Marked::Paced(_)
        | Marked::Full(_)) => panic!("no window but {nothing:?}"),
    }
}

/// Sends all that `limits` leave.
async fn send(queue: &Queue, lane: &LeasedLane, limits: Limits) -> usize {
    let window = messages(mark(queue, lane, limits).await);
    let results: Vec<_> = window.iter().map(accepted).collect();
    assert_eq!(queue.finish(lane, &results).await, []);
    window.len()
}

async fn sender(queue: &Queue) -> SenderRecord {
    let tx = queue.store.tenant(queue.tenant).await.unwrap();
    tx.senders().load(&SenderRef::Id(queue.sender)).await.unwrap()
}

async fn counts(queue: &Queue) -> SenderQueue {
    let tx = queue.store.tenant(queue.tenant).await.unwrap();
    tx.senders().queue(queue.sender).await.unwrap()
}

async fn set(queue: &Queue, limits: Limits) -> bool {
    let tx = queue.store.tenant(queue.tenant).await.unwrap();
    let changed = tx.senders().replace_limits(&SenderRef::Id(queue.sender), limits).await.unwrap();
    tx.commit().await.unwrap();
    changed
}

#[tokio::test]
async fn no_more_leaves_within_a_day_than_its_limit_whoever_holds_the_lane() {
    let queue = Queue::new().await;
    queue.accept_many(5).await;
    let lane = queue.claim_one().await;
    assert_eq!(send(&queue, &lane, DAILY).await, 3);

    // The first holder dies; another one knows what left.
    queue.db.advance(LEASE).await;
    let lane = queue.claim_one().await;
    let Marked::Full(wait) = mark(&queue, &lane, DAILY).await else { panic!("the day is full") };
    assert!(wait <= COUNTED_FOR && wait + HOUR > COUNTED_FOR, "{wait:?}");
    assert_ne!(queue.release(&lane, Release::Full(wait)).await, Released::Lost);
    let rest = Duration::from_secs(5);
    queue.db.advance(wait.saturating_sub(rest)).await;
    assert_eq!(queue.claim(1).await, [], "it takes no slot meanwhile");

    queue.db.advance(rest).await;
    let lane = queue.claim_one().await;
    assert_eq!(send(&queue, &lane, DAILY).await, 2);
}

#[tokio::test]
async fn what_is_marked_and_what_may_have_left_counts_towards_the_day() {
    let queue = Queue::new().await;
    queue.accept_many(5).await;
    let lane = queue.claim_one().await;
    let two = Limits { messages_per_day: Some(2), ..NONE };
    assert_eq!(messages(mark(&queue, &lane, two).await).len(), 2);
    assert!(matches!(mark(&queue, &lane, two).await, Marked::Full(_)), "two are on their way");

    queue.db.advance(LEASE).await;
    let lane = queue.claim_one().await;
    let tx = queue.store.tenant(queue.tenant).await.unwrap();
    let recovered = tx.lane(lane.sender, lane.token).take_over().await.unwrap();
    tx.commit().await.unwrap();

    assert_eq!(recovered.len(), 2);
    assert_eq!(counts(&queue).await.today.uncertain, 2);
    assert!(matches!(mark(&queue, &lane, two).await, Marked::Full(_)));
    let three = Limits { messages_per_day: Some(3), ..NONE };
    assert_eq!(messages(mark(&queue, &lane, three).await).len(), 1);
}

#[tokio::test]
async fn a_full_day_holds_nothing_where_nothing_waits() {
    let queue = Queue::new().await;
    queue.accept_many(3).await;
    let lane = queue.claim_one().await;
    assert_eq!(send(&queue, &lane, DAILY).await, 3);

    assert_eq!(mark(&queue, &lane, DAILY).await, Marked::Nothing);
}

#[tokio::test]
async fn messages_leave_at_the_pace_of_the_minute() {
    let queue = Queue::new().await;
    queue.accept_many(10).await;
    let limits = Limits { messages_per_minute: Some(10), ..NONE };
    let lane = queue.claim_one().await;
    assert_eq!(send(&queue, &lane, limits).await, 1);
    let Marked::Paced(wait) = mark(&queue, &lane, limits).await else { panic!("too fast") };
    assert!(wait > Duration::ZERO && wait < Duration::from_secs(1), "{wait:?}");
    assert_ne!(queue.release(&lane, Release::Pace(wait)).await, Released::Lost);
    assert_eq!(queue.claim(1).await, []);

    queue.db.advance(wait).await;
    let lane = queue.claim_one().await;
    assert_eq!(send(&queue, &lane, limits).await, 1, "and another worker keeps the pace");
    assert_eq!(send(&queue, &lane, NONE).await, 8, "without a limit nothing holds it");
}

#[tokio::test]
async fn more_recipients_than_may_get_one_message_come_in_turn() {
    let queue = Queue::new().await;
    let addresses = ["a@example.net", "b@example.net", "c@example.net"];
    let message = NewMessage { recipients: addresses.map(to).to_vec(), ..receipt() };
    let message = queue.accept(&message).await;
    let limits = Limits { recipients_per_message: Some(2), ..NONE };
    let tried = |window: &[MarkedMessage]| {
        assert_eq!(window[0].to.len(), 3, "the header names them all");
        let pending = window[0].pending.iter();
        pending.map(|(_, email)| email.to_string()).collect::<Vec<_>>()
    };
    let lane = queue.claim_one().await;

    let first = messages(mark(&queue, &lane, limits).await);
    assert_eq!(tried(&first), ["a@example.net", "b@example.net"]);
    assert_eq!(first[0].settled, [RecipientStatus::Queued]);
    let fates = [RecipientStatus::Accepted, RecipientStatus::Deferred];
    queue.finish(&lane, &[result(&first[0], &fates)]).await;
    queue.db.advance(LEASE).await;
    let lane = queue.claim_one().await;

    let second = messages(mark(&queue, &lane, limits).await);
    assert_eq!(tried(&second), ["c@example.net", "b@example.net"], "the new one comes first");
    queue.finish(&lane, &[accepted(&second[0])]).await;
    assert_eq!(queue.load(message).await.status, MessageStatus::Accepted);
}

#[tokio::test]
async fn results_are_counted_by_what_became_of_them_for_their_own_sender() {
    let queue = Queue::new().await;
    queue.accept_many(5).await;
    let lane = queue.claim_one().await;
    let window = queue.window(&lane, 10).await;
    let fates = [
        RecipientStatus::Accepted,
        RecipientStatus::Deferred,
        RecipientStatus::Rejected,
        RecipientStatus::Uncertain,
        RecipientStatus::Queued,
    ];
    let results: Vec<_> =
        window.iter().zip(fates).map(|(message, fate)| result(message, &[fate])).collect();

    queue.finish(&lane, &results).await;
    let refused = queue.finish(&lane, &results).await;

    assert_eq!(refused.len(), 5, "late results count nothing");
    let found = counts(&queue).await;
    let once = OutcomeCounts { accepted: 1, deferred: 1, rejected: 1, uncertain: 1 };
    assert_eq!((found.today, found.last_30_days, found.waiting), (once, once, 2));
    assert_eq!(found.used.iter().map(|usage| usage.messages).sum::<u64>(), 2);
    assert!(found.oldest_waiting_at.is_some() && !found.more_wait);
    let (other, _) = queue.other().await;
    let tx = queue.store.tenant(other).await.unwrap();
    let theirs = tx.senders().queue(queue.sender).await.unwrap();
    assert_eq!((theirs.today, theirs.waiting), (OutcomeCounts::default(), 0));

    queue.db.advance(HOUR * 24 * 2).await;
    let later = counts(&queue).await;
    assert_eq!((later.today, later.last_30_days), (OutcomeCounts::default(), once));
    assert_eq!(later.used, []);
    queue.db.advance(HOUR * 24 * 30).await;
    let system = queue.store.system().await.unwrap();
    assert_eq!(system.retention().remove_counts(10).await.unwrap(), 1);
}

#[tokio::test]
async fn a_hold_is_shown_with_its_end_and_its_reason() {
    let queue = Queue::new().await;
    let message = queue.accept(&receipt()).await;
    let cases = [
        (Release::Full(HOUR), HoldReason::DailyLimit, Explanation::DailyLimit),
        (Release::Hold(HOUR), HoldReason::Quota, Explanation::Quota),
    ];
    for (release, reason, explanation) in cases {
        let lane = queue.claim_one().await;
        let until = queue.now().await + HOUR;
        assert_ne!(queue.release(&lane, release).await, Released::Lost);

        let hold = sender(&queue).await.hold.expect("a hold");
        let shown = queue.load(message).await;

        assert_eq!(hold.reason, reason);
        assert!(hold.until >= until && hold.until < until + HOUR);
        assert_eq!((shown.status, shown.explanation), (MessageStatus::Held, explanation));
        assert_eq!(shown.next_attempt_at, Some(hold.until));
        queue.db.advance(HOUR).await;
        assert_eq!(sender(&queue).await.hold, None);
    }
}

#[tokio::test]
async fn a_quotas_holds_are_counted_until_something_leaves() {
    let queue = Queue::new().await;
    queue.accept(&receipt()).await;
    for (release, earlier) in [
        (Release::Hold(Duration::ZERO), 0),
        (Release::BackOff(Duration::ZERO), 1),
        (Release::Hold(Duration::ZERO), 1),
        (Release::Park, 2),
        (Release::Park, 0),
    ] {
        let lane = queue.claim_one().await;
        assert_eq!(lane.holds, earlier, "{release:?}");
        assert_ne!(queue.release(&lane, release).await, Released::Lost);
    }
}

#[tokio::test]
async fn a_new_limit_counts_at_once_and_ends_what_the_old_one_held_but_no_quota() {
    let queue = Queue::new().await;
    queue.accept(&receipt()).await;
    let lane = queue.claim_one().await;
    assert_ne!(queue.release(&lane, Release::Full(HOUR)).await, Released::Lost);

    assert!(set(&queue, DAILY).await);
    assert!(!set(&queue, DAILY).await, "the same again changes nothing");

    let record = sender(&queue).await;
    assert_eq!((record.limits, record.counting_limits(), record.hold), (DAILY, DAILY, None));
    let lane = queue.claim_one().await;
    assert_eq!(lane.limits, DAILY);
    assert_ne!(queue.release(&lane, Release::Hold(HOUR)).await, Released::Lost);
    assert!(set(&queue, NONE).await);
    assert_eq!(sender(&queue).await.hold.map(|hold| hold.reason), Some(HoldReason::Quota));
    let (other, _) = queue.other().await;
    let tx = queue.store.tenant(other).await.unwrap();
    let strange = tx.senders().replace_limits(&SenderRef::Id(queue.sender), DAILY).await;
    assert!(strange.is_err(), "another tenant's sender is not there");
}
