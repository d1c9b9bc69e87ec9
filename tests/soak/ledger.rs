//! What the sink got, as it tells it: one line of JSON for each thing that happened to a mail.

use std::{
    collections::HashMap,
    io::{self, Write},
};

use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, BufReader},
    sync::watch,
    task::JoinHandle,
};

/// What happened to a mail on its way into the sink, for one of its recipients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Happened {
    /// The sink keeps it: from here on a second copy is a duplicate. Written before any reply is.
    Kept,
    /// The final 250 was written for it.
    Answered,
    /// The connection was cut instead of a reply, and the mail is kept nevertheless.
    CutKept,
    /// The connection was cut instead of a reply, and the mail was thrown away.
    CutLost,
    /// It was refused after its end, for now.
    Refused,
}

/// One line of the ledger.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Entry {
    /// Milliseconds since the sink began.
    pub(crate) at: u64,
    /// The `Message-ID` header, angle brackets included.
    pub(crate) message: String,
    /// The recipient.
    pub(crate) to: String,
    /// What happened.
    pub(crate) what: Happened,
}

impl Entry {
    /// Writes the line: once this returns, whoever reads the ledger to its end sees it.
    pub(crate) fn tell(&self) -> io::Result<()> {
        let mut line = serde_json::to_vec(self)?;
        line.push(b'\n');
        io::stdout().lock().write_all(&line)
    }
}

/// How often each thing happened to one copy's addressee.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Copies {
    /// Copies that the sink keeps.
    pub(crate) kept: usize,
    /// Copies for which the final 250 was written.
    pub(crate) answered: usize,
    /// Connections that were cut instead of a reply.
    pub(crate) cut: usize,
}

/// The ledger as read up to now, by message and recipient.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    /// What is known of each addressee of each message.
    pub(crate) copies: HashMap<(String, String), Copies>,
    /// Copies kept in all.
    pub(crate) kept: usize,
}

impl Ledger {
    /// Adds a line.
    pub(crate) fn add(&mut self, entry: Entry) {
        let copies = self.copies.entry((entry.message, entry.to)).or_default();
        match entry.what {
            Happened::Kept => {
                copies.kept += 1;
                self.kept += 1;
            }
            Happened::Answered => copies.answered += 1,
            Happened::CutKept | Happened::CutLost => copies.cut += 1,
            Happened::Refused => {}
        }
    }
}

/// A ledger that is being read.
pub(crate) struct Reading {
    /// Copies kept up to now.
    pub(crate) kept: watch::Receiver<usize>,
    read: JoinHandle<io::Result<Ledger>>,
}

impl Reading {
    /// Reads what the sink prints.
    pub(crate) fn of(printed: BufReader<impl AsyncRead + Unpin + Send + 'static>) -> Self {
        let (tell, kept) = watch::channel(0);
        let read = tokio::spawn(async move {
            let mut ledger = Ledger::default();
            let mut lines = printed.lines();
            while let Some(line) = lines.next_line().await? {
                ledger.add(serde_json::from_str(&line)?);
                tell.send_replace(ledger.kept);
            }
            Ok(ledger)
        });
        Self { kept, read }
    }

    /// The whole ledger, once the sink has ended.
    pub(crate) async fn end(self) -> Ledger {
        let read = self.read.await.expect("the ledger is read");
        read.expect("a ledger of whole lines")
    }
}
