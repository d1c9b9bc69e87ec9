//! `make soak`: nothing is lost, and every duplicate is explained.
//!
//! Many tenants hand messages over while workers are killed and their database with them, again and
//! again, at moments that a seed decides. In the end what the database says is held against the
//! ledger of the mail server that got the mail, message by message.
//!
//! What the run itself cannot do ends it with a panic; what it finds wrong ends it with status 1.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a report is what it is run for, and what it cannot do it says by a panic"
)]

use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

mod campaign;
mod chance;
mod cluster;
mod feed;
mod ledger;
mod sink;
mod verdict;

/// Kill workers and their database while they send, and prove that nothing is lost
#[derive(Parser)]
struct CommandLine {
    #[command(flatten)]
    plan: Plan,
    #[command(subcommand)]
    part: Option<Part>,
}

#[derive(Subcommand)]
enum Part {
    /// The mail server of a run; started by it
    #[command(hide = true)]
    Sink,
}

/// What a run does.
#[derive(Args, Clone, Debug)]
struct Plan {
    /// Messages in all
    #[arg(long, default_value_t = 50_000)]
    messages: usize,
    /// Tenants: three with half of all messages, a tenth with most others, the rest with one each
    #[arg(long, default_value_t = 300, value_parser = at_least_one)]
    tenants: usize,
    /// Worker processes
    #[arg(long, default_value_t = 4, value_parser = at_least_one)]
    workers: usize,
    /// How often a worker gets SIGKILL
    #[arg(long, default_value_t = 500)]
    kills: usize,
    /// How often the database is ended without a checkpoint, and started again
    #[arg(long, default_value_t = 20)]
    stops: usize,
    /// Seconds after which the lanes of a killed worker are taken over
    #[arg(long, default_value_t = 3)]
    lease: u64,
    /// What chance begins with; the same again gives the same blows
    #[arg(long, default_value_t = fresh_seed(), hide_default_value = true, global = true)]
    seed: u64,
    /// Which server of deploy/dev/postgres to use: soak or soak-test
    #[arg(long, default_value = "soak")]
    postgres: String,
}

fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("at least one is needed".to_owned()),
        Ok(number) => Ok(number),
        Err(err) => Err(format!("{err}")),
    }
}

/// A seed nobody chose, short enough to be typed again.
fn fresh_seed() -> u64 {
    use std::hash::{BuildHasher, Hasher, RandomState};
    RandomState::new().build_hasher().finish() % 1_000_000
}

#[tokio::main]
async fn main() -> ExitCode {
    let CommandLine { plan, part } = CommandLine::parse();
    match part {
        Some(Part::Sink) => {
            sink::serve(plan.seed).await.expect("the sink serves");
            ExitCode::SUCCESS
        }
        None => campaign::run(plan).await,
    }
}
