//! TLS: whom we trust, what a handshake showed, and what a failed one means.
//!
//! Connections share a configuration, one for deliveries and one for everything else; making one for
//! each sender would cost 19 KB and a parse of all roots each time.

use std::{
    io,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use chrono::{DateTime, Utc};
use letterhead_domain::{
    smtp_host::SmtpHost,
    test_run::{Cause, CertificateFault, TlsFacts},
    text::is_unsafe_in_line,
};
use rustls::{
    CertificateError, ClientConfig, ProtocolVersion, RootCertStore, client::Resumption,
    crypto::ring,
};
use rustls_pki_types::{CertificateDer, ServerName, pem, pem::PemObject};
use tokio::{
    net::TcpStream,
    time::{Instant, timeout_at},
};
use tokio_rustls::{TlsConnector, client::TlsStream};
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

use crate::clock::Clock;

/// Longest certificate subject that is kept, in characters.
const MAX_SUBJECT_CHARS: usize = 200;
/// Most names of a certificate that are told.
const MAX_NAMES: usize = 5;

/// How long a session may be resumed after the certificate of its server was looked at. What a resumed
/// session leaves behind can be resumed again, so without a bound a certificate that has expired or was
/// withdrawn would be trusted for ever; RFC 8446, section 4.6.1, allows a ticket seven days.
const RESUMED_FOR: Duration = Duration::from_secs(60 * 60);
/// Servers whose sessions are kept: some 5 KB each.
const RESUMED_SERVERS: usize = 1_024;

/// Whom we trust: one configuration for all connections that are made with it. Clones are cheap.
///
/// Nothing is resumed unless it is asked for: a resumed session shows the certificate of the day it
/// began, so a test run over it would prove nothing.
#[derive(Clone)]
pub struct TlsTrust {
    config: Arc<ClientConfig>,
    recent: Option<Recent>,
}

/// The configuration of connections that may resume the sessions of others, to the same host.
#[derive(Clone)]
struct Recent {
    clock: Clock,
    /// With when it was made; another one remembers nothing of it.
    made: Arc<Mutex<(Instant, Arc<ClientConfig>)>>,
}

/// No trust anchors could be had.
#[derive(Debug, thiserror::Error)]
pub enum TlsTrustError {
    /// A CA file could not be read as PEM.
    #[error("read the CA file {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A CA file holds no certificate.
    #[error("the CA file {} holds no certificate", .0.display())]
    Empty(PathBuf),
    /// Neither the system nor the CA files gave a single root.
    #[error("the system has no trusted roots and no CA file is named")]
    NoRoots,
    /// The TLS library refused its own defaults.
    #[error("set up TLS")]
    Setup(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl TlsTrust {
    /// Trusts the system's roots and the certificates in the PEM files `ca_files`. A system
    /// without roots will do if a CA file is named.
    ///
    /// # Errors
    ///
    /// [`TlsTrustError`] if a named file is unreadable, or if there is no root at all.
    pub fn load(ca_files: &[PathBuf]) -> Result<Self, TlsTrustError> {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        for path in ca_files {
            add_file(&mut roots, path)?;
        }
        if roots.is_empty() {
            return Err(TlsTrustError::NoRoots);
        }
        let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| TlsTrustError::Setup(error.into()))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.resumption = Resumption::disabled();
        Ok(Self { config: Arc::new(config), recent: None })
    }

    /// The same trust for connections that may resume sessions, each for an hour after its server's
    /// certificate was looked at.
    pub(crate) fn resuming(&self, clock: Clock) -> Self {
        let made = Arc::new(Mutex::new((clock.now(), remembering(&self.config))));
        Self { config: Arc::clone(&self.config), recent: Some(Recent { clock, made }) }
    }

    fn config(&self) -> Arc<ClientConfig> {
        let Some(Recent { clock, made }) = &self.recent else {
            return Arc::clone(&self.config);
        };
        // Nothing panics while it is held.
        let mut made = made.lock().unwrap_or_else(PoisonError::into_inner);
        let now = clock.now();
        if now.saturating_duration_since(made.0) >= RESUMED_FOR {
            *made = (now, remembering(&self.config));
        }
        Arc::clone(&made.1)
    }

    /// Does the handshake on `tcp`, checking the certificate for `host`, until `deadline`.
    pub(crate) async fn handshake(
        &self,
        host: &SmtpHost,
        tcp: TcpStream,
        deadline: Instant,
    ) -> Result<(TlsStream<TcpStream>, TlsFacts), HandshakeFault> {
        let name = ServerName::try_from(host.as_str().to_owned())
            .map_err(|_| Cause::Certificate(CertificateFault::WrongName))?;
        let connector = TlsConnector::from(self.config());
        let stream = timeout_at(deadline, connector.connect(name, tcp))
            .await
            .map_err(|_| Cause::TimedOut)?
            .map_err(|error| HandshakeFault {
                cause: handshake_cause(&error),
                remark: certificate_error(&error).and_then(remark),
            })?;
        let facts = facts(&stream).ok_or(Cause::TlsHandshake)?;
        Ok((stream, facts))
    }
}

/// `config` with a memory of its own.
fn remembering(config: &ClientConfig) -> Arc<ClientConfig> {
    let mut config = config.clone();
    config.resumption = Resumption::in_memory_sessions(RESUMED_SERVERS);
    Arc::new(config)
}

/// A handshake that failed.
pub(crate) struct HandshakeFault {
    pub(crate) cause: Cause,
    /// What the refused certificate said, for the transcript: a stranger's text, clean and cut.
    pub(crate) remark: Option<String>,
}

impl From<Cause> for HandshakeFault {
    fn from(cause: Cause) -> Self {
        Self { cause, remark: None }
    }
}

fn add_file(roots: &mut RootCertStore, path: &PathBuf) -> Result<(), TlsTrustError> {
    let unreadable = |source: Box<dyn std::error::Error + Send + Sync>| TlsTrustError::File {
        path: path.clone(),
        source,
    };
    let certificates = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect::<Result<Vec<_>, pem::Error>>)
        .map_err(|error| unreadable(error.into()))?;
    if certificates.is_empty() {
        return Err(TlsTrustError::Empty(path.clone()));
    }
    for certificate in certificates {
        roots.add(certificate).map_err(|error| unreadable(error.into()))?;
    }
    Ok(())
}

fn handshake_cause(error: &io::Error) -> Cause {
    if let Some(error) = certificate_error(error) {
        return Cause::Certificate(certificate_fault(error));
    }
    match error.get_ref().and_then(|inner| inner.downcast_ref()) {
        // What came was no TLS record: the banner of a server that begins in clear text.
        Some(rustls::Error::InvalidMessage(_)) => Cause::ClearTextOnTls,
        Some(_) => Cause::TlsHandshake,
        None => Cause::Closed,
    }
}

fn certificate_fault(error: &CertificateError) -> CertificateFault {
    if matches!(
        error,
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. }
    ) {
        CertificateFault::WrongName
    } else if matches!(
        error,
        CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. }
    ) {
        CertificateFault::Expired
    } else if is_from_a_stranger(error) {
        CertificateFault::UnknownIssuer
    } else {
        CertificateFault::Other
    }
}

