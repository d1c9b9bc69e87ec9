//! The commands, run as an operator runs them.

use std::{
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use letterhead_tests::{
    client::Client,
    program::{PATIENCE, World, output},
};
use serde_json::{Value, json};

const SENDER: &str = "/v1/tenants/self/senders/default";

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_on_the_command_line_says_by_its_status_whether_it_passed() {
    let (world, instance) = World::start().await;
    let aurora = world.tenant(&instance, "aurora").await;
    let test = |arguments: &[&str]| {
        let arguments = [&["test", "aurora"], arguments].concat();
        world.command(&arguments).output().expect("the program runs")
    };

    aurora.put(SENDER, world.settings()).await;
    let passed = test(&["--json"]);
    let mut wrong = world.settings();
    wrong["password"] = json!("not the password");
    aurora.put(SENDER, wrong).await;
    let failed = test(&[]);

    assert_eq!(passed.status.code(), Some(0), "{passed:?}");
    let run: Value = serde_json::from_slice(&passed.stdout).expect("JSON");
    assert_eq!(run["status"], "passed");
    assert_eq!(run["requested_by"], "console");
    assert_eq!(failed.status.code(), Some(1), "{failed:?}");
    let words = said(&failed);
    assert!(words.contains("auth       failed") && words.contains("  1. "), "{words}");
    assert_eq!(aurora.get(SENDER).await.body["live_version"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_portal_link_is_printed_alone_and_names_its_person_in_the_audit() {
    let (world, instance) = World::start().await;
    let aurora = world.tenant(&instance, "aurora").await;
    let person = ["--email", "ann@aurora.example", "--name", "Ann"];
    let make = |whose: &[&str]| {
        let arguments = [&["portal-link"], whose, &person].concat();
        let mut command = world.command(&arguments);
        command.env("LETTERHEAD_PUBLIC_URL", "https://mail.example.com/");
        command.output().expect("the program runs")
    };

    let admin = make(&["--tenant", "aurora", "--role", "admin"]);
    let operator = make(&["--operator", "--json", "--expires-in-seconds", "60"]);

    assert!(admin.status.success(), "{admin:?}");
    let link = said(&admin);
    let token = link.trim_end().strip_prefix("https://mail.example.com/portal/links/");
    assert_eq!(token.map(str::len), Some(43), "{link}");
    assert!(String::from_utf8_lossy(&admin.stderr).contains("It works once, until 20"));
    let operator: Value = serde_json::from_slice(&operator.stdout).expect("JSON");
    assert_eq!(operator["role"], "operator");
    let audit = aurora.get("/v1/tenants/self/audit-events").await;
    let event = &audit.body["data"][0];
    assert_eq!(event["action"], "portal_link.created");
    assert_eq!(event["actor"], "console");
    assert_eq!(event["detail"]["email"], "ann@aurora.example");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_portal_link_that_cannot_be_is_refused_in_words() {
    let world = World::create().await;
    let refusal = |arguments: &[&str], url: &str| {
        let person = ["--email", "ann@aurora.example", "--name", "Ann"];
        let arguments = [&["portal-link"], arguments, &person].concat();
        let mut command = world.command(&arguments);
        let output = command.env("LETTERHEAD_PUBLIC_URL", url).output().expect("it runs");
        assert!(!output.status.success() && output.stdout.is_empty(), "{output:?}");
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let (https, tenant) = ("https://mail.example.com", ["--tenant", "nobody", "--role"]);

    let long = ["--operator", "--expires-in-seconds", "601"];
    for (arguments, url, expected) in [
        (&[&tenant[..], &["admin"]].concat()[..], https, "there is no such tenant"),
        (&[&tenant[..], &["operator"]].concat(), https, "use one of admin, viewer, setup"),
        (&tenant[..2], https, "--role"),
        (&[], https, "--operator"),
        (&long, https, "choose from 1 to 600 seconds"),
        (&["--operator"], "http://mail.example.com", "give an https URL"),
    ] {
        let words = refusal(arguments, url);
        assert!(words.contains(expected), "{arguments:?}: {words}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_master_key_is_counted_and_its_senders_say_that_they_need_a_password() {
    let (world, instance) = World::start().await;
    let aurora = world.live_tenant(&instance, "aurora").await;
    let other = output(world.command(&["master-key", "generate"]));
    let id = |key: &str| key.split(':').next().unwrap_or_default().to_owned();

    let known = world.command(&["master-key", "status"]).output().expect("it runs");
    let mut lost = world.command(&["master-key", "status"]);
    let lost = lost.env("LETTERHEAD_MASTER_KEYS", &other).output().expect("it runs");

    assert!(known.status.success());
    let line = format!("{} (current): wraps 1 data keys", id(world.master_key()));
    assert!(said(&known).contains(&line), "{}", said(&known));
    assert_eq!(lost.status.code(), Some(1));
    assert!(said(&lost).contains("NOT KNOWN"), "{}", said(&lost));
    assert!(!said(&lost).contains(other.split(':').nth(1).expect("a key")));

    drop(instance);
    let with_other = world.serve(&[("LETTERHEAD_MASTER_KEYS", &other)]);
    let there = aurora.at(&with_other.url);
    let sender = there.get(SENDER).await;
    assert_eq!((sender.status, &sender.body["state"]), (200, &json!("needs_password")));
    drop(with_other);
    let both = format!("{other},{}", world.master_key());
    let with_both = world.serve(&[("LETTERHEAD_MASTER_KEYS", &both)]);
    assert_eq!(aurora.at(&with_both.url).get(SENDER).await.body["state"], "live");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_document_that_is_printed_is_the_one_that_is_served() {
    let (world, instance) = World::start().await;

    let printed: Value =
        serde_json::from_str(&output(world.command(&["openapi"]))).expect("a document");
    let served = Client::new(&instance.url, "").get("/openapi.json").await;

    assert_eq!(printed, served.body);
}

/// A demo with ports and a folder of its own.
struct Demo {
    child: Child,
}

impl Demo {
    async fn start(world: &World, state: &Path, ports: u16) -> (Self, Value) {
        let file = state.join("demo.json");
        let port = |offset: u16| (ports + offset).to_string();
        let mut command = world.command(&["demo", "--state"]);
        command
            .arg(state)
            .env_remove("LETTERHEAD_MASTER_KEYS")
            .env_remove("LETTERHEAD_ALLOW")
            .env_remove("LETTERHEAD_CA_FILES")
            .env("LETTERHEAD_OWNER_DATABASE_URL", world.database.owner_url())
            .env("LETTERHEAD_LISTEN", format!("127.0.0.1:{}", port(0)))
            .env("LETTERHEAD_PRACTICE_INBOX_PORT", port(1))
            .env("LETTERHEAD_PRACTICE_STARTTLS_PORT", port(2))
            .env("LETTERHEAD_PRACTICE_IMPLICIT_TLS_PORT", port(3))
            .env("LETTERHEAD_PRACTICE_CLOSED_PORT", port(4))
            .env("LETTERHEAD_PRACTICE_FAULT_PORT", port(5))
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let child = command.spawn().expect("the program starts");
        let demo = Self { child };
        let http = reqwest::Client::new();
        let begun = Instant::now();
        loop {
            let ready = http.get(format!("http://127.0.0.1:{}/readyz", port(0))).send().await;
            if ready.is_ok_and(|answer| answer.status().is_success()) {
                break;
            }
            assert!(begun.elapsed() < PATIENCE, "the demo never became ready");
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        let text = std::fs::read(&file).expect("demo.json");
        let mode = std::fs::metadata(&file).expect("demo.json").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "demo.json is its owner's");
        (demo, serde_json::from_slice(&text).expect("JSON"))
    }

    fn stop(mut self) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().expect("kill").success());
        assert!(self.child.wait().expect("it ends").success());
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _gone = self.child.wait();
    }
}

/// The first of `count` ports in a row that are free now.
fn free_ports(count: u16) -> u16 {
    (20_000..30_000)
        .step_by(usize::from(count))
        .skip(usize::try_from(std::process::id() % 100).unwrap_or_default())
        .find(|&first| {
            let bound: Result<Vec<_>, _> =
                (first..first + count).map(|port| TcpListener::bind(("127.0.0.1", port))).collect();
            bound.is_ok()
        })
        .expect("free ports")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_sends_a_receipt_and_keeps_its_keys_when_it_is_started_again() {
    let world = World::create().await;
    let state = world.folder().join("demo");
    let ports = free_ports(40);

    let (demo, file) = Demo::start(&world, &state, ports).await;
    let url = file["url"].as_str().expect("a URL");
    let key = file["tenants"][0]["api_key"].as_str().expect("a key");
    assert_eq!(file["tenants"][0]["slug"], "aurora");
    let aurora = Client::new(url, key);
    let practice = &file["practice"];
    let settings = json!({
        "host": practice["host"], "port": practice["starttls_port"], "encryption": "tls",
        "username": practice["username"], "password": practice["password"],
        "sender_name": "Aurora Books", "sender_email": "billing@aurora.example",
    });
    aurora.save_and_test(settings.clone()).await;
    assert_eq!(file["portal_url"], file["tenants"][0]["portal_url"]);
    for link in ["/portal_url", "/tenants/1/portal_url", "/operator_portal_url"] {
        let link = file.pointer(link).and_then(Value::as_str).expect("a link");
        assert!(link.starts_with(&format!("{url}/portal/links/")), "{link}");
        let page = reqwest::get(link).await.expect("an answer");
        assert_eq!(page.status().as_u16(), 200);
        assert!(page.text().await.expect("a page").contains("<form method=\"post\""));
    }
    let mut closed = settings;
    closed["port"] = practice["closed_port"].clone();
    aurora.put(SENDER, closed).await;
    let run = aurora.post(&format!("{SENDER}/test-runs"), json!({})).await;
    assert_eq!(run.body["advice"]["code"], "no_connection", "{run:?}");
    let receipt = std::fs::read(state.join("receipt-4711.json")).expect("a receipt");
    let receipt: Value = serde_json::from_slice(&receipt).expect("JSON");
    let sent = aurora.post("/v1/tenants/self/messages", receipt).await;
    let id = sent.body["id"].as_str().expect("an id");
    aurora.wait_for_message(id, &["accepted"]).await;
    let inbox = practice["inbox_url"].as_str().expect("a URL");
    let mails = Client::new(inbox, "").get("messages.json").await;
    assert_eq!(mails.body[0]["message_id"], sent.body["message_id"]);
    demo.stop();

    let (demo, again) = Demo::start(&world, &state, ports).await;
    for kept in ["/url", "/operator_key", "/tenants/0/api_key", "/tenants/1/api_key", "/practice"] {
        assert_eq!(again.pointer(kept), file.pointer(kept), "{kept}");
    }
    assert_ne!(again["portal_url"], file["portal_url"], "links are of one start");
    assert_eq!(aurora.get(SENDER).await.body["state"], "live");
    demo.stop();
}
