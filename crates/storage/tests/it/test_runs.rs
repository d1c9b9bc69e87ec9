//! Test runs: limits, reports, and runs whose program died.

use std::time::Duration;

use letterhead_domain::{
    advice::{Side, advise},
    id::{SenderId, TenantId},
    reply::Reply,
    sender::VersionNumber,
    test_run::{
        Cause, Failure, Stage, StageReport, StageStatus, TestMode, TestReport, TestStatus, TlsFacts,
    },
};
use letterhead_storage::{
    error::StorageError,
    record::{PageRequest, RunLimits},
    repo::test_run::{Begun, NewTestRun},
};

use crate::support::{World, default_sender, id, settings, typed};

const LIMITS: RunLimits = RunLimits { per_minute: 2, per_hour: 3 };
const FREELY: RunLimits = RunLimits { per_minute: 100, per_hour: 100 };

fn new_run(sender: SenderId) -> NewTestRun {
    NewTestRun {
        id: id(),
        sender,
        version: Some(VersionNumber(1)),
        mode: TestMode::Connection,
        code: None,
        requested_by: "api-key:test".to_owned(),
    }
}

async fn begin(world: &World, tenant: TenantId, run: &NewTestRun, limits: RunLimits) -> Begun {
    let tx = world.store.tenant(tenant).await.unwrap();
    let begun = tx.test_runs().begin(run, limits).await.unwrap();
    tx.commit().await.unwrap();
    begun
}

fn refused() -> TestReport {
    let reply = Reply::new(535, "5.7.8 Username and Password not accepted");
    let took = Duration::from_millis(180);
    let stage = |stage, status| StageReport { stage, status, took: Duration::ZERO, reply: None };
    let mut stages: Vec<_> = Stage::ALL.iter().map(|&s| stage(s, StageStatus::Passed)).collect();
    stages[5] = StageReport {
        stage: Stage::Auth,
        status: StageStatus::Failed,
        took,
        reply: Some(reply.clone()),
    };
    for later in &mut stages[6..] {
        later.status = StageStatus::NotReached;
    }
    TestReport {
        stages,
        took: Duration::from_millis(412),
        tls: Some(TlsFacts {
            version: "TLSv1.3".to_owned(),
            certificate_subject: "CN=mail.example".to_owned(),
            certificate_expires_at: chrono::DateTime::UNIX_EPOCH,
        }),
        failure: Some(Failure { stage: Stage::Auth, cause: Cause::Refused(reply) }),
        transcript: "S: 220 hello\0\nC: EHLO".to_owned(),
    }
}

#[tokio::test]
async fn a_finished_run_reads_back_as_it_was_reported() {
    let world = World::new().await;
    let aurora = world.tenant("aurora").await;
    let sender = world.save(aurora, typed("mail.example", "x")).await.record.id;
    let run = new_run(sender);
    assert_eq!(begin(&world, aurora, &run, LIMITS).await, Begun::Started);
    let tx = world.store.tenant(aurora).await.unwrap();
    let running = tx.test_runs().load(sender, run.id).await.unwrap();
    assert_eq!((running.status, running.took), (TestStatus::Running, None));

    let report = refused();
    let advice = advise(&settings("mail.example"), report.failure.as_ref().unwrap());
    assert!(tx.test_runs().finish(run.id, &report, Some(&advice)).await.unwrap());
    tx.commit().await.unwrap();

    let tx = world.store.tenant(aurora).await.unwrap();
    let record = tx.test_runs().load(sender, run.id).await.unwrap();
    assert_eq!(record.status, TestStatus::Failed);
    assert_eq!(record.version, Some(VersionNumber(1)));
    assert_eq!(record.stages, report.stages);
    assert_eq!(record.took, Some(report.took));
    assert_eq!(record.tls, report.tls);
    let stored = record.advice.clone().unwrap();
    assert_eq!((stored.code.as_str(), stored.side), (advice.code, Side::Yours));
    assert_eq!(stored.steps.len(), advice.steps.len());
    assert!(record.has_transcript);
    let transcript = tx.test_runs().transcript(sender, run.id).await.unwrap().unwrap();
    assert_eq!(transcript, "S: 220 hello\u{fffd}\nC: EHLO");

    let last = tx.senders().load(&default_sender()).await.unwrap().last_test.unwrap();
    assert_eq!(last.id, run.id);
    assert_eq!(last.failed_stage, Some(Stage::Auth));
    assert_eq!(last.advice_code.as_deref(), Some(advice.code));
    assert!(!tx.test_runs().finish(run.id, &report, None).await.unwrap());
}

#[tokio::test]
async fn a_tenant_may_begin_so_many_runs_a_minute_and_so_many_an_hour() {
    let world = World::new().await;
    let (aurora, borealis) = (world.tenant("aurora").await, world.tenant("borealis").await);
    let sender = world.save(aurora, typed("mail.example", "x")).await.record.id;
    let other = world.save(borealis, typed("mail.example", "x")).await.record.id;
    let begin_one = async || begin(&world, aurora, &new_run(sender), LIMITS).await;
    let wait = |begun| match begun {
        Begun::TooMany { retry_after } => retry_after.as_secs(),
        Begun::Started => panic!("started"),
    };

    assert_eq!(begin_one().await, Begun::Started);
    world.database.advance(Duration::from_secs(20)).await;
    assert_eq!(begin_one().await, Begun::Started);
    let minute = wait(begin_one().await);
    assert!((38..=40).contains(&minute), "{minute}");
    assert_eq!(begin(&world, borealis, &new_run(other), LIMITS).await, Begun::Started);

    world.database.advance(Duration::from_secs(41)).await;
    assert_eq!(begin_one().await, Begun::Started);
    world.database.advance(Duration::from_secs(61)).await;
    let hour = wait(begin_one().await);
    assert!((3460..=3480).contains(&hour), "{hour}");

    let none = RunLimits { per_minute: 0, per_hour: 100 };
    assert_eq!(wait(begin(&world, borealis, &new_run(other), none).await), 60);
}

