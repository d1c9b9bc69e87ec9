//! A real Dovecot submission server for one test, before a real Postfix that it hands mail on to:
//! how many hosters let their customers send.
//!
//! It listens on an address of its own: a client that comes from the very address of the server is
//! taken for local, and is offered a sign-in without TLS.

use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::mail_server::{
    ServerError, failed, folder, free_ports, is_root, is_running, pause, user_id,
    write_certificates,
};
use crate::postfix::{AURORA, Account, BOREALIS, ForeignSender, Postfix};

/// A running Dovecot with its Postfix; dropping it stops both and removes all they wrote.
pub struct Dovecot {
    folder: TempDir,
    starttls_port: u16,
    tls_port: u16,
    relay: Postfix,
}

impl Dovecot {
    /// Name to connect to; the certificate is for it.
    pub const HOST: &str = "submission.letterhead.example";
    /// Where the name leads.
    pub const ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));

    /// Starts a server with Postfix's accounts that offers `mechanisms`, such as `plain login`, or
    /// tells on the terminal that the test is skipped.
    ///
    /// # Panics
    ///
    /// If it is there and does not start.
    #[must_use]
    pub fn start_or_skip(mechanisms: &str) -> Option<Self> {
        if !can_run() {
            return ServerError::Skipped(NAME).skip();
        }
        let relay = Postfix::start_or_skip(ForeignSender::RefusedAtMail)?;
        Self::start(relay, mechanisms).map_or_else(ServerError::skip, Some)
    }

    fn start(relay: Postfix, mechanisms: &str) -> Result<Self, ServerError> {
        let folder = folder("dovecot").map_err(failed("make its folder"))?;
        let [starttls_port, tls_port] = free_ports().map_err(failed("find free ports"))?;
        let dovecot = Self { folder, starttls_port, tls_port, relay };
        for name in ["run", "state", "mail"] {
            fs::create_dir(dovecot.path(name)).map_err(failed("make its folders"))?;
        }
        std::os::unix::fs::chown(dovecot.path("mail"), Some(user_id("nobody")?), None)
            .map_err(failed("give its folder away"))?;
        write_certificates(dovecot.folder.path(), &[Self::HOST])?;
        let accounts = [AURORA, BOREALIS].map(|account| {
            let Account { address, password } = account;
            format!("{address}:{password}\n")
        });
        fs::write(dovecot.path("users"), accounts.concat())
            .and_then(|()| {
                fs::write(dovecot.path(CONFIGURATION), dovecot.configuration(mechanisms))
            })
            .map_err(failed("be configured"))?;
        dovecot.control(&[], "start")?;
        Ok(dovecot)
    }

    /// Port that offers STARTTLS, and AUTH only after it.
    pub const fn starttls_port(&self) -> u16 {
        self.starttls_port
    }

    /// Port that speaks TLS from the first byte.
    pub const fn tls_port(&self) -> u16 {
        self.tls_port
    }

    /// PEM file with the authority that signed the server's certificate, made for this run.
    pub fn ca_file(&self) -> PathBuf {
        self.path("ca.pem")
    }

    /// The server that mail is handed on to, and that knows who may use which From.
    pub const fn relay(&self) -> &Postfix {
        &self.relay
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn control(&self, arguments: &[&str], action: &'static str) -> Result<(), ServerError> {
        // Into a file: a server that goes on would hold a pipe open.
        let said = fs::File::create(self.path("said")).map_err(failed(action))?;
        let status = Command::new(DOVECOT)
            .arg("-c")
            .arg(self.path(CONFIGURATION))
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(said)
            .status()
            .map_err(failed(action))?;
        if status.success() {
            return Ok(());
        }
        let texts = ["said", "log"].map(|name| fs::read_to_string(self.path(name)));
        let detail = texts.into_iter().flatten().collect();
        Err(ServerError::Failed { action, detail })
    }

    fn configuration(&self, mechanisms: &str) -> String {
        let folder = self.folder.path().display();
        let address = Self::ADDRESS;
        let Self { starttls_port, tls_port, relay, .. } = self;
        let relay = relay.relay_port();
        format!(
            "protocols = submission
instance_name = letterhead-test
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
listen = {address}
hostname = mail.letterhead.test
mail_location = maildir:{folder}/mail

ssl = required
ssl_cert = <{folder}/server.pem
ssl_key = <{folder}/server.key
disable_plaintext_auth = yes
auth_mechanisms = {mechanisms}
# It slows down clients that make mistakes; tests make them on purpose.
auth_failure_delay = 0
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%u {folder}/users
}}
userdb {{
  driver = static
  args = uid=nobody gid=nogroup home={folder}/mail
}}

submission_relay_host = 127.0.0.1
submission_relay_port = {relay}
submission_relay_ssl = no
# It says who has signed in.
submission_relay_trusted = yes
service submission-login {{
  inet_listener submission {{
    port = {starttls_port}
  }}
  inet_listener submissions {{
    port = {tls_port}
    ssl = yes
  }}
}}
"
        )
    }
}

impl Drop for Dovecot {
    fn drop(&mut self) {
        // One that did not start has nothing to stop, and says so.
        let _not_running = self.control(&["stop"], "stop");
        let end = Instant::now() + Duration::from_secs(5);
        // The folder can be removed only when the children that write to it have ended.
        while is_running(&self.path("run/master.pid")) && Instant::now() < end {
            pause();
        }
    }
}

const DOVECOT: &str = "/usr/sbin/dovecot";
const SUBMISSION: &str = "/usr/lib/dovecot/submission-login";
const CONFIGURATION: &str = "dovecot.conf";
/// As it is told where it is missing.
const NAME: &str = "Dovecot 2.3";

/// Dovecot 2.4 reads another configuration.
fn can_run() -> bool {
    let version = Command::new(DOVECOT).arg("--version").stdin(Stdio::null()).output();
    is_root()
        && Path::new(SUBMISSION).exists()
        && version.is_ok_and(|output| output.stdout.starts_with(b"2.3."))
}
