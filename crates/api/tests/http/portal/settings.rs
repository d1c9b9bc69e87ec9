//! The SMTP Settings page: read, edited, refused, tested, paused.

use poem::http::StatusCode;

use super::Visitor;
use crate::world::{Answer, World};

const PAGE: &str = "/portal/tenants/aurora/senders/default";
const EDIT: &str = "/portal/tenants/aurora/senders/default?edit=1";
const TESTS: &str = "/portal/tenants/aurora/senders/default/test-runs";

/// The form with all eight fields, `changes` in place of what works.
async fn save(ann: &Visitor<'_>, world: &World, changes: &[(&str, &str)]) -> Answer {
    let fields = fields(world, changes);
    let fields: Vec<_> =
        fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    ann.post(PAGE, &fields).await
}

fn fields(world: &World, changes: &[(&str, &str)]) -> Vec<(String, String)> {
    let port = world.practice.starttls_port().to_string();
    let typed = [
        ("base", ""),
        ("driver", "smtp"),
        ("host", "localhost"),
        ("port", port.as_str()),
        ("encryption", "starttls"),
        ("username", "practice"),
        ("password", "practice-password"),
        ("sender_name", "Aurora Books"),
        ("sender_email", "billing@aurora.example"),
        ("reply_to", ""),
    ];
    let value = |name, typed| {
        changes.iter().find(|(changed, _)| *changed == name).map_or(typed, |(_, value)| *value)
    };
    let more = changes.iter().filter(|(name, _)| typed.iter().all(|(known, _)| known != name));
    let all = typed.iter().map(|&(name, typed)| (name, value(name, typed))).chain(more.copied());
    all.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// Saves what works, and has a test of it pass.
async fn go_live(ann: &Visitor<'_>, world: &World) {
    assert_eq!(save(ann, world, &[]).await.status, StatusCode::SEE_OTHER);
    let run = test(ann, &[]).await;
    run.assert_has(&["These settings are now live"]);
}

/// Starts a test, follows it to its end, and opens the page that says how it went.
async fn test(ann: &Visitor<'_>, fields: &[(&str, &str)]) -> Answer {
    let started = ann.post(TESTS, fields).await;
    assert_eq!(started.status, StatusCode::SEE_OTHER, "{}", started.text);
    let page = started.location();
    let (_, run) = page.split_once("?run=").expect("a run");
    let events = ann.get(&format!("{TESTS}/{run}/events")).await;
    assert!(events.text.ends_with("event: end\ndata: {}\n\n"), "{}", events.text);
    ann.get(page).await
}

#[tokio::test]
async fn somebody_who_begins_is_led_to_the_form() {
    let world = World::new().await;
    let ann = world.sign_in("aurora", "admin").await;

    let page = ann.get(PAGE).await;
    page.assert_has(&["No mail server is set up yet", ">Set up</button>", ">Download PDF</a>"]);
    page.assert_lacks(&["Test Configurations"]);

    let form = ann.get(EDIT).await;
    form.assert_has(&[">Save</button>", ">Cancel</button>", "autocomplete=\"new-password\""]);
    let labels = [
        "Driver",
        "Host",
        "Port",
        "Encryption",
        "Username",
        "Password",
        "Sender Name",
        "Sender E-Mail",
    ];
    let places: Vec<_> = labels
        .iter()
        .map(|label| form.text.find(&format!(">{label}</label>")).expect("a field"))
        .collect();
    assert!(places.is_sorted(), "the fields stand in the order that people know: {places:?}");
}

#[tokio::test]
async fn all_fields_are_saved_and_shown_and_the_password_is_not() {
    let world = World::new().await;
    let ann = world.sign_in("aurora", "admin").await;
    let port = world.practice.starttls_port().to_string();

    let saved = save(&ann, &world, &[("reply_to", "help@aurora.example")]).await;

    assert_eq!((saved.status, saved.location()), (StatusCode::SEE_OTHER, PAGE));
    let page = ann.get(PAGE).await;
    page.assert_has(&[
        "<dd>smtp</dd>",
        "<dd>localhost</dd>",
        &format!("<dd>{port}</dd>"),
        "<dd>TLS (STARTTLS, port 587)</dd>",
        "<dd>practice</dd>",
        "<dd>Stored, never shown</dd>",
        "<dd>Aurora Books</dd>",
        "<dd>billing@aurora.example</dd>",
        "<dd>help@aurora.example</dd>",
        ">Untested</span>",
        ">Edit</button>",
        ">Test Configurations</button>",
        "Saved by ann@aurora.example",
    ]);
    let form = ann.get(EDIT).await;
    form.assert_has(&[">Update</button>", "Leave empty to keep the stored password."]);
    for page in [page, form] {
        page.assert_lacks(&["practice-password"]);
    }
}

#[tokio::test]
async fn a_passed_test_makes_the_settings_live_and_offers_a_test_mail() {
    let world = World::new().await;
    let ann = world.sign_in("aurora", "admin").await;
    save(&ann, &world, &[]).await;

    let page = test(&ann, &[]).await;

    page.assert_has(&[
        "role=\"status\">Test passed: the mail server accepts mail with these settings. \
         These settings are now live.",
        ">Live</span>",
        "Send me a test mail",
        "data-stage=\"auth\" data-status=\"passed\"",
        "data-stage=\"message\" data-status=\"skipped\"",
    ]);
    page.assert_lacks(&["delivered", "data-status=\"waiting\""]);

    let mailed = test(&ann, &[("mode", "message")]).await;
    mailed.assert_has(&["the test mail was accepted by the server"]);
    mailed.assert_lacks(&["Send me a test mail"]);
    let caught = world.practice.inbox().list();
    assert_eq!(caught.last().expect("a mail").rcpt_to, ["ann@aurora.example"]);
}

#[tokio::test]
async fn a_failed_test_says_what_to_check_and_keeps_the_password_out_of_all_of_it() {
    let world = World::new().await;
    let ann = world.sign_in("aurora", "admin").await;
    save(&ann, &world, &[("password", "hunter2-hunter2")]).await;

    let page = test(&ann, &[]).await;

    page.assert_has(&[
        "role=\"alert\" tabindex=\"-1\" data-focus>The test failed.",
        "Check user name and password.",
        "data-stage=\"auth\" data-status=\"failed\"",
        "data-stage=\"sender\" data-status=\"not_reached\"",
        "<summary>Show details</summary>",
        "Copy for support",
        "AUTH",
    ]);
    page.assert_lacks(&["hunter2", "Send me a test mail"]);
}
