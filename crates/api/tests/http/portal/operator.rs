//! The operator's pages: all tenants, links, suspending, tests of many.

use std::time::Duration;

use letterhead_api::{
    app::bulk_runs::runner::BulkRunner,
    worker::{Worker, WorkerConfig},
};
use poem::http::StatusCode;
use serde_json::{Value, json};

use super::Visitor;
use crate::world::{Answer, World};

const TENANTS: &str = "/portal/operator/tenants";
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

    /// Settings that the practice server takes, signed in as `username`.
    fn settings_as(&self, username: &str) -> Value {
        let mut settings = self.settings();
        settings["username"] = json!(username);
        settings
    }

    async fn status_of(&self, slug: &str) -> String {
        let path = format!("/v1/tenants/{slug}/senders/default");
        let sender = self.get(&path, &self.operator).await.json();
        sender["state"].as_str().expect("a state").to_owned()
    }

    /// Works on the bulk runs that were begun until nothing can be claimed.
    async fn test_all(&self) {
        BulkRunner::new(self.app.clone()).run_once().await.expect("a database");
    }
}

/// Begins a bulk run with these fields; the path of its page.
async fn begin(jo: &Visitor<'_>, fields: &[(&str, &str)]) -> String {
    let begun = jo.post(RUNS, fields).await;
    assert_eq!(begun.status, StatusCode::SEE_OTHER, "{}", begun.text);
    assert!(begun.location().starts_with(RUNS), "{}", begun.location());
    begun.location().to_owned()
}

