//! The rows, and the words in which they are written.
//!
//! What a row says comes from the sources that it names, and a fact on which they contradict each
//! other is left out. `docs/providers.md` tells how to add a row.

use super::{
    Limit, LimitOn, LimitPer, Note, OTHER_GUIDE, PasswordKind, Preset, Provider, ServiceKind,
    SignInKind, Source, Spf, UsernameKind, Way, Whose,
};
use crate::smtp_settings::Encryption::{ImplicitTls, Starttls};

mod guided;
mod mailboxes;
mod national;
mod sending;

/// In the order in which people are offered them.
pub(super) const PROVIDERS: &[Provider] = &joined::<COUNT>();

const PARTS: [&[Provider]; 4] =
    [guided::PROVIDERS, mailboxes::PROVIDERS, national::PROVIDERS, sending::PROVIDERS];

const COUNT: usize = PARTS[0].len() + PARTS[1].len() + PARTS[2].len() + PARTS[3].len();

const fn joined<const N: usize>() -> [Provider; N] {
    let mut all = [PARTS[0][0]; N];
    let (mut filled, mut part) = (0, 0);
    while part < PARTS.len() {
        let mut row = 0;
        while row < PARTS[part].len() {
            all[filled] = PARTS[part][row];
            filled += 1;
            row += 1;
        }
        part += 1;
    }
    all
}

/// TLS from the first byte, on its usual port.
const TLS: &[Way] = &[implicit_tls(465)];
/// STARTTLS on its usual port.
const STARTTLS: &[Way] = &[starttls(587)];
/// Both, TLS from the first byte preferred (RFC 8314).
const BOTH: &[Way] = &[implicit_tls(465), starttls(587)];

const fn starttls(port: u16) -> Way {
    Way { port, encryption: Starttls }
}

const fn implicit_tls(port: u16) -> Way {
    Way { port, encryption: ImplicitTls }
}

/// The only server of a service.
const fn only(host: &'static str) -> Preset {
    Preset { place: None, host, email_domains: &[], mx: &[] }
}

/// One of several servers.
const fn at(place: &'static str, host: &'static str) -> Preset {
    Preset { place: Some(place), ..only(host) }
}

impl Preset {
    const fn domains(self, email_domains: &'static [&'static str]) -> Self {
        Self { email_domains, ..self }
    }

    const fn mx(self, mx: &'static [&'static str]) -> Self {
        Self { mx, ..self }
    }
}

const fn mailbox(
    id: &'static str,
    name: &'static str,
    presets: &'static [Preset],
    ways: &'static [Way],
) -> Provider {
    Provider {
        id,
        name,
        kind: ServiceKind::Mailbox,
        presets,
        other_hosts: &[],
        ways,
        username: None,
        fixed_username: None,
        password: None,
        sign_in: &[SignInKind::Password],
        limits: &[],
        spf: None,
        dkim: &[],
        notes: &[],
        guide: OTHER_GUIDE,
        sources: &[],
    }
}

const fn sending(
    id: &'static str,
    name: &'static str,
    presets: &'static [Preset],
    ways: &'static [Way],
) -> Provider {
    Provider { kind: ServiceKind::Sending, ..mailbox(id, name, presets, ways) }
}

impl Provider {
    const fn other_hosts(self, other_hosts: &'static [&'static str]) -> Self {
        Self { other_hosts, ..self }
    }

    const fn username(self, kind: UsernameKind) -> Self {
        Self { username: Some(kind), ..self }
    }

    const fn fixed_username(self, name: &'static str) -> Self {
        Self { fixed_username: Some(name), ..self.username(UsernameKind::Fixed) }
    }

    const fn password(self, kind: PasswordKind) -> Self {
        Self { password: Some(kind), ..self }
    }

    const fn sign_in(self, sign_in: &'static [SignInKind]) -> Self {
        Self { sign_in, ..self }
    }

    const fn limits(self, limits: &'static [Limit]) -> Self {
        Self { limits, ..self }
    }

    const fn spf(self, spf: Spf) -> Self {
        Self { spf: Some(spf), ..self }
    }

    const fn dkim(self, dkim: &'static [&'static str]) -> Self {
        Self { dkim, ..self }
    }

    const fn notes(self, notes: &'static [Note]) -> Self {
        Self { notes, ..self }
    }

    const fn guide(self) -> Self {
        Self { guide: self.id, ..self }
    }

    const fn from(self, sources: &'static [Source]) -> Self {
        Self { sources, ..self }
    }
}

const fn at_most(most: u32, on: LimitOn, per: LimitPer) -> Limit {
    Limit { most, on, per, plan: None, whose: Whose::Everybodys }
}

impl Limit {
    const fn with(self, plan: &'static str) -> Self {
        Self { plan: Some(plan), whose: Whose::SomePlans, ..self }
    }

    const fn of(self, plan: &'static str, whose: Whose) -> Self {
        Self { plan: Some(plan), whose, ..self }
    }
}
