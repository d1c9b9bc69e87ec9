//! What real mail servers need when one is started for one test: a folder, ports, certificates, and
//! a way to say that there is none.

use std::fmt::Display;
use std::fs::{self, Permissions};
use std::io::{self, Write};
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::Output;
use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose,
};
use tempfile::TempDir;

/// Why there is no server.
#[derive(Debug)]
pub enum ServerError {
    /// It is not installed, or these tests do not run as root, which it must be started by.
    Skipped(&'static str),
    /// It is there and should have started.
    Failed {
        /// What was being done.
        action: &'static str,
        /// What the programs or the system said.
        detail: String,
    },
}

impl Display for ServerError {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Skipped(name) => write!(out, "skipped: needs {name}"),
            Self::Failed { action, detail } => {
                write!(out, "the mail server could not {action}: {detail}")
            }
        }
    }
}

impl std::error::Error for ServerError {}

impl ServerError {
    /// Tells on the terminal that the test is skipped.
    ///
    /// # Panics
    ///
    /// If the server is there and did not start.
    pub(crate) fn skip<Server>(self) -> Option<Server> {
        match self {
            skipped @ Self::Skipped(_) => {
                // Past the runner's capture, which would hide it in a test that passes.
                let _unwritten = writeln!(io::stderr(), "{skipped}");
                None
            }
            failed @ Self::Failed { .. } => panic!("{failed}"),
        }
    }

    /// The same, with what the server has logged.
    pub(crate) fn with(self, log: &str) -> Self {
        match self {
            Self::Failed { action, detail } => {
                Self::Failed { action, detail: format!("{detail}{log}") }
            }
            skipped @ Self::Skipped(_) => skipped,
        }
    }
}

pub(crate) fn failed<E: Display>(action: &'static str) -> impl FnOnce(E) -> ServerError {
    move |err| ServerError::Failed { action, detail: err.to_string() }
}

pub(crate) fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}

/// A folder through which the server may pass once it has dropped root.
pub(crate) fn folder(name: &str) -> io::Result<TempDir> {
    tempfile::Builder::new()
        .prefix(&format!("letterhead-{name}-"))
        .permissions(Permissions::from_mode(0o755))
        .tempdir()
}

/// Ports that nothing listens on; held together, so that they differ.
pub(crate) fn free_ports<const N: usize>() -> io::Result<[u16; N]> {
    let mut held = Vec::with_capacity(N);
    let mut ports = [0; N];
    for port in &mut ports {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        *port = listener.local_addr()?.port();
        held.push(listener);
    }
    Ok(ports)
}

/// Writes `server.pem` and `server.key` for `names`, and `ca.pem` of the authority that signed it,
/// made for this run.
pub(crate) fn write_certificates(folder: &Path, names: &[&str]) -> Result<(), ServerError> {
    let make = || -> Result<(String, String, String), rcgen::Error> {
        let mut authority = CertificateParams::default();
        authority.distinguished_name.push(DnType::CommonName, "Letterhead tests");
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;
        let names: Vec<_> = names.iter().map(|&name| name.to_owned()).collect();
        let key = KeyPair::generate()?;
        let server = CertificateParams::new(names)?.signed_by(&key, &authority)?;
        Ok((authority.pem(), server.pem(), key.serialize_pem()))
    };
    let (authority, server, key) = make().map_err(failed("make its certificates"))?;
    let key_file = folder.join("server.key");
    fs::write(folder.join("ca.pem"), authority)
        .and_then(|()| fs::write(folder.join("server.pem"), server))
        .and_then(|()| fs::write(&key_file, key))
        .and_then(|()| fs::set_permissions(&key_file, Permissions::from_mode(0o600)))
        .map_err(failed("write its certificates"))
}

pub(crate) fn succeeded(
    action: &'static str,
    output: io::Result<Output>,
) -> Result<(), ServerError> {
    let output = output.map_err(failed(action))?;
    if output.status.success() {
        return Ok(());
    }
    let detail = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(ServerError::Failed { action, detail })
}

pub(crate) fn user_id(name: &str) -> Result<u32, ServerError> {
    fs::read_to_string("/etc/passwd")
        .map_err(failed("find its user"))?
        .lines()
        .find_map(|line| {
            let mut fields = line.split(':');
            (fields.next() == Some(name)).then(|| fields.nth(1)?.parse().ok())?
        })
        .ok_or(ServerError::Failed { action: "find its user", detail: name.to_owned() })
}

/// Whether the process goes on whose id stands in `file`. One that has ended may stay listed, with
/// an empty command line, where nobody collects it.
pub(crate) fn is_running(file: &Path) -> bool {
    let pid = fs::read_to_string(file).ok().and_then(|pid| pid.trim().parse::<u32>().ok());
    let command_line = pid.and_then(|pid| fs::read(format!("/proc/{pid}/cmdline")).ok());
    command_line.is_some_and(|command_line| !command_line.is_empty())
}

/// Another process does not tell when it has written a file or ended.
#[expect(clippy::disallowed_methods, reason = "nothing can be awaited here")]
pub(crate) fn pause() {
    std::thread::sleep(Duration::from_millis(10));
}
