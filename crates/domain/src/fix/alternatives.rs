//! What is worth a try after a failure: a table by the advice that is given about it.
//!
//! The advice has looked at stage, cause, reply and provider already; what it blames is what can be
//! tried otherwise.

use super::Entry;
use crate::{
    advice::advise,
    provider::{self, Note, Preset, Provider, UsernameKind, Way},
    smtp_settings::{
        Encryption::{self, ImplicitTls, Starttls},
        SmtpSettings,
    },
    test_run::Failure,
    text::Username,
};

/// Most alternatives to one failure.
pub const MOST: usize = 6;
/// Most of them that are other regions: one sign-in is all that may be tried there.
const MOST_REGIONS: usize = 3;

/// The ways in at a server that nobody knows (RFC 8314, RFC 6409, and the port that many add).
const USUAL_WAYS: [Way; 3] = [
    Way { port: 587, encryption: Starttls },
    Way { port: 465, encryption: ImplicitTls },
    Way { port: 2525, encryption: Starttls },
];

/// What can be tried otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Remedy {
    /// The same port with the other encryption.
    OtherEncryption,
    /// The other ways in at the same server.
    OtherPorts,
    /// The user name in the form that the provider wants.
    UsernameForm,
    /// The provider's servers in other regions.
    OtherRegions,
}

use Remedy::{OtherEncryption, OtherPorts, OtherRegions, UsernameForm};

/// Codes of advice, and what may be tried then, the most promising first. About everything else
/// only a person can do something.
pub(super) const REMEDIES: &[(&str, &[Remedy])] = &[
    ("wrong_encryption", &[OtherEncryption, OtherPorts]),
    ("starttls_not_offered", &[OtherPorts, OtherEncryption]),
    ("tls_failed", &[OtherPorts, OtherEncryption]),
    ("server_not_answering", &[OtherPorts, OtherEncryption]),
    ("not_a_mail_server", &[OtherPorts, OtherEncryption]),
    ("port_not_offered", &[OtherPorts]),
    ("port_25_closed", &[OtherPorts]),
    ("no_connection", &[OtherPorts]),
    ("no_route", &[OtherPorts]),
    // Our side: the server may well be right, and another port may lead out.
    ("port_blocked", &[OtherPorts]),
    ("connection_intercepted", &[OtherPorts]),
    ("tls_unavailable", &[OtherPorts]),
    ("auth_not_offered", &[OtherPorts]),
    ("encryption_required", &[OtherEncryption, OtherPorts]),
    ("auth_username_incomplete", &[UsernameForm]),
    ("auth_wrong_username", &[UsernameForm]),
    ("auth_bad_password", &[UsernameForm, OtherRegions]),
];

/// What is worth a try after `failure` of `settings`, the most promising first. What leads to a
/// place that is only guessed is left out unless the password was typed and may be tried there.
pub fn alternatives(
    settings: &SmtpSettings,
    failure: &Failure,
    password_is_typed: bool,
) -> Vec<Entry> {
    let code = advise(settings, failure).code;
    let remedies = REMEDIES.iter().find(|(of, _)| *of == code).map_or(&[][..], |(_, them)| them);
    let case = Case {
        settings,
        provider: provider::of_host(&settings.host),
        entry: Entry::of(settings),
        may_guess: password_is_typed,
    };
    let mut found: Vec<Entry> = Vec::new();
    for entry in remedies.iter().flat_map(|remedy| case.entries(*remedy)) {
        let is_new = entry != case.entry && !found.contains(&entry);
        if is_new && entry.encryption.is_verified_tls() {
            found.push(entry);
        }
    }
    found.truncate(MOST);
    found
}

struct Case<'a> {
    settings: &'a SmtpSettings,
    provider: Option<&'static Provider>,
    entry: Entry,
    may_guess: bool,
}

