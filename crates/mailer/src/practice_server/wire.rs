//! The practice server's end of a connection: lines in, replies out, TLS in between.
//!
//! Replies gather until the server would have to wait for input; so a pipelined group of
//! commands is answered in one write, as RFC 2920 asks.

use std::io::{self, BufRead};
use std::ops::Range;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// How long the server waits for a client to send, to read, or to shake hands.
pub(super) const IDLE: Duration = Duration::from_secs(5 * 60);
/// Pause after each byte of a slow reply.
const SLOW_PACE: Duration = Duration::from_millis(10);
/// Free room made before each read.
const READ_BYTES: usize = 16 * 1024;
/// Length to which a long reply is padded, in bytes.
const LONG_REPLY_BYTES: usize = 2_500;

/// Why a conversation is over.
#[derive(Debug, thiserror::Error)]
pub(super) enum Ended {
    /// The client said QUIT, or a fault had the server close.
    #[error("closed by the server")]
    ByServer,
    /// The client closed, or the network did.
    #[error("the connection broke")]
    Broken(#[source] io::Error),
    /// Nothing moved for [`IDLE`].
    #[error("nothing happened for too long")]
    Idle,
}

/// A line as it was read; ranges are for [`Wire::bytes`] and end before the line end.
pub(super) enum Line {
    /// Ended by CR LF, with no CR or LF of its own.
    Whole(Range<usize>),
    /// Ended by a bare LF, or with a bare CR inside.
    BareLineEnd(Range<usize>),
    /// Longer than allowed; it has been dropped.
    TooLong,
}

enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
    /// Between clear text and TLS; for good when the handshake failed.
    Gone,
}

/// One connection.
pub(super) struct Wire {
    stream: Stream,
    input: Vec<u8>,
    /// How much of `input` has been handed out.
    taken: usize,
    /// How much of `input` has no line end, beyond `taken`.
    searched: usize,
    output: Vec<u8>,
    /// Replies go out one byte at a time.
    pub(super) slow: bool,
    /// Replies of one line are padded.
    pub(super) long: bool,
}

impl Wire {
    pub(super) fn new(stream: TcpStream) -> Self {
        Self {
            stream: Stream::Plain(stream),
            input: Vec::new(),
            taken: 0,
            searched: 0,
            output: Vec::new(),
            slow: false,
            long: false,
        }
    }

    pub(super) fn is_tls(&self) -> bool {
        matches!(self.stream, Stream::Tls(_))
    }

    /// Sends what waits, and begins TLS. What the client sent ahead in clear text is forgotten.
    pub(super) async fn start_tls(&mut self, acceptor: &TlsAcceptor) -> Result<(), Ended> {
        self.flush().await?;
        self.input.clear();
        self.taken = 0;
        self.searched = 0;
        let Stream::Plain(stream) = std::mem::replace(&mut self.stream, Stream::Gone) else {
            return Err(Ended::ByServer);
        };
        let stream = within(acceptor.accept(stream)).await?;
        self.stream = Stream::Tls(Box::new(stream));
        Ok(())
    }

    /// Adds a reply of one line.
    pub(super) fn say(&mut self, reply: &str) {
        self.output.extend_from_slice(reply.as_bytes());
        if self.long {
            let padding = LONG_REPLY_BYTES.saturating_sub(reply.len());
            self.output.push(b' ');
            self.output.extend(std::iter::repeat_n(b'x', padding));
        }
        self.output.extend_from_slice(b"\r\n");
    }

    /// Adds bytes as they are.
    pub(super) fn say_raw(&mut self, bytes: &[u8]) {
        self.output.extend_from_slice(bytes);
    }

    /// Sends everything that waits.
    pub(super) async fn flush(&mut self) -> Result<(), Ended> {
        let output = std::mem::take(&mut self.output);
        if output.is_empty() {
            return Ok(());
        }
        if self.slow {
            for byte in &output {
                self.send(std::slice::from_ref(byte)).await?;
                sleep(SLOW_PACE).await;
            }
        } else {
            self.send(&output).await?;
        }
        // The room is kept for the next replies.
        self.output = output;
        self.output.clear();
        Ok(())
    }

