//! The real program, started for one test: the binary, a database of its own, a practice server.
//!
//! For tests only: whatever goes wrong here panics, and says what the program last logged.

use std::{
    collections::HashMap,
    env,
    fs::{self, OpenOptions},
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use letterhead_mailer::practice_server::{PracticeConfig, PracticeServer};
use letterhead_test_database::TestDatabase;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::client::Client;

/// How long anything may take before a test gives up: far longer than it ever takes.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// What the program logs when it listens.
const API: &str = "the API listens";
const METRICS: &str = "the metrics listen";

/// A database, a practice server, a master key, and the instances started on them.
pub struct World {
    /// The database that every instance uses.
    pub database: TestDatabase,
    /// The mail server that settings made by [`World::settings`] name.
    pub practice: PracticeServer,
    /// The operator's key.
    pub operator_key: String,
    /// User name and password that the practice server takes.
    pub sign_in: (String, String),
    folder: TempDir,
    master_key: String,
}

/// One running `letterhead` process.
pub struct Instance {
    child: Child,
    log: Option<JoinHandle<()>>,
    /// Where its API listens; empty if it has none.
    pub url: String,
    /// Where its metrics listen.
    pub metrics_url: String,
}

impl World {
    /// A fresh world without instances.
    pub async fn create() -> Self {
        Self::create_with(|_| {}).await
    }

    /// The same, with a practice server as `adjust` leaves it.
    pub async fn create_with(adjust: impl FnOnce(&mut PracticeConfig)) -> Self {
        Self::assemble(TestDatabase::create().await, adjust).await
    }

    /// A fresh world without instances on `database`, which may be on a server of its own.
    pub async fn on(database: TestDatabase) -> Self {
        Self::assemble(database, |_| {}).await
    }

    async fn assemble(database: TestDatabase, adjust: impl FnOnce(&mut PracticeConfig)) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut config = PracticeConfig::ephemeral(&folder.path().join("tls"));
        adjust(&mut config);
        let sign_in = (config.username.clone(), config.password.clone());
        let practice = PracticeServer::start(config).await.expect("a practice server");
        let master_key = output(letterhead().args(["master-key", "generate"]));
        let mut world =
            Self { database, practice, operator_key: String::new(), sign_in, folder, master_key };
        world.operator_key = output(world.command(&["api-key", "create", "--operator"]));
        world
    }

    /// A world with one instance that serves and delivers.
    pub async fn start() -> (Self, Instance) {
        let world = Self::create().await;
        let instance = world.serve(&[]);
        (world, instance)
    }

    /// The program with this world's configuration and `arguments`.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let ports = [self.practice.starttls_port(), self.practice.implicit_tls_port()];
        let ports = ports.into_iter().chain(self.practice.fault_ports().map(|(_, port)| port));
        let allow: Vec<_> = ports.map(|port| format!("localhost:{port}")).collect();
        let mut command = letterhead();
        command
            .args(arguments)
            .env("LETTERHEAD_DATABASE_URL", self.database.url())
            .env("LETTERHEAD_MASTER_KEYS", &self.master_key)
            .env("LETTERHEAD_ALLOW", allow.join(","))
            .env("LETTERHEAD_CA_FILES", self.practice.ca_file())
            .env("LETTERHEAD_LISTEN", "127.0.0.1:0")
            .env("LETTERHEAD_METRICS_LISTEN", "127.0.0.1:0")
            .env("LETTERHEAD_LEASE_SECONDS", "3")
            .env("LETTERHEAD_TEST_RUNS_PER_MINUTE", "1000")
            .env("LETTERHEAD_TEST_RUNS_PER_HOUR", "10000")
            .env("LETTERHEAD_FAILED_AUTH_PER_MINUTE", "100000")
            .env("RUST_LOG", "letterhead_api=debug,info");
        command
    }

    /// Starts `letterhead serve` with more `environment`, and waits until it listens.
    pub fn serve(&self, environment: &[(&str, &str)]) -> Instance {
        let mut command = self.command(&["serve"]);
        command.envs(environment.iter().copied());
        Instance::start(command, &self.log_file(), &[API, METRICS])
    }

    /// Starts `letterhead work`, which delivers and serves no API, and waits until it is there.
    pub fn work(&self, environment: &[(&str, &str)]) -> Instance {
        let mut command = self.command(&["work"]);
        command.envs(environment.iter().copied());
        Instance::start(command, &self.log_file(), &[METRICS])
    }

    /// The master key that every instance knows, as `id:base64`.
    pub fn master_key(&self) -> &str {
        &self.master_key
    }

    /// Everything that the instances of this world have logged; complete once they have stopped.
    pub fn log_file(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    /// Waits until an instance of this world has logged `words`.
    pub async fn wait_for_log(&self, words: &str) {
        let begun = Instant::now();
        loop {
            let log = fs::read(self.log_file()).expect("a log");
            if String::from_utf8_lossy(&log).contains(words) {
                return;
            }
            assert!(begun.elapsed() < PATIENCE, "never logged: {words}");
            // A log tells nobody when it grows.
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
    }

    /// A folder for the test's own files.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A client with the operator's key.
    pub fn operator(&self, instance: &Instance) -> Client {
        Client::new(&instance.url, &self.operator_key)
    }

    /// Creates a tenant, and gives a client with a key that may do everything.
    pub async fn tenant(&self, instance: &Instance, slug: &str) -> Client {
        let operator = self.operator(instance);
        let created = operator.post("/v1/tenants", json!({"slug": slug, "name": slug})).await;
        assert_eq!(created.status, 201, "{created:?}");
        let scopes = [
            "settings:read",
            "settings:write",
            "test:run",
            "messages:send",
            "messages:read",
            "audit:read",
        ];
        let body = json!({"name": "test", "scopes": scopes});
        let key = operator.post(&format!("/v1/tenants/{slug}/api-keys"), body).await;
        assert_eq!(key.status, 201, "{key:?}");
        Client::new(&instance.url, key.body["key"].as_str().expect("a key"))
    }

    /// Settings that the practice server takes.
    pub fn settings(&self) -> Value {
        json!({
            "driver": "smtp",
            "host": "localhost",
            "port": self.practice.starttls_port(),
            "encryption": "starttls",
            "auth": "password",
            "username": self.sign_in.0,
            "password": self.sign_in.1,
            "sender_name": "Aurora Books",
            "sender_email": "billing@aurora.example",
            "reply_to": null,
        })
    }

    /// Creates a tenant whose default sender is live.
    pub async fn live_tenant(&self, instance: &Instance, slug: &str) -> Client {
        let client = self.tenant(instance, slug).await;
        client.save_and_test(self.settings()).await;
        client
    }
}

impl Instance {
    fn start(mut command: Command, log: &Path, listeners: &'static [&'static str]) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the letterhead binary starts");
        let stderr = BufReader::new(child.stderr.take().expect("a pipe"));
        let mut log = OpenOptions::new().create(true).append(true).open(log).expect("a log file");
        let (found, addresses) = mpsc::channel();
        // Reads to the end, so that the program never waits for its own log.
        let log = thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                let line = without_colour(&line);
                for &what in listeners {
                    if let Some((_, rest)) = line.split_once(what)
                        && let Some((_, address)) = rest.split_once("address=")
                    {
                        let address = address.split_whitespace().next().unwrap_or_default();
                        let _gone = found.send((what, format!("http://{address}")));
                    }
                }
                let _full = writeln!(log, "{line}");
            }
        });
        let mut urls = HashMap::new();
        while urls.len() < listeners.len() {
            let (what, url) = addresses.recv_timeout(PATIENCE).expect("the program listens");
            urls.insert(what, url);
        }
        let mut url = |what| urls.remove(what).unwrap_or_default();
        let (url, metrics_url) = (url(API), url(METRICS));
        Self { child, log: Some(log), url, metrics_url }
    }

    /// The process's number.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Ends the process at once, as a power cut would.
    pub fn kill(mut self) {
        self.child.kill().expect("SIGKILL");
        self.child.wait().expect("the process ends");
    }

    /// Takes the processor from it, as a hypervisor may from a whole machine, and waits until none of
    /// its threads has one: the signal stops the first one, which stops the others.
    pub async fn suspend(&self) {
        self.signal("-STOP");
        let begun = Instant::now();
        while !self.is_suspended() {
            assert!(begun.elapsed() < PATIENCE, "never suspended");
            // Only its parent is told, and by a signal.
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    fn is_suspended(&self) -> bool {
        let threads = fs::read_dir(format!("/proc/{}/task", self.pid())).expect("its threads");
        threads.filter_map(Result::ok).all(|thread| {
            let stat = fs::read_to_string(thread.path().join("stat")).unwrap_or_default();
            // The state follows the name, which stands in brackets and may hold anything.
            stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('T'))
        })
    }

    /// Lets it go on where it was suspended.
    pub fn resume(&self) {
        self.signal("-CONT");
    }

    /// Asks the process to stop; [`Instance::stop`] waits until it has.
    pub fn ask_to_stop(&self) {
        self.signal("-TERM");
    }

    /// Asks the process to stop, and waits until it has; gives whether it said success.
    pub fn stop(mut self) -> bool {
        self.ask_to_stop();
        let success = self.child.wait().expect("the process ends").success();
        self.log.take().map(JoinHandle::join);
        success
    }

    fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args([signal, &pid]).status().expect("kill runs");
        assert!(sent.success(), "{signal} is sent");
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _gone = self.child.wait();
    }
}

