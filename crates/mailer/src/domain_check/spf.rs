//! An SPF record, followed to everywhere it leads (RFC 7208).
//!
//! A receiver stops at the first part that matches. Nobody knows yet from which address the mail will
//! come, so all parts are read: what is counted is what a receiver needs at most.

use std::net::IpAddr;

use futures_util::future::{BoxFuture, FutureExt};
use letterhead_domain::{
    domain_check::{
        SpfFacts, SpfFault, Subject,
        spf::{MAX_LOOKUPS, MAX_VOID_LOOKUPS, Matcher, Presence, SpfTree, Term, Verdict},
    },
    email::EmailAddress,
};
use mail_auth::{
    common::parse::TxtRecordParser,
    spf::{Directive, Macro, Mechanism, Qualifier, Spf, Variable, Variables},
};

use super::Questions;
use crate::egress::resolver::LookupFailure;

/// Where counting ends: "too many" says enough then.
const MAX_COUNTED: u32 = 30;
/// Most hosts of an `mx` part (RFC 7208, section 4.6.4).
const MAX_MX_HOSTS: usize = 10;

/// The SPF record of the subject's domain; `addresses` are those of its server, if they are to be
/// judged.
pub(super) async fn look_up(
    questions: &Questions<'_>,
    subject: &Subject,
    addresses: &[IpAddr],
) -> SpfFacts {
    let domain = subject.domain();
    let mut walk = Walk::new(questions, &subject.from, !addresses.is_empty());
    let record = match walk.records(domain).await {
        Ok(records) => match <[String; 1]>::try_from(records) {
            Ok([record]) => record,
            Err(records) if records.is_empty() => return SpfFacts::Missing,
            Err(records) => return SpfFacts::Multiple(records.len()),
        },
        Err(_) => return SpfFacts::NoAnswer,
    };
    let Some(parsed) = parsed(&record) else {
        let fault = SpfFault::Syntax(unreadable_term(&record));
        return SpfFacts::Broken { record, fault, lookups: 0 };
    };
    let read = walk.read(domain.to_owned(), parsed).await;
    let fault = match &read {
        Err(Stop::NoAnswer) => return SpfFacts::NoAnswer,
        Err(Stop::Fault(fault)) => Some(fault.clone()),
        Ok(_) => walk.excess(),
    };
    let lookups = walk.lookups;
    let tree = match (read, fault) {
        (Ok(tree), None) => tree,
        (_, Some(fault)) => return SpfFacts::Broken { record, fault, lookups },
        (Err(_), None) => return SpfFacts::NoAnswer,
    };
    let include_costs = match subject.include() {
        Some(include) if tree.includes(include) == Presence::No => {
            let mut walk = Walk::new(questions, &subject.from, false);
            walk.include(include.to_owned()).await.ok().map(|_| walk.lookups)
        }
        Some(_) | None => None,
    };
    let server_passes = passes(&tree, addresses);
    SpfFacts::Found { record, tree, lookups, server_passes, include_costs }
}

/// Whether all of `addresses` pass.
fn passes(tree: &SpfTree, addresses: &[IpAddr]) -> Option<bool> {
    if addresses.is_empty() {
        return None;
    }
    let verdicts = addresses.iter().map(|&address| tree.judge(address));
    let verdicts: Option<Vec<_>> = verdicts.collect();
    Some(verdicts?.into_iter().all(|verdict| verdict == Verdict::Pass))
}

/// What ends the reading of a record.
enum Stop {
    Fault(SpfFault),
    NoAnswer,
}

struct Walk<'a> {
    questions: &'a Questions<'a>,
    from: &'a EmailAddress,
    wants_addresses: bool,
    lookups: u32,
    voids: u32,
    /// The records that are being read, from the first to the innermost.
    path: Vec<String>,
}

impl<'a> Walk<'a> {
    fn new(questions: &'a Questions<'a>, from: &'a EmailAddress, wants_addresses: bool) -> Self {
        Self { questions, from, wants_addresses, lookups: 0, voids: 0, path: Vec::new() }
    }

    fn excess(&self) -> Option<SpfFault> {
        if self.lookups > MAX_LOOKUPS {
            Some(SpfFault::TooManyLookups)
        } else if self.voids > MAX_VOID_LOOKUPS {
            Some(SpfFault::TooManyVoids)
        } else {
            None
        }
    }

