//! A real Postfix for one test: what ordinary tenants' mail servers run, instead of our own idea
//! of one.
//!
//! It has its own configuration, queue, certificates and ports on loopback, takes mail only from
//! accounts that have signed in, and puts every mail it accepted into one folder that the test
//! reads. Nothing of the machine's own Postfix is touched. Not for faults that can be chosen:
//! the practice server has those.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::mail_server::{
    ServerError, failed, folder, free_ports, is_root, is_running, pause, succeeded, user_id,
    write_certificates,
};

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

/// A running Postfix; dropping it stops it and removes all it wrote.
pub struct Postfix {
    folder: TempDir,
    submission_port: u16,
    smtps_port: u16,
    relay_port: u16,
}

impl Postfix {
    /// Name to connect to; the certificates are for it and for `127.0.0.1`.
    pub const HOST: &str = "localhost";

    /// Starts a server with the accounts [`AURORA`] and [`BOREALIS`], and waits until it listens.
    ///
    /// # Errors
    ///
    /// - [`ServerError::Skipped`] where it cannot run at all, so that the test may say so and
    ///   return;
    /// - [`ServerError::Failed`] if it is there and did not start.
    pub fn start(foreign_sender: ForeignSender) -> Result<Self, ServerError> {
        if !can_run() {
            return Err(ServerError::Skipped(NAME));
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
        Self::start(foreign_sender).map_or_else(ServerError::skip, Some)
    }

    fn start_once(foreign_sender: ForeignSender) -> Result<Self, ServerError> {
        let folder = folder("postfix").map_err(failed("make its folder"))?;
        let [submission_port, smtps_port, relay_port] =
            free_ports().map_err(failed("find free ports"))?;
        let postfix = Self { folder, submission_port, smtps_port, relay_port };
        let owner = user_id("postfix")?;
        for name in ["etc", "etc/sasl", "queue"] {
            fs::create_dir(postfix.path(name)).map_err(failed("make its folders"))?;
        }
        for (name, user) in [("data", owner), ("mail", user_id("nobody")?)] {
            fs::create_dir(postfix.path(name)).map_err(failed("make its folders"))?;
            std::os::unix::fs::chown(postfix.path(name), Some(user), None)
                .map_err(failed("give its folders away"))?;
        }
        write_certificates(postfix.folder.path(), &[Self::HOST, "127.0.0.1"])?;
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

    /// Port where a server before this one hands mail on, in clear text: it says by XCLIENT who has
    /// signed in there, and is believed.
    pub const fn relay_port(&self) -> u16 {
        self.relay_port
    }

    /// PEM file with the authority that signed the server's certificate, made for this run.
    pub fn ca_file(&self) -> PathBuf {
        self.path("ca.pem")
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

    fn control(&self, command: &'static str) -> Result<(), ServerError> {
        let output = Command::new(POSTFIX)
            .arg("-c")
            .arg(self.path("etc"))
            .arg(command)
            .stdin(Stdio::null())
            .output();
        succeeded(command, output).map_err(|err| err.with(&self.log()))
    }

    /// Fills the database that Cyrus SASL, which Postfix asks, looks accounts up in.
    fn write_accounts(&self, owner: u32) -> Result<(), ServerError> {
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
        while is_running(&self.path("queue/pid/master.pid")) && Instant::now() < end {
            pause();
        }
    }
}

const POSTFIX: &str = "/usr/sbin/postfix";
const SASLPASSWD: &str = "/usr/sbin/saslpasswd2";

/// As it is told where it is missing.
const NAME: &str = "Postfix";

fn can_run() -> bool {
    is_root() && Path::new(POSTFIX).exists() && Path::new(SASLPASSWD).exists()
}
