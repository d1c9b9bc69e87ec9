//! From facts to findings.

use chrono::{DateTime, Utc};

use super::{
    CheckStatus, DkimKey, DmarcDetail, DmarcFacts, DomainCheck, DomainFacts, Finding, KeyState,
    MAX_RECORD, MxFacts, PartCheck, Policy, SpfFacts, SpfFault, Subject, SuggestedRecord, Value,
    Values,
    merge::{with_end, with_include},
    spf::{MAX_LOOKUPS, Presence, SpfTree, Verdict},
};
use crate::{provider, text::is_unsafe_in_line};

/// Most hosts of a domain that are named to people.
const SHOWN_HOSTS: usize = 3;

pub(super) fn decide(subject: &Subject, facts: DomainFacts, at: DateTime<Utc>) -> DomainCheck {
    let DomainFacts { spf, dkim, dmarc, mx } = facts;
    let spf_lookups = match &spf {
        SpfFacts::NoAnswer | SpfFacts::Missing | SpfFacts::Multiple(_) => None,
        SpfFacts::Broken { lookups, .. } | SpfFacts::Found { lookups, .. } => Some(*lookups),
    };
    let desk = Desk { subject };
    let spf = desk.spf(spf);
    let dkim = desk.dkim(&dkim);
    let (dmarc, dmarc_detail) = desk.dmarc(dmarc, spf.finding, dkim.finding);
    DomainCheck {
        domain: subject.domain().to_owned(),
        checked_at: at,
        spf_lookups,
        mx: desk.mx(mx),
        spf,
        dkim,
        dmarc,
        dmarc_detail,
    }
}

struct Desk<'a> {
    subject: &'a Subject,
}