impl Case<'_> {
    fn entries(&self, remedy: Remedy) -> Vec<Entry> {
        match remedy {
            OtherEncryption => self.other_encryption().into_iter().collect(),
            OtherPorts => self.other_ports(),
            UsernameForm => self.username_form().into_iter().collect(),
            OtherRegions => self.other_regions(),
        }
    }

    /// At a provider's server only what the provider names is tried.
    fn ways(&self) -> &'static [Way] {
        self.provider.map_or(&USUAL_WAYS, |provider| provider.ways)
    }

    fn other_encryption(&self) -> Option<Entry> {
        let encryption = match self.entry.encryption {
            Encryption::Starttls => ImplicitTls,
            Encryption::ImplicitTls | Encryption::None => Starttls,
        };
        let port = self.entry.port;
        let is_named = self
            .provider
            .is_none_or(|provider| provider.ways.contains(&Way { port: port.get(), encryption }));
        is_named.then(|| Entry { encryption, ..self.entry.clone() })
    }

    fn other_ports(&self) -> Vec<Entry> {
        let others = self.ways().iter().filter(|way| way.port != self.entry.port.get());
        others.filter_map(|way| self.at(*way)).collect()
    }

    fn at(&self, way: Way) -> Option<Entry> {
        let port = way.port.try_into().ok()?;
        Some(Entry { port, encryption: way.encryption, ..self.entry.clone() })
    }

    fn username_form(&self) -> Option<Entry> {
        let provider = self.provider?;
        let username = self.entry.username.as_ref()?.as_str();
        let local_part = || username.split_once('@').map(|(local, _)| local.to_owned());
        let address = || {
            let (_, domain) = self.settings.sender_email.as_str().rsplit_once('@')?;
            (!username.contains('@')).then(|| format!("{username}@{domain}"))
        };
        let wanted = match provider.username? {
            UsernameKind::Fixed => provider.fixed_username.map(str::to_owned),
            UsernameKind::Address => address(),
            UsernameKind::LocalPart => local_part(),
            UsernameKind::AddressOrLocalPart if self.may_guess => local_part().or_else(address),
            UsernameKind::AddressOrLocalPart
            | UsernameKind::Given
            | UsernameKind::ApiKey
            | UsernameKind::SameAsPassword
            | UsernameKind::Any => None,
        };
        let username: Username = wanted?.parse().ok()?;
        Some(Entry { username: Some(username), ..self.entry.clone() })
    }

    /// First the servers of the region that a mailbox's address names, then those of the same kind.
    fn other_regions(&self) -> Vec<Entry> {
        let Some(provider) = self.provider else { return Vec::new() };
        if !provider.notes.contains(&Note::RegionMatters) {
            return Vec::new();
        }
        let named = self.named_by_an_address(provider);
        let kind =
            |host: &str| host.split('.').next() == self.entry.host.as_str().split('.').next();
        let mut others: Vec<_> = provider
            .presets
            .iter()
            .filter(|preset| preset.host != self.entry.host.as_str())
            .filter(|preset| self.may_guess || named == Some(preset.host))
            .collect();
        others.sort_by_key(|preset| (named != Some(preset.host), !kind(preset.host)));
        others.into_iter().take(MOST_REGIONS).filter_map(|preset| self.at_region(preset)).collect()
    }

    fn named_by_an_address(&self, provider: &Provider) -> Option<&'static str> {
        let username = self.settings.auth.username().map(Username::as_str);
        let addresses = [username, Some(self.settings.sender_email.as_str())].into_iter().flatten();
        addresses.filter_map(|address| address.rsplit_once('@')).find_map(|(_, domain)| {
            let is_theirs = provider::of_email_domain(domain)?.id == provider.id;
            is_theirs.then(|| provider.preset_of_email_domain(domain).host)
        })
    }

    fn at_region(&self, preset: &Preset) -> Option<Entry> {
        let host = preset.host.parse().ok()?;
        let way = Way { port: self.entry.port.get(), encryption: self.entry.encryption };
        let way = if self.ways().contains(&way) { way } else { *self.ways().first()? };
        Some(Entry { host, ..self.at(way)? })
    }
}
