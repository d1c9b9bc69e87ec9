//! What DNS says about the sender's domain, in the reader's language.

use letterhead_domain::domain_check::{
    CheckStatus, DomainCheck, PartCheck, SuggestedRecord, Values,
};

use crate::portal::{settings::Chip, texts::Texts};

/// The card about the domain.
pub(in crate::portal) struct DomainView {
    pub(in crate::portal) chip: Chip,
    pub(in crate::portal) words: String,
    pub(in crate::portal) parts: Vec<PartView>,
}

/// One part of the domain.
pub(in crate::portal) struct PartView {
    pub(in crate::portal) word: &'static str,
    pub(in crate::portal) name: String,
    pub(in crate::portal) chip: Chip,
    pub(in crate::portal) message: String,
    pub(in crate::portal) steps: Vec<String>,
    /// The record as it is published, where there is something to do about it.
    pub(in crate::portal) record: Option<String>,
    pub(in crate::portal) suggested: Option<SuggestedRecord>,
}

impl DomainView {
    /// The view of `check`.
    pub(super) fn of(t: Texts, check: &DomainCheck) -> Self {
        Self {
            chip: chip(t, check.status()),
            words: t.with("domain-words", [("domain", check.domain.as_str())]),
            parts: check.parts().map(|(word, part)| PartView::of(t, word, part)).into(),
        }
    }
}

impl PartView {
    fn of(t: Texts, word: &'static str, part: &PartCheck) -> Self {
        let status = part.status();
        let steps = part.finding.steps().iter();
        Self {
            word,
            name: t.say(&format!("domain-part-{word}")),
            chip: chip(t, status),
            message: told(t, &format!("domain-{}", part.finding.as_str()), &part.values),
            steps: steps
                .map(|step| told(t, &format!("domain-step-{}", step.as_str()), &part.values))
                .collect(),
            record: part.record.clone().filter(|_| status != CheckStatus::Ok),
            suggested: part.suggested.clone(),
        }
    }
}

fn told(t: Texts, key: &str, values: &Values) -> String {
    let values: Vec<_> =
        values.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    t.with(key, values)
}

fn chip(t: Texts, status: CheckStatus) -> Chip {
    let kind = match status {
        CheckStatus::Ok => "good",
        CheckStatus::Unknown => "",
        CheckStatus::Warning => "warn",
        CheckStatus::Problem => "bad",
    };
    Chip { kind, text: t.say(&format!("domain-status-{}", status.as_str())) }
}

#[cfg(test)]
mod tests {
    use letterhead_domain::domain_check::{Finding, Value};

    use super::*;

    #[test]
    fn the_english_words_are_those_of_the_api() {
        let values: Values =
            Value::ALL.iter().map(|value| (*value, value.as_str().to_uppercase())).collect();
        for &finding in Finding::ALL {
            let part = PartCheck { finding, values: values.clone(), record: None, suggested: None };

            let shown = PartView::of(Texts::english(), "spf", &part);

            assert_eq!((shown.message, shown.steps), (part.message(), part.steps()), "{finding:?}");
        }
    }
}
