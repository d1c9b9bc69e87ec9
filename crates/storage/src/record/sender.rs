//! Senders with their live and candidate settings.

use chrono::{DateTime, Utc};
use letterhead_domain::{
    email::EmailAddress,
    id::SenderId,
    sender::{Pause, SenderFacts, SenderState, SettingsVersion, VersionNumber},
    slug::Slug,
};

use super::test_run::TestRunSummary;

/// How a tenant's mail leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SenderRecord {
    /// Its id.
    pub id: SenderId,
    /// Its name in addresses.
    pub slug: Slug,
    /// The version that sends.
    pub live: Option<SettingsVersion>,
    /// A newer version that is not proven yet.
    pub candidate: Option<SettingsVersion>,
    /// Whether and why it is paused.
    pub pause: Option<Pause>,
    /// Attempts in a row that failed at its server.
    pub failures: u32,
    /// Whether the operator suspended the tenant.
    pub tenant_suspended: bool,
    /// Its newest test run, of whatever settings.
    pub last_test: Option<TestRunSummary>,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// When its settings, its pause or its live version last changed.
    pub updated_at: DateTime<Utc>,
    /// The candidate or else the live version, held once more so that there always is one.
    pub(crate) newest: SettingsVersion,
}

impl SenderRecord {
    /// The newest version: the candidate if there is one, or else the live one.
    pub fn newest(&self) -> &SettingsVersion {
        &self.newest
    }

    /// What it is doing.
    pub fn state(&self) -> SenderState {
        SenderFacts {
            tenant_suspended: self.tenant_suspended,
            live: self.live.as_ref().map(|version| version.secret_state),
            candidate: self.candidate.as_ref().map(|version| version.secret_state),
            pause: self.pause.as_ref().map(|pause| pause.reason),
            failures: self.failures,
        }
        .state()
    }

    /// What a change must be based on: the newest version's number.
    pub fn etag_version(&self) -> VersionNumber {
        self.newest.number
    }
}

/// One version in a sender's history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionRecord {
    /// The version.
    pub version: SettingsVersion,
    /// Whether it was dropped before it was proven.
    pub discarded: bool,
}

/// What a change must find to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// Whatever is there.
    Any,
    /// This newest version.
    Version(VersionNumber),
    /// Nothing.
    Absent,
}

/// A sender in so far as accepting a message needs to know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentifiedSender {
    /// Its id.
    pub id: SenderId,
    /// The From address of the live version, or of the candidate while there is none.
    pub email: EmailAddress,
    /// Whether the operator suspended the tenant.
    pub tenant_suspended: bool,
}
