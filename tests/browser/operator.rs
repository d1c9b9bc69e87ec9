//! The operator's side.

use letterhead_tests::portal::Portal;
use serde_json::json;

const SENDER: &str = "/v1/tenants/self/senders/default";
const TENANTS: &str = "/portal/operator/tenants";

#[tokio::test(flavor = "multi_thread")]
async fn all_tenants_are_tested_at_once_and_failures_stand_together_by_their_cause() {
    let portal = Portal::start().await;
    let Some(browser) = portal.browser().await else { return };
    for slug in ["aurora", "borealis"] {
        portal.live_tenant(slug).await;
    }
    for slug in ["cedar", "dahlia", "elm"] {
        let mut refused = portal.world.settings();
        refused["username"] = json!("fault.refuse-login");
        refused["password"] = json!("revoked");
        portal.tenant(slug).await.put(SENDER, refused).await;
    }
    portal.tenant("unused").await;
    browser.redeem(&portal.operator_link().await).await;
    browser.open(TENANTS).await;
    assert_eq!(browser.violations().await, []);

    browser.press("Test all").await;

    browser.wait_for_text("Finished").await;
    let text = browser.text().await;
    assert!(text.contains("3 tenants"), "three stand together: {text}");
    for slug in ["cedar", "dahlia", "elm"] {
        assert!(browser.has("link", slug).await, "{slug} is named: {text}");
    }
    assert_eq!(browser.violations().await, []);
    browser.press("cedar").await;
    browser.wait_for_text("Configuration").await;
    assert!(browser.path().await.starts_with("/portal/tenants/cedar/"));
    browser.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_is_made_for_a_tenant_and_shown_once() {
    let portal = Portal::start().await;
    let (Some(operator), Some(guest)) = (portal.browser().await, portal.browser().await) else {
        return;
    };
    portal.tenant("aurora").await;
    operator.redeem(&portal.operator_link().await).await;
    operator.open(TENANTS).await;

    operator.press("Manage").await;
    let path = operator.path().await;
    operator.fill("E-mail address", "bob@aurora.example").await;
    operator.fill("Name", "Bob Cruz").await;
    operator.fill("Role", "Viewer").await;
    operator.press("Make the link").await;

    assert_eq!(operator.violations().await, []);
    let link = operator.value("Link").await;
    guest.redeem(&link).await;
    guest.wait_for_text("bob@aurora.example").await;
    guest.wait_for_text("Viewer").await;
    operator.open(&path).await;
    assert!(!operator.has("field", "Link").await);
    operator.finish().await;
    guest.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_is_found_suspended_after_a_question_and_resumed() {
    let portal = Portal::start().await;
    let Some(browser) = portal.browser().await else { return };
    for slug in ["aurora", "borealis"] {
        portal.tenant(slug).await;
    }
    browser.redeem(&portal.operator_link().await).await;
    browser.open(TENANTS).await;

    browser.fill("Search", "boreal").await;
    browser.type_keys("\u{e007}").await;
    browser.wait_until("it was searched", "return location.search").await;
    assert!(!browser.has("link", "aurora").await);
    browser.press("Manage").await;
    browser.press("Suspend this tenant").await;
    assert_eq!(status(&portal).await, "active");
    assert_eq!(browser.violations().await, []);
    browser.press("Suspend this tenant").await;

    assert_eq!(status(&portal).await, "suspended");
    browser.press("Resume this tenant").await;
    browser.press("Resume this tenant").await;
    assert_eq!(status(&portal).await, "active");
    browser.finish().await;
}

async fn status(portal: &Portal) -> String {
    let tenant = portal.operator().get("/v1/tenants/borealis").await;
    tenant.body["status"].as_str().expect("a status").to_owned()
}
