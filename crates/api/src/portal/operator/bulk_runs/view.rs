//! What the pages show of a bulk run.

use letterhead_domain::{
    bulk_run::{BulkItemStatus, BulkScope},
    provider,
};
use letterhead_storage::record::{BulkGroup, BulkGroupKey, BulkItemRecord, BulkRunRecord};

use super::RUNS;
use crate::portal::{
    address::{self, FIRST_SENDER},
    moment::Moment,
    operator::tenants::view::state_name,
    paging,
    test_runs::advice_title,
    texts::Texts,
};

/// A bulk run in the list.
pub(super) struct RunLine {
    pub(super) run: RunView,
    pub(super) passed: u64,
    pub(super) failed: u64,
    pub(super) skipped: u64,
}

/// A bulk run and how far it is.
pub(super) struct RunView {
    pub(super) path: String,
    pub(super) goes_on: bool,
    /// How its chip looks, and what it says.
    pub(super) chip: &'static str,
    pub(super) status: String,
    pub(super) target: String,
    pub(super) who: String,
    pub(super) begun: Moment,
    pub(super) ended: Option<Moment>,
    pub(super) done: u64,
    pub(super) total: u64,
    pub(super) progress: String,
}

/// How many senders stand where, with links to them.
pub(super) struct Counts(pub(super) Vec<CountLine>);

/// How many senders stand somewhere.
pub(super) struct CountLine {
    pub(super) status: &'static str,
    pub(super) name: String,
    pub(super) senders: u64,
    pub(super) href: Option<String>,
}

/// Results with the same cause.
pub(super) struct GroupView {
    pub(super) is_failure: bool,
    pub(super) tenants: String,
    pub(super) cause: String,
    pub(super) named: Vec<SenderLink>,
    /// How many more there are, and where.
    pub(super) more: Option<(String, String)>,
}

/// One sender of a group, with the way to its page and to its test.
pub(super) struct SenderLink {
    pub(super) name: String,
    pub(super) slug: String,
    pub(super) href: String,
    pub(super) test: Option<String>,
    pub(super) host: String,
}

impl RunLine {
    pub(super) fn of(t: Texts, run: &BulkRunRecord) -> Self {
        let counts = run.counts;
        Self {
            run: RunView::of(t, run),
            passed: counts.passed,
            failed: counts.failed,
            skipped: counts.skipped + counts.cancelled,
        }
    }
}

impl RunView {
    pub(super) fn of(t: Texts, run: &BulkRunRecord) -> Self {
        let (chip, status) = match (run.finished_at, &run.cancelled) {
            (None, None) => ("", t.say("bulk-goes-on")),
            (None, Some(_)) => ("warn", t.say("bulk-ends")),
            (Some(_), Some(_)) => ("plain", t.say("bulk-cancelled")),
            (Some(_), None) => ("good", t.say("bulk-finished")),
        };
        let (done, total) = (run.counts.done(), run.counts.total());
        Self {
            path: format!("{RUNS}/{}", run.id),
            goes_on: run.finished_at.is_none(),
            chip,
            status,
            target: target(t, run),
            who: run.requested_by.email.to_string(),
            begun: run.created_at.into(),
            ended: run.finished_at.map(Into::into),
            done,
            total,
            progress: progress(t, done, total),
        }
    }
}

/// How far a run is, in words.
pub(super) fn progress(t: Texts, done: u64, total: u64) -> String {
    let (done, total) = (done.to_string(), total.to_string());
    t.with("bulk-progress", [("done", done.as_str()), ("total", total.as_str())])
}

/// Whom a run is for, in words.
fn target(t: Texts, run: &BulkRunRecord) -> String {
    match run.scope {
        BulkScope::All => t.say("bulk-scope-all"),
        BulkScope::Selection => t.say("bulk-scope-selection"),
        BulkScope::Filter => {
            let state = run.filter.state.map(|state| state_name(t, state));
            let provider = run.filter.provider.map(|provider| provider.name.to_owned());
            let text = run.filter.text.as_ref().map(|text| format!("“{text}”"));
            let parts: Vec<_> = state.into_iter().chain(provider).chain(text).collect();
            t.with("bulk-scope-filter", [("filter", parts.join(", ").as_str())])
        }
    }
}

