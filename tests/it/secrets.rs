//! Secrets stay secret: they are put in by every door, and looked for wherever something comes out.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use letterhead_mailer::practice_server::fault::PortFault;
use letterhead_tests::{
    client::{Answer, Client},
    program::{Instance, World, output},
};
use serde_json::{Value, json};
use uuid::Uuid;

use self::spellings::Secret;

mod portal;
mod spellings;

const SENDERS: &str = "/v1/tenants/self/senders";

/// A tenant with a password that is used in every way, and all that the program says meanwhile.
struct Story {
    world: World,
    instance: Instance,
    aurora: Client,
    operator: Client,
    canary: String,
    /// Where something was said, and what.
    told: Vec<(String, String)>,
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_in_a_log_an_answer_the_audit_a_metric_or_a_dump() {
    let mut story = Story::begin().await;
    story.try_settings_that_work_and_fail().await;
    story.send_what_is_refused().await;
    let tokens = story.come_in_by_the_portal().await;
    story.read_everything().await;
    let passwords = [Secret::new("the password", story.canary.as_bytes())];
    let keys = story.keys();
    let answers = std::mem::take(&mut story.told);

    let (dump, log) = story.end();

    // What is searched is what it should be: settings and transcripts, and the noisiest log.
    for known in ["billing@aurora.example", "AUTH PLAIN [redacted]", "535 5.7.8"] {
        assert!(dump.contains(known), "{known} is in the dump");
        assert!(answers.iter().any(|(_, text)| text.contains(known)), "{known} is in an answer");
    }
    assert!(log.contains("TRACE rustls"), "even libraries log all they can");
    let everywhere = answers.iter().map(|(place, text)| (place.as_str(), text.as_str()));
    for (place, text) in everywhere.chain([("the dump", &*dump), ("the log", &*log)]) {
        for secret in passwords.iter().chain(&keys).chain(&tokens) {
            if let Some((name, how)) = secret.find_in(text) {
                panic!("{name} is in {place}, written as {how}: {}", excerpt(text, secret));
            }
        }
    }
}

impl Story {
    async fn begin() -> Self {
        let canary = format!("canary-{}", Uuid::new_v4().simple());
        let world = World::create_with(|config| config.password.clone_from(&canary)).await;
        // Saved settings send at once, so that those which fail are also tried with mail.
        // Everything is read of every sender, so nothing may be limited meanwhile.
        let instance = world.serve(&[
            ("RUST_LOG", "trace"),
            ("LETTERHEAD_PROMOTE", "on-save"),
            ("LETTERHEAD_SEARCHES_PER_MINUTE", "1000"),
        ]);
        let aurora = world.tenant(&instance, "aurora").await;
        let operator = world.operator(&instance);
        Self { world, instance, aurora, operator, canary, told: Vec::new() }
    }

