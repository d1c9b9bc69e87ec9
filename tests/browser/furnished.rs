//! A portal in use: tenants in every state, mail of every kind, and the list of all its pages.

use letterhead_mailer::practice_server::fault::PortFault;
use letterhead_tests::{browser::Browser, client::Client, portal::Portal};
use serde_json::{Value, json};

const SENDER: &str = "/v1/tenants/self/senders/default";
const AURORA: &str = "/portal/tenants/aurora";

/// Who looks at a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reader {
    /// Nobody who is signed in.
    Stranger,
    /// The tenant's administrator.
    Admin,
    /// Somebody of the operator.
    Operator,
}

/// One page.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    /// What its picture is called.
    pub(crate) name: &'static str,
    /// Its address.
    pub(crate) path: String,
    /// Who looks at it.
    pub(crate) reader: Reader,
}

impl Reader {
    /// Makes `browser` this reader's.
    pub(crate) async fn take(self, browser: &Browser, portal: &Portal) {
        match self {
            Self::Stranger => browser.driver.delete_all_cookies().await.expect("no cookies"),
            Self::Admin => browser.sign_in(portal, "aurora", "admin").await,
            Self::Operator => browser.redeem(&portal.operator_link().await).await,
        }
    }
}

/// Fills `portal`, and gives every page there is.
pub(crate) async fn furnish(portal: &Portal, browser: &Browser) -> Vec<Page> {
    let aurora = portal.tenant("aurora").await;
    rename(portal, "aurora", "Aurora Books & Stationery", "active").await;
    portal.tenant("unused").await;
    expired(portal, &portal.tenant("borealis").await).await;
    rename(portal, "borealis", "Borealis Travel", "active").await;
    let failed = failed_run(portal, &aurora).await;
    aurora.save_and_test(portal.world.settings()).await;
    let passed = newest_run(&aurora).await;
    let [accepted, rejected] = mail(&aurora).await;
    let bulk = bulk_run(portal, browser).await;
    neighbours(portal).await;
    candidate(portal, &aurora).await;

    let used = portal.link("aurora", "viewer").await;
    let fresh = portal.link("aurora", "admin").await;
    let redeem = reqwest::Client::new().post(&used).header("Origin", &portal.instance.url);
    redeem.send().await.expect("the link is redeemed");
    let pages = [
        (Reader::Stranger, "link", fresh),
        (Reader::Stranger, "link-used", used),
        (Reader::Stranger, "signed-out", "/portal".to_owned()),
        (Reader::Admin, "settings", format!("{AURORA}/senders/default")),
        (Reader::Admin, "settings-edit", format!("{AURORA}/senders/default?edit=1")),
        (Reader::Admin, "limits", format!("{AURORA}/senders/default/limits")),
        (Reader::Admin, "settings-failed", format!("{AURORA}/senders/default?run={failed}")),
        (Reader::Admin, "test-run", format!("{AURORA}/senders/default/test-runs/{passed}")),
        (Reader::Admin, "test-history", format!("{AURORA}/senders/default/test-runs")),
        (Reader::Admin, "versions", format!("{AURORA}/senders/default/versions")),
        (Reader::Admin, "messages", format!("{AURORA}/messages")),
        (Reader::Admin, "messages-none", format!("{AURORA}/messages?text=nothing")),
        (Reader::Admin, "message", format!("{AURORA}/messages/{rejected}")),
        (Reader::Admin, "message-accepted", format!("{AURORA}/messages/{accepted}")),
        (Reader::Admin, "activity", format!("{AURORA}/activity")),
        (Reader::Admin, "sessions", format!("{AURORA}/sessions")),
        (Reader::Admin, "guides", format!("{AURORA}/guides")),
        (Reader::Admin, "guide", format!("{AURORA}/guides/gmail")),
        (Reader::Admin, "guide-other", format!("{AURORA}/guides/other")),
        (Reader::Admin, "not-found", format!("{AURORA}/nothing")),
        (Reader::Operator, "tenants", "/portal/operator/tenants".to_owned()),
        (Reader::Operator, "tenant", "/portal/operator/tenants/aurora".to_owned()),
        (Reader::Operator, "bulk-runs", "/portal/operator/bulk-runs".to_owned()),
        (Reader::Operator, "bulk-run", bulk),
        (Reader::Operator, "operator-sessions", "/portal/operator/sessions".to_owned()),
        (Reader::Operator, "settings-empty", "/portal/tenants/unused/senders/default".to_owned()),
        (
            Reader::Operator,
            "settings-first",
            "/portal/tenants/unused/senders/default?edit=1".to_owned(),
        ),
        (Reader::Operator, "messages-empty", "/portal/tenants/unused/messages".to_owned()),
    ];
    pages.map(|(reader, name, path)| Page { name, path, reader }).into()
}

