//! The API: handing messages over, and reading a sender, by 32 clients that keep their connections.

use std::{env, net::SocketAddr};

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::Command;

use crate::{
    Failure, Length,
    children::{Running, start_printing},
    clients::{Load, Request, Sample},
    installation::Installation,
    pgbench,
    report::{Goal, Part, Row},
    tenants,
    tools::Tools,
};

/// What the message of every measurement says: the size of a short receipt.
const TEXT: &str =
    "Thank you for your order. Your receipt is below; please keep it for your books.\n";
/// The slugs of the tenants begin so.
const SLUG: &str = "bench";
/// Tenants whose messages arrive at the same time in the second row.
const MANY: usize = 32;

/// What is measured: the program without its worker, and a bare handler beside it.
pub(crate) struct Stand {
    pub(crate) installation: Installation,
    server: Running,
    address: SocketAddr,
    bare: Running,
    bare_address: SocketAddr,
    /// The first tenant, and its sender.
    pub(crate) tenant: String,
    pub(crate) sender: String,
    pub(crate) folder: TempDir,
}

impl Stand {
    async fn prepare(tools: &Tools) -> Result<Self, Failure> {
        let installation = Installation::create(tools, "letterhead_bench_api").await?;
        installation.db.run("CREATE SEQUENCE bench_ids CACHE 1000").await?;
        let (server, address) = installation.serve(&["--no-worker"]).await?;
        let settings = json!({
            "host": "mail.smtp2go.com", "port": 587, "encryption": "starttls", "username": "aurora",
            "password": "a password of the bench", "sender_name": "Aurora Books",
            "sender_email": "billing@aurora.example",
        });
        let key = &installation.key;
        let first = tenants::make(address, key, SLUG, MANY, &settings).await?;
        let tenants::Made { tenant, sender } = first;
        let mut bare = Command::new(env::current_exe()?);
        bare.args(["bare", &installation.url, &tenant]);
        let (bare, bare_address) = start_printing(bare).await?;
        let (bare_address, folder) = (bare_address.parse()?, tempfile::tempdir()?);
        Ok(Self { installation, server, address, bare, bare_address, tenant, sender, folder })
    }

    /// Fails if fewer messages are stored than `per_second` over `seconds`: an answer says little if
    /// nobody looks whether it is true.
    async fn expect_stored(&self, per_second: f64, seconds: u32) -> Result<(), Failure> {
        let stored = self.installation.db.number("SELECT count(*) FROM messages").await?;
        if stored < per_second * f64::from(seconds) {
            return Err(
                format!("only {stored} messages are stored at {per_second} a second").into()
            );
        }
        Ok(())
    }

    /// Removes what was stored, so that each measurement begins alike.
    async fn empty(&self) -> Result<(), Failure> {
        let tables = "attempts, recipients, message_bodies, messages, idempotency_keys";
        self.installation.db.run(&format!("TRUNCATE {tables}")).await?;
        self.installation.db.run("CHECKPOINT").await
    }
}

fn message() -> Value {
    json!({
        "kind": "receipt",
        "to": [{"email": "ann@example.net", "name": "Ann"}],
        "subject": "Your receipt 4711",
        "text": TEXT.repeat(10),
    })
}

/// Measures everything.
pub(crate) async fn measure(
    tools: &Tools,
    length: Length,
    report: &mut Part,
) -> Result<(), Failure> {
    let seconds = length.choose(4, 1);
    let stand = Stand::prepare(tools).await?;
    let key = &stand.installation.key;
    let post = |slug: &str| Request::post(&format!("/v1/tenants/{slug}/messages"), key, &message());
    let batch = json!({"messages": vec![json!({"message": message()}); 100]});
    let batch = Request::post(&format!("/v1/tenants/{SLUG}-0/messages/batch"), key, &batch);
    let sender = Request::get(&format!("/v1/tenants/{SLUG}-0/senders/default"), key);
    let everybody: Vec<_> = (0..MANY).map(|number| post(&format!("{SLUG}-{number}"))).collect();
    let rows = [
        ("POST messages, one tenant", vec![post(&format!("{SLUG}-0"))], 1, Peer::Rows(1)),
        ("POST messages, 32 tenants", everybody, 1, Peer::Rows(1)),
        ("POST messages/batch of 100", vec![batch], 100, Peer::Rows(10)),
        ("GET senders/default", vec![sender], 1, Peer::Bare),
    ];
    for (name, requests, per_request, peer) in rows {
        let mut ours = Row::new(name, "Letterhead, 32 clients", "a second");
        let mut peers = Row::new(name, peer.name(), "a second").with_goal(peer.goal());
        for _ in 0..length.rounds {
            stand.empty().await?;
            let load = Load { address: stand.address, requests: &requests, expect: peer.status() };
            let sample = load.run(seconds, stand.server.id()).await?;
            let per_second = sample.per_second * f64::from(per_request);
            if matches!(peer, Peer::Rows(_)) {
                stand.expect_stored(per_second, seconds).await?;
            }
            ours.values.push(per_second);
            ours.add_busy(&["server", "clients"], &sample.busy);
            stand.empty().await?;
            let sample = peer.run(&stand, seconds).await?;
            peers.values.push(sample.per_second);
            peers.add_busy(peer.processes(), &sample.busy);
        }
        report.add(ours.clone());
        peers.compare(&ours);
        report.add(peers);
    }
    Ok(())
}

/// What a row is compared with.
enum Peer {
    /// pgbench, inserting so many rows a statement.
    Rows(u32),
    /// A poem handler that does one read by primary key.
    Bare,
}

impl Peer {
    const fn name(&self) -> &'static str {
        match self {
            Self::Rows(1) => "pgbench, the row alone",
            Self::Rows(_) => "pgbench, 10 rows a statement",
            Self::Bare => "poem with one sea-orm read",
        }
    }

    const fn goal(&self) -> Goal {
        match self {
            Self::Rows(_) => Goal::Ratio(0.75),
            Self::Bare => Goal::Ratio(0.8),
        }
    }

    const fn status(&self) -> u16 {
        match self {
            Self::Rows(_) => 202,
            Self::Bare => 200,
        }
    }

    const fn processes(&self) -> &'static [&'static str] {
        match self {
            Self::Rows(_) => &["clients"],
            Self::Bare => &["server", "clients"],
        }
    }

    async fn run(&self, stand: &Stand, seconds: u32) -> Result<Sample, Failure> {
        match self {
            Self::Rows(rows) => pgbench::run(stand, *rows, seconds).await,
            Self::Bare => {
                let requests = [Request::get("/sender", "")];
                let load = Load { address: stand.bare_address, requests: &requests, expect: 200 };
                load.run(seconds, stand.bare.id()).await
            }
        }
    }
}
