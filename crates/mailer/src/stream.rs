//! The stream underneath every conversation.
//!
//! lettre's connection reads and parses replies, but it trusts the server: it has no bound on a
//! line before the line is buffered, no deadline after the TCP connect, it takes a Latin-1 reply
//! for a network error, and it keeps clear text that came before the TLS upgrade. So it greets
//! on a [`Wire`], which hands it one clean, bounded reply line at a time; all that follows goes
//! through the [`Link`] to the same stream: one place where the lease is checked, the transcript
//! kept and the fault remembered that lettre's error would blur.

mod intake;
mod replies;
mod transcript;
mod wire;

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use letterhead_domain::{
    reply::Reply,
    smtp_host::SmtpHost,
    test_run::{Cause, TlsFacts},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::{Instant, timeout_at},
};
use tokio_rustls::client::TlsStream;

pub(crate) use self::transcript::{REDACTED, Redactor, Transcript};
use self::{intake::Intake, wire::Wire};
use crate::{lease::LeaseDeadline, tls::TlsTrust};

/// Most bytes in one write to the socket; the lease is checked before each.
const CHUNK: usize = 64 * 1024;

/// Where the bytes go.
enum Channel {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
    Closed,
}

struct Inner {
    channel: Channel,
    peer: SocketAddr,
    intake: Intake,
    /// What is left of the line that is being handed to lettre.
    handing: Vec<u8>,
    /// The lines of the reply that is being read or was read last, as the server said them.
    lines: Vec<String>,
    reply_is_whole: bool,
    /// The text of the reply that is being read, up to its last line.
    reply_text: String,
    fault: Option<Cause>,
    lease: Option<LeaseDeadline>,
    redactor: Redactor,
    transcript: Transcript,
}

/// Our end of the stream.
#[derive(Clone)]
pub(crate) struct Link(Arc<Mutex<Inner>>);

/// Why a group did not leave.
pub(crate) struct GroupFault {
    pub(crate) cause: Cause,
    /// How many of its bytes may have left.
    pub(crate) written: usize,
}

impl Link {
    /// A link over a connected socket. Nothing is written once `lease` is over.
    pub(crate) fn new(
        tcp: TcpStream,
        redactor: Redactor,
        lease: Option<LeaseDeadline>,
    ) -> Result<Self, Cause> {
        let peer = tcp.peer_addr().map_err(|_| Cause::Closed)?;
        Ok(Self(Arc::new(Mutex::new(Inner {
            channel: Channel::Plain(tcp),
            peer,
            intake: Intake::default(),
            handing: Vec::new(),
            lines: Vec::new(),
            reply_is_whole: false,
            reply_text: String::new(),
            fault: None,
            lease,
            redactor,
            transcript: Transcript::default(),
        }))))
    }

    /// The same stream for lettre.
    pub(crate) fn wire(&self) -> Wire {
        Wire::new(self.clone())
    }

    // Never held across an await, and never contended: one task drives a conversation.
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts the stream under another lease, or under none.
    pub(crate) fn set_lease(&self, lease: Option<LeaseDeadline>) {
        self.inner().lease = lease;
    }

    /// Says QUIT if that can be said at once, and closes without waiting for the answer.
    pub(crate) fn quit(&self) {
        let mut inner = self.inner();
        let mut context = Context::from_waker(Waker::noop());
        // Only polite: the connection closes whether it was heard or not.
        if inner.poll_write(&mut context, b"QUIT\r\n").is_ready() {
            let _ = inner.poll_flush(&mut context);
        }
        inner.channel = Channel::Closed;
    }

    /// Writes `bytes` before `deadline`; `shown` is how the transcript tells it.
    pub(crate) async fn write(
        &self,
        bytes: &[u8],
        shown: &str,
        deadline: Instant,
    ) -> Result<(), Cause> {
        {
            let mut inner = self.inner();
            shown.lines().for_each(|line| inner.transcript.client(line));
        }
        let written = timeout_at(deadline, async {
            self.push(bytes).await?;
            self.flush().await
        });
        written.await.unwrap_or_else(|_| Err(self.time_out()))
    }

    /// Tells the transcript what is not said in words.
    pub(crate) fn remark(&self, remark: &str) {
        self.inner().transcript.remark(remark);
    }

    /// Writes a part of a group: as much as may leave by `deadline`. Nothing is told to the
    /// transcript.
    pub(crate) async fn write_part(
        &self,
        bytes: &[u8],
        deadline: Instant,
    ) -> Result<(), GroupFault> {
        let mut written = 0;
        while let Some(rest) = bytes.get(written..).filter(|rest| !rest.is_empty()) {
            let chunk = &rest[..rest.len().min(CHUNK)];
            let write = std::future::poll_fn(|cx| self.inner().poll_write(cx, chunk));
            match timeout_at(deadline, write).await {
                Ok(Ok(count)) => written += count,
                Ok(Err(_)) => {
                    let cause = self.fault();
                    // TLS does not tell how much of a record that failed had left.
                    if cause == Cause::Closed && self.inner().is_tls() {
                        written += chunk.len();
                    }
                    return Err(GroupFault { cause, written });
                }
                Err(_) => return Err(GroupFault { cause: self.time_out(), written }),
            }
        }
        let flush = timeout_at(deadline, self.flush());
        flush
            .await
            .unwrap_or_else(|_| Err(self.time_out()))
            .map_err(|cause| GroupFault { cause, written })
    }

    /// The next reply; [`Link::fault`] or the cause if none can come.
    pub(crate) async fn reply(&self, deadline: Instant) -> Result<Reply, Cause> {
        let reply = std::future::poll_fn(|cx| self.inner().poll_reply(cx));
        timeout_at(deadline, reply).await.unwrap_or_else(|_| Err(self.time_out()))
    }

