//! Bulk runs: whose turn it is, who may record what, and what the results say together.

use std::{collections::HashSet, time::Duration};

use letterhead_domain::{
    advice::Side,
    bulk_run::{BulkItemStatus, BulkScope, SkipReason},
    id::{BulkRunId, SenderId, TenantId, TestRunId},
    sender::{SenderState, VersionNumber},
    smtp_settings::SmtpSettings,
    tenant::{StateFilter, TenantFilter},
    test_run::TestMode,
};
use letterhead_storage::{
    error::StorageError,
    record::{
        BulkGroup, BulkGroupKey, BulkOutcome, BulkRequester, BulkTarget, ClaimedBulkItem,
        NewBulkRun, PageRequest, RunLimits, StoredAdvice,
    },
    repo::test_run::NewTestRun,
};

use crate::support::{World, id, settings, typed};

const LEASE: Duration = Duration::from_secs(60);

fn everyone() -> BulkTarget {
    BulkTarget::Filter(TenantFilter::default())
}

async fn create(world: &World, target: BulkTarget) -> (BulkRunId, u64) {
    let new = NewBulkRun {
        id: id(),
        target,
        requested_by: BulkRequester {
            session: id(),
            email: "otto@operator.example".parse().unwrap(),
            name: "Otto".parse().unwrap(),
        },
    };
    let system = world.store.system().await.unwrap();
    let senders = system.bulk_runs().create(&new).await.unwrap();
    system.commit().await.unwrap();
    (new.id, senders)
}

async fn claim(world: &World, limit: u64) -> Vec<ClaimedBulkItem> {
    let system = world.store.system().await.unwrap();
    let token = uuid::Uuid::new_v4().into();
    let claimed = system.bulk_runs().claim(token, LEASE, limit).await.unwrap();
    system.commit().await.unwrap();
    claimed
}

async fn finish(world: &World, item: &ClaimedBulkItem, outcome: &BulkOutcome) -> bool {
    let system = world.store.system().await.unwrap();
    let ours = system.bulk_runs().finish(item, outcome).await.unwrap();
    system.commit().await.unwrap();
    ours
}

/// Tenants with a live sender each.
async fn senders(world: &World, slugs: &[&str]) -> Vec<(TenantId, SenderId)> {
    let mut made = Vec::new();
    for slug in slugs {
        let tenant = world.tenant(slug).await;
        made.push((tenant, world.live_sender(tenant).await));
    }
    made
}

/// A test run that has begun.
async fn begun(world: &World, tenant: TenantId, sender: SenderId) -> TestRunId {
    let run = NewTestRun {
        id: id(),
        sender,
        version: Some(VersionNumber(1)),
        mode: TestMode::Connection,
        code: None,
        requested_by: "operator:otto@operator.example".to_owned(),
    };
    let tx = world.store.tenant(tenant).await.unwrap();
    tx.test_runs().begin(&run, RunLimits { per_minute: 9, per_hour: 9 }).await.unwrap();
    tx.commit().await.unwrap();
    run.id
}

fn failed(run: TestRunId, settings: SmtpSettings, code: &str) -> BulkOutcome {
    let advice = StoredAdvice {
        code: code.to_owned(),
        side: Side::Yours,
        title: format!("It was {code}."),
        steps: Vec::new(),
        guide: None,
    };
    BulkOutcome::Failed { run, settings, advice }
}

async fn groups(world: &World, id: BulkRunId) -> Vec<BulkGroup> {
    let system = world.store.system().await.unwrap();
    system.bulk_runs().groups(id).await.unwrap()
}

