//! A web server on the loopback, over TLS, that answers byte for byte what a test wants.
//!
//! Its certificate is for the names that the test gives, signed by an authority of its own. For tests
//! only: whatever goes wrong here panics.

#![expect(clippy::expect_used, reason = "only tests use this, and a test ends by panicking")]

use std::{
    fs,
    net::Ipv4Addr,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::{ServerConfig, crypto::ring};
use rustls_pki_types::PrivatePkcs8KeyDer;
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use tokio_rustls::TlsAcceptor;

/// Longest request that is read, in bytes.
const MAX_REQUEST: u64 = 16 * 1024;

/// What is answered to a request.
#[derive(Clone, Debug)]
pub enum Answer {
    /// A document.
    Document(String),
    /// A redirection to this address.
    Elsewhere(String),
    /// These bytes, and then the end.
    Bytes(Vec<u8>),
    /// These bytes, then the others again and again until the client leaves.
    Endless(Vec<u8>, Vec<u8>),
    /// These bytes, and then silence.
    Stalled(Vec<u8>),
}

/// A web server that answers as long as it lives.
pub struct HttpsServer {
    port: u16,
    folder: TempDir,
    requests: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl HttpsServer {
    /// Starts one whose certificate is for `names`. `answer` gets the host and the path of a request,
    /// as in `aurora.example/mail/config-v1.1.xml`, and knows the server's port.
    ///
    /// # Panics
    ///
    /// If there is no free port or no folder for the authority's file.
    pub async fn start(
        names: &[&str],
        answer: impl Fn(u16, &str) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let folder = tempfile::tempdir().expect("make a folder");
        let acceptor = acceptor(names, &folder.path().join("ca.pem"));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("bind a listener");
        let port = listener.local_addr().expect("the socket is bound").port();
        let requests = Arc::<Mutex<Vec<_>>>::default();
        let (noted, answer) = (Arc::clone(&requests), Arc::new(answer));
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, noted) = (acceptor.clone(), Arc::clone(&noted));
                let answer = Arc::clone(&answer);
                tokio::spawn(async move {
                    // A client that leaves in the middle is what some tests are about.
                    let _ = serve(stream, acceptor, &noted, |it: &str| answer(port, it)).await;
                });
            }
        });
        Self { port, folder, requests, task }
    }

    /// Where it listens on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// A PEM file with the authority that signed its certificate.
    pub fn ca_file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// Every request so far, whole: its line and its header fields.
    ///
    /// # Panics
    ///
    /// If a task of the server panicked.
    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().expect("no task panicked").clone()
    }
}

impl Drop for HttpsServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn acceptor(names: &[&str], ca_file: &Path) -> TlsAcceptor {
    let key = || KeyPair::generate().expect("make a key");
    let mut authority = CertificateParams::new(Vec::new()).expect("no names");
    authority.distinguished_name.push(DnType::CommonName, "Letterhead test authority");
    authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    let authority = CertifiedIssuer::self_signed(authority, key()).expect("make an authority");
    fs::write(ca_file, authority.pem()).expect("write the authority");

    let names: Vec<_> = names.iter().map(|&name| name.to_owned()).collect();
    let own_key = key();
    let certificate = CertificateParams::new(names)
        .and_then(|params| params.signed_by(&own_key, &authority))
        .expect("make a certificate");
    let private = PrivatePkcs8KeyDer::from(own_key.serialize_der());
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("set up TLS")
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], private.into())
        .expect("a certificate and its key");
    TlsAcceptor::from(Arc::new(config))
}

async fn serve(
    stream: TcpStream,
    acceptor: TlsAcceptor,
    requests: &Mutex<Vec<String>>,
    answer: impl Fn(&str) -> Answer,
) -> std::io::Result<()> {
    let mut stream = BufReader::new(acceptor.accept(stream).await?);
    let mut request = String::new();
    let mut lines = (&mut stream).take(MAX_REQUEST);
    while !request.ends_with("\r\n\r\n") && lines.read_line(&mut request).await? > 0 {}
    let asked = asked(&request);
    requests.lock().expect("no task panicked").push(request);
    respond(&mut stream, answer(&asked)).await?;
    stream.shutdown().await
}

/// Host and path of a request.
fn asked(request: &str) -> String {
    let path = request.split(' ').nth(1).unwrap_or_default();
    let host = request
        .lines()
        .find_map(|line| line.to_ascii_lowercase().strip_prefix("host: ").map(str::to_owned));
    let host = host.unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host.as_str(), |(name, _)| name);
    format!("{name}{path}")
}

async fn respond(stream: &mut (impl AsyncWrite + Unpin), answer: Answer) -> std::io::Result<()> {
    match answer {
        Answer::Document(text) => {
            let length = text.len();
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: {length}\r\n\r\n"
            );
            stream.write_all((head + &text).as_bytes()).await?;
        }
        Answer::Elsewhere(address) => {
            let head =
                format!("HTTP/1.1 302 Found\r\nLocation: {address}\r\nContent-Length: 0\r\n\r\n");
            stream.write_all(head.as_bytes()).await?;
        }
        Answer::Bytes(bytes) => stream.write_all(&bytes).await?,
        Answer::Endless(head, more) => {
            stream.write_all(&head).await?;
            loop {
                stream.write_all(&more).await?;
            }
        }
        Answer::Stalled(bytes) => {
            stream.write_all(&bytes).await?;
            stream.flush().await?;
            std::future::pending::<()>().await;
        }
    }
    stream.flush().await
}