    /// The next reply, if it has come already.
    pub(crate) fn reply_at_hand(&self) -> Result<Option<Reply>, Cause> {
        self.inner().take_reply()
    }

    /// Keeps no transcript from here on.
    pub(crate) fn stop_transcript(&self) {
        self.inner().transcript.stop();
    }

    async fn push(&self, mut bytes: &[u8]) -> Result<(), Cause> {
        while !bytes.is_empty() {
            let chunk = &bytes[..bytes.len().min(CHUNK)];
            let write = std::future::poll_fn(|cx| self.inner().poll_write(cx, chunk));
            let written = write.await.map_err(|_| self.fault())?;
            bytes = &bytes[written..];
        }
        Ok(())
    }

    async fn flush(&self) -> Result<(), Cause> {
        let flush = std::future::poll_fn(|cx| self.inner().poll_flush(cx));
        flush.await.map_err(|_| self.fault())
    }

    /// Does the TLS handshake on the stream, dropping whatever was said in clear text before.
    pub(crate) async fn upgrade(
        &self,
        trust: &TlsTrust,
        host: &SmtpHost,
        deadline: Instant,
    ) -> Result<TlsFacts, Cause> {
        let channel = {
            let mut inner = self.inner();
            inner.intake.discard();
            inner.handing.clear();
            inner.reply_text.clear();
            std::mem::replace(&mut inner.channel, Channel::Closed)
        };
        let Channel::Plain(tcp) = channel else {
            return Err(Cause::Closed);
        };
        let handshake = trust.handshake(host, tcp, deadline).await;
        let mut inner = self.inner();
        let (stream, facts) = handshake.map_err(|fault| {
            fault.remark.iter().for_each(|remark| inner.transcript.remark(remark));
            fault.cause
        })?;
        inner.channel = Channel::Tls(Box::new(stream));
        let remark = format!("{} with {}", facts.version, facts.certificate_subject);
        inner.transcript.remark(&remark);
        Ok(facts)
    }

    /// Ends the conversation because its time is over. Its replies may still come, so nothing
    /// may be read from it again.
    pub(crate) fn time_out(&self) -> Cause {
        let mut inner = self.inner();
        inner.fail(Cause::TimedOut);
        inner.channel = Channel::Closed;
        Cause::TimedOut
    }

    /// What broke the conversation; [`Cause::NotSmtp`] if it was not this stream.
    pub(crate) fn fault(&self) -> Cause {
        self.inner().fault.clone().unwrap_or(Cause::NotSmtp)
    }

    /// The lines of the reply that was read last, not redacted: for EHLO's keywords alone.
    pub(crate) fn last_lines(&self) -> Vec<String> {
        self.inner().lines.clone()
    }

    /// Whether the server has said more than it was asked.
    pub(crate) fn has_unread(&self) -> bool {
        self.inner().intake.has_unread()
    }

    /// Whether the server neither said anything nor hung up since the last reply, as far as can
    /// be told without asking it.
    pub(crate) fn is_quiet(&self) -> bool {
        let mut inner = self.inner();
        let mut bytes = [0; 64];
        let mut buffer = ReadBuf::new(&mut bytes);
        let mut context = Context::from_waker(Waker::noop());
        inner.fault.is_none()
            && !inner.intake.has_unread()
            && inner.poll_channel(&mut context, &mut buffer).is_pending()
    }

    /// The conversation so far.
    pub(crate) fn transcript(&self) -> String {
        self.inner().transcript.text()
    }
}

impl Inner {
    /// Remembers the first fault; later ones only follow from it.
    fn fail(&mut self, cause: Cause) -> io::Error {
        self.fault.get_or_insert(cause);
        aborted()
    }

    fn check_lease(&mut self) -> io::Result<()> {
        if self.lease.as_ref().is_some_and(LeaseDeadline::has_passed) {
            self.channel = Channel::Closed;
            return Err(self.fail(Cause::Interrupted));
        }
        Ok(())
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.check_lease()?;
        let written = match &mut self.channel {
            Channel::Plain(tcp) => Pin::new(tcp).poll_write(cx, bytes),
            Channel::Tls(tls) => Pin::new(tls.as_mut()).poll_write(cx, bytes),
            Channel::Closed => Poll::Ready(Ok(0)),
        };
        match written {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Ok(0) | Err(_)) => Poll::Ready(Err(self.fail(Cause::Closed))),
            Poll::Ready(Ok(count)) => Poll::Ready(Ok(count)),
        }
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = match &mut self.channel {
            Channel::Plain(tcp) => Pin::new(tcp).poll_flush(cx),
            Channel::Tls(tls) => Pin::new(tls.as_mut()).poll_flush(cx),
            Channel::Closed => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        };
        flushed.map_err(|_| self.fail(Cause::Closed))
    }

    fn poll_channel(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match &mut self.channel {
            Channel::Plain(tcp) => Pin::new(tcp).poll_read(cx, buffer),
            Channel::Tls(tls) => Pin::new(tls.as_mut()).poll_read(cx, buffer),
            Channel::Closed => Poll::Ready(Ok(())),
        }
    }

    const fn is_tls(&self) -> bool {
        matches!(self.channel, Channel::Tls(_))
    }

    /// Ends the conversation; gives what did so first.
    fn end(&mut self, cause: Cause) -> Cause {
        self.channel = Channel::Closed;
        self.fault.get_or_insert(cause).clone()
    }
}

fn aborted() -> io::Error {
    io::Error::from(io::ErrorKind::ConnectionAborted)
}
