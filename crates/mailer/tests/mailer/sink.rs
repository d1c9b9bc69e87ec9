//! A mail server for counting: it offers what it is told to, has the manners that it is given,
//! sends its replies in the segments that it is told, and keeps a ledger of what it took.

use std::{
    io,
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// What is not as it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    Faithful,
    /// Says 354 to DATA though no recipient was taken, and takes the body, for nobody.
    GoesAheadForNobody,
    /// Forgets what came in one segment with the end of a body.
    ForgetsWhatCameAhead,
    /// Hangs up on whoever says more than one command at a time.
    CutsGroups,
    /// Offers CHUNKING and does not know BDAT.
    DoesNotKnowBdat,
    /// Says 421 to the first command after so many messages, and hangs up.
    ClosesAfter(usize),
    /// Hangs up without a word after so many messages.
    VanishesAfter(usize),
    /// Hangs up after a body instead of answering it.
    VanishesAtTheEnd,
    /// Keeps the transaction open when BDAT had nobody to send to.
    KeepsTransactions,
}

#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) keywords: &'static [&'static str],
    pub(crate) manner: Manner,
    /// How many bytes of replies go out at a time, in turn; empty for all at once.
    pub(crate) segments: Vec<usize>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Counted {
    pub(crate) connections: usize,
    /// How often it answered and had to wait for what the client would say next.
    pub(crate) turns: usize,
    pub(crate) commands: Vec<String>,
    /// Of each message that it took: who got it, and its bytes.
    pub(crate) taken: Vec<(Vec<String>, Vec<u8>)>,
}

impl Counted {
    pub(crate) fn said(&self, verb: &str) -> usize {
        self.commands.iter().filter(|command| *command == verb).count()
    }
}

pub(crate) struct Sink {
    pub(crate) port: u16,
    counted: Arc<Mutex<Counted>>,
}

impl Sink {
    pub(crate) async fn start(plan: Plan) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let counted: Arc<Mutex<Counted>> = Arc::default();
        let shared = Arc::clone(&counted);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                shared.lock().unwrap().connections += 1;
                stream.set_nodelay(true).unwrap();
                let talk = Talk {
                    stream,
                    plan: plan.clone(),
                    counted: Arc::clone(&shared),
                    input: Vec::new(),
                    output: Vec::new(),
                    sent: 0,
                    from: None,
                    recipients: Vec::new(),
                    carried: 0,
                };
                tokio::spawn(talk.run());
            }
        });
        Self { port, counted }
    }

    pub(crate) fn counted(&self) -> Counted {
        self.counted.lock().unwrap().clone()
    }
}

struct Talk {
    stream: TcpStream,
    plan: Plan,
    counted: Arc<Mutex<Counted>>,
    input: Vec<u8>,
    output: Vec<u8>,
    sent: usize,
    from: Option<String>,
    recipients: Vec<String>,
    carried: usize,
}

impl Talk {
    async fn run(mut self) -> io::Result<()> {
        self.say("220 sink.example");
        loop {
            let line = self.line().await?;
            let verb = line.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
            self.counted.lock().unwrap().commands.push(verb.clone());
            let manner = self.plan.manner;
            if manner == Manner::CutsGroups && !self.input.is_empty() {
                return Ok(());
            }
            if manner == Manner::ClosesAfter(self.carried) {
                self.say("421 4.3.2 enough");
                return self.part().await;
            }
            if manner == Manner::VanishesAfter(self.carried) {
                return self.part().await;
            }
            match verb.as_str() {
                "EHLO" => {
                    self.say("250-sink.example");
                    let keywords = self.plan.keywords;
                    for keyword in keywords {
                        self.say(&format!("250-{keyword}"));
                    }
                    self.say("250 SIZE");
                }
                "MAIL" => self.mail(&line),
                "RCPT" => self.rcpt(&line),
                "DATA" => self.data().await?,
                "BDAT" => self.chunk(&line).await?,
                "RSET" => {
                    self.from = None;
                    self.recipients.clear();
                    self.say("250 reset");
                }
                "QUIT" => {
                    self.say("221 bye");
                    return self.flush().await;
                }
                _ => self.say("500 what?"),
            }
        }
    }

    fn mail(&mut self, line: &str) {
        if self.from.is_some() {
            return self.say("503 5.5.1 nested MAIL command");
        }
        let from = address(line);
        if let Some(code) = code_in(&from, "from") {
            return self.say(&format!("{code} {from}"));
        }
        self.from = Some(from);
        self.say("250 ok");
    }

