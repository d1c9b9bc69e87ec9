//! The DMARC record that holds for a domain: its own, or that of the organisation above it, found by
//! walking up the tree (RFC 9989, section 4.10). No list of public suffixes is needed for that.

use letterhead_domain::domain_check::{DmarcFacts, Policy};
use mail_auth::{
    common::parse::TxtRecordParser,
    dmarc::{self, Dmarc, Psd},
};

use super::Questions;
use crate::egress::resolver::LookupFailure;

/// Most names that are asked on the way up (RFC 9989, section 4.10).
const MAX_NAMES: usize = 8;

/// The record that holds for `domain`.
pub(super) async fn look_up(questions: &Questions<'_>, domain: &str) -> DmarcFacts {
    let mut inherited = DmarcFacts::Missing;
    for above in names(domain) {
        let name = format!("_dmarc.{above}");
        let texts = match questions.txt(&name).await {
            Ok(texts) => texts,
            Err(LookupFailure::NothingFound) => continue,
            Err(LookupFailure::NoAnswer) => return DmarcFacts::NoAnswer,
        };
        let mut records: Vec<_> = texts.into_iter().filter(|text| is_dmarc(text)).collect();
        let Some(record) = records.pop() else { continue };
        let is_own = above == domain;
        if !records.is_empty() {
            if is_own {
                return DmarcFacts::Multiple { name };
            }
            continue;
        }
        match Dmarc::parse(record.as_bytes()) {
            Ok(parsed) if parsed.p != dmarc::Policy::Unspecified || !parsed.rua.is_empty() => {
                let policy = policy(&parsed, is_own);
                let is_registry = parsed.psd == Psd::Yes;
                let found = DmarcFacts::Found { name, record, policy };
                if is_own {
                    return found;
                }
                // A registry's record holds only where the organisation has none.
                if !(is_registry && matches!(inherited, DmarcFacts::Found { .. })) {
                    inherited = found;
                }
                if parsed.psd != Psd::Default {
                    return inherited;
                }
            }
            Ok(_) | Err(_) if is_own => return DmarcFacts::Broken { name, record },
            Ok(_) | Err(_) => {}
        }
    }
    inherited
}

/// The domain and the names above it; of a long one the last seven labels and up.
fn names(domain: &str) -> impl Iterator<Item = &str> {
    let above: Vec<_> = domain
        .match_indices('.')
        .map(|(dot, _)| &domain[dot + 1..])
        .filter(|above| !above.is_empty())
        .collect();
    let skipped = above.len().saturating_sub(MAX_NAMES - 1);
    std::iter::once(domain).chain(above.into_iter().skip(skipped))
}

/// Whether the text is a DMARC record at all (RFC 9989, section 4.7).
fn is_dmarc(text: &str) -> bool {
    let tag = text.split(';').next().unwrap_or_default();
    let Some((name, version)) = tag.split_once('=') else { return false };
    name.trim() == "v" && version.trim() == "DMARC1"
}

fn policy(record: &Dmarc, is_own: bool) -> Policy {
    let asked = if is_own { record.p } else { record.sp };
    match (asked, record.t) {
        (dmarc::Policy::Reject, false) => Policy::Reject,
        // On trial, it is to be taken one step less strictly.
        (dmarc::Policy::Quarantine, false) | (dmarc::Policy::Reject, true) => Policy::Quarantine,
        (dmarc::Policy::Quarantine, true)
        | (dmarc::Policy::None | dmarc::Policy::Unspecified, _) => Policy::None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_up_is_at_most_eight_names_long() {
        let short: Vec<_> = names("mail.aurora.example").collect();
        let long: Vec<_> = names("a.b.c.d.e.f.g.h.i.j").collect();

        assert_eq!(short, ["mail.aurora.example", "aurora.example", "example"]);
        assert_eq!(long.len(), MAX_NAMES);
        assert_eq!(long[1], "d.e.f.g.h.i.j");
    }

    #[test]
    fn a_subdomain_goes_by_the_policy_for_subdomains_and_a_trial_is_milder() {
        let cases = [
            ("v=DMARC1; p=reject", true, Policy::Reject),
            ("v=DMARC1; p=reject; sp=none", true, Policy::Reject),
            ("v=DMARC1; p=reject; sp=none", false, Policy::None),
            ("v=DMARC1; p=quarantine", false, Policy::Quarantine),
            ("v=DMARC1; p=reject; t=y", true, Policy::Quarantine),
            ("v=DMARC1; rua=mailto:a@aurora.example", true, Policy::None),
        ];
        for (record, is_own, expected) in cases {
            let parsed = Dmarc::parse(record.as_bytes()).expect(record);
            assert_eq!(policy(&parsed, is_own), expected, "{record}");
        }
    }
}
