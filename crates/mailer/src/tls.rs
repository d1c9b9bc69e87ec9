//! TLS: whom we trust, what a handshake showed, and what a failed one means.
//!
//! Every connection shares one configuration; making one for each sender would cost 19 KB and a
//! parse of all roots each time.

use std::{io, path::PathBuf, sync::Arc};

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

/// Longest certificate subject that is kept, in characters.
const MAX_SUBJECT_CHARS: usize = 200;

/// Whom we trust: one shared configuration for all connections. Clones are cheap.
#[derive(Clone)]
pub struct TlsTrust {
    config: Arc<ClientConfig>,
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
        // A resumed session shows the certificate of the day it began: a test run over it would
        // prove nothing, and sessions are kept open anyway.
        config.resumption = Resumption::disabled();
        Ok(Self { config: Arc::new(config) })
    }

    /// Does the handshake on `tcp`, checking the certificate for `host`, until `deadline`.
    pub(crate) async fn handshake(
        &self,
        host: &SmtpHost,
        tcp: TcpStream,
        deadline: Instant,
    ) -> Result<(TlsStream<TcpStream>, TlsFacts), Cause> {
        let name = ServerName::try_from(host.as_str().to_owned())
            .map_err(|_| Cause::Certificate(CertificateFault::WrongName))?;
        let connector = TlsConnector::from(Arc::clone(&self.config));
        let stream = timeout_at(deadline, connector.connect(name, tcp))
            .await
            .map_err(|_| Cause::TimedOut)?
            .map_err(|error| handshake_cause(&error))?;
        let facts = facts(&stream).ok_or(Cause::TlsHandshake)?;
        Ok((stream, facts))
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
    match error.get_ref().and_then(|inner| inner.downcast_ref()) {
        Some(rustls::Error::InvalidCertificate(error)) => {
            Cause::Certificate(certificate_fault(error))
        }
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
    } else if matches!(error, CertificateError::UnknownIssuer) {
        CertificateFault::UnknownIssuer
    } else {
        CertificateFault::Other
    }
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
    text.chars()
        .map(|c| if is_unsafe_in_line(c) { ' ' } else { c })
        .take(MAX_SUBJECT_CHARS)
        .collect()
}
