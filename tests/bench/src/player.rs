//! Who sends from memory, without a database: each in a process of its own that sends as many
//! messages as a line says and answers with the seconds that it took.

use std::{process::Stdio, time::Instant};

use tempfile::TempDir;
use tokio::process::Command;

use crate::{
    Failure,
    children::{Answering, output},
    machine::{Busy, Meter, children_cpu_time},
    server::Server,
    tools::Tools,
};

/// How messages are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    /// Letterhead's sessions; `cold`: signed in anew for each message.
    Letterhead { sessions: usize, cold: bool },
    /// lettre's pool.
    Lettre { sessions: usize },
    /// Postfix's `smtp-source`, keeping its connections or not.
    SmtpSource { sessions: usize, keep: bool },
    /// nodemailer with so many pooled connections.
    NodemailerPool { connections: usize },
    /// nodemailer signing in anew for each message, so many at a time.
    NodemailerCold { at_once: usize },
}

/// Bytes of a message of smtp-source's, and about those of all others'.
const SIZE: &str = "4096";

/// Who is ready to send.
pub(crate) enum Player {
    Asked(Box<Answering>),
    SmtpSource { port: u16, sessions: usize, keep: bool },
}

/// One round.
pub(crate) struct Played {
    pub(crate) per_second: f64,
    /// The player's processors, and the server's.
    pub(crate) busy: Busy,
}

impl Who {
    /// Prepares to send to `server`.
    pub(crate) async fn start(
        self,
        tools: &Tools,
        server: &Server,
        mail: &Mail,
    ) -> Result<Player, Failure> {
        let port = server.port.to_string();
        let ca_file = server.ca_file.as_ref().map(|file| file.display().to_string());
        let ca_file = ca_file.unwrap_or_default();
        let number = |value: usize| value.to_string();
        let engine = |name: &str, more: &[&str]| {
            let mut command = Command::new(&tools.engine);
            command.args([name, &port, &ca_file]).args(more);
            command
        };
        let node = |manner: &str, width: usize| {
            let mut command = Command::new("node");
            command.arg(&tools.nodemailer_script).arg(&tools.nodemailer);
            command.args([&port, &ca_file, manner, &number(width)]).arg(&mail.file);
            command
        };
        let command = match self {
            Self::Letterhead { sessions, cold } => {
                engine("letterhead", &[&number(sessions), if cold { "cold" } else { "kept" }])
            }
            Self::Lettre { sessions } => engine("lettre", &[&number(sessions)]),
            Self::NodemailerPool { connections } => node("pool", connections),
            Self::NodemailerCold { at_once } => node("cold", at_once),
            Self::SmtpSource { sessions, keep } => {
                return Ok(Player::SmtpSource { port: server.port, sessions, keep });
            }
        };
        let (player, _ready) = Answering::start(command).await?;
        Ok(Player::Asked(Box::new(player)))
    }
}

impl Player {
    /// Sends `count` messages to `server`.
    pub(crate) async fn play(&mut self, count: usize, server: &Server) -> Result<Played, Failure> {
        let processes = match self {
            Self::Asked(player) => vec![player.process.id(), server.id()],
            Self::SmtpSource { .. } => vec![server.id()],
        };
        let (meter, children, began) =
            (Meter::start(&processes)?, children_cpu_time()?, Instant::now());
        self.send(count).await?;
        let seconds = began.elapsed().as_secs_f64();
        let mut busy = meter.read()?;
        if let Self::SmtpSource { .. } = self {
            busy.processes.insert(0, (children_cpu_time()? - children) / seconds);
        }
        Ok(Played { per_second: f64::from(u32::try_from(count)?) / seconds, busy })
    }

    /// Sends `count` messages, and waits until all are taken.
    pub(crate) async fn send(&mut self, count: usize) -> Result<(), Failure> {
        match self {
            Self::Asked(player) => player.ask(&count.to_string()).await.map(drop),
            Self::SmtpSource { port, sessions, keep } => {
                let mut command = Command::new("smtp-source");
                if *keep {
                    command.arg("-d");
                }
                let status = command
                    .args(["-s", &sessions.to_string(), "-m", &count.to_string(), "-l", SIZE])
                    .args(["-f", "billing@aurora.example", "-t", "ann@example.net"])
                    .arg(format!("inet:127.0.0.1:{port}"))
                    .stdin(Stdio::null())
                    .kill_on_drop(true)
                    .status()
                    .await?;
                if status.success() { Ok(()) } else { Err("smtp-source failed".into()) }
            }
        }
    }
}

/// The ready-made message that everybody sends but smtp-source, which makes its own of equal size.
pub(crate) struct Mail {
    file: std::path::PathBuf,
    _folder: TempDir,
}

impl Mail {
    /// Has it made.
    pub(crate) async fn make(tools: &Tools) -> Result<Self, Failure> {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("mail");
        let mut command = Command::new(&tools.engine);
        command.arg("mail").arg(&file);
        output(command).await?;
        Ok(Self { file, _folder: folder })
    }
}
