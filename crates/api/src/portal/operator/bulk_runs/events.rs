//! How far a bulk run is, as server-sent events: `progress` whenever it got further, `end` once it
//! is over. Any process may work on it, so the database is asked.

use std::time::Duration;

use futures_util::{Stream, stream};
use letterhead_domain::access::Principal;
use letterhead_storage::record::{BulkCounts, BulkRunRecord};
use poem::{Body, Response};
use serde_json::json;
use tokio::time::{Instant, sleep};

use super::view::progress;
use crate::{
    app::{App, AppError, bulk_runs},
    portal::{
        operator::operator_only,
        texts::Texts,
        visit::{Outcome, Visit},
    },
};

/// How often the database is asked.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// After this the browser connects again, which asks anew whether somebody is signed in.
const LONGEST: Duration = Duration::from_secs(30);

pub(super) async fn stream(visit: Visit) -> Outcome {
    operator_only(&visit)?;
    let (principal, id) = (visit.principal(), visit.param("bulk_run").to_owned());
    bulk_runs::load(&visit.app, &principal, &id).await?;
    let texts = visit.texts();
    let following = Following {
        app: visit.app,
        principal,
        id,
        texts,
        until: Instant::now() + LONGEST,
        told: None,
        is_over: false,
    };
    Ok(Response::builder()
        .content_type("text/event-stream")
        // Some proxies keep answers back until they are whole.
        .header("x-accel-buffering", "no")
        .body(Body::from_bytes_stream(events(following))))
}

/// A bulk run as one reader follows it.
struct Following {
    app: App,
    principal: Principal,
    id: String,
    texts: Texts,
    until: Instant,
    told: Option<BulkCounts>,
    is_over: bool,
}

fn events(following: Following) -> impl Stream<Item = std::io::Result<String>> {
    stream::unfold(following, |mut following| async move {
        if following.is_over {
            return None;
        }
        let text = following.next().await;
        Some((Ok(text), following))
    })
}

impl Following {
    /// What the reader has not been told: waits until there is something.
    async fn next(&mut self) -> String {
        while Instant::now() < self.until {
            let run = match bulk_runs::load(&self.app, &self.principal, &self.id).await {
                Ok(run) => run,
                Err(AppError::Unavailable(_)) => {
                    sleep(LOOK_AGAIN).await;
                    continue;
                }
                // The page that is loaded at the end says what is wrong.
                Err(_) => return self.end(""),
            };
            let is_news = self.told != Some(run.counts);
            self.told = Some(run.counts);
            let text = if is_news { self.event(&run) } else { String::new() };
            if run.finished_at.is_some() {
                return self.end(&text);
            }
            if is_news {
                return text;
            }
            sleep(LOOK_AGAIN).await;
        }
        self.is_over = true;
        ": until you connect again\n\n".to_owned()
    }

    fn end(&mut self, text: &str) -> String {
        self.is_over = true;
        format!("{text}event: end\ndata: {{}}\n\n")
    }

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
        format!("event: progress\ndata: {data}\n\n")
    }
}
