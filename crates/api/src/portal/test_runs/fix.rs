//! The offer beside a failed run: what would change, and the button that applies it.

use letterhead_domain::{
    access::Deed,
    fix::{Change, Entry, Fix, FixOutcome, TryResult},
    test_run::{StageStatus, TestStatus},
};
use letterhead_storage::record::{SenderRecord, TestRunRecord};

use crate::portal::{
    settings::{field_label, value_in_words},
    texts::Texts,
    visit::{Place, Visit},
};

/// What the template `run_fix.html` shows.
pub(in crate::portal) struct FixView {
    /// None if nothing that was tried works.
    pub(in crate::portal) title: Option<String>,
    pub(in crate::portal) changes: Vec<String>,
    pub(in crate::portal) words: String,
    pub(in crate::portal) apply: Option<Apply>,
    /// What to do next, for the banner: it comes before what the advice says, if it can be applied.
    pub(super) step: Option<String>,
}

/// The button.
pub(in crate::portal) struct Apply {
    pub(in crate::portal) path: String,
    pub(in crate::portal) hint: String,
}

impl FixView {
    /// The offer beside `run` for the reader.
    pub(super) fn of(
        visit: &Visit,
        place: &Place,
        sender: &SenderRecord,
        run: &TestRunRecord,
    ) -> Option<Self> {
        let (t, fix) = (visit.texts(), run.fix.as_ref()?);
        let title = match fix.outcome {
            FixOutcome::Proven => Some(t.say("fix-title-proven")),
            FixOutcome::Likely => Some(t.say("fix-title-likely")),
            FixOutcome::None => None,
        };
        let Some(offer) = fix.offer.as_ref() else {
            let words = t.say("fix-none");
            return Some(Self { title: None, changes: Vec::new(), words, apply: None, step: None });
        };
        let is_current = run.version == Some(sender.newest().number);
        let mut words = result_in_words(t, fix);
        if !is_current {
            words = format!("{words} {}", t.say("fix-outdated"));
        }
        let may_apply = is_current && visit.may(Deed::EditSettings) && visit.may(Deed::Test);
        let apply = may_apply.then(|| Apply {
            path: place.sender_path(&format!("/test-runs/{}/fix", run.id)),
            hint: if offer.needs_password {
                t.say("fix-apply-password-hint")
            } else {
                t.say("fix-apply-hint")
            },
        });
        let step = apply.is_some().then(|| match fix.outcome {
            FixOutcome::Proven => t.say("fix-step-proven"),
            FixOutcome::Likely | FixOutcome::None => t.say("fix-step-likely"),
        });
        let changes = fix.changes();
        let change = |change: &Change| change_in_words(t, *change, &offer.entry, &fix.failed);
        Some(Self { title, changes: changes.iter().map(change).collect(), words, apply, step })
    }
}

/// Whether a run goes on only to look for settings that work: its own end is known already.
pub(super) fn is_looking(run: &TestRunRecord) -> bool {
    run.status == TestStatus::Running
        && run.stages.iter().any(|stage| stage.status == StageStatus::Failed)
}

fn result_in_words(t: Texts, fix: &Fix) -> String {
    match fix.offer_result() {
        Some(TryResult::Passed) => t.say("fix-words-passed"),
        Some(TryResult::SignInRefused) => t.say("fix-words-sign_in_refused"),
        Some(TryResult::MailRefused) => t.say("fix-words-mail_refused"),
        Some(
            TryResult::Answers
            | TryResult::NoConnection
            | TryResult::NoAnswer
            | TryResult::NoEncryption
            | TryResult::CertificateRefused
            | TryResult::NoSignIn,
        )
        | None => t.say("fix-words-answers"),
    }
}

fn change_in_words(t: Texts, change: Change, new: &Entry, old: &Entry) -> String {
    let value = |entry: &Entry| {
        let text = match change {
            Change::Host => entry.host.to_string(),
            Change::Port => entry.port.to_string(),
            Change::Encryption => entry.encryption.as_str().to_owned(),
            Change::Username => {
                entry.username.as_ref().map(ToString::to_string).unwrap_or_default()
            }
        };
        value_in_words(t, change.as_str(), &text)
    };
    let (field, new, old) = (field_label(t, change.as_str()), value(new), value(old));
    let values = [("field", field.as_str()), ("new", new.as_str()), ("old", old.as_str())];
    t.with("fix-change", values)
}
