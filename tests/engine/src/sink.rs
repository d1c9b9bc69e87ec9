//! A mail server that takes everything and keeps nothing, in a process of its own.
//!
//! It does as little as a server can, so that it is not what is measured; replies can be held back
//! for a round trip's time, for there are kernels on which no link can be made slow.

use std::{
    io::{self, Write},
    sync::Arc,
    time::Duration,
};

use memchr::memmem;
use rcgen::{CertificateParams, KeyPair};
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::{mpsc, oneshot},
    time::Instant,
};
use tokio_rustls::TlsAcceptor;

use crate::tally::Tally;

/// What the sink offers, and how far away it is.
pub(crate) struct Offer {
    /// What it answers to EHLO, once nothing more is to come of TLS.
    greeting: Vec<u8>,
    round_trip: Duration,
    acceptor: Option<TlsAcceptor>,
}

impl Offer {
    /// `keywords` are of SMTP, in any case and separated by spaces; `round_trip` is in milliseconds;
    /// with a `ca_file` there is STARTTLS, with a certificate that is written there.
    pub(crate) fn parse(keywords: &str, round_trip: &str, ca_file: &str) -> io::Result<Self> {
        let acceptor = if ca_file.is_empty() {
            None
        } else {
            let (pem, acceptor) = certificate();
            std::fs::write(ca_file, pem)?;
            Some(acceptor)
        };
        let mut greeting = b"250-sink\r\n".to_vec();
        for keyword in keywords.split_whitespace().map(str::to_uppercase) {
            let mechanism = if keyword == "AUTH" { " PLAIN" } else { "" };
            greeting.extend_from_slice(format!("250-{keyword}{mechanism}\r\n").as_bytes());
        }
        greeting.extend_from_slice(b"250 8BITMIME\r\n");
        let round_trip = Duration::from_millis(round_trip.parse().map_err(io::Error::other)?);
        Ok(Self { greeting, round_trip, acceptor })
    }
}

/// A certificate for localhost as PEM, and what serves it.
fn certificate() -> (String, TlsAcceptor) {
    let key = KeyPair::generate().expect("a key");
    let params = CertificateParams::new(["localhost".to_owned()]).expect("a name");
    let certificate = params.self_signed(&key).expect("a certificate");
    let der = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("protocol versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], der)
        .expect("a server's configuration");
    (certificate.pem(), TlsAcceptor::from(Arc::new(config)))
}

/// Listens on a free port, says on which, and serves until nobody wants its tally any more.
pub(crate) async fn serve(offer: Offer) -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let (tally, mut end) = open(&listener)?;
    let offer = Arc::new(offer);
    loop {
        let stream = tokio::select! {
            accepted = listener.accept() => accepted?.0,
            _ = &mut end => return Ok(()),
        };
        stream.set_nodelay(true)?;
        tally.connection();
        let (offer, tally) = (Arc::clone(&offer), tally.clone());
        // Whoever hangs up has sent what it wanted to.
        tokio::spawn(async move { greet(stream, &offer, tally).await.ok() });
    }
}

/// Listens on a free port at every address of this machine, takes connections, and never says a
/// word.
pub(crate) async fn keep_silent() -> io::Result<()> {
    let listener = TcpListener::bind("0.0.0.0:0").await?;
    let (tally, mut end) = open(&listener)?;
    loop {
        let mut stream = tokio::select! {
            accepted = listener.accept() => accepted?.0,
            _ = &mut end => return Ok(()),
        };
        tally.connection();
        // Until the other side gives up.
        tokio::spawn(async move { stream.read(&mut [0; 64]).await });
    }
}

/// Says the port, and begins to count; what comes second ends when nobody wants the tally any more.
fn open(listener: &TcpListener) -> io::Result<(Tally, oneshot::Receiver<()>)> {
    writeln!(io::stdout(), "{}", listener.local_addr()?.port())?;
    let tally = Tally::begin();
    let end = tally.clone().tell();
    Ok((tally, end))
}

