//! The API: handing messages over, and reading a sender, by 32 clients that keep their connections.

use std::fmt::Write;

use serde_json::{Value, json};

use crate::{
    Failure, Length,
    clients::{Load, Request},
    memory, peer,
    report::{Report, Row, Sample},
    stand::{SLUG, Stand},
};

/// What the message of every measurement says: the size of a short receipt.
const TEXT: &str =
    "Thank you for your order. Your receipt is below; please keep it for your books.\n";
/// Tenants whose messages arrive at the same time in the second row.
const MANY: usize = 32;

fn message() -> Value {
    json!({
        "kind": "receipt",
        "to": [{"email": "ann@example.net", "name": "Ann"}],
        "subject": "Your receipt 4711",
        "text": TEXT.repeat(10),
    })
}

/// Measures everything and prints it.
pub(crate) async fn measure(length: &Length) -> Result<(), Failure> {
    let stand = Stand::prepare(MANY).await?;
    let idle = memory::resident(stand.server.id())?;
    let mut report = Report::new();
    let post = |slug: &str| {
        let path = format!("/v1/tenants/{slug}/messages");
        Request::post(&path, &stand.key, &message())
    };
    let batch = json!({"messages": vec![json!({"message": message()}); 100]});
    let batch = Request::post(&format!("/v1/tenants/{SLUG}-0/messages/batch"), &stand.key, &batch);
    let sender = format!("/v1/tenants/{SLUG}-0/senders/default");
    let everybody: Vec<_> = (0..MANY).map(|number| post(&format!("{SLUG}-{number}"))).collect();
    let rows = [
        ("POST messages, one tenant", vec![post(&format!("{SLUG}-0"))], 1, Peer::Rows(1)),
        ("POST messages, 32 tenants", everybody, 1, Peer::Rows(1)),
        ("POST messages/batch of 100", vec![batch], 100, Peer::Rows(10)),
        ("GET senders/default", vec![Request::get(&sender, &stand.key)], 1, Peer::Bare),
    ];
    for (name, requests, per_request, peer) in rows {
        let mut row = Row::new(name, peer.name());
        for _ in 0..length.rounds {
            stand.empty().await?;
            let load = Load { address: stand.address, requests: &requests, expect: peer.status() };
            let ours = load.run(length.seconds, stand.server.id()).await?;
            let ours = ours.times(per_request);
            if matches!(peer, Peer::Rows(_)) {
                stand.expect_stored(ours.per_second, length.seconds).await?;
            }
            row.ours.push(ours);
            stand.empty().await?;
            row.peers.push(peer.run(&stand, length.seconds).await?);
        }
        report.add(row);
    }
    let mut lines = String::new();
    writeln!(lines, "idle memory: {:.1} MiB", memory::mib(idle))?;
    let grown = memory::of_one_large_message(&stand).await?;
    writeln!(
        lines,
        "one message with a file of 20 MiB: + {:.1} MiB at the peak",
        memory::mib(grown)
    )?;
    report.print(&lines);
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

    const fn status(&self) -> u16 {
        match self {
            Self::Rows(_) => 202,
            Self::Bare => 200,
        }
    }

    async fn run(&self, stand: &Stand, seconds: u64) -> Result<Sample, Failure> {
        match self {
            Self::Rows(rows) => peer::pgbench(stand, *rows, seconds).await,
            Self::Bare => {
                let requests = [Request::get("/sender", "")];
                let load = Load { address: stand.bare_address, requests: &requests, expect: 200 };
                load.run(seconds, stand.bare.id()).await
            }
        }
    }
}
