//! Tenants with what the operator needs to know about each.

use std::fmt;

use chrono::{DateTime, Utc};
use letterhead_domain::{
    email::EmailAddress,
    id::{SenderId, TestRunId},
    sender::{SenderFacts, SenderState},
    slug::Slug,
    smtp_host::SmtpHost,
    tenant::StateFilter,
    test_run::TestStatus,
};

use super::{Hold, TenantRecord};

/// One tenant and how its mail leaves.
#[derive(Clone, Debug)]
pub struct TenantOverview {
    /// The tenant.
    pub tenant: TenantRecord,
    /// Its senders, `default` first; of many, the first ones.
    pub senders: Vec<SenderOverview>,
    /// How many senders it has that are not among those.
    pub more_senders: u64,
}

/// One sender in a line.
///
/// What follows from a password is known in so far as the system's role may know it: whether one is
/// stored, not whether it opens. A stored password that does not open shows here once the worker has
/// tried it and paused the sender; the sender's own page shows it at once.
#[derive(Clone, Debug)]
pub struct SenderOverview {
    /// Its id.
    pub id: SenderId,
    /// Its name in addresses.
    pub slug: Slug,
    /// What its state follows from.
    pub facts: SenderFacts,
    /// The server of the live version, or of the candidate while there is none.
    pub host: SmtpHost,
    /// The port there.
    pub port: u16,
    /// The From address.
    pub email: EmailAddress,
    /// Until when and why its mail waits although its settings work.
    pub hold: Option<Hold>,
    /// Its newest test run.
    pub last_test: Option<TestOverview>,
    /// When its server last accepted a mail, to the minute.
    pub last_accepted_at: Option<DateTime<Utc>>,
    /// Messages that wait for their turn or for another try.
    pub waiting: BoundedCount,
    /// Messages of the last seven days that were rejected, expired or are uncertain.
    pub failed: BoundedCount,
}

impl SenderOverview {
    /// What it is doing.
    pub fn state(&self) -> SenderState {
        self.facts.state()
    }
}

/// A test run in a line.
#[derive(Clone, Debug)]
pub struct TestOverview {
    /// Its id.
    pub id: TestRunId,
    /// Where it stands.
    pub status: TestStatus,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// The code of its advice, if it failed.
    pub advice_code: Option<String>,
    /// What the advice said.
    pub advice_title: Option<String>,
}

/// A count that is not counted to its end, so that it costs the same however many there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BoundedCount {
    /// How many there are, at most [`BoundedCount::MOST`].
    pub count: u64,
    /// Whether there are more.
    pub more: bool,
}

impl BoundedCount {
    /// Where counting ends.
    pub const MOST: u64 = 1_000;

    /// Out of a count that went one further than [`BoundedCount::MOST`].
    pub(crate) fn of(counted: u64) -> Self {
        Self { count: counted.min(Self::MOST), more: counted > Self::MOST }
    }

    /// Whether there is none.
    pub const fn is_zero(self) -> bool {
        self.count == 0
    }
}

impl fmt::Display for BoundedCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.count / 1_000, self.count % 1_000) {
            (0, rest) => write!(f, "{rest}")?,
            (thousands, rest) => write!(f, "{thousands},{rest:03}")?,
        }
        f.write_str(if self.more { "+" } else { "" })
    }
}

/// A page of the overview, by slug.
#[derive(Clone, Debug)]
pub struct OverviewPage {
    /// The tenants.
    pub tenants: Vec<TenantOverview>,
    /// Behind which slug the next page begins, if there is one.
    pub next: Option<Slug>,
}

/// How many tenants there are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TenantCounts {
    /// All of them.
    pub total: u64,
    /// Those with a sender in a state, by state; a tenant with several senders may count twice.
    pub by_state: Vec<(StateFilter, u64)>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_that_was_not_ended_says_so() {
        let shown = |counted| BoundedCount::of(counted).to_string();
        assert_eq!([0, 7, 999, 1_000, 1_001].map(shown), ["0", "7", "999", "1,000", "1,000+"]);
    }
}
