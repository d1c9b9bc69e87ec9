//! The practice server's certificates: made once, kept in a folder, never signed with again.
//!
//! The key of the certificate authority is thrown away as soon as the certificates are made, so
//! whoever trusts `ca.pem` trusts exactly what lies beside it.

use std::error::Error;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, date_time_ymd,
};
use rustls::ServerConfig;
use rustls_pki_types::pem::{PemObject, SectionKind};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::TlsAcceptor;
use uuid::Uuid;

use super::fault::PortFault;

/// Names that the good certificate is for.
const NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];
/// The one file that counts; `ca.pem` is written from it.
const BUNDLE_FILE: &str = "practice-certificates.pem";
const CA_FILE: &str = "ca.pem";

/// Why there are no certificates.
#[derive(Debug, thiserror::Error)]
pub enum CertificatesError {
    /// The folder or a file in it could not be read or written.
    #[error("read or write {path}")]
    File {
        /// What was read or written.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The file is there, and is not what this server writes; removing it has a new one made.
    #[error("{0} is damaged: remove it to have new certificates made")]
    Damaged(PathBuf),
    /// The certificates could not be made.
    #[error("make certificates")]
    Make(#[source] Box<dyn Error + Send + Sync>),
    /// TLS does not take the certificates.
    #[error("set up TLS")]
    Tls(#[source] Box<dyn Error + Send + Sync>),
}

/// What the server shows to clients, ready for handshakes.
pub(super) struct Certificates {
    pub(super) ca_file: PathBuf,
    good: TlsAcceptor,
    self_signed: TlsAcceptor,
    expired: TlsAcceptor,
    wrong_name: TlsAcceptor,
}

impl Certificates {
    /// Opens the certificates in `folder`, making folder and certificates if there are none.
    ///
    /// Servers that start at the same moment on one folder end up with the same certificates.
    pub(super) fn open(folder: &Path) -> Result<Self, CertificatesError> {
        std::fs::create_dir_all(folder).map_err(file_error(folder))?;
        let path = folder.join(BUNDLE_FILE);
        if !path.exists() {
            let bundle = make_bundle().map_err(|error| CertificatesError::Make(error.into()))?;
            write_new(&path, bundle.as_bytes())?;
        }
        let bundle = std::fs::read_to_string(&path).map_err(file_error(&path))?;
        let damaged = || CertificatesError::Damaged(path.clone());
        let [_, good, self_signed, expired, wrong_name] =
            parse_bundle(&bundle).ok_or_else(damaged)?;

        let ca_file = folder.join(CA_FILE);
        write_ca(&ca_file, authority(&bundle).ok_or_else(damaged)?)?;
        Ok(Self {
            ca_file,
            good: acceptor(good)?,
            self_signed: acceptor(self_signed)?,
            expired: acceptor(expired)?,
            wrong_name: acceptor(wrong_name)?,
        })
    }

    /// The certificate to show on a port with this fault.
    pub(super) fn acceptor(&self, fault: Option<PortFault>) -> &TlsAcceptor {
        if fault == Some(PortFault::SelfSigned) {
            &self.self_signed
        } else if fault == Some(PortFault::ExpiredCertificate) {
            &self.expired
        } else if fault == Some(PortFault::WrongName) {
            &self.wrong_name
        } else {
            &self.good
        }
    }
}

/// A certificate and, but for the authority's, its key.
struct Identity {
    certificate: CertificateDer<'static>,
    key: Option<PrivateKeyDer<'static>>,
}

/// Makes everything at once: authority, good, self-signed, expired, wrong name, in this order.
fn make_bundle() -> Result<String, rcgen::Error> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.distinguished_name.push(DnType::CommonName, "Letterhead practice authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2049, 12, 31);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;

    let mut bundle = authority.pem();
    let names = NAMES.map(str::to_owned).to_vec();
    let key = KeyPair::generate()?;
    let good = leaf(names.clone(), 2049)?.signed_by(&key, &authority)?;
    bundle += &(good.pem() + &key.serialize_pem());
    let key = KeyPair::generate()?;
    let self_signed = leaf(names.clone(), 2049)?.self_signed(&key)?;
    bundle += &(self_signed.pem() + &key.serialize_pem());
    let key = KeyPair::generate()?;
    let expired = leaf(names, 2021)?.signed_by(&key, &authority)?;
    bundle += &(expired.pem() + &key.serialize_pem());
    let key = KeyPair::generate()?;
    let wrong_name =
        leaf(vec!["elsewhere.example".to_owned()], 2049)?.signed_by(&key, &authority)?;
    bundle += &(wrong_name.pem() + &key.serialize_pem());
    Ok(bundle)
}

/// A server's certificate for `names`, from 2020 to the end of `last_year`.
fn leaf(names: Vec<String>, last_year: i32) -> Result<CertificateParams, rcgen::Error> {
    let common_name = names.first().cloned().unwrap_or_default();
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name.push(DnType::CommonName, common_name);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(last_year, 12, 31);
    Ok(params)
}

/// The first certificate of the bundle, as PEM.
fn authority(bundle: &str) -> Option<&str> {
    const END: &str = "-----END CERTIFICATE-----\n";
    let end = bundle.find(END)?;
    bundle.get(..end + END.len())
}

fn parse_bundle(bundle: &str) -> Option<[Identity; 5]> {
    let mut identities: Vec<Identity> = Vec::new();
    for section in <(SectionKind, Vec<u8>)>::pem_slice_iter(bundle.as_bytes()) {
        let (kind, der) = section.ok()?;
        if kind == SectionKind::Certificate {
            identities.push(Identity { certificate: der.into(), key: None });
        } else if kind == SectionKind::PrivateKey {
            identities.last_mut()?.key = Some(PrivatePkcs8KeyDer::from(der).into());
        }
    }
    identities.try_into().ok()
}

fn acceptor(identity: Identity) -> Result<TlsAcceptor, CertificatesError> {
    let key = identity.key.ok_or_else(|| CertificatesError::Tls("no key".into()))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| {
            builder.with_no_client_auth().with_single_cert(vec![identity.certificate], key)
        })
        .map_err(|error| CertificatesError::Tls(error.into()))?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// Writes a file that only its owner can read, whole or not at all; one that is there stays.
fn write_new(path: &Path, bytes: &[u8]) -> Result<(), CertificatesError> {
    let draft = write_draft(path, bytes, 0o600)?;
    let linked = match std::fs::hard_link(&draft, path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        Ok(()) | Err(_) => Ok(()),
    };
    std::fs::remove_file(&draft).map_err(file_error(&draft))?;
    linked.map_err(file_error(path))
}

/// Writes the authority's certificate for clients to trust, unless it is there already.
fn write_ca(path: &Path, pem: &str) -> Result<(), CertificatesError> {
    if std::fs::read_to_string(path).is_ok_and(|present| present == pem) {
        return Ok(());
    }
    let draft = write_draft(path, pem.as_bytes(), 0o644)?;
    std::fs::rename(&draft, path).map_err(file_error(path))
}

/// Writes a new file of a name of its own beside `path`.
fn write_draft(path: &Path, bytes: &[u8], mode: u32) -> Result<PathBuf, CertificatesError> {
    let draft = path.with_extension(format!("{}.draft", Uuid::new_v4().simple()));
    let mut options = std::fs::OpenOptions::new();
    let mut file =
        options.write(true).create_new(true).mode(mode).open(&draft).map_err(file_error(&draft))?;
    file.write_all(bytes).map_err(file_error(&draft))?;
    Ok(draft)
}

fn file_error(path: &Path) -> impl FnOnce(io::Error) -> CertificatesError {
    let path = path.to_owned();
    move |source| CertificatesError::File { path, source }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn certificates_are_made_once_and_kept() {
        let folder = tempfile::tempdir().unwrap();

        let first = Certificates::open(&folder.path().join("made")).unwrap();
        let before = std::fs::read(&first.ca_file).unwrap();
        let second = Certificates::open(&folder.path().join("made")).unwrap();

        assert_eq!(std::fs::read(&second.ca_file).unwrap(), before);
    }

    #[test]
    fn keys_are_for_their_owner_and_the_authority_has_none() {
        let folder = tempfile::tempdir().unwrap();
        Certificates::open(folder.path()).unwrap();

        let bundle = folder.path().join(BUNDLE_FILE);
        let mode = std::fs::metadata(&bundle).unwrap().permissions().mode();
        let [authority, ..] = parse_bundle(&std::fs::read_to_string(&bundle).unwrap()).unwrap();

        assert_eq!(mode & 0o077, 0);
        assert!(authority.key.is_none());
    }

    #[test]
    fn a_damaged_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(BUNDLE_FILE), "nothing").unwrap();

        let Err(error) = Certificates::open(folder.path()) else { panic!("opened") };

        assert!(error.to_string().contains(BUNDLE_FILE), "{error}");
    }
}
