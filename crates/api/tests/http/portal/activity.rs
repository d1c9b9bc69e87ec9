//! Activity: the audit in words.

use poem::http::StatusCode;
use serde_json::json;

use crate::world::World;

const ACTIVITY: &str = "/portal/tenants/aurora/activity";

/// Writes a line into aurora's audit, as another release might.
async fn note(world: &World, action: &str, actor: &str, detail: &str) {
    let (actor, detail) = (actor.replace('\'', "''"), detail.replace('\'', "''"));
    let sql = format!(
        "INSERT INTO audit_events (tenant_id, id, actor, action, target, detail)
         SELECT id, '019fffff-ffff-7fff-bfff-ffffffffffff', '{actor}', '{action}', 'x', '{detail}'
         FROM tenants WHERE slug = 'aurora'"
    );
    world.database.sql(&sql).await;
}

#[tokio::test]
async fn what_people_and_programs_did_is_told_in_words() {
    let world = World::new().await;
    world.save_default().await;
    let path = "/v1/tenants/aurora/senders/default";
    let run = world.post(&format!("{path}/test-runs"), &world.aurora, &json!({})).await;
    assert_eq!(run.json()["status"], "passed", "{}", run.text);
    world.post(&format!("{path}/pause"), &world.aurora, &json!({})).await;
    let ann = world.sign_in("aurora", "admin").await;

    let page = ann.get(ACTIVITY).await;

    page.assert_has(&[
        "The business was set up here",
        "An API key was made for your program",
        "SMTP settings were saved",
        "SMTP settings were tested",
        "passed",
        "Settings became live",
        "Sending was paused",
        "A link to these pages was made for somebody",
        "Signed in",
        "Administrator",
        "ann@aurora.example",
        "your program (API key)",
    ]);
    page.assert_lacks(&["sender.saved", "api-key:", "person:", "practice-password"]);
}

#[tokio::test]
async fn a_message_that_was_decided_about_is_one_click_away() {
    let world = World::new().await;
    world.save_default().await;
    let message = json!({
        "kind": "receipt", "to": [{"email": "ann@example.net"}], "subject": "Receipt", "text": "x",
    });
    let taken = world.post("/v1/tenants/aurora/messages", &world.aurora, &message).await.json();
    let id = taken["id"].as_str().expect("an id").to_owned();
    let ann = world.sign_in("aurora", "admin").await;
    ann.post(&format!("/portal/tenants/aurora/messages/{id}/cancel"), &[]).await;

    let page = ann.get(ACTIVITY).await;

    page.assert_has(&[
        "A message was cancelled",
        &format!("href=\"/portal/tenants/aurora/messages/{id}\""),
    ]);
}

#[tokio::test]
async fn what_this_release_has_no_words_for_is_shown_as_it_is() {
    let world = World::new().await;
    note(&world, "sender.painted", "robot:<i>7</i>", r#"{"colour": "<script>x</script>"}"#).await;
    let ann = world.sign_in("aurora", "admin").await;

    let page = ann.get(ACTIVITY).await;

    page.assert_has(&[
        "Something that this page has no words for: sender.painted",
        "robot:&#60;i&#62;7&#60;/i&#62;",
        "colour:",
        "&#60;script&#62;x&#60;/script&#62;",
    ]);
    page.assert_lacks(&["<script>x", "<i>7"]);
}

#[tokio::test]
async fn a_viewer_and_the_operator_see_it_and_nobody_else() {
    let world = World::new().await;
    let viewer = world.sign_in("aurora", "viewer").await;
    let setup = world.sign_in("aurora", "setup").await;
    let bob = world.sign_in("borealis", "admin").await;
    let jo = world.sign_in("", "operator").await;

    assert_eq!(viewer.get(ACTIVITY).await.status, StatusCode::OK);
    assert_eq!(jo.get(ACTIVITY).await.status, StatusCode::OK);
    assert_eq!(setup.get(ACTIVITY).await.status, StatusCode::FORBIDDEN);
    assert_eq!(bob.get(ACTIVITY).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_long_audit_comes_in_pages() {
    let world = World::new().await;
    for _key in 0..26 {
        world.key("aurora", &["audit:read"]).await;
    }
    let ann = world.sign_in("aurora", "admin").await;
    let first = ann.get(ACTIVITY).await;
    first.assert_lacks(&["The business was set up here"]);
    let (_, rest) = first.text.split_once("/activity?cursor=").expect("a link");
    let cursor = rest.split('"').next().expect("a cursor");

    let second = ann.get(&format!("{ACTIVITY}?cursor={cursor}")).await;

    second.assert_has(&["The business was set up here", "Newest"]);
}