#[tokio::test]
async fn the_limit_holds_for_runs_that_begin_at_the_same_moment() {
    let world = World::new().await;
    let aurora = world.tenant("aurora").await;
    let sender = world.save(aurora, typed("mail.example", "x")).await.record.id;

    let begin_one = || async { begin(&world, aurora, &new_run(sender), LIMITS).await };
    let (a, b, c, d) = tokio::join!(begin_one(), begin_one(), begin_one(), begin_one());

    let started = [a, b, c, d].iter().filter(|begun| **begun == Begun::Started).count();
    assert_eq!(started, 2);
}

#[tokio::test]
async fn an_interrupted_run_ends_with_an_advice_and_a_late_result_changes_nothing() {
    let world = World::new().await;
    let aurora = world.tenant("aurora").await;
    let sender = world.save(aurora, typed("mail.example", "x")).await.record.id;
    let run = new_run(sender);
    begin(&world, aurora, &run, LIMITS).await;

    let tx = world.store.tenant(aurora).await.unwrap();
    assert_eq!(tx.test_runs().interrupt(&[run.id, id()]).await.unwrap(), 1);
    assert!(!tx.test_runs().finish(run.id, &refused(), None).await.unwrap());
    tx.commit().await.unwrap();

    let tx = world.store.tenant(aurora).await.unwrap();
    let record = tx.test_runs().load(sender, run.id).await.unwrap();
    assert_eq!(record.status, TestStatus::Failed);
    assert!(record.advice.is_some());
    assert!(!record.has_transcript);
}

#[tokio::test]
async fn a_running_run_shows_the_stages_that_have_ended_and_an_ended_one_keeps_its_report() {
    let world = World::new().await;
    let (aurora, borealis) = (world.tenant("aurora").await, world.tenant("borealis").await);
    let sender = world.save(aurora, typed("mail.example", "x")).await.record.id;
    let run = new_run(sender);
    begin(&world, aurora, &run, LIMITS).await;
    let report = refused();

    let tx = world.store.tenant(aurora).await.unwrap();
    assert!(tx.test_runs().progress(run.id, &report.stages[..2]).await.unwrap());
    assert!(tx.test_runs().progress(run.id, &report.stages[..3]).await.unwrap());
    let running = tx.test_runs().load(sender, run.id).await.unwrap();
    assert_eq!(
        (running.status, running.stages.as_slice()),
        (TestStatus::Running, &report.stages[..3])
    );
    tx.commit().await.unwrap();
    let other = world.store.tenant(borealis).await.unwrap();
    assert!(!other.test_runs().progress(run.id, &report.stages[..1]).await.unwrap());

    let tx = world.store.tenant(aurora).await.unwrap();
    tx.test_runs().finish(run.id, &report, None).await.unwrap();
    assert!(!tx.test_runs().progress(run.id, &report.stages[..1]).await.unwrap());
    assert_eq!(tx.test_runs().load(sender, run.id).await.unwrap().stages, report.stages);
}

#[tokio::test]
async fn runs_are_listed_newest_first_and_of_their_sender_alone() {
    let world = World::new().await;
    let (aurora, borealis) = (world.tenant("aurora").await, world.tenant("borealis").await);
    let sender = world.save(aurora, typed("mail.example", "x")).await.record.id;
    let runs = [new_run(sender), new_run(sender), new_run(sender)];
    for run in &runs {
        begin(&world, aurora, run, FREELY).await;
    }

    let tx = world.store.tenant(aurora).await.unwrap();
    let first = tx.test_runs().list(sender, PageRequest::first(2)).await.unwrap();
    let rest = PageRequest { limit: 2, after: first.next };
    let second = tx.test_runs().list(sender, rest).await.unwrap();
    let ids: Vec<_> = first.items.iter().chain(&second.items).map(|run| run.id).collect();
    assert_eq!(ids, [runs[2].id, runs[1].id, runs[0].id]);
    let elsewhere = tx.test_runs().load(id(), runs[0].id).await;
    assert!(matches!(elsewhere, Err(StorageError::NotFound("test run"))));

    let other = world.store.tenant(borealis).await.unwrap();
    assert!(other.test_runs().list(sender, PageRequest::first(9)).await.unwrap().items.is_empty());
    assert!(other.test_runs().load(sender, runs[0].id).await.is_err());
    assert!(other.test_runs().transcript(sender, runs[0].id).await.is_err());
    assert!(!other.test_runs().finish(runs[0].id, &refused(), None).await.unwrap());
    assert_eq!(other.test_runs().interrupt(&[runs[0].id]).await.unwrap(), 0);
    let begun = other.test_runs().begin(&new_run(sender), FREELY).await;
    assert!(matches!(begun, Err(StorageError::NotFound("sender"))));
}