    fn rcpt(&mut self, line: &str) {
        let recipient = address(line);
        match code_in(&recipient, "rcpt") {
            _ if self.from.is_none() => self.say("503 5.5.1 need MAIL"),
            Some(code) => self.say(&format!("{code} {recipient}")),
            None => {
                self.say(&format!("250 {recipient}"));
                self.recipients.push(recipient);
            }
        }
    }

    async fn data(&mut self) -> io::Result<()> {
        if self.from.is_none() {
            self.say("503 5.5.1 need MAIL");
            return Ok(());
        }
        if self.recipients.is_empty() && self.plan.manner != Manner::GoesAheadForNobody {
            self.say("554 5.5.1 no valid recipients");
            return Ok(());
        }
        self.say("354 go");
        let mut body = Vec::new();
        loop {
            let line = self.line().await?;
            if line == "." {
                break;
            }
            body.extend_from_slice(line.strip_prefix('.').unwrap_or(&line).as_bytes());
            body.extend_from_slice(b"\r\n");
        }
        if self.plan.manner == Manner::ForgetsWhatCameAhead {
            self.input.clear();
        }
        self.finish(body)
    }

    async fn chunk(&mut self, line: &str) -> io::Result<()> {
        if self.plan.manner == Manner::DoesNotKnowBdat {
            self.say("502 5.5.2 what?");
            return Ok(());
        }
        let size = line.split(' ').nth(1).unwrap().parse().unwrap();
        assert!(line.ends_with(" LAST"), "{line}");
        while self.input.len() < size {
            self.fill().await?;
        }
        let body = self.input.drain(..size).collect();
        if self.from.is_none() || self.recipients.is_empty() {
            if self.plan.manner != Manner::KeepsTransactions {
                self.from = None;
            }
            self.say("503 5.5.1 need RCPT");
            return Ok(());
        }
        self.finish(body)
    }

    fn finish(&mut self, body: Vec<u8>) -> io::Result<()> {
        self.from = None;
        let recipients = std::mem::take(&mut self.recipients);
        self.carried += 1;
        let name = recipients.first().cloned().unwrap_or_default();
        let refusal = recipients.iter().find_map(|recipient| code_in(recipient, "word"));
        if let Some(code) = refusal {
            self.say(&format!("{code} {name}"));
            return Ok(());
        }
        self.counted.lock().unwrap().taken.push((recipients, body));
        if self.plan.manner == Manner::VanishesAtTheEnd {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        self.say(&format!("250 taken {name}"));
        Ok(())
    }

    fn say(&mut self, line: &str) {
        self.output.extend_from_slice(line.as_bytes());
        self.output.extend_from_slice(b"\r\n");
    }

    async fn line(&mut self) -> io::Result<String> {
        loop {
            if let Some(end) = self.input.windows(2).position(|pair| pair == b"\r\n") {
                let line = String::from_utf8_lossy(&self.input[..end]).into_owned();
                self.input.drain(..end + 2);
                return Ok(line);
            }
            self.fill().await?;
        }
    }

    async fn fill(&mut self) -> io::Result<()> {
        self.flush().await?;
        self.input.reserve(64 * 1024);
        if self.stream.read_buf(&mut self.input).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(())
    }

    /// Says what is left to say, and closes only when the client has: what a client had sent
    /// ahead and nobody read would make its system forget the last reply.
    async fn part(&mut self) -> io::Result<()> {
        self.flush().await?;
        self.stream.shutdown().await?;
        loop {
            self.input.clear();
            self.fill().await?;
        }
    }

    async fn flush(&mut self) -> io::Result<()> {
        if self.output.is_empty() {
            return Ok(());
        }
        self.counted.lock().unwrap().turns += 1;
        let output = std::mem::take(&mut self.output);
        let mut rest = output.as_slice();
        while !rest.is_empty() {
            let segments = &self.plan.segments;
            let size = segments.get(self.sent % segments.len().max(1)).copied();
            self.sent += 1;
            let (segment, left) = rest.split_at(size.unwrap_or(rest.len()).clamp(1, rest.len()));
            self.stream.write_all(segment).await?;
            tokio::task::yield_now().await;
            rest = left;
        }
        Ok(())
    }
}

/// The address between the angle brackets.
fn address(line: &str) -> String {
    let (_, rest) = line.split_once('<').unwrap();
    rest.split_once('>').unwrap().0.to_owned()
}

/// The code that an address asks for at a step: `rcpt550.7@…` is refused with 550 at RCPT.
fn code_in(address: &str, step: &str) -> Option<u16> {
    address.strip_prefix(step)?.get(..3)?.parse().ok()
}
