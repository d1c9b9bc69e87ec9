//! The mail servers of the bench: each a process of its own that counts what it gets.

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use tempfile::TempDir;
use tokio::process::Command;

use crate::{Failure, children::Answering, tools::Tools};

/// What a server offers.
#[derive(Clone, Copy)]
pub(crate) struct Offer {
    /// Keywords of SMTP besides 8BITMIME.
    pub(crate) keywords: &'static str,
    /// How long its answers are under way, in milliseconds.
    pub(crate) round_trip: u32,
    pub(crate) starttls: bool,
}

impl Offer {
    /// Everything that makes sending fast, in clear text and near by.
    pub(crate) const BEST: Self =
        Self { keywords: "pipelining chunking", round_trip: 0, starttls: false };
}

/// A running server.
pub(crate) struct Server {
    child: Answering,
    pub(crate) port: u16,
    /// The authority of its certificate, if it has one.
    pub(crate) ca_file: Option<PathBuf>,
    _folder: TempDir,
}

/// What it got since it was last asked to begin anew.
pub(crate) struct Tally {
    pub(crate) messages: usize,
    pub(crate) connections: usize,
    /// When the first and the last message came, if any has.
    pub(crate) first: Instant,
    pub(crate) last: Instant,
}

impl Server {
    /// A server that takes everything and keeps nothing.
    pub(crate) async fn sink(tools: &Tools, offer: Offer) -> Result<Self, Failure> {
        let folder = tempfile::tempdir()?;
        let ca_file = offer.starttls.then(|| folder.path().join("ca.pem"));
        let mut command = Command::new(&tools.engine);
        command.args(["sink", offer.keywords, &offer.round_trip.to_string()]);
        command.arg(ca_file.clone().unwrap_or_default());
        Self::start(command, folder, ca_file).await
    }

    /// A server that takes connections, at every address of 127.0.0.0/8, and never answers.
    pub(crate) async fn silent(tools: &Tools) -> Result<Self, Failure> {
        let mut command = Command::new(&tools.engine);
        command.arg("silence");
        Self::start(command, tempfile::tempdir()?, None).await
    }

    async fn start(
        command: Command,
        folder: TempDir,
        ca_file: Option<PathBuf>,
    ) -> Result<Self, Failure> {
        let (child, port) = Answering::start(command).await?;
        Ok(Self { child, port: port.parse()?, ca_file, _folder: folder })
    }

    /// The number of its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.process.id()
    }

    /// What it got.
    pub(crate) async fn tally(&mut self) -> Result<Tally, Failure> {
        self.ask("tally").await
    }

    /// Begins counting anew.
    pub(crate) async fn reset(&mut self) -> Result<(), Failure> {
        self.ask("reset").await.map(drop)
    }

    async fn ask(&mut self, question: &str) -> Result<Tally, Failure> {
        let answer = self.child.ask(question).await?;
        let now = Instant::now();
        let numbers: Result<Vec<u64>, _> = answer.split(' ').map(str::parse).collect();
        let [messages, connections, first, last] = numbers?[..] else {
            return Err(format!("an unknown tally: {answer}").into());
        };
        let ago = |micros| now.checked_sub(Duration::from_micros(micros)).unwrap_or(now);
        Ok(Tally {
            messages: usize::try_from(messages)?,
            connections: usize::try_from(connections)?,
            first: ago(first),
            last: ago(last),
        })
    }
}
