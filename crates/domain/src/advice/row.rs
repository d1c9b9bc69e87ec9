//! What a row of the table is made of.

use super::{Advice, Side};
use crate::{
    provider::Provider,
    reply::{EnhancedCode, Reply},
    smtp_settings::{Encryption, SmtpSettings},
    test_run::{Cause, Failure, Stage},
};

/// Where a server speaks TLS from the first byte (RFC 8314, and providers' second choices).
const IMPLICIT_TLS_PORTS: [u16; 3] = [465, 2465, 8465];
/// Where a server begins in clear text (RFC 6409, and providers' second choices).
const STARTTLS_PORTS: [u16; 5] = [25, 587, 2525, 2587, 8025];
/// The guide for a server that is nobody's whom we know.
const GUIDE_FOR_ANY_SERVER: &str = "other";

/// What is looked at to find a row.
#[derive(Clone, Copy)]
pub(super) struct Case<'a> {
    pub(super) settings: &'a SmtpSettings,
    pub(super) failure: &'a Failure,
    /// Whose server it is, if that is known.
    pub(super) provider: Option<&'static Provider>,
}

/// One row: when, and what is said then.
pub(super) struct Row {
    pub(super) when: When,
    pub(super) then: &'static Words,
}

/// A row of the table.
pub(super) const fn row(when: When, then: &'static Words) -> Row {
    Row { when, then }
}

/// Which guide goes with an advice.
#[derive(Clone, Copy)]
pub(super) enum Guide {
    /// None would help.
    No,
    /// This one; the advice is worded for it.
    Of(&'static str),
    /// That of the server's provider, or the one for any server.
    OfProvider,
}

/// What is said.
pub(super) struct Words {
    pub(super) code: &'static str,
    pub(super) side: Side,
    pub(super) guide: Guide,
    pub(super) title: &'static str,
    pub(super) steps: &'static [&'static str],
}

impl Words {
    /// The advice to somebody whose server is that of `provider`.
    pub(super) fn told(&self, provider: Option<&'static Provider>) -> Advice {
        let guide = match self.guide {
            Guide::OfProvider => {
                Some(provider.map_or(GUIDE_FOR_ANY_SERVER, |provider| provider.guide))
            }
            Guide::No | Guide::Of(_) => self.own_guide(),
        };
        Advice { guide, ..self.as_written() }
    }

    /// The advice as it stands in the table.
    pub(super) const fn as_written(&self) -> Advice {
        let Self { code, side, title, steps, .. } = *self;
        Advice { code, side, title, steps, guide: self.own_guide() }
    }

    /// The guide that it is worded for, if it is worded for one.
    pub(super) const fn own_guide(&self) -> Option<&'static str> {
        match self.guide {
            Guide::Of(guide) => Some(guide),
            Guide::No | Guide::OfProvider => None,
        }
    }
}

/// When a row fits. What is left empty fits everything.
#[derive(Clone, Copy)]
pub(super) struct When {
    providers: &'static [&'static str],
    stages: &'static [Stage],
    cause: fn(&Cause) -> bool,
    codes: &'static [u16],
    enhanced: &'static [EnhancedCode],
    texts: &'static [&'static str],
    also: fn(&Case<'_>) -> bool,
}

/// Something else than a reply stopped the run.
pub(super) const fn caused(cause: fn(&Cause) -> bool) -> When {
    let also = |_: &Case<'_>| true;
    When { providers: &[], stages: &[], cause, codes: &[], enhanced: &[], texts: &[], also }
}

/// The server said no.
pub(super) const fn said() -> When {
    caused(|cause| matches!(cause, Cause::Refused(_)))
}

/// The server said no for good.
pub(super) const fn said_for_good() -> When {
    caused(|cause| cause.reply().is_some_and(|reply| !reply.is_transient()))
}

/// The server said not now.
pub(super) const fn said_not_now() -> When {
    caused(|cause| cause.reply().is_some_and(Reply::is_transient))
}