impl Counts {
    pub(super) fn of(t: Texts, run: &BulkRunRecord) -> Self {
        let counts = run.counts;
        let lines = [
            (BulkItemStatus::Waiting, counts.waiting),
            (BulkItemStatus::Running, counts.running),
            (BulkItemStatus::Passed, counts.passed),
            (BulkItemStatus::Failed, counts.failed),
            (BulkItemStatus::Skipped, counts.skipped),
            (BulkItemStatus::Cancelled, counts.cancelled),
        ];
        let line = |(status, senders): (BulkItemStatus, u64)| CountLine {
            status: status.as_str(),
            name: t.say(&format!("bulk-status-{}", status.as_str())),
            senders,
            // What failed or was skipped is listed by cause.
            href: (status == BulkItemStatus::Passed && senders > 0).then(|| {
                let key = BulkGroupKey { status, cause: None, provider: None, port: None };
                senders_path(run, &key)
            }),
        };
        Self(lines.into_iter().map(line).collect())
    }
}

/// Where the senders of a group are listed.
pub(super) fn senders_path(run: &BulkRunRecord, key: &BulkGroupKey) -> String {
    let port = port(key);
    paging::address(&format!("{RUNS}/{}/senders", run.id), query(key, &port))
}

/// A group as it stands in an address, with its port as text.
pub(super) fn query<'k>(key: &'k BulkGroupKey, port: &'k str) -> [(&'static str, &'k str); 4] {
    [
        ("status", key.status.as_str()),
        ("cause", key.cause.as_deref().unwrap_or_default()),
        ("provider", key.provider.as_deref().unwrap_or_default()),
        ("port", port),
    ]
}

/// A group's port as text; empty if it has none.
pub(super) fn port(key: &BulkGroupKey) -> String {
    key.port.map_or_else(String::new, |port| port.to_string())
}

impl GroupView {
    pub(super) fn of(
        t: Texts,
        run: &BulkRunRecord,
        group: &BulkGroup,
        named: &[BulkItemRecord],
    ) -> Self {
        let shown = u64::try_from(named.len()).unwrap_or(u64::MAX);
        let more = group.senders.saturating_sub(shown);
        Self {
            is_failure: group.key.status == BulkItemStatus::Failed,
            tenants: t.count("bulk-tenants", group.tenants),
            cause: if group.port_is_blocked() {
                in_few_words(t, "bulk-cause-port_blocked", &group.key)
            } else {
                cause(t, &group.key, group.title.as_deref())
            },
            named: named.iter().map(SenderLink::of).collect(),
            more: (more > 0).then(|| (t.count("bulk-more", more), senders_path(run, &group.key))),
        }
    }
}

/// What a group's page is called.
pub(super) fn title(t: Texts, key: &BulkGroupKey) -> String {
    match key.status {
        BulkItemStatus::Failed | BulkItemStatus::Skipped => cause(t, key, None),
        BulkItemStatus::Passed
        | BulkItemStatus::Waiting
        | BulkItemStatus::Running
        | BulkItemStatus::Cancelled => t.say(&format!("bulk-status-{}", key.status.as_str())),
    }
}

/// Why a group failed or was skipped: in a few words, or in the advice's where there are none.
fn cause(t: Texts, key: &BulkGroupKey, title: Option<&str>) -> String {
    let code = key.cause.as_deref().unwrap_or_default();
    if key.status == BulkItemStatus::Skipped {
        return t.find_text(&format!("bulk-skipped-{code}")).unwrap_or_else(|| code.to_owned());
    }
    let short = format!("bulk-cause-{code}");
    if t.find_text(&short).is_some() {
        return in_few_words(t, &short, key);
    }
    let told = advice_title(t, code, title);
    match key.provider.as_deref().and_then(provider::find) {
        Some(service) => format!("{}: {told}", service.name),
        None => told,
    }
}

fn in_few_words(t: Texts, text: &str, key: &BulkGroupKey) -> String {
    let (port, unknown) = (port(key), t.say("bulk-service-unknown"));
    let service = key.provider.as_deref().and_then(provider::find);
    let service = service.map_or(unknown.as_str(), |service| service.name);
    t.with(text, [("port", port.as_str()), ("service", service)])
}

impl SenderLink {
    pub(super) fn of(item: &BulkItemRecord) -> Self {
        let sender = item.sender.as_ref().map_or(FIRST_SENDER, |(_, slug)| slug.as_str());
        let path = |rest: &str| address::of_sender(&item.slug, sender, rest);
        let name = match sender {
            FIRST_SENDER => item.name.to_string(),
            other => format!("{} · {other}", item.name),
        };
        Self {
            name,
            slug: item.slug.to_string(),
            href: path(""),
            test: item.test_run.map(|run| path(&format!("/test-runs/{run}"))),
            host: item.host.clone().unwrap_or_default(),
        }
    }
}
