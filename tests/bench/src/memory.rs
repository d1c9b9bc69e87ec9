//! What the program keeps in memory: at rest, with many senders, with one large message.

use std::time::Duration;

use serde_json::{Value, json};

use crate::{
    Failure, Length,
    clients::{Connection, Request},
    delivery,
    installation::Installation,
    machine::{MIB, forget_peak, peak, resident},
    outbox,
    report::{Goal, Part, Row, grouped},
    server::{Offer, Server},
    tenants,
    tools::Tools,
};

/// The slugs of the tenants begin so.
const SLUG: &str = "bench";
/// Bytes of the file of the large message: 20 MiB, but for what else a message says.
const FILE: usize = 20 * 1024 * 1024 - 1024;
/// Its bytes as base64, which are what arrives and what leaves.
const ENCODED: usize = FILE / 3 * 4;
/// How long a program that has just started gets to come to rest.
const REST: Duration = Duration::from_secs(3);

/// Measures everything.
pub(crate) async fn measure(
    tools: &Tools,
    length: Length,
    report: &mut Part,
) -> Result<(), Failure> {
    let offer = Offer { keywords: "pipelining chunking auth", starttls: true, ..Offer::BEST };
    let mut sink = Server::sink(tools, offer).await?;
    let mut installation = Installation::create(tools, "letterhead_bench_memory").await?;
    installation.set("LETTERHEAD_ALLOW", &format!("localhost:{}", sink.port));
    installation.set("LETTERHEAD_PROMOTE", &"on-save");
    let authority = sink.ca_file.as_ref().ok_or("a server without a certificate")?;
    installation.set("LETTERHEAD_CA_FILES", &authority.display());

    let mut idle = Row::new("memory at rest", "Letterhead, serving and delivering", "MiB");
    for _ in 0..length.rounds {
        let (server, _) = installation.serve(&[]).await?;
        tokio::time::sleep(REST).await;
        idle.values.push(resident(server.id())? / MIB);
        server.kill().await?;
    }
    report.add(idle.with_goal(Goal::AtMost(60.0)));

    let senders = length.choose(10_000, 200);
    let (server, address) = installation.serve(&["--no-worker"]).await?;
    let settings = json!({
        "host": "localhost", "port": sink.port, "encryption": "starttls", "username": "aurora",
        "password": "a password of the bench", "sender_name": "Aurora Books",
        "sender_email": "billing@aurora.example",
    });
    tenants::make(address, &installation.key, SLUG, senders, &settings).await?;
    server.kill().await?;
    let rounds = length.rounds;
    report.add(many_senders(&installation, &mut sink, senders, rounds).await?);
    for row in large_message(&installation, &mut sink, rounds).await? {
        report.add(row);
    }
    Ok(())
}

/// One message of each of `senders`, so that every one of them is opened and kept.
async fn many_senders(
    installation: &Installation,
    sink: &mut Server,
    senders: usize,
    rounds: usize,
) -> Result<Row, Failure> {
    let who = format!("the worker with {} senders cached, STARTTLS", grouped(&senders));
    let mut row = Row::new("memory with senders", &who, "MiB more");
    let message = json!({
        "kind": "receipt", "to": [{"email": "ann@example.net"}], "subject": "Your receipt 4711",
        "text": "Thank you for your order.",
    });
    for _ in 0..rounds {
        outbox::empty(&installation.db).await?;
        sink.reset().await?;
        let mut worker = installation.work()?;
        tokio::time::sleep(REST).await;
        let before = resident(worker.id())?;
        forget_peak(worker.id())?;
        let (server, address) = installation.serve(&["--no-worker"]).await?;
        let mut connection = Connection::open(address).await?;
        for number in 0..senders {
            let path = format!("/v1/tenants/{SLUG}-{number}/messages");
            accept(&mut connection, &Request::post(&path, &installation.key, &message)).await?;
        }
        delivery::wait_for(&mut worker, sink, senders).await?;
        delivery::wait_until_recorded(installation).await?;
        row.values.push((resident(worker.id())? - before) / MIB);
        row.note = format!("at the peak {:.1} MiB", (peak(worker.id())? - before) / MIB);
        server.kill().await?;
        worker.stop().await?;
    }
    Ok(row.with_goal(Goal::AtMost(64.0)))
}

/// How often a file is held while a message with it is accepted, and while it is delivered.
async fn large_message(
    installation: &Installation,
    sink: &mut Server,
    rounds: usize,
) -> Result<[Row; 2], Failure> {
    let row = |who| {
        let row = Row::new("memory for a file of 20 MiB, at the peak", who, "× its base64");
        row.with_goal(Goal::AtMost(2.0))
    };
    let (mut accepting, mut delivering) = (row("accepting"), row("delivering"));
    let path = format!("/v1/tenants/{SLUG}-0/messages");
    let request = Request::post(&path, &installation.key, &large());
    let small = json!({
        "kind": "receipt", "to": [{"email": "ann@example.net"}], "subject": "Your receipt 4711",
        "text": "Thank you for your order.",
    });
    let small = Request::post(&path, &installation.key, &small);
    let encoded = f64::from(u32::try_from(ENCODED)?);
    for _ in 0..rounds {
        outbox::empty(&installation.db).await?;
        sink.reset().await?;
        let (server, address) = installation.serve(&["--no-worker"]).await?;
        let mut connection = Connection::open(address).await?;
        // What a first message opens is not the file's.
        accept(&mut connection, &small).await?;
        let mut worker = installation.work()?;
        delivery::wait_for(&mut worker, sink, 1).await?;
        delivery::wait_until_recorded(installation).await?;

        let before = [resident(server.id())?, resident(worker.id())?];
        forget_peak(server.id())?;
        forget_peak(worker.id())?;
        accept(&mut connection, &request).await?;
        delivery::wait_for(&mut worker, sink, 2).await?;
        delivery::wait_until_recorded(installation).await?;
        accepting.values.push((peak(server.id())? - before[0]) / encoded);
        delivering.values.push((peak(worker.id())? - before[1]) / encoded);
        server.kill().await?;
        worker.stop().await?;
    }
    Ok([accepting, delivering])
}

fn large() -> Value {
    json!({
        "kind": "statement", "to": [{"email": "ann@example.net"}], "subject": "Statement",
        "text": "Attached.",
        "attachments": [{
            "filename": "statement.pdf", "content_type": "application/pdf",
            "content_base64": "A".repeat(ENCODED),
        }],
    })
}

async fn accept(connection: &mut Connection, request: &Request) -> Result<(), Failure> {
    match connection.ask(request).await? {
        (202, _) => Ok(()),
        (status, body) => {
            Err(format!("answered {status}: {}", String::from_utf8_lossy(&body)).into())
        }
    }
}
