//! The SMTP Settings page: reading, editing, two people at once.

use letterhead_tests::{browser::Browser, portal::Portal};
use serde_json::json;

const HOME: &str = "/portal/tenants/aurora/senders/default";
const SENDER: &str = "/v1/tenants/self/senders/default";
/// The fields of the card, in its order.
const FIELDS: [&str; 8] = [
    "Driver",
    "Host",
    "Port",
    "Encryption",
    "Username",
    "Password",
    "Sender Name",
    "Sender E-Mail",
];
const STARTTLS: &str = "TLS (STARTTLS, port 587)";
const IMPLICIT_TLS: &str = "SSL (implicit TLS, port 465)";

/// Fills the eight fields as `world.settings()` has them.
async fn fill_all(browser: &Browser, portal: &Portal) {
    let world = &portal.world;
    browser.fill("Driver", "smtp").await;
    browser.fill("Host", "localhost").await;
    browser.fill("Port", &world.practice.starttls_port().to_string()).await;
    browser.fill("Encryption", STARTTLS).await;
    browser.fill("Username", &world.sign_in.0).await;
    browser.fill("Password", &world.sign_in.1).await;
    browser.fill("Sender Name", "Aurora Books").await;
    browser.fill("Sender E-Mail", "billing@aurora.example").await;
}

async fn is_blue(browser: &Browser, button: &str) -> bool {
    let [red, green, blue] = browser.background(&browser.find("action", button).await).await;
    blue > green && green >= red
}

