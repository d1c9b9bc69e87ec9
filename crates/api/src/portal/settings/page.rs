//! The settings page itself: which parts of it this reader sees, and the form in edit mode.

use askama::Template;
use letterhead_domain::access::Deed;
use letterhead_storage::record::{SenderRecord, TestRunRecord};
use poem::http::StatusCode;

use super::{
    edit::{Edit, FormView},
    typed::Typed,
    view::{self, Candidate, Chip, Fact, GuideBox, Notice},
};
use crate::portal::{
    actor,
    layout::{Banner, Layout, Nav},
    limits::LimitsCard,
    moment::Moment,
    test_runs::{RunView, status_chip},
    visit::{Outcome, Place, Visit},
};

/// What a page is made of beside the sender.
#[derive(Default)]
pub(in crate::portal) struct Asked {
    /// The status of the answer; 200 if nothing is said.
    pub(super) status: StatusCode,
    /// What is said at the top.
    pub(super) banner: Option<Banner>,
    /// A test run to be shown with its stages.
    pub(super) run: Option<TestRunRecord>,
    /// The form, in edit mode.
    pub(super) form: Option<Edit>,
}

impl Asked {
    /// The page with `banner` at the top.
    pub(in crate::portal) fn told(status: StatusCode, banner: Banner) -> Self {
        Self { status, banner: Some(banner), ..Self::default() }
    }
}

#[derive(Template)]
#[template(path = "settings.html")]
struct SettingsPage {
    layout: Layout,
    script: String,
    run_script: String,
    path: String,
    chip: Option<Chip>,
    notice: Option<Notice>,
    run: Option<RunView>,
    facts: Vec<Fact>,
    version: Option<VersionLine>,
    form: Option<FormView>,
    candidate: Option<Candidate>,
    guide: Option<GuideBox>,
    last_test: Option<LastTest>,
    limits: Option<LimitsCard>,
    may_edit: bool,
    may_test: bool,
    /// Whether the reader may pause the sender now.
    may_pause: bool,
}

/// Which version is shown, whose it is, and since when.
struct VersionLine {
    words: String,
    at: Moment,
}

struct LastTest {
    chip: Chip,
    at: Moment,
    path: String,
}

/// Shows the settings page of `sender`, or of a place that has none yet.
pub(in crate::portal) async fn show(
    visit: &Visit,
    place: &Place,
    sender: Option<&SenderRecord>,
    asked: Asked,
) -> Outcome {
    let t = visit.texts();
    let newest = sender.map(SenderRecord::newest);
    let shown = match (&asked.form, newest) {
        (Some(form), _) => form.typed.clone(),
        (None, Some(newest)) => Typed::of_settings(&newest.settings),
        (None, None) => Typed::empty(),
    };
    let is_editing = asked.form.is_some();
    let (may_test, may_steer) = (visit.may(Deed::Test), visit.may(Deed::SteerSender));
    let mut run = match (asked.run, sender) {
        (Some(run), Some(sender)) => Some(RunView::of(visit, place, sender, run).await?),
        (Some(_) | None, _) => None,
    };
    let is_running = run.as_ref().is_some_and(|run| run.is_running);
    let told = run.as_mut().and_then(RunView::take_banner);
    // What would leave a half-filled form, or distract from it, waits until it is closed.
    let shown_sender = sender.filter(|_| !is_editing);
    let limits = match shown_sender {
        Some(sender) => Some(LimitsCard::of(visit, place, sender).await?),
        None => None,
    };
    let noticed = shown_sender.filter(|_| run.is_none());
    let page = SettingsPage {
        layout: visit
            .layout_at(place, Nav::Settings)
            .with_banner(asked.banner.or(told))
            .with_reload(is_running.then_some(2)),
        script: visit.site.assets.address("settings.js"),
        run_script: visit.site.assets.address("run.js"),
        path: place.sender_path(""),
        chip: sender.map(|sender| view::chip(t, sender.state())),
        notice: noticed.and_then(|sender| view::notice(t, place, sender, (may_test, may_steer))),
        run,
        facts: newest.map(|newest| view::facts(t, newest)).unwrap_or_default(),
        version: sender.map(|sender| version_line(visit, sender)),
        candidate: shown_sender.and_then(|sender| view::candidate(t, sender, may_steer)),
        guide: view::guide(place, &shown),
        last_test: sender.and_then(|sender| last_test(visit, place, sender)),
        limits,
        may_edit: visit.may(Deed::EditSettings),
        may_test: may_test && sender.is_some() && !is_editing,
        may_pause: may_steer && shown_sender.is_some_and(|s| s.pause.is_none() && s.live.is_some()),
        form: asked.form.as_ref().map(|edit| FormView::of(visit, place, newest, edit)),
    };
    visit.show_as(asked.status, &page)
}

fn version_line(visit: &Visit, sender: &SenderRecord) -> VersionLine {
    let t = visit.texts();
    let newest = sender.newest();
    let (number, who) = (newest.number.to_string(), actor::in_words(t, &newest.created_by));
    let values = [("version", number.as_str()), ("who", who.as_str())];
    let is_live = sender.candidate.is_none() && sender.live.is_some();
    let words = if is_live {
        t.with("settings-version-live", values)
    } else {
        t.with("settings-version-unproven", values)
    };
    VersionLine { words, at: newest.created_at.into() }
}

fn last_test(visit: &Visit, place: &Place, sender: &SenderRecord) -> Option<LastTest> {
    let (t, test) = (visit.texts(), sender.last_test.as_ref()?);
    Some(LastTest {
        chip: status_chip(t, test.status),
        at: test.started_at.into(),
        path: place.sender_path(&format!("/test-runs/{}", test.id)),
    })
}
