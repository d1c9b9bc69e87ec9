//! How far a bulk run is, as server-sent events: `progress` whenever it got further, `end` once it
//! is over. Any process may work on it, so the database is asked.

use std::time::Duration;

use letterhead_domain::access::Principal;
use letterhead_storage::record::{BulkCounts, BulkRunRecord};
use serde_json::json;
use tokio::time::sleep;

use super::view::progress;
use crate::{
    app::{App, AppError, bulk_runs},
    portal::{
        event_stream::{self, Following, News},
        operator::operator_only,
        texts::Texts,
        visit::{Outcome, Visit},
    },
};

/// How often the database is asked.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

pub(super) async fn stream(visit: Visit) -> Outcome {
    operator_only(&visit)?;
    let (principal, id) = (visit.principal(), visit.param("bulk_run").to_owned());
    bulk_runs::load(&visit.app, &principal, &id).await?;
    let texts = visit.texts();
    Ok(event_stream::answer(FollowedRun { app: visit.app, principal, id, texts, told: None }))
}

/// A bulk run as one reader follows it.
struct FollowedRun {
    app: App,
    principal: Principal,
    id: String,
    texts: Texts,
    told: Option<BulkCounts>,
}

impl Following for FollowedRun {
    async fn look(&mut self) -> News {
        let run = match bulk_runs::load(&self.app, &self.principal, &self.id).await {
            Ok(run) => run,
            // The page that is loaded at the end says what is wrong.
            Err(error) => {
                let goes_on = matches!(error, AppError::Unavailable(_));
                return News { events: String::new(), goes_on };
            }
        };
        let is_news = self.told != Some(run.counts);
        self.told = Some(run.counts);
        let events = if is_news { self.event(&run) } else { String::new() };
        News { events, goes_on: run.finished_at.is_none() }
    }

    async fn wait(&mut self) {
        sleep(LOOK_AGAIN).await;
    }
}

impl FollowedRun {
    fn event(&self, run: &BulkRunRecord) -> String {
        let BulkCounts { waiting, running, passed, failed, skipped, cancelled } = run.counts;
        let (done, total) = (run.counts.done(), run.counts.total());
        let data = json!({
            "done": done,
            "total": total,
            "words": progress(self.texts, done, total),
            "counts": {
                "waiting": waiting,
                "running": running,
                "passed": passed,
                "failed": failed,
                "skipped": skipped,
                "cancelled": cancelled,
            },
        });
        event_stream::event("progress", &data)
    }
}