#[tokio::test]
async fn a_bulk_run_has_every_sender_of_its_tenants_and_each_tenant_without_one() {
    let world = World::new().await;
    let made = senders(&world, &["aurora", "borealis"]).await;
    let empty = world.tenant("empty").await;
    let gone = world.tenant("gone").await;
    let system = world.store.system().await.unwrap();
    system.tenants().remove(gone).await.unwrap();
    system.commit().await.unwrap();

    let (all, count) = create(&world, everyone()).await;
    assert_eq!(count, 3);
    let paused = StateFilter::Is(SenderState::Paused);
    let filter = TenantFilter { state: Some(paused), ..TenantFilter::default() };
    assert_eq!(create(&world, BulkTarget::Filter(filter.clone())).await.1, 0);
    let selection = BulkTarget::Selection(vec![made[0].0, gone, id()]);
    let (selected, count) = create(&world, selection).await;
    assert_eq!(count, 1);

    let system = world.store.system().await.unwrap();
    let runs = system.bulk_runs().list(PageRequest::first(10)).await.unwrap().items;
    let scopes: Vec<_> = runs.iter().map(|run| (run.scope, run.counts.total())).collect();
    let expected = [(BulkScope::Selection, 1), (BulkScope::Filter, 0), (BulkScope::All, 3)];
    assert_eq!(scopes, expected);
    assert_eq!(runs[1].filter, filter);
    assert_eq!(runs[0].id, selected);
    assert_eq!(runs[2].requested_by.email.as_str(), "otto@operator.example");
    assert_eq!((runs[2].counts.waiting, runs[2].finished_at), (3, None));
    assert!(runs[1].finished_at.is_some(), "nothing to do is done");

    let claimed = claim(&world, 10).await;
    let of_all: HashSet<_> =
        claimed.iter().filter(|item| item.bulk_run == all).map(|i| (i.tenant, i.sender)).collect();
    let expected = [(made[0].0, Some(made[0].1)), (made[1].0, Some(made[1].1)), (empty, None)];
    assert_eq!(of_all, HashSet::from(expected));
    assert_eq!(claimed.last().unwrap().bulk_run, selected, "the older bulk run comes first");
}

#[tokio::test]
async fn a_claimed_sender_is_nobody_elses_until_its_lease_is_over() {
    let world = World::new().await;
    let made = senders(&world, &["aurora"]).await;
    let (tenant, sender) = made[0];
    create(&world, everyone()).await;

    let first = claim(&world, 5).await.remove(0);
    assert!(claim(&world, 5).await.is_empty());
    let run = begun(&world, tenant, sender).await;
    let system = world.store.system().await.unwrap();
    assert!(system.bulk_runs().attach(&first, run).await.unwrap());
    system.commit().await.unwrap();

    world.database.advance(LEASE + Duration::from_secs(1)).await;
    let second = claim(&world, 5).await.remove(0);
    assert_eq!((second.test_run, second.attempts), (Some(run), 2));

    let passed = BulkOutcome::Passed { run, settings: settings("mail.example") };
    assert!(!finish(&world, &first, &passed).await, "a late result is refused");
    let system = world.store.system().await.unwrap();
    assert!(!system.bulk_runs().attach(&first, run).await.unwrap());
    drop(system);
    assert!(finish(&world, &second, &passed).await);
    assert!(claim(&world, 5).await.is_empty());
}

#[tokio::test]
async fn two_that_claim_at_once_get_different_senders() {
    let world = World::new().await;
    let slugs: Vec<_> = (0..12).map(|n| format!("tenant-{n}")).collect();
    senders(&world, &slugs.iter().map(String::as_str).collect::<Vec<_>>()).await;
    create(&world, everyone()).await;

    let (a, b, c) = tokio::join!(claim(&world, 4), claim(&world, 4), claim(&world, 4));

    let tenants: Vec<_> = a.iter().chain(&b).chain(&c).map(|item| item.tenant).collect();
    assert_eq!(tenants.iter().collect::<HashSet<_>>().len(), tenants.len());
    let left = claim(&world, 12).await.len();
    assert_eq!(tenants.len() + left, 12);
}