async fn greet(mut stream: TcpStream, offer: &Offer, tally: Tally) -> io::Result<()> {
    let Some(acceptor) = offer.acceptor.as_ref() else {
        return Talk::new(offer, tally).run(stream, b"220 sink ESMTP\r\n").await;
    };
    let mut buffer = [0; 512];
    stream.write_all(b"220 sink ESMTP\r\n").await?;
    // EHLO, then STARTTLS: each in a segment of its own, since nothing may follow STARTTLS.
    let _ehlo = stream.read(&mut buffer).await?;
    stream.write_all(b"250-sink\r\n250 STARTTLS\r\n").await?;
    let _starttls = stream.read(&mut buffer).await?;
    stream.write_all(b"220 go\r\n").await?;
    let stream = acceptor.accept(stream).await?;
    Talk::new(offer, tally).run(stream, b"").await
}

struct Talk<'a> {
    offer: &'a Offer,
    tally: Tally,
    input: Vec<u8>,
    taken: usize,
    output: Vec<u8>,
    in_body: bool,
}

impl<'a> Talk<'a> {
    fn new(offer: &'a Offer, tally: Tally) -> Self {
        Self { offer, tally, input: Vec::new(), taken: 0, output: Vec::new(), in_body: false }
    }

    async fn run<S>(mut self, stream: S, greeting: &[u8]) -> io::Result<()>
    where
        S: AsyncRead + AsyncWrite + Send + 'static,
    {
        let (mut reader, mut writer) = tokio::io::split(stream);
        self.output.extend_from_slice(greeting);
        // What is said arrives one round trip after what it answers was said, however much is
        // said meanwhile: a line, not a queue.
        let (line, mut end) = mpsc::unbounded_channel::<(Instant, Vec<u8>)>();
        if !self.offer.round_trip.is_zero() {
            tokio::spawn(async move {
                while let Some((due, bytes)) = end.recv().await {
                    tokio::time::sleep_until(due).await;
                    if writer.write_all(&bytes).await.is_err() || writer.flush().await.is_err() {
                        return;
                    }
                }
            });
            loop {
                let bytes = std::mem::take(&mut self.output);
                if !bytes.is_empty() {
                    let sent = line.send((Instant::now() + self.offer.round_trip, bytes));
                    sent.map_err(|_| io::ErrorKind::BrokenPipe)?;
                }
                self.fill(&mut reader).await?;
            }
        }
        loop {
            if !self.output.is_empty() {
                writer.write_all(&self.output).await?;
                writer.flush().await?;
                self.output.clear();
            }
            self.fill(&mut reader).await?;
        }
    }

    async fn fill(&mut self, reader: &mut (impl AsyncRead + Unpin)) -> io::Result<()> {
        self.input.drain(..self.taken);
        self.taken = 0;
        self.input.reserve(64 * 1024);
        if reader.read_buf(&mut self.input).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let messages = self.answer();
        if messages > 0 {
            self.tally.messages(messages);
        }
        Ok(())
    }

    /// Answers every command that is there whole, and says how many messages were.
    fn answer(&mut self) -> u64 {
        let mut messages = 0;
        loop {
            let rest = self.input.get(self.taken..).unwrap_or_default();
            if self.in_body {
                let Some(end) = memmem::find(rest, b"\r\n.\r\n") else { return messages };
                self.taken += end + 5;
                self.in_body = false;
                messages += 1;
                self.output.extend_from_slice(b"250 taken\r\n");
                continue;
            }
            let Some(end) = memmem::find(rest, b"\r\n") else { return messages };
            let (line, after) = (&rest[..end], end + 2);
            let reply: &[u8] = match line.get(..4).unwrap_or(line) {
                b"EHLO" => &self.offer.greeting,
                b"AUTH" => b"235 welcome\r\n",
                b"DATA" => {
                    self.in_body = true;
                    b"354 go\r\n"
                }
                b"BDAT" => {
                    let size = line[5..].split(|byte| *byte == b' ').next().unwrap_or_default();
                    let size =
                        size.iter().fold(0, |sum, digit| sum * 10 + usize::from(digit - b'0'));
                    if rest.len() < after + size {
                        return messages;
                    }
                    self.taken += size;
                    messages += 1;
                    b"250 taken\r\n"
                }
                b"QUIT" => b"221 bye\r\n",
                _ => b"250 ok\r\n",
            };
            self.taken += after;
            self.output.extend_from_slice(reply);
        }
    }
}
