//! The one door to DNS.

mod records;

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use hickory_resolver::{
    ResolverBuilder, TokioResolver,
    config::{ConnectionConfig, NameServerConfig, ResolverConfig},
    net::{NetError, runtime::TokioRuntimeProvider},
    proto::rr::Name,
};
use letterhead_domain::{field_errors::Invalid, smtp_host::SmtpHost};
use tokio::time::timeout;

use self::records::{Kind, failure, read};
pub use self::records::{MxRecord, SrvRecord};

/// Longest that one look-up may take, retries included.
const PATIENCE: Duration = Duration::from_secs(5);
/// Where name servers listen (RFC 1035, section 4.2).
const DNS_PORT: u16 = 53;

/// Looks names up, through name servers or in a fixed table. Clones share one cache.
#[derive(Clone)]
pub struct Resolver {
    source: Source,
    lookups: Arc<AtomicUsize>,
}

#[derive(Clone)]
enum Source {
    Servers(Arc<TokioResolver>),
    Fixed(Arc<HashMap<SmtpHost, Vec<IpAddr>>>),
}

/// The resolver could not be set up.
#[derive(Debug, thiserror::Error)]
#[error("set up the resolver")]
pub struct ResolverError(#[source] NetError);

/// Why a look-up gave nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LookupFailure {
    /// The name does not exist, or has no records of the kind that was asked for.
    #[error("there is no such record")]
    NothingFound,
    /// The name servers did not answer in time, answered with an error, or with more than
    /// anybody needs.
    #[error("the name servers did not answer")]
    NoAnswer,
}

impl Resolver {
    /// Asks the name servers of the system's configuration (`/etc/resolv.conf`), after its hosts
    /// file.
    ///
    /// # Errors
    ///
    /// [`ResolverError`] if that configuration is missing or malformed.
    pub fn system() -> Result<Self, ResolverError> {
        Self::build(TokioResolver::builder_tokio().map_err(ResolverError)?)
    }

    /// Asks `servers` instead of the system's name servers, after the system's hosts file.
    ///
    /// # Errors
    ///
    /// [`ResolverError`] if the hosts file cannot be read.
    pub fn servers(servers: &[SocketAddr]) -> Result<Self, ResolverError> {
        let servers = servers.iter().map(|server| {
            let mut connections = vec![ConnectionConfig::udp(), ConnectionConfig::tcp()];
            for connection in &mut connections {
                connection.port = server.port();
            }
            NameServerConfig::new(server.ip(), true, connections)
        });
        let config = ResolverConfig::from_parts(None, vec![], servers.collect());
        Self::build(TokioResolver::builder_with_config(config, TokioRuntimeProvider::default()))
    }

    fn build(mut builder: ResolverBuilder<TokioRuntimeProvider>) -> Result<Self, ResolverError> {
        let options = builder.options_mut();
        options.timeout = Duration::from_secs(2);
        options.attempts = 2;
        // The aliases tell which records of an answer belong to the name that was asked for.
        options.preserve_intermediates = true;
        let resolver = builder.build().map_err(ResolverError)?;
        Ok(Self::from_source(Source::Servers(Arc::new(resolver))))
    }

    /// Answers from `table` alone, which knows addresses only: for tests and demonstrations.
    pub fn fixed(table: impl IntoIterator<Item = (SmtpHost, Vec<IpAddr>)>) -> Self {
        Self::from_source(Source::Fixed(Arc::new(table.into_iter().collect())))
    }

    fn from_source(source: Source) -> Self {
        Self { source, lookups: Arc::default() }
    }

    /// How often a name was looked up so far; literal addresses and `localhost` are not counted.
    pub fn lookups(&self) -> usize {
        self.lookups.load(Ordering::Relaxed)
    }

    /// The hosts that take mail for `domain`, in the order of the answer; at most 20.
    ///
    /// # Errors
    ///
    /// [`LookupFailure`].
    pub async fn mx(&self, domain: &str) -> Result<Vec<MxRecord>, LookupFailure> {
        self.look_up(domain, &records::MX).await
    }

    /// Where the service `name` (such as `_submission._tcp.aurora.example`) is offered (RFC 2782),
    /// in the order of the answer; at most 20 records.
    ///
    /// # Errors
    ///
    /// [`LookupFailure`].
    pub async fn srv(&self, name: &str) -> Result<Vec<SrvRecord>, LookupFailure> {
        self.look_up(name, &records::SRV).await
    }

    /// The texts at `name`, each with its strings joined; at most 100 of 4 KiB each. What is not
    /// UTF-8 in them is replaced.
    ///
    /// # Errors
    ///
    /// [`LookupFailure`].
    pub async fn txt(&self, name: &str) -> Result<Vec<String>, LookupFailure> {
        self.look_up(name, &records::TXT).await
    }

    /// The IPv4 addresses of `name` for reading: nothing is judged, nothing can be dialled. At
    /// most 64.
    ///
    /// # Errors
    ///
    /// [`LookupFailure`].
    pub async fn ipv4(&self, name: &str) -> Result<Vec<Ipv4Addr>, LookupFailure> {
        self.look_up(name, &records::A).await
    }

    /// The IPv6 addresses of `name`, as [`Self::ipv4`] gives the others.
    ///
    /// # Errors
    ///
    /// [`LookupFailure`].
    pub async fn ipv6(&self, name: &str) -> Result<Vec<Ipv6Addr>, LookupFailure> {
        self.look_up(name, &records::AAAA).await
    }

    async fn look_up<T>(&self, name: &str, kind: &Kind<T>) -> Result<Vec<T>, LookupFailure> {
        self.lookups.fetch_add(1, Ordering::Relaxed);
        let Source::Servers(resolver) = &self.source else {
            return Err(LookupFailure::NothingFound);
        };
        let name = qualified(name)?;
        let asked = resolver.lookup(name.clone(), kind.record);
        let answer = within_patience(asked).await?;
        read(answer.answers(), &name, kind)
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
        match &self.source {
            Source::Fixed(table) => records::bounded(
                table.get(host).into_iter().flatten().copied(),
                records::ADDRESS.at_most,
            ),
            Source::Servers(resolver) => {
                let name = qualified(host.as_str())?;
                let answer = within_patience(resolver.lookup_ip(name.clone())).await?;
                read(answer.as_lookup().answers(), &name, &records::ADDRESS)
            }
        }
    }
}

/// Fully qualified: the search list of this machine is no tenant's business.
fn qualified(name: &str) -> Result<Name, LookupFailure> {
    let mut name = Name::from_ascii(name).map_err(|_| LookupFailure::NothingFound)?;
    name.set_fqdn(true);
    Ok(name)
}

async fn within_patience<T>(
    asked: impl Future<Output = Result<T, NetError>>,
) -> Result<T, LookupFailure> {
    match timeout(PATIENCE, asked).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(failure(&error)),
        Err(_) => Err(LookupFailure::NoAnswer),
    }
}

/// Reads a name server as an operator writes it: `address[:port]`, an IPv6 address in brackets if
/// a port follows.
///
/// # Errors
///
/// `malformed`.
pub fn name_server(text: &str) -> Result<SocketAddr, Invalid> {
    let text = text.trim();
    let without_port = || text.parse().map(|address| SocketAddr::new(address, DNS_PORT));
    let malformed = "write a name server as an address such as 192.0.2.53, 192.0.2.53:5353 or [2001:db8::53]:5353";
    text.parse().or_else(|_| without_port()).map_err(|_| Invalid::new("malformed", malformed))
}

#[cfg(test)]
mod tests;
