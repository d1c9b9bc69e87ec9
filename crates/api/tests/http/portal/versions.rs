//! Versions: who changed what, and the way back.

use poem::http::StatusCode;
use serde_json::{Value, json};

use super::Visitor;
use crate::world::{Answer, World};

const VERSIONS: &str = "/portal/tenants/aurora/senders/default/versions";
const SENDER: &str = "/v1/tenants/aurora/senders/default";

/// Saves aurora's settings with `changes`.
async fn save(world: &World, changes: Value) {
    let mut settings = world.settings();
    for (name, value) in changes.as_object().expect("changes") {
        settings[name] = value.clone();
    }
    let saved = world.put(SENDER, &world.aurora, &settings).await;
    assert!(saved.status.is_success(), "{}", saved.text);
}

async fn test(world: &World) {
    let run = world.post(&format!("{SENDER}/test-runs"), &world.aurora, &json!({})).await;
    assert_eq!(run.json()["status"], "passed", "{}", run.text);
}

async fn restore(visitor: &Visitor<'_>, number: u32, based_on: u32) -> Answer {
    let based_on = based_on.to_string();
    visitor.post(&format!("{VERSIONS}/{number}/restore"), &[("based_on", &based_on)]).await
}

async fn live_version(world: &World) -> Value {
    world.get(SENDER, &world.aurora).await.json()["live_version"].clone()
}

#[tokio::test]
async fn each_version_tells_who_changed_what_and_never_the_password() {
    let world = World::new().await;
    save(&world, json!({})).await;
    test(&world).await;
    let changes = json!({
        "password": "another-password", "reply_to": "office@aurora.example",
        "sender_name": "<b>Books</b>",
    });
    save(&world, changes).await;
    let ann = world.sign_in("aurora", "admin").await;

    let page = ann.get(VERSIONS).await;

    assert_eq!(page.status, StatusCode::OK);
    page.assert_has(&[
        "Version 2",
        "Not proven yet",
        "your program (API key)",
        "<del>Aurora Books</del>",
        "<ins>&#60;b&#62;Books&#60;/b&#62;</ins>",
        "<ins>office@aurora.example</ins>",
        "<strong>Password</strong>: Changed",
        "Version 1",
        "Live",
        "The first settings.",
        "Proven by a test:",
    ]);
    page.assert_lacks(&["practice-password", "another-password", "<b>Books", "Discarded"]);
}

#[tokio::test]
async fn a_version_on_the_next_page_is_compared_with_the_one_behind_it() {
    let world = World::new().await;
    for number in 1..=26 {
        save(&world, json!({"sender_name": format!("Name {number}")})).await;
    }
    let ann = world.sign_in("aurora", "admin").await;

    let page = ann.get(VERSIONS).await;

    page.assert_has(&["<del>Name 1</del>", "<ins>Name 2</ins>", "Older"]);
    page.assert_lacks(&["The first settings."]);
}

#[tokio::test]
async fn a_proven_version_is_live_again_at_once() {
    let world = World::new().await;
    save(&world, json!({})).await;
    test(&world).await;
    save(&world, json!({"sender_email": "receipts@aurora.example"})).await;
    test(&world).await;
    assert_eq!(live_version(&world).await, json!(2));
    let ann = world.sign_in("aurora", "admin").await;
    ann.get(VERSIONS).await.assert_has(&["your mail leaves through it at once"]);

    let fields = [("based_on", "2")];
    let page = ann.post_and_follow(&format!("{VERSIONS}/1/restore"), &fields).await;

    page.assert_has(&["The version was restored, and is live now."]);
    assert_eq!(live_version(&world).await, json!(3));
    let settings = world.get(SENDER, &world.aurora).await.json();
    assert_eq!(settings["live_settings"]["sender_email"], "billing@aurora.example");
}

#[tokio::test]
async fn restoring_the_live_version_only_discards_the_candidate() {
    let world = World::new().await;
    save(&world, json!({})).await;
    test(&world).await;
    save(&world, json!({"sender_email": "receipts@aurora.example"})).await;
    let ann = world.sign_in("aurora", "admin").await;
    ann.get(VERSIONS).await.assert_has(&["only discards the newer one"]);

    assert_eq!(restore(&ann, 1, 2).await.status, StatusCode::SEE_OTHER);

    assert_eq!(live_version(&world).await, json!(1));
    ann.get(VERSIONS).await.assert_has(&["Discarded", "your mail goes on as now until a test"]);
}

