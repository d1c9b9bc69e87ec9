//! A real Postfix for one test: what ordinary tenants' mail servers run, instead of our own idea
//! of one.
//!
//! It has its own configuration, queue, certificates and ports on loopback, takes mail only from
//! accounts that have signed in, and puts every mail it accepted into one folder that the test
//! reads. Nothing of the machine's own Postfix is touched. Not for faults that can be chosen:
//! the practice server has those.

use std::fmt::Display;
use std::fs::{self, Permissions};
use std::io::{self, Write};
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose,
};
use tempfile::TempDir;

mod configuration;
mod delivered;

pub use delivered::DeliveredMail;

/// An account of the fixture: its address is its user name and the only From it may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Account {
    /// User name for AUTH, and the address that the account owns.
    pub address: &'static str,
    /// Password for AUTH PLAIN and AUTH LOGIN.
    pub password: &'static str,
}

/// The account of the first tenant in tests.
pub const AURORA: Account =
    Account { address: "billing@aurora.example", password: "lantern-orchard-52" };

/// The account of the second tenant in tests.
pub const BOREALIS: Account =
    Account { address: "billing@borealis.example", password: "glacier-ticket-81" };

/// A recipient that the fixture refuses for good, with `550 5.1.1`.
pub const UNKNOWN_RECIPIENT: &str = "unknown@example.net";

/// A recipient that the fixture refuses for now, with `450 4.2.0`.
pub const BUSY_RECIPIENT: &str = "busy@example.net";

/// When the server says that a From belongs to somebody else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForeignSender {
    /// In answer to `MAIL`.
    RefusedAtMail,
    /// In answer to the first `RCPT`: what Postfix does unless it is configured otherwise.
    RefusedAtRecipient,
}

/// Why there is no Postfix.
#[derive(Debug)]
pub enum PostfixError {
    /// It is not installed, or these tests do not run as root, which it must be started by.
    Skipped,
    /// It is there and should have started.
    Failed {
        /// What was being done.
        action: &'static str,
        /// What the programs or the system said.
        detail: String,
    },
}

impl Display for PostfixError {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Skipped => out.write_str("skipped: needs Postfix"),
            Self::Failed { action, detail } => write!(out, "Postfix could not {action}: {detail}"),
        }
    }
}

impl std::error::Error for PostfixError {}

fn failed<E: Display>(action: &'static str) -> impl FnOnce(E) -> PostfixError {
    move |err| PostfixError::Failed { action, detail: err.to_string() }
}

/// A running Postfix; dropping it stops it and removes all it wrote.
pub struct Postfix {
    folder: TempDir,
    submission_port: u16,
    smtps_port: u16,
}

impl Postfix {
    /// Name to connect to; the certificates are for it and for `127.0.0.1`.
    pub const HOST: &str = "localhost";

    /// Starts a server with the accounts [`AURORA`] and [`BOREALIS`], and waits until it listens.
    ///
    /// # Errors
    ///
    /// - [`PostfixError::Skipped`] where it cannot run at all, so that the test may say so and
    ///   return;
    /// - [`PostfixError::Failed`] if it is there and did not start.
    pub fn start(foreign_sender: ForeignSender) -> Result<Self, PostfixError> {
        if !can_run() {
            return Err(PostfixError::Skipped);
        }
        // Postfix cannot be given port 0, and between choosing a port and listening on it
        // another process may take it.
        let mut last = Self::start_once(foreign_sender);
        for _ in 1..3 {
            if last.is_ok() {
                break;
            }
            last = Self::start_once(foreign_sender);
        }
        last
    }

    /// Starts a server, or tells on the terminal that the test is skipped.
    ///
    /// # Panics
    ///
    /// If Postfix is there and does not start.
    #[must_use]
    pub fn start_or_skip(foreign_sender: ForeignSender) -> Option<Self> {
        match Self::start(foreign_sender) {
            Ok(postfix) => Some(postfix),
            Err(skipped @ PostfixError::Skipped) => {
                // Past the runner's capture, which would hide it in a test that passes.
                let _unwritten = writeln!(io::stderr(), "{skipped}");
                None
            }
            Err(failed @ PostfixError::Failed { .. }) => panic!("{failed}"),
        }
    }