#[tokio::test]
async fn results_are_grouped_by_advice_and_service_and_by_port_where_none_connects() {
    let world = World::new().await;
    let made = senders(&world, &["a", "b", "c", "d", "e", "f", "g"]).await;
    let (bulk_run, _) = create(&world, everyone()).await;
    let host =
        |name: &str, port: u16| SmtpSettings { port: port.try_into().unwrap(), ..settings(name) };
    for item in claim(&world, 10).await {
        let at = made.iter().position(|(tenant, _)| *tenant == item.tenant).unwrap();
        let run = begun(&world, item.tenant, item.sender.unwrap()).await;
        let outcome = match at {
            0 | 1 => failed(run, host("smtp.gmail.com", 587), "auth_bad_password"),
            2 => failed(run, host("mail.example", 587), "auth_bad_password"),
            3 => failed(run, host("smtp.gmail.com", 465), "no_connection"),
            4 => failed(run, host("mail.example", 465), "no_connection"),
            5 => BulkOutcome::Skipped(SkipReason::TooManyTests),
            _ => BulkOutcome::Passed { run, settings: host("mail.example", 587) },
        };
        assert!(finish(&world, &item, &outcome).await);
    }

    let found = groups(&world, bulk_run).await;

    let keys: Vec<_> = found
        .iter()
        .map(|group| {
            let BulkGroupKey { status, cause, provider, port } = &group.key;
            (*status, cause.as_deref().unwrap(), provider.as_deref(), *port, group.tenants)
        })
        .collect();
    let failed = BulkItemStatus::Failed;
    assert_eq!(
        keys,
        [
            (failed, "auth_bad_password", Some("gmail"), None, 2),
            (failed, "no_connection", None, Some(465), 2),
            (failed, "auth_bad_password", None, None, 1),
            (BulkItemStatus::Skipped, "too_many_tests", None, None, 1),
        ],
    );
    assert_eq!(found[0].title.as_deref(), Some("It was auth_bad_password."));
    let blocked: Vec<_> = found.iter().map(BulkGroup::port_is_blocked).collect();
    assert_eq!(blocked, [false, true, false, false]);

    let system = world.store.system().await.unwrap();
    let list = async |key: &BulkGroupKey, page| {
        system.bulk_runs().items_of(bulk_run, key, page).await.unwrap()
    };
    let first = list(&found[0].key, PageRequest::first(1)).await;
    let second = list(&found[0].key, PageRequest { limit: 1, after: first.next }).await;
    assert_eq!((first.items[0].slug.as_str(), second.items[0].slug.as_str()), ("a", "b"));
    assert_eq!(second.next, None);
    assert!(first.items[0].test_run.is_some());
    let passed =
        BulkGroupKey { status: BulkItemStatus::Passed, cause: None, provider: None, port: None };
    let passed = list(&passed, PageRequest::first(10)).await.items;
    assert_eq!(passed.iter().map(|item| item.slug.as_str()).collect::<Vec<_>>(), ["g"]);
    let record = system.bulk_runs().load(bulk_run).await.unwrap();
    assert_eq!((record.counts.done(), record.counts.passed, record.counts.failed), (7, 1, 5));
    assert!(record.finished_at.is_some());
}

#[tokio::test]
async fn a_cancelled_bulk_run_lets_what_was_begun_end_and_begins_nothing_more() {
    let world = World::new().await;
    senders(&world, &["a", "b", "c"]).await;
    let (bulk_run, _) = create(&world, everyone()).await;
    let dead = claim(&world, 1).await.remove(0);
    world.database.advance(LEASE / 2).await;
    let held = claim(&world, 1).await.remove(0);
    world.database.advance(LEASE / 2 + Duration::from_secs(1)).await;

    let system = world.store.system().await.unwrap();
    assert!(system.bulk_runs().cancel(bulk_run, "operator:otto@operator.example").await.unwrap());
    assert!(!system.bulk_runs().cancel(bulk_run, "console").await.unwrap());
    let none = system.bulk_runs().cancel(id(), "console").await;
    assert!(matches!(none, Err(StorageError::NotFound(_))));
    system.commit().await.unwrap();

    assert!(claim(&world, 10).await.is_empty());
    let skipped = BulkOutcome::Skipped(SkipReason::Gone);
    assert!(!finish(&world, &dead, &skipped).await);
    assert!(finish(&world, &held, &skipped).await);
    let system = world.store.system().await.unwrap();
    let record = system.bulk_runs().load(bulk_run).await.unwrap();
    assert_eq!((record.counts.cancelled, record.counts.skipped), (2, 1));
    assert_eq!(record.cancelled.unwrap().1, "operator:otto@operator.example");
    assert!(record.finished_at.is_some());
}

#[tokio::test]
async fn a_bulk_run_is_forgotten_after_90_days_and_a_deleted_tenants_part_with_the_tenant() {
    let world = World::new().await;
    let made = senders(&world, &["a", "b"]).await;
    let (bulk_run, _) = create(&world, everyone()).await;
    let system = world.store.system().await.unwrap();
    system.tenants().remove(made[0].0).await.unwrap();
    while system.sweep().remove_deleted_tenants(100).await.unwrap() > 0 {}
    assert_eq!(system.bulk_runs().load(bulk_run).await.unwrap().counts.total(), 1);
    assert_eq!(system.bulk_runs().forget_old().await.unwrap(), 0);
    system.commit().await.unwrap();

    world.database.advance(Duration::from_secs(91 * 24 * 60 * 60)).await;
    let system = world.store.system().await.unwrap();
    assert_eq!(system.bulk_runs().forget_old().await.unwrap(), 2);
    assert!(system.bulk_runs().list(PageRequest::first(9)).await.unwrap().items.is_empty());
}

#[tokio::test]
async fn a_candidate_alone_is_tested_too() {
    let world = World::new().await;
    let aurora = world.tenant("aurora").await;
    let sender = world.save(aurora, typed("mail.example", "x")).await.record.id;

    create(&world, everyone()).await;

    assert_eq!(claim(&world, 1).await[0].sender, Some(sender));
}
