//! How much memory a large file takes, as the allocator counts it: a binary of its own, each test of which
//! the runner starts as a process of its own, in which nothing else runs.

#![expect(clippy::expect_used, reason = "a test that cannot go on fails here")]

mod accepting;
mod delivering;

use std::{alloc::System, path::PathBuf, time::Duration};

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

/// What a connection to the database, a runtime and the like take while they work.
const SLACK: usize = 1024 * 1024;

struct World<E> {
    database: TestDatabase,
    app: App,
    client: TestClient<E>,
    key: String,
}

/// A world that may reach what `policy` allows, and trusts `authorities` besides the system's.
async fn world(
    policy: EgressPolicy,
    authorities: &[PathBuf],
) -> World<impl Endpoint<Output = Response> + use<>> {
    let database = TestDatabase::create().await;
    let keys = MasterKeys::parse(&MasterKeys::generate("test", &[7; 32])).expect("a key");
    let config = StoreConfig { url: database.url(), connections: 4, statement_cache: 100 };
    let store = Store::connect(config, keys).await.expect("a pool");
    let trust = TlsTrust::load(authorities).expect("authorities");
    let mailer = Mailer::new(MailerConfig::new(policy, Resolver::fixed([]), trust));
    let rules = Rules {
        promote: PromotePolicy::OnSave,
        message: MessageLimits::default(),
        test_runs: RunLimits { per_minute: 6, per_hour: 60 },
        failed_auth_per_minute: 30,
        searches_per_minute: 10,
        known_for: Duration::from_secs(5),
    };
    let app = App::new(store, mailer, rules, Waker::default(), Metrics::new());
    let key = tenants::create_operator_key(&app, "test".parse().expect("a name")).await;
    let key = key.expect("a key").text.to_string();
    let client = TestClient::new(routes(app.clone(), HttpConfig::default()));
    World { database, app, client, key }
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

    /// A tenant with a sender through `settings`, which are live at once.
    async fn set_up(&self, settings: Value) {
        let tenant = json!({"slug": "aurora", "name": "Aurora Books"});
        assert_eq!(self.send_json(Method::POST, "/v1/tenants", &tenant).await, StatusCode::CREATED);
        let sender = "/v1/tenants/aurora/senders/default";
        assert_eq!(self.send_json(Method::PUT, sender, &settings).await, StatusCode::CREATED);
    }

    /// Hands a message with a small file over.
    async fn accept_small(&self) {
        let small = self.send_json(Method::POST, MESSAGES, &message("QUJD")).await;
        assert_eq!(small, StatusCode::ACCEPTED);
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
        "text": "Attached.\n.\n", "attachments": [{
            "filename": "statement.pdf", "content_type": "application/pdf", "content_base64": content,
        }],
    })
}