/// The binary without any configuration: beside this program or, for tests, in the folder above,
/// where `make test` builds it first.
///
/// # Panics
///
/// If it was not built.
pub fn letterhead() -> Command {
    let program = env::current_exe().expect("this program's path");
    let mut places = program.ancestors().skip(1).take(2).map(|folder| folder.join("letterhead"));
    let binary = places.find(|place| place.is_file());
    let binary = binary.expect("letterhead is built: run `make test`, which does it first");
    let mut command = Command::new(binary);
    // Nothing of the developer's own configuration.
    #[expect(clippy::disallowed_methods, reason = "what a child is not to be given is asked here")]
    let environment = env::vars_os();
    for (name, _) in environment {
        if name.to_string_lossy().starts_with("LETTERHEAD_") {
            command.env_remove(name);
        }
    }
    command
}

/// What a command prints, when it succeeds.
pub fn output(mut command: impl std::borrow::BorrowMut<Command>) -> String {
    let output = command.borrow_mut().output().expect("the command runs");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{:?}: {error}", command.borrow_mut());
    String::from_utf8(output.stdout).expect("text").trim().to_owned()
}

fn without_colour(line: &str) -> String {
    let mut plain = String::new();
    let mut rest = line;
    while let Some((before, after)) = rest.split_once('\u{1b}') {
        plain.push_str(before);
        rest = after.split_once('m').map_or("", |(_, rest)| rest);
    }
    plain.push_str(rest);
    plain
}
