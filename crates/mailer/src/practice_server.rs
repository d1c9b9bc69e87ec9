//! The SMTP server that ships with Letterhead, for demos and for tests.
//!
//! It speaks real SMTP (RFC 5321, STARTTLS, implicit TLS, AUTH, PIPELINING, SIZE, 8BITMIME,
//! SMTPUTF8), more strictly than most, catches every mail and delivers none. What it should do
//! wrong is chosen by port, login, sender or recipient: see [`fault`]. Conversations can be held
//! at a point: see [`gate`]. Any other reply can be put into its mouth: see [`script`]. What it
//! caught is read through [`inbox::Inbox`]; showing it to people is not done here.
//!
//! It listens on loopback only: its password is public and its faults hold connections.

mod certificates;
mod command;
mod conversation;
pub mod fault;
pub mod gate;
pub mod inbox;
pub mod script;
mod wire;

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;
use tracing::warn;

use self::certificates::Certificates;
pub use self::certificates::CertificatesError;
pub use self::command::Verb;
use self::conversation::Conversation;
use self::fault::PortFault;
use self::gate::{Gate, Gates, Point};
use self::inbox::Inbox;
use self::script::{Script, Step};
use self::wire::Wire;

/// Connections open at once; more are greeted with 421.
const MAX_CONNECTIONS: usize = 1_000;

/// Where the ports with faults are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultPorts {
    /// Nowhere.
    None,
    /// On consecutive ports from this one, in the order of [`PortFault::ALL`].
    From(u16),
    /// On ports that happen to be free.
    Any,
}

/// What a practice server is to be.
#[derive(Clone)]
pub struct PracticeConfig {
    /// The loopback address to listen on.
    pub bind: IpAddr,
    /// The port that begins in clear text; 0 for any free one.
    pub starttls_port: u16,
    /// The port that begins with TLS; 0 for any free one.
    pub implicit_tls_port: u16,
    /// Where the ports with faults are.
    pub fault_ports: FaultPorts,
    /// The one user name that may sign in, besides those that ask for a fault.
    pub username: String,
    /// That user's password.
    pub password: String,
    /// The folder in which certificates are kept, made with them if it is not there.
    pub certificates: PathBuf,
    /// Mails kept at most; the oldest are forgotten. All kept mails together are bounded too.
    pub max_caught: usize,
    /// Size of one message at most, as announced by SIZE.
    pub max_message_bytes: usize,
}

impl PracticeConfig {
    /// A server on free ports of 127.0.0.1 with all faults, for user `practice` with the
    /// password `practice-password`; certificates in `folder`, 1,000 mails, 32 MiB each.
    pub fn ephemeral(folder: &Path) -> Self {
        Self {
            bind: IpAddr::V4(Ipv4Addr::LOCALHOST),
            starttls_port: 0,
            implicit_tls_port: 0,
            fault_ports: FaultPorts::Any,
            username: "practice".to_owned(),
            password: "practice-password".to_owned(),
            certificates: folder.to_owned(),
            max_caught: 1_000,
            max_message_bytes: 32 * 1024 * 1024,
        }
    }
}

