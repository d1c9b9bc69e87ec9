//! What choosing work costs, in pages looked at: the same however much waits.

use letterhead_domain::{limit::Limits, message::RecipientStatus};
use letterhead_storage::{
    record::{LeasedLane, QueueReading},
    repo::lane::{MarkRequest, Marked, Release, Released, Shares},
};
use letterhead_test_database::TestDatabase;

use crate::fixture::{Queue, id, receipt, result};

/// Lanes on which something waits, each of a tenant of its own; the first of them holds half of the
/// messages.
const LANES: usize = 10_000;
/// Lanes that are claimed together.
const CLAIMED: usize = 64;
/// Messages that are marked together.
const WINDOW: usize = 16;

/// The most pages that each step may look at. A page is looked at more than once: on the way down
/// each index, for a row's old and its new version, and to check what it refers to.
const A_CLAIMED_LANE: i64 = 30;
const AN_ACCEPTED_MESSAGE: i64 = 80;
const A_MARKED_MESSAGE: i64 = 80;
const A_RESULT: i64 = 40;
const A_RELEASED_LANE: i64 = 60;
const A_SWEPT_LANE: i64 = 40;
/// Many lanes lie on one page.
const A_LANE_PASSED_OVER: i64 = 1;
/// How many more they may be with ten times as many messages: the indexes have one more level.
const FEW: f64 = 1.5;

/// What one step looked at: for each lane, message, result and released lane, and for each lane that
/// a claim finds and may not have.
#[derive(Clone, Copy, Debug)]
struct Pages {
    claim: i64,
    mark: i64,
    finish: i64,
    release: i64,
    passed_over: i64,
}

/// Has the clock that there is outside of tests: the tests' own reads a table. Plans are made anew for it.
async fn wind_up(db: &TestDatabase) {
    db.sql(
        "CREATE OR REPLACE FUNCTION letterhead_now() RETURNS timestamptz
             LANGUAGE sql STABLE PARALLEL SAFE RETURN now()",
    )
    .await;
}

/// `messages` that wait on the lanes of many tenants, all due, and half as many attempts that are over;
/// no statistics are made of them. No temporary tables: the first ones in a database have all plans made
/// anew.
async fn fill(queue: &Queue, messages: usize) {
    let each = messages / 2 / LANES;
    let (flood, tenant) = (messages / 2, queue.tenant);
    queue.db.sql(&format!(
        "SET session_replication_role = replica;
         CREATE TABLE letterhead_test.sender AS
             SELECT n, gen_random_uuid() AS id,
                 CASE WHEN n = 1 THEN '{tenant}' ELSE gen_random_uuid() END AS tenant_id
             FROM generate_series(1, {LANES}) n;
         INSERT INTO tenants (id, slug, name)
             SELECT tenant_id, 'tenant-' || tenant_id, 'Aurora' FROM letterhead_test.sender WHERE n > 1;
         INSERT INTO senders (tenant_id, id, slug, last_version, live_version)
             SELECT tenant_id, id, 'sender-' || id, 1, 1 FROM letterhead_test.sender;
         INSERT INTO lanes (tenant_id, id, blocked, due_at, served_at)
             SELECT tenant_id, id, false, now() - interval '1 hour',
                 now() - interval '1 hour' + n * interval '1 ms'
             FROM letterhead_test.sender;
         CREATE TABLE letterhead_test.message AS
             SELECT s.tenant_id, s.id AS sender_id, gen_random_uuid() AS id, s.n AS sender, k.n
             FROM letterhead_test.sender s
             CROSS JOIN LATERAL
                 generate_series(1, CASE WHEN s.n = 1 THEN {flood} ELSE {each} END) k(n);
         INSERT INTO messages (tenant_id, id, sender_id, kind, priority, subject, header_id, size,
                 on_uncertain, due_at, expires_at)
             SELECT tenant_id, id, sender_id, 'statement', 3, 'Your statement', '<x>', 1, 'resend',
                 now() - interval '1 hour' + n * interval '1 ms', now() + interval '1 day'
             FROM letterhead_test.message;
         INSERT INTO recipients (tenant_id, id, message_id, position, role, email)
             SELECT tenant_id, gen_random_uuid(), id, 1, 'to', 'ann' || n || '@example.net'
             FROM letterhead_test.message WHERE sender <= {CLAIMED};
         INSERT INTO attempts (tenant_id, id, message_id, number, version, worker, lease_token,
                 outcome, finished_at)
             SELECT tenant_id, gen_random_uuid(), gen_random_uuid(), 1, 1, 'worker', gen_random_uuid(),
                 'accepted', now()
             FROM letterhead_test.message WHERE sender = 1;
         DROP TABLE letterhead_test.sender, letterhead_test.message;
         SET session_replication_role = origin"
    ))
    .await;
}

