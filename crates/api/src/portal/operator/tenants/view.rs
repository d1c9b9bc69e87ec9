//! What the table of tenants shows.

use letterhead_domain::{
    provider,
    tenant::{StateFilter, TenantFilter, TenantStatus},
};
use letterhead_storage::record::{
    BoundedCount, SenderOverview, TenantCounts, TenantOverview, TestOverview,
};

use crate::portal::{
    address::{self, FIRST_SENDER, OPERATOR_TENANTS},
    moment::Moment,
    paging,
    settings::{Chip, state_chip},
    test_runs::{advice_title, status_chip},
    texts::Texts,
};

/// How many tenants are in a state, with a link to them.
pub(super) struct StateCount {
    pub(super) name: String,
    pub(super) tenants: u64,
    pub(super) href: String,
    pub(super) is_here: bool,
}

/// One tenant with its senders.
pub(super) struct TenantLine {
    pub(super) id: String,
    pub(super) slug: String,
    pub(super) name: String,
    pub(super) is_suspended: bool,
    /// Its SMTP Settings.
    pub(super) settings: String,
    /// The operator's page about it.
    pub(super) about: String,
    pub(super) messages: String,
    pub(super) senders: Vec<SenderLine>,
    /// Rows that it takes.
    pub(super) rows: usize,
    pub(super) more: Option<String>,
}

/// One sender.
pub(super) struct SenderLine {
    /// Its slug, where the tenant has several.
    pub(super) slug: Option<String>,
    pub(super) href: String,
    pub(super) chip: Chip,
    /// Until when a limit holds its mail.
    pub(super) held_until: Option<Moment>,
    pub(super) service: Option<&'static str>,
    pub(super) server: String,
    pub(super) test: Option<TestCell>,
    pub(super) accepted: Option<Moment>,
    pub(super) waiting: CountCell,
    pub(super) failed: CountCell,
}

/// The last test of a sender.
pub(super) struct TestCell {
    pub(super) chip: Chip,
    pub(super) at: Moment,
    pub(super) href: String,
    pub(super) why: Option<String>,
}

/// A count, and whether it is worth a look.
pub(super) struct CountCell {
    pub(super) text: String,
    pub(super) is_zero: bool,
}

/// A state in words.
pub(in crate::portal::operator) fn state_name(t: Texts, state: StateFilter) -> String {
    match state {
        StateFilter::NoSettings => t.say("tenants-no-settings"),
        StateFilter::Is(state) => state_chip(t, state).text,
    }
}

/// All of them and those in each state, those that nobody is in left out.
pub(super) fn counts(t: Texts, counts: &TenantCounts, filter: &TenantFilter) -> Vec<StateCount> {
    let all = StateCount {
        name: t.say("tenants-all"),
        tenants: counts.total,
        href: OPERATOR_TENANTS.to_owned(),
        is_here: filter.is_empty(),
    };
    let by_state = counts.by_state.iter().filter(|(_, tenants)| *tenants > 0);
    let of_state = by_state.map(|&(state, tenants)| StateCount {
        name: state_name(t, state),
        tenants,
        href: paging::address(OPERATOR_TENANTS, [("state", state.as_str())]),
        is_here: filter.state == Some(state),
    });
    std::iter::once(all).chain(of_state).collect()
}

impl TenantLine {
    pub(super) fn of(t: Texts, line: &TenantOverview) -> Self {
        let slug = line.tenant.slug.to_string();
        let is_only = line.senders.len() == 1;
        let more = (line.more_senders > 0).then(|| t.count("tenants-more", line.more_senders));
        Self {
            id: line.tenant.id.to_string(),
            name: line.tenant.name.to_string(),
            is_suspended: line.tenant.status == TenantStatus::Suspended,
            settings: address::of_sender(&slug, FIRST_SENDER, ""),
            about: address::about_tenant(&slug, ""),
            messages: address::of_tenant(&slug, "messages"),
            senders: line.senders.iter().map(|s| SenderLine::of(t, &slug, s, is_only)).collect(),
            rows: line.senders.len().max(1),
            more,
            slug,
        }
    }
}

impl SenderLine {
    fn of(t: Texts, tenant: &str, sender: &SenderOverview, is_only: bool) -> Self {
        let href = address::of_sender(tenant, &sender.slug, "");
        let service = provider::of_host(&sender.host).map(|provider| provider.name);
        Self {
            slug: (!is_only || sender.slug.as_str() != FIRST_SENDER)
                .then(|| sender.slug.to_string()),
            chip: state_chip(t, sender.state()),
            held_until: sender.hold.map(|hold| hold.until.into()),
            service,
            server: format!("{}:{}", sender.host, sender.port),
            test: sender.last_test.as_ref().map(|test| TestCell::of(t, &href, test)),
            accepted: sender.last_accepted_at.map(Into::into),
            waiting: sender.waiting.into(),
            failed: sender.failed.into(),
            href,
        }
    }
}

impl TestCell {
    fn of(t: Texts, sender: &str, test: &TestOverview) -> Self {
        let why = test
            .advice_code
            .as_ref()
            .map(|code| advice_title(t, code, test.advice_title.as_deref()));
        Self {
            chip: status_chip(t, test.status),
            at: test.started_at.into(),
            href: format!("{sender}/test-runs/{}", test.id),
            why,
        }
    }
}

impl From<BoundedCount> for CountCell {
    fn from(count: BoundedCount) -> Self {
        Self { text: count.to_string(), is_zero: count.is_zero() }
    }
}
