//! The sink as a child process, and what a run against it took.

use std::{
    fs,
    io::{self, BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use tempfile::TempDir;

use crate::{RUNS, peers::Peer};

/// Clock ticks a second in `/proc`: fixed in Linux's interface, whatever the kernel's own.
const TICKS: f64 = 100.0;

/// How long a run is to take, more or less.
const SECOND: Duration = Duration::from_secs(1);

/// A sink that lives as long as this does.
pub(crate) struct Stand {
    child: Child,
    pub(crate) port: u16,
    pub(crate) ca_file: Option<PathBuf>,
    _folder: TempDir,
}

impl Stand {
    pub(crate) fn start(keywords: &str, round_trip_ms: u64, under_tls: bool) -> io::Result<Self> {
        let folder = tempfile::tempdir()?;
        let ca_file = under_tls.then(|| folder.path().join("ca.pem"));
        let mut child = Command::new(std::env::current_exe()?)
            .args(["sink", keywords, &round_trip_ms.to_string()])
            .arg(ca_file.clone().unwrap_or_default())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        let output = child.stdout.take().ok_or_else(|| io::Error::other("no output"))?;
        BufReader::new(output).read_line(&mut line)?;
        let port = line.trim().parse().map_err(io::Error::other)?;
        Ok(Self { child, port, ca_file, _folder: folder })
    }

    /// The median rate in messages a second, and the sink's share of one processor in that run,
    /// in percent.
    pub(crate) async fn measure(&self, peer: Peer, sessions: usize) -> io::Result<(f64, f64)> {
        let sender = peer.prepare(self, sessions).await;
        // Sessions are opened, and a run takes a second, however fast the peer is.
        let mut count = sessions * 4;
        loop {
            let began = Instant::now();
            sender.send(count).await?;
            if began.elapsed() >= SECOND / 2 {
                break;
            }
            count *= 2;
        }
        let mut runs = Vec::with_capacity(RUNS);
        for _ in 0..RUNS {
            let (ticks, began) = (self.ticks()?, Instant::now());
            sender.send(count).await?;
            let took = began.elapsed().as_secs_f64();
            let messages = f64::from(u32::try_from(count).map_err(io::Error::other)?);
            runs.push((messages / took, (self.ticks()? - ticks) / TICKS / took * 100.0));
        }
        runs.sort_by(|one, other| one.0.total_cmp(&other.0));
        Ok(runs[RUNS / 2])
    }

    /// What the sink has used of processors, in ticks.
    fn ticks(&self) -> io::Result<f64> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        let (_, fields) = stat.rsplit_once(')').ok_or_else(|| io::Error::other("no stat"))?;
        let ticks = fields.split_whitespace().skip(11).take(2);
        Ok(ticks.filter_map(|field| field.parse::<f64>().ok()).sum())
    }
}

impl Drop for Stand {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
