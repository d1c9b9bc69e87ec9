//! The way through: settings, test, receipt.

use base64::{Engine, engine::general_purpose::STANDARD};
use letterhead_tests::program::World;
use serde_json::{Value, json};

const SENDER: &str = "/v1/tenants/self/senders/default";

fn stage<'a>(run: &'a Value, name: &str) -> &'a Value {
    let stages = run["stages"].as_array().expect("stages");
    stages.iter().find(|stage| stage["stage"] == name).expect("the stage")
}

#[tokio::test(flavor = "multi_thread")]
async fn saved_settings_are_tested_go_live_and_carry_a_receipt_byte_for_byte() {
    let (world, instance) = World::start().await;
    let aurora = world.tenant(&instance, "aurora").await;
    let pdf: Vec<u8> = (0..=255).cycle().take(50_000).collect();

    let saved = aurora.put(SENDER, world.settings()).await;
    assert_eq!((saved.status, &saved.body["state"]), (201, &json!("untested")), "{saved:?}");
    assert_eq!(saved.body["settings"]["has_password"], true);

    let run = aurora.post(&format!("{SENDER}/test-runs"), json!({"mode": "connection"})).await;
    assert_eq!((run.status, &run.body["status"]), (201, &json!("passed")), "{run:?}");
    assert_eq!(stage(&run.body, "message")["status"], "skipped");
    assert_eq!(run.body["tls"]["version"], "TLSv1.3");
    assert_eq!(aurora.get(SENDER).await.body["live_version"], 1);

    let body = json!({
        "kind": "receipt",
        "reference": "INV-4711",
        "to": [{"email": "ann@example.net", "name": "Ann Älskling"}],
        "bcc": [{"email": "archive@example.net"}],
        "subject": "Ihre Quittung № 4711 für „Aurora“",
        "text": "Danke.\n.\nBis bald.\n",
        "attachments": [{
            "filename": "Quittung № 4711.pdf",
            "content_type": "application/pdf",
            "content_base64": STANDARD.encode(&pdf),
        }],
    });
    let headers = [("idempotency-key", "receipt-4711")];
    let path = "/v1/tenants/self/messages";
    let first = aurora.call("POST", path, &headers, Some(body.clone())).await;
    let second = aurora.call("POST", path, &headers, Some(body)).await;
    assert_eq!(first.status, 202, "{first:?}");
    assert_eq!(first.body, second.body);

    let id = first.body["id"].as_str().expect("an id");
    let message = aurora.wait_for_message(id, &["accepted"]).await;
    assert_eq!(message["attempts"].as_array().map(Vec::len), Some(1));
    assert!(message["explanation"].as_str().is_some_and(|text| text.contains("accepted")));

    let caught = world.practice.inbox().wait_for(1).await;
    assert_eq!(caught.len(), 1);
    assert_eq!(caught[0].mail_from, "billing@aurora.example");
    assert_eq!(caught[0].rcpt_to, ["ann@example.net", "archive@example.net"]);
    assert_eq!(caught[0].message_id().as_deref(), first.body["message_id"].as_str());
    let mail = String::from_utf8(caught[0].bytes.clone()).expect("ASCII");
    assert!(!mail.contains("archive@example.net"), "a Bcc is in no header");
    let encoded = mail.rsplit("\r\n\r\n").find(|part| part.len() > 60_000).expect("a part");
    let encoded: String = encoded.split("--").next().unwrap_or_default().split("\r\n").collect();
    assert_eq!(STANDARD.decode(encoded).expect("base64"), pdf);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_text_and_large_files_arrive_as_they_were() {
    let (world, instance) = World::start().await;
    let aurora = world.live_tenant(&instance, "aurora").await;
    let text = "One line of many.\n.\n".repeat(25_000);
    let files = [1_000_000, 300_001].map(|size| (0..=250).cycle().take(size).collect::<Vec<u8>>());
    let attachments = files.each_ref().map(|content| {
        json!({
            "filename": "statement.pdf",
            "content_type": "application/pdf",
            "content_base64": STANDARD.encode(content),
        })
    });
    let body = json!({
        "kind": "statement",
        "to": [{"email": "ann@example.net"}],
        "subject": "Your statement",
        "text": text,
        "attachments": attachments,
    });

    let taken = aurora.post("/v1/tenants/self/messages", body).await;

    assert_eq!(taken.status, 202, "{taken:?}");
    let id = taken.body["id"].as_str().expect("an id");
    aurora.wait_for_message(id, &["accepted"]).await;
    let caught = world.practice.inbox().wait_for(1).await;
    let mail = String::from_utf8(caught[0].bytes.clone()).expect("ASCII");
    let parts: Vec<_> = mail.split("\r\n\r\n").filter(|part| part.len() > 60_000).collect();
    assert_eq!(parts.len(), 3);
    assert!(parts[0].starts_with(text.replace('\n', "\r\n").trim_end()));
    for (part, content) in parts[1..].iter().zip(files) {
        let encoded: String = part.split("--").next().unwrap_or_default().split("\r\n").collect();
        assert!(STANDARD.decode(encoded).expect("base64") == content);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_common_mistake_fails_at_its_stage_with_an_advice() {
    use letterhead_mailer::practice_server::fault::PortFault;
    let world = World::create().await;
    // A port that is allowed and has no listener, for the length of this test.
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let closed = free.local_addr().expect("an address").port();
    drop(free);
    let practice = &world.practice;
    let port = |fault| practice.fault_port(fault).expect("a port");
    let allow: Vec<_> = practice
        .fault_ports()
        .map(|(_, port)| port)
        .chain([closed, practice.starttls_port(), practice.implicit_tls_port()])
        .map(|port| format!("localhost:{port}"))
        .collect();
    let instance = world.serve(&[("LETTERHEAD_ALLOW", &allow.join(","))]);
    let aurora = world.tenant(&instance, "aurora").await;
    let cases = [
        ("a wrong password", json!({"password": "wrong"}), "auth", "auth_bad_password"),
        ("a closed port", json!({"port": closed}), "connect", "no_connection"),
        (
            "TLS from the first byte on a STARTTLS port",
            json!({"encryption": "implicit_tls"}),
            "tls",
            "wrong_encryption",
        ),
        (
            "STARTTLS on a port with TLS from the first byte",
            json!({"port": practice.implicit_tls_port()}),
            "greeting",
            "server_not_answering",
        ),
        (
            "an unknown host",
            json!({"host": "no-such-host.invalid", "port": 587}),
            "resolve",
            "host_not_found",
        ),
        (
            "no STARTTLS",
            json!({"port": port(PortFault::NoStarttls)}),
            "tls",
            "starttls_not_offered",
        ),
        (
            "a self-signed certificate",
            json!({"port": port(PortFault::SelfSigned)}),
            "tls",
            "certificate_not_trusted",
        ),
        (
            "a refused From",
            json!({"sender_email": "refused-sender@aurora.example"}),
            "sender",
            "sender_refused",
        ),
    ];

    for (case, change, failed_stage, code) in cases {
        let mut settings = world.settings();
        for (field, value) in change.as_object().expect("an object") {
            settings[field] = value.clone();
        }
        let saved = aurora.put(SENDER, settings).await;
        assert!(matches!(saved.status, 200 | 201), "{case}: {saved:?}");

        let run = aurora.post(&format!("{SENDER}/test-runs"), json!({})).await;

        assert_eq!(run.status, 201, "{case}: {run:?}");
        assert_eq!(run.body["status"], "failed", "{case}: {run:?}");
        assert_eq!(stage(&run.body, failed_stage)["status"], "failed", "{case}: {run:?}");
        assert_eq!(run.body["advice"]["code"], code, "{case}: {run:?}");
    }
    assert_eq!(aurora.get(SENDER).await.body["live_version"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_waits_for_settings_that_nobody_has_proven_yet() {
    let (world, instance) = World::start().await;
    let aurora = world.tenant(&instance, "aurora").await;
    aurora.put(SENDER, world.settings()).await;

    let id = aurora.send("ann@example.net").await;
    let waiting = aurora.get(&format!("/v1/tenants/self/messages/{id}")).await;
    assert_eq!(waiting.body["status"], "queued");
    aurora.post(&format!("{SENDER}/test-runs"), json!({})).await;

    aurora.wait_for_message(&id, &["accepted"]).await;
}
