//! Whether what there is to choose from costs anything: the same fifty lanes are drained beside a
//! hundred times as many tenants, and out of a hundred times as many waiting messages.

use crate::{
    Failure, Length,
    database::Database,
    delivery,
    installation::Installation,
    outbox,
    outbox::Range,
    report::{Goal, Part, Row, grouped},
    server::{Offer, Server},
    statements,
    tools::Tools,
};

/// Lanes on which messages wait.
const LANES: usize = 50;
/// Bytes of a message's text: what is looked for is the cost of finding, not of carrying.
const SIZE: usize = 500;

/// A database of one size, filled.
struct Filled {
    /// Messages that wait, on [`LANES`] lanes together.
    waiting: usize,
    installation: Installation,
    database: String,
    rates: Row,
    claims: Row,
}

/// Measures everything.
pub(crate) async fn measure(
    tools: &Tools,
    length: Length,
    report: &mut Part,
) -> Result<(), Failure> {
    statements::count(tools).await?;
    let done = drain_all(tools, length, report).await;
    statements::count_no_more(tools).await?;
    done
}

async fn drain_all(tools: &Tools, length: Length, report: &mut Part) -> Result<(), Failure> {
    let (few, many) = length.choose((1_000, 100_000), (100, 1_000));
    let (little, much) = length.choose((10_000, 1_000_000), (1_000, 5_000));
    let mut sink = Server::sink(tools, Offer::BEST).await?;
    let mut all = Vec::new();
    for (number, (tenants, waiting)) in
        [(few, little), (many, little), (many, much)].into_iter().enumerate()
    {
        let database = format!("letterhead_bench_growth_{number}");
        let mut installation = Installation::create(tools, &database).await?;
        delivery::configure(&mut installation, sink.port);
        let db = &installation.db;
        outbox::prepare(db, SIZE).await?;
        outbox::add_tenants(db, Range::first(tenants), "'localhost'", sink.port).await?;
        let name = format!("{} tenants, {} waiting", grouped(&tenants), grouped(&waiting));
        let (rates, claims) = (
            Row::new("draining", &name, "a second"),
            Row::new("one claim of lanes, in the database", &name, "ms"),
        );
        all.push(Filled { waiting, installation, database, rates, claims });
    }
    let counts = Database::at(&tools.superuser).await?;
    for round in 0..length.rounds {
        for filled in &mut all {
            statements::forget(&counts).await?;
            // What is much is filled once: a round takes little of it.
            if round == 0 || filled.waiting == little {
                outbox::empty(&filled.installation.db).await?;
                let each = filled.waiting / LANES;
                outbox::add_messages(&filled.installation.db, Range::first(LANES), each).await?;
                outbox::settle(&filled.installation.db).await?;
            }
            filled.rates.values.push(drain(&filled.installation, &mut sink, little).await?);
            if let Some(took) = statements::claim(&counts, &filled.database).await? {
                filled.claims.values.push(took);
            }
        }
    }
    let base = all.first().map(|filled| filled.rates.clone()).ok_or("nothing to compare with")?;
    for (number, filled) in all.iter_mut().enumerate() {
        if number > 0 {
            let pairs = filled.rates.values.iter().zip(&base.values);
            filled.rates.ratios = pairs.map(|(this, base)| this / base).collect();
            filled.rates.goal = Some(Goal::Ratio(0.85));
        }
        report.add(filled.rates.clone());
    }
    for filled in all {
        report.add(filled.claims);
    }
    Ok(())
}

/// The rate of the first four fifths of `count` messages: what is left then is the lanes' ends, which a
/// large backlog does not have.
async fn drain(
    installation: &Installation,
    sink: &mut Server,
    count: usize,
) -> Result<f64, Failure> {
    outbox::wake(&installation.db, Range::first(LANES)).await?;
    sink.reset().await?;
    let mut worker = installation.work()?;
    delivery::wait_for(&mut worker, sink, count / 5 * 4).await?;
    let tally = sink.tally().await?;
    // Lanes are given back, so that the next round finds them as this one did.
    worker.stop().await?;
    delivery::rate(tally.messages, tally.first, tally.last)
}