fn certificate_error(error: &io::Error) -> Option<&CertificateError> {
    match error.get_ref().and_then(|inner| inner.downcast_ref()) {
        Some(rustls::Error::InvalidCertificate(error)) => Some(error),
        Some(_) | None => None,
    }
}

/// What helps to choose another host, or to have the certificate mended.
fn remark(error: &CertificateError) -> Option<String> {
    if let CertificateError::NotValidForNameContext { presented, .. } = error {
        // The names come as `DnsName("mail.example")`.
        let name = |text: &String| text.split('"').nth(1).unwrap_or(text).to_owned();
        let names: Vec<_> = presented.iter().take(MAX_NAMES).map(name).collect();
        Some(clean(&format!("the certificate is for {}", names.join(", "))))
    } else if let CertificateError::ExpiredContext { not_after, .. } = error {
        let seconds = i64::try_from(not_after.as_secs()).ok()?;
        let end = DateTime::from_timestamp(seconds, 0)?;
        Some(format!("the certificate ended on {}", end.format("%Y-%m-%d")))
    } else {
        None
    }
}

/// Whether no authority that we trust signed the certificate. An authority that only bears the
/// issuer's name shows as a bad signature or as the wrong kind of key. A self-signed certificate,
/// as the usual command lines make it, says that it is an authority itself; the verifier stumbles
/// over that first, and has a word for it but no public type.
fn is_from_a_stranger(error: &CertificateError) -> bool {
    matches!(
        error,
        CertificateError::UnknownIssuer
            | CertificateError::BadSignature
            | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. }
    ) || matches!(error, CertificateError::Other(other) if other.to_string() == "CaUsedAsEndEntity")
}

