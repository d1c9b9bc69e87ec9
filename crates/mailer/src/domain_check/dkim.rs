//! The keys under the selectors that a service gives its customers (RFC 6376, section 3.6).

use futures_util::future::join_all;
use letterhead_domain::domain_check::{DkimKey, KeyState, Subject};
use mail_auth::{
    common::{parse::TxtRecordParser, verify::DomainKey},
    dkim::DkimError,
};

use super::Questions;
use crate::egress::resolver::LookupFailure;

/// What stands at each of the service's selectors.
pub(super) async fn look_up(questions: &Questions<'_>, subject: &Subject) -> Vec<DkimKey> {
    join_all(subject.selectors().iter().map(|&selector| async move {
        let name = format!("{selector}._domainkey.{}", subject.domain());
        let state = match questions.txt(&name).await {
            Ok(records) => state(&records),
            Err(LookupFailure::NothingFound) => KeyState::Missing,
            Err(LookupFailure::NoAnswer) => KeyState::NoAnswer,
        };
        DkimKey { selector, state }
    }))
    .await
}

/// Every selector of the service in one state.
pub(super) fn all(subject: &Subject, state: KeyState) -> Vec<DkimKey> {
    subject.selectors().iter().map(|&selector| DkimKey { selector, state }).collect()
}

/// The best of the records at one selector. Only the first counts for some receivers, but who has
/// a good one there has not forgotten to set DKIM up.
fn state(records: &[String]) -> KeyState {
    let mut best = KeyState::Missing;
    for record in records {
        match DomainKey::parse(record.as_bytes()) {
            Ok(_) => return KeyState::Found,
            Err(mail_auth::Error::Dkim(DkimError::RevokedPublicKey)) => best = KeyState::Revoked,
            // A wildcard may answer with texts that are no keys at all.
            Err(_) if best == KeyState::Missing && is_key(record) => best = KeyState::Broken,
            Err(_) => {}
        }
    }
    best
}

fn is_key(record: &str) -> bool {
    record.split(';').any(|tag| tag.trim_start().starts_with("p="))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_good_withdrawn_cut_or_not_there() {
        let ed25519 = "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
        let cases: [(&[&str], _); 7] = [
            (&[ed25519], KeyState::Found),
            (&["v=DKIM1; k=rsa; p="], KeyState::Revoked),
            (&["v=DKIM1; p=MIGfMA0GCSqGSIb3DQEB"], KeyState::Broken),
            (&["v=spf1 -all"], KeyState::Missing),
            (&["v=DKIM1; p=", ed25519], KeyState::Found),
            (&["v=DKIM1; p=MIGf", "v=DKIM1; p="], KeyState::Revoked),
            (&["", ";;;=;p", "\u{fffd}"], KeyState::Missing),
        ];
        for (records, expected) in cases {
            let records: Vec<_> = records.iter().map(|&record| record.to_owned()).collect();
            assert_eq!(state(&records), expected, "{records:?}");
        }
    }
}
