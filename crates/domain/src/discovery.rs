//! Which server sends the mail of an e-mail address, from what is known and from what its domain
//! says about itself.
//!
//! Nothing here is believed: what a domain says is a suggestion, a person decides, and a test run
//! proves.

use crate::{
    email::EmailAddress,
    provider::{self, PasswordKind, Preset, Provider, SignInKind, UsernameKind},
    smtp_host::SmtpHost,
    smtp_port::SmtpPort,
    smtp_settings::Encryption,
    text::Username,
    words::words,
};

/// Most servers that are suggested for one address.
pub const MAX_CANDIDATES: usize = 10;
/// Most servers that one source may name.
const MAX_PER_SOURCE: usize = 5;

words! {
    /// Where a suggestion comes from, the best informed first.
    Source {
        /// The catalogue knows the address's domain.
        Catalogue = "catalogue",
        /// The domain publishes settings for mail programs over HTTPS.
        Autoconfig = "autoconfig",
        /// The domain names its submission servers in DNS (RFC 6186, RFC 8314).
        Srv = "srv",
        /// A service that the catalogue knows takes the domain's mail in.
        Mx = "mx",
    }
}

words! {
    /// How likely a suggestion is right.
    Confidence {
        /// The domain's own holder says so, or everybody knows.
        High = "high",
        /// It follows from something else.
        Medium = "medium",
        /// Something speaks against it: the server takes no password.
        Low = "low",
    }
}

impl Source {
    /// In one sentence why `provider`'s server, or some server, is suggested for `domain`.
    pub fn why(self, domain: &str, provider: Option<&Provider>) -> String {
        let name = provider.map_or("a known mail service", |provider| provider.name);
        match self {
            Self::Catalogue => format!("{domain} is one of the domains of {name}."),
            Self::Autoconfig => {
                format!("{domain} publishes these settings for mail programs.")
            }
            Self::Srv => format!("{domain} names this server for sending in its DNS records."),
            Self::Mx => {
                format!(
                    "Mail for {domain} is received by {name}, so it is probably sent there, too."
                )
            }
        }
    }
}

/// One server that may send the address's mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The service whose server it is, if it is known.
    pub provider: Option<&'static Provider>,
    /// The server.
    pub host: SmtpHost,
    /// The port.
    pub port: SmtpPort,
    /// How the connection is protected there.
    pub encryption: Encryption,
    /// Who probably signs in; none if only the service can tell.
    pub username: Option<Username>,
    /// The kinds of sign-in that can work there, as far as is known.
    pub sign_in: Vec<SignInKind>,
    /// How likely it is right.
    pub confidence: Confidence,
    /// Where it comes from, the best informed first.
    pub sources: Vec<Source>,
}

/// One target of an SRV record (RFC 2782), as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SrvTarget {
    /// The lowest is tried first.
    pub priority: u16,
    /// Among equal priorities, the share that this target should get.
    pub weight: u16,
    /// The port.
    pub port: u16,
    /// The host. Empty: decidedly not offered.
    pub host: String,
}

/// One server that a domain publishes for mail programs, as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublishedServer {
    /// The host, perhaps with placeholders.
    pub host: String,
    /// The port.
    pub port: u16,
    /// How the connection is protected there.
    pub encryption: Encryption,
    /// Who signs in, perhaps with placeholders.
    pub username: Option<String>,
    /// The kinds of sign-in that it names, of those that are known here.
    pub sign_in: Vec<SignInKind>,
}

/// What the catalogue says of the address's domain.
pub fn by_domain(email: &EmailAddress) -> Option<Candidate> {
    let provider = provider::of_email_domain(email.domain())?;
    let preset = provider.preset_of_email_domain(email.domain());
    of_preset(email, provider, preset, (Source::Catalogue, Confidence::High))
}

/// What the catalogue says of the hosts that take the domain's mail in, in the order in which they
/// are to be tried.
pub fn by_mx<'a>(
    email: &EmailAddress,
    exchanges: impl IntoIterator<Item = &'a str>,
) -> Option<Candidate> {
    exchanges.into_iter().find_map(|exchange| {
        let provider = provider::of_mx(exchange)?;
        let preset = provider.preset_of_mx(exchange);
        of_preset(email, provider, preset, (Source::Mx, Confidence::Medium))
    })
}