fn facts(stream: &TlsStream<TcpStream>) -> Option<TlsFacts> {
    let (_, connection) = stream.get_ref();
    // Only these two are compiled in.
    let is_1_3 = connection.protocol_version()? == ProtocolVersion::TLSv1_3;
    let version = if is_1_3 { "TLSv1.3" } else { "TLSv1.2" };
    let der = connection.peer_certificates()?.first()?;
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    Some(TlsFacts {
        version: version.to_owned(),
        certificate_subject: subject(&certificate),
        certificate_expires_at: expiry(&certificate)?,
    })
}

fn expiry(certificate: &X509Certificate<'_>) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(certificate.validity().not_after.timestamp(), 0)
}

/// The subject, or the first alternative names where it is empty, as new authorities leave it.
fn subject(certificate: &X509Certificate<'_>) -> String {
    let subject = certificate.subject().to_string();
    let text = if subject.is_empty() {
        let alternatives = certificate.subject_alternative_name().ok().flatten();
        let names = alternatives.iter().flat_map(|names| &names.value.general_names);
        let names: Vec<_> = names
            .filter_map(
                |name| {
                    if let GeneralName::DNSName(name) = name { Some(*name) } else { None }
                },
            )
            .take(5)
            .collect();
        names.join(", ")
    } else {
        subject
    };
    clean(&text)
}

fn clean(text: &str) -> String {
    text.chars()
        .map(|c| if is_unsafe_in_line(c) { ' ' } else { c })
        .take(MAX_SUBJECT_CHARS)
        .collect()
}

