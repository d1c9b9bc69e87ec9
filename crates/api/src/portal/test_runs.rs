//! Test runs: started from the settings page, followed while they run, looked at afterwards.

use askama::Template;
use letterhead_domain::{access::Deed, test_run::TestMode};
use letterhead_storage::record::{SenderRecord, TestRunRecord};
use poem::http::StatusCode;

use super::{
    Table,
    form::Form,
    layout::{Banner, Layout, Nav},
    settings::{self, page::Asked},
    visit::{Outcome, Place, Visit, see_other},
};
use crate::app::{
    AppError,
    test_runs::{self, TestRequest},
};

mod advice;
mod arrival;
mod domain;
mod events;
mod fix;
mod view;

pub(super) use advice::{title as advice_title, words as advice_words};
pub(super) use view::{RunView, in_words as took_in_words, status_chip};

pub(super) fn routes(table: &mut Table) {
    table.act("/portal/tenants/:tenant/senders/:sender/test-runs", start);
    table.page("/portal/tenants/:tenant/senders/:sender/test-runs/:run", show);
    table.page("/portal/tenants/:tenant/senders/:sender/test-runs/:run/events", events::stream);
    table.act("/portal/tenants/:tenant/senders/:sender/test-runs/:run/confirm", arrival::confirm);
}

#[derive(Template)]
#[template(path = "test_run.html")]
struct TestRunPage {
    layout: Layout,
    run_script: String,
    run: RunView,
    back: String,
}

/// Starts a test of the saved settings. The settings page then shows how it goes.
async fn start(visit: Visit, form: Form) -> Outcome {
    let place = visit.place().await?;
    visit.require(Deed::Test)?;
    let sender = settings::existing(&visit, &place).await?;
    let mode = if form.text("mode") == TestMode::Message.as_str() {
        TestMode::Message
    } else {
        TestMode::Connection
    };
    // A version that is not named, or that has gone meanwhile, is the newest.
    let target = form.text("version").parse().ok();
    let request = TestRequest { mode, target, settings: None, fix: true };
    begin(&visit, &place, &sender, request).await
}

/// Starts `request` for a sender as it is now, and leads to the page that shows how it goes.
pub(super) async fn begin(
    visit: &Visit,
    place: &Place,
    sender: &SenderRecord,
    request: TestRequest,
) -> Outcome {
    match test_runs::start(&visit.app, &place.caller, sender, request).await {
        Ok(run) => Ok(see_other(&place.sender_path(&format!("?run={run}")))),
        Err(AppError::TooMany { retry_after }) => {
            let text = visit.texts().count("settings-too-many-tests", retry_after);
            let asked = Asked::told(StatusCode::TOO_MANY_REQUESTS, Banner::failure(text));
            let mut answer = settings::page::show(visit, place, Some(sender), asked).await?;
            answer.headers_mut().insert("retry-after", retry_after.into());
            Ok(answer)
        }
        Err(error) => Err(error.into()),
    }
}

/// One run by itself.
async fn show(visit: Visit) -> Outcome {
    let place = visit.place().await?;
    visit.require(Deed::SeeSettings)?;
    let (run, sender) = settings::run_and_sender(&visit, &place, visit.param("run")).await?;
    show_run(&visit, &place, &sender, run, None).await
}

/// The page of `run`; with what is wrong with the code that was typed there, if one was.
async fn show_run(
    visit: &Visit,
    place: &Place,
    sender: &SenderRecord,
    run: TestRunRecord,
    refused: Option<arrival::Refused>,
) -> Outcome {
    let mut run = RunView::of(visit, place, sender, run).await?;
    let (status, banner) = match refused {
        None => (StatusCode::OK, run.take_banner()),
        Some(arrival::Refused { status, words }) => {
            if let Some(form) = run.arrival.as_mut().and_then(|arrival| arrival.form.as_mut()) {
                form.error = Some(words.clone());
            }
            (status, Some(Banner::failure(words)))
        }
    };
    let page = TestRunPage {
        layout: visit
            .layout_at(place, Nav::TestRuns)
            .with_banner(banner)
            .with_reload(run.is_running.then_some(2)),
        run_script: visit.site.assets.address("run.js"),
        run,
        back: place.sender_path("/test-runs"),
    };
    visit.show_as(status, &page)
}
