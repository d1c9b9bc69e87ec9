//! The egress guard: the only way to a stranger's server.
//!
//! A tenant names a host and a port; whoever controls the name controls its addresses. So the
//! guard looks the name up once, judges *every* address, and gives out an [`AdmittedPeer`] that
//! holds the judged addresses. Nothing else in Letterhead can open a connection, and nothing
//! looks the name up again between the judgement and the connection (DNS rebinding).
//!
//! A refusal says nothing of its reason and is the same for every reason: a tenant must not be
//! able to map the operator's network by asking.

pub mod address;
pub mod policy;
pub mod resolver;

use std::{
    io::ErrorKind,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use letterhead_domain::{
    field_errors::{FieldErrors, Invalid},
    smtp_host::SmtpHost,
    smtp_port::SmtpPort,
    smtp_settings::{Encryption, SmtpSettings},
    test_run::Cause,
};
use tokio::{
    net::TcpStream,
    time::{Instant, timeout_at},
};

use self::{
    policy::EgressPolicy,
    resolver::{LookupFailure, Resolver},
};

/// Most addresses of one host that are tried in one attempt to connect.
const MAX_DIALLED: usize = 6;

/// Where domains publish their settings.
pub(crate) const AUTOCONFIG_PORT: u16 = 443;

/// What a connection is for; it decides which ports are open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Handing over mail, or testing that.
    Submission,
    /// Fetching the settings that a domain publishes: port 443 only. An exemption of the operator's
    /// is for mail; it opens no other port to this.
    Autoconfig,
}

/// Why a destination was not admitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AdmitError {
    /// The policy refuses the port or one of the addresses. Says nothing of which, on purpose.
    #[error("the destination is not allowed")]
    Denied,
    /// The name does not exist or has no addresses.
    #[error("the host name has no addresses")]
    UnknownHost,
    /// The name servers did not answer.
    #[error("the name servers did not answer")]
    ResolverFailed,
}

impl From<AdmitError> for Cause {
    fn from(error: AdmitError) -> Self {
        match error {
            AdmitError::Denied => Self::DestinationNotAllowed,
            AdmitError::UnknownHost => Self::UnknownHost,
            AdmitError::ResolverFailed => Self::ResolverFailed,
        }
    }
}

impl From<LookupFailure> for AdmitError {
    fn from(failure: LookupFailure) -> Self {
        match failure {
            LookupFailure::NothingFound => Self::UnknownHost,
            LookupFailure::NoAnswer => Self::ResolverFailed,
        }
    }
}

/// Decides where connections may go. Clones are cheap and share policy and resolver.
#[derive(Clone)]
pub struct EgressGuard {
    policy: Arc<EgressPolicy>,
    resolver: Resolver,
    autoconfig_port: u16,
}

impl EgressGuard {
    /// A guard over `policy` that looks names up with `resolver`.
    pub fn new(policy: EgressPolicy, resolver: Resolver) -> Self {
        Self { policy: Arc::new(policy), resolver, autoconfig_port: AUTOCONFIG_PORT }
    }

    /// The same, with another port where domains publish their settings: for tests.
    #[must_use]
    pub fn with_autoconfig_port(self, autoconfig_port: u16) -> Self {
        Self { autoconfig_port, ..self }
    }

    /// Where domains publish their settings.
    pub(crate) fn autoconfig_port(&self) -> u16 {
        self.autoconfig_port
    }

    /// What the operator allows.
    pub fn policy(&self) -> &EgressPolicy {
        &self.policy
    }

    /// Where names are looked up. What it gives is for reading: nothing is judged, and nothing can
    /// be dialled with it.
    pub fn resolver(&self) -> &Resolver {
        &self.resolver
    }

    /// Checks what can be told from the settings alone, before anything is looked up.
    ///
    /// # Errors
    ///
    /// All that is refused at once: a denied literal address under `/host`
    /// (`destination_not_allowed`), a port that is not open under `/port` (`port_not_allowed`),
    /// clear text off the allow-list under `/encryption` (`encryption_required`).
    pub fn check_literal(&self, settings: &SmtpSettings) -> Result<(), FieldErrors> {
        self.check_destination(&settings.host, settings.port, settings.encryption)
    }

    /// The same for a destination that nobody has settings for yet.
    ///
    /// # Errors
    ///
    /// As [`Self::check_literal`].
    pub fn check_destination(
        &self,
        host: &SmtpHost,
        port: SmtpPort,
        encryption: Encryption,
    ) -> Result<(), FieldErrors> {
        let mut errors = FieldErrors::default();
        if self.policy.exempts(host, port) {
            return Ok(());
        }
        if host.address().is_some_and(is_refused) || is_loopback_name(host) {
            errors.push(
                "/host",
                Invalid::new("destination_not_allowed", "Letterhead may not connect to this host"),
            );
        }
        if !self.policy.opens(port) {
            let message = format!("use one of the ports {}", self.policy.ports());
            errors.push("/port", Invalid::new("port_not_allowed", message));
        }
        if encryption == Encryption::None {
            errors.push(
                "/encryption",
                Invalid::new("encryption_required", "use starttls or implicit_tls"),
            );
        }
        errors.or(Some(()))
    }

