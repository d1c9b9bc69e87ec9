//! The operator's overview: what it shows of each tenant, what it finds, and what a page costs.

use std::time::Duration;

use letterhead_domain::{
    id::TenantId,
    message::SenderRef,
    provider,
    sender::{PauseReason, SenderState},
    tenant::{StateFilter, TenantFilter, TenantStatus},
};
use letterhead_storage::record::{Expected, OverviewPage, SenderOverview, TenantOverview};

use crate::support::{World, default_sender, id, save_in, typed};

async fn overview(world: &World, filter: &TenantFilter) -> OverviewPage {
    let system = world.store.system().await.unwrap();
    system.tenants().overview(filter, None, 100).await.unwrap()
}

fn slugs(page: &OverviewPage) -> Vec<&str> {
    page.tenants.iter().map(|line| line.tenant.slug.as_str()).collect()
}

fn by_text(text: &str) -> TenantFilter {
    TenantFilter { text: Some(text.parse().unwrap()), ..TenantFilter::default() }
}

fn by_state(state: StateFilter) -> TenantFilter {
    TenantFilter { state: Some(state), ..TenantFilter::default() }
}

fn sender(line: &TenantOverview) -> &SenderOverview {
    line.senders.first().unwrap()
}

async fn suspend(world: &World, tenant: TenantId) {
    let system = world.store.system().await.unwrap();
    system.tenants().update(tenant, None, Some(TenantStatus::Suspended)).await.unwrap();
    system.commit().await.unwrap();
}

async fn pause(world: &World, tenant: TenantId, reason: PauseReason) {
    let tx = world.store.tenant(tenant).await.unwrap();
    tx.senders().pause(&default_sender(), reason, None, None).await.unwrap();
    tx.commit().await.unwrap();
}

/// Tenants whose slugs say what their sender is doing.
async fn one_of_each_state(world: &World) {
    world.tenant("no-settings").await;
    let untested = world.tenant("untested").await;
    world.save(untested, typed("mail.example", "x")).await;
    for (slug, reason) in [
        ("paused", Some(PauseReason::ByHand)),
        ("needs-password", Some(PauseReason::SecretUnreadable)),
        ("live", None),
    ] {
        let tenant = world.tenant(slug).await;
        world.live_sender(tenant).await;
        if let Some(reason) = reason {
            pause(world, tenant, reason).await;
        }
    }
    let failing = world.tenant("failing").await;
    let failing_sender = world.live_sender(failing).await;
    let tx = world.store.tenant(failing).await.unwrap();
    for _ in 0..3 {
        tx.senders().record_failed(failing_sender).await.unwrap();
    }
    tx.commit().await.unwrap();
    let bare = world.tenant("needs-password-2").await;
    let bare_sender = world.live_sender(bare).await;
    world
        .database
        .sql(&format!(
            "UPDATE sender_versions SET sealed_password = NULL WHERE sender_id = '{bare_sender}'"
        ))
        .await;
    for slug in ["suspended", "suspended-without-settings"] {
        let tenant = world.tenant(slug).await;
        if slug == "suspended" {
            world.live_sender(tenant).await;
        }
        suspend(world, tenant).await;
    }
}

#[tokio::test]
async fn what_is_found_by_state_is_what_the_domain_says_of_each_sender() {
    let world = World::new().await;
    one_of_each_state(&world).await;

    let everyone = overview(&world, &TenantFilter::default()).await;
    assert_eq!(everyone.tenants.len(), 9);
    for state in StateFilter::ALL {
        let found = overview(&world, &by_state(state)).await;
        let expected: Vec<_> = everyone
            .tenants
            .iter()
            .filter(|line| match state {
                StateFilter::NoSettings => {
                    line.senders.is_empty() && line.tenant.status == TenantStatus::Active
                }
                StateFilter::Is(SenderState::Suspended) => {
                    line.tenant.status == TenantStatus::Suspended
                }
                StateFilter::Is(state) => line.senders.iter().any(|s| s.state() == state),
            })
            .map(|line| line.tenant.slug.as_str())
            .collect();
        assert!(!expected.is_empty(), "{state:?} is not tried");
        assert_eq!(slugs(&found), expected, "{state:?}");
        assert!(expected.iter().all(|slug| slug.starts_with(&state.as_str().replace('_', "-"))));
    }

    let system = world.store.system().await.unwrap();
    let counts = system.tenants().counts().await.unwrap();
    assert_eq!(counts.total, 9);
    for (state, tenants) in counts.by_state {
        let found = overview(&world, &by_state(state)).await.tenants.len();
        assert_eq!(tenants, u64::try_from(found).unwrap(), "{state:?}");
    }
}