#[tokio::test]
async fn an_unproven_version_comes_back_as_a_candidate() {
    let world = World::new().await;
    save(&world, json!({})).await;
    save(&world, json!({"sender_email": "receipts@aurora.example"})).await;
    let ann = world.sign_in("aurora", "admin").await;

    let page = ann.post_and_follow(&format!("{VERSIONS}/1/restore"), &[("based_on", "2")]).await;

    page.assert_has(&["The version was restored. Press “Test Configurations”"]);
    assert_eq!(live_version(&world).await, Value::Null);
}

#[tokio::test]
async fn an_old_page_restores_nothing_and_shows_what_is_there_now() {
    let world = World::new().await;
    save(&world, json!({})).await;
    save(&world, json!({"sender_email": "two@aurora.example"})).await;
    save(&world, json!({"sender_email": "three@aurora.example"})).await;
    let ann = world.sign_in("aurora", "admin").await;

    let page = restore(&ann, 1, 2).await;

    assert_eq!(page.status, StatusCode::CONFLICT);
    page.assert_has(&["Nothing was restored", "Version 3", "role=\"alert\""]);
    page.assert_lacks(&["Version 4"]);
}

#[tokio::test]
async fn a_version_without_its_password_cannot_be_restored_and_says_why() {
    let world = World::new().await;
    save(&world, json!({})).await;
    save(&world, json!({"password": "another-password"})).await;
    world.database.sql("UPDATE sender_versions SET sealed_password = NULL WHERE number = 1").await;
    let ann = world.sign_in("aurora", "admin").await;

    ann.get(VERSIONS).await.assert_has(&[
        "Password no longer stored",
        "This version cannot be restored: its password is no longer stored.",
    ]);
    let page = restore(&ann, 1, 2).await;

    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    page.assert_has(&["This version was not restored"]);
}

#[tokio::test]
async fn only_who_steers_the_sender_restores() {
    let world = World::new().await;
    save(&world, json!({})).await;
    save(&world, json!({"sender_email": "two@aurora.example"})).await;

    for role in ["viewer", "setup"] {
        let visitor = world.sign_in("aurora", role).await;
        visitor.get(VERSIONS).await.assert_lacks(&["/restore"]);
        assert_eq!(restore(&visitor, 1, 2).await.status, StatusCode::FORBIDDEN, "{role}");
    }
    let bob = world.sign_in("borealis", "admin").await;
    assert_eq!(restore(&bob, 1, 2).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn without_versions_the_page_says_what_to_do() {
    let world = World::new().await;
    let ann = world.sign_in("aurora", "admin").await;
    let viewer = world.sign_in("aurora", "viewer").await;

    ann.get(VERSIONS).await.assert_has(&["There are no versions yet", "Enter SMTP settings"]);
    viewer.get(VERSIONS).await.assert_lacks(&["Enter SMTP settings"]);
    let other = "/portal/tenants/aurora/senders/reminders/versions";
    assert_eq!(ann.get(other).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_test_history_tells_what_was_tried_and_where_it_failed() {
    let history = "/portal/tenants/aurora/senders/default/test-runs";
    let world = World::new().await;
    let ann = world.sign_in("aurora", "admin").await;
    ann.get(history).await.assert_has(&["Nothing has been tested yet", "Go to SMTP Settings"]);
    save(&world, json!({})).await;
    test(&world).await;
    save(&world, json!({"password": "wrong"})).await;
    let run = world.post(&format!("{SENDER}/test-runs"), &world.aurora, &json!({})).await.json();
    assert_eq!(run["status"], "failed");

    let page = ann.get(history).await;

    page.assert_has(&[
        run["id"].as_str().expect("an id"),
        run["advice"]["title"].as_str().expect("a title"),
        "your program (API key)",
        "chip good",
        "chip bad",
    ]);
    let viewer = world.sign_in("aurora", "viewer").await;
    assert_eq!(viewer.get(history).await.status, StatusCode::OK);
}
