//! Senders with their live and candidate settings.

use chrono::{DateTime, Utc};
use letterhead_domain::{
    email::EmailAddress,
    id::SenderId,
    limit::{HoldReason, Limits, Usage},
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
    /// The limits that the tenant set.
    pub limits: Limits,
    /// Until when and why its mail waits although its settings work.
    pub hold: Option<Hold>,
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

    /// The limits that its service is known for; of the version that sends, if there is one.
    pub fn known_limits(&self) -> Limits {
        let settings = &self.live.as_ref().unwrap_or(&self.newest).settings;
        Limits::known(&settings.host, &settings.sender_email)
    }

    /// The limits that count.
    pub fn counting_limits(&self) -> Limits {
        self.limits.or(self.known_limits())
    }

    /// What a change must be based on: the newest version's number.
    pub fn etag_version(&self) -> VersionNumber {
        self.newest.number
    }
}

/// A sender's mail waits although its settings work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hold {
    /// Until when.
    pub until: DateTime<Utc>,
    /// Why.
    pub reason: HoldReason,
}

/// What waits at a sender, and what became of what was tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SenderQueue {
    /// Messages that wait, those that are to leave later among them.
    pub waiting: u64,
    /// Whether there are more of them than were counted.
    pub more_wait: bool,
    /// When the oldest was accepted of those that are due first, one of each kind.
    pub oldest_waiting_at: Option<DateTime<Utc>>,
    /// What left within the time that a day's limit looks back, the earliest first.
    pub used: Vec<Usage>,
    /// Attempts since midnight UTC.
    pub today: OutcomeCounts,
    /// Attempts of the last 30 days.
    pub last_30_days: OutcomeCounts,
    /// When all this was so.
    pub at: DateTime<Utc>,
}

/// Attempts by what became of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OutcomeCounts {
    /// The server took the message, for some of its recipients at least.
    pub accepted: u64,
    /// The server asked to try later, or its quota was spent.
    pub deferred: u64,
    /// The server refused the message for good.
    pub rejected: u64,
    /// Nobody knows whether the server took it.
    pub uncertain: u64,
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
