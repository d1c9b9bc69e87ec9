//! A small world to call the API in: one operator, two tenants, a practice mail server.

use std::{
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

use chrono::DateTime;
use letterhead_api::{
    app::{App, Rules, tenants, waker::Waker},
    http::HttpConfig,
    metrics::Metrics,
    portal::{self, config::PortalConfig},
};
use letterhead_domain::{message::MessageLimits, sender::PromotePolicy};
use letterhead_mailer::{
    egress::{policy::EgressPolicy, resolver::Resolver},
    mailer::{Mailer, MailerConfig},
    practice_server::{PracticeConfig, PracticeServer},
    tls::TlsTrust,
};
use letterhead_storage::{
    key::MasterKeys,
    record::RunLimits,
    store::{Store, StoreConfig},
};
use letterhead_test_database::TestDatabase;
use poem::{
    Endpoint, EndpointExt, Response,
    endpoint::BoxEndpoint,
    http::{HeaderMap, Method, StatusCode},
    test::TestClient,
};
use serde_json::{Value, json};
use tempfile::TempDir;
use uuid::Uuid;

/// Every scope that a tenant's key can have.
pub(crate) const EVERY_SCOPE: [&str; 6] =
    ["settings:read", "settings:write", "test:run", "messages:send", "messages:read", "audit:read"];

/// Where the world's readers find the portal.
pub(crate) const PUBLIC_URL: &str = "http://127.0.0.1:8480";

pub(crate) struct World {
    pub(crate) database: TestDatabase,
    pub(crate) practice: PracticeServer,
    /// The program's parts, for what no call reaches.
    pub(crate) app: App,
    pub(crate) operator: String,
    /// A key of the tenant `aurora` with every scope.
    pub(crate) aurora: String,
    /// A key of the tenant `borealis` with every scope.
    pub(crate) borealis: String,
    client: TestClient<BoxEndpoint<'static, Response>>,
    _folder: TempDir,
}

/// What was answered.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

/// What the name servers know: names that lead inside, in several ways.
const NAMES: [(&str, &[&str]); 5] = [
    ("localhost", &["127.0.0.1"]),
    ("inside.example", &["10.0.0.5"]),
    ("metadata.example", &["169.254.169.254"]),
    ("mapped.example", &["::ffff:192.168.1.1"]),
    ("mixed.example", &["8.8.8.8", "fd00:ec2::254"]),
];

impl World {
    pub(crate) async fn new() -> Self {
        Self::with_rules(|_| {}).await
    }

    pub(crate) async fn with_rules(change: impl FnOnce(&mut Rules)) -> Self {
        Self::with(change, |_| {}).await
    }

    pub(crate) async fn with(
        change: impl FnOnce(&mut Rules),
        adjust: impl FnOnce(&mut MailerConfig),
    ) -> Self {
        let database = TestDatabase::create().await;
        let folder = tempfile::tempdir().expect("a folder");
        let practice = PracticeServer::start(PracticeConfig::ephemeral(folder.path())).await;
        let practice = practice.expect("a practice server");
        let mut rules = Rules {
            promote: PromotePolicy::AfterTest,
            message: MessageLimits::default(),
            test_runs: RunLimits { per_minute: 6, per_hour: 60 },
            failed_auth_per_minute: 30,
            searches_per_minute: 10,
            known_for: Duration::from_secs(5),
        };
        change(&mut rules);
        let app = adjusted_app(&database.url(), &practice, rules, adjust).await;
        let operator = tenants::create_operator_key(&app, "test".parse().expect("a name")).await;
        let operator = operator.expect("a key").text.to_string();
        let config = HttpConfig {
            public_url: PUBLIC_URL.to_owned(),
            trusted_proxies: vec![IpAddr::V4(Ipv4Addr::UNSPECIFIED)],
        };
        let portal = PortalConfig {
            public_url: PUBLIC_URL.parse().expect("a URL"),
            product_name: "Letterhead".to_owned(),
            logo: None,
            accent: None,
            frame_ancestors: Vec::new(),
        };
        let client = TestClient::new(portal::site(app.clone(), portal, config).boxed());
        let mut world = Self {
            database,
            practice,
            app,
            operator,
            aurora: String::new(),
            borealis: String::new(),
            client,
            _folder: folder,
        };
        world.aurora = world.tenant("aurora").await;
        world.borealis = world.tenant("borealis").await;
        world
    }

    async fn tenant(&self, slug: &str) -> String {
        let tenant = json!({"slug": slug, "name": format!("{slug} & Sons")});
        let created = self.post("/v1/tenants", &self.operator, &tenant).await;
        assert_eq!(created.status, StatusCode::CREATED, "{}", created.text);
        self.key(slug, &EVERY_SCOPE).await
    }

    /// A new key of `tenant` with `scopes`.
    pub(crate) async fn key(&self, tenant: &str, scopes: &[&str]) -> String {
        let path = format!("/v1/tenants/{tenant}/api-keys");
        let key = json!({"name": "test", "scopes": scopes});
        let created = self.post(&path, &self.operator, &key).await;
        assert_eq!(created.status, StatusCode::CREATED, "{}", created.text);
        created.json()["key"].as_str().expect("a key").to_owned()
    }

    /// Sends a request with a JSON body, if there is one.
    pub(crate) async fn call(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Answer {
        let mut request = self.client.request(method, path);
        for &(name, value) in headers {
            request = request.header(name, value);
        }
        if let Some(body) = body {
            request = request.content_type("application/json").body(body.to_string());
        }
        answer(request, path).await
    }

    /// Sends a request whose body is no JSON, or comes in another way.
    pub(crate) async fn raw(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<poem::Body>,
    ) -> Answer {
        let mut request = self.client.request(method, path).body(body);
        for &(name, value) in headers {
            request = request.header(name, value);
        }
        answer(request, path).await
    }

    pub(crate) async fn get(&self, path: &str, key: &str) -> Answer {
        self.call(Method::GET, path, &[bearer(key).as_ref()], None).await
    }

    pub(crate) async fn post(&self, path: &str, key: &str, body: &Value) -> Answer {
        self.call(Method::POST, path, &[bearer(key).as_ref()], Some(body)).await
    }

    pub(crate) async fn put(&self, path: &str, key: &str, body: &Value) -> Answer {
        self.call(Method::PUT, path, &[bearer(key).as_ref()], Some(body)).await
    }

    pub(crate) async fn delete(&self, path: &str, key: &str) -> Answer {
        self.call(Method::DELETE, path, &[bearer(key).as_ref()], None).await
    }

    /// Settings that the practice server takes.
    pub(crate) fn settings(&self) -> Value {
        json!({
            "host": "localhost",
            "port": self.practice.starttls_port(),
            "encryption": "starttls",
            "username": "practice",
            "password": "practice-password",
            "sender_name": "Aurora Books",
            "sender_email": "billing@aurora.example",
        })
    }

    /// Saves settings that work as aurora's sender `default`.
    pub(crate) async fn save_default(&self) -> Answer {
        let path = "/v1/tenants/aurora/senders/default";
        let saved = self.put(path, &self.aurora, &self.settings()).await;
        assert_eq!(saved.status, StatusCode::CREATED, "{}", saved.text);
        saved
    }
}

/// The parts of the program, over `url` and `practice`.
pub(crate) async fn app(url: &str, practice: &PracticeServer, rules: Rules) -> App {
    adjusted_app(url, practice, rules, |_| {}).await
}

async fn adjusted_app(
    url: &str,
    practice: &PracticeServer,
    rules: Rules,
    adjust: impl FnOnce(&mut MailerConfig),
) -> App {
    let ports = [practice.starttls_port(), practice.implicit_tls_port()];
    let policy = EgressPolicy {
        allowed: ports
            .iter()
            .map(|port| format!("localhost:{port}").parse().expect("a destination"))
            .collect(),
        extra_ports: Vec::new(),
    };
    let names = NAMES.map(|(name, addresses)| {
        let addresses = addresses.iter().map(|text| text.parse().expect("an address"));
        (name.parse().expect("a host"), addresses.collect::<Vec<IpAddr>>())
    });
    let resolver = Resolver::fixed(names);
    let trust = TlsTrust::load(&[practice.ca_file().to_owned()]).expect("a CA");
    let mut config = MailerConfig::new(policy, resolver, trust);
    adjust(&mut config);
    let mailer = Mailer::new(config);
    let keys = MasterKeys::parse(&MasterKeys::generate("test", &[7; 32])).expect("a key");
    let config = StoreConfig { url: url.to_owned(), connections: 4, statement_cache: 100 };
    let store = Store::connect(config, keys).await.expect("a pool");
    App::new(store, mailer, rules, Waker::default(), Metrics::new())
}

async fn answer<E: Endpoint>(request: poem::test::TestRequestBuilder<'_, E>, path: &str) -> Answer {
    let response = request.send().await.0;
    let (status, headers) = (response.status(), response.headers().clone());
    let bytes = response.into_body().into_bytes().await.expect("a body");
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let answer = Answer { status, headers, text };
    if !path.starts_with("/portal/assets/") {
        assert_eq!(answer.header("cache-control"), "no-store");
    }
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    let is_error = status.is_client_error() || status.is_server_error();
    if is_error && path.starts_with("/portal") {
        assert_eq!(answer.header("content-type"), "text/html; charset=utf-8", "{}", answer.text);
    } else if is_error {
        assert_eq!(answer.header("content-type"), "application/problem+json", "{}", answer.text);
        assert_eq!(answer.json()["status"], status.as_u16());
    }
    answer
}

/// An `Authorization` header.
pub(crate) struct Bearer(String);

/// The header that shows `key`.
pub(crate) fn bearer(key: &str) -> Bearer {
    Bearer(format!("Bearer {key}"))
}

impl Bearer {
    pub(crate) fn as_ref(&self) -> (&str, &str) {
        ("authorization", &self.0)
    }
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|err| panic!("{err}: {}", self.text))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("text"))
    }

    /// The `code` of a problem.
    pub(crate) fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }

    /// Pointer and code of every refused field.
    pub(crate) fn refused(&self) -> Vec<(String, String)> {
        assert_eq!(self.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", self.text);
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let errors = self.json()["errors"].as_array().cloned().unwrap_or_default();
        errors.iter().map(|error| (text(&error["pointer"]), text(&error["code"]))).collect()
    }

    /// The body with ids, times, ports and lengths of time put out of the way, for snapshots.
    pub(crate) fn settled(&self) -> Value {
        let mut json = self.json();
        settle(&mut json);
        json
    }
}

fn settle(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                match (name.as_str(), &*value) {
                    ("took_ms", Value::Number(_)) => *value = json!("[ms]"),
                    ("port", Value::Number(_)) => *value = json!("[port]"),
                    _ => settle(value),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(settle),
        Value::String(text) => {
            let split = |c: char| matches!(c, ':' | '<' | '@' | '/');
            let ids: Vec<_> =
                text.split(split).filter(|part| Uuid::try_parse(part).is_ok()).collect();
            let mut settled = text.clone();
            for id in ids {
                settled = settled.replace(id, "[id]");
            }
            if DateTime::parse_from_rfc3339(text).is_ok() {
                "[time]".clone_into(&mut settled);
            }
            *text = settled;
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
