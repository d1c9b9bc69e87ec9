//! A settings version as a page shows it: what it says, and what it changed.

use letterhead_domain::sender::SecretState;
use letterhead_storage::record::VersionRecord;

use crate::portal::{
    actor,
    moment::Moment,
    settings::{Difference, Fact, differences, facts},
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
    pub(super) changes: Vec<Difference>,
    pub(super) is_first: bool,
    /// Everything it says.
    pub(super) fields: Vec<Fact>,
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
            changes: before
                .map_or_else(Vec::new, |before| differences(t, &before.version, version)),
            is_first: before.is_none(),
            fields: facts(t, version),
            restoring,
        }
    }
}
