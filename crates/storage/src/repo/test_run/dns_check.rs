//! What was found about a sender's domain as a JSON document in its run's row: findings by their
//! words, so that whoever reads them later gets them in their own language.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use letterhead_domain::domain_check::{
    DmarcDetail, DomainCheck, PartCheck, SuggestedRecord, Values,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::row::{TABLE, from_json, to_json};
use crate::{error::StorageError, repo::parse};

#[derive(Serialize, Deserialize)]
struct CheckJson {
    domain: String,
    checked_at: DateTime<Utc>,
    spf: PartJson,
    spf_lookups: Option<u32>,
    dkim: PartJson,
    dmarc: PartJson,
    dmarc_policy: Option<String>,
    spf_aligned: Option<bool>,
    dkim_aligned: Option<bool>,
    mx: PartJson,
}

#[derive(Serialize, Deserialize)]
struct PartJson {
    finding: String,
    values: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    record: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    suggested: Option<SuggestedJson>,
}

#[derive(Serialize, Deserialize)]
struct SuggestedJson {
    name: String,
    value: String,
}

impl From<&PartCheck> for PartJson {
    fn from(part: &PartCheck) -> Self {
        let values = part.values.iter();
        Self {
            finding: part.finding.as_str().to_owned(),
            values: values.map(|(name, value)| (name.as_str().to_owned(), value.clone())).collect(),
            record: part.record.clone(),
            suggested: part
                .suggested
                .clone()
                .map(|SuggestedRecord { name, value }| SuggestedJson { name, value }),
        }
    }
}

impl TryFrom<PartJson> for PartCheck {
    type Error = StorageError;

    fn try_from(json: PartJson) -> Result<Self, StorageError> {
        let values = json.values.into_iter().map(|(name, value)| Ok((parse(&name, TABLE)?, value)));
        Ok(Self {
            finding: parse(&json.finding, TABLE)?,
            values: values.collect::<Result<Values, StorageError>>()?,
            record: json.record,
            suggested: json
                .suggested
                .map(|SuggestedJson { name, value }| SuggestedRecord { name, value }),
        })
    }
}

pub(super) fn dns_check_to_json(check: &DomainCheck) -> Result<Value, StorageError> {
    to_json(CheckJson {
        domain: check.domain.clone(),
        checked_at: check.checked_at,
        spf: (&check.spf).into(),
        spf_lookups: check.spf_lookups,
        dkim: (&check.dkim).into(),
        dmarc: (&check.dmarc).into(),
        dmarc_policy: check.dmarc_detail.policy.map(|policy| policy.as_str().to_owned()),
        spf_aligned: check.dmarc_detail.spf_aligned,
        dkim_aligned: check.dmarc_detail.dkim_aligned,
        mx: (&check.mx).into(),
    })
}

pub(super) fn dns_check_from_json(check: Value) -> Result<DomainCheck, StorageError> {
    let json: CheckJson = from_json(check)?;
    let policy = json.dmarc_policy.map(|policy| parse(&policy, TABLE)).transpose()?;
    Ok(DomainCheck {
        domain: json.domain,
        checked_at: json.checked_at,
        spf: json.spf.try_into()?,
        spf_lookups: json.spf_lookups,
        dkim: json.dkim.try_into()?,
        dmarc: json.dmarc.try_into()?,
        dmarc_detail: DmarcDetail {
            policy,
            spf_aligned: json.spf_aligned,
            dkim_aligned: json.dkim_aligned,
        },
        mx: json.mx.try_into()?,
    })
}