/// Claims, marks on the lane with the flood, records the results, and gives the lane back.
async fn walk(queue: &Queue) -> Pages {
    let db = &queue.db;
    db.counted().await;
    let claimed = queue.claim_within(CLAIMED, Shares { unknown: CLAIMED, in_trouble: 16 }).await;
    assert_eq!(claimed.len(), CLAIMED);
    let claim = db.counted().await.pages;

    let most = "SELECT sender_id FROM messages GROUP BY sender_id ORDER BY count(*) DESC LIMIT 1";
    let flooded = db.rows(most).await[0]["sender_id"].as_str().unwrap().to_owned();
    let is_flooded = |lane: &&LeasedLane| lane.sender.to_string() == flooded;
    let lane = *claimed.iter().find(is_flooded).unwrap();
    let window = queue.window(&lane, WINDOW).await;
    assert_eq!(window.len(), WINDOW);
    let mark = db.counted().await.pages;

    let accepted = [RecipientStatus::Accepted];
    let results: Vec<_> = window.iter().map(|marked| result(marked, &accepted)).collect();
    assert_eq!(queue.finish(&lane, &results).await, []);
    let finish = db.counted().await.pages;

    assert_ne!(queue.release(&lane, Release::Park).await, Released::Lost);
    let release = db.counted().await.pages;

    db.sql("UPDATE lanes SET not_before = now() + interval '1 hour', trouble = 1").await;
    db.sql("VACUUM ANALYZE lanes").await;
    db.counted().await;
    assert_eq!(queue.claim(CLAIMED).await, []);
    let passed_over = db.counted().await.pages;
    Pages {
        claim: claim / count(CLAIMED),
        mark: mark / count(WINDOW),
        finish: finish / count(WINDOW),
        release,
        passed_over: passed_over / count(LANES),
    }
}

fn count(of: usize) -> i64 {
    i64::try_from(of).unwrap()
}

/// The cheapest of some walks, step by step: on a connection that is new to a step, the server reads
/// what it then remembers of its tables.
async fn pages_with(messages: usize) -> Option<Pages> {
    let queue = Queue::with_connections(1).await;
    if !queue.db.count_statements().await {
        return None;
    }
    wind_up(&queue.db).await;
    fill(&queue, messages).await;
    queue.db.sql("ANALYZE").await;
    let mut cheapest = walk(&queue).await;
    for _ in 0..4 {
        queue
            .db
            .sql(
                "UPDATE lanes SET lease_token = NULL, lease_until = NULL, worker = NULL, trouble = 0,
                     not_before = '-infinity'",
            )
            .await;
        queue
            .db
            .sql(
                "UPDATE lanes SET served_at = '-infinity' WHERE id = (SELECT sender_id FROM messages
                 GROUP BY sender_id ORDER BY count(*) DESC LIMIT 1)",
            )
            .await;
        queue.db.sql("VACUUM lanes").await;
        let again = walk(&queue).await;
        cheapest = Pages {
            claim: cheapest.claim.min(again.claim),
            mark: cheapest.mark.min(again.mark),
            finish: cheapest.finish.min(again.finish),
            release: cheapest.release.min(again.release),
            passed_over: cheapest.passed_over.min(again.passed_over),
        };
    }
    Some(cheapest)
}

#[tokio::test]
async fn choosing_work_costs_the_same_however_much_waits() {
    let Some(few) = pages_with(20_000).await else { return };
    let Some(many) = pages_with(200_000).await else { return };
    println!("20,000 messages wait: {few:?}; 200,000: {many:?}");

    let steps = [
        ("a claimed lane", few.claim, many.claim, A_CLAIMED_LANE),
        ("a marked message", few.mark, many.mark, A_MARKED_MESSAGE),
        ("a result", few.finish, many.finish, A_RESULT),
        ("a released lane", few.release, many.release, A_RELEASED_LANE),
        ("a lane passed over", few.passed_over, many.passed_over, A_LANE_PASSED_OVER),
    ];
    for (step, few, many, most) in steps {
        assert!(many <= most, "{step}: {many} pages");
        #[expect(clippy::cast_precision_loss, reason = "these are small numbers")]
        let growth = many as f64 / few.max(1) as f64;
        assert!(growth <= FEW, "{step}: {few} pages, and {many} with ten times as many");
    }
}

/// What a queue's steps cost that are taken over one connection, by plans that were made before.
struct Planned {
    queue: Queue,
    /// On which messages are accepted, marked and recorded.
    lane: LeasedLane,
}

impl Planned {
    /// `None` where nothing can be counted.
    async fn new() -> Option<Self> {
        let queue = Queue::with_connections(1).await;
        if !queue.db.count_statements().await {
            return None;
        }
        wind_up(&queue.db).await;
        queue.accept_many(WINDOW).await;
        let lane = queue.claim_one().await;
        Some(Self { queue, lane })
    }

    /// Has plans made for everything.
    async fn plan(&self) {
        let (queue, other) = (&self.queue, id());
        queue.add_sender(queue.tenant, other, "other").await;
        queue.accept_for(queue.tenant, other, &receipt()).await;
        self.step().await;
    }

