//! A thousand tenants whose servers take connections and never say a word, and one whose server is
//! well: what the one notices of the others, and what they cost in memory.

use std::time::Duration;

use crate::{
    Failure, Length,
    installation::Installation,
    machine::{MIB, forget_peak, peak, resident},
    outbox,
    outbox::Range,
    probe::{Prober, latencies},
    report::{Goal, Part, Row, grouped, percentile},
    server::{Offer, Server},
    tools::Tools,
};

/// The tenant that is well.
const HEALTHY: Range = Range { from: 1, to: 1 };
const HEALTHY_SLUG: &str = "tenant-1";
/// Messages on the lane of each that is not.
const EACH: usize = 10;
/// How often the healthy one sends.
const INTERVAL: Duration = Duration::from_millis(100);
/// The address of tenant `n`'s silent server, as SQL.
const HOST: &str = "'127.1.' || n / 250 || '.' || 1 + n % 250";

/// Measures everything.
pub(crate) async fn measure(
    tools: &Tools,
    length: Length,
    report: &mut Part,
) -> Result<(), Failure> {
    let silent = Range { from: 2, to: length.choose(1_001, 21) };
    let (alone_for, beside_for) = length.choose((20, 45), (2, 5));
    let sink = Server::sink(tools, Offer::BEST).await?;
    let mut silence = Server::silent(tools).await?;
    let mut installation = Installation::create(tools, "letterhead_bench_silence").await?;
    let hosts = (silent.from..=silent.to).map(|n| format!("127.1.{}.{}", n / 250, 1 + n % 250));
    let hosts = hosts.map(|host| format!("{host}:{}", silence.port));
    let allowed: Vec<_> = hosts.chain([format!("localhost:{}", sink.port)]).collect();
    installation.set("LETTERHEAD_ALLOW", &allowed.join(","));
    let db = &installation.db;
    outbox::prepare(db, 500).await?;
    outbox::add_tenants(db, HEALTHY, "'localhost'", sink.port).await?;
    outbox::add_tenants(db, silent, HOST, silence.port).await?;

    let beside_whom = format!("beside {} silent servers", grouped(&(silent.to - silent.from + 1)));
    let row = |who: &str| Row::new("202 to accepted, 95th percentile", who, "ms");
    let mut alone = row("one tenant, alone");
    let mut beside = row(&beside_whom);
    let mut grown = Row::new("memory at its peak", &beside_whom, "MiB more");
    for _ in 0..length.rounds {
        outbox::empty(db).await?;
        outbox::settle(db).await?;
        silence.reset().await?;
        let (server, address) = installation.serve(&[]).await?;
        let mut prober = Prober::new(address, &installation.key, HEALTHY_SLUG).await?;
        // The first message opens what the others use.
        prober.send().await?;
        let answered = prober.probe(INTERVAL, Duration::from_secs(alone_for)).await?;
        let took = latencies(db, HEALTHY_SLUG, &answered).await?;
        alone.values.push(percentile(&took.each, 95));

        let before = resident(server.id())?;
        forget_peak(server.id())?;
        outbox::add_messages(db, silent, EACH).await?;
        outbox::wake(db, silent).await?;
        let answered = prober.probe(INTERVAL, Duration::from_secs(beside_for)).await?;
        let took = latencies(db, HEALTHY_SLUG, &answered).await?;
        beside.values.push(percentile(&took.each, 95));
        grown.values.push((peak(server.id())? - before) / MIB);
        let (tried, longest) = (silence.tally().await?.connections, percentile(&took.each, 100));
        let waiting = took.waiting;
        beside.note = format!(
            "in the last round {tried} connections to them, longest {longest:.0} ms, \
             {waiting} never accepted"
        );
        server.kill().await?;
    }
    beside.ratios = beside.values.iter().zip(&alone.values).map(|(one, two)| one / two).collect();
    report.add(alone);
    report.add(beside.with_goal(Goal::RatioAtMost(1.5)));
    report.add(grown.with_goal(Goal::AtMost(64.0)));
    Ok(())
}