    /// Calls the API, and keeps what it answers.
    async fn ask(
        &mut self,
        client: &Client,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> Answer {
        let answer = client.call(method, path, &[], body).await;
        self.told.push((format!("the answer to {method} {path}"), format!("{answer:?}")));
        answer
    }

    /// Settings with the canary, `change` made to them.
    fn settings(&self, change: &Value) -> Value {
        let mut settings = self.world.settings();
        for (field, value) in change.as_object().expect("an object") {
            settings[field] = value.clone();
        }
        settings
    }

    async fn try_settings_that_work_and_fail(&mut self) {
        let port = |fault| self.world.practice.fault_port(fault).expect("a port");
        let cases = [
            ("default", json!({}), "message"),
            (
                "by-tls",
                json!({"port": self.world.practice.implicit_tls_port(),
                              "encryption": "implicit_tls"}),
                "message",
            ),
            ("stranger", json!({"username": "stranger"}), "auth"),
            ("busy", json!({"username": "fault.busy-login"}), "auth"),
            ("echo", json!({"port": port(PortFault::EchoAuth)}), "auth"),
            ("self-signed", json!({"port": port(PortFault::SelfSigned)}), "tls"),
            ("wrong-name", json!({"port": port(PortFault::WrongName)}), "tls"),
            ("no-starttls", json!({"port": port(PortFault::NoStarttls)}), "tls"),
            ("garbage", json!({"port": port(PortFault::Garbage)}), "greeting"),
            ("foreign", json!({"sender_email": "refused-sender@aurora.example"}), "sender"),
            ("nowhere", json!({"host": "no-such-host.invalid", "port": 587}), "resolve"),
        ];
        for (sender, change, last_stage) in cases {
            self.try_settings(sender, self.settings(&change), last_stage).await;
        }
        let counters = self.world.practice.inbox().counters();
        assert!(counters.sign_ins_accepted >= 2 && counters.sign_ins_refused >= 2, "{counters:?}");
    }

    /// Saves settings, tests them and sends a mail with them.
    async fn try_settings(&mut self, sender: &str, settings: Value, last_stage: &str) {
        let aurora = self.aurora.clone();
        let path = format!("{SENDERS}/{sender}");
        let runs = format!("{path}/test-runs");
        let saved = self.ask(&aurora, "PUT", &path, Some(settings.clone())).await;
        assert_eq!(saved.status, 201, "{saved:?}");

        let run = self.ask(&aurora, "POST", &runs, Some(json!({"mode": "message"}))).await;
        assert_eq!(run.status, 201, "{run:?}");
        let stages = run.body["stages"].as_array().expect("stages");
        let reached = stages.iter().find(|stage| stage["stage"] == last_stage);
        assert_ne!(reached.expect("the stage")["status"], "not_reached", "{sender}: {run:?}");

        let typed = json!({"mode": "connection", "settings": settings});
        let run = self.ask(&aurora, "POST", &runs, Some(typed)).await;
        assert_eq!(run.status, 201, "{run:?}");

        let message = json!({
            "kind": "receipt", "sender": sender, "to": [{"email": "ann@example.net"}],
            "subject": "Your receipt", "text": "Thank you.",
        });
        let sent = self.ask(&aurora, "POST", "/v1/tenants/self/messages", Some(message)).await;
        let id = sent.body["id"].as_str().expect("an id");
        let was_tried = |message: &Value| {
            let attempts = message["attempts"].as_array().expect("attempts");
            attempts.iter().any(|attempt| attempt["outcome"].is_string())
        };
        aurora.wait_for(&format!("/v1/tenants/self/messages/{id}"), was_tried).await;
    }

    /// Puts the password where it does not belong.
    async fn send_what_is_refused(&mut self) {
        let canary = &self.canary;
        let path = format!("{SENDERS}/default");
        let put = |change| ("PUT", path.clone(), self.settings(&change), 422);
        let typed = |change| json!({"settings": self.settings(&change)});
        let runs = format!("{path}/test-runs");
        let cases = [
            put(json!({"port": "587"})),
            put(json!({"password": {"is": canary}})),
            put(json!({"password": [canary]})),
            put(json!({"pasword": canary})),
            put(json!({"username": format!("{canary}\n{canary}")})),
            put(json!({"password": format!("{canary}\u{7}")})),
            put(json!({"host": format!("{canary} {canary}")})),
            put(json!({"host": "127.0.0.1", "port": 587})),
            put(json!({"encryption": canary})),
            put(json!({"auth": canary})),
            put(json!({"driver": canary})),
            put(json!({"sender_email": canary})),
            put(json!({"reply_to": canary})),
            ("POST", runs.clone(), typed(json!({"host": "169.254.169.254", "port": 587})), 422),
            ("POST", runs.clone(), json!({"mode": canary}), 422),
            ("POST", "/v1/tenants/self/messages".to_owned(), json!({"password": canary}), 422),
            (
                "PUT",
                "/v1/tenants/nobody/senders/default".to_owned(),
                self.settings(&json!({})),
                404,
            ),
        ];
        let aurora = self.aurora.clone();
        for (method, path, body, status) in cases {
            let answer = self.ask(&aurora, method, &path, Some(body)).await;
            assert_eq!(answer.status, status, "{answer:?}");
        }
        let whole = self.settings(&json!({})).to_string();
        let half = &whole[..whole.len() - 1];
        for (content_type, body) in [("application/json", half), ("text/plain", whole.as_str())] {
            let url = format!("{}{path}", self.instance.url);
            let request = reqwest::Client::new().put(url).bearer_auth(aurora.key());
            let request = request.header("content-type", content_type).body(body.to_owned());
            let answer = request.send().await.expect("an answer");
            assert!(matches!(answer.status().as_u16(), 400 | 415), "{answer:?}");
            let text = answer.text().await.expect("a body");
            self.told.push((format!("the answer to a body of {content_type}"), text));
        }
        let damaged = Client::new(&self.instance.url, &format!("{}0", aurora.key()));
        let refused = self.ask(&damaged, "GET", &path, None).await;
        assert_eq!(refused.status, 401, "{refused:?}");
    }

    /// Reads all that can be read: with `GET`, from the metrics, and with the command line.
    async fn read_everything(&mut self) {
        let document = self.operator.get("/openapi.json").await.body;
        let paths = document["paths"].as_object().expect("paths");
        let readable = paths.iter().filter(|(_, operations)| operations.get("get").is_some());
        let templates: Vec<_> = readable.map(|(path, _)| path.clone()).collect();
        assert!(templates.len() > 10, "{templates:?}");
        for template in templates {
            for path in filled(&self.operator, &template.replace("{tenant}", "aurora")).await {
                for client in [self.aurora.clone(), self.operator.clone()] {
                    let answer = self.ask(&client, "GET", &path, None).await;
                    // Where a run ended before anybody spoke there is no transcript.
                    let may_be_missing = path.ends_with("/transcript");
                    let is_expected = matches!(answer.status, 200 | 403);
                    assert!(is_expected || may_be_missing && answer.status == 404, "{answer:?}");
                }
            }
        }
        let metrics = Client::new(&self.instance.metrics_url, "");
        let metrics = self.ask(&metrics, "GET", "/metrics", None).await;
        assert!(metrics.body.to_string().contains("letterhead_"), "{metrics:?}");

        let calls: [&[&str]; 3] = [
            &["test", "aurora", "default", "--json"],
            &["test", "aurora", "echo", "--message"],
            &["master-key", "status"],
        ];
        for call in calls {
            let run = self.world.command(call).env("RUST_LOG", "trace").output().expect("it runs");
            assert!(!run.stdout.is_empty(), "{call:?}: {run:?}");
            for said in [run.stdout, run.stderr] {
                let said = String::from_utf8(said).expect("text");
                self.told.push((format!("what {call:?} says"), said));
            }
        }
    }

    /// The secrets that are not the tenant's.
    fn keys(&self) -> [Secret; 4] {
        let key_secret = |key: &str| {
            let (_, secret) = key.rsplit_once('_').expect("lhk_<kind>_<id>_<secret>");
            secret.as_bytes()[..64].to_owned()
        };
        let (_, master) = self.world.master_key().split_once(':').expect("id:base64");
        let bytes = STANDARD.decode(master).expect("base64");
        [
            Secret::new("the tenant's key", &key_secret(self.aurora.key())),
            Secret::new("the operator's key", &key_secret(&self.world.operator_key)),
            Secret::new("the master key's text", master.as_bytes()),
            Secret::new("the master key", &bytes),
        ]
    }

    /// Stops the program; gives a dump of its database, and its whole log.
    fn end(self) -> (String, String) {
        let Self { world, instance, .. } = self;
        let dump = output(Command::new(pg_dump()).arg(world.database.owner_url()));
        assert!(instance.stop(), "it stops in peace");
        let log = fs::read(world.log_file()).expect("a log");
        (dump, String::from_utf8_lossy(&log).into_owned())
    }
}

/// Every path that `template` stands for: a parameter in braces takes the value of each item that
/// the collection before it lists.
async fn filled(client: &Client, template: &str) -> Vec<String> {
    let mut waiting = vec![template.to_owned()];
    let mut whole = Vec::new();
    while let Some(path) = waiting.pop() {
        let Some((before, rest)) = path.split_once('{') else {
            whole.push(path);
            continue;
        };
        let (_, after) = rest.split_once('}').expect("a parameter in braces");
        let collection = before.trim_end_matches('/');
        if collection == "/v1/guides" {
            waiting.push(format!("{before}gmail{after}"));
            continue;
        }
        let list = client.get(&format!("{collection}?limit=100")).await;
        let items = list.body["data"].as_array().unwrap_or_else(|| panic!("{path}: {list:?}"));
        assert!(!items.is_empty(), "nothing to read in {collection}");
        for item in items {
            // A version is known by its number, everything else by its id.
            let name = item.get("id").or_else(|| item.get("version")).expect("an id");
            let name = name.as_str().map_or_else(|| name.to_string(), str::to_owned);
            waiting.push(format!("{before}{name}{after}"));
        }
    }
    whole
}

/// The place where `secret` was found, short of the secret itself.
fn excerpt(text: &str, secret: &Secret) -> String {
    let line = text.lines().find(|line| secret.find_in(line).is_some());
    line.unwrap_or_default().chars().take(400).collect()
}

/// The newest `pg_dump` there is: Debian keeps them beside the servers, not on the path.
fn pg_dump() -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let newest = versions
        .map(|version| version.path().join("bin/pg_dump"))
        .filter(|path| path.exists())
        .max_by_key(|path| version_of(path));
    newest.unwrap_or_else(|| PathBuf::from("pg_dump"))
}

fn version_of(path: &Path) -> Option<u32> {
    path.ancestors().nth(2)?.file_name()?.to_str()?.parse().ok()
}