    /// Looks `host` up once, judges every address, and admits the destination if all may be
    /// connected to. The addresses of a destination on the allow-list are not judged.
    ///
    /// # Errors
    ///
    /// [`AdmitError`]; a port that is not open is denied before anything is looked up.
    pub async fn admit(
        &self,
        host: &SmtpHost,
        port: SmtpPort,
        purpose: Purpose,
    ) -> Result<AdmittedPeer, AdmitError> {
        let exempt = self.policy.exempts(host, port);
        let port_is_open = match purpose {
            Purpose::Submission => exempt || self.policy.opens(port),
            Purpose::Autoconfig => port.get() == self.autoconfig_port,
        };
        if !port_is_open || (!exempt && is_loopback_name(host)) {
            return Err(AdmitError::Denied);
        }
        let addresses = self.resolver.addresses(host).await?;
        if !exempt && addresses.iter().copied().any(is_refused) {
            return Err(AdmitError::Denied);
        }
        Ok(AdmittedPeer {
            addresses: in_turn(addresses)
                .map(|address| SocketAddr::new(address, port.get()))
                .collect(),
        })
    }

    /// The addresses of `host` as the name servers give them, for the operator to read. Nothing
    /// is judged, and nothing can be dialled with what this gives.
    ///
    /// # Errors
    ///
    /// [`AdmitError::UnknownHost`] or [`AdmitError::ResolverFailed`].
    pub async fn look_up(&self, host: &SmtpHost) -> Result<Vec<IpAddr>, AdmitError> {
        Ok(self.resolver.addresses(host).await?)
    }
}

fn is_refused(address: IpAddr) -> bool {
    address::refusal(address).is_some()
}

/// `localhost` is a literal in all but form: it resolves without a question.
fn is_loopback_name(host: &SmtpHost) -> bool {
    host.as_str() == "localhost" || host.as_str().ends_with(".localhost")
}

/// IPv4 and IPv6 by turns (RFC 8305, section 4), so that one broken family costs one attempt.
/// Each family keeps its order; the family of the first answer leads.
fn in_turn(addresses: Vec<IpAddr>) -> impl Iterator<Item = IpAddr> {
    let leader_is_v4 = addresses.first().is_some_and(IpAddr::is_ipv4);
    let (leading, following): (Vec<_>, Vec<_>) =
        addresses.into_iter().partition(|address| address.is_ipv4() == leader_is_v4);
    let rounds = leading.len().max(following.len());
    (0..rounds)
        .flat_map(move |round| [leading.get(round).copied(), following.get(round).copied()])
        .flatten()
        .take(MAX_DIALLED)
}

/// A destination that the guard let through, as the addresses it judged. Only the guard makes
/// one, and only one of these can be dialled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdmittedPeer {
    addresses: Vec<SocketAddr>,
}

impl AdmittedPeer {
    /// The addresses that were judged.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = IpAddr> {
        self.addresses.iter().map(SocketAddr::ip)
    }

    /// Connects to the first address that takes the connection, all within `deadline`. Each
    /// address gets an equal share of what is left, so that a silent one leaves time for others.
    ///
    /// The socket has `TCP_NODELAY`: otherwise a small write waits for the acknowledgement of the
    /// one before it, 40 ms each time.
    pub(crate) async fn dial(&self, deadline: Instant) -> Result<TcpStream, Cause> {
        let mut worst = Cause::Unreachable;
        for (index, &address) in self.addresses.iter().enumerate() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left == Duration::ZERO {
                return Err(Cause::TimedOut);
            }
            let sharers = u32::try_from(self.addresses.len() - index).unwrap_or(u32::MAX);
            let turn_ends = Instant::now() + left / sharers;
            #[expect(
                clippy::disallowed_methods,
                reason = "this is the one door: the address was judged above"
            )]
            let connect = TcpStream::connect(address);
            match timeout_at(turn_ends, connect).await {
                Ok(Ok(stream)) => {
                    stream.set_nodelay(true).map_err(|_| Cause::Unreachable)?;
                    return Ok(stream);
                }
                Ok(Err(error)) if error.kind() == ErrorKind::ConnectionRefused => {
                    worst = Cause::ConnectionRefused;
                }
                // A refusal says more than silence, silence more than "no route".
                Err(_) if worst == Cause::Unreachable => worst = Cause::TimedOut,
                Ok(Err(_)) | Err(_) => {}
            }
        }
        Err(worst)
    }
}

#[cfg(test)]
mod tests;
