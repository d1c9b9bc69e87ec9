//! The one door to DNS.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use hickory_resolver::{TokioResolver, net::NetError, proto::rr::Name};
use letterhead_domain::smtp_host::SmtpHost;
use tokio::time::timeout;

/// Longest that one look-up may take, retries included.
const PATIENCE: Duration = Duration::from_secs(5);
/// Most addresses that a name may have. More are no mail server's.
const MAX_ADDRESSES: usize = 64;

/// Looks names up, through the system's name servers or in a fixed table. Clones share one cache.
#[derive(Clone)]
pub struct Resolver {
    source: Source,
    lookups: Arc<AtomicUsize>,
}

#[derive(Clone)]
enum Source {
    System(Arc<TokioResolver>),
    Fixed(Arc<HashMap<SmtpHost, Vec<IpAddr>>>),
}

/// The system's resolver configuration could not be used.
#[derive(Debug, thiserror::Error)]
#[error("read the system's resolver configuration")]
pub struct ResolverError(#[source] NetError);

/// Why a name gave no addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LookupFailure {
    UnknownHost,
    ResolverFailed,
}

impl Resolver {
    /// Asks the name servers of the system's configuration (`/etc/resolv.conf`), after its hosts
    /// file.
    ///
    /// # Errors
    ///
    /// [`ResolverError`] if that configuration is missing or malformed.
    pub fn system() -> Result<Self, ResolverError> {
        let mut builder = TokioResolver::builder_tokio().map_err(ResolverError)?;
        builder.options_mut().timeout = Duration::from_secs(2);
        builder.options_mut().attempts = 2;
        let resolver = builder.build().map_err(ResolverError)?;
        Ok(Self::from_source(Source::System(Arc::new(resolver))))
    }

    /// Answers from `table` alone: for tests and demonstrations.
    pub fn fixed(table: impl IntoIterator<Item = (SmtpHost, Vec<IpAddr>)>) -> Self {
        Self::from_source(Source::Fixed(Arc::new(table.into_iter().collect())))
    }

    fn from_source(source: Source) -> Self {
        Self { source, lookups: Arc::default() }
    }

    /// How often a name was looked up so far; addresses and `localhost` are not counted.
    pub fn lookups(&self) -> usize {
        self.lookups.load(Ordering::Relaxed)
    }

    /// The addresses of `host`: itself if it is one, both loopbacks for `localhost` (RFC 6761,
    /// section 6.3), otherwise what the name servers say within five seconds.
    pub(crate) async fn addresses(&self, host: &SmtpHost) -> Result<Vec<IpAddr>, LookupFailure> {
        if let Some(address) = host.address() {
            return Ok(vec![address]);
        }
        if host.as_str() == "localhost" || host.as_str().ends_with(".localhost") {
            return Ok(vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]);
        }
        self.lookups.fetch_add(1, Ordering::Relaxed);
        let addresses = match &self.source {
            Source::Fixed(table) => table.get(host).cloned().unwrap_or_default(),
            Source::System(resolver) => query(resolver, host).await?,
        };
        match addresses.len() {
            0 => Err(LookupFailure::UnknownHost),
            1..=MAX_ADDRESSES => Ok(addresses),
            _ => Err(LookupFailure::ResolverFailed),
        }
    }
}

async fn query(resolver: &TokioResolver, host: &SmtpHost) -> Result<Vec<IpAddr>, LookupFailure> {
    // Fully qualified: the search list of this machine is no tenant's business.
    let mut name = Name::from_ascii(host.as_str()).map_err(|_| LookupFailure::UnknownHost)?;
    name.set_fqdn(true);
    match timeout(PATIENCE, resolver.lookup_ip(name)).await {
        Ok(Ok(answer)) => Ok(answer.iter().take(MAX_ADDRESSES + 1).collect()),
        Ok(Err(error)) if error.is_nx_domain() || error.is_no_records_found() => {
            Err(LookupFailure::UnknownHost)
        }
        Ok(Err(_)) | Err(_) => Err(LookupFailure::ResolverFailed),
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use hickory_resolver::{
        config::{ConnectionConfig, NameServerConfig, ResolverConfig},
        net::runtime::TokioRuntimeProvider,
    };
    use letterhead_domain::{
        smtp_settings::{Auth, Encryption, SmtpSettings},
        test_run::{Cause, Failure, Stage, TestMode},
    };
    use tokio::net::UdpSocket;

    use super::*;
    use crate::{
        egress::policy::EgressPolicy,
        mailer::{Mailer, MailerConfig},
        test_run::TestPlan,
        tls::TlsTrust,
    };

    /// Asks one name server over UDP and nobody else.
    fn asking(server: SocketAddr) -> Resolver {
        let mut connection = ConnectionConfig::udp();
        connection.port = server.port();
        let server = NameServerConfig::new(server.ip(), true, vec![connection]);
        let config = ResolverConfig::from_parts(None, Vec::new(), vec![server]);
        let provider = TokioRuntimeProvider::default();
        let resolver = TokioResolver::builder_with_config(config, provider).build().unwrap();
        Resolver::from_source(Source::System(Arc::new(resolver)))
    }

    #[tokio::test]
    async fn a_name_server_that_never_answers_holds_a_run_no_longer_than_its_limit() {
        let silent = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let resolver = asking(silent.local_addr().unwrap());
        let trust = TlsTrust::load(&[]).unwrap();
        let mut config = MailerConfig::new(EgressPolicy::default(), resolver.clone(), trust);
        config.test_limits.total = Duration::from_millis(500);
        let plan = TestPlan {
            settings: SmtpSettings {
                host: "mail.example.net".parse().unwrap(),
                port: 587_u16.try_into().unwrap(),
                encryption: Encryption::Starttls,
                auth: Auth::None,
                sender_name: "Ann".parse().unwrap(),
                sender_email: "ann@example.net".parse().unwrap(),
                reply_to: None,
            },
            password: None,
            mode: TestMode::Connection,
            recipient: "ann@example.net".parse().unwrap(),
            mail: None,
        };

        let report = Mailer::new(config).test(plan, |_| {}).await;

        let expected = Failure { stage: Stage::Resolve, cause: Cause::TimedOut };
        assert_eq!(report.failure, Some(expected));
        assert!(report.took < PATIENCE, "the run's limit held, not the look-up's: {report:?}");
        assert_eq!(resolver.lookups(), 1);
    }

    #[tokio::test]
    async fn localhost_is_the_loopback_without_a_question() {
        let resolver = Resolver::fixed([]);

        let addresses = resolver.addresses(&"localhost".parse().unwrap()).await;

        assert_eq!(addresses, Ok(vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]));
        assert_eq!(resolver.lookups(), 0);
    }

    #[tokio::test]
    async fn a_name_without_addresses_is_unknown_and_one_with_too_many_is_an_error() {
        let many = vec![IpAddr::from([8, 8, 8, 8]); MAX_ADDRESSES + 1];
        let resolver = Resolver::fixed([("many.example".parse().unwrap(), many)]);

        let unknown = resolver.addresses(&"none.example".parse().unwrap()).await;
        let many = resolver.addresses(&"many.example".parse().unwrap()).await;

        assert_eq!(unknown, Err(LookupFailure::UnknownHost));
        assert_eq!(many, Err(LookupFailure::ResolverFailed));
    }
}
