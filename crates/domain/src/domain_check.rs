//! What a sender's domain says about who may send for it (SPF), with which keys mail is signed
//! (DKIM), what becomes of mail that neither proves (DMARC), and where replies go (MX); and which
//! record to add.
//!
//! What was looked up is given as [`DomainFacts`]; here it becomes a [`DomainCheck`], by tables.
//! It is always a hint: records in DNS never stop a test run, nor a delivery.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::{
    email::EmailAddress,
    provider::{self, Provider},
    smtp_host::SmtpHost,
    smtp_settings::SmtpSettings,
    words::words,
};

mod decide;
mod facts;
mod finding;
mod merge;
pub mod spf;
#[cfg(test)]
mod tests;

pub use facts::{DkimKey, DmarcFacts, DomainFacts, KeyState, MxFacts, SpfFacts, SpfFault};
pub use finding::{Finding, Step};
pub use merge::{with_end, with_include};

/// Longest text of a stranger's record that is kept, in bytes.
pub const MAX_RECORD: usize = 4 * 1024;

words! {
    /// How a part of the domain stands.
    CheckStatus {
        /// As it should be.
        Ok = "ok",
        /// It cannot be told from here.
        Unknown = "unknown",
        /// Mail goes out, but something should be better.
        Warning = "warning",
        /// Receivers are likely to distrust the mail.
        Problem = "problem",
    }
}

words! {
    /// What a DMARC record asks receivers to do with mail that is not proven (RFC 9989, section
    /// 4.7).
    Policy {
        /// Nothing but reports.
        None = "none",
        /// To put it aside.
        Quarantine = "quarantine",
        /// To refuse it.
        Reject = "reject",
    }
}

words! {
    /// What the texts of a finding name.
    Value {
        /// The domain of the From address.
        Domain = "domain",
        /// The From address.
        Email = "email",
        /// Who sends: the known service by its name, any other server by its host.
        Service = "service",
        /// The mailbox service that the domain belongs to.
        Owner = "owner",
        /// How many look-ups an SPF record needs.
        Lookups = "lookups",
        /// How many records there are.
        Count = "count",
        /// The part of a record that cannot be read.
        Term = "term",
        /// The name that a record leads to.
        Target = "target",
        /// The selectors of keys.
        Selectors = "selectors",
        /// What a DMARC record asks for.
        Policy = "policy",
        /// Where a record was found.
        Name = "name",
        /// The hosts that take mail.
        Hosts = "hosts",
    }
}

/// What the texts of a finding name, with what stands in DNS cleaned.
pub type Values = BTreeMap<Value, String>;

/// A TXT record to add, or to put in the place of the one that exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SuggestedRecord {
    /// The full name, without a trailing dot.
    pub name: String,
    /// The text.
    pub value: String,
}

/// One part of the domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartCheck {
    /// What was found.
    pub finding: Finding,
    /// What its texts name.
    pub values: Values,
    /// The record as it is published, cleaned and cut: a stranger's text.
    pub record: Option<String>,
    /// The record to have.
    pub suggested: Option<SuggestedRecord>,
}

impl PartCheck {
    /// How it stands.
    pub fn status(&self) -> CheckStatus {
        self.finding.status()
    }

    /// What was found, in one or two English sentences.
    pub fn message(&self) -> String {
        filled(self.finding.message(), &self.values)
    }

    /// What to do, in English, in order.
    pub fn steps(&self) -> Vec<String> {
        self.finding.steps().iter().map(|step| filled(step.text(), &self.values)).collect()
    }
}

/// What a DMARC record means for the sender's mail.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DmarcDetail {
    /// What receivers are asked to do.
    pub policy: Option<Policy>,
    /// Whether SPF passes under the From address's own domain; `None` if that cannot be told.
    pub spf_aligned: Option<bool>,
    /// Whether a key of the From address's own domain is there to sign with.
    pub dkim_aligned: Option<bool>,
}

/// What was found about a sender's domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DomainCheck {
    /// The domain of the From address, in A-labels.
    pub domain: String,
    /// When it was looked up.
    pub checked_at: DateTime<Utc>,
    /// Who may send for it.
    pub spf: PartCheck,
    /// How many look-ups the SPF record needs, if there is one.
    pub spf_lookups: Option<u32>,
    /// With which keys mail is signed.
    pub dkim: PartCheck,
    /// What becomes of mail that neither proves.
    pub dmarc: PartCheck,
    /// What that means for this sender.
    pub dmarc_detail: DmarcDetail,
    /// Where replies go.
    pub mx: PartCheck,
}

impl DomainCheck {
    /// The four parts, each with its name in the API.
    pub fn parts(&self) -> [(&'static str, &PartCheck); 4] {
        [("spf", &self.spf), ("dkim", &self.dkim), ("dmarc", &self.dmarc), ("mx", &self.mx)]
    }

    /// The worst status of any part.
    pub fn status(&self) -> CheckStatus {
        self.parts().map(|(_, part)| part.status()).into_iter().fold(CheckStatus::Ok, Ord::max)
    }
}

/// Whose domain is looked at, and who sends for it.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The From address. It is the return path as well: Letterhead says it at `MAIL FROM`.
    pub from: EmailAddress,
    /// The server that takes the mail.
    pub host: SmtpHost,
    /// The service that this server belongs to, if it is known.
    pub provider: Option<&'static Provider>,
    /// The mailbox service whose customers have addresses at the domain, if it is one's.
    pub owner: Option<&'static Provider>,
}

impl Subject {
    /// The subject of `settings`.
    pub fn of(settings: &SmtpSettings) -> Self {
        Self {
            from: settings.sender_email.clone(),
            host: settings.host.clone(),
            provider: provider::of_host(&settings.host),
            owner: provider::of_email_domain(settings.sender_email.domain()),
        }
    }

    /// The domain of the From address.
    pub fn domain(&self) -> &str {
        self.from.domain()
    }

    /// What an SPF record has to include so that the service may send, if that is known.
    pub fn include(&self) -> Option<&'static str> {
        match self.provider?.spf? {
            provider::Spf::Include(domain) => Some(domain),
            provider::Spf::Nothing => None,
        }
    }

    /// The selectors under which the service's customers publish its keys.
    pub fn selectors(&self) -> &'static [&'static str] {
        self.provider.map_or(&[], |provider| provider.dkim)
    }

    /// Whether SPF can only be judged by the addresses of the server.
    pub fn needs_addresses(&self) -> bool {
        self.owner.is_none() && self.provider.and_then(|provider| provider.spf).is_none()
    }

    /// What the facts mean; `at` is when they were looked up.
    pub fn decide(&self, facts: DomainFacts, at: DateTime<Utc>) -> DomainCheck {
        decide::decide(self, facts, at)
    }
}

/// A text with its `{names}` replaced. What is put in is not looked at again.
fn filled(text: &str, values: &Values) -> String {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, (name, after))) =
        rest.split_once('{').and_then(|(before, rest)| Some((before, rest.split_once('}')?)))
    {
        filled.push_str(before);
        let value = name.parse::<Value>().ok().and_then(|name| values.get(&name));
        filled.push_str(value.map_or("", String::as_str));
        rest = after;
    }
    filled + rest
}
