//! Configuration: flags and environment, and how they become the parts of the program.
//!
//! clap is the one door to the environment; `deploy/letterhead.env.example` lists every name.

use std::{
    fs,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    time::Duration,
};

use clap::{Args, ValueEnum};
use letterhead_domain::{
    message::MessageLimits, sender::PromotePolicy, smtp_host::SmtpHost, smtp_port::SmtpPort,
};
use letterhead_mailer::{
    egress::{
        policy::{AllowedDestination, EgressPolicy},
        resolver::{Resolver, name_server},
    },
    mailer::{Mailer, MailerConfig},
    tls::TlsTrust,
};
use letterhead_storage::{
    key::MasterKeys,
    record::RunLimits,
    store::{Store, StoreConfig},
};
use zeroize::Zeroizing;

use crate::{
    app::{App, Rules, Waker},
    cli::Failure,
    metrics::Metrics,
    portal::config::{Accent, Logo, Origin, PortalConfig, PublicUrl},
    worker::{Retention, WorkerConfig},
};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The names in the environment that begin as ours do; never what they hold.
#[expect(
    clippy::disallowed_methods,
    reason = "clap reads the names that it knows; this finds those that nobody does"
)]
pub fn environment_names() -> Vec<String> {
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    let mut names: Vec<_> = names.filter(|name| name.starts_with("LETTERHEAD_")).collect();
    names.sort_unstable();
    names
}

/// How to log.
#[derive(Args, Clone, Debug)]
pub struct LogArgs {
    /// What to log, in the notation of tracing's EnvFilter
    #[arg(
        long,
        env = "RUST_LOG",
        default_value = "info,sqlx=warn,sea_orm_migration=warn",
        global = true
    )]
    pub log: String,
    /// How to write it
    #[arg(long, env = "LETTERHEAD_LOG_FORMAT", default_value = "text", global = true)]
    pub log_format: LogFormat,
}

/// How log lines look.
#[derive(ValueEnum, Clone, Copy, Debug)]
pub enum LogFormat {
    /// For people
    Text,
    /// For programs
    Json,
}

/// Where the database is.
#[derive(Args, Clone)]
pub struct DatabaseArgs {
    /// URL of the database, with the role that Letterhead logs in as
    #[arg(long, env = "LETTERHEAD_DATABASE_URL", hide_env_values = true)]
    pub database_url: Option<String>,
    /// Most connections at once
    #[arg(long, env = "LETTERHEAD_DATABASE_CONNECTIONS", default_value_t = 20)]
    pub database_connections: u32,
    /// Prepared statements kept per connection; 0 behind a pooler that cannot follow them
    #[arg(long, env = "LETTERHEAD_STATEMENT_CACHE", default_value_t = 100)]
    pub statement_cache: usize,
}

/// The keys that wrap the tenants' data keys.
#[derive(Args, Clone)]
pub struct KeyArgs {
    /// Master keys as `id:base64`, separated by commas; the first is current
    #[arg(long, env = "LETTERHEAD_MASTER_KEYS", hide_env_values = true)]
    pub master_keys: Option<String>,
    /// A file with one master key a line instead; the first is current
    #[arg(long, env = "LETTERHEAD_MASTER_KEY_FILE", conflicts_with = "master_keys")]
    pub master_key_file: Option<PathBuf>,
}

/// How mail servers are reached.
#[derive(Args, Clone, Debug)]
pub struct MailerArgs {
    /// `host:port` that may be reached although it is not public; exact, comma-separated
    #[arg(long, env = "LETTERHEAD_ALLOW", value_delimiter = ',')]
    pub allow: Vec<AllowedDestination>,
    /// Ports that may be used besides the usual submission ports; comma-separated
    #[arg(long, env = "LETTERHEAD_EXTRA_PORTS", value_delimiter = ',')]
    pub extra_ports: Vec<u16>,
    /// Name servers to ask instead of the system's, as `address[:port]`; comma-separated
    #[arg(long, env = "LETTERHEAD_DNS_SERVERS", value_delimiter = ',', value_parser = name_server)]
    pub dns_servers: Vec<SocketAddr>,
    /// PEM files with authorities to trust besides the system's; comma-separated
    #[arg(long, env = "LETTERHEAD_CA_FILES", value_delimiter = ',')]
    pub ca_files: Vec<PathBuf>,
    /// How Letterhead introduces itself to mail servers: a public name, or an address literal
    #[arg(long, env = "LETTERHEAD_EHLO_NAME", default_value = "[127.0.0.1]")]
    pub ehlo_name: String,
    /// A host that takes connections on 25, 465, 587 and 2525. A test that gets no connection tries it
    /// on the same port, to tell a server that is away from a port that is blocked on our side
    #[arg(long, env = "LETTERHEAD_CONTROL_HOST")]
    pub control_host: Option<SmtpHost>,
    /// Most connections of one sender at once
    #[arg(long, env = "LETTERHEAD_CONNECTIONS_PER_SENDER", default_value_t = 2)]
    pub connections_per_sender: usize,
    /// Most open connections to mail servers in this process
    #[arg(long, env = "LETTERHEAD_MAX_SESSIONS", default_value_t = 500)]
    pub max_sessions: usize,
}

