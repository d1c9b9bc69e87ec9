//! Text from tenants and from their servers, made to run: it is shown and nothing more.

use letterhead_tests::{browser::Browser, portal::Portal, program::World, rude_server::RudeServer};
use serde_json::json;

const HOME: &str = "/portal/tenants/aurora/senders/default";
const SENDER: &str = "/v1/tenants/self/senders/default";
/// Leaves a quoted attribute, and would change the page's title if anything of it ran.
const PAYLOAD: &str =
    "\"'><img src=x onerror=document.title='ran'><script>document.title='ran'</script>{{7*7}}";

/// Nothing of the payload has become a part of the page, and nothing has run.
async fn is_text_only(browser: &Browser) {
    let path = browser.path().await;
    assert_eq!(browser.count("img[src=x], script:not([src]), [onerror]").await, 0, "{path}");
    assert_ne!(browser.driver.title().await.expect("a title"), "ran", "{path}");
    assert_eq!(browser.problems().await, Vec::<String>::new(), "{path}");
}

#[tokio::test(flavor = "multi_thread")]
async fn markup_typed_into_every_field_comes_back_as_text() {
    let portal = Portal::start().await;
    let Some(browser) = portal.browser().await else { return };
    portal.tenant("aurora").await;
    browser.sign_in(&portal, "aurora", "admin").await;
    browser.open(&format!("{HOME}?edit=1")).await;
    let fields = ["Host", "Port", "Username", "Password", "Sender Name", "Sender E-Mail"];
    for field in fields {
        // Whatever the field's own kind would keep out, a forged form would not.
        let is_text = "arguments[0].removeAttribute('maxlength'); arguments[0].type = 'text';";
        browser.script_on::<()>(is_text, &[&browser.field(field).await], &[]).await;
        browser.fill(field, PAYLOAD).await;
    }

    browser.press("Save").await;

    assert_eq!(browser.banner().await.0, "alert");
    is_text_only(&browser).await;
    assert_eq!(browser.value("Host").await, PAYLOAD);
    assert_eq!(browser.value("Sender Name").await, PAYLOAD);
    assert_eq!(browser.value("Password").await, "");

    // What the rules allow is stored and shown as it was typed.
    browser.fill("Host", "localhost").await;
    browser.fill("Port", &portal.world.practice.starttls_port().to_string()).await;
    browser.fill("Sender E-Mail", "billing@aurora.example").await;
    browser.fill("Password", PAYLOAD).await;
    browser.press("Save").await;
    assert_eq!(browser.banner().await.0, "status");
    is_text_only(&browser).await;
    assert_eq!(browser.fact("Username").await, PAYLOAD);
    assert_eq!(browser.fact("Sender Name").await, PAYLOAD);
    browser.press("Edit").await;
    assert_eq!(browser.value("Sender Name").await, PAYLOAD);
    is_text_only(&browser).await;
    browser.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_servers_reply_is_shown_as_text() {
    const REPLY: &str = "550 <b>no</b> <img src=x onerror=document.title='ran'><script>document.title='ran'</script>";
    let server = RudeServer::start("MAIL", REPLY);
    let allow = format!("localhost:{}", server.port);
    let portal = Portal::start_with(World::create().await, &[("LETTERHEAD_ALLOW", &allow)]);
    let Some(browser) = portal.browser().await else { return };
    let aurora = portal.tenant("aurora").await;
    let settings = json!({
        "host": "localhost", "port": server.port, "encryption": "none", "auth": "none",
        "sender_name": "Aurora Books", "sender_email": "billing@aurora.example",
    });
    let saved = aurora.put(SENDER, settings).await;
    assert_eq!(saved.status, 201, "{saved:?}");
    browser.sign_in(&portal, "aurora", "admin").await;

    browser.press("Test Configurations").await;
    browser
        .wait_until("the test has ended", "return document.querySelector('#banner .failure')")
        .await;

    browser.wait_for_text("<b>no</b>").await;
    is_text_only(&browser).await;
    browser.press("Show details").await;
    browser.wait_for_text("S: 550 <b>no</b>").await;
    is_text_only(&browser).await;
    browser.press("Test history").await;
    is_text_only(&browser).await;
    browser.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn names_subjects_references_and_addresses_are_shown_as_text() {
    let portal = Portal::start().await;
    let Some(browser) = portal.browser().await else { return };
    let aurora = portal.live_tenant("aurora").await;
    let operator = portal.operator();
    let renamed =
        operator.call("PATCH", "/v1/tenants/aurora", &[], Some(json!({"name": PAYLOAD}))).await;
    assert_eq!(renamed.status, 200, "{renamed:?}");
    let message = json!({
        "kind": "receipt",
        "reference": PAYLOAD,
        "to": [{"email": "reject@example.net", "name": PAYLOAD}],
        "subject": PAYLOAD,
        "text": PAYLOAD,
    });
    let accepted = aurora.post("/v1/tenants/self/messages", message).await;
    assert_eq!(accepted.status, 202, "{accepted:?}");
    let id = accepted.body["id"].as_str().expect("an id");
    aurora.wait_for_message(id, &["rejected"]).await;
    let link = json!({"role": "admin", "email": "ann@aurora.example", "name": PAYLOAD});
    let link = operator.post("/v1/tenants/aurora/portal-links", link).await;
    let link = link.body["url"].as_str().expect("a link").to_owned();

    browser.open(&link).await;
    browser.wait_for_text(PAYLOAD).await;
    is_text_only(&browser).await;
    browser.press("Continue").await;
    let tenant = "/portal/tenants/aurora";
    let shown = ["messages", &format!("messages/{id}")];
    for path in shown {
        browser.open(&format!("{tenant}/{path}")).await;
        browser.wait_for_text(PAYLOAD).await;
        is_text_only(&browser).await;
    }
    for path in ["senders/default/versions", "activity", "sessions", "guides"] {
        browser.open(&format!("{tenant}/{path}")).await;
        is_text_only(&browser).await;
    }
    browser.open(&format!("{tenant}/messages")).await;
    browser.fill("Search", PAYLOAD).await;
    browser.type_keys("\u{e007}").await;
    browser.wait_until("it was searched", "return location.search").await;
    is_text_only(&browser).await;
    assert_eq!(browser.value("Search").await, PAYLOAD);

    browser.redeem(&portal.operator_link().await).await;
    browser.open("/portal/operator/tenants").await;
    browser.wait_for_text(PAYLOAD).await;
    is_text_only(&browser).await;
    browser.finish().await;
}
