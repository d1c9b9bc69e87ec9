//! Bulk runs as they are stored.

use chrono::{DateTime, Utc};
use letterhead_domain::{
    bulk_run::{BulkItemStatus, BulkScope, NO_CONNECTION, SkipReason, port_looks_blocked},
    email::EmailAddress,
    id::{BulkRunId, LeaseToken, PortalSessionId, SenderId, TenantId, TestRunId},
    slug::Slug,
    smtp_settings::SmtpSettings,
    tenant::TenantFilter,
    text::{PersonName, TenantName},
};
use uuid::Uuid;

use super::StoredAdvice;

/// Who of the operator's people asked for a bulk run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BulkRequester {
    /// Their session at the time.
    pub session: PortalSessionId,
    /// Their address.
    pub email: EmailAddress,
    /// Their name.
    pub name: PersonName,
}

/// Which tenants are to be tested.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BulkTarget {
    /// Those that a filter finds; an empty one finds all.
    Filter(TenantFilter),
    /// These.
    Selection(Vec<TenantId>),
}

impl BulkTarget {
    /// The word for it.
    pub const fn scope(&self) -> BulkScope {
        match self {
            Self::Filter(filter) if filter.is_empty() => BulkScope::All,
            Self::Filter(_) => BulkScope::Filter,
            Self::Selection(_) => BulkScope::Selection,
        }
    }
}

/// A bulk run that is not stored yet.
#[derive(Clone, Debug)]
pub struct NewBulkRun {
    /// Its id.
    pub id: BulkRunId,
    /// Whom it is for.
    pub target: BulkTarget,
    /// Who asks for it.
    pub requested_by: BulkRequester,
}

/// A bulk run and how far it is.
#[derive(Clone, Debug)]
pub struct BulkRunRecord {
    /// Its id.
    pub id: BulkRunId,
    /// Whom it is for.
    pub scope: BulkScope,
    /// The filter that found them.
    pub filter: TenantFilter,
    /// Who asked for it.
    pub requested_by: BulkRequester,
    /// When they did.
    pub created_at: DateTime<Utc>,
    /// When it was cancelled, and by whom, as the audit names them.
    pub cancelled: Option<(DateTime<Utc>, String)>,
    /// When its last sender was done; none while it goes on.
    pub finished_at: Option<DateTime<Utc>>,
    /// How many senders stand where.
    pub counts: BulkCounts,
}

/// How many senders of a bulk run stand where.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BulkCounts {
    /// Their turn has not come.
    pub waiting: u64,
    /// They are being tested.
    pub running: u64,
    /// Passed.
    pub passed: u64,
    /// Failed.
    pub failed: u64,
    /// Not tested, for a reason.
    pub skipped: u64,
    /// Not tested: the bulk run was cancelled first.
    pub cancelled: u64,
}

impl BulkCounts {
    /// All of them.
    pub const fn total(&self) -> u64 {
        self.open() + self.done()
    }

    /// Those that are not done.
    pub const fn open(&self) -> u64 {
        self.waiting + self.running
    }

    /// Those that are done.
    pub const fn done(&self) -> u64 {
        self.passed + self.failed + self.skipped + self.cancelled
    }
}

/// What the results of one group have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BulkGroupKey {
    /// How they ended.
    pub status: BulkItemStatus,
    /// The code of the advice, or why they were skipped; none if they passed or were cancelled.
    pub cause: Option<String>,
    /// The mail service, if it is a known one and the cause may lie with it.
    pub provider: Option<String>,
    /// The port, if the cause may lie with it.
    pub port: Option<u16>,
}

/// Results with the same cause.
#[derive(Clone, Debug)]
pub struct BulkGroup {
    /// What they have in common.
    pub key: BulkGroupKey,
    /// What the advice said, in the words of one of them.
    pub title: Option<String>,
    /// How many tenants there are.
    pub tenants: u64,
    /// How many senders.
    pub senders: u64,
    /// How many hosts they name.
    pub hosts: u64,
    /// Of a group with a port: how many senders of the bulk run had a server answer there.
    pub connected: u64,
}

impl BulkGroup {
    /// Whether it looks as if nothing leaves our machines by this port.
    pub fn port_is_blocked(&self) -> bool {
        self.key.cause.as_deref() == Some(NO_CONNECTION)
            && self.key.port.is_some()
            && port_looks_blocked(self.hosts, self.connected)
    }
}

/// One sender of a bulk run, or one tenant that has none.
#[derive(Clone, Debug)]
pub struct BulkItemRecord {
    /// The tenant.
    pub tenant: TenantId,
    /// Its slug.
    pub slug: Slug,
    /// Its name.
    pub name: TenantName,
    /// The sender, by id and slug.
    pub sender: Option<(SenderId, Slug)>,
    /// The test run that gave the result.
    pub test_run: Option<TestRunId>,
    /// The server that was tried.
    pub host: Option<String>,
}

/// A sender whose turn has come, held under a lease.
#[derive(Clone, Debug)]
pub struct ClaimedBulkItem {
    /// The tenant.
    pub tenant: TenantId,
    /// The item's own id.
    pub(crate) id: Uuid,
    /// The bulk run.
    pub bulk_run: BulkRunId,
    /// Who asked for it.
    pub requested_by: BulkRequester,
    /// The lease.
    pub token: LeaseToken,
    /// The sender, if the tenant had one.
    pub sender: Option<SenderId>,
    /// A test run that somebody began for it before; the lease had run out.
    pub test_run: Option<TestRunId>,
    /// How many times it was begun, this time included.
    pub attempts: u32,
}

/// How a sender of a bulk run ended.
#[derive(Clone, Debug)]
pub enum BulkOutcome {
    /// Its test run passed.
    Passed {
        /// The test run.
        run: TestRunId,
        /// What was tried.
        settings: SmtpSettings,
    },
    /// Its test run failed.
    Failed {
        /// The test run.
        run: TestRunId,
        /// What was tried.
        settings: SmtpSettings,
        /// What to do about it.
        advice: StoredAdvice,
    },
    /// There was no test run.
    Skipped(SkipReason),
}
