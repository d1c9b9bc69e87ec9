//! Test history: every try of a sender's settings, and what stopped it.

use askama::Template;
use letterhead_domain::{access::Deed, arrival::Arrival, test_run::StageStatus};
use letterhead_storage::record::TestRunRecord;

use super::{
    Table, actor,
    layout::{Layout, Nav},
    moment::Moment,
    paging, settings,
    test_runs::{advice_words, status_chip, took_in_words},
    texts::Texts,
    visit::{Outcome, Place, Visit},
};
use crate::app::test_runs;

pub(super) fn routes(table: &mut Table) {
    table.page("/portal/tenants/:tenant/senders/:sender/test-runs", list);
}

#[derive(Template)]
#[template(path = "history.html")]
struct HistoryPage {
    layout: Layout,
    settings: String,
    may_test: bool,
    runs: Vec<RunLine>,
    newest: Option<String>,
    older: Option<String>,
}

struct RunLine {
    href: String,
    at: Moment,
    who: String,
    version: Option<String>,
    mode: String,
    chip: &'static str,
    status: String,
    took: Option<String>,
    /// When its mail was known to have arrived.
    arrived: Option<Moment>,
    /// The stage that failed, and what it meant.
    failure: Option<(String, String)>,
}

impl RunLine {
    fn of(t: Texts, place: &Place, run: &TestRunRecord) -> Self {
        let failed = run.stages.iter().find(|stage| stage.status == StageStatus::Failed);
        let meaning = run.advice.as_ref().map(|advice| advice_words(t, advice).title);
        let chip = status_chip(t, run.status);
        let failure = failed.map(|stage| {
            let stage = t.say(&format!("stage-{}", stage.stage.as_str()));
            (stage, meaning.unwrap_or_default())
        });
        Self {
            href: place.sender_path(&format!("/test-runs/{}", run.id)),
            at: run.started_at.into(),
            who: actor::in_words(t, &run.requested_by),
            version: run.version.map(|version| version.to_string()),
            mode: t.say(&format!("run-mode-{}", run.mode.as_str())),
            chip: chip.kind,
            status: chip.text,
            took: run.took.map(took_in_words),
            arrived: match run.arrival {
                Arrival::Confirmed(at) => Some(at.into()),
                Arrival::Awaited { .. } | Arrival::Unknown(_) => None,
            },
            failure,
        }
    }
}

async fn list(visit: Visit) -> Outcome {
    let place = visit.place().await?;
    visit.require(Deed::SeeSettings)?;
    let path = place.sender_path("/test-runs");
    let sender = settings::sender_of(&visit, &place).await?;
    let page = match &sender {
        Some(sender) => {
            let page = paging::asked_for(&visit);
            Some(test_runs::list(&visit.app, &place.caller, sender.id, page).await?)
        }
        None => None,
    };
    let runs = page.iter().flat_map(|page| &page.items);
    visit.show(&HistoryPage {
        settings: place.sender_path(""),
        may_test: visit.may(Deed::Test),
        runs: runs.map(|run| RunLine::of(visit.texts(), &place, run)).collect(),
        newest: paging::newest(&visit, &path, &[]),
        older: paging::older(&path, &[], page.as_ref().and_then(|page| page.next)),
        layout: visit.layout_at(&place, Nav::TestRuns),
    })
}
