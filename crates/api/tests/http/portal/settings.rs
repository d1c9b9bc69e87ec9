//! The SMTP Settings page: read, edited, refused, tested, paused.

use poem::http::StatusCode;
use serde_json::json;

use super::Visitor;
use crate::world::{Answer, World};

mod arrival;
mod discovery;
mod editing;
mod fixing;
mod testing;

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
    page.assert_has(&["No mail server is set up yet", ">Edit</button>", ">Download PDF</a>"]);
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
async fn a_viewer_looks_and_a_set_up_person_edits_and_tests_only() {
    let world = World::new().await;
    let ann = world.sign_in("aurora", "admin").await;
    go_live(&ann, &world).await;
    let viewer = world.sign_in("aurora", "viewer").await;
    let setup = world.sign_in("aurora", "setup").await;

    let page = viewer.get(PAGE).await;
    page.assert_has(&["<dd>localhost</dd>", ">Live</span>", ">Download PDF</a>"]);
    page.assert_lacks(&[">Edit</button>", "Test Configurations", "Pause sending"]);
    let page = setup.get(PAGE).await;
    page.assert_has(&[">Edit</button>", ">Test Configurations</button>"]);
    page.assert_lacks(&["Pause sending"]);

    assert_eq!(viewer.get(EDIT).await.status, StatusCode::FORBIDDEN);
    assert_eq!(save(&viewer, &world, &[("base", "1")]).await.status, StatusCode::FORBIDDEN);
    assert_eq!(viewer.post(TESTS, &[]).await.status, StatusCode::FORBIDDEN);
    for person in [&viewer, &setup] {
        for deed in ["pause", "resume", "candidate/discard"] {
            let path = format!("{PAGE}/{deed}");
            let answer = person.post(&path, &[("version", "1")]).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{deed}");
        }
    }
    let saved = save(&setup, &world, &[("base", "1"), ("sender_name", "Set up")]).await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER);
    assert_eq!(setup.post(TESTS, &[]).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_pause_says_why_and_is_ended_by_hand() {
    let world = World::new().await;
    let ann = world.sign_in("aurora", "admin").await;
    go_live(&ann, &world).await;

    let paused = ann.post_and_follow(&format!("{PAGE}/pause"), &[]).await;
    paused.assert_has(&[
        "Sending is paused. Mail is taken over and waits.",
        ">Paused</span>",
        "Somebody paused it.",
        ">Resume sending</button>",
    ]);
    paused.assert_lacks(&[">Pause sending</button>"]);

    let resumed = ann.post_and_follow(&format!("{PAGE}/resume"), &[]).await;
    resumed.assert_has(&["Sending goes on.", ">Live</span>", ">Pause sending</button>"]);
}

#[tokio::test]
async fn a_refused_sign_in_is_told_in_the_servers_words_and_those_are_only_text() {
    let world = World::new().await;
    let ann = world.sign_in("aurora", "admin").await;
    go_live(&ann, &world).await;
    world
        .database
        .sql(
            "UPDATE senders SET pause_reason = 'auth_refused', paused_at = letterhead_now(),
                 pause_reply = '535 <b>no</b>'",
        )
        .await;

    let page = ann.get(PAGE).await;

    page.assert_has(&[
        "Sending is paused: the sign-in was refused",
        "sending goes on by itself once a test has passed",
        "535 &#60;b&#62;no&#60;/b&#62;",
    ]);
    page.assert_lacks(&["<b>no"]);
}

#[tokio::test]
async fn a_candidate_stands_beside_what_is_live_and_can_be_discarded() {
    let world = World::new().await;
    let ann = world.sign_in("aurora", "admin").await;
    go_live(&ann, &world).await;

    let changes =
        [("base", "1"), ("sender_email", "receipts@aurora.example"), ("password", "other")];
    save(&ann, &world, &changes).await;

    let page = ann.get(PAGE).await;
    page.assert_has(&[
        ">Live</span>",
        "Version 2, saved by ann@aurora.example, has not passed a test yet.",
        ">billing@aurora.example</td>",
        ">receipts@aurora.example</td>",
        ">Changed</td>",
        ">Test now</button>",
    ]);
    let late = ann.post(&format!("{PAGE}/candidate/discard"), &[("version", "1")]).await;
    assert_eq!(late.status, StatusCode::CONFLICT);
    let discarded =
        ann.post_and_follow(&format!("{PAGE}/candidate/discard"), &[("version", "2")]).await;
    discarded.assert_has(&["The new settings were discarded.", "Version 1, live."]);
    discarded.assert_lacks(&["receipts@aurora.example"]);
}

#[tokio::test]
async fn a_suspended_tenant_is_told_so() {
    let world = World::new().await;
    let ann = world.sign_in("aurora", "admin").await;
    go_live(&ann, &world).await;
    let headers = crate::world::bearer(&world.operator);
    let suspend = json!({"status": "suspended"});
    let path = "/v1/tenants/aurora";
    world.call(poem::http::Method::PATCH, path, &[headers.as_ref()], Some(&suspend)).await;

    let page = ann.get(PAGE).await;

    page.assert_has(&[">Suspended</span>", "Please contact them."]);
}

#[tokio::test]
async fn a_sender_that_no_program_has_made_has_no_page() {
    let world = World::new().await;
    let ann = world.sign_in("aurora", "admin").await;

    for path in ["/portal/tenants/aurora/senders/other", "/portal/tenants/aurora/senders/%2e%2e"] {
        assert_eq!(ann.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    assert_eq!(ann.get(&format!("{PAGE}?run=nothing")).await.status, StatusCode::OK);
    save(&ann, &world, &[]).await;
    assert_eq!(ann.get(&format!("{PAGE}?run=nothing")).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_page_speaks_filipino() {
    let world = World::new().await;
    let ann = world.sign_in("aurora", "admin").await;
    save(&ann, &world, &[("password", "hunter2-hunter2")]).await;

    let page = test(&ann, &[]).await;
    let (_, run) = page.text.split_once("/test-runs/").expect("a run");
    let run = format!("{PAGE}?lang=fil&run={}", run.split('"').next().expect("an id"));

    let page = ann.get(&run).await;

    page.assert_has(&[
        "Bumagsak ang test. Hindi tinanggap ng server ang username at password. Tingnan ang username,",
        "app password o SMTP key sa halip na ang password na ginagamit mo",
        ">I-test ang Configurations</button>",
    ]);
}