    /// The pages that are looked at for a lane that is claimed and one that is given back, and for a
    /// message that is accepted, marked and recorded; and for each of [`LANES`] in the sweep.
    async fn step(&self) -> [i64; 6] {
        let Self { queue, lane } = self;
        queue.db.counted().await;
        let claimed = queue.claim(CLAIMED).await;
        let claim = queue.db.counted().await.pages / count(claimed.len());
        for lane in &claimed {
            assert_eq!(queue.release(lane, Release::Park).await, Released::Due);
        }
        let release = queue.db.counted().await.pages / count(claimed.len());
        queue.accept_many(WINDOW).await;
        let accept = queue.db.counted().await.pages / count(WINDOW);
        let window = queue.window(lane, WINDOW).await;
        let mark = queue.db.counted().await.pages / count(WINDOW);
        let accepted = [RecipientStatus::Accepted];
        let results: Vec<_> = window.iter().map(|marked| result(marked, &accepted)).collect();
        assert_eq!(queue.finish(lane, &results).await, []);
        let finish = queue.db.counted().await.pages / count(WINDOW);
        let system = queue.store.system().await.unwrap();
        assert_eq!(system.sweep().repair_lanes(10).await.unwrap(), 0);
        system.commit().await.unwrap();
        let repair = queue.db.counted().await.pages / count(LANES);
        [claim, release, accept, mark, finish, repair]
    }

    /// The cheapest of some steps are within their bounds.
    async fn is_cheap(&self) {
        let mut cheapest = self.step().await;
        for _ in 0..4 {
            let again = self.step().await;
            cheapest = std::array::from_fn(|at| cheapest[at].min(again[at]));
        }

        let steps = [
            ("a claimed lane", A_CLAIMED_LANE),
            ("a released lane", A_RELEASED_LANE),
            ("an accepted message", AN_ACCEPTED_MESSAGE),
            ("a marked message", A_MARKED_MESSAGE),
            ("a result", A_RESULT),
            ("a swept lane", A_SWEPT_LANE),
        ];
        for ((step, most), pages) in steps.into_iter().zip(cheapest) {
            assert!(pages <= most, "{step}: {pages} pages");
        }
    }
}

#[tokio::test]
async fn a_plan_made_while_there_was_nothing_reads_no_more_when_there_is_much() {
    let Some(planned) = Planned::new().await else { return };
    let queue = &planned.queue;
    // To a table whose emptiness the statistics know every index is as good as any other.
    queue.db.sql("DELETE FROM message_bodies; DELETE FROM recipients; DELETE FROM messages").await;
    for table in ["messages", "message_bodies", "recipients", "attempts", "idempotency_keys"] {
        queue.db.sql(&format!("VACUUM ANALYZE {table}")).await;
    }
    planned.plan().await;

    fill(queue, 20_000).await;

    planned.is_cheap().await;
}

#[tokio::test]
async fn a_plan_made_while_nothing_waited_reads_no_more_when_much_does() {
    let Some(planned) = Planned::new().await else { return };
    let queue = &planned.queue;
    fill(queue, 20_000).await;
    let all_accepted =
        "UPDATE messages SET status = 'accepted', due_at = NULL, finished_at = now()";
    queue.db.sql(all_accepted).await;
    queue.db.sql("UPDATE lanes SET due_at = NULL WHERE lease_token IS NULL").await;
    queue.db.sql("VACUUM ANALYZE").await;
    planned.plan().await;

    fill(queue, 20_000).await;

    planned.is_cheap().await;
}

#[tokio::test]
async fn a_mark_that_finds_nothing_due_looks_at_nothing_that_waits_for_later() {
    let queue = Queue::new().await;
    if !queue.db.count_statements().await {
        return;
    }
    wind_up(&queue.db).await;
    fill(&queue, 20_000).await;
    queue.db.sql("ANALYZE").await;
    let lane = queue.claim(1).await[0];
    queue.db.sql("UPDATE messages SET due_at = due_at + interval '1 day'").await;
    queue.db.sql("VACUUM messages").await;
    let attempt_ids: Vec<_> = (0..WINDOW).map(|_| id()).collect();
    let limits = Limits::default();
    let request = MarkRequest { attempt_ids: &attempt_ids, max_bytes: 1_000_000, limits };
    let mut pages = i64::MAX;
    for _ in 0..5 {
        queue.db.counted().await;
        assert_eq!(queue.mark_under(&lane, request).await, Marked::Nothing);
        pages = pages.min(queue.db.counted().await.pages);
    }

    assert!(pages <= A_MARKED_MESSAGE, "{pages} pages");
}

#[tokio::test]
async fn a_reading_of_the_queue_stops_counting_where_it_says() {
    let queue = Queue::new().await;
    wind_up(&queue.db).await;
    fill(&queue, 60_000).await;
    queue.db.sql("ANALYZE").await;

    let system = queue.store.system().await.unwrap();
    let reading = system.queue().reading().await.unwrap();

    let counted: u64 = reading.waiting.iter().map(|(_, count)| count).sum();
    assert_eq!(counted, QueueReading::MOST_COUNTED);
    // By the statistics, which were brought up to date just now.
    assert!((50_001..70_000).contains(&reading.waiting_estimate), "{reading:?}");
    assert!(reading.oldest_due_age.unwrap().as_secs() >= 3_590, "{reading:?}");
}
