//! The whole way: from the outbox in the database to accepted by the server and recorded.

use std::time::{Duration, Instant};

use tokio::process::Command;

use crate::{
    Failure, Length,
    children::{Answering, Running},
    installation::Installation,
    machine::Meter,
    naive, outbox,
    outbox::Range,
    player::{Mail, Who},
    report::{Goal, Part, Row},
    server::{Offer, Server},
    tools::Tools,
};

const TENANTS: usize = 50;
/// One for each of as many lanes.
const SESSIONS: usize = 32;
/// Bytes of a message's text.
const SIZE: usize = 4 * 1024;
/// How long a round may take.
const PATIENCE: Duration = Duration::from_secs(600);
/// How often it is asked whether all is done.
const GLANCE: Duration = Duration::from_millis(5);

/// What the program is told, so that it has [`SESSIONS`] sessions on as many lanes.
pub(crate) fn configure(installation: &mut Installation, port: u16) {
    installation.set("LETTERHEAD_ALLOW", &format!("localhost:{port}"));
    installation.set("LETTERHEAD_LANES", &SESSIONS);
    installation.set("LETTERHEAD_MAX_SESSIONS", &SESSIONS);
    installation.set("LETTERHEAD_CONNECTIONS_PER_SENDER", &1);
}

/// Measures everything.
pub(crate) async fn measure(
    tools: &Tools,
    length: Length,
    report: &mut Part,
) -> Result<(), Failure> {
    let mut sink = Server::sink(tools, Offer::BEST).await?;
    let mut installation = Installation::create(tools, "letterhead_bench_delivery").await?;
    configure(&mut installation, sink.port);
    let db = &installation.db;
    outbox::prepare(db, SIZE).await?;
    outbox::add_tenants(db, Range::first(TENANTS), "'localhost'", sink.port).await?;
    db.run(naive::TABLES).await?;
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["naive", &installation.url, &sink.port.to_string()]);
    let (mut drain, _ready) = Answering::start(command).await?;
    let mail = Mail::make(tools).await?;
    let pool = Who::NodemailerPool { connections: 10 };
    let mut pool = pool.start(tools, &sink, &mail).await?;

    let measured = "outbox to accepted and recorded, 50 tenants, 4 KiB";
    let row = |who| Row::new(measured, who, "a second");
    let mut ours = row("Letterhead, 32 sessions").with_goal(Goal::AtLeast(12_000.0));
    let mut naives = row("naive drain, 32 in flight").with_goal(Goal::Ratio(6.0));
    let mut pools = row("nodemailer from memory, 10 pooled").with_goal(Goal::Ratio(4.0));
    // Connections and compiled code are not what is compared.
    pool.send(length.choose(2_000, 100)).await?;
    for _ in 0..length.rounds {
        let each = length.choose(1_200, 20);
        let (rate, busy) = ours_once(&installation, &mut sink, each).await?;
        ours.values.push(rate);
        ours.add_busy(&["sender", "sink"], &busy);

        let (rate, busy) =
            naive_once(&installation, &mut drain, &mut sink, length.choose(400, 20)).await?;
        naives.values.push(rate);
        naives.add_busy(&["sender", "sink"], &busy);

        let played = pool.play(length.choose(5_000, 100), &sink).await?;
        pools.values.push(played.per_second);
        pools.add_busy(&["sender", "sink"], &played.busy);
    }
    report.add(ours.clone());
    for mut row in [naives, pools] {
        row.compare(&ours);
        report.add(row);
    }
    Ok(())
}

/// Fills the outbox while nobody works, starts the program, and gives the rate from the first message
/// that the server accepted until the last one is recorded.
async fn ours_once(
    installation: &Installation,
    sink: &mut Server,
    each: usize,
) -> Result<(f64, crate::machine::Busy), Failure> {
    let (db, range, count) = (&installation.db, Range::first(TENANTS), each * TENANTS);
    outbox::empty(db).await?;
    outbox::add_messages(db, range, each).await?;
    outbox::wake(db, range).await?;
    outbox::settle(db).await?;
    sink.reset().await?;
    let mut worker = installation.work()?;
    wait_for(&mut worker, sink, 1).await?;
    let meter = Meter::start(&[worker.id(), sink.id()])?;
    wait_for(&mut worker, sink, count).await?;
    wait_until_recorded(installation).await?;
    let (ended, busy, tally) = (Instant::now(), meter.read()?, sink.tally().await?);
    let accepted = outbox::accepted(db).await?;
    worker.kill().await?;
    expect_all(count, tally.messages, accepted)?;
    Ok((rate(count, tally.first, ended)?, busy))
}

/// The same by the naive drain. Its connections stay open from round to round.
async fn naive_once(
    installation: &Installation,
    drain: &mut Answering,
    sink: &mut Server,
    each: usize,
) -> Result<(f64, crate::machine::Busy), Failure> {
    let db = &installation.db;
    db.run(naive::EMPTY).await?;
    db.run("SET search_path = naive, public").await?;
    outbox::add_messages(db, Range::first(TENANTS), each).await?;
    outbox::settle(db).await?;
    sink.reset().await?;
    let meter = Meter::start(&[drain.process.id(), sink.id()])?;
    drain.ask("drain").await?;
    let (ended, busy, tally) = (Instant::now(), meter.read()?, sink.tally().await?);
    let accepted = outbox::accepted(db).await?;
    db.run("RESET search_path").await?;
    expect_all(each * TENANTS, tally.messages, accepted)?;
    Ok((rate(each * TENANTS, tally.first, ended)?, busy))
}

/// Waits until the server has got `count` messages.
pub(crate) async fn wait_for(
    worker: &mut Running,
    sink: &mut Server,
    count: usize,
) -> Result<(), Failure> {
    let began = Instant::now();
    while sink.tally().await?.messages < count {
        worker.expect_alive()?;
        if began.elapsed() > PATIENCE {
            let got = sink.tally().await?.messages;
            return Err(format!("only {got} of {count} messages have arrived").into());
        }
        tokio::time::sleep(GLANCE).await;
    }
    Ok(())
}

/// Waits until nothing waits or is under way.
pub(crate) async fn wait_until_recorded(installation: &Installation) -> Result<(), Failure> {
    let began = Instant::now();
    while !outbox::is_done(&installation.db).await? {
        if began.elapsed() > PATIENCE {
            return Err("what was accepted is not recorded".into());
        }
        tokio::time::sleep(GLANCE).await;
    }
    Ok(())
}

fn expect_all(count: usize, taken: usize, accepted: usize) -> Result<(), Failure> {
    if taken == count && accepted == count {
        return Ok(());
    }
    Err(format!("of {count} messages the server took {taken}, and {accepted} are recorded").into())
}

/// Messages a second.
pub(crate) fn rate(count: usize, first: Instant, last: Instant) -> Result<f64, Failure> {
    Ok(f64::from(u32::try_from(count)?) / last.duration_since(first).as_secs_f64())
}
