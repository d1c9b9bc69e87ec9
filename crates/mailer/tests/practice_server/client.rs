//! A practice server of one's own, and a client that speaks bytes.

use std::sync::Arc;
use std::time::Duration;

use letterhead_mailer::practice_server::fault::PortFault;
use letterhead_mailer::practice_server::{PracticeConfig, PracticeServer};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// How long a server that is to stay silent is listened to. It can only let a fault of the
/// server pass, never fail a good one.
const SILENCE: Duration = Duration::from_millis(100);

/// `\0practice\0practice-password`.
pub(crate) const PLAIN: &str = "AUTH PLAIN AHByYWN0aWNlAHByYWN0aWNlLXBhc3N3b3Jk";

/// A running server, and the folder of its certificates.
pub(crate) struct Practice {
    pub(crate) server: PracticeServer,
    folder: TempDir,
}

impl Practice {
    pub(crate) async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    pub(crate) async fn start_with(change: impl FnOnce(&mut PracticeConfig)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut config = PracticeConfig::ephemeral(folder.path());
        change(&mut config);
        let server = PracticeServer::start(config).await.unwrap();
        Self { server, folder }
    }

    pub(crate) fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    pub(crate) async fn stop(self) {
        self.server.stop().await;
    }

    /// Connected to the STARTTLS port, greeted.
    pub(crate) async fn greeted(&self) -> Client {
        let mut client = Client::connect(self.server.starttls_port()).await;
        assert!(client.reply().await.starts_with("220 "));
        client
    }

    /// Under TLS on the STARTTLS port, after the second EHLO.
    pub(crate) async fn secured(&self) -> Client {
        self.greeted().await.secured(self).await
    }

    /// Ready for MAIL on the STARTTLS port.
    pub(crate) async fn signed_in(&self) -> Client {
        self.secured().await.signed_in().await
    }

    /// Connected to the port with this fault; nothing has been read.
    pub(crate) async fn at(&self, fault: PortFault) -> Client {
        Client::connect(self.server.fault_port(fault).unwrap()).await
    }

    /// Ready for MAIL on the port with this fault.
    pub(crate) async fn signed_in_at(&self, fault: PortFault) -> Client {
        let mut client = self.at(fault).await;
        client.reply().await;
        client.secured(self).await.signed_in().await
    }

    /// What a client that trusts the server's authority uses.
    pub(crate) fn connector(&self) -> TlsConnector {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(self.server.ca_file()).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        TlsConnector::from(Arc::new(config))
    }
}

pub(crate) trait Both: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Both for S {}

/// One connection; what was read and not yet asked for waits in `read`.
pub(crate) struct Client {
    stream: Box<dyn Both>,
    read: Vec<u8>,
}

impl Client {
    #[expect(clippy::disallowed_methods, reason = "the peer is the server under test")]
    pub(crate) async fn connect(port: u16) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream: Box::new(stream), read: Vec::new() }
    }

    /// Shakes hands for `localhost`.
    pub(crate) async fn tls(self, practice: &Practice) -> Result<Self, rustls::Error> {
        let name = ServerName::try_from("localhost").unwrap();
        match practice.connector().connect(name, self.stream).await {
            Ok(stream) => Ok(Self { stream: Box::new(stream), read: Vec::new() }),
            Err(error) => Err(error.downcast::<rustls::Error>().unwrap()),
        }
    }

    pub(crate) async fn secured(mut self, practice: &Practice) -> Self {
        self.say("EHLO client.example").await;
        assert!(self.say("STARTTLS").await.starts_with("220 "));
        let mut secured = self.tls(practice).await.unwrap();
        secured.say("EHLO client.example").await;
        secured
    }

    pub(crate) async fn signed_in(mut self) -> Self {
        assert_eq!(self.say(PLAIN).await, "235 2.7.0 Signed in");
        self
    }

    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).await.unwrap();
        self.stream.flush().await.unwrap();
    }

    /// Sends a command and gives its reply.
    pub(crate) async fn say(&mut self, command: &str) -> String {
        self.send(format!("{command}\r\n")).await;
        self.reply().await
    }

    /// The next reply, its lines joined by LF.
    pub(crate) async fn reply(&mut self) -> String {
        let mut reply = Vec::new();
        loop {
            let line = String::from_utf8_lossy(&self.line().await).into_owned();
            let last = line.as_bytes().get(3) != Some(&b'-');
            reply.push(line);
            if last {
                return reply.join("\n");
            }
        }
    }

    /// The next line without its end.
    pub(crate) async fn line(&mut self) -> Vec<u8> {
        loop {
            if let Some(end) = self.read.windows(2).position(|pair| pair == b"\r\n") {
                let line = self.read.drain(..end + 2).take(end).collect();
                return line;
            }
            assert!(self.more().await, "closed after {:?}", String::from_utf8_lossy(&self.read));
        }
    }

    /// MAIL, RCPT and DATA for one recipient, up to the 354.
    pub(crate) async fn begin_mail(&mut self, recipient: &str) {
        assert_eq!(self.say("MAIL FROM:<shop@a.example>").await, "250 2.1.0 Sender fine");
        assert_eq!(self.say(&format!("RCPT TO:<{recipient}>")).await, "250 2.1.5 Recipient fine");
        assert!(self.say("DATA").await.starts_with("354 "));
    }

    /// A small mail to one recipient, up to the reply to the final dot.
    pub(crate) async fn mail(&mut self, recipient: &str) -> String {
        self.begin_mail(recipient).await;
        self.say("Subject: Hello\r\n\r\nText\r\n.").await
    }

    /// Whether the server closes without another word.
    pub(crate) async fn is_closed(&mut self) -> bool {
        self.read.is_empty() && !self.more().await
    }

    /// Whether the server neither speaks nor closes.
    pub(crate) async fn is_left_alone(&mut self) -> bool {
        self.read.is_empty() && timeout(SILENCE, self.more()).await.is_err()
    }

    /// Everything up to the server's close.
    pub(crate) async fn rest(&mut self) -> Vec<u8> {
        while self.more().await {}
        std::mem::take(&mut self.read)
    }

    /// Reads on; false at the end, however it came.
    pub(crate) async fn more(&mut self) -> bool {
        self.stream.read_buf(&mut self.read).await.is_ok_and(|read| read > 0)
    }

    pub(crate) fn unread(&self) -> &[u8] {
        &self.read
    }
}