impl When {
    /// Only at the servers of the providers with these ids.
    pub(super) const fn by(self, providers: &'static [&'static str]) -> Self {
        Self { providers, ..self }
    }

    /// Only in these stages.
    pub(super) const fn at(self, stages: &'static [Stage]) -> Self {
        Self { stages, ..self }
    }

    /// Only with one of these reply codes.
    pub(super) const fn code(self, codes: &'static [u16]) -> Self {
        Self { codes, ..self }
    }

    /// Only with one of these enhanced codes.
    pub(super) const fn enhanced(self, enhanced: &'static [EnhancedCode]) -> Self {
        Self { enhanced, ..self }
    }

    /// Only if the reply says one of these, in whatever case.
    pub(super) const fn text(self, texts: &'static [&'static str]) -> Self {
        Self { texts, ..self }
    }

    /// Only if this is true as well.
    pub(super) const fn also(self, also: fn(&Case<'_>) -> bool) -> Self {
        Self { also, ..self }
    }

    /// The ids of the providers it is for; none if it is for any server.
    #[cfg(test)]
    pub(super) const fn providers(&self) -> &'static [&'static str] {
        self.providers
    }

    /// What tells the row from others.
    #[cfg(test)]
    pub(super) fn described(self) -> String {
        let Self { providers, stages, codes, enhanced, texts, .. } = self;
        format!("{providers:?} {stages:?} {codes:?} {enhanced:?} {texts:?}")
    }

    /// Whether the row is about `case`.
    pub(super) fn fits(&self, case: &Case<'_>) -> bool {
        let Failure { stage, cause } = case.failure;
        self.fits_provider(case.provider)
            && (self.stages.is_empty() || self.stages.contains(stage))
            && (self.cause)(cause)
            && self.fits_reply(cause.reply())
            && (self.also)(case)
    }

    fn fits_provider(&self, provider: Option<&Provider>) -> bool {
        self.providers.is_empty()
            || provider.is_some_and(|provider| self.providers.contains(&provider.id))
    }

    fn fits_reply(&self, reply: Option<&Reply>) -> bool {
        let Some(reply) = reply else {
            return self.codes.is_empty() && self.enhanced.is_empty() && self.texts.is_empty();
        };
        let enhanced = |code| self.enhanced.contains(&code);
        (self.codes.is_empty() || self.codes.contains(&reply.code))
            && (self.enhanced.is_empty() || reply.enhanced.is_some_and(enhanced))
            && (self.texts.is_empty() || self.texts.iter().any(|text| reply.says(text)))
    }
}

/// Whether the user name is no e-mail address.
pub(super) fn username_is_no_address(case: &Case<'_>) -> bool {
    case.settings.auth.username().is_some_and(|name| !name.as_str().contains('@'))
}

/// Whether the provider has one user name for everybody, and this is another.
pub(super) fn username_is_not_the_fixed_one(case: &Case<'_>) -> bool {
    let fixed = case.provider.and_then(|provider| provider.fixed_username);
    let username = case.settings.auth.username();
    fixed.zip(username).is_some_and(|(fixed, username)| username.as_str() != fixed)
}

/// Whether the provider is known and offers nothing at this port.
pub(super) fn port_is_none_of_the_providers(case: &Case<'_>) -> bool {
    case.provider.is_some_and(|provider| {
        provider.ways.iter().all(|way| way.port != case.settings.port.get())
    })
}

/// Whether the provider is known and offers exactly this port with this encryption.
pub(super) fn way_is_one_of_the_providers(case: &Case<'_>) -> bool {
    case.provider.is_some_and(|provider| {
        provider.ways.iter().any(|way| {
            way.port == case.settings.port.get() && way.encryption == case.settings.encryption
        })
    })
}

/// Whether STARTTLS is to be spoken where servers speak TLS from the first byte.
pub(super) fn is_starttls_on_a_tls_port(case: &Case<'_>) -> bool {
    case.settings.encryption == Encryption::Starttls
        && IMPLICIT_TLS_PORTS.contains(&case.settings.port.get())
}

/// Whether TLS is to be spoken from the first byte where servers begin in clear text.
pub(super) fn is_tls_on_a_starttls_port(case: &Case<'_>) -> bool {
    case.settings.encryption == Encryption::ImplicitTls
        && STARTTLS_PORTS.contains(&case.settings.port.get())
}

/// Whether the reply names the sender's address.
pub(super) fn reply_names_the_sender(case: &Case<'_>) -> bool {
    let address = case.settings.sender_email.as_str();
    case.failure.cause.reply().is_some_and(|reply| reply.says(address))
}
