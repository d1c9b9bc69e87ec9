//! The mail server of a run, in a process of its own that nobody kills.
//!
//! It takes mail in the three ways that sessions know, keeps a ledger on its standard output, and is as
//! unreliable as chance wants: replies come late, some are 4xx, and some connections are cut before
//! or after the final reply. Recipients whose address begins with `gone` do not exist.

use std::{
    io::{self, Write},
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
};

use crate::{
    chance::Chance,
    ledger::{Entry, Happened},
};

/// What each port offers after EHLO, the slowest way first.
pub(crate) const OFFERS: [&str; 3] = [
    "250-sink.example\r\n250 8BITMIME\r\n",
    "250-sink.example\r\n250-PIPELINING\r\n250 8BITMIME\r\n",
    "250-sink.example\r\n250-PIPELINING\r\n250-CHUNKING\r\n250 8BITMIME\r\n",
];

/// Longest wait before a final reply, in milliseconds.
const LONGEST_WAIT: u64 = 20;

/// Listens on a port for each of [`OFFERS`], prints which ones, and serves until its standard input
/// ends.
pub(crate) async fn serve(seed: u64) -> io::Result<()> {
    let begun = Instant::now();
    let mut ports = Vec::new();
    for offer in OFFERS {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        ports.push(listener.local_addr()?.port());
        tokio::spawn(accept(listener, offer, seed, begun));
    }
    let mut stdout = io::stdout();
    writeln!(stdout, "{}", serde_json::to_string(&ports)?)?;
    stdout.flush()?;
    let end = tokio::task::spawn_blocking(|| io::copy(&mut io::stdin().lock(), &mut io::sink()));
    end.await??;
    Ok(())
}

async fn accept(listener: TcpListener, offer: &'static str, seed: u64, begun: Instant) {
    let mut number = 0_u64;
    while let Ok((stream, _)) = listener.accept().await {
        number += 1;
        let chance = Chance::new(seed, &format!("{offer}{number}"));
        // Whoever hangs up in the middle was killed, and whoever is cut off notices by itself.
        tokio::spawn(async move { Conversation::new(stream, offer, chance, begun)?.hold().await });
    }
}

/// Why a conversation ends: the client is gone, or chance cut it.
struct Over;

impl From<io::Error> for Over {
    fn from(_: io::Error) -> Self {
        Self
    }
}

struct Conversation {
    reader: BufReader<OwnedReadHalf>,
    writer: OwnedWriteHalf,
    offer: &'static str,
    chance: Chance,
    begun: Instant,
    recipients: Vec<String>,
    body: Vec<u8>,
}

impl Conversation {
    fn new(
        stream: TcpStream,
        offer: &'static str,
        chance: Chance,
        begun: Instant,
    ) -> Result<Self, Over> {
        stream.set_nodelay(true)?;
        let (reader, writer) = stream.into_split();
        Ok(Self {
            reader: BufReader::with_capacity(64 * 1024, reader),
            writer,
            offer,
            chance,
            begun,
            recipients: Vec::new(),
            body: Vec::new(),
        })
    }

    async fn hold(mut self) -> Result<(), Over> {
        self.say("220 sink.example ESMTP\r\n").await?;
        loop {
            let line = self.line().await?;
            let (verb, rest) = line.split_once(' ').unwrap_or((&line, ""));
            match verb {
                "EHLO" => self.say(self.offer).await?,
                "MAIL" | "RSET" => {
                    self.recipients.clear();
                    self.body.clear();
                    self.say("250 2.0.0 ok\r\n").await?;
                }
                "RCPT" => self.recipient(rest).await?,
                "DATA" => self.data().await?,
                "BDAT" => self.chunk(rest).await?,
                "QUIT" => return Ok(self.say("221 2.0.0 bye\r\n").await?),
                _ => self.say("500 5.5.2 what?\r\n").await?,
            }
        }
    }

    async fn line(&mut self) -> Result<String, Over> {
        let mut line = String::new();
        if self.reader.read_line(&mut line).await? == 0 {
            return Err(Over);
        }
        Ok(line.trim_end().to_owned())
    }

