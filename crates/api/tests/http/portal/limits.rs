//! Limits: the card on the settings page, and the form.

use poem::http::StatusCode;
use serde_json::json;

use crate::world::World;

const SETTINGS: &str = "/portal/tenants/aurora/senders/default";
const LIMITS: &str = "/portal/tenants/aurora/senders/default/limits";

#[tokio::test]
async fn an_admin_sets_limits_that_the_settings_page_then_shows() {
    let world = World::new().await;
    world.save_default().await;
    let ann = world.sign_in("aurora", "admin").await;
    let nothing = "No limits are known for this account.";
    ann.get(SETTINGS).await.assert_has(&[nothing, "Edit limits"]);
    ann.get(LIMITS).await.assert_has(&["Leave this empty for no limit.", "Save limits"]);

    let saved =
        ann.post_and_follow(LIMITS, &[("messages_per_day", " 2,000 "), ("connections", "")]).await;

    saved.assert_has(&["The limits are saved.", "Messages in 24 hours", "<dd>2,000</dd>"]);
    saved.assert_lacks(&[nothing, "Connections at once"]);
    ann.get(LIMITS).await.assert_has(&["value=\"2000\""]);
    let activity = ann.get("/portal/tenants/aurora/activity").await;
    activity.assert_has(&["The limits for sending were changed", "Messages in 24 hours"]);
}

#[tokio::test]
async fn what_is_no_limit_is_refused_and_stays_in_the_form() {
    let world = World::new().await;
    world.save_default().await;
    let ann = world.sign_in("aurora", "admin").await;

    let refused = ann.post(LIMITS, &[("messages_per_minute", "<b>many</b>")]).await;

    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    refused.assert_has(&[
        "Not saved yet",
        "value=\"&#60;b&#62;many&#60;/b&#62;\"",
        "Enter a whole number from 1 to 100,000, or nothing.",
    ]);
}

#[tokio::test]
async fn only_those_who_steer_the_sender_may_change_its_limits() {
    let world = World::new().await;
    world.save_default().await;
    for role in ["viewer", "setup"] {
        let reader = world.sign_in("aurora", role).await;

        let page = reader.get(SETTINGS).await;
        let form = reader.get(LIMITS).await;
        let posted = reader.post(LIMITS, &[("connections", "1")]).await;

        page.assert_has(&["No limits are known for this account."]);
        page.assert_lacks(&["Edit limits"]);
        assert_eq!((form.status, posted.status), (StatusCode::FORBIDDEN, StatusCode::FORBIDDEN));
    }
    let stranger = world.sign_in("borealis", "admin").await;
    assert_eq!(stranger.get(LIMITS).await.status, StatusCode::NOT_FOUND);
    let limits = world.get("/v1/tenants/aurora/senders/default", &world.aurora).await;
    assert_eq!(limits.json()["limits"]["set"]["connections"], json!(null));
}

#[tokio::test]
async fn what_waits_is_foretold_where_mail_is_looked_at() {
    let world = World::new().await;
    world.save_default().await;
    let ann = world.sign_in("aurora", "admin").await;
    ann.post(LIMITS, &[("messages_per_day", "2")]).await;
    for _ in 0..3 {
        let receipt = json!({
            "kind": "receipt", "to": [{"email": "ann@example.net"}], "subject": "s", "text": "t",
        });
        world.post("/v1/tenants/aurora/messages", &world.aurora, &receipt).await;
    }

    let foretold = "Messages waiting: 3. At this account’s limits that takes about 24 hours.";

    ann.get(SETTINGS).await.assert_has(&[foretold]);
    ann.get("/portal/tenants/aurora/messages").await.assert_has(&[foretold]);
    let setup = world.sign_in("aurora", "setup").await;
    setup.get(SETTINGS).await.assert_lacks(&["Messages waiting"]);
}