    fn start_once(foreign_sender: ForeignSender) -> Result<Self, PostfixError> {
        let folder = tempfile::Builder::new()
            .prefix("letterhead-postfix-")
            .permissions(Permissions::from_mode(0o755))
            .tempdir()
            .map_err(failed("make its folder"))?;
        let [submission_port, smtps_port] = free_ports().map_err(failed("find two free ports"))?;
        let postfix = Self { folder, submission_port, smtps_port };
        let owner = user_id("postfix")?;
        for name in ["etc", "etc/sasl", "queue"] {
            fs::create_dir(postfix.path(name)).map_err(failed("make its folders"))?;
        }
        for (name, user) in [("data", owner), ("mail", user_id("nobody")?)] {
            fs::create_dir(postfix.path(name)).map_err(failed("make its folders"))?;
            std::os::unix::fs::chown(postfix.path(name), Some(user), None)
                .map_err(failed("give its folders away"))?;
        }
        postfix.write_certificates()?;
        postfix.write_accounts(owner)?;
        configuration::write(&postfix, foreign_sender).map_err(failed("be configured"))?;
        postfix.control("start")?;
        Ok(postfix)
    }

    /// Port that offers STARTTLS, and AUTH only after it.
    pub const fn submission_port(&self) -> u16 {
        self.submission_port
    }

    /// Port that speaks TLS from the first byte.
    pub const fn smtps_port(&self) -> u16 {
        self.smtps_port
    }

    /// PEM file with the authority that signed the server's certificate, made for this run.
    pub fn ca_file(&self) -> PathBuf {
        self.path("ca.pem")
    }

    /// Lets the server offer none of these keywords of EHLO, listed with commas. Its processes
    /// read this when they start, so it must come before the first connection.
    ///
    /// # Errors
    ///
    /// If the configuration cannot be written.
    pub fn discard(&self, keywords: &str) -> io::Result<()> {
        let mut file = fs::OpenOptions::new().append(true).open(self.path("etc/main.cf"))?;
        writeln!(file, "smtpd_discard_ehlo_keywords = {keywords}")
    }

    /// Every mail that has arrived, one for each recipient, oldest first.
    ///
    /// # Errors
    ///
    /// If the mail folder cannot be read.
    pub fn delivered(&self) -> io::Result<Vec<DeliveredMail>> {
        delivered::read(&self.path("mail/inbox/new"))
    }

    /// Waits until at least `count` mails have arrived, and gives all of them.
    ///
    /// Postfix answers before it delivers, so a mail that was accepted may not be there yet.
    ///
    /// # Errors
    ///
    /// If the mail folder cannot be read, or fewer have arrived after 20 seconds; the error
    /// carries the end of the server's log.
    pub fn wait_for(&self, count: usize) -> io::Result<Vec<DeliveredMail>> {
        let end = Instant::now() + Duration::from_secs(20);
        loop {
            let mails = self.delivered()?;
            if mails.len() >= count {
                return Ok(mails);
            }
            if Instant::now() >= end {
                let log = self.log();
                return Err(io::Error::other(format!("{} of {count} arrived\n{log}", mails.len())));
            }
            pause();
        }
    }

    /// What the server has logged so far; empty if it has not.
    pub fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn control(&self, command: &'static str) -> Result<(), PostfixError> {
        let output = Command::new(POSTFIX)
            .arg("-c")
            .arg(self.path("etc"))
            .arg(command)
            .stdin(Stdio::null())
            .output();
        succeeded(command, output).map_err(|err| match err {
            PostfixError::Failed { action, detail } => {
                PostfixError::Failed { action, detail: format!("{detail}{}", self.log()) }
            }
            PostfixError::Skipped => PostfixError::Skipped,
        })
    }

