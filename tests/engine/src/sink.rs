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
    sync::mpsc,
    time::Instant,
};
use tokio_rustls::TlsAcceptor;

/// What the sink offers, and how far away it is.
#[derive(Clone)]
pub(crate) struct Offer {
    pub(crate) pipelining: bool,
    pub(crate) chunking: bool,
    pub(crate) round_trip: Duration,
    pub(crate) acceptor: Option<TlsAcceptor>,
}

/// A certificate for localhost as PEM, and what serves it.
pub(crate) fn certificate() -> (String, TlsAcceptor) {
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

/// Listens on a free port, says on which, and serves until it is killed.
pub(crate) async fn serve(offer: Offer) -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    writeln!(io::stdout(), "{}", listener.local_addr()?.port())?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let offer = offer.clone();
        // Whoever hangs up has sent what it wanted to.
        tokio::spawn(async move { greet(stream, &offer).await.ok() });
    }
}

async fn greet(mut stream: TcpStream, offer: &Offer) -> io::Result<()> {
    let Some(acceptor) = offer.acceptor.as_ref() else {
        return Talk::new(offer).run(stream, b"220 sink ESMTP\r\n").await;
    };
    let mut buffer = [0; 512];
    stream.write_all(b"220 sink ESMTP\r\n").await?;
    // EHLO, then STARTTLS: each in a segment of its own, since nothing may follow STARTTLS.
    let _ehlo = stream.read(&mut buffer).await?;
    stream.write_all(b"250-sink\r\n250 STARTTLS\r\n").await?;
    let _starttls = stream.read(&mut buffer).await?;
    stream.write_all(b"220 go\r\n").await?;
    let stream = acceptor.accept(stream).await?;
    Talk::new(offer).run(stream, b"").await
}

struct Talk<'a> {
    offer: &'a Offer,
    input: Vec<u8>,
    taken: usize,
    output: Vec<u8>,
    in_body: bool,
}

impl<'a> Talk<'a> {
    fn new(offer: &'a Offer) -> Self {
        Self { offer, input: Vec::new(), taken: 0, output: Vec::new(), in_body: false }
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
        self.answer();
        Ok(())
    }

    /// Answers every command that is there whole.
    fn answer(&mut self) {
        loop {
            let rest = self.input.get(self.taken..).unwrap_or_default();
            if self.in_body {
                let Some(end) = memmem::find(rest, b"\r\n.\r\n") else { return };
                self.taken += end + 5;
                self.in_body = false;
                self.output.extend_from_slice(b"250 taken\r\n");
                continue;
            }
            let Some(end) = memmem::find(rest, b"\r\n") else { return };
            let (line, after) = (&rest[..end], end + 2);
            let reply: &[u8] = match line.get(..4).unwrap_or(line) {
                b"EHLO" => self.greeting(),
                b"DATA" => {
                    self.in_body = true;
                    b"354 go\r\n"
                }
                b"BDAT" => {
                    let size = line[5..].split(|byte| *byte == b' ').next().unwrap_or_default();
                    let size =
                        size.iter().fold(0, |sum, digit| sum * 10 + usize::from(digit - b'0'));
                    if rest.len() < after + size {
                        return;
                    }
                    self.taken += size;
                    b"250 taken\r\n"
                }
                b"QUIT" => b"221 bye\r\n",
                _ => b"250 ok\r\n",
            };
            self.taken += after;
            self.output.extend_from_slice(reply);
        }
    }

    fn greeting(&self) -> &'static [u8] {
        match (self.offer.pipelining, self.offer.chunking) {
            (true, true) => b"250-sink\r\n250-PIPELINING\r\n250-CHUNKING\r\n250 8BITMIME\r\n",
            (true, false) => b"250-sink\r\n250-PIPELINING\r\n250 8BITMIME\r\n",
            (false, _) => b"250-sink\r\n250 8BITMIME\r\n",
        }
    }
}
