//! Tests of many tenants, from the button to the results by cause.

use std::time::Duration;

use letterhead_api::app::bulk_runs::runner::BulkRunner;
use poem::http::{Method, StatusCode};
use serde_json::{Value, json};

use super::{Visitor, operator::words};
use crate::world::World;

const RUNS: &str = "/portal/operator/bulk-runs";

impl World {
    /// A tenant whose sender `default` has `settings`, if there are any.
    async fn tenant_with(&self, slug: &str, settings: Option<Value>) {
        let tenant = json!({"slug": slug, "name": format!("{slug} Trading")});
        let created = self.post("/v1/tenants", &self.operator, &tenant).await;
        assert_eq!(created.status, StatusCode::CREATED, "{}", created.text);
        if let Some(settings) = settings {
            self.settings_of(slug, &settings).await;
        }
    }

    async fn settings_of(&self, slug: &str, settings: &Value) {
        let path = format!("/v1/tenants/{slug}/senders/default");
        let saved = self.put(&path, &self.operator, settings).await;
        assert_eq!(saved.status, StatusCode::CREATED, "{}", saved.text);
    }

    /// What the sender `default` of a tenant is doing.
    pub(super) async fn status_of(&self, slug: &str) -> String {
        let path = format!("/v1/tenants/{slug}/senders/default");
        let sender = self.get(&path, &self.operator).await.json();
        sender["state"].as_str().expect("a state").to_owned()
    }

    /// Works on the bulk runs that were begun until nothing can be claimed.
    pub(super) async fn test_all(&self) {
        BulkRunner::new(self.app.clone()).run_once().await.expect("a database");
    }
}

/// Begins a bulk run with these fields; the path of its page.
pub(super) async fn begin(jo: &Visitor<'_>, fields: &[(&str, &str)]) -> String {
    let begun = jo.post(RUNS, fields).await;
    assert_eq!(begun.status, StatusCode::SEE_OTHER, "{}", begun.text);
    assert!(begun.location().starts_with(RUNS), "{}", begun.location());
    begun.location().to_owned()
}

#[tokio::test]
async fn a_bulk_run_tests_every_tenant_and_groups_what_failed_by_cause() {
    let world = World::new().await;
    world.settings_of("aurora", &world.settings()).await;
    for slug in ["wrong-1", "wrong-2"] {
        let mut settings = world.settings();
        settings["password"] = json!("not the password");
        world.tenant_with(slug, Some(settings)).await;
    }
    world
        .tenant_with("refused", {
            let mut settings = world.settings();
            settings["sender_email"] = json!("refused-sender@aurora.example");
            Some(settings)
        })
        .await;
    world.tenant_with("working", Some(world.settings())).await;
    world.tenant_with("not-paid", Some(world.settings())).await;
    let suspended = json!({"status": "suspended"});
    let key = format!("Bearer {}", world.operator);
    let headers = [("authorization", key.as_str())];
    world.call(Method::PATCH, "/v1/tenants/not-paid", &headers, Some(&suspended)).await;
    let jo = world.sign_in("", "operator").await;

    let run = begin(&jo, &[("scope", "matching")]).await;
    let before = words(&jo.get(&run).await);
    assert!(before.contains("0 of 7 done"), "{before}");
    world.test_all().await;
    let page = jo.get(&run).await;

    let after = words(&page);
    for expected in [
        "7 of 7 done",
        "Finished",
        "All tenants",
        "2 tenants : The mail server refused the user name or password",
        "1 tenant : The mail server refused the sender address",
        "1 tenant : no settings yet",
        "1 tenant : suspended",
    ] {
        assert!(after.contains(expected), "no {expected:?} in {after}");
    }
    page.assert_has(&[
        "href=\"/portal/tenants/wrong-1/senders/default\"",
        "href=\"/portal/tenants/wrong-2/senders/default\"",
    ]);
    assert_eq!(world.status_of("aurora").await, "live", "a candidate that passed is live");
    let audit = world.get("/v1/tenants/wrong-1/audit-events", &world.operator).await;
    audit.assert_has(&["test_run.finished", "operator:jo@operator.example"]);
    let runs = words(&jo.get(RUNS).await);
    assert!(runs.contains("jo@operator.example"), "{runs}");

    let events = jo.get(&format!("{run}/events")).await;
    events.assert_has(&["event: progress", "7 of 7 done", "event: end"]);
}

#[tokio::test]
async fn a_selection_is_tested_alone_and_a_tenant_beyond_its_limit_is_skipped() {
    let world = World::with_rules(|rules| rules.test_runs.per_minute = 1).await;
    world.save_default().await;
    world.settings_of("borealis", &world.settings()).await;
    let id = world.get("/v1/tenants/aurora", &world.operator).await.json();
    let id = id["id"].as_str().expect("an id").to_owned();
    let jo = world.sign_in("", "operator").await;

    let first = begin(&jo, &[("scope", "selection"), ("tenant", &id)]).await;
    world.test_all().await;
    let second = begin(&jo, &[("scope", "selection"), ("tenant", &id), ("tenant", "x")]).await;
    world.test_all().await;

    let (first, second) = (words(&jo.get(&first).await), words(&jo.get(&second).await));
    assert!(first.contains("1 of 1 done") && first.contains("Nothing failed"), "{first}");
    assert!(second.contains("1 tenant : too many tests in a short time"), "{second}");
    assert_eq!(world.status_of("borealis").await, "untested");
}

