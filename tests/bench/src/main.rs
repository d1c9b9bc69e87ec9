//! Measures the program beside what it stands on. `docs/performance.md` says how to run it and how to
//! read what it prints: ratios of one run are comparable from machine to machine, rates are not.
//!
//! A measurement that cannot be made ends the run and says why.

#![expect(clippy::print_stdout, reason = "a report is what it is run for")]

use std::{env, error::Error, process::ExitCode};

mod api;
mod bare;
mod clients;
mod memory;
mod peer;
mod report;
mod stand;

/// Why a measurement could not be made.
type Failure = Box<dyn Error + Send + Sync>;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let done = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["api"] => api::measure(&Length { seconds: 4, rounds: 5 }).await,
        // Says that everything works, not how fast.
        ["api", "--short"] => api::measure(&Length { seconds: 1, rounds: 1 }).await,
        ["bare", url, tenant] => bare::serve(url, tenant).await,
        _ => Err("usage: letterhead-benches api [--short]".into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(err) => {
            println!("not measured: {err}");
            ExitCode::FAILURE
        }
    }
}

/// How much is measured.
struct Length {
    /// Of one measurement.
    seconds: u64,
    /// Measurements of each kind, ours and the peer's in turn.
    rounds: usize,
}
