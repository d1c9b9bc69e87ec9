//! What answers about a sender's domain look like.

use chrono::{DateTime, Utc};
use letterhead_domain::domain_check::{
    CheckStatus, DomainCheck, PartCheck, Policy, SuggestedRecord,
};
use poem_openapi::Object;

use crate::http::text::Word;

/// What DNS says about the domain of a sender's From address.
#[derive(Object)]
#[oai(rename = "DnsCheck")]
pub(in crate::http::v1) struct DnsCheckView {
    /// The domain, in A-labels
    domain: String,
    /// When it was looked up
    checked_at: DateTime<Utc>,
    /// The worst of the parts
    status: Word<CheckStatus>,
    /// Who may send for the domain
    spf: SpfView,
    /// With which keys mail is signed
    dkim: DkimView,
    /// What becomes of mail that neither SPF nor DKIM proves
    dmarc: DmarcView,
    /// Where replies go
    mx: MxView,
}

/// What the domain's SPF record says.
#[derive(Object)]
#[oai(rename = "SpfCheck")]
struct SpfView {
    /// How it stands
    status: Word<CheckStatus>,
    /// A stable word for programs
    code: String,
    /// The record as it is published: a stranger's text
    #[oai(nullable)]
    record: Option<String>,
    /// How many look-ups it needs; receivers stop at 10
    #[oai(nullable)]
    lookups: Option<u32>,
    /// What was found, in plain words
    message: String,
    /// What to do, in order
    steps: Vec<String>,
    /// The record to have, in the place of the one that exists
    #[oai(nullable)]
    suggested_record: Option<SuggestedRecordView>,
}

/// What stands at the selectors that the mail service gives its customers.
#[derive(Object)]
#[oai(rename = "DkimCheck")]
struct DkimView {
    /// How it stands; `unknown` where the selectors are not known
    status: Word<CheckStatus>,
    /// A stable word for programs
    code: String,
    /// What was found, in plain words
    message: String,
    /// What to do, in order
    steps: Vec<String>,
}

/// What the DMARC record says that holds for the domain.
#[derive(Object)]
#[oai(rename = "DmarcCheck")]
struct DmarcView {
    /// How it stands
    status: Word<CheckStatus>,
    /// A stable word for programs
    code: String,
    /// The record as it is published: a stranger's text
    #[oai(nullable)]
    record: Option<String>,
    /// What receivers are asked to do with mail that is not proven
    #[oai(nullable)]
    policy: Option<Word<Policy>>,
    /// Whether SPF passes for the From address's own domain; `null` if that cannot be told
    #[oai(nullable)]
    spf_aligned: Option<bool>,
    /// Whether there is a key of the From address's own domain to sign with; `null` if that cannot
    /// be told
    #[oai(nullable)]
    dkim_aligned: Option<bool>,
    /// What was found, in plain words
    message: String,
    /// What to do, in order
    steps: Vec<String>,
    /// The record to have
    #[oai(nullable)]
    suggested_record: Option<SuggestedRecordView>,
}

/// Who takes the domain's mail.
#[derive(Object)]
#[oai(rename = "MxCheck")]
struct MxView {
    /// How it stands
    status: Word<CheckStatus>,
    /// A stable word for programs
    code: String,
    /// What was found, in plain words
    message: String,
    /// What to do, in order
    steps: Vec<String>,
}

/// A record to add to the domain, or to put in the place of the one that exists.
#[derive(Object)]
#[oai(rename = "SuggestedRecord")]
struct SuggestedRecordView {
    /// Its full name
    name: String,
    /// Its type: `TXT`
    #[oai(rename = "type")]
    kind: String,
    /// Its text, exactly
    value: String,
}

impl From<&SuggestedRecord> for SuggestedRecordView {
    fn from(record: &SuggestedRecord) -> Self {
        let SuggestedRecord { name, value } = record;
        Self { name: name.clone(), kind: "TXT".to_owned(), value: value.clone() }
    }
}

fn suggested(part: &PartCheck) -> Option<SuggestedRecordView> {
    part.suggested.as_ref().map(Into::into)
}

impl From<&DomainCheck> for DnsCheckView {
    fn from(check: &DomainCheck) -> Self {
        let code = |part: &PartCheck| part.finding.as_str().to_owned();
        let DomainCheck { spf, dkim, dmarc, mx, dmarc_detail, .. } = check;
        Self {
            domain: check.domain.clone(),
            checked_at: check.checked_at,
            status: check.status().into(),
            spf: SpfView {
                status: spf.status().into(),
                code: code(spf),
                record: spf.record.clone(),
                lookups: check.spf_lookups,
                message: spf.message(),
                steps: spf.steps(),
                suggested_record: suggested(spf),
            },
            dkim: DkimView {
                status: dkim.status().into(),
                code: code(dkim),
                message: dkim.message(),
                steps: dkim.steps(),
            },
            dmarc: DmarcView {
                status: dmarc.status().into(),
                code: code(dmarc),
                record: dmarc.record.clone(),
                policy: dmarc_detail.policy.map(Into::into),
                spf_aligned: dmarc_detail.spf_aligned,
                dkim_aligned: dmarc_detail.dkim_aligned,
                message: dmarc.message(),
                steps: dmarc.steps(),
                suggested_record: suggested(dmarc),
            },
            mx: MxView {
                status: mx.status().into(),
                code: code(mx),
                message: mx.message(),
                steps: mx.steps(),
            },
        }
    }
}
