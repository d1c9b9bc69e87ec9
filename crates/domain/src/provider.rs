//! Known mail services: where their servers are, who signs in and with what, what they limit, and
//! which guide leads through them. It only suggests; what a person types is what counts.
//!
//! The catalogue is a table (`catalogue`); a new service is a new row. A service is recognised by
//! its server ([`of_host`]), by the domain of its mailboxes ([`of_email_domain`]), or by the server
//! that takes a domain's mail in ([`of_mx`]).

use crate::{smtp_host::SmtpHost, smtp_settings::Encryption};

mod catalogue;
mod facts;
mod pattern;
#[cfg(test)]
mod tests;

pub use facts::{
    Limit, LimitOn, LimitPer, Note, PasswordKind, ServiceKind, SignInKind, Source, Spf,
    UsernameKind, Whose,
};

/// The guide for every server that has none of its own.
pub const OTHER_GUIDE: &str = "other";

/// A port and the encryption that goes with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Way {
    /// The port.
    pub port: u16,
    /// How the connection is protected there.
    pub encryption: Encryption,
}

/// One server of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Preset {
    /// Which of the service's servers it is, if it has several: a region or a kind of account.
    pub place: Option<&'static str>,
    /// The server.
    pub host: &'static str,
    /// The domains of the mailboxes that send through it; a `*` stands for one label, at the end
    /// for a country's ending.
    pub email_domains: &'static [&'static str],
    /// What the names of the servers end in that take mail in for its customers' own domains.
    pub mx: &'static [&'static str],
}

/// A known mail service.
///
/// What nobody has verified is left out: `None` and an empty list say "not known".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Provider {
    /// Its id, also in addresses: `smtp2go`.
    pub id: &'static str,
    /// Its name as it writes it.
    pub name: &'static str,
    /// What it is for.
    pub kind: ServiceKind,
    /// Its servers, the usual one first.
    pub presets: &'static [Preset],
    /// More names of its servers; a `*` stands for one label.
    pub other_hosts: &'static [&'static str],
    /// The ways in at each of its servers, the one to try first at the front. Only ports that
    /// Letterhead may use are listed.
    pub ways: &'static [Way],
    /// Who signs in.
    pub username: Option<UsernameKind>,
    /// The user name, where it is the same for everybody.
    pub fixed_username: Option<&'static str>,
    /// With what.
    pub password: Option<PasswordKind>,
    /// The kinds of sign-in that can work, the one to prefer first.
    pub sign_in: &'static [SignInKind],
    /// How much it lets through.
    pub limits: &'static [Limit],
    /// What the SPF record of a domain needs so that the service may send for it.
    pub spf: Option<Spf>,
    /// The selectors under which the service's customers publish its DKIM keys.
    pub dkim: &'static [&'static str],
    /// What else to know about it.
    pub notes: &'static [Note],
    /// The guide that leads through its set-up: its own, or [`OTHER_GUIDE`].
    pub guide: &'static str,
    /// Where this is written.
    pub sources: &'static [Source],
}

impl Provider {
    /// The way to try first.
    pub const fn first_way(&self) -> Way {
        self.ways[0]
    }

    /// Whether a guide was written for it.
    pub fn has_own_guide(&self) -> bool {
        self.guide != OTHER_GUIDE
    }

    /// The server for mailboxes at `domain`: the usual one, unless another is theirs.
    pub fn preset_of_email_domain(&self, domain: &str) -> &'static Preset {
        let domain = canonical(domain);
        self.best(|preset| preset.email_domains, |it| pattern::email_domain_match(it, &domain))
            .map_or(&self.presets[0], |(_, preset)| preset)
    }

    /// Whether mailboxes at `domain` are the service's own, not its customers'.
    pub fn has_mailboxes_at(&self, domain: &str) -> bool {
        let domain = canonical(domain);
        let fits = |entry: &str| pattern::email_domain_match(entry, &domain);
        self.best(|preset| preset.email_domains, fits).is_some()
    }

    /// The server for customers whose mail `host` takes in: the usual one, unless another is
    /// theirs.
    pub fn preset_of_mx(&self, host: &str) -> &'static Preset {
        let host = canonical(host);
        self.best(|preset| preset.mx, |suffix| pattern::suffix_match(suffix, &host))
            .map_or(&self.presets[0], |(_, preset)| preset)
    }

    fn has_host(&self, host: &str) -> bool {
        self.presets.iter().any(|preset| preset.host == host)
            || self.other_hosts.iter().any(|entry| pattern::host_matches(entry, host))
    }

    /// The server with the entry that fits best, and how well it does.
    fn best(
        &self,
        entries: impl Fn(&Preset) -> &'static [&'static str],
        fits: impl Fn(&str) -> Option<usize>,
    ) -> Option<(usize, &'static Preset)> {
        let of_preset = |preset| {
            let best = entries(preset).iter().filter_map(|entry| fits(entry)).max()?;
            Some((best, preset))
        };
        self.presets.iter().filter_map(of_preset).max_by_key(|(best, _)| *best)
    }
}

/// Every known service, in the order in which people are offered them: those with a guide first.
pub fn all() -> &'static [Provider] {
    catalogue::PROVIDERS
}

/// The service with this id.
pub fn find(id: &str) -> Option<&'static Provider> {
    all().iter().find(|provider| provider.id == id)
}

/// The service whose server `host` is.
pub fn of_host(host: &SmtpHost) -> Option<&'static Provider> {
    all().iter().find(|provider| provider.has_host(host.as_str()))
}

/// The service whose mailboxes have addresses at `domain`, in whatever case it was typed.
pub fn of_email_domain(domain: &str) -> Option<&'static Provider> {
    let domain = canonical(domain);
    let fit = |provider: &Provider| {
        provider.best(|preset| preset.email_domains, |it| pattern::email_domain_match(it, &domain))
    };
    best_of_all(fit)
}

/// The service that takes mail in at `host`, the name in a domain's MX record.
///
/// That it takes mail in says that mailboxes are there, not that nobody else sends for the domain.
pub fn of_mx(host: &str) -> Option<&'static Provider> {
    let host = canonical(host);
    best_of_all(|provider| {
        provider.best(|preset| preset.mx, |suffix| pattern::suffix_match(suffix, &host))
    })
}

/// The service that fits best; of equals the one that is offered first.
fn best_of_all(
    fit: impl Fn(&Provider) -> Option<(usize, &'static Preset)>,
) -> Option<&'static Provider> {
    let fits = all().iter().rev().filter_map(|provider| Some((fit(provider)?.0, provider)));
    fits.max_by_key(|(best, _)| *best).map(|(_, provider)| provider)
}

/// A domain as the catalogue writes it.
fn canonical(domain: &str) -> String {
    let domain = domain.trim();
    domain.strip_suffix('.').unwrap_or(domain).to_ascii_lowercase()
}