    fn count(&mut self) -> Result<(), Stop> {
        self.lookups += 1;
        if self.lookups > MAX_COUNTED {
            return Err(Stop::Fault(SpfFault::TooManyLookups));
        }
        Ok(())
    }

    /// The SPF records at `domain` (RFC 7208, section 4.5).
    async fn records(&self, domain: &str) -> Result<Vec<String>, Stop> {
        match self.questions.txt(domain).await {
            Ok(texts) => Ok(texts.into_iter().filter(|text| is_spf(text)).collect()),
            Err(LookupFailure::NothingFound) => Ok(Vec::new()),
            Err(LookupFailure::NoAnswer) => Err(Stop::NoAnswer),
        }
    }

    /// Reads the record of `domain` with all that it leads to.
    fn read(&mut self, domain: String, record: Spf) -> BoxFuture<'_, Result<SpfTree, Stop>> {
        async move {
            self.path.push(domain.clone());
            let mut tree = SpfTree { domain: domain.clone(), ..SpfTree::default() };
            for Directive { qualifier, mechanism } in &record.directives {
                let matcher = self.matcher(&domain, mechanism).await?;
                let is_end = matcher == Matcher::All;
                tree.terms.push(Term { verdict: verdict(qualifier), matcher });
                if is_end {
                    self.path.pop();
                    return Ok(tree);
                }
            }
            if let Some(redirect) = &record.redirect {
                if let Some(target) = self.target(redirect, &domain) {
                    tree.redirect = Some(Box::new(self.include(target).await?));
                } else {
                    let matcher = self.unclear()?;
                    tree.terms.push(Term { verdict: Verdict::Pass, matcher });
                }
            }
            self.path.pop();
            Ok(tree)
        }
        .boxed()
    }

    /// Reads the record of a name that another record leads to.
    async fn include(&mut self, target: String) -> Result<SpfTree, Stop> {
        self.count()?;
        if self.path.contains(&target) {
            return Err(Stop::Fault(SpfFault::Loop(target)));
        }
        let records = self.records(&target).await?;
        let found = match records.as_slice() {
            [record] => parsed(record),
            [] | [_, _, ..] => None,
        };
        match found {
            Some(record) => self.read(target, record).await,
            None => Err(Stop::Fault(SpfFault::Target(target))),
        }
    }

    async fn matcher(&mut self, domain: &str, mechanism: &Mechanism) -> Result<Matcher, Stop> {
        match mechanism {
            Mechanism::All => Ok(Matcher::All),
            Mechanism::Ip4 { addr, mask } => Ok(network(IpAddr::V4(*addr), mask.leading_ones())),
            Mechanism::Ip6 { addr, mask } => Ok(network(IpAddr::V6(*addr), mask.leading_ones())),
            Mechanism::Include { macro_string } => match self.target(macro_string, domain) {
                Some(target) => Ok(Matcher::Include(Box::new(self.include(target).await?))),
                None => self.unclear(),
            },
            Mechanism::A { macro_string, ip4_mask, ip6_mask } => {
                let Some(target) = self.target(macro_string, domain) else { return self.unclear() };
                self.count()?;
                let found = self.questions.addresses(&target).await;
                let addresses = self.unless_void(found)?;
                Ok(networks(&addresses, *ip4_mask, *ip6_mask))
            }
            Mechanism::Mx { macro_string, ip4_mask, ip6_mask } => {
                let Some(target) = self.target(macro_string, domain) else { return self.unclear() };
                self.count()?;
                let found = self.questions.mx(&target).await;
                let hosts = self.unless_void(found)?;
                if hosts.len() > MAX_MX_HOSTS {
                    return Err(Stop::Fault(SpfFault::Target(target)));
                }
                let mut addresses = Vec::new();
                for host in hosts.iter().filter(|_| self.wants_addresses) {
                    match self.questions.addresses(&host.exchange).await {
                        Ok(found) => addresses.extend(found),
                        Err(LookupFailure::NothingFound) => {}
                        Err(LookupFailure::NoAnswer) => return Err(Stop::NoAnswer),
                    }
                }
                Ok(networks(&addresses, *ip4_mask, *ip6_mask))
            }
            Mechanism::Ptr { .. } | Mechanism::Exists { .. } => self.unclear(),
        }
    }

    /// Counts what cannot be followed without the mail itself.
    fn unclear(&mut self) -> Result<Matcher, Stop> {
        self.count().map(|()| Matcher::Unclear)
    }

    /// Nothing, counted as that, where nothing was found.
    fn unless_void<T>(&mut self, found: Result<Vec<T>, LookupFailure>) -> Result<Vec<T>, Stop> {
        match found {
            Ok(found) => Ok(found),
            Err(LookupFailure::NothingFound) => {
                self.voids += 1;
                Ok(Vec::new())
            }
            Err(LookupFailure::NoAnswer) => Err(Stop::NoAnswer),
        }
    }

    /// The name that a part leads to; `None` if that depends on the machine that will send.
    fn target(&self, text: &Macro, domain: &str) -> Option<String> {
        if is_of_the_mail(text) {
            return None;
        }
        let mut variables = Variables::new();
        variables.set_sender(self.from.as_str().as_bytes());
        variables.set_domain(domain.as_bytes());
        let name = text.eval(&variables, domain, false).to_ascii_lowercase();
        Some(name.strip_suffix('.').map(str::to_owned).unwrap_or(name))
    }
}