#[tokio::test]
async fn a_text_is_looked_for_in_slug_name_host_and_address_whatever_its_case() {
    let world = World::new().await;
    let aurora = world.tenant("aurora").await;
    world.save(aurora, typed("smtp.gmail.com", "x")).await;
    world.tenant("borealis").await;
    world.database.sql("UPDATE tenants SET name = 'Üb%r & Co' WHERE slug = 'borealis'").await;

    for (text, expected) in [
        ("AURO", vec!["aurora"]),
        ("gmail", vec!["aurora"]),
        ("Billing@Aurora", vec!["aurora"]),
        ("b%r", vec!["borealis"]),
        ("%", vec!["borealis"]),
        ("re", vec!["borealis"]),
        ("nobody", vec![]),
    ] {
        let found = overview(&world, &by_text(text)).await;
        assert_eq!(slugs(&found), expected, "{text}");
    }
    let gmail = TenantFilter { provider: provider::find("gmail"), ..TenantFilter::default() };
    assert_eq!(slugs(&overview(&world, &gmail).await), ["aurora"]);
    let brevo = TenantFilter { provider: provider::find("brevo"), ..TenantFilter::default() };
    assert!(overview(&world, &brevo).await.tenants.is_empty());
}

#[tokio::test]
async fn pages_go_on_by_slug_and_show_deleted_tenants_and_senders_no_more() {
    let world = World::new().await;
    for slug in ["delta", "alpha", "charlie", "bravo"] {
        world.tenant(slug).await;
    }
    let gone = world.tenant("gone").await;
    let bravo = world.tenant("bravo-2").await;
    world.live_sender(bravo).await;
    let tx = world.store.tenant(bravo).await.unwrap();
    tx.senders().remove(&default_sender()).await.unwrap();
    tx.commit().await.unwrap();
    let system = world.store.system().await.unwrap();
    system.tenants().remove(gone).await.unwrap();
    system.commit().await.unwrap();

    let system = world.store.system().await.unwrap();
    let everyone = TenantFilter::default();
    let first = system.tenants().overview(&everyone, None, 3).await.unwrap();
    let second = system.tenants().overview(&everyone, first.next.as_ref(), 3).await.unwrap();

    assert_eq!(slugs(&first), ["alpha", "bravo", "bravo-2"]);
    assert!(first.tenants[2].senders.is_empty());
    assert_eq!(slugs(&second), ["charlie", "delta"]);
    assert_eq!(second.next, None);
}

#[tokio::test]
async fn a_line_shows_the_last_test_the_last_accepted_mail_and_what_waits_and_failed() {
    let world = World::new().await;
    let aurora = world.tenant("aurora").await;
    let live = world.live_sender(aurora).await;
    for _ in 0..3 {
        world.waiting_message(aurora, live).await;
    }
    world
        .database
        .sql(&format!(
            "UPDATE messages SET status = 'rejected', due_at = NULL
             WHERE id = (SELECT id FROM messages LIMIT 1);
             INSERT INTO test_runs (tenant_id, id, sender_id, mode, status, requested_by,
                 finished_at, advice)
             VALUES ('{aurora}', '{}', '{live}', 'connection', 'failed', 'test', letterhead_now(),
                 '{{\"code\": \"auth_bad_password\", \"title\": \"No.\"}}')",
            id::<uuid::Uuid>()
        ))
        .await;
    let tx = world.store.tenant(aurora).await.unwrap();
    tx.senders().record_accepted(live).await.unwrap();
    tx.commit().await.unwrap();

    let page = overview(&world, &TenantFilter::default()).await;

    let shown = sender(&page.tenants[0]);
    assert_eq!((shown.host.as_str(), shown.port), ("mail.example", 587));
    assert_eq!(shown.email.as_str(), "billing@aurora.example");
    assert_eq!((shown.waiting.to_string(), shown.failed.to_string()), ("2".into(), "1".into()));
    let test = shown.last_test.as_ref().unwrap();
    assert_eq!(test.advice_code.as_deref(), Some("auth_bad_password"));
    assert!(shown.last_accepted_at.is_some());
}

#[tokio::test]
async fn the_last_accepted_mail_is_noted_once_a_minute() {
    let world = World::new().await;
    let aurora = world.tenant("aurora").await;
    let live = world.live_sender(aurora).await;
    let accept = async || {
        let tx = world.store.tenant(aurora).await.unwrap();
        tx.senders().record_accepted(live).await.unwrap();
        tx.commit().await.unwrap();
        let page = overview(&world, &TenantFilter::default()).await;
        sender(&page.tenants[0]).last_accepted_at.unwrap()
    };

    let first = accept().await;
    world.database.advance(Duration::from_secs(50)).await;
    assert_eq!(accept().await, first);
    world.database.advance(Duration::from_secs(11)).await;
    assert!(accept().await > first);

    let tx = world.store.tenant(world.tenant("borealis").await).await.unwrap();
    tx.senders().record_accepted(live).await.unwrap();
}

#[tokio::test]
async fn of_many_senders_the_default_comes_first_and_the_rest_is_counted() {
    let world = World::new().await;
    let aurora = world.tenant("aurora").await;
    let tx = world.store.tenant(aurora).await.unwrap();
    for slug in (0..12).map(|n| format!("a{n:02}")).chain(["default".to_owned()]) {
        let reference = SenderRef::parse(&slug).unwrap();
        let draft = typed("mail.example", "x");
        save_in(&tx, &reference, draft, Expected::Any).await.unwrap();
    }
    tx.commit().await.unwrap();

    let page = overview(&world, &TenantFilter::default()).await;

    let line = &page.tenants[0];
    let shown: Vec<_> = line.senders.iter().map(|sender| sender.slug.as_str()).collect();
    assert_eq!((shown[0], shown[1], shown.len(), line.more_senders), ("default", "a00", 10, 3));
}
