//! Measures the program beside what people know. `docs/performance.md` says how to run it and how to
//! read what it prints: ratios of one run are comparable from machine to machine, rates are not.
//!
//! It conducts: everything that is measured, and everything that it is compared with, runs in a
//! process of its own. A measurement that cannot be made ends the run and says why.

#![expect(clippy::print_stdout, reason = "a report is what it is run for")]

use std::{env, error::Error, process::ExitCode};

mod api;
mod bare;
mod children;
mod clients;
mod database;
mod delivery;
mod engine;
mod flood;
mod growth;
mod installation;
mod machine;
mod memory;
mod naive;
mod outbox;
mod pgbench;
mod player;
mod probe;
mod report;
mod server;
mod silence;
mod statements;
mod tenants;
mod tools;

use self::{report::Part, tools::Tools};

/// Why a measurement could not be made.
type Failure = Box<dyn Error + Send + Sync>;

/// Every part, in the order in which they run.
const PARTS: [&str; 7] = ["engine", "api", "delivery", "growth", "silence", "flood", "memory"];

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let done = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["bare", url, tenant] => bare::serve(url, tenant).await,
        ["naive", url, port] => naive::play(url, port).await,
        ["table"] => tools::results().and_then(|results| report::print_all(&results)),
        ref chosen => measure(chosen).await,
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
#[derive(Clone, Copy)]
struct Length {
    /// Measurements of each kind, each contestant in turn.
    rounds: usize,
    /// Whether it is only to be seen that everything works.
    short: bool,
}

impl Length {
    /// `full`, or `short` where that is all that is asked for.
    const fn choose<T: Copy>(self, full: T, short: T) -> T {
        if self.short { short } else { full }
    }
}

async fn measure(chosen: &[&str]) -> Result<(), Failure> {
    let short = chosen.contains(&"--short");
    let parts: Vec<_> = chosen.iter().filter(|word| **word != "--short").collect();
    if let Some(unknown) = parts.iter().find(|part| !PARTS.contains(*part)) {
        return Err(format!(
            "there is no part {unknown}; there are {}; --short says whether they work, \
             and table prints what was measured before",
            PARTS.join(", ")
        )
        .into());
    }
    let tools = Tools::from_environment()?;
    let length = Length { rounds: if short { 1 } else { 5 }, short };
    for part in PARTS {
        if !parts.is_empty() && !parts.contains(&&part) {
            continue;
        }
        let mut report = Part::begin(&tools, part, short).await?;
        match part {
            "engine" => engine::measure(&tools, length, &mut report).await?,
            "api" => api::measure(&tools, length, &mut report).await?,
            "delivery" => delivery::measure(&tools, length, &mut report).await?,
            "growth" => growth::measure(&tools, length, &mut report).await?,
            "silence" => silence::measure(&tools, length, &mut report).await?,
            "flood" => flood::measure(&tools, length, &mut report).await?,
            _ => memory::measure(&tools, length, &mut report).await?,
        }
        report.end(&tools)?;
        installation::remove_all(&tools).await?;
    }
    Ok(())
}