/// What the operator allows tenants.
#[derive(Args, Clone, Debug)]
pub struct RuleArgs {
    /// When saved settings go live: after-test, or on-save as the page that people know does it
    #[arg(long, env = "LETTERHEAD_PROMOTE", default_value = "after-test")]
    pub promote: String,
    /// Test runs a minute and tenant
    #[arg(long, env = "LETTERHEAD_TEST_RUNS_PER_MINUTE", default_value_t = 6)]
    pub test_runs_per_minute: u32,
    /// Test runs an hour and tenant
    #[arg(long, env = "LETTERHEAD_TEST_RUNS_PER_HOUR", default_value_t = 60)]
    pub test_runs_per_hour: u32,
    /// Wrong keys a minute and client address
    #[arg(long, env = "LETTERHEAD_FAILED_AUTH_PER_MINUTE", default_value_t = 30)]
    pub failed_auth_per_minute: u32,
    /// Searches of DNS, for the server of an address or about a sender's domain, a minute, tenant and
    /// process
    #[arg(long, env = "LETTERHEAD_SEARCHES_PER_MINUTE", default_value_t = 10)]
    pub searches_per_minute: u32,
    /// Seconds for which a key, a tenant or a shown sender that was looked up is believed; 0 to look each time
    #[arg(long, env = "LETTERHEAD_CACHE_SECONDS", default_value_t = 5, value_parser = clap::value_parser!(u64).range(..=60))]
    pub cache_seconds: u64,
    /// Recipients a message
    #[arg(long, env = "LETTERHEAD_MAX_RECIPIENTS", default_value_t = 50)]
    pub max_recipients: usize,
    /// Attachments a message
    #[arg(long, env = "LETTERHEAD_MAX_ATTACHMENTS", default_value_t = 10)]
    pub max_attachments: usize,
    /// Bytes of text, HTML and decoded attachments a message
    #[arg(long, env = "LETTERHEAD_MAX_MESSAGE_BYTES", default_value_t = 20 * 1024 * 1024)]
    pub max_message_bytes: usize,
}

/// How the API listens.
#[derive(Args, Clone, Debug)]
pub struct HttpArgs {
    /// Where the API listens
    #[arg(long, env = "LETTERHEAD_LISTEN", default_value_t = LISTEN)]
    pub listen: SocketAddr,
    /// Where the metrics listen; left out, they do not
    #[arg(long, env = "LETTERHEAD_METRICS_LISTEN")]
    pub metrics_listen: Option<SocketAddr>,
    /// Addresses of proxies whose X-Forwarded-For is believed; comma-separated
    #[arg(long, env = "LETTERHEAD_TRUSTED_PROXIES", value_delimiter = ',')]
    pub trusted_proxies: Vec<IpAddr>,
    /// Seconds that requests, test runs and deliveries under way get at shutdown
    #[arg(long, env = "LETTERHEAD_SHUTDOWN_SECONDS", default_value_t = 30)]
    pub shutdown_seconds: u64,
}

/// Where the API listens when nothing is said, and with it where browsers find the portal.
const LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8480);

/// Where browsers find the portal.
#[derive(Args, Clone, Debug)]
pub struct PublicUrlArgs {
    /// Where browsers find the portal and the API: https, or http on this machine alone; left out,
    /// where they listen on this machine (http://127.0.0.1:8480)
    #[arg(long, env = "LETTERHEAD_PUBLIC_URL")]
    pub public_url: Option<PublicUrl>,
}