/// Whether a macro says something that only the mail's way will show (RFC 7208, section 7.2).
fn is_of_the_mail(text: &Macro) -> bool {
    match text {
        Macro::None | Macro::Literal(_) => false,
        Macro::List(parts) => parts.iter().any(is_of_the_mail),
        Macro::Variable { letter, .. } => match letter {
            Variable::Sender
            | Variable::SenderLocalPart
            | Variable::SenderDomainPart
            | Variable::Domain => false,
            Variable::Ip
            | Variable::ValidatedDomain
            | Variable::IpVersion
            | Variable::HeloDomain
            | Variable::SmtpIp
            | Variable::HostDomain
            | Variable::CurrentTime => true,
        },
    }
}

fn verdict(qualifier: &Qualifier) -> Verdict {
    match qualifier {
        Qualifier::Pass => Verdict::Pass,
        Qualifier::Fail => Verdict::Fail,
        Qualifier::SoftFail => Verdict::SoftFail,
        Qualifier::Neutral => Verdict::Neutral,
    }
}

fn network(address: IpAddr, bits: u32) -> Matcher {
    Matcher::Networks(vec![(address, u8::try_from(bits).unwrap_or(u8::MAX))])
}

fn networks(addresses: &[IpAddr], ip4_mask: u32, ip6_mask: u128) -> Matcher {
    let network = |&address: &IpAddr| {
        let bits = match address {
            IpAddr::V4(_) => ip4_mask.leading_ones(),
            IpAddr::V6(_) => ip6_mask.leading_ones(),
        };
        (address, u8::try_from(bits).unwrap_or(u8::MAX))
    };
    Matcher::Networks(addresses.iter().map(network).collect())
}

fn is_spf(text: &str) -> bool {
    let version = text.split(' ').next().unwrap_or_default();
    version.eq_ignore_ascii_case("v=spf1")
}

/// Reads a record. The library takes networks that receivers do not, such as `ip4:192.0.2.300/40`.
fn parsed(record: &str) -> Option<Spf> {
    let is_sound = record.split_ascii_whitespace().all(network_is_sound);
    Spf::parse(record.as_bytes()).ok().filter(|_| is_sound)
}

/// Whether a part that names a network names one that exists (RFC 7208, section 5.6).
fn network_is_sound(term: &str) -> bool {
    let term = term.trim_start_matches(['+', '-', '~', '?']).to_ascii_lowercase();
    let Some((kind @ ("ip4" | "ip6"), network)) = term.split_once(':') else { return true };
    let (address, bits) = network.split_once('/').map_or((network, None), |(a, b)| (a, Some(b)));
    let width = match (kind, address.parse()) {
        ("ip4", Ok(IpAddr::V4(_))) => 32,
        ("ip6", Ok(IpAddr::V6(_))) => 128,
        (_, Ok(_) | Err(_)) => return false,
    };
    bits.is_none_or(|bits| bits.parse::<u8>().is_ok_and(|bits| bits <= width))
}

/// The first part that cannot be read even alone; else the last, which repeats what may stand once.
fn unreadable_term(record: &str) -> String {
    let is_unreadable = |term: &&str| parsed(&format!("v=spf1 {term}")).is_none();
    let terms = record.split_ascii_whitespace().skip(1);
    let found = terms.clone().find(is_unreadable).or_else(|| terms.last());
    found.unwrap_or(record).to_owned()
}
