//! What was sent, saved and when: messages, versions, times.

use letterhead_tests::portal::Portal;
use serde_json::json;
use thirtyfour::Key;

const TENANT: &str = "/portal/tenants/aurora";
const SENDER: &str = "/v1/tenants/self/senders/default";

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_message_is_found_explained_and_tried_again() {
    let portal = Portal::start().await;
    let Some(browser) = portal.browser().await else { return };
    let aurora = portal.live_tenant("aurora").await;
    let accepted = aurora.send("bob@example.net").await;
    let refused = aurora.send("reject@example.net").await;
    aurora.wait_for_message(&accepted, &["accepted"]).await;
    aurora.wait_for_message(&refused, &["rejected"]).await;
    browser.sign_in(&portal, "aurora", "admin").await;

    browser.press("Messages").await;
    assert_eq!(browser.count("tbody tr").await, 2);
    browser.fill("Search", "reject@example.net").await;
    browser.key(Key::Enter).await;
    browser
        .wait_until("one is found", "return document.querySelectorAll('tbody tr').length === 1")
        .await;
    browser.press("Your receipt").await;

    browser.wait_for_text("550 5.1.1").await;
    assert!(!browser.text().await.to_lowercase().contains("delivered"));
    browser.press("Try again").await;
    assert_eq!(browser.banner().await.0, "status");
    let attempts =
        |message: &serde_json::Value| message["attempts"].as_array().map(Vec::len) == Some(2);
    aurora.wait_for(&format!("/v1/tenants/self/messages/{refused}"), attempts).await;
    browser.open(&format!("{TENANT}/messages/{accepted}")).await;
    assert!(!browser.has("button", "Try again").await);
    browser.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_earlier_version_is_restored() {
    let portal = Portal::start().await;
    let Some(browser) = portal.browser().await else { return };
    let aurora = portal.live_tenant("aurora").await;
    let mut renamed = portal.world.settings();
    renamed["sender_name"] = json!("A name nobody liked");
    aurora.put(SENDER, renamed).await;
    browser.sign_in(&portal, "aurora", "admin").await;

    browser.press("Versions").await;
    browser.wait_for_text("A name nobody liked").await;
    browser.press("Restore").await;

    assert_eq!(browser.banner().await.0, "status");
    let sender = aurora.get(SENDER).await.body;
    assert_eq!(sender["settings"]["sender_name"], "Aurora Books", "{sender}");
    assert_eq!(sender["state"], "live", "{sender}");
    browser.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn times_are_those_of_the_readers_zone_and_exact_when_pointed_at() {
    let portal = Portal::start().await;
    let Some(browser) = portal.browser().await else { return };
    portal.live_tenant("aurora").await;
    browser.time_zone("Asia/Manila").await;
    browser.sign_in(&portal, "aurora", "admin").await;

    browser.press("Activity").await;

    let script = "
        const time = document.querySelector('main time');
        const format = new Intl.DateTimeFormat('en', {
          dateStyle: 'medium', timeStyle: 'short', timeZone: 'Asia/Manila' });
        return [time.textContent, format.format(new Date(time.dateTime)), time.title];";
    let [shown, expected, exact]: [String; 3] = browser.script(script).await;
    assert_eq!(shown, expected);
    assert!(exact.contains("GMT+8") || exact.contains("Philippine"), "{exact}");
    browser.finish().await;
}
