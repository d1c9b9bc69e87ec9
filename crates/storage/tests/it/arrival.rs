//! The codes of test mails: counted, of one day, and of their tenant alone.

use std::time::Duration;

use futures_util::future::join_all;
use letterhead_domain::{
    arrival::{Arrival, ArrivalCode, CodeVerdict, NoCodeTaken},
    id::{SenderId, TenantId, TestRunId},
    test_run::{Cause, Stage, TestMode, TestReport},
};
use letterhead_storage::{
    error::StorageError,
    record::{PageRequest, RunLimits},
    repo::test_run::NewTestRun,
};

use crate::support::{World, id, typed};

const RIGHT: &str = "012345";
const WRONG: &str = "999999";

fn passed() -> TestReport {
    let report = TestReport::stopped(Stage::Policy, Cause::Interrupted);
    TestReport { failure: None, ..report }
}

/// A tenant whose server has accepted a test mail.
struct Mailed {
    world: World,
    tenant: TenantId,
    sender: SenderId,
    run: TestRunId,
}

impl Mailed {
    async fn new() -> Self {
        let world = World::new().await;
        let tenant = world.tenant("aurora").await;
        let sender = world.save(tenant, typed("mail.example", "x")).await.record.id;
        let run = NewTestRun {
            id: id(),
            sender,
            version: None,
            mode: TestMode::Message,
            code: Some(RIGHT.parse().unwrap()),
            requested_by: "api-key:test".to_owned(),
        };
        let tx = world.store.tenant(tenant).await.unwrap();
        let limits = RunLimits { per_minute: 9, per_hour: 9 };
        tx.test_runs().begin(&run, limits).await.unwrap();
        tx.test_runs().finish(run.id, &passed(), None).await.unwrap();
        tx.commit().await.unwrap();
        Self { world, tenant, sender, run: run.id }
    }

    async fn take(&self, code: &str) -> CodeVerdict {
        let code: ArrivalCode = code.parse().unwrap();
        let tx = self.world.store.tenant(self.tenant).await.unwrap();
        let verdict = tx.test_runs().take_code(self.sender, self.run, &code).await.unwrap();
        tx.commit().await.unwrap();
        verdict
    }

    async fn arrival(&self) -> Arrival {
        let tx = self.world.store.tenant(self.tenant).await.unwrap();
        tx.test_runs().load(self.sender, self.run).await.unwrap().arrival
    }
}

#[tokio::test]
async fn the_right_code_proves_the_arrival_once_and_may_come_again() {
    let mailed = Mailed::new().await;
    assert_eq!(mailed.arrival().await, Arrival::Awaited { tries_left: 5 });

    assert_eq!(mailed.take(RIGHT).await, CodeVerdict::Proves);
    let arrived = mailed.arrival().await;
    mailed.world.database.advance(Duration::from_secs(25 * 3600)).await;

    assert!(matches!(arrived, Arrival::Confirmed(_)));
    assert_eq!(mailed.take(RIGHT).await, CodeVerdict::ProvedBefore);
    assert_eq!(mailed.take(WRONG).await, CodeVerdict::WrongAfterwards);
    assert_eq!(mailed.arrival().await, arrived, "the time stays");
    let tx = mailed.world.store.tenant(mailed.tenant).await.unwrap();
    let listed = tx.test_runs().list(mailed.sender, PageRequest::first(1)).await.unwrap();
    assert_eq!(listed.items[0].arrival, arrived);
}

#[tokio::test]
async fn five_wrong_codes_are_the_most_even_at_the_same_moment() {
    let mailed = Mailed::new().await;

    let verdicts = join_all((0..7).map(|_| mailed.take(WRONG))).await;

    let mut left: Vec<_> = verdicts
        .iter()
        .filter_map(|verdict| {
            if let CodeVerdict::Wrong { tries_left } = verdict { Some(*tries_left) } else { None }
        })
        .collect();
    left.sort_unstable();
    assert_eq!(left, [0, 1, 2, 3, 4]);
    assert_eq!(mailed.take(RIGHT).await, CodeVerdict::NotTaken(NoCodeTaken::TriesUsedUp));
    assert_eq!(mailed.arrival().await, Arrival::Unknown(NoCodeTaken::TriesUsedUp));
}

#[tokio::test]
async fn a_code_is_taken_for_a_day_by_the_databases_clock() {
    let mailed = Mailed::new().await;

    mailed.world.database.advance(Duration::from_secs(24 * 3600 - 60)).await;
    assert_eq!(mailed.take(WRONG).await, CodeVerdict::Wrong { tries_left: 4 });
    mailed.world.database.advance(Duration::from_secs(120)).await;

    assert_eq!(mailed.take(RIGHT).await, CodeVerdict::NotTaken(NoCodeTaken::Expired));
}

#[tokio::test]
async fn a_code_is_taken_for_its_own_run_of_its_own_tenant_alone() {
    let mailed = Mailed::new().await;
    let borealis = mailed.world.tenant("borealis").await;
    let code: ArrivalCode = RIGHT.parse().unwrap();
    let missing = |taken| matches!(taken, Err(StorageError::NotFound("test run")));

    let tx = mailed.world.store.tenant(borealis).await.unwrap();
    assert!(missing(tx.test_runs().take_code(mailed.sender, mailed.run, &code).await));
    let tx = mailed.world.store.tenant(mailed.tenant).await.unwrap();
    assert!(missing(tx.test_runs().take_code(mailed.sender, id(), &code).await));
    assert!(missing(tx.test_runs().take_code(id(), mailed.run, &code).await));
}

#[tokio::test]
async fn the_systems_role_cannot_read_a_code() {
    let mailed = Mailed::new().await;

    let right = "SELECT has_column_privilege('letterhead_system', 'test_runs', \
                 'arrival_code', 'SELECT')::int::bigint";
    assert_eq!(mailed.world.database.number(right).await, 0);
}
