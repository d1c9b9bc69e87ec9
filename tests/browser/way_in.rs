//! Links and sessions: how people come in, and how they are out again.

use std::time::Duration;

use letterhead_tests::portal::Portal;

const HOME: &str = "/portal/tenants/aurora/senders/default";
const SESSIONS: &str = "/portal/tenants/aurora/sessions";

fn minutes(count: u64) -> Duration {
    Duration::from_secs(60 * count)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_works_once_and_only_by_its_button() {
    let portal = Portal::start().await;
    let Some(browser) = portal.browser().await else { return };
    portal.tenant("aurora").await;
    let link = portal.link("aurora", "admin").await;

    // As a mail scanner does before the reader comes.
    for _ in 0..2 {
        browser.open(&link).await;
        let text = browser.text().await;
        assert!(text.contains("Ann Reyes") && text.contains("ann@aurora.example"), "{text}");
    }
    browser.open(HOME).await;
    browser.wait_for_text("Please use a new link").await;
    browser.redeem(&link).await;
    assert_eq!(browser.path().await, HOME);
    browser.wait_for_text("Ann Reyes").await;

    browser.open(&link).await;
    browser.wait_for_text("This link was used already").await;
    browser.wait_for_text("ask whoever sent you the link for a new one").await;
    assert!(!browser.has("button", "Continue").await);
    browser.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_is_too_old_says_what_to_do_also_after_its_page_was_opened() {
    let portal = Portal::start().await;
    let Some(browser) = portal.browser().await else { return };
    portal.tenant("aurora").await;
    let link = portal.link("aurora", "admin").await;
    browser.open(&link).await;

    portal.world.database.advance(minutes(11)).await;
    browser.press("Continue").await;

    browser.wait_for_text("This link is too old").await;
    browser.wait_for_text("ask whoever sent you the link for a new one").await;
    browser.open(&link).await;
    browser.wait_for_text("This link is too old").await;
    browser.open(&format!("{link}x")).await;
    browser.wait_for_text("This link does not work").await;
    browser.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_ends_by_itself_and_by_signing_out() {
    let portal = Portal::start().await;
    let Some(browser) = portal.browser().await else { return };
    portal.tenant("aurora").await;
    browser.sign_in(&portal, "aurora", "admin").await;

    portal.world.database.advance(minutes(29)).await;
    browser.open(HOME).await;
    assert!(browser.has("button", "Sign out").await);
    portal.world.database.advance(minutes(31)).await;
    browser.open(HOME).await;
    browser.wait_for_text("Please use a new link").await;
    browser.wait_for_text("after 30 minutes without a click").await;

    browser.sign_in(&portal, "aurora", "admin").await;
    // Busy all day long: a click every 20 minutes.
    for _ in 0..23 {
        portal.world.database.advance(minutes(20)).await;
        browser.open(HOME).await;
        assert!(browser.has("button", "Sign out").await);
    }
    portal.world.database.advance(minutes(21)).await;
    browser.open(HOME).await;
    browser.wait_for_text("after 8 hours in any case").await;

    browser.sign_in(&portal, "aurora", "admin").await;
    browser.press("Sign out").await;
    browser.wait_for_text("You are signed out").await;
    browser.driver.back().await.expect("a page before");
    browser.wait_for_text("Please use a new link").await;
    browser.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_elses_session_can_be_ended() {
    let portal = Portal::start().await;
    let (Some(admin), Some(other)) = (portal.browser().await, portal.browser().await) else {
        return;
    };
    portal.tenant("aurora").await;
    other.sign_in(&portal, "aurora", "viewer").await;
    admin.sign_in(&portal, "aurora", "admin").await;

    admin.open(SESSIONS).await;
    admin.press("End").await;
    other.open(HOME).await;

    other.wait_for_text("Please use a new link").await;
    admin.open(HOME).await;
    assert!(admin.has("button", "Sign out").await);
    admin.finish().await;
    other.finish().await;
}