/// How the portal looks, and where browsers find it.
#[derive(Args, Clone, Debug)]
pub struct PortalArgs {
    #[command(flatten)]
    #[expect(missing_docs, reason = "the flattened argument says what it is")]
    pub public_url: PublicUrlArgs,
    /// What the portal is called
    #[arg(long, env = "LETTERHEAD_PRODUCT_NAME", default_value = "Letterhead")]
    pub product_name: String,
    /// An SVG or PNG file of at most 64 KiB to show beside the name
    #[arg(long, env = "LETTERHEAD_LOGO_FILE")]
    pub logo_file: Option<PathBuf>,
    /// The colour of the main buttons, as #rrggbb; white text must be readable on it
    #[arg(long, env = "LETTERHEAD_ACCENT")]
    pub accent: Option<Accent>,
    /// Sites that may show the portal in a frame, as https origins; comma-separated
    #[arg(long, env = "LETTERHEAD_FRAME_ANCESTORS", value_delimiter = ',')]
    pub frame_ancestors: Vec<Origin>,
}

/// How the worker works.
#[derive(Args, Clone, Debug)]
pub struct WorkerArgs {
    /// What attempts say about who made them; left out, a name with the process's number
    #[arg(long, env = "LETTERHEAD_WORKER_NAME")]
    pub worker_name: Option<String>,
    /// Most senders served at once
    #[arg(long, env = "LETTERHEAD_LANES", default_value_t = 64)]
    pub lanes: usize,
    /// Seconds after which the senders of a worker that died are taken over
    #[arg(long, env = "LETTERHEAD_LEASE_SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(2..))]
    pub lease_seconds: u64,
    /// Days for which what a message says is kept once it came to its end
    #[arg(long, env = "LETTERHEAD_BODY_RETENTION_DAYS", default_value_t = 30)]
    pub body_retention_days: u32,
    /// Days for which a message, its recipients and its attempts are kept once it came to its end
    #[arg(long, env = "LETTERHEAD_MESSAGE_RETENTION_DAYS", default_value_t = 400, value_parser = clap::value_parser!(u32).range(8..))]
    pub message_retention_days: u32,
}

impl DatabaseArgs {
    /// Where the database is.
    ///
    /// # Errors
    ///
    /// A sentence for the operator if nothing was given.
    pub fn url(&self) -> Result<&str, Failure> {
        self.database_url.as_deref().ok_or_else(|| {
            Failure::say(
                "there is no database: give its URL as LETTERHEAD_DATABASE_URL or with \
                 --database-url",
            )
        })
    }

    /// Opens the pool.
    ///
    /// # Errors
    ///
    /// A sentence for the operator if there is no URL or it is malformed.
    pub async fn connect(&self, keys: MasterKeys) -> Result<Store, Failure> {
        let config = StoreConfig {
            url: self.url()?.to_owned(),
            connections: self.database_connections,
            statement_cache: self.statement_cache,
        };
        Store::connect(config, keys)
            .await
            .map_err(|err| Failure::new("the database URL is not usable", err))
    }
}

impl KeyArgs {
    /// Reads the master keys.
    ///
    /// # Errors
    ///
    /// A sentence for the operator if there is no key or one is malformed; never the key.
    pub fn load(&self) -> Result<MasterKeys, Failure> {
        let text = match (&self.master_keys, &self.master_key_file) {
            (Some(text), _) => Zeroizing::new(text.clone()),
            (None, Some(path)) => Zeroizing::new(read_secret_file(path)?),
            (None, None) => {
                return Err(Failure::say(
                    "there is no master key: make one with `letterhead master-key generate` and \
                     give it as LETTERHEAD_MASTER_KEYS or in the file LETTERHEAD_MASTER_KEY_FILE",
                ));
            }
        };
        MasterKeys::parse(&text).map_err(|err| Failure::new("the master keys are not usable", err))
    }
}

fn read_secret_file(path: &Path) -> Result<String, Failure> {
    use std::os::unix::fs::PermissionsExt;
    let failed = |err| Failure::new(format!("cannot read {}", path.display()), err);
    let mode = fs::metadata(path).map_err(failed)?.permissions().mode();
    if mode & 0o077 != 0 {
        let path = path.display();
        return Err(Failure::say(format!(
            "{path} holds keys and can be read by others; run `chmod 600 {path}`"
        )));
    }
    fs::read_to_string(path).map_err(failed)
}

impl MailerArgs {
    /// Makes the mailer.
    ///
    /// # Errors
    ///
    /// A sentence for the operator if a port is zero, a CA file cannot be read, or the system's
    /// resolver is not configured.
    pub fn mailer(&self) -> Result<Mailer, Failure> {
        let ports = self.extra_ports.iter().map(|&port| SmtpPort::try_from(port));
        let extra_ports: Result<Vec<_>, _> = ports.collect();
        let policy = EgressPolicy {
            allowed: self.allow.clone(),
            extra_ports: extra_ports
                .map_err(|err| Failure::new("LETTERHEAD_EXTRA_PORTS is not usable", err))?,
        };
        let resolver = match self.dns_servers.as_slice() {
            [] => Resolver::system(),
            servers => Resolver::servers(servers),
        }
        .map_err(|err| Failure::new("the system's DNS resolver is not usable", err))?;
        let trust = TlsTrust::load(&self.ca_files)
            .map_err(|err| Failure::new("the certificate authorities are not usable", err))?;
        let mut config = MailerConfig::new(policy, resolver, trust);
        config.ehlo_name.clone_from(&self.ehlo_name);
        config.control_host.clone_from(&self.control_host);
        config.connections_per_sender = self.connections_per_sender.max(1);
        config.max_sessions = self.max_sessions.max(1);
        Ok(Mailer::new(config))
    }
}