#[cfg(test)]
mod tests {
    use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};
    use rustls::{HandshakeKind, ServerConfig, pki_types::PrivateKeyDer};
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };
    use tokio_rustls::TlsAcceptor;

    use super::*;

    /// A server with a self-signed certificate that says one byte to each who comes, where it
    /// listens, and its certificate, with one that another key signed.
    async fn server(is_ca: IsCa) -> (std::net::SocketAddr, [String; 2]) {
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        params.is_ca = is_ca;
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let other_key = KeyPair::generate().unwrap();
        let other = params.self_signed(&other_key).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
            )
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        tokio::spawn(async move {
            loop {
                let (tcp, _) = listener.accept().await.unwrap();
                // The client hangs up as soon as it knows.
                if let Ok(mut stream) = acceptor.accept(tcp).await {
                    let _ = stream.write_all(b"!").await;
                }
            }
        });
        (address, [certificate.pem(), other.pem()])
    }

    fn trust(pem: &str) -> TlsTrust {
        let folder = tempfile::tempdir().unwrap();
        let ca_file = folder.path().join("ca.pem");
        std::fs::write(&ca_file, pem).unwrap();
        TlsTrust::load(&[ca_file]).unwrap()
    }

    async fn shake(
        trust: &TlsTrust,
        address: std::net::SocketAddr,
    ) -> Result<(TlsStream<TcpStream>, TlsFacts), Cause> {
        #[expect(clippy::disallowed_methods, reason = "the server of this test")]
        let tcp = TcpStream::connect(address).await.unwrap();
        let deadline = Instant::now() + Duration::from_secs(10);
        let host = "localhost".parse().unwrap();
        trust.handshake(&host, tcp, deadline).await.map_err(|fault| fault.cause)
    }

    /// What a client that trusts `trusted` makes of a server with a self-signed certificate.
    async fn meet(is_ca: IsCa, trusted: bool) -> Result<TlsFacts, Cause> {
        let (address, [own, others]) = server(is_ca).await;
        let trust = trust(if trusted { &own } else { &others });
        shake(&trust, address).await.map(|(_, facts)| facts)
    }

    /// How the handshake went.
    async fn kind(trust: &TlsTrust, address: std::net::SocketAddr) -> HandshakeKind {
        let (mut stream, _) = shake(trust, address).await.unwrap();
        // What the next handshake needs comes before it.
        stream.read_u8().await.unwrap();
        stream.get_ref().1.handshake_kind().unwrap()
    }

    #[tokio::test]
    async fn a_session_is_resumed_where_that_is_asked_for_until_the_certificate_is_due_again() {
        let (address, [own, _]) = server(IsCa::NoCa).await;
        let (trust, clock) = (trust(&own), Clock::new());
        let resuming = trust.resuming(clock.clone());

        assert_eq!(kind(&resuming, address).await, HandshakeKind::Full);
        assert_eq!(kind(&resuming, address).await, HandshakeKind::Resumed);
        assert_eq!(kind(&resuming.clone(), address).await, HandshakeKind::Resumed);
        clock.advance(RESUMED_FOR);
        assert_eq!(kind(&resuming, address).await, HandshakeKind::Full);
        assert_eq!(kind(&resuming, address).await, HandshakeKind::Resumed);
        assert_eq!(kind(&trust, address).await, HandshakeKind::Full);
        assert_eq!(kind(&trust, address).await, HandshakeKind::Full);
    }

    #[tokio::test]
    async fn a_resumed_session_tells_the_certificate_of_the_one_that_began_it() {
        let (address, [own, _]) = server(IsCa::NoCa).await;
        let resuming = trust(&own).resuming(Clock::new());
        let (mut first, at_first) = shake(&resuming, address).await.unwrap();
        first.read_u8().await.unwrap();

        let (second, then) = shake(&resuming, address).await.unwrap();

        assert_eq!(second.get_ref().1.handshake_kind(), Some(HandshakeKind::Resumed));
        assert_eq!(then, at_first);
    }

    #[tokio::test]
    async fn a_self_signed_certificate_is_a_strangers_whatever_it_says_of_itself() {
        let stranger = Err(Cause::Certificate(CertificateFault::UnknownIssuer));

        let authority = IsCa::Ca(BasicConstraints::Unconstrained);
        assert_eq!(meet(IsCa::NoCa, false).await, stranger);
        assert_eq!(meet(authority, false).await, stranger);
        assert_eq!(meet(authority, true).await, stranger);
        assert!(meet(IsCa::NoCa, true).await.is_ok());
    }

    #[test]
    fn a_file_without_a_certificate_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let empty = folder.path().join("empty.pem");
        std::fs::write(&empty, "no certificate").unwrap();

        let missing = TlsTrust::load(&[folder.path().join("missing.pem")]).err();
        let empty = TlsTrust::load(&[empty]).err();

        assert!(matches!(missing, Some(TlsTrustError::File { .. })));
        assert!(matches!(empty, Some(TlsTrustError::Empty(_))));
    }
}
