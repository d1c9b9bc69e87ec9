//! A settings version as a page shows it: what it says, and what it changed.

use letterhead_domain::sender::{SecretState, SettingsVersion};
use letterhead_storage::record::VersionRecord;

use crate::portal::{
    actor,
    fields::{self, Shown},
    moment::Moment,
    texts::Texts,
};

/// One version.
pub(super) struct VersionView {
    pub(super) number: String,
    pub(super) who: String,
    pub(super) at: Moment,
    pub(super) marks: Vec<(&'static str, String)>,
    pub(super) proven: Option<Moment>,
    /// What it changed; empty for the first one.
    pub(super) changes: Vec<Change>,
    pub(super) is_first: bool,
    /// Everything it says.
    pub(super) fields: Vec<Shown>,
    pub(super) restoring: Restoring,
}

/// What restoring a version would do.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Restoring {
    /// Nothing, or it is not the reader's to do.
    NotOffered,
    /// It only drops the candidate beside it.
    DropsCandidate,
    /// It sends at once.
    Live,
    /// It waits for a test.
    Candidate,
    /// It cannot be used: its password is no longer stored.
    PasswordGone,
}

/// One field that differs from the version before.
pub(super) struct Change {
    pub(super) name: String,
    /// What it was and what it is; none where that may not be told.
    pub(super) values: Option<(String, String)>,
    /// What happened to it, where the values may not be told.
    pub(super) words: Option<String>,
}

impl VersionView {
    pub(super) fn of(
        t: Texts,
        record: &VersionRecord,
        before: Option<&VersionRecord>,
        (is_live, is_candidate): (bool, bool),
        restoring: Restoring,
    ) -> Self {
        let version = &record.version;
        let mut marks = Vec::new();
        let mut mark = |applies: bool, chip, key| {
            if applies {
                marks.push((chip, t.say(key)));
            }
        };
        mark(is_live, "good", "versions-live");
        mark(is_candidate, "warn", "versions-candidate");
        mark(record.discarded, "plain", "versions-discarded");
        mark(version.proven_at.is_some() && !is_live, "", "versions-proven");
        mark(version.secret_state == SecretState::Missing, "plain", "versions-no-password");
        mark(version.secret_state == SecretState::Unreadable, "bad", "versions-unreadable");
        Self {
            number: version.number.to_string(),
            who: actor::in_words(t, &version.created_by),
            at: version.created_at.into(),
            marks,
            proven: version.proven_at.map(Into::into),
            changes: before.map(|before| changes(t, &before.version, version)).unwrap_or_default(),
            is_first: before.is_none(),
            fields: fields::shown(t, version),
            restoring,
        }
    }
}

/// What `after` changed, field by field. Of the password only that it is another one: equal ids are
/// the same stored password.
fn changes(t: Texts, before: &SettingsVersion, after: &SettingsVersion) -> Vec<Change> {
    let pairs = fields::shown(t, before).into_iter().zip(fields::shown(t, after));
    pairs
        .filter_map(|(was, is)| {
            let is_password = is.name == "password";
            let values = (!is_password && was.value != is.value).then_some((was.value, is.value));
            let words = is_password.then(|| password_change(before, after)).flatten();
            let words = words.map(|key| t.say(key));
            (values.is_some() || words.is_some()).then_some(Change {
                name: is.label,
                values,
                words,
            })
        })
        .collect()
}

fn password_change(before: &SettingsVersion, after: &SettingsVersion) -> Option<&'static str> {
    match (before.secret, after.secret) {
        (None, Some(_)) => Some("versions-password-set"),
        (Some(_), None) => Some("versions-password-removed"),
        (Some(was), Some(is)) if was != is => Some("versions-password-changed"),
        (Some(_), Some(_)) | (None, None) => None,
    }
}
