//! Known mail services: where their servers are, who signs in and with what, and which guide leads
//! through it. It only suggests; what a person types is what counts.
//!
//! The catalogue is a table (`catalogue`); a new service is a new row.

use crate::{smtp_host::SmtpHost, smtp_settings::Encryption, words::words};

mod catalogue;

words! {
    /// What a service wants in the password's field.
    PasswordKind {
        /// A password made for one program, after two-step verification was turned on.
        AppPassword = "app_password",
        /// The mailbox's own password, where the service still takes it.
        MailboxPassword = "mailbox_password",
        /// The password of an SMTP user, made in the service's settings; not the one of the account.
        SmtpPassword = "smtp_password",
        /// An SMTP key; not the key of the service's API.
        SmtpKey = "smtp_key",
        /// A key of the service's API that may send.
        ApiKey = "api_key",
        /// None: the service takes no password for SMTP any more.
        NoneWorks = "none_works",
    }
}

/// Who signs in to a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UsernameKind {
    /// The mailbox's full e-mail address.
    Address,
    /// A user name that the service shows in its settings.
    Given,
    /// The same for everybody.
    Fixed(&'static str),
}

impl UsernameKind {
    /// The kind in a word, for texts.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Address => "address",
            Self::Given => "given",
            Self::Fixed(_) => "fixed",
        }
    }

    /// The user name, where it is the same for everybody.
    pub const fn fixed(self) -> Option<&'static str> {
        match self {
            Self::Address | Self::Given => None,
            Self::Fixed(name) => Some(name),
        }
    }
}

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
}

/// A known mail service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Provider {
    /// Its id, also in addresses: `smtp2go`.
    pub id: &'static str,
    /// Its name as it writes it.
    pub name: &'static str,
    /// Its servers, the usual one first.
    pub presets: &'static [Preset],
    /// More names of its servers; a `*` stands for one label.
    pub other_hosts: &'static [&'static str],
    /// The ways in at each of its servers, the one to try first at the front. Only ports that
    /// Letterhead may use are listed.
    pub ways: &'static [Way],
    /// The domains of its mailboxes; a `*` stands for one label, at the end for a country's ending.
    pub email_domains: &'static [&'static str],
    /// Who signs in.
    pub username: UsernameKind,
    /// With what.
    pub password: PasswordKind,
    /// The guide that leads through its set-up.
    pub guide: &'static str,
}

impl Provider {
    /// The way to try first.
    pub const fn first_way(&self) -> Way {
        self.ways[0]
    }

    fn has_host(&self, host: &str) -> bool {
        self.presets.iter().any(|preset| preset.host == host)
            || self.other_hosts.iter().any(|pattern| host_matches(pattern, host))
    }

    fn has_email_domain(&self, domain: &str) -> bool {
        self.email_domains.iter().any(|pattern| email_domain_matches(pattern, domain))
    }
}

/// Every known service, in the order in which people are offered them.
pub const fn all() -> &'static [Provider] {
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
    let domain = domain.trim().trim_end_matches('.').to_ascii_lowercase();
    all().iter().find(|provider| provider.has_email_domain(&domain))
}

/// Whether `host` is `pattern`, in which a `*` stands for exactly one label.
fn host_matches(pattern: &str, host: &str) -> bool {
    let (wanted, given) = (pattern.split('.'), host.split('.'));
    wanted.clone().count() == given.clone().count()
        && wanted.zip(given).all(|(wanted, given)| wanted == "*" || wanted == given)
}

/// Whether `domain` is `pattern`, in which a `*` at the end stands for an ending such as `com`, `fr`
/// or `co.uk`. Longer endings are somebody else's names.
fn email_domain_matches(pattern: &str, domain: &str) -> bool {
    let Some(name) = pattern.strip_suffix(".*") else { return host_matches(pattern, domain) };
    let Some(ending) = domain.strip_prefix(name).and_then(|rest| rest.strip_prefix('.')) else {
        return false;
    };
    let is_short = |label: &str| (2..=3).contains(&label.len());
    ending.split('.').count() <= 2 && ending.split('.').all(is_short)
}

#[cfg(test)]
mod tests;
