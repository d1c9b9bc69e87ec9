//! The machine: what it is, and what processes take of it. All of it as Linux tells it in `/proc`.

use std::{fs, process, thread::available_parallelism, time::Instant};

use tokio::process::Command;

use crate::{Failure, database::Database};

/// Ticks a second in `/proc`: fixed in Linux's interface, whatever the kernel's own.
const TICKS: f64 = 100.0;

/// The machine in one line, with what decides how fast the database is.
pub(crate) async fn describe(superuser: &str) -> Result<String, Failure> {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let memory =
        memory.lines().next().and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let db = Database::at(superuser).await?;
    Ok(format!(
        "{} × {}, {} GiB, Linux {}, loopback with MTU {}; PostgreSQL {} with fsync {}, \
         synchronous_commit {}; load before {}",
        available_parallelism().map_or(0, usize::from),
        model.map_or("unknown processor", |(_, model)| model),
        memory.unwrap_or(0) / (1024 * 1024),
        kernel.trim(),
        mtu().await,
        db.text("SELECT current_setting('server_version')").await?,
        db.text("SELECT current_setting('fsync')").await?,
        db.text("SELECT current_setting('synchronous_commit')").await?,
        load.split_whitespace().next().unwrap_or("unknown"),
    ))
}

/// Asked of `ip`: `/sys` shows the network of whoever mounted it, perhaps another one.
async fn mtu() -> String {
    let output = Command::new("ip").args(["-o", "link", "show", "lo"]).output().await;
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    let text = text.unwrap_or_default();
    let mut words = text.split_whitespace().skip_while(|word| *word != "mtu");
    words.nth(1).unwrap_or("unknown").to_owned()
}

/// What processes and the whole machine use from a moment on.
pub(crate) struct Meter {
    began: Instant,
    processes: Vec<(u32, f64)>,
    machine: f64,
}

/// Processors that were kept busy.
#[derive(Clone, Debug, Default)]
pub(crate) struct Busy {
    /// By each process that was asked about.
    pub(crate) processes: Vec<f64>,
    /// By everything on this machine.
    pub(crate) machine: f64,
}

impl Meter {
    /// Looks at `processes` from now on.
    pub(crate) fn start(processes: &[u32]) -> Result<Self, Failure> {
        let times = processes.iter().map(|&id| Ok((id, cpu_time(id)?)));
        Ok(Self {
            began: Instant::now(),
            processes: times.collect::<Result<_, Failure>>()?,
            machine: machine_time()?,
        })
    }

    /// What they used since.
    pub(crate) fn read(&self) -> Result<Busy, Failure> {
        let seconds = self.began.elapsed().as_secs_f64();
        let used =
            self.processes.iter().map(|&(id, before)| Ok((cpu_time(id)? - before) / seconds));
        Ok(Busy {
            processes: used.collect::<Result<_, Failure>>()?,
            machine: (machine_time()? - self.machine) / seconds,
        })
    }
}

/// Seconds of processor time that a process has used.
fn cpu_time(process: u32) -> Result<f64, Failure> {
    fields(process, 11)
}

/// The same of the children of this process that have ended.
pub(crate) fn children_cpu_time() -> Result<f64, Failure> {
    fields(process::id(), 13)
}

/// The sum of two fields behind the command's name in `/proc/<pid>/stat`: time in the program and
/// in the kernel.
fn fields(process: u32, first: usize) -> Result<f64, Failure> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    let (_, rest) = stat.rsplit_once(") ").ok_or("an unknown form of /proc/<pid>/stat")?;
    let ticks = rest.split(' ').skip(first).take(2).map(str::parse::<u32>);
    let ticks: u32 = ticks.sum::<Result<u32, _>>()?;
    Ok(f64::from(ticks) / TICKS)
}

/// Seconds that all processors together were busy since the machine was started.
fn machine_time() -> Result<f64, Failure> {
    let stat = fs::read_to_string("/proc/stat")?;
    let line = stat.lines().next().ok_or("an empty /proc/stat")?;
    // user, nice, system, idle, waiting for a disk, interrupts, …; guests are in user already.
    let fields = line.split_whitespace().skip(1).take(8).enumerate();
    let busy = fields.filter(|(index, _)| *index != 3 && *index != 4);
    let ticks = busy.map(|(_, field)| field.parse::<f64>()).sum::<Result<f64, _>>()?;
    Ok(ticks / TICKS)
}

/// Bytes of memory that `process` has resident.
pub(crate) fn resident(process: u32) -> Result<f64, Failure> {
    status(process, "VmRSS:")
}

/// Lets the peak of `process` begin anew.
pub(crate) fn forget_peak(process: u32) -> Result<(), Failure> {
    Ok(fs::write(format!("/proc/{process}/clear_refs"), "5")?)
}

/// The most that `process` had resident, in bytes.
pub(crate) fn peak(process: u32) -> Result<f64, Failure> {
    status(process, "VmHWM:")
}

/// A line of `/proc/<pid>/status`, in bytes.
fn status(process: u32, name: &str) -> Result<f64, Failure> {
    let text = fs::read_to_string(format!("/proc/{process}/status"))?;
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.split_whitespace().next());
    let kib: f64 = value.ok_or("no such line in /proc/<pid>/status")?.parse()?;
    Ok(kib * 1024.0)
}

/// Bytes in a mebibyte.
pub(crate) const MIB: f64 = 1024.0 * 1024.0;
