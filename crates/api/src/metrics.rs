//! What is counted for the operator, and the listener that shows it.
//!
//! Labels are words of the program alone: never a tenant, a host or anything that a stranger
//! chose, so that the number of series is bounded and nothing about a tenant leaks to whoever may
//! read metrics. The listener is separate from the API's, so that it need not be public.

use std::{io, sync::Arc, time::Duration};

use letterhead_domain::test_run::TestStatus;
use poem::{Endpoint, Response, Route, endpoint::make_sync, get, http::header};
use prometheus::{
    Encoder, Gauge, HistogramOpts, HistogramVec, IntCounterVec, IntGauge, Opts, Registry,
    TextEncoder,
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::http;

/// Seconds in which a request may be answered: most take milliseconds, test runs up to 20 s.
const REQUEST_SECONDS: [f64; 12] =
    [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// The metrics of one process. Cheap to clone; clones count together.
#[derive(Clone)]
pub struct Metrics(Arc<Families>);

struct Families {
    registry: Registry,
    waiting: IntGauge,
    oldest_due: Gauge,
    attempts: IntCounterVec,
    test_runs: IntCounterVec,
    caches: IntCounterVec,
    requests: HistogramVec,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// Metrics that have counted nothing yet.
    ///
    /// # Panics
    ///
    /// Never: the names are constants, and each is registered once.
    #[expect(clippy::expect_used, reason = "the names are constants and each is registered once")]
    pub fn new() -> Self {
        let families = Families::register().expect("metric names are well formed and distinct");
        Self(Arc::new(families))
    }

    /// Notes how many messages wait, and since when the oldest one has been due.
    pub fn queue(&self, waiting: u64, oldest_due: Option<Duration>) {
        self.0.waiting.set(i64::try_from(waiting).unwrap_or(i64::MAX));
        self.0.oldest_due.set(oldest_due.unwrap_or_default().as_secs_f64());
    }

    /// Counts an attempt to hand a message over. `outcome` is a word of the program.
    pub fn attempt(&self, outcome: &'static str) {
        self.0.attempts.with_label_values(&[outcome]).inc();
    }

    /// Counts a finished test run.
    pub fn test_run(&self, status: TestStatus) {
        self.0.test_runs.with_label_values(&[status.as_str()]).inc();
    }

    /// Counts a look-up in one of the caches, and whether it was spared a query.
    pub fn cache(&self, cache: &'static str, hit: bool) {
        let outcome = if hit { "hit" } else { "miss" };
        self.0.caches.with_label_values(&[cache, outcome]).inc();
    }

    /// Counts an answered request. `route` is the path as the API document writes it, or one
    /// word for everything else: never the path as it was asked for.
    pub fn request(&self, route: &str, method: &str, status: u16, took: Duration) {
        let status = status.to_string();
        let labels = [route, method, status.as_str()];
        self.0.requests.with_label_values(&labels).observe(took.as_secs_f64());
    }

    /// Everything that was counted, in the text format of Prometheus.
    pub fn render(&self) -> String {
        let mut text = Vec::new();
        // Writing to memory cannot fail, and the encoder writes UTF-8.
        match TextEncoder::new().encode(&self.0.registry.gather(), &mut text) {
            Ok(()) => String::from_utf8(text).unwrap_or_default(),
            Err(_) => String::new(),
        }
    }
}

impl Families {
    fn register() -> prometheus::Result<Self> {
        let families = Self {
            registry: Registry::new(),
            waiting: IntGauge::new(
                "letterhead_messages_waiting",
                "Messages that wait to be handed to a mail server, for whatever reason",
            )?,
            oldest_due: Gauge::new(
                "letterhead_oldest_due_seconds",
                "For how long the message that is due longest has been due",
            )?,
            attempts: IntCounterVec::new(
                Opts::new("letterhead_attempts_total", "Attempts to hand a message over"),
                &["outcome"],
            )?,
            test_runs: IntCounterVec::new(
                Opts::new("letterhead_test_runs_total", "Finished test runs"),
                &["status"],
            )?,
            caches: IntCounterVec::new(
                Opts::new("letterhead_cache_lookups_total", "Look-ups in what is kept in memory"),
                &["cache", "outcome"],
            )?,
            requests: HistogramVec::new(
                HistogramOpts::new(
                    "letterhead_http_request_seconds",
                    "Time from a request's head to its answer's head",
                )
                .buckets(REQUEST_SECONDS.to_vec()),
                &["route", "method", "status"],
            )?,
        };
        let registry = &families.registry;
        registry.register(Box::new(families.waiting.clone()))?;
        registry.register(Box::new(families.oldest_due.clone()))?;
        registry.register(Box::new(families.attempts.clone()))?;
        registry.register(Box::new(families.test_runs.clone()))?;
        registry.register(Box::new(families.caches.clone()))?;
        registry.register(Box::new(families.requests.clone()))?;
        Ok(families)
    }
}

/// Shows the metrics under `/metrics` until `stop`.
///
/// # Errors
///
/// If `listener` can no longer be used.
pub async fn serve(
    listener: TcpListener,
    metrics: Metrics,
    stop: CancellationToken,
) -> io::Result<()> {
    http::serve(listener, routes(metrics), stop, Duration::from_secs(1)).await
}

fn routes(metrics: Metrics) -> impl Endpoint + 'static {
    let show = make_sync(move |_| {
        Response::builder()
            .header(header::CONTENT_TYPE, prometheus::TEXT_FORMAT)
            .header(header::CACHE_CONTROL, "no-store")
            .body(metrics.render())
    });
    Route::new().at("/metrics", get(show))
}

#[cfg(test)]
mod tests {
    use poem::test::TestClient;

    use super::*;

    #[tokio::test]
    async fn what_was_counted_is_shown_without_a_tenant() {
        let metrics = Metrics::new();
        metrics.queue(7, Some(Duration::from_millis(1_500)));
        metrics.attempt("accepted");
        metrics.attempt("accepted");
        metrics.test_run(TestStatus::Failed);
        metrics.cache("api_key", true);
        let route = "/v1/tenants/{tenant}/senders/{sender}";
        metrics.request(route, "PUT", 200, Duration::from_millis(20));

        let response = TestClient::new(routes(metrics)).get("/metrics").send().await;

        response.assert_status_is_ok();
        let text = response.0.into_body().into_string().await.expect("text");
        for line in [
            "letterhead_messages_waiting 7",
            "letterhead_oldest_due_seconds 1.5",
            "letterhead_attempts_total{outcome=\"accepted\"} 2",
            "letterhead_test_runs_total{status=\"failed\"} 1",
            "letterhead_cache_lookups_total{cache=\"api_key\",outcome=\"hit\"} 1",
            "letterhead_http_request_seconds_count{method=\"PUT\",\
             route=\"/v1/tenants/{tenant}/senders/{sender}\",status=\"200\"} 1",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
    }

    #[test]
    fn an_empty_queue_is_not_overdue() {
        let metrics = Metrics::new();
        metrics.queue(1, Some(Duration::from_secs(9)));

        metrics.queue(0, None);

        assert!(metrics.render().contains("letterhead_oldest_due_seconds 0\n"));
    }
}
