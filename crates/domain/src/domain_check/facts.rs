//! What was looked up, before anybody judges it.

use super::{Policy, spf::SpfTree};

/// What was looked up about a domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DomainFacts {
    /// Its SPF record.
    pub spf: SpfFacts,
    /// The keys under the selectors of the service; empty if none are known.
    pub dkim: Vec<DkimKey>,
    /// Its DMARC record.
    pub dmarc: DmarcFacts,
    /// Who takes its mail.
    pub mx: MxFacts,
}

impl DomainFacts {
    /// The facts when nobody answered any question.
    pub fn no_answer() -> Self {
        Self {
            spf: SpfFacts::NoAnswer,
            dkim: Vec::new(),
            dmarc: DmarcFacts::NoAnswer,
            mx: MxFacts::NoAnswer,
        }
    }
}

/// The SPF record of a domain (RFC 7208).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SpfFacts {
    /// The question was not answered, or not in time.
    NoAnswer,
    /// There is none.
    Missing,
    /// There are several: an error (RFC 7208, section 4.5).
    Multiple(usize),
    /// There is one, which no receiver can use.
    Broken {
        /// Its text.
        record: String,
        /// Why.
        fault: SpfFault,
        /// How many look-ups were counted.
        lookups: u32,
    },
    /// There is one.
    Found {
        /// Its text.
        record: String,
        /// All that it leads to.
        tree: SpfTree,
        /// How many look-ups it needs at most.
        lookups: u32,
        /// Whether the addresses of the sender's server pass; `None` if that was not asked, or
        /// cannot be told.
        server_passes: Option<bool>,
        /// How many look-ups the service's include would add, itself counted.
        include_costs: Option<u32>,
    },
}

/// Why receivers can use nothing of an SPF record ("permerror").
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SpfFault {
    /// This part of the domain's own record cannot be read.
    Syntax(String),
    /// What the record leads to at this name has no usable SPF record.
    Target(String),
    /// The record leads back to this name.
    Loop(String),
    /// More than 10 look-ups (RFC 7208, section 4.6.4).
    TooManyLookups,
    /// More than 2 look-ups that found nothing (there, too).
    TooManyVoids,
}

/// What stands at a selector (RFC 6376, section 3.6.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DkimKey {
    /// The selector.
    pub selector: &'static str,
    /// What is there.
    pub state: KeyState,
}

/// What stands at a selector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// A key.
    Found,
    /// A key that was withdrawn: its `p=` is empty.
    Revoked,
    /// Something that no receiver can read as a key.
    Broken,
    /// Nothing.
    Missing,
    /// The question was not answered.
    NoAnswer,
}

/// The DMARC record that holds for a domain (RFC 9989).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DmarcFacts {
    /// The question was not answered.
    NoAnswer,
    /// There is none, neither at the domain nor above it.
    Missing,
    /// There are several at this name: none holds.
    Multiple {
        /// Where.
        name: String,
    },
    /// There is one that cannot be read.
    Broken {
        /// Where.
        name: String,
        /// Its text.
        record: String,
    },
    /// There is one.
    Found {
        /// Where.
        name: String,
        /// Its text.
        record: String,
        /// What it asks receivers to do with mail of this domain.
        policy: Policy,
    },
}

/// Who takes a domain's mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MxFacts {
    /// The question was not answered.
    NoAnswer,
    /// No MX record.
    Missing,
    /// A null MX: it says that it takes none (RFC 7505).
    Null,
    /// These hosts, the preferred one first.
    Hosts(Vec<String>),
}
