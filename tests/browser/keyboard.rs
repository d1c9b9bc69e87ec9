//! The settings page with the keyboard alone.

use letterhead_tests::portal::Portal;
use serde_json::json;
use thirtyfour::Key;

const HOME: &str = "/portal/tenants/aurora/senders/default";
const SENDER: &str = "/v1/tenants/self/senders/default";

#[tokio::test(flavor = "multi_thread")]
async fn the_keyboard_alone_signs_in_edits_saves_and_tests() {
    let portal = Portal::start().await;
    let Some(browser) = portal.browser().await else { return };
    let aurora = portal.tenant("aurora").await;
    let mut others = portal.world.settings();
    others["host"] = json!("mail.example.net");
    others["port"] = json!(587);
    aurora.put(SENDER, others).await;
    let port = portal.world.practice.starttls_port().to_string();
    browser.open(&portal.link("aurora", "admin").await).await;

    browser.tab_to("Continue").await;
    browser.key(Key::Enter).await;
    browser.wait_for_text("Configuration").await;

    // The first stop leads past the navigation.
    browser.key(Key::Tab).await;
    let first = browser.focus().await;
    assert_eq!(first.name, "Skip to the content");
    assert!(first.is_visible, "{first:?}");
    browser.key(Key::Enter).await;
    browser.tab_to("Edit").await;
    browser.key(Key::Enter).await;
    browser.wait_until("the form opens", "return document.querySelector('main form select')").await;

    let fields = [
        ("Host", "localhost"),
        ("Port", &port),
        ("Encryption", "TLS"),
        ("Username", &portal.world.sign_in.0),
        ("Password", "not this one"),
        ("Sender Name", "Aurora Books"),
        ("Sender E-Mail", "billing@aurora.example"),
    ];
    for (label, text) in fields {
        browser.tab_to(label).await;
        browser.type_keys(text).await;
    }
    browser.tab_to("Update").await;
    browser.key(Key::Enter).await;
    browser.banner().await;
    assert_eq!(aurora.get(SENDER).await.body["settings"]["host"], "localhost");

    // A failure takes the focus, and the way to what to do goes on from there.
    browser.tab_to("Test Configurations").await;
    browser.key(Key::Enter).await;
    browser
        .wait_until("the test has ended", "return document.querySelector('#banner .failure')")
        .await;
    browser.wait_until("it has the focus", "return document.activeElement.role === 'alert'").await;
    browser.tab_to("Show details").await;
    browser.key(Key::Enter).await;
    browser.wait_for_text("535").await;
    browser.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_fields_take_the_focus_and_each_is_one_press_away() {
    let portal = Portal::start().await;
    let Some(browser) = portal.browser().await else { return };
    portal.tenant("aurora").await;
    browser.sign_in(&portal, "aurora", "admin").await;
    browser.open(&format!("{HOME}?edit=1")).await;
    browser.fill("Host", "not a host").await;

    // Enter in a field saves.
    browser.key(Key::Enter).await;

    browser
        .wait_until("the focus is there", "return document.activeElement.role === 'alert'")
        .await;
    browser.tab_to("Host").await;
    browser.key(Key::Enter).await;
    let focus = browser.focus().await;
    assert!(focus.tag == "input" && focus.name.starts_with("Host"), "{focus:?}");
    browser.finish().await;
}