/// What the domain's SRV records for one `encryption` offer.
///
/// Anybody who can forge the domain's DNS can name a host of their own there, so a host that is
/// neither within the domain nor known is not said to be sure (RFC 6186, section 6).
pub fn by_srv(
    email: &EmailAddress,
    encryption: Encryption,
    mut targets: Vec<SrvTarget>,
) -> Vec<Candidate> {
    targets.sort_by_key(|target| (target.priority, std::cmp::Reverse(target.weight)));
    let candidate = |target: SrvTarget| {
        let host: SmtpHost = target.host.parse().ok()?;
        let port = SmtpPort::try_from(i64::from(target.port)).ok()?;
        let provider = provider::of_host(&host);
        let is_within = host
            .as_str()
            .strip_suffix(email.domain())
            .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
        let is_sure = provider.is_some() || is_within;
        Some(Candidate {
            provider,
            host,
            port,
            encryption,
            // The whole address first (RFC 6186, section 4).
            username: provider
                .map_or_else(|| email.as_str().parse().ok(), |provider| username(email, provider)),
            sign_in: provider.map_or_else(Vec::new, |provider| provider.sign_in.to_vec()),
            confidence: if is_sure { Confidence::High } else { Confidence::Medium },
            sources: vec![Source::Srv],
        })
    };
    targets.into_iter().filter_map(candidate).take(MAX_PER_SOURCE).collect()
}

/// What the domain publishes for mail programs.
pub fn by_autoconfig(email: &EmailAddress, servers: Vec<PublishedServer>) -> Vec<Candidate> {
    let candidate = |server: PublishedServer| {
        let host: SmtpHost = filled(&server.host, email).parse().ok()?;
        let port = SmtpPort::try_from(i64::from(server.port)).ok()?;
        let username = match &server.username {
            Some(template) => filled(template, email).parse().ok(),
            None => email.as_str().parse().ok(),
        };
        Some(Candidate {
            provider: provider::of_host(&host),
            host,
            port,
            encryption: server.encryption,
            username,
            sign_in: server.sign_in,
            confidence: Confidence::High,
            sources: vec![Source::Autoconfig],
        })
    };
    servers.into_iter().filter_map(candidate).take(MAX_PER_SOURCE).collect()
}

/// The candidates with every server once, the best first: those that take a password, then the
/// surest, then those of the best informed source. Of what is said twice about a server, the best
/// informed source is right.
pub fn ranked(mut found: Vec<Candidate>) -> Vec<Candidate> {
    found.sort_by_key(|candidate| candidate.sources.first().copied());
    let mut ranked: Vec<Candidate> = Vec::new();
    for candidate in found {
        let same = |it: &&mut Candidate| {
            (&it.host, it.port, it.encryption)
                == (&candidate.host, candidate.port, candidate.encryption)
        };
        match ranked.iter_mut().find(same) {
            Some(known) => known.merge(candidate),
            None => ranked.push(candidate),
        }
    }
    for candidate in &mut ranked {
        if !candidate.takes_password() {
            candidate.confidence = Confidence::Low;
        }
    }
    ranked.sort_by_key(|candidate| candidate.confidence);
    ranked.truncate(MAX_CANDIDATES);
    ranked
}

impl Candidate {
    /// Whether a password can work there, as far as is known.
    pub fn takes_password(&self) -> bool {
        let service_takes_none =
            self.provider.is_some_and(|it| it.password == Some(PasswordKind::NoneWorks));
        let names_others_only =
            !self.sign_in.is_empty() && !self.sign_in.contains(&SignInKind::Password);
        !service_takes_none && !names_others_only
    }

    fn merge(&mut self, other: Self) {
        self.confidence = self.confidence.min(other.confidence);
        self.username = self.username.take().or(other.username);
        if self.sign_in.is_empty() {
            self.sign_in = other.sign_in;
        }
        for source in other.sources {
            if !self.sources.contains(&source) {
                self.sources.push(source);
            }
        }
    }
}

fn of_preset(
    email: &EmailAddress,
    provider: &'static Provider,
    preset: &Preset,
    (source, confidence): (Source, Confidence),
) -> Option<Candidate> {
    let way = provider.first_way();
    Some(Candidate {
        provider: Some(provider),
        host: preset.host.parse().ok()?,
        port: SmtpPort::try_from(i64::from(way.port)).ok()?,
        encryption: way.encryption,
        username: username(email, provider),
        sign_in: provider.sign_in.to_vec(),
        confidence,
        sources: vec![source],
    })
}

/// Who signs in to `provider` for this address, if the address tells.
fn username(email: &EmailAddress, provider: &Provider) -> Option<Username> {
    let text = match provider.username? {
        UsernameKind::Address | UsernameKind::AddressOrLocalPart => email.as_str(),
        UsernameKind::LocalPart => email.local_part(),
        UsernameKind::Fixed => provider.fixed_username?,
        UsernameKind::Given
        | UsernameKind::ApiKey
        | UsernameKind::SameAsPassword
        | UsernameKind::Any => return None,
    };
    text.parse().ok()
}

/// A published text with the address in the place of its placeholders.
fn filled(template: &str, email: &EmailAddress) -> String {
    template
        .replace("%EMAILADDRESS%", email.as_str())
        .replace("%EMAILLOCALPART%", email.local_part())
        .replace("%EMAILDOMAIN%", email.domain())
}

#[cfg(test)]
mod tests;
