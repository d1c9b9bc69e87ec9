//! An SPF record with everything that it leads to, and what follows from it (RFC 7208).

use std::net::IpAddr;

/// Most look-ups that a receiver makes for one record (RFC 7208, section 4.6.4).
pub const MAX_LOOKUPS: u32 = 10;
/// Most of them that may find nothing (there, too).
pub const MAX_VOID_LOOKUPS: u32 = 2;

/// A record, its parts in order, with the records that it leads to in their places. Nothing stands
/// behind `all`: no receiver looks there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SpfTree {
    /// The domain whose record it is, in lower case.
    pub domain: String,
    /// Its parts.
    pub terms: Vec<Term>,
    /// The record that decides if no part does.
    pub redirect: Option<Box<SpfTree>>,
}

/// One part of a record: what becomes of a sender, and of which.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    /// What is said of the senders that it matches.
    pub verdict: Verdict,
    /// Whom it matches.
    pub matcher: Matcher,
}

/// What a record says of a sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// `+`: may send.
    Pass,
    /// `-`: may not.
    Fail,
    /// `~`: most likely may not.
    SoftFail,
    /// `?`, or nothing said.
    Neutral,
}

/// Whom a part of a record matches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Matcher {
    /// Everybody.
    All,
    /// These networks: an address and how many of its leading bits count.
    Networks(Vec<(IpAddr, u8)>),
    /// Whoever passes this record.
    Include(Box<SpfTree>),
    /// Cannot be told without the mail itself, or costs receivers too much to ask (`ptr`,
    /// `exists`, macros of the sending address).
    Unclear,
}

/// Whether a record has something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// It has, and it counts.
    Yes,
    /// It has not.
    No,
    /// What would tell cannot be read from outside.
    Unclear,
}

impl SpfTree {
    /// Whether senders of `included` pass, because it is included here or further down.
    pub fn includes(&self, included: &str) -> Presence {
        let mut unclear = false;
        for term in self.terms.iter().filter(|term| term.verdict == Verdict::Pass) {
            let found = match &term.matcher {
                Matcher::Include(tree) if tree.domain == included => Presence::Yes,
                Matcher::Include(tree) => tree.includes(included),
                Matcher::Unclear => Presence::Unclear,
                Matcher::All | Matcher::Networks(_) => Presence::No,
            };
            match found {
                Presence::Yes => return Presence::Yes,
                Presence::Unclear => unclear = true,
                Presence::No => {}
            }
        }
        let redirected = match &self.redirect {
            Some(tree) if tree.domain == included => Presence::Yes,
            Some(tree) => tree.includes(included),
            None => Presence::No,
        };
        if redirected == Presence::No && unclear { Presence::Unclear } else { redirected }
    }

    /// What is said of a sender at `address` (RFC 7208, section 4.6); `None` if it depends on what
    /// is unclear.
    pub fn judge(&self, address: IpAddr) -> Option<Verdict> {
        for term in &self.terms {
            let matched = match &term.matcher {
                Matcher::All => true,
                Matcher::Networks(networks) => {
                    networks.iter().any(|&(network, bits)| contains(network, bits, address))
                }
                Matcher::Include(tree) => tree.judge(address)? == Verdict::Pass,
                Matcher::Unclear => return None,
            };
            if matched {
                return Some(term.verdict);
            }
        }
        self.redirect.as_ref().map_or(Some(Verdict::Neutral), |tree| tree.judge(address))
    }

    /// What is said of everybody else; `None` if nothing is.
    pub fn end(&self) -> Option<Verdict> {
        let all = self.terms.iter().find(|term| term.matcher == Matcher::All);
        all.map(|term| term.verdict).or_else(|| self.redirect.as_ref()?.end())
    }
}

/// Whether `address` is in the network of `bits` bits around `network`. An IPv4 address in an IPv6
/// coat counts as what it is.
fn contains(network: IpAddr, bits: u8, address: IpAddr) -> bool {
    let (differing, width) = match (network, address.to_canonical()) {
        (IpAddr::V4(network), IpAddr::V4(address)) => {
            (u128::from(network.to_bits() ^ address.to_bits()), 32)
        }
        (IpAddr::V6(network), IpAddr::V6(address)) => (network.to_bits() ^ address.to_bits(), 128),
        (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => return false,
    };
    let free = width - bits.min(width);
    differing.checked_shr(u32::from(free)).unwrap_or(0) == 0
}
