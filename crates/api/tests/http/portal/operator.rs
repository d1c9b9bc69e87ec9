//! The operator's pages: all tenants, links, suspending, its own sessions.

use letterhead_api::worker::{Worker, WorkerConfig};
use poem::http::StatusCode;
use serde_json::json;

use super::bulk_runs::begin;
use crate::world::{Answer, World};

const TENANTS: &str = "/portal/operator/tenants";
const RUNS: &str = "/portal/operator/bulk-runs";

/// What stands between two tags, with the tags between taken out.
pub(super) fn words(page: &Answer) -> String {
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
