//! One tenant hands over a month-end's statements; another sends a message a second meanwhile.

use std::time::{Duration, Instant};

use crate::{
    Failure, Length,
    installation::Installation,
    outbox,
    outbox::Range,
    probe::{Answered, Prober, latencies},
    report::{Goal, Part, Row, grouped, median, percentile},
    server::{Offer, Server},
    tools::Tools,
};

/// The tenant that floods, and the other one.
const FLOODING: Range = Range { from: 1, to: 1 };
const OTHER: Range = Range { from: 2, to: 2 };
const OTHER_SLUG: &str = "tenant-2";
const SECOND: Duration = Duration::from_secs(1);

/// Measures everything.
pub(crate) async fn measure(
    tools: &Tools,
    length: Length,
    report: &mut Part,
) -> Result<(), Failure> {
    let flood = length.choose(100_000, 5_000);
    // A flood that lasts longer says no more.
    let longest = Duration::from_secs(length.choose(60, 5));
    let sink = Server::sink(tools, Offer::BEST).await?;
    let mut installation = Installation::create(tools, "letterhead_bench_flood").await?;
    installation.set("LETTERHEAD_ALLOW", &format!("localhost:{}", sink.port));
    let db = &installation.db;
    outbox::prepare(db, 4 * 1024).await?;
    outbox::add_tenants(db, FLOODING, "'localhost'", sink.port).await?;
    outbox::add_tenants(db, OTHER, "'localhost'", sink.port).await?;
    let (mut took, mut waiting) = (Vec::new(), 0);
    for _ in 0..length.rounds {
        outbox::empty(db).await?;
        outbox::add_messages(db, FLOODING, flood).await?;
        outbox::settle(db).await?;
        let (server, address) = installation.serve(&[]).await?;
        let mut prober = Prober::new(address, &installation.key, OTHER_SLUG).await?;
        outbox::wake(db, FLOODING).await?;
        let mut answered = Answered::new();
        let began = Instant::now();
        while is_flooded(&installation).await? && began.elapsed() < longest {
            answered.extend(prober.probe(SECOND, SECOND).await?);
        }
        let round = latencies(db, OTHER_SLUG, &answered).await?;
        waiting += round.waiting;
        took.extend(round.each);
        server.kill().await?;
    }
    let who = format!("one message a second while another tenant sends {}", grouped(&flood));
    let mut row = Row::new("202 to accepted, 99th percentile", &who, "ms");
    row.values.push(percentile(&took, 99));
    let (count, middle, last) = (took.len(), median(&took), percentile(&took, 100));
    row.note = format!(
        "{count} messages, median {middle:.0} ms, longest {last:.0} ms, {waiting} never accepted"
    );
    report.add(row.with_goal(Goal::AtMost(2_000.0)));
    Ok(())
}

async fn is_flooded(installation: &Installation) -> Result<bool, Failure> {
    let waiting = "EXISTS (SELECT FROM messages WHERE tenant_id = bench_tenant(1)
        AND status IN ('queued', 'deferred', 'held'))";
    installation.db.is(waiting).await
}
