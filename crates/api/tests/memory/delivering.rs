//! A message with a large file is delivered.

use std::{
    io::{BufRead, BufReader, Lines},
    path::PathBuf,
    process::{Child, ChildStdout, Command, Stdio},
};

use letterhead_api::worker::{Worker, WorkerConfig};
use letterhead_mailer::egress::policy::EgressPolicy;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{MEMORY, SLACK, world};

/// Nearly as large as a message may be.
const FILE: usize = 48 * 436_800;
/// As base64, with the ends of its lines.
const ENCODED: usize = FILE / 57 * 78;

/// The practice server, in a process of its own: what it keeps of a mail is not counted.
struct Practice {
    process: Child,
    port: u16,
    username: String,
    password: String,
    authority: PathBuf,
    /// Whoever says something into a pipe that nobody holds is ended.
    _output: Lines<BufReader<ChildStdout>>,
    _folder: TempDir,
}

impl Practice {
    fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut process = Command::new(env!("CARGO_BIN_EXE_letterhead"))
            .args(["practice-server", "--starttls-port=0", "--implicit-tls-port=0"])
            .args(["--fault-port=0", "--inbox-port=0", "--state"])
            .arg(folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program");
        let mut lines = BufReader::new(process.stdout.take().expect("its output")).lines();
        let mut said = |name: &str| loop {
            let line = lines.next().expect("more to say").expect("a line");
            if let Some(value) = line.strip_prefix(name) {
                break value.trim().to_owned();
            }
        };
        let address = said("STARTTLS");
        let (_, port) = address.rsplit_once(':').expect("a port");
        Self {
            port: port.parse().expect("a number"),
            username: said("user name"),
            password: said("password"),
            authority: said("trust").into(),
            process,
            _output: lines,
            _folder: folder,
        }
    }

    fn settings(&self) -> Value {
        json!({
            "host": "localhost", "port": self.port, "encryption": "starttls",
            "username": self.username, "password": self.password,
            "sender_name": "Aurora Books", "sender_email": "billing@aurora.example",
        })
    }
}

impl Drop for Practice {
    fn drop(&mut self) {
        // It may have ended by itself, which the test has seen then.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[tokio::test]
async fn a_file_of_20_mib_is_held_once_while_its_message_is_delivered() {
    let practice = Practice::start();
    let server = format!("localhost:{}", practice.port).parse().expect("a destination");
    let policy = EgressPolicy { allowed: vec![server], extra_ports: Vec::new() };
    let world = world(policy, std::slice::from_ref(&practice.authority)).await;
    world.set_up(practice.settings()).await;
    let worker = Worker::new(world.app.clone(), WorkerConfig::default());
    let accepted = "SELECT count(*) FROM messages WHERE status = 'accepted'";
    // What is made once is there before anything is counted: a session, among others.
    world.accept_small().await;
    worker.run_once().await.expect("a database");
    assert_eq!(world.database.number(accepted).await, 1);
    world.accept_small().await;
    // It grows where this process does not see it.
    let lines = FILE / 32;
    let grow = format!(
        "UPDATE messages SET size = {FILE} WHERE status = 'queued';
         UPDATE message_bodies SET attachment_contents = ARRAY[(
             SELECT string_agg(sha256(n::text::bytea), '') FROM generate_series(1, {lines}) n)]
         WHERE id = (SELECT id FROM messages WHERE status = 'queued')"
    );
    world.database.sql(&grow).await;
    let before = MEMORY.allocated();
    assert!(MEMORY.max_allocated() < before + FILE / 2, "the peak to be measured would not show");

    worker.run_once().await.expect("a database");

    let growth = MEMORY.max_allocated() - before;
    assert_eq!(world.database.number(accepted).await, 2);
    assert!(growth <= ENCODED + SLACK, "{growth} bytes");
}