/// More tenants for the operator's list, whose settings nobody has tested.
async fn neighbours(portal: &Portal) {
    let neighbours = [
        ("cedar", "Cedar Dental Clinic", "smtp.gmail.com", "active"),
        ("dahlia", "Dahlia Flowers", "mail.smtp2go.com", "active"),
        ("elm", "Elm Street Motors", "smtp.office365.com", "suspended"),
    ];
    for (slug, name, host, status) in neighbours {
        let mut settings = portal.world.settings();
        settings["host"] = json!(host);
        settings["port"] = json!(587);
        settings["sender_email"] = json!(format!("billing@{slug}.example"));
        let saved = portal.tenant(slug).await.put(SENDER, settings).await;
        assert_eq!(saved.status, 201, "{saved:?}");
        rename(portal, slug, name, status).await;
    }
}

async fn rename(portal: &Portal, slug: &str, name: &str, status: &str) {
    let change = json!({"name": name, "status": status});
    let path = format!("/v1/tenants/{slug}");
    let changed = portal.operator().call("PATCH", &path, &[], Some(change)).await;
    assert_eq!(changed.status, 200, "{changed:?}");
}

/// Settings with a wrong password, tested.
async fn failed_run(portal: &Portal, client: &Client) -> String {
    let mut wrong = portal.world.settings();
    wrong["password"] = json!("an old password");
    client.put(SENDER, wrong).await;
    client.post(&format!("{SENDER}/test-runs"), json!({})).await;
    newest_run(client).await
}

async fn newest_run(client: &Client) -> String {
    let runs = client.get(&format!("{SENDER}/test-runs")).await;
    id(&runs.body["data"][0])
}

fn id(thing: &Value) -> String {
    thing["id"].as_str().expect("an id").to_owned()
}

/// Mail of every kind; gives one message that was accepted and one that was refused.
async fn mail(client: &Client) -> [String; 2] {
    let messages = [
        ("receipt", "Your receipt № 4711", "INV-4711", "maria@example.net"),
        ("collection", "Reminder: invoice 4690 is due", "INV-4690", "jose@example.net"),
        ("statement", "Your statement for October", "ST-2026-10", "accounts@example.net"),
        ("notification", "Your order is ready", "ORD-1093", "defer@example.net"),
        ("receipt", "Your receipt № 4712", "INV-4712", "reject@example.net"),
    ];
    let mut ids = Vec::new();
    for (kind, subject, reference, recipient) in messages {
        let body = json!({
            "kind": kind,
            "reference": reference,
            "to": [{"email": recipient, "name": "Maria Santos"}],
            "subject": subject,
            "text": "Thank you for your business.",
        });
        let answer = client.post("/v1/tenants/self/messages", body).await;
        assert_eq!(answer.status, 202, "{answer:?}");
        ids.push(id(&answer.body));
    }
    let [accepted, .., rejected] = ids.as_slice() else { panic!("five messages") };
    client.wait_for_message(accepted, &["accepted"]).await;
    client.wait_for_message(rejected, &["rejected"]).await;
    [accepted.clone(), rejected.clone()]
}

/// Settings that nobody has tested yet, beside the live ones.
async fn candidate(portal: &Portal, client: &Client) {
    let mut settings = portal.world.settings();
    settings["encryption"] = json!("implicit_tls");
    settings["port"] = json!(portal.world.practice.implicit_tls_port());
    settings["sender_email"] = json!("receipts@aurora.example");
    let saved = client.put(SENDER, settings).await;
    assert_eq!(saved.status, 200, "{saved:?}");
}

/// Settings for a server with a certificate that ended long ago, tested.
async fn expired(portal: &Portal, client: &Client) {
    let port = portal.world.practice.fault_port(PortFault::ExpiredCertificate);
    let mut settings = portal.world.settings();
    settings["port"] = json!(port.expect("a port"));
    client.put(SENDER, settings).await;
    client.post(&format!("{SENDER}/test-runs"), json!({})).await;
}

/// A test of all tenants, asked for by the operator; gives the path of its page once it has ended.
async fn bulk_run(portal: &Portal, browser: &Browser) -> String {
    Reader::Operator.take(browser, portal).await;
    browser.open("/portal/operator/tenants").await;
    browser.press("Test all").await;
    browser.wait_for_text("Finished").await;
    browser.path().await
}