impl RuleArgs {
    /// The rules of the use cases.
    ///
    /// # Errors
    ///
    /// A sentence for the operator if a word is unknown.
    pub fn rules(&self) -> Result<Rules, Failure> {
        let promote: PromotePolicy = self
            .promote
            .parse()
            .map_err(|err| Failure::new("LETTERHEAD_PROMOTE is not usable", err))?;
        Ok(Rules {
            promote,
            message: MessageLimits {
                recipients: self.max_recipients,
                attachments: self.max_attachments,
                total_bytes: self.max_message_bytes,
            },
            test_runs: RunLimits {
                per_minute: self.test_runs_per_minute,
                per_hour: self.test_runs_per_hour,
            },
            failed_auth_per_minute: self.failed_auth_per_minute,
            searches_per_minute: self.searches_per_minute,
            known_for: Duration::from_secs(self.cache_seconds),
        })
    }
}

impl PublicUrlArgs {
    /// What was given; otherwise where this machine reaches what listens on `address`.
    pub fn or_at(&self, address: SocketAddr) -> PublicUrl {
        self.public_url.clone().unwrap_or_else(|| PublicUrl::at(address))
    }

    /// Whether nothing was given.
    pub fn is_unset(&self) -> bool {
        self.public_url.is_none()
    }

    /// What was given; otherwise where this machine reaches a program that was told nothing.
    pub fn or_default(&self) -> PublicUrl {
        self.or_at(LISTEN)
    }
}

impl PortalArgs {
    /// The configuration of a portal that listens on `address`.
    ///
    /// # Errors
    ///
    /// A sentence for the operator if the logo cannot be read or shown.
    pub fn portal(&self, address: SocketAddr) -> Result<PortalConfig, Failure> {
        let logo = self.logo_file.as_ref().map(|path| {
            let failed = || format!("the logo {} is not usable", path.display());
            let bytes = fs::read(path).map_err(|err| Failure::new(failed(), err))?;
            Logo::parse(bytes).map_err(|err| Failure::new(failed(), err))
        });
        Ok(PortalConfig {
            public_url: self.public_url.or_at(address),
            product_name: self.product_name.clone(),
            logo: logo.transpose()?,
            accent: self.accent,
            frame_ancestors: self.frame_ancestors.clone(),
        })
    }
}

impl WorkerArgs {
    /// The worker's configuration.
    pub fn config(&self) -> WorkerConfig {
        let default = WorkerConfig::default();
        WorkerConfig {
            name: self.worker_name.clone().unwrap_or_else(|| default.name.clone()),
            lanes: self.lanes.max(1),
            lease: Duration::from_secs(self.lease_seconds),
            retention: Retention {
                bodies: DAY * self.body_retention_days,
                messages: DAY * self.message_retention_days,
            },
            ..default
        }
    }
}

/// Everything that makes an [`App`].
#[derive(Args, Clone)]
pub struct AppArgs {
    #[command(flatten)]
    #[expect(missing_docs, reason = "the flattened arguments say what they are")]
    pub database: DatabaseArgs,
    #[command(flatten)]
    #[expect(missing_docs, reason = "the flattened arguments say what they are")]
    pub keys: KeyArgs,
    #[command(flatten)]
    #[expect(missing_docs, reason = "the flattened arguments say what they are")]
    pub mailer: MailerArgs,
    #[command(flatten)]
    #[expect(missing_docs, reason = "the flattened arguments say what they are")]
    pub rules: RuleArgs,
}

impl AppArgs {
    /// Puts the program's parts together.
    ///
    /// # Errors
    ///
    /// A sentence for the operator about what is missing or not usable.
    pub async fn app(&self) -> Result<App, Failure> {
        let store = self.database.connect(self.keys.load()?).await?;
        let (mailer, rules) = (self.mailer.mailer()?, self.rules.rules()?);
        Ok(App::new(store, mailer, rules, Waker::default(), Metrics::new()))
    }
}