impl Desk<'_> {
    fn part(
        &self,
        finding: Finding,
        values: impl IntoIterator<Item = (Value, String)>,
    ) -> PartCheck {
        let Subject { from, host, provider, owner } = self.subject;
        let service = provider.map_or(host.as_str(), |provider| provider.name);
        let mut all = Values::from([
            (Value::Domain, from.domain().to_owned()),
            (Value::Email, from.as_str().to_owned()),
            (Value::Service, service.to_owned()),
        ]);
        all.extend(owner.map(|owner| (Value::Owner, owner.name.to_owned())));
        all.extend(values.into_iter().map(|(name, value)| (name, cleaned(&value))));
        PartCheck { finding, values: all, record: None, suggested: None }
    }

    fn plain(&self, finding: Finding) -> PartCheck {
        self.part(finding, [])
    }

    fn spf(&self, facts: SpfFacts) -> PartCheck {
        if self.subject.owner.is_some() {
            return self.plain(Finding::SpfNotYours);
        }
        match facts {
            SpfFacts::NoAnswer => self.plain(Finding::SpfNoAnswer),
            SpfFacts::Missing => match (self.needs_nothing(), self.subject.include()) {
                (true, _) => self.plain(Finding::SpfNotNeeded),
                (false, Some(include)) => self
                    .plain(Finding::SpfMissing)
                    .suggesting(self.domain(), with_include(None, include)),
                (false, None) => self.plain(Finding::SpfMissingAsk),
            },
            SpfFacts::Multiple(count) => {
                self.part(Finding::SpfMultiple, [(Value::Count, count.to_string())])
            }
            SpfFacts::Broken { record, fault, lookups } => {
                let (finding, value) = match fault {
                    SpfFault::Syntax(term) => (Finding::SpfSyntax, (Value::Term, term)),
                    SpfFault::Target(target) => (Finding::SpfTarget, (Value::Target, target)),
                    SpfFault::Loop(target) => (Finding::SpfLoop, (Value::Target, target)),
                    SpfFault::TooManyLookups => {
                        (Finding::SpfTooManyLookups, (Value::Lookups, lookups.to_string()))
                    }
                    SpfFault::TooManyVoids => {
                        (Finding::SpfTooManyVoids, (Value::Lookups, lookups.to_string()))
                    }
                };
                self.part(finding, [value]).showing(&record)
            }
            SpfFacts::Found { record, tree, lookups, server_passes, include_costs } => {
                let part = match self.subject.include() {
                    Some(include) => self.spf_of_service(
                        &record,
                        &tree,
                        include,
                        lookups + include_costs.unwrap_or(1),
                    ),
                    None if self.needs_nothing() => self.plain(Finding::SpfNotNeeded),
                    None => self.plain(match server_passes {
                        Some(true) => Finding::SpfServerPasses,
                        Some(false) => Finding::SpfServerNotNamed,
                        None => Finding::SpfServerUnclear,
                    }),
                };
                // Whoever lets everybody in has no other worry.
                let part = if tree.end() == Some(Verdict::Pass) {
                    self.plain(Finding::SpfEverybody).suggesting(self.domain(), with_end(&record))
                } else {
                    part
                };
                part.showing(&record)
            }
        }
    }

    fn spf_of_service(
        &self,
        record: &str,
        tree: &SpfTree,
        include: &str,
        merged: u32,
    ) -> PartCheck {
        match tree.includes(include) {
            Presence::Yes if tree.end().is_none() => {
                self.plain(Finding::SpfNoEnd).suggesting(self.domain(), with_end(record))
            }
            Presence::Yes => self.plain(Finding::SpfOk),
            Presence::Unclear => self.plain(Finding::SpfServiceUnclear),
            Presence::No if merged > MAX_LOOKUPS => {
                self.part(Finding::SpfFull, [(Value::Lookups, merged.to_string())])
            }
            Presence::No => self
                .plain(Finding::SpfNotAllowed)
                .suggesting(self.domain(), with_include(Some(record), include)),
        }
    }

    fn dkim(&self, keys: &[DkimKey]) -> PartCheck {
        if self.subject.owner.is_some() {
            return self.plain(Finding::DkimNotYours);
        }
        // The best news counts: a service may use one selector of several.
        let states = [
            (KeyState::Found, Finding::DkimOk),
            (KeyState::Broken, Finding::DkimBroken),
            (KeyState::Revoked, Finding::DkimRevoked),
            (KeyState::NoAnswer, Finding::DkimNoAnswer),
            (KeyState::Missing, Finding::DkimMissing),
        ];
        let told = states.into_iter().find_map(|(state, finding)| {
            let named = keys.iter().filter(|key| key.state == state).map(|key| key.selector);
            let named: Vec<_> = named.collect();
            (!named.is_empty()).then(|| (finding, named.join(", ")))
        });
        match told {
            Some((finding, selectors)) => self.part(finding, [(Value::Selectors, selectors)]),
            None if self.subject.selectors().is_empty() => self.plain(Finding::DkimUnknown),
            None => self.plain(Finding::DkimNoAnswer),
        }
    }

    fn dmarc(&self, facts: DmarcFacts, spf: Finding, dkim: Finding) -> (PartCheck, DmarcDetail) {
        let is_owners = match (self.subject.owner, self.subject.provider) {
            (Some(owner), Some(provider)) => owner.id == provider.id,
            (Some(_), None) | (None, _) => false,
        };
        let (spf_aligned, dkim_aligned) = if self.subject.owner.is_some() {
            (Some(is_owners), Some(is_owners))
        } else {
            (spf_proves(spf), dkim_proves(dkim))
        };
        let mut detail = DmarcDetail { policy: None, spf_aligned, dkim_aligned };
        let name = |name: String| [(Value::Name, name)];
        let part = match facts {
            _ if is_owners => self.plain(Finding::DmarcNotYours),
            // Its own record may ask for little; what receivers think of it is the same.
            DmarcFacts::Found { record, policy, .. } if self.subject.owner.is_some() => {
                detail.policy = Some(policy);
                self.plain(Finding::DmarcForeign).showing(&record)
            }
            _ if self.subject.owner.is_some() => self.plain(Finding::DmarcForeign),
            DmarcFacts::NoAnswer => self.plain(Finding::DmarcNoAnswer),
            DmarcFacts::Missing => self
                .plain(Finding::DmarcMissing)
                .suggesting(&format!("_dmarc.{}", self.domain()), self.new_dmarc()),
            DmarcFacts::Multiple { name: at } => self.part(Finding::DmarcMultiple, name(at)),
            DmarcFacts::Broken { name: at, record } => {
                self.part(Finding::DmarcBroken, name(at)).showing(&record)
            }
            DmarcFacts::Found { name: at, record, policy } => {
                detail.policy = Some(policy);
                let finding = match (policy, spf_aligned, dkim_aligned) {
                    (Policy::None, ..) => Finding::DmarcWatching,
                    (_, Some(true), _) | (_, _, Some(true)) => Finding::DmarcOk,
                    (_, Some(false), Some(false)) => Finding::DmarcFails,
                    (Policy::Quarantine | Policy::Reject, ..) => Finding::DmarcUnclear,
                };
                let values = [(Value::Name, at), (Value::Policy, policy.as_str().to_owned())];
                self.part(finding, values).showing(&record)
            }
        };
        (part, detail)
    }

    /// A record that changes nothing yet but asks for reports, which go to the sender itself: to
    /// another domain they would need that domain's consent (RFC 9990, section 4).
    fn new_dmarc(&self) -> String {
        let from = &self.subject.from;
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "._+-".contains(c);
        if from.local_part().chars().all(is_plain) {
            format!("v=DMARC1; p=none; rua=mailto:{from}")
        } else {
            "v=DMARC1; p=none".to_owned()
        }
    }

    fn mx(&self, facts: MxFacts) -> PartCheck {
        match facts {
            _ if self.subject.owner.is_some() => self.plain(Finding::MxNotYours),
            MxFacts::NoAnswer => self.plain(Finding::MxNoAnswer),
            MxFacts::Missing => self.plain(Finding::MxMissing),
            MxFacts::Null => self.plain(Finding::MxNull),
            MxFacts::Hosts(hosts) => {
                let hosts: Vec<_> = hosts.into_iter().take(SHOWN_HOSTS).collect();
                self.part(Finding::MxOk, [(Value::Hosts, hosts.join(", "))])
            }
        }
    }

    fn domain(&self) -> &str {
        self.subject.domain()
    }

    fn needs_nothing(&self) -> bool {
        self.subject.provider.is_some_and(|provider| provider.spf == Some(provider::Spf::Nothing))
    }
}

