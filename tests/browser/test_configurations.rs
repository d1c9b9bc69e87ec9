//! The purple button, and what it answers.

use std::sync::Arc;

use letterhead_mailer::practice_server::{gate::Point, inbox::CaughtMail};
use letterhead_tests::{browser::Browser, portal::Portal};
use serde_json::json;

const SENDER: &str = "/v1/tenants/self/senders/default";
const BANNER: &str = "#banner [role]";

/// The colour that a person would call this background by.
async fn hue(browser: &Browser, selector: &'static str) -> &'static str {
    let element = browser.driver.find(thirtyfour::By::Css(selector)).await.expect(selector);
    let [red, green, blue] = browser.background(&element).await;
    match () {
        () if green > red && green > blue => "green",
        () if red > green && red > blue => "red",
        () if blue > green && red > green => "purple",
        () => "another",
    }
}

/// The seed's second list, step by step.
#[tokio::test(flavor = "multi_thread")]
async fn the_saved_settings_are_tested_step_by_step_with_a_green_and_a_red_banner() {
    let portal = Portal::start().await;
    let Some(browser) = portal.browser().await else { return };
    let aurora = portal.tenant("aurora").await;
    aurora.put(SENDER, portal.world.settings()).await;
    browser.sign_in(&portal, "aurora", "admin").await;

    // The purple Test Configurations button at the foot of the page.
    let button = browser.find("button", "Test Configurations").await;
    let [red, green, blue] = browser.background(&button).await;
    assert!(blue > red && red > green, "purple: {red} {green} {blue}");
    browser.press("Test Configurations").await;

    // Green for success, and these settings are live.
    browser
        .wait_until("the test has ended", "return document.querySelector('#banner .success')")
        .await;
    let (role, words) = browser.banner().await;
    assert_eq!(role, "status");
    assert!(words.contains("live"), "{words}");
    assert_eq!(hue(&browser, BANNER).await, "green");
    assert_eq!(aurora.get(SENDER).await.body["state"], "live");
    assert!(!browser.text().await.to_lowercase().contains("delivered"));
    assert_eq!(browser.violations().await, []);

    // Red for failure, with what to check.
    browser.press("Edit").await;
    browser.fill("Password", "an old password").await;
    browser.press("Update").await;
    browser.banner().await;
    browser.press("Test Configurations").await;
    browser
        .wait_until("the test has ended", "return document.querySelector('#banner .failure')")
        .await;
    let (role, words) = browser.banner().await;
    assert_eq!(role, "alert");
    assert!(words.to_lowercase().contains("password"), "{words}");
    assert_eq!(hue(&browser, BANNER).await, "red");
    assert_eq!(browser.focus().await.role, "alert");
    assert!(browser.count("main ol.steps > li").await > 0, "numbered steps");
    assert_eq!(browser.violations().await, []);
    // What is live goes on.
    assert_eq!(aurora.get(SENDER).await.body["live_version"], 1);

    // What the server said is behind "Show details", without the secret.
    browser.press("Show details").await;
    browser.wait_for_text("535").await;
    browser.press("Copy for support").await;
    browser.wait_for_text("Copied").await;
    let source = browser.driver.source().await.expect("the page's source");
    assert!(!source.contains("an old password"));
    browser.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_that_work_are_found_and_applied_with_one_press() {
    let portal = Portal::start().await;
    let Some(browser) = portal.browser().await else { return };
    let aurora = portal.tenant("aurora").await;
    let mut wrong = portal.world.settings();
    wrong["encryption"] = json!("implicit_tls");
    aurora.put(SENDER, wrong).await;
    browser.sign_in(&portal, "aurora", "admin").await;
    let gate = portal.world.practice.gate(Point::Mail);
    browser.press("Test Configurations").await;

    // It has failed, and says so while it looks further.
    gate.reached().await;
    let is_looking = "return document.querySelector('#run-looking:not([hidden])') !== null";
    browser.wait_until("it looks for settings that work", is_looking).await;
    assert_eq!(browser.violations().await, []);
    gate.release();
    browser.wait_for_text("We found settings that work").await;
    assert_eq!(browser.violations().await, []);
    browser.width(320).await;
    assert_eq!(browser.overflow().await, 0);

    browser.press("Apply and test again").await;

    browser
        .wait_until("the test has ended", "return document.querySelector('#banner .success')")
        .await;
    let sender = aurora.get(SENDER).await.body;
    assert_eq!((&sender["state"], &sender["live_version"]), (&json!("live"), &json!(2)));
    browser.finish().await;
}

/// The seed's list goes on: Download PDF.
#[tokio::test(flavor = "multi_thread")]
async fn the_guide_is_downloaded_and_its_text_can_be_read() {
    let portal = Portal::start().await;
    let Some(browser) = portal.browser().await else { return };
    portal.tenant("aurora").await;
    browser.sign_in(&portal, "aurora", "admin").await;

    browser.press("Download PDF").await;

    let text = browser.downloaded_pdf().await;
    assert!(text.contains("App Password"), "{text}");
    assert!(text.contains("2-Step Verification"), "{text}");
    browser.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stages_appear_one_by_one_while_the_test_runs() {
    let portal = Portal::start().await;
    let Some(browser) = portal.browser().await else { return };
    let aurora = portal.tenant("aurora").await;
    aurora.put(SENDER, portal.world.settings()).await;
    browser.sign_in(&portal, "aurora", "admin").await;
    let gate = portal.world.practice.gate(Point::Mail);

    browser.press("Test Configurations").await;
    gate.reached().await;

    let passed = "return document.querySelectorAll('.stages [data-status=passed]').length";
    browser.wait_until("six stages have passed", &format!("{passed} === 6")).await;
    assert_eq!(browser.count(".stages [data-status=waiting]").await, 3);
    let (role, words) = browser.banner().await;
    assert!(role == "status" && words.contains("is running"), "{role}: {words}");
    assert_eq!(browser.violations().await, []);
    gate.release();
    browser
        .wait_until("the test has ended", "return document.querySelector('#banner .success')")
        .await;
    assert!(browser.script::<u32>(passed).await >= 8);
    browser.finish().await;
}

/// Passes a test as somebody of a live tenant, sends the test mail, and gives what was caught.
async fn send_test_mail(portal: &Portal, browser: &Browser) -> Arc<CaughtMail> {
    portal.live_tenant("aurora").await;
    browser.sign_in(portal, "aurora", "admin").await;
    browser.press("Test Configurations").await;
    browser
        .wait_until("the test has ended", "return document.querySelector('#banner .success')")
        .await;
    browser.press("Send me a test mail").await;
    portal.world.practice.inbox().wait_for(1).await.swap_remove(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_passing_test_a_test_mail_can_be_sent_to_oneself() {
    let portal = Portal::start().await;
    let Some(browser) = portal.browser().await else { return };

    let caught = send_test_mail(&portal, &browser).await;

    assert_eq!(caught.rcpt_to, ["ann@aurora.example"]);
    browser.wait_for_text("accepted by the server").await;
    browser.finish().await;
}

/// The code is read out of the inbox and typed in.
#[tokio::test(flavor = "multi_thread")]
async fn the_code_from_the_test_mail_proves_that_it_arrived() {
    let portal = Portal::start().await;
    let Some(browser) = portal.browser().await else { return };
    let caught = send_test_mail(&portal, &browser).await;
    let mail = String::from_utf8_lossy(&caught.bytes).into_owned();
    let (_, rest) = mail.split_once("Your code: ").expect("a code");
    let code = &rest[..7];
    browser.wait_for_text("Type the 6 digits from the mail").await;
    assert!(!browser.text().await.contains("Arrived"));
    assert_eq!(browser.violations().await, []);

    browser.fill("Type the 6 digits from the mail", "12").await;
    browser.press("Confirm").await;
    let (role, words) = browser.banner().await;
    assert!(role == "alert" && words.contains("6 digits"), "{role}: {words}");
    assert_eq!(browser.violations().await, []);
    browser.width(320).await;
    assert_eq!(browser.overflow().await, 0);
    browser.fill("Type the 6 digits from the mail", code).await;
    browser.press("Confirm").await;

    let (role, words) = browser.banner().await;
    assert!(role == "status" && words.starts_with("Arrived:"), "{role}: {words}");
    assert_eq!(browser.violations().await, []);
    assert_eq!(browser.overflow().await, 0);
    browser.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_sender_says_why_and_can_be_resumed() {
    let portal = Portal::start().await;
    let Some(browser) = portal.browser().await else { return };
    let aurora = portal.live_tenant("aurora").await;
    let mut revoked = portal.world.settings();
    revoked["username"] = json!("fault.refuse-login");
    revoked["password"] = json!("revoked");
    aurora.put(SENDER, revoked).await;
    let live = "UPDATE sender_versions SET proven_at = letterhead_now() WHERE number = 2;
                UPDATE senders SET live_version = 2, candidate_version = NULL";
    portal.world.database.sql(live).await;
    let message = aurora.send("bob@example.net").await;
    aurora.wait_for(SENDER, |sender| sender["state"] == "paused").await;
    browser.sign_in(&portal, "aurora", "admin").await;

    let text = browser.text().await;
    assert!(text.contains("535"), "the server's own words: {text}");
    assert_eq!(browser.violations().await, []);
    // With nothing to send, it stays resumed.
    aurora.post(&format!("/v1/tenants/self/messages/{message}/cancel"), json!({})).await;
    browser.press("Resume").await;

    browser.banner().await;
    assert!(!browser.has("button", "Resume").await);
    browser.finish().await;
}