/// Why a practice server did not start.
#[derive(Debug, thiserror::Error)]
pub enum PracticeError {
    /// The address is reachable from elsewhere.
    #[error("the practice server listens on loopback only, not on {0}")]
    NotLoopback(IpAddr),
    /// A port is taken, or not ours to take.
    #[error("listen on port {port} of {address}")]
    Port {
        /// The address it was to be on.
        address: IpAddr,
        /// The port that could not be had.
        port: u16,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// There are not enough ports above the first one for all faults.
    #[error("{count} consecutive ports from {0} are needed", count = PortFault::ALL.len())]
    TooFewPorts(u16),
    /// There are no certificates.
    #[error("open the certificates")]
    Certificates(#[source] CertificatesError),
}

/// A practice server that runs until it is stopped or dropped.
pub struct PracticeServer {
    shared: Arc<Shared>,
    starttls_port: u16,
    implicit_tls_port: u16,
    fault_ports: Vec<(PortFault, u16)>,
    tasks: TaskTracker,
    stop: CancellationToken,
    /// Stops everything when the server is dropped.
    _stop_on_drop: DropGuard,
}

/// What all conversations of one server share.
struct Shared {
    username: String,
    password: String,
    max_message_bytes: usize,
    certificates: Certificates,
    inbox: Inbox,
    gates: Gates,
    script: Script,
    connections: Semaphore,
    /// Whether CHUNKING is offered.
    chunking: AtomicBool,
}

/// What is special about a port.
#[derive(Clone, Copy)]
struct Manner {
    implicit_tls: bool,
    fault: Option<PortFault>,
}

impl PracticeServer {
    /// Makes or opens the certificates, takes all ports, and serves.
    ///
    /// # Errors
    ///
    /// - [`PracticeError::NotLoopback`] before anything is done;
    /// - [`PracticeError::Port`] with the port that is taken, none of the others being kept;
    /// - [`PracticeError::TooFewPorts`] if the fault ports would go beyond 65535;
    /// - [`PracticeError::Certificates`] if they can be neither read nor made.
    pub async fn start(config: PracticeConfig) -> Result<Self, PracticeError> {
        if !config.bind.is_loopback() {
            return Err(PracticeError::NotLoopback(config.bind));
        }
        let certificates =
            Certificates::open(&config.certificates).map_err(PracticeError::Certificates)?;
        let starttls = listen(config.bind, config.starttls_port).await?;
        let implicit_tls = listen(config.bind, config.implicit_tls_port).await?;
        let mut faulty = Vec::new();
        for (fault, port) in fault_ports(config.fault_ports)? {
            faulty.push((fault, listen(config.bind, port).await?));
        }

        let stop = CancellationToken::new();
        let mut server = Self {
            shared: Arc::new(Shared {
                username: config.username,
                password: config.password,
                max_message_bytes: config.max_message_bytes,
                certificates,
                inbox: Inbox::new(config.max_caught),
                gates: Gates::default(),
                script: Script::default(),
                connections: Semaphore::new(MAX_CONNECTIONS),
                chunking: AtomicBool::new(false),
            }),
            starttls_port: starttls.1,
            implicit_tls_port: implicit_tls.1,
            fault_ports: faulty.iter().map(|(fault, (_, port))| (*fault, *port)).collect(),
            tasks: TaskTracker::new(),
            _stop_on_drop: stop.clone().drop_guard(),
            stop,
        };
        server.serve(starttls.0, Manner { implicit_tls: false, fault: None });
        server.serve(implicit_tls.0, Manner { implicit_tls: true, fault: None });
        for (fault, (listener, _)) in faulty {
            server.serve(listener, Manner { implicit_tls: false, fault: Some(fault) });
        }
        server.tasks.close();
        Ok(server)
    }

    /// The port that begins in clear text and offers STARTTLS.
    pub fn starttls_port(&self) -> u16 {
        self.starttls_port
    }

    /// The port that begins with TLS.
    pub fn implicit_tls_port(&self) -> u16 {
        self.implicit_tls_port
    }

    /// The port with this fault, if there are fault ports.
    pub fn fault_port(&self, fault: PortFault) -> Option<u16> {
        self.fault_ports().find(|(found, _)| *found == fault).map(|(_, port)| port)
    }

    /// Every port with a fault, in the order of [`PortFault::ALL`]; all begin in clear text.
    pub fn fault_ports(&self) -> impl Iterator<Item = (PortFault, u16)> {
        self.fault_ports.iter().copied()
    }

    /// The certificate that clients have to trust, as PEM.
    pub fn ca_file(&self) -> &Path {
        &self.shared.certificates.ca_file
    }

    /// What the server caught and counted.
    pub fn inbox(&self) -> Inbox {
        self.shared.inbox.clone()
    }

    /// Holds the next conversation that comes to `point`, on any port.
    pub fn gate(&self, point: Point) -> Gate {
        self.shared.gates.set(point, false)
    }

    /// Holds every conversation that comes to `point`, on any port.
    pub fn hold_all(&self, point: Point) -> Gate {
        self.shared.gates.set(point, true)
    }

    /// Has the next conversation that comes to `step`, on any port, hear `reply`: a refusal, with its
    /// code on each of its lines.
    pub fn answer(&self, step: Step, reply: &str) {
        self.shared.script.add(step, reply);
    }

    /// Offers CHUNKING from now on, on every port that offers PIPELINING. Messages then come by
    /// BDAT, to which faults and gates of DATA do not apply; those of the final dot do.
    pub fn offer_chunking(&self) {
        self.shared.chunking.store(true, Ordering::Relaxed);
    }

    /// Closes all ports and connections, and waits until they are closed.
    ///
    /// Dropping the server closes them as well, without waiting.
    pub async fn stop(self) {
        self.stop.cancel();
        self.tasks.wait().await;
    }

    fn serve(&mut self, listener: TcpListener, manner: Manner) {
        let accepting = accept(
            listener,
            manner,
            Arc::clone(&self.shared),
            self.tasks.clone(),
            self.stop.clone(),
        );
        self.tasks.spawn(self.stop.clone().run_until_cancelled_owned(accepting));
    }
}

/// Takes a port; gives which one it is.
async fn listen(address: IpAddr, port: u16) -> Result<(TcpListener, u16), PracticeError> {
    let error = |source| PracticeError::Port { address, port, source };
    let listener = TcpListener::bind(SocketAddr::new(address, port)).await.map_err(error)?;
    let port = listener.local_addr().map_err(error)?.port();
    Ok((listener, port))
}

/// The port that each fault is to have; 0 for any free one.
fn fault_ports(wanted: FaultPorts) -> Result<Vec<(PortFault, u16)>, PracticeError> {
    let faults = PortFault::ALL.iter().copied();
    match wanted {
        FaultPorts::None => Ok(Vec::new()),
        FaultPorts::Any => Ok(faults.map(|fault| (fault, 0)).collect()),
        FaultPorts::From(first) => {
            let ports: Vec<_> = faults.zip(first..=u16::MAX).collect();
            if first == 0 || ports.len() < PortFault::ALL.len() {
                return Err(PracticeError::TooFewPorts(first));
            }
            Ok(ports)
        }
    }
}

async fn accept(
    listener: TcpListener,
    manner: Manner,
    shared: Arc<Shared>,
    tasks: TaskTracker,
    stop: CancellationToken,
) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let conversation = converse(stream, manner, Arc::clone(&shared));
                tasks.spawn(stop.clone().run_until_cancelled_owned(conversation));
            }
            Err(error) => {
                // Out of file descriptors, most likely: trying again at once would only spin.
                warn!(%error, "practice server cannot accept");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn converse(stream: TcpStream, manner: Manner, shared: Arc<Shared>) {
    let connection = shared.inbox.connection_opened();
    // Replies are written whole; without this each would wait for the client's acknowledgement.
    if let Err(error) = stream.set_nodelay(true) {
        warn!(%error, "practice server cannot set TCP_NODELAY");
    }
    let mut wire = Wire::new(stream);
    let Ok(_permit) = shared.connections.try_acquire() else {
        wire.say("421 4.7.0 Too many connections");
        // The client may be gone.
        let _ = wire.close().await;
        return;
    };
    let conversation = Conversation::new(Arc::clone(&shared), wire, connection, manner.fault);
    conversation.run(manner.implicit_tls).await;
}