    async fn say(&mut self, reply: &str) -> io::Result<()> {
        self.writer.write_all(reply.as_bytes()).await
    }

    async fn recipient(&mut self, rest: &str) -> io::Result<()> {
        let address = rest.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
        if address.starts_with("gone") {
            return self.say("550 5.1.1 no such mailbox\r\n").await;
        }
        if self.chance.of_thousand(5) {
            return self.say("451 4.2.0 later\r\n").await;
        }
        self.recipients.push(address);
        self.say("250 2.1.5 ok\r\n").await
    }

    async fn data(&mut self) -> Result<(), Over> {
        if self.recipients.is_empty() {
            return Ok(self.say("554 5.5.1 no recipients\r\n").await?);
        }
        self.say("354 go on\r\n").await?;
        let cut = self.chance.of_thousand(3);
        loop {
            let from = self.body.len();
            if self.reader.read_until(b'\n', &mut self.body).await? == 0 || cut {
                return Err(Over);
            }
            if self.body.get(from..) == Some(b".\r\n") {
                return self.end().await;
            }
        }
    }

    async fn chunk(&mut self, rest: &str) -> Result<(), Over> {
        let (size, last) = rest.split_once(' ').unwrap_or((rest, ""));
        let from = self.body.len();
        let size: usize = size.parse().map_err(|_| Over)?;
        self.body.resize(from + size, 0);
        self.reader.read_exact(self.body.get_mut(from..).unwrap_or_default()).await?;
        if self.recipients.is_empty() {
            return Ok(self.say("554 5.5.1 no recipients\r\n").await?);
        }
        if last.is_empty() {
            return Ok(self.say("250 2.0.0 go on\r\n").await?);
        }
        self.end().await
    }

    /// A whole message is here: chance decides what becomes of it.
    async fn end(&mut self) -> Result<(), Over> {
        let wait = self.chance.below(LONGEST_WAIT);
        tokio::time::sleep(Duration::from_millis(wait)).await;
        match self.chance.below(1_000) {
            0..5 => {
                self.note(Happened::Kept)?;
                self.note(Happened::CutKept)?;
                return Err(Over);
            }
            5..10 => {
                self.note(Happened::CutLost)?;
                return Err(Over);
            }
            10..25 => {
                self.note(Happened::Refused)?;
                self.say("452 4.3.1 no room, come back\r\n").await?;
            }
            drawn => {
                self.note(Happened::Kept)?;
                self.say("250 2.0.0 kept\r\n").await?;
                self.note(Happened::Answered)?;
                if drawn < 30 {
                    return Err(Over);
                }
            }
        }
        self.recipients.clear();
        self.body.clear();
        Ok(())
    }

    fn note(&self, what: Happened) -> io::Result<()> {
        let at = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        let message = message_id(&self.body);
        for to in &self.recipients {
            Entry { at, message: message.clone(), to: to.clone(), what }.tell()?;
        }
        Ok(())
    }
}

/// The `Message-ID` header with its angle brackets, wherever the header was folded.
fn message_id(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let head = text.split("\r\n\r\n").next().unwrap_or_default();
    let name = "\r\nmessage-id:";
    let found = format!("\r\n{head}").to_ascii_lowercase().find(name);
    // The line end that was put before it makes the position one of `head` without its own.
    let value = found.and_then(|at| head.get(at + name.len() - 2..)).unwrap_or_default();
    let value = value.split_once('<').and_then(|(_, rest)| rest.split_once('>'));
    value.map_or_else(String::new, |(id, _)| format!("<{id}>"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_id_is_found_in_the_head_alone() {
        let cases = [
            ("Message-ID: <1@x>\r\nTo: ann@x\r\n\r\nhello", "<1@x>"),
            ("To: ann@x\r\nmessage-id:\r\n <1@x>\r\n\r\nhello", "<1@x>"),
            ("To: ann@x\r\n\r\nMessage-ID: <1@x>", ""),
        ];
        for (mail, expected) in cases {
            assert_eq!(message_id(mail.as_bytes()), expected, "{mail}");
        }
    }
}