/// What stands between two tags, with the tags between taken out.
fn words(page: &Answer) -> String {
    let mut text = String::new();
    let mut in_tag = false;
    for c in page.text.chars() {
        match c {
            '<' => in_tag = true,
            '>' => {
                in_tag = false;
                text.push(' ');
            }
            c if !in_tag => text.push(c),
            _ => {}
        }
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn for_everybody_but_the_operator_its_pages_are_not_there() {
    let world = World::new().await;

    for role in ["admin", "viewer", "setup"] {
        let ann = world.sign_in("aurora", role).await;
        for path in [
            TENANTS.to_owned(),
            RUNS.to_owned(),
            "/portal/operator/sessions".to_owned(),
            format!("{TENANTS}/aurora"),
            format!("{TENANTS}/aurora/suspend"),
            format!("{RUNS}/0190b5a0-0000-7000-8000-000000000000"),
        ] {
            let page = ann.get(&path).await;
            assert_eq!(page.status, StatusCode::NOT_FOUND, "{role} {path}");
            page.assert_has(&["There is no such page"]);
        }
        for path in [
            RUNS.to_owned(),
            format!("{TENANTS}/aurora/suspend"),
            format!("{TENANTS}/aurora/portal-links"),
        ] {
            let answer = ann.post(&path, &[("scope", "matching")]).await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{role} {path}");
        }
    }
    assert_eq!(world.database.number("SELECT count(*) FROM bulk_runs").await, 0);
}

#[tokio::test]
async fn the_table_shows_each_tenant_and_what_its_mail_is_doing() {
    let world = World::new().await;
    world.save_default().await;
    let run = "/v1/tenants/aurora/senders/default/test-runs";
    world.post(run, &world.aurora, &json!({})).await;
    let jo = world.sign_in("", "operator").await;

    let page = jo.get(TENANTS).await;

    assert_eq!(page.status, StatusCode::OK);
    page.assert_has(&[
        "aurora &#38; Sons",
        "href=\"/portal/tenants/aurora/senders/default\"",
        "No settings yet",
        &format!("localhost:{}", world.practice.starttls_port()),
    ]);
    let words = words(&page);
    assert!(words.contains("Live 1"), "{words}");
    assert!(words.contains("Passed"), "{words}");
}

#[tokio::test]
async fn what_was_accepted_waits_or_failed_stands_beside_its_tenant() {
    let world = World::new().await;
    world.save_default().await;
    world.post("/v1/tenants/aurora/senders/default/test-runs", &world.aurora, &json!({})).await;
    for recipient in ["ann@example.net", "reject@example.net"] {
        let receipt = json!({
            "kind": "receipt", "to": [{"email": recipient}], "subject": "Receipt", "text": "Thanks",
        });
        let taken = world.post("/v1/tenants/aurora/messages", &world.aurora, &receipt).await;
        assert_eq!(taken.status, StatusCode::ACCEPTED, "{}", taken.text);
    }
    let jo = world.sign_in("", "operator").await;

    let before = words(&jo.get(&format!("{TENANTS}?text=aurora")).await);
    assert!(before.contains("Never 2 0"), "{before}");
    let worker = Worker::new(world.app.clone(), WorkerConfig::default());
    worker.run_once().await.expect("a database");
    let after = words(&jo.get(&format!("{TENANTS}?text=aurora")).await);

    assert!(!after.contains("Never"), "{after}");
    assert!(after.contains("UTC 0 1"), "{after}");
}

#[tokio::test]
async fn tenants_are_searched_and_filtered_by_what_is_in_the_address() {
    let world = World::new().await;
    world.save_default().await;
    let jo = world.sign_in("", "operator").await;

    let found = jo.get(&format!("{TENANTS}?text=AURO&state=&provider=")).await;
    found.assert_has(&["aurora &#38; Sons", "value=\"AURO\""]);
    found.assert_lacks(&["borealis &#38; Sons"]);

    let found = jo.get(&format!("{TENANTS}?state=no_settings")).await;
    found.assert_has(&["borealis &#38; Sons"]);
    found.assert_lacks(&["aurora &#38; Sons"]);

    let none = jo.get(&format!("{TENANTS}?text=%3Cscript%3E&provider=gmail")).await;
    none.assert_has(&["No tenant matches", "value=\"&#60;script&#62;\""]);
}

#[tokio::test]
async fn a_link_for_a_tenants_person_is_shown_once_and_works() {
    let world = World::new().await;
    let jo = world.sign_in("", "operator").await;
    let path = format!("{TENANTS}/aurora/portal-links");

    let fields = [("email", "it@aurora.example"), ("name", "Ivy"), ("role", "setup")];
    let made = jo.post(&path, &fields).await;

    assert_eq!(made.status, StatusCode::OK);
    made.assert_has(&["Send this link to it@aurora.example", "data-copy=\"link-url\""]);
    let (_, rest) = made.text.split_once("/portal/links/").expect("a link");
    let token = rest.split('"').next().expect("a token");
    let opened = world.form(&format!("/portal/links/{token}"), &[], &[]).await;
    assert!(opened.cookie("__Host-letterhead").is_some());
    jo.get(&format!("{TENANTS}/aurora")).await.assert_lacks(&["/portal/links/"]);
    let audit = world.get("/v1/tenants/aurora/audit-events", &world.aurora).await;
    audit.assert_has(&["portal_link.created", "operator:jo@operator.example"]);
}

#[tokio::test]
async fn a_link_for_nobody_is_refused_next_to_its_fields_and_what_was_typed_stays() {
    let world = World::new().await;
    let jo = world.sign_in("", "operator").await;
    let path = format!("{TENANTS}/aurora/portal-links");

    let fields = [("email", "\"><b>nobody"), ("name", ""), ("role", "viewer")];
    let refused = jo.post(&path, &fields).await;

    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    refused.assert_has(&[
        "Enter a full e-mail address",
        "Enter a name of at most",
        "value=\"&#34;&#62;&#60;b&#62;nobody\"",
        "<option value=\"viewer\" selected>",
    ]);
}

#[tokio::test]
async fn suspending_asks_first_and_resuming_undoes_it() {
    let world = World::new().await;
    world.save_default().await;
    let jo = world.sign_in("", "operator").await;

    let asked = jo.get(&format!("{TENANTS}/aurora/suspend")).await;
    asked.assert_has(&["Suspend aurora &#38; Sons?"]);
    assert_eq!(world.status_of("aurora").await, "untested");

    let done = jo.post_and_follow(&format!("{TENANTS}/aurora/suspend"), &[]).await;
    done.assert_has(&["The tenant is suspended", "Resume this tenant"]);
    assert_eq!(world.status_of("aurora").await, "suspended");

    let done = jo.post_and_follow(&format!("{TENANTS}/aurora/resume"), &[]).await;
    done.assert_has(&["The tenant works again"]);
    assert_eq!(world.status_of("aurora").await, "untested");
    let audit = world.get("/v1/tenants/aurora/audit-events", &world.aurora).await;
    audit.assert_has(&["tenant.updated", "operator:jo@operator.example"]);
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
    world.tenant_with("paid-up", Some(world.settings_as("practice"))).await;
    world.tenant_with("not-paid", Some(world.settings())).await;
    let suspended = json!({"status": "suspended"});
    let patched = poem::http::Method::PATCH;
    let key = format!("Bearer {}", world.operator);
    let headers = [("authorization", key.as_str())];
    world.call(patched, "/v1/tenants/not-paid", &headers, Some(&suspended)).await;
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

    let page = jo.post_and_follow(RUNS, &[("scope", "selection")]).await;

    page.assert_has(&["Nothing was tested: mark at least one tenant"]);
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

#[tokio::test]
async fn names_of_tenants_are_text_and_nothing_else() {
    let world = World::new().await;
    let tenant = json!({"slug": "mallory", "name": "<img src=x onerror=alert(1)>"});
    world.post("/v1/tenants", &world.operator, &tenant).await;
    let jo = world.sign_in("", "operator").await;
    let run = begin(&jo, &[("scope", "matching"), ("text", "mallory")]).await;
    world.test_all().await;

    for path in [TENANTS.to_owned(), format!("{TENANTS}/mallory"), run] {
        let page = jo.get(&path).await;
        page.assert_has(&["&#60;img src=x onerror=alert(1)&#62;"]);
        page.assert_lacks(&["<img src=x"]);
    }
}

#[tokio::test]
async fn the_operators_sessions_are_listed_and_another_can_be_ended() {
    let world = World::new().await;
    let other = world.sign_in("", "operator").await;
    let ids = world.database.rows("SELECT id FROM operator_sessions").await;
    let id = ids[0]["id"].as_str().expect("an id").to_owned();
    let jo = world.sign_in("", "operator").await;
    jo.get("/portal/operator/sessions").await.assert_has(&[&id, "jo@operator.example"]);

    let page = jo.post_and_follow(&format!("/portal/operator/sessions/{id}/end"), &[]).await;

    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    assert_eq!(other.get(TENANTS).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(jo.get(TENANTS).await.status, StatusCode::OK);
}

#[tokio::test]
async fn the_pages_speak_filipino_too() {
    let world = World::new().await;
    let jo = world.sign_in("", "operator").await;

    let page = jo.get_with(TENANTS, &[("accept-language", "fil")]).await;

    page.assert_has(&["Mga tenant", "I-test ang mga minarkahan"]);
}
