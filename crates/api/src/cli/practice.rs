//! `letterhead practice-server`.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Args;
use letterhead_mailer::practice_server::{FaultPorts, PracticeConfig, PracticeServer};

use super::{
    Failure, say,
    serve::{bind, stop_signal},
};
use crate::practice_inbox;

/// Where the practice server listens: 0 takes whatever port is free. It is for loopback only: its
/// faults are no service to others.
#[derive(Args, Clone)]
pub(super) struct PracticePorts {
    /// Port with STARTTLS
    #[arg(
        long = "starttls-port",
        env = "LETTERHEAD_PRACTICE_STARTTLS_PORT",
        default_value_t = 8587
    )]
    pub(super) starttls: u16,
    /// Port with TLS from the first byte
    #[arg(
        long = "implicit-tls-port",
        env = "LETTERHEAD_PRACTICE_IMPLICIT_TLS_PORT",
        default_value_t = 8465
    )]
    pub(super) implicit_tls: u16,
    /// First of the ports that each have one fault; 0 for any that are free
    #[arg(long = "fault-port", env = "LETTERHEAD_PRACTICE_FAULT_PORT", default_value_t = 8600)]
    pub(super) first_fault: u16,
    /// Port of the page that shows what was caught
    #[arg(long = "inbox-port", env = "LETTERHEAD_PRACTICE_INBOX_PORT", default_value_t = 8482)]
    pub(super) inbox: u16,
}

#[derive(Args)]
pub(super) struct PracticeArgs {
    #[command(flatten)]
    ports: PracticePorts,
    /// Folder for its certificates
    #[arg(long, env = "LETTERHEAD_STATE", default_value = ".letterhead")]
    state: PathBuf,
}

/// Who may sign in at the practice server. It is no secret: the server takes mail for nobody.
pub(super) const USERNAME: &str = "practice@letterhead.example";
pub(super) const PASSWORD: &str = "practice-makes-perfect";

/// The variable that moves the inbox.
pub(super) const INBOX_PORT: &str = "LETTERHEAD_PRACTICE_INBOX_PORT";

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

impl PracticePorts {
    pub(super) fn inbox_address(&self) -> SocketAddr {
        SocketAddr::new(LOOPBACK, self.inbox)
    }

    pub(super) async fn start(&self, state: &Path) -> Result<PracticeServer, Failure> {
        let config = PracticeConfig {
            bind: LOOPBACK,
            starttls_port: self.starttls,
            implicit_tls_port: self.implicit_tls,
            fault_ports: match self.first_fault {
                0 => FaultPorts::Any,
                first => FaultPorts::From(first),
            },
            username: USERNAME.to_owned(),
            password: PASSWORD.to_owned(),
            certificates: state.join("practice"),
            max_caught: 1_000,
            max_message_bytes: 30 * 1024 * 1024,
        };
        PracticeServer::start(config)
            .await
            .map_err(|err| Failure::new("cannot start the practice mail server", err))
    }
}

pub(super) async fn practice_server(args: PracticeArgs) -> Result<ExitCode, Failure> {
    let stop = stop_signal()?;
    let inbox = bind(args.ports.inbox_address(), INBOX_PORT).await?;
    let address = inbox.local_addr().map_err(|err| Failure::new("cannot open the inbox", err))?;
    let server = args.ports.start(&args.state).await?;
    say(&format!("STARTTLS      127.0.0.1:{}", server.starttls_port()));
    say(&format!("implicit TLS  127.0.0.1:{}", server.implicit_tls_port()));
    for (fault, port) in server.fault_ports() {
        say(&format!("fault         127.0.0.1:{port}  {}", fault.as_str()));
    }
    say(&format!("user name     {USERNAME}\npassword      {PASSWORD}"));
    say(&format!("trust         {}", server.ca_file().display()));
    say(&format!("inbox         http://{address}/"));
    practice_inbox::serve(inbox, server.inbox(), stop)
        .await
        .map_err(|err| Failure::new("the inbox ended early", err))?;
    server.stop().await;
    Ok(ExitCode::SUCCESS)
}