#[tokio::test]
async fn nobody_marked_begins_nothing_and_says_so() {
    let world = World::new().await;
    let jo = world.sign_in("", "operator").await;

    let page = jo.post(RUNS, &[("scope", "selection"), ("text", "bor")]).await;

    assert_eq!(page.status, StatusCode::CONFLICT);
    page.assert_has(&[
        "Nothing was tested: mark at least one tenant",
        "role=\"alert\"",
        "value=\"bor\"",
        "href=\"/portal/operator/tenants/borealis\"",
    ]);
    page.assert_lacks(&["href=\"/portal/operator/tenants/aurora\""]);
    assert_eq!(world.database.number("SELECT count(*) FROM bulk_runs").await, 0);
}

#[tokio::test]
async fn a_cancelled_bulk_run_tests_nobody_more() {
    let world = World::new().await;
    world.save_default().await;
    let jo = world.sign_in("", "operator").await;
    let run = begin(&jo, &[("scope", "matching")]).await;

    let page = jo.post_and_follow(&format!("{run}/cancel"), &[]).await;
    world.test_all().await;

    page.assert_has(&["Cancelled. Tests that had begun end by themselves"]);
    let after = words(&jo.get(&run).await);
    assert!(after.contains("2 of 2 done") && after.contains("Cancelled 2"), "{after}");
    assert_eq!(world.status_of("aurora").await, "untested");
}

#[tokio::test]
async fn what_a_process_that_died_had_begun_goes_on_once_its_lease_is_over() {
    let world = World::new().await;
    world.save_default().await;
    let jo = world.sign_in("", "operator").await;
    let run = begin(&jo, &[("scope", "matching")]).await;
    // Claimed by a process that never comes back.
    let system = world.app.store.system().await.expect("a database");
    let lease = Duration::from_secs(60);
    let token = uuid::Uuid::new_v4().into();
    let claimed = system.bulk_runs().claim(token, lease, 10).await.expect("items");
    system.commit().await.expect("a commit");
    assert_eq!(claimed.len(), 2);

    world.test_all().await;
    let held = words(&jo.get(&run).await);
    assert!(held.contains("0 of 2 done"), "{held}");
    world.database.advance(lease + Duration::from_secs(1)).await;
    world.test_all().await;

    let after = words(&jo.get(&run).await);
    assert!(after.contains("2 of 2 done"), "{after}");
    assert_eq!(world.status_of("aurora").await, "live");
}

#[tokio::test]
async fn a_long_bulk_run_goes_on_as_fast_as_hands_are_free() {
    let world = World::new().await;
    let tenants = "INSERT INTO tenants (id, slug, name)
                   SELECT gen_random_uuid(), 'tenant-' || n, 'Tenant ' || n
                   FROM generate_series(1, 200) n";
    world.database.sql(tenants).await;
    let jo = world.sign_in("", "operator").await;
    let stop = tokio_util::sync::CancellationToken::new();
    let runner = tokio::spawn(BulkRunner::new(world.app.clone()).run(stop.clone()));

    let run = begin(&jo, &[("scope", "matching")]).await;
    // The stream ends by itself after half a minute; the next look for work is seconds away.
    let events = jo.get(&format!("{run}/events")).await;

    events.assert_has(&["202 of 202 done", "event: end"]);
    stop.cancel();
    runner.await.expect("a runner");
}

#[tokio::test]
async fn a_test_that_was_interrupted_is_begun_again_by_the_next_holder() {
    let world = World::new().await;
    world.save_default().await;
    let jo = world.sign_in("", "operator").await;
    begin(&jo, &[("scope", "matching")]).await;
    let begun = "/v1/tenants/aurora/senders/default/test-runs";
    let begun = world.post(begun, &world.aurora, &json!({})).await.json();
    let begun = begun["id"].as_str().expect("an id");
    world
        .database
        .sql(&format!(
            "UPDATE bulk_run_items SET status = 'running', attempts = 1, test_run_id = '{begun}',
                 lease_token = gen_random_uuid(), lease_until = letterhead_now()
             WHERE sender_id IS NOT NULL;
             UPDATE test_runs SET status = 'failed',
                 advice = '{{\"code\": \"interrupted\", \"side\": \"ours\", \"title\": \"?\",
                     \"steps\": [], \"guide\": null}}'"
        ))
        .await;

    world.test_all().await;

    let other = format!(
        "SELECT count(*) FROM bulk_run_items
         WHERE status = 'passed' AND attempts = 2 AND test_run_id <> '{begun}'"
    );
    assert_eq!(world.database.number(&other).await, 1);
}