    /// Whether the client has sent more than was handed out so far.
    pub(super) fn has_more(&self) -> bool {
        self.input.len() > self.taken
    }

    /// The bytes of a line; good until the next one is read.
    pub(super) fn bytes(&self, range: Range<usize>) -> &[u8] {
        self.input.get(range).unwrap_or_default()
    }

    /// Reads a line of at most `max_bytes`, its line end included, sending what waits before
    /// waiting itself.
    pub(super) async fn line(&mut self, max_bytes: usize) -> Result<Line, Ended> {
        let mut too_long = false;
        loop {
            if let Some(range) = self.next_line() {
                return Ok(if too_long || range.len() > max_bytes {
                    Line::TooLong
                } else {
                    self.judge(range)
                });
            }
            if self.input.len() - self.taken > max_bytes {
                too_long = true;
                self.taken = self.input.len();
            }
            self.fill().await?;
        }
    }

    /// Reads so many bytes as they are; good until the next line is read.
    pub(super) async fn octets(&mut self, count: usize) -> Result<&[u8], Ended> {
        while self.input.len() - self.taken < count {
            self.fill().await?;
        }
        let start = self.taken;
        self.taken += count;
        self.searched = 0;
        Ok(self.bytes(start..start + count))
    }

    /// Reads and forgets until the client closes or has been still for too long.
    pub(super) async fn drain(&mut self) -> Ended {
        loop {
            self.taken = self.input.len();
            if let Err(ended) = self.fill().await {
                return ended;
            }
        }
    }

    /// Sends what waits and says good-bye, also to TLS.
    pub(super) async fn close(&mut self) -> Result<(), Ended> {
        self.flush().await?;
        match &mut self.stream {
            Stream::Plain(stream) => within(stream.shutdown()).await,
            Stream::Tls(stream) => within(stream.shutdown()).await,
            Stream::Gone => Ok(()),
        }
    }

    /// Takes the next line that is there whole, with its LF.
    fn next_line(&mut self) -> Option<Range<usize>> {
        let start = self.taken;
        let unsearched = self.input.get(start + self.searched..)?;
        let mut rest = unsearched;
        // A slice never fails to be read. This searches by words, also in an unoptimised build.
        let length = rest.skip_until(b'\n').unwrap_or_default();
        if !unsearched.get(..length)?.ends_with(b"\n") {
            self.searched = self.input.len() - start;
            return None;
        }
        self.taken = start + self.searched + length;
        self.searched = 0;
        Some(start..self.taken)
    }

    fn judge(&self, range: Range<usize>) -> Line {
        let content = range.start..range.end - 1;
        match self.bytes(content.clone()) {
            [before @ .., b'\r'] if !before.contains(&b'\r') => {
                Line::Whole(content.start..content.end - 1)
            }
            _ => Line::BareLineEnd(content),
        }
    }

    async fn fill(&mut self) -> Result<(), Ended> {
        self.flush().await?;
        self.input.drain(..self.taken);
        self.taken = 0;
        self.searched = self.searched.min(self.input.len());
        self.input.reserve(READ_BYTES);
        let read = match &mut self.stream {
            Stream::Plain(stream) => within(stream.read_buf(&mut self.input)).await?,
            Stream::Tls(stream) => within(stream.read_buf(&mut self.input)).await?,
            Stream::Gone => 0,
        };
        if read == 0 {
            return Err(Ended::Broken(io::ErrorKind::UnexpectedEof.into()));
        }
        Ok(())
    }

    async fn send(&mut self, bytes: &[u8]) -> Result<(), Ended> {
        match &mut self.stream {
            Stream::Plain(stream) => within(stream.write_all(bytes)).await,
            Stream::Tls(stream) => {
                within(stream.write_all(bytes)).await?;
                within(stream.flush()).await
            }
            Stream::Gone => Err(Ended::ByServer),
        }
    }
}

async fn within<T>(io: impl Future<Output = io::Result<T>>) -> Result<T, Ended> {
    timeout(IDLE, io).await.map_err(|_| Ended::Idle)?.map_err(Ended::Broken)
}
