//! What came of it: medians, how far the measurements lie apart, ratios; for people and as JSON.

use std::{fs, thread::available_parallelism};

use serde_json::{Value, json};

use crate::Failure;

/// One measurement.
#[derive(Clone, Copy)]
pub(crate) struct Sample {
    /// Requests, or rows.
    pub(crate) per_second: f64,
    /// Processors that the clients kept busy.
    pub(crate) clients_cpu: f64,
    /// Processors that the process under test kept busy, where there is one besides Postgres.
    pub(crate) server_cpu: Option<f64>,
}

impl Sample {
    /// The same in messages, `per_request` a request.
    pub(crate) fn times(self, per_request: u32) -> Self {
        Self { per_second: self.per_second * f64::from(per_request), ..self }
    }
}

/// What was measured in turn with its peer.
pub(crate) struct Row {
    name: &'static str,
    peer: &'static str,
    pub(crate) ours: Vec<Sample>,
    pub(crate) peers: Vec<Sample>,
}

impl Row {
    /// A row without measurements.
    pub(crate) const fn new(name: &'static str, peer: &'static str) -> Self {
        Self { name, peer, ours: Vec::new(), peers: Vec::new() }
    }

    /// The median of the ratios of measurements that followed each other.
    fn ratio(&self) -> f64 {
        let pairs = self.ours.iter().zip(&self.peers);
        median(pairs.map(|(ours, peer)| ours.per_second / peer.per_second))
    }
}

/// Every row, and the machine.
pub(crate) struct Report(Vec<Row>);

impl Report {
    /// A report of nothing.
    pub(crate) const fn new() -> Self {
        Self(Vec::new())
    }

    /// Adds a row, and says that it is there.
    pub(crate) fn add(&mut self, row: Row) {
        println!("measured: {}", row.name);
        self.0.push(row);
    }

    /// Prints a table, `more` lines, and everything as one line of JSON.
    pub(crate) fn print(&self, more: &str) {
        println!("\n{}\n", machine());
        println!(
            "| measured | a second | peer | a second | ratio | server's CPUs | clients' CPUs |"
        );
        println!("|---|---|---|---|---|---|---|");
        for row in &self.0 {
            let server = row.ours.iter().filter_map(|sample| sample.server_cpu);
            println!(
                "| {} | {} | {} | {} | {:.2} | {:.2} | {:.2} / {:.2} |",
                row.name,
                rate(&row.ours),
                row.peer,
                rate(&row.peers),
                row.ratio(),
                median(server),
                median(row.ours.iter().map(|sample| sample.clients_cpu)),
                median(row.peers.iter().map(|sample| sample.clients_cpu)),
            );
        }
        println!("\n{more}");
        println!(
            "{}",
            json!({"machine": machine(), "rows": self.0.iter().map(as_json).collect::<Vec<_>>()})
        );
    }
}

/// The median, with the lowest and the highest.
fn rate(samples: &[Sample]) -> String {
    let rates = || samples.iter().map(|sample| sample.per_second);
    let (low, high) = (rates().fold(f64::INFINITY, f64::min), rates().fold(0.0, f64::max));
    format!("{:.0} ({low:.0}–{high:.0})", median(rates()))
}

fn as_json(row: &Row) -> Value {
    let rates = |samples: &[Sample]| samples.iter().map(|it| it.per_second).collect::<Vec<_>>();
    json!({
        "name": row.name, "peer": row.peer, "ratio": row.ratio(),
        "per_second": rates(&row.ours), "peer_per_second": rates(&row.peers),
    })
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<_> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The machine, and how busy it is with other things.
fn machine() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let memory =
        memory.lines().next().and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    format!(
        "{} × {}, {} GiB; load {}",
        available_parallelism().map_or(0, usize::from),
        model.map_or("unknown processor", |(_, model)| model),
        memory.unwrap_or(0) / (1024 * 1024),
        load.split_whitespace().take(3).collect::<Vec<_>>().join(" "),
    )
}

/// Seconds of processor time that a process has used.
pub(crate) fn cpu_time(process: u32) -> Result<f64, Failure> {
    fields(process, 11)
}

/// The same of the children of this process that have ended.
pub(crate) fn children_cpu_time() -> Result<f64, Failure> {
    fields(std::process::id(), 13)
}

/// The sum of two fields behind the command's name in `/proc/<pid>/stat`, in seconds: time in the
/// program and in the kernel, in ticks of which Linux shows a hundred a second.
fn fields(process: u32, first: usize) -> Result<f64, Failure> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    let (_, rest) = stat.rsplit_once(") ").ok_or("an unknown form of /proc/<pid>/stat")?;
    let ticks = rest.split(' ').skip(first).take(2).map(str::parse::<u32>);
    let ticks: u32 = ticks.sum::<Result<u32, _>>()?;
    Ok(f64::from(ticks) / 100.0)
}
