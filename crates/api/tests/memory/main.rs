//! How much memory a request takes, as the allocator counts it: a binary of its own, in which nothing else
//! runs.

#![expect(clippy::expect_used, reason = "a test that cannot go on fails here")]

use std::{alloc::System, io, iter, time::Duration};

use cap::Cap;
use letterhead_api::{
    app::{App, Rules, Waker, tenants},
    http::{HttpConfig, routes},
    metrics::Metrics,
};
use letterhead_domain::{message::MessageLimits, sender::PromotePolicy};
use letterhead_mailer::{
    egress::{policy::EgressPolicy, resolver::Resolver},
    mailer::{Mailer, MailerConfig},
    tls::TlsTrust,
};
use letterhead_storage::{
    key::MasterKeys,
    record::RunLimits,
    store::{Store, StoreConfig},
};
use letterhead_test_database::TestDatabase;
use poem::{
    Endpoint, Response,
    http::{Method, StatusCode},
    test::TestClient,
};
use serde_json::{Value, json};

#[global_allocator]
static MEMORY: Cap<System> = Cap::new(System, usize::MAX);

/// Base64 of 48 bytes, as some write it: with a backslash before each slash.
const LINE: &str = r"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\/BCD";
const LINES: usize = 436_800;
/// Nearly as large as a message may be.
const FILE: usize = 48 * LINES;
/// What a connection to the database, a runtime and the like take while they work.
const SLACK: usize = 1024 * 1024;

struct World<E> {
    database: TestDatabase,
    client: TestClient<E>,
    key: String,
}

async fn world() -> World<impl Endpoint<Output = Response>> {
    let database = TestDatabase::create().await;
    let keys = MasterKeys::parse(&MasterKeys::generate("test", &[7; 32])).expect("a key");
    let config = StoreConfig { url: database.url(), connections: 4, statement_cache: 100 };
    let store = Store::connect(config, keys).await.expect("a pool");
    let policy = EgressPolicy { allowed: Vec::new(), extra_ports: Vec::new() };
    let trust = TlsTrust::load(&[]).expect("the system's authorities");
    let mailer = Mailer::new(MailerConfig::new(policy, Resolver::fixed([]), trust));
    let rules = Rules {
        promote: PromotePolicy::AfterTest,
        message: MessageLimits::default(),
        test_runs: RunLimits { per_minute: 6, per_hour: 60 },
        failed_auth_per_minute: 30,
        searches_per_minute: 10,
        known_for: Duration::from_secs(5),
    };
    let app = App::new(store, mailer, rules, Waker::default(), Metrics::new());
    let key = tenants::create_operator_key(&app, "test".parse().expect("a name")).await;
    let key = key.expect("a key").text.to_string();
    let client = TestClient::new(routes(app, HttpConfig::default()));
    World { database, client, key }
}

impl<E: Endpoint<Output = Response>> World<E> {
    async fn send(
        &self,
        method: Method,
        path: &str,
        body: impl Into<poem::Body>,
        length: usize,
    ) -> (StatusCode, String) {
        let request = self.client.request(method, path).body(body);
        let request = request.header("authorization", format!("Bearer {}", self.key));
        let request = request.header("content-type", "application/json");
        let answer = request.header("content-length", length).send().await.0;
        (answer.status(), answer.into_body().into_string().await.expect("text"))
    }

    async fn send_json(&self, method: Method, path: &str, body: &Value) -> StatusCode {
        let body = body.to_string();
        let length = body.len();
        self.send(method, path, body, length).await.0
    }
}

const MESSAGES: &str = "/v1/tenants/aurora/messages";

fn message(content: &str) -> Value {
    json!({
        "kind": "statement", "to": [{"email": "ann@example.net"}], "subject": "Statement",
        "text": "Attached.", "attachments": [{
            "filename": "statement.pdf", "content_type": "application/pdf", "content_base64": content,
        }],
    })
}

#[tokio::test]
async fn a_file_of_20_mib_is_not_held_twice_while_its_message_is_taken_over() {
    let world = world().await;
    let tenant = json!({"slug": "aurora", "name": "Aurora Books"});
    assert_eq!(world.send_json(Method::POST, "/v1/tenants", &tenant).await, StatusCode::CREATED);
    let settings = json!({
        "host": "mail.example.net", "port": 587, "encryption": "starttls", "username": "aurora",
        "password": "hunter2", "sender_name": "Aurora Books",
        "sender_email": "billing@aurora.example",
    });
    let sender = "/v1/tenants/aurora/senders/default";
    assert_eq!(world.send_json(Method::PUT, sender, &settings).await, StatusCode::CREATED);
    // What is made once is there before anything is counted.
    let small = world.send_json(Method::POST, MESSAGES, &message("QUJD")).await;
    assert_eq!(small, StatusCode::ACCEPTED);
    let around = message("(here)").to_string();
    let (head, tail) = around.split_once("(here)").expect("a place for the file");
    let length = head.len() + LINE.len() * LINES + tail.len();
    let (head, tail) = (head.as_bytes().to_vec(), tail.as_bytes().to_vec());
    // It comes in pieces, as from a connection: nobody but the program holds all of it.
    let pieces = iter::repeat_n(LINES / 1_000, 1_000).map(|lines| LINE.repeat(lines).into_bytes());
    let rest = LINE.repeat(LINES % 1_000).into_bytes();
    let pieces = iter::once(head).chain(pieces).chain([rest, tail]).map(Ok::<_, io::Error>);
    let body = poem::Body::from_bytes_stream(futures_util::stream::iter(pieces));
    let before = MEMORY.allocated();
    assert!(MEMORY.max_allocated() < before + FILE, "the peak to be measured would not show");

    let (status, text) = world.send(Method::POST, MESSAGES, body, length).await;

    let growth = MEMORY.max_allocated() - before;
    assert_eq!(status, StatusCode::ACCEPTED, "{text}");
    let stored = "SELECT max(octet_length(attachment_contents[1]))::bigint FROM message_bodies";
    assert_eq!(world.database.number(stored).await, i64::try_from(FILE).expect("small"));
    assert!(growth <= 2 * FILE + SLACK, "{growth} bytes");
}