    fn write_certificates(&self) -> Result<(), PostfixError> {
        let make = || -> Result<(String, String, String), rcgen::Error> {
            let mut authority = CertificateParams::default();
            authority.distinguished_name.push(DnType::CommonName, "Letterhead tests");
            authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
            let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;
            let names = [Self::HOST, "127.0.0.1"].map(ToOwned::to_owned);
            let key = KeyPair::generate()?;
            let server = CertificateParams::new(names)?.signed_by(&key, &authority)?;
            Ok((authority.pem(), server.pem(), key.serialize_pem()))
        };
        let (authority, server, key) = make().map_err(failed("make its certificates"))?;
        let write = failed("write its certificates");
        fs::write(self.ca_file(), authority)
            .and_then(|()| fs::write(self.path("server.pem"), server))
            .and_then(|()| fs::write(self.path("server.key"), key))
            .and_then(|()| {
                fs::set_permissions(self.path("server.key"), Permissions::from_mode(0o600))
            })
            .map_err(write)
    }

    /// Fills the database that Cyrus SASL, which Postfix asks, looks accounts up in.
    fn write_accounts(&self, owner: u32) -> Result<(), PostfixError> {
        let database = self.path("etc/sasl/sasldb2");
        for Account { address, password } in [AURORA, BOREALIS] {
            let (name, domain) = address.split_once('@').unwrap_or((address, ""));
            let output = Command::new(SASLPASSWD)
                .args(["-p", "-c", "-u", domain, "-f"])
                .args([database.as_path(), Path::new(name)])
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .and_then(|mut child| {
                    if let Some(mut stdin) = child.stdin.take() {
                        stdin.write_all(password.as_bytes())?;
                    }
                    child.wait_with_output()
                });
            succeeded("store an account", output)?;
        }
        std::os::unix::fs::chown(&database, Some(owner), None)
            .map_err(failed("give its account database away"))
    }
}

impl Drop for Postfix {
    fn drop(&mut self) {
        // One that did not start has nothing to stop, and says so.
        let _not_running = self.control("abort");
        let end = Instant::now() + Duration::from_secs(5);
        // The folder can be removed only when the children that write to it have ended.
        while self.is_running() && Instant::now() < end {
            pause();
        }
    }
}

impl Postfix {
    fn is_running(&self) -> bool {
        fs::read_to_string(self.path("queue/pid/master.pid"))
            .is_ok_and(|pid| Path::new("/proc").join(pid.trim()).exists())
    }
}

const POSTFIX: &str = "/usr/sbin/postfix";
const SASLPASSWD: &str = "/usr/sbin/saslpasswd2";

fn can_run() -> bool {
    let is_root = fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0);
    is_root && Path::new(POSTFIX).exists() && Path::new(SASLPASSWD).exists()
}

fn succeeded(action: &'static str, output: io::Result<Output>) -> Result<(), PostfixError> {
    let output = output.map_err(failed(action))?;
    if output.status.success() {
        return Ok(());
    }
    let detail = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(PostfixError::Failed { action, detail })
}

/// Two ports that nothing listens on; held together, so that they differ.
fn free_ports() -> io::Result<[u16; 2]> {
    let first = TcpListener::bind(("127.0.0.1", 0))?;
    let second = TcpListener::bind(("127.0.0.1", 0))?;
    Ok([first.local_addr()?.port(), second.local_addr()?.port()])
}

fn user_id(name: &str) -> Result<u32, PostfixError> {
    fs::read_to_string("/etc/passwd")
        .map_err(failed("find its user"))?
        .lines()
        .find_map(|line| {
            let mut fields = line.split(':');
            (fields.next() == Some(name)).then(|| fields.nth(1)?.parse().ok())?
        })
        .ok_or(PostfixError::Failed { action: "find its user", detail: name.to_owned() })
}

/// Another process does not tell when it has written a file or ended.
#[expect(clippy::disallowed_methods, reason = "nothing can be awaited here")]
fn pause() {
    std::thread::sleep(Duration::from_millis(10));
}