/// Whether SPF passes for the From address's own domain, which is the return path's as well.
fn spf_proves(spf: Finding) -> Option<bool> {
    // A service that needs nothing puts its own return path in the place of ours.
    if spf == Finding::SpfNotNeeded || spf.status() == CheckStatus::Problem {
        Some(false)
    } else if matches!(spf, Finding::SpfOk | Finding::SpfNoEnd | Finding::SpfEverybody) {
        Some(true)
    } else {
        // The addresses that take mail in need not be those that it leaves from.
        None
    }
}

fn dkim_proves(dkim: Finding) -> Option<bool> {
    match dkim.status() {
        CheckStatus::Ok => Some(true),
        CheckStatus::Problem => Some(false),
        // A key may be under a selector that nobody told us of.
        CheckStatus::Unknown | CheckStatus::Warning => None,
    }
}

impl PartCheck {
    fn suggesting(self, name: &str, value: String) -> Self {
        // Merged from a stranger's text: what cannot be shown as it is must not be copied either.
        let is_whole = value.len() <= MAX_RECORD && !value.chars().any(is_unsafe_in_line);
        let suggested = is_whole.then(|| SuggestedRecord { name: name.to_owned(), value });
        Self { suggested, ..self }
    }

    fn showing(self, record: &str) -> Self {
        Self { record: Some(cleaned(record)), ..self }
    }
}

/// A stranger's text as one line of bounded length.
fn cleaned(text: &str) -> String {
    let mut cleaned = String::new();
    for c in text.chars().map(|c| if is_unsafe_in_line(c) { '\u{fffd}' } else { c }) {
        if cleaned.len() + c.len_utf8() > MAX_RECORD {
            break;
        }
        cleaned.push(c);
    }
    cleaned
}