/// The seed's first list, step by step.
#[tokio::test(flavor = "multi_thread")]
async fn the_settings_are_opened_edited_and_saved_step_by_step() {
    let portal = Portal::start().await;
    let Some(browser) = portal.browser().await else { return };
    let aurora = portal.tenant("aurora").await;
    browser.sign_in(&portal, "aurora", "admin").await;

    // Setup → System Settings → SMTP Settings.
    browser.open("/portal").await;
    browser.press("SMTP Settings").await;
    assert_eq!(browser.path().await, HOME);
    let text = browser.text().await;
    let way = ["Setup", "System Settings", "SMTP Settings"];
    assert!(way.iter().all(|step| text.contains(step)), "{text}");
    assert!(browser.has("heading", "SMTP Settings").await);

    // The Configuration card is read-only until the blue Edit button at its foot is pressed.
    assert!(browser.has("heading", "Configuration").await);
    assert_eq!(browser.count("main input:not([type=hidden]), main select").await, 0);
    assert!(!browser.has("button", "Save").await);
    assert!(is_blue(&browser, "Edit").await);
    browser.press("Edit").await;
    let labels: Vec<String> = browser
        .script("return [...document.querySelectorAll('main .card label')].map(l => l.innerText)")
        .await;
    let place = |field: &str| labels.iter().position(|label| label.starts_with(field));
    assert!(FIELDS.windows(2).all(|pair| place(pair[0]) < place(pair[1])), "{labels:?}");
    assert_eq!(browser.value("Driver").await, "smtp");

    // The eight fields, then Save.
    fill_all(&browser, &portal).await;
    browser.press("Save").await;
    assert_eq!(browser.banner().await.0, "status");
    assert_eq!(browser.count("main input:not([type=hidden]), main select").await, 0);
    let shown = [
        ("Driver", "smtp".to_owned()),
        ("Host", "localhost".to_owned()),
        ("Port", portal.world.practice.starttls_port().to_string()),
        ("Encryption", STARTTLS.to_owned()),
        ("Username", portal.world.sign_in.0.clone()),
        ("Sender Name", "Aurora Books".to_owned()),
        ("Sender E-Mail", "billing@aurora.example".to_owned()),
    ];
    for (field, value) in shown {
        assert_eq!(browser.fact(field).await, value, "{field}");
    }
    let source = browser.driver.source().await.expect("the page's source");
    assert!(!source.contains(&portal.world.sign_in.1), "the password is never shown");
    let saved = aurora.get(SENDER).await.body;
    assert_eq!(saved["state"], "untested", "{saved}");
    assert_eq!(saved["settings"]["has_password"], true, "{saved}");

    // Later the same button is called Update, beside Cancel.
    browser.press("Edit").await;
    assert!(!browser.has("button", "Save").await);
    assert_eq!(browser.value("Password").await, "");
    browser.fill("Sender Name", "Never saved").await;
    browser.press("Cancel").await;
    browser.wait_for_text("Aurora Books").await;
    assert_eq!(browser.fact("Sender Name").await, "Aurora Books");
    browser.press("Edit").await;
    browser.fill("Sender Name", "Aurora Books & Stationery").await;
    browser.press("Update").await;
    browser.banner().await;
    assert_eq!(browser.fact("Sender Name").await, "Aurora Books & Stationery");
    let saved = aurora.get(SENDER).await.body;
    assert_eq!(saved["settings"]["has_password"], true, "an empty field keeps the password");
    browser.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_refused_field_says_so_beside_itself_and_what_was_typed_is_kept() {
    let portal = Portal::start().await;
    let Some(browser) = portal.browser().await else { return };
    portal.tenant("aurora").await;
    browser.sign_in(&portal, "aurora", "admin").await;
    browser.open(&format!("{HOME}?edit=1")).await;
    browser.fill("Host", "not a host").await;
    browser.fill("Port", "22").await;
    browser.fill("Username", "aurora").await;
    browser.fill("Password", "lantern-orchard-52").await;
    browser.fill("Sender E-Mail", "nobody").await;

    browser.press("Save").await;

    let (role, _) = browser.banner().await;
    assert_eq!(role, "alert");
    for (label, kept) in [("Host", "not a host"), ("Port", "22"), ("Sender E-Mail", "nobody")] {
        assert_eq!(browser.value(label).await, kept);
        let described = "
            const [field] = arguments;
            return field.getAttribute('aria-invalid') === 'true' &&
              field.getAttribute('aria-describedby').split(' ')
                .some(id => document.getElementById(id)?.checkVisibility());";
        let field = browser.field(label).await;
        assert!(browser.script_on::<bool>(described, &[&field], &[]).await, "{label}");
    }
    assert_eq!(browser.value("Username").await, "aurora");
    assert_eq!(browser.value("Password").await, "");
    assert_eq!(browser.violations().await, []);
    browser.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn leaving_with_unsaved_changes_asks_first_and_an_untouched_form_does_not() {
    let portal = Portal::start().await;
    let Some(browser) = portal.browser().await else { return };
    portal.tenant("aurora").await;
    browser.sign_in(&portal, "aurora", "admin").await;
    let asks = "
        const leaving = new Event('beforeunload', { cancelable: true });
        dispatchEvent(leaving);
        return leaving.defaultPrevented;";
    browser.open(&format!("{HOME}?edit=1")).await;
    assert!(!browser.script::<bool>(asks).await);

    browser.fill("Host", "mail.smtp2go.com").await;
    assert!(browser.script::<bool>(asks).await);

    // Cancel is an answer already.
    browser.press("Cancel").await;
    browser
        .wait_until("the card is shown", "return !document.querySelector('main form select')")
        .await;
    browser.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_who_edit_the_second_is_told_and_nothing_is_lost() {
    let portal = Portal::start().await;
    let (Some(first), Some(second)) = (portal.browser().await, portal.browser().await) else {
        return;
    };
    let aurora = portal.live_tenant("aurora").await;
    for browser in [&first, &second] {
        browser.sign_in(&portal, "aurora", "admin").await;
        browser.press("Edit").await;
    }

    first.fill("Sender Name", "First was faster").await;
    first.press("Update").await;
    first.banner().await;
    second.fill("Sender Name", "Second thoughts").await;
    second.fill("Sender E-Mail", "receipts@aurora.example").await;
    second.press("Update").await;

    let (role, _) = second.banner().await;
    assert_eq!(role, "alert");
    assert_eq!(second.value("Sender Name").await, "Second thoughts");
    assert_eq!(second.value("Sender E-Mail").await, "receipts@aurora.example");
    let text = second.text().await;
    assert!(text.contains("First was faster"), "what the other saved is shown: {text}");
    assert!(text.contains("ann@aurora.example"), "and who it was: {text}");
    assert_eq!(aurora.get(SENDER).await.body["settings"]["sender_name"], "First was faster");
    assert_eq!(second.violations().await, []);

    second.press("Update").await;
    assert_eq!(second.banner().await.0, "status");
    assert_eq!(aurora.get(SENDER).await.body["settings"]["sender_name"], "Second thoughts");
    first.finish().await;
    second.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_candidate_is_shown_beside_what_is_live_and_can_be_discarded() {
    let portal = Portal::start().await;
    let Some(browser) = portal.browser().await else { return };
    let aurora = portal.live_tenant("aurora").await;
    let mut changed = portal.world.settings();
    changed["encryption"] = json!("implicit_tls");
    changed["port"] = json!(portal.world.practice.implicit_tls_port());
    aurora.put(SENDER, changed).await;
    browser.sign_in(&portal, "aurora", "admin").await;

    let text = browser.text().await;
    assert!(text.contains(STARTTLS) && text.contains(IMPLICIT_TLS), "both are shown: {text}");
    browser.press("Discard").await;

    browser.banner().await;
    assert!(!browser.text().await.contains(IMPLICIT_TLS));
    let sender = aurora.get(SENDER).await.body;
    assert_eq!(sender["state"], "live", "{sender}");
    assert_eq!(browser.fact("Encryption").await, STARTTLS);
    browser.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_destination_asks_for_the_password_again_and_says_why() {
    let portal = Portal::start().await;
    let Some(browser) = portal.browser().await else { return };
    portal.live_tenant("aurora").await;
    browser.sign_in(&portal, "aurora", "admin").await;
    browser.press("Edit").await;

    browser.fill("Username", "somebody-else").await;
    browser.press("Update").await;

    assert_eq!(browser.banner().await.0, "alert");
    let password = browser.field("Password").await;
    assert_eq!(password.attr("aria-invalid").await.expect("a field"), Some("true".to_owned()));
    assert_eq!(
        password.attr("autocomplete").await.expect("a field").as_deref(),
        Some("new-password")
    );
    browser.fill("Username", &portal.world.sign_in.0).await;
    browser.press("Update").await;
    assert_eq!(browser.banner().await.0, "status");
    browser.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_of_a_known_service_suggests_it_and_one_press_fills_its_server_in() {
    let portal = Portal::start().await;
    let Some(browser) = portal.browser().await else { return };
    portal.tenant("aurora").await;
    browser.sign_in(&portal, "aurora", "admin").await;
    browser.open(&format!("{HOME}?edit=1")).await;

    browser.fill("Username", "aurora.books@gmail.com").await;
    browser.type_keys("\t").await;
    browser.wait_for_text("This is an address of Gmail").await;
    browser.press("Fill in its server").await;
    browser.wait_for_text("an app password made for this purpose").await;

    browser
        .wait_until("it is filled in", "return document.querySelector('[name=host]').value")
        .await;
    assert_eq!(browser.value("Host").await, "smtp.gmail.com");
    assert_eq!(browser.value("Port").await, "587");
    assert_eq!(browser.value("Encryption").await, STARTTLS);
    assert_eq!(browser.value("Username").await, "aurora.books@gmail.com");
    browser.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_sees_the_buttons_that_it_may_press() {
    let portal = Portal::start().await;
    let Some(browser) = portal.browser().await else { return };
    portal.live_tenant("aurora").await;
    let cases =
        [("admin", true, true, true), ("setup", true, true, false), ("viewer", false, false, true)];
    for (role, edits, tests, reads_mail) in cases {
        browser.sign_in(&portal, "aurora", role).await;
        browser.open(HOME).await;
        assert_eq!(browser.has("action", "Edit").await, edits, "{role}");
        assert_eq!(browser.has("action", "Test Configurations").await, tests, "{role}");
        assert_eq!(browser.has("link", "Messages").await, reads_mail, "{role}");
        browser.open(&format!("{HOME}?edit=1")).await;
        assert_eq!(
            browser.text().await.contains("Your role does not allow this"),
            !edits,
            "{role}"
        );
        browser.open("/portal/operator/tenants").await;
        browser.wait_for_text("There is no such page").await;
    }
    browser.finish().await;
}
