//! A run's stages as they end, as server-sent events: `stage` for each, `end` once the run is
//! recorded. Whoever connects again is told everything once more.

use std::time::Duration;

use letterhead_domain::{
    access::Deed,
    id::{SenderId, TestRunId},
    test_run::{Stage, StageReport, TestStatus},
};
use serde_json::json;
use tokio::{sync::watch, time::sleep};

use super::view::StageView;
use crate::{
    app::{
        App,
        access::Caller,
        test_runs::{self, progress::Stages},
    },
    portal::{
        event_stream::{self, Following, News},
        settings,
        texts::Texts,
        visit::{Outcome, Visit},
    },
};

/// How often the row of a run that another process conducts is looked at.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

pub(super) async fn stream(visit: Visit) -> Outcome {
    let place = visit.place().await?;
    visit.require(Deed::SeeSettings)?;
    let sender = settings::existing(&visit, &place).await?;
    let run = test_runs::load(&visit.app, &place.caller, sender.id, visit.param("run")).await?;
    Ok(event_stream::answer(FollowedRun {
        watched: test_runs::watch(&visit.app, run.id),
        app: visit.app.clone(),
        caller: place.caller,
        sender: sender.id,
        run: run.id,
        texts: visit.texts(),
        told: Vec::new(),
    }))
}

/// A run as one reader follows it.
struct FollowedRun {
    app: App,
    caller: Caller,
    sender: SenderId,
    run: TestRunId,
    texts: Texts,
    /// The run itself, if this process conducts it.
    watched: Option<watch::Receiver<Stages>>,
    /// The stages that the reader was told: a finished run lists them in another order than that of
    /// the wire.
    told: Vec<Stage>,
}

impl Following for FollowedRun {
    async fn look(&mut self) -> News {
        let (stages, goes_on) = self.stages().await;
        let mut events = String::new();
        for report in &stages {
            if !self.told.contains(&report.stage) {
                self.told.push(report.stage);
                events.push_str(&self.event(report));
            }
        }
        News { events, goes_on }
    }

    async fn wait(&mut self) {
        match &mut self.watched {
            // Closed means recorded, which the next look sees.
            Some(watched) => drop(watched.changed().await),
            None => sleep(LOOK_AGAIN).await,
        }
    }
}

impl FollowedRun {
    /// The stages so far, and whether more may come.
    async fn stages(&mut self) -> (Stages, bool) {
        if let Some(watched) = &mut self.watched
            && watched.has_changed().is_ok()
        {
            return (watched.borrow_and_update().clone(), true);
        }
        self.watched = None;
        let id = self.run.to_string();
        match test_runs::load(&self.app, &self.caller, self.sender, &id).await {
            Ok(run) => (run.stages, run.status == TestStatus::Running),
            // The page that is loaded at the end says what is wrong.
            Err(_) => (Stages::new(), false),
        }
    }

    fn event(&self, report: &StageReport) -> String {
        let view = StageView::of(self.texts, report);
        let data = json!({
            "stage": view.word,
            "status": view.status,
            "status_text": view.status_text,
            "took": view.took,
            "reply": view.reply,
        });
        event_stream::event("stage", &data)
    }
}
