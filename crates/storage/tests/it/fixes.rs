//! What is kept of a fix, and how often a password may be tried.

use letterhead_domain::{
    fix::{
        Entry, Fix, FixOutcome, Tried, TryResult,
        account::{Account, SignIn},
    },
    id::{SecretId, SenderId, TenantId, TestRunId},
    sender::VersionNumber,
    test_run::{Cause, Failure, Stage, TestMode, TestReport},
};
use letterhead_storage::{
    record::RunLimits,
    repo::test_run::{Begun, NewTestRun},
};

use crate::support::{World, id, settings, typed};

const FREELY: RunLimits = RunLimits { per_minute: 100, per_hour: 100 };

fn account() -> Account {
    Account::of(&settings("mail.example")).unwrap()
}

fn sign_in(secret: Option<SecretId>, accepted: bool) -> SignIn {
    SignIn { account: account(), secret, accepted }
}

async fn begin(world: &World, tenant: TenantId, sender: SenderId) -> TestRunId {
    let run = NewTestRun {
        id: id(),
        sender,
        version: Some(VersionNumber(1)),
        mode: TestMode::Connection,
        code: None,
        requested_by: "api-key:test".to_owned(),
    };
    let tx = world.store.tenant(tenant).await.unwrap();
    assert_eq!(tx.test_runs().begin(&run, FREELY).await.unwrap(), Begun::Started);
    tx.commit().await.unwrap();
    run.id
}

async fn permit(
    world: &World,
    tenant: TenantId,
    (sender, run): (SenderId, TestRunId),
    own: Option<&SignIn>,
    wanted: &SignIn,
) -> bool {
    let tx = world.store.tenant(tenant).await.unwrap();
    let permitted = tx.test_runs().permit_sign_in(sender, run, own, wanted).await.unwrap();
    tx.commit().await.unwrap();
    permitted
}

fn failed() -> TestReport {
    TestReport::stopped(Stage::Connect, Cause::TimedOut)
}

async fn finish(world: &World, tenant: TenantId, run: TestRunId, report: &TestReport) {
    let tx = world.store.tenant(tenant).await.unwrap();
    assert!(tx.test_runs().finish(run, report, None).await.unwrap());
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn a_fix_reads_back_as_it_was_found() {
    let world = World::new().await;
    let aurora = world.tenant("aurora").await;
    let sender = world.save(aurora, typed("mail.example", "x")).await.record.id;
    let run = begin(&world, aurora, sender).await;
    let given = settings("mail.example");
    let other = Entry { port: 465_u16.try_into().unwrap(), ..Entry::of(&given) };
    let closed = Entry { port: 2525_u16.try_into().unwrap(), ..Entry::of(&given) };
    let tried = vec![
        Tried { entry: other, result: TryResult::Passed },
        Tried { entry: closed, result: TryResult::NoConnection },
    ];
    let failure = Failure { stage: Stage::Connect, cause: Cause::TimedOut };
    let fix = Fix::conclude(&given, &failure, false, tried).unwrap();
    assert_eq!(fix.outcome, FixOutcome::Proven);

    let tx = world.store.tenant(aurora).await.unwrap();
    assert_eq!(tx.test_runs().load(sender, run).await.unwrap().fix, None);
    tx.test_runs().keep_fix(run, &fix).await.unwrap();
    tx.commit().await.unwrap();

    let tx = world.store.tenant(aurora).await.unwrap();
    assert_eq!(tx.test_runs().load(sender, run).await.unwrap().fix, Some(fix));
}

#[tokio::test]
async fn a_password_may_be_refused_twice_on_one_account_until_a_run_passes_or_it_is_changed() {
    let world = World::new().await;
    let aurora = world.tenant("aurora").await;
    let saved = world.save(aurora, typed("mail.example", "x")).await.record;
    let (sender, secret) = (saved.id, saved.newest().secret);
    let refused = sign_in(secret, false);

    let first = begin(&world, aurora, sender).await;
    assert!(permit(&world, aurora, (sender, first), Some(&refused), &refused).await);
    finish(&world, aurora, first, &failed()).await;
    let second = begin(&world, aurora, sender).await;
    assert!(!permit(&world, aurora, (sender, second), None, &refused).await, "run and fix");
    let typed_now = sign_in(None, false);
    assert!(
        !permit(&world, aurora, (sender, second), None, &typed_now).await,
        "it may be the same"
    );
    finish(&world, aurora, second, &failed()).await;

    let passed = begin(&world, aurora, sender).await;
    let report = TestReport { failure: None, ..failed() };
    finish(&world, aurora, passed, &report).await;
    let third = begin(&world, aurora, sender).await;
    assert!(permit(&world, aurora, (sender, third), None, &refused).await);
    finish(&world, aurora, third, &failed()).await;
    let fourth = begin(&world, aurora, sender).await;
    assert!(permit(&world, aurora, (sender, fourth), None, &refused).await);
    finish(&world, aurora, fourth, &failed()).await;
    let fifth = begin(&world, aurora, sender).await;
    assert!(!permit(&world, aurora, (sender, fifth), None, &refused).await);

    let changed = world.save(aurora, typed("mail.example", "y")).await.record.newest().secret;
    let other = sign_in(changed, false);
    assert!(permit(&world, aurora, (sender, fifth), None, &other).await);
}

#[tokio::test]
async fn fixes_at_the_same_moment_do_not_count_on_the_same_try() {
    let world = World::new().await;
    let aurora = world.tenant("aurora").await;
    let saved = world.save(aurora, typed("mail.example", "x")).await.record;
    let (sender, refused) = (saved.id, sign_in(saved.newest().secret, false));
    let (one, other) = (begin(&world, aurora, sender).await, begin(&world, aurora, sender).await);

    let (first, second) = tokio::join!(
        permit(&world, aurora, (sender, one), Some(&refused), &refused),
        permit(&world, aurora, (sender, other), Some(&refused), &refused),
    );

    assert!(!first && !second, "both runs may have been refused already");
}

#[tokio::test]
async fn another_tenant_and_another_account_are_not_counted_and_no_user_name_is_kept() {
    let world = World::new().await;
    let (aurora, borealis) = (world.tenant("aurora").await, world.tenant("borealis").await);
    let sender = world.save(aurora, typed("mail.example", "x")).await.record.id;
    let theirs = world.save(borealis, typed("mail.example", "x")).await.record.id;
    let refused = sign_in(None, false);
    let run = begin(&world, aurora, sender).await;
    assert!(permit(&world, aurora, (sender, run), Some(&refused), &refused).await);
    let named = "SELECT count(*)::int FROM test_runs WHERE sign_ins::text LIKE '%billing%'";
    assert_eq!(world.database.number(named).await, 0);

    let run_of_theirs = begin(&world, borealis, theirs).await;
    assert!(permit(&world, borealis, (theirs, run_of_theirs), None, &refused).await);
    let elsewhere = Account::of(&settings("smtp.example.net")).unwrap();
    let other = SignIn { account: elsewhere, ..refused };
    assert!(permit(&world, aurora, (sender, run), None, &other).await);
}
