//! What is counted for the operator.
//!
//! Labels are words of the program alone: never a tenant, a host or anything that a stranger
//! chose, so that the number of series is bounded and nothing about a tenant leaks to whoever may
//! read metrics. What this process does is counted as it happens, or taken over from who counts it;
//! how the database stands is read when somebody asks ([`crate::app::measure`]).

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use letterhead_domain::test_run::TestStatus;
use letterhead_mailer::counts::{SessionCounts, SessionsNow};
use letterhead_storage::record::{LaneStanding, QueueReading};
use prometheus::{
    Encoder, GaugeVec, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, Opts, Registry,
    TextEncoder,
};
use tokio::sync::Mutex;

use self::{queue::QueueFamilies, sessions::SessionFamilies};

mod queue;
mod sessions;

/// Seconds in which a request may be answered: most take milliseconds, test runs up to 20 s.
const REQUEST_SECONDS: [f64; 12] =
    [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];
/// Seconds that a lane may wait for its turn: a worker that has time comes within milliseconds.
const LANE_SECONDS: [f64; 11] = [0.005, 0.025, 0.1, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 300.0, 1_800.0];
/// Messages that may be marked together.
const WINDOW_MESSAGES: [f64; 8] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0];

/// The metrics of one process. Cheap to clone; clones count together.
#[derive(Clone)]
pub struct Metrics(Arc<Families>);

struct Families {
    registry: Registry,
    attempts: IntCounterVec,
    test_runs: IntCounterVec,
    caches: IntCounterVec,
    requests: HistogramVec,
    lane_waits: HistogramVec,
    windows: HistogramVec,
    queue: QueueFamilies,
    sessions: SessionFamilies,
    /// When the database was last asked how it stands; locked while it is being asked.
    asked_at: Mutex<Option<Instant>>,
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

    /// Counts an attempt to hand a message over. `outcome` is a word of the program.
    pub fn attempt(&self, outcome: &'static str) {
        self.0.attempts.with_label_values(&[outcome]).inc();
    }

    /// Counts a finished test run.
    pub fn test_run(&self, status: TestStatus) {
        self.0.test_runs.with_label_values(&[status.as_str()]).inc();
    }

    /// Counts a claimed lane, and for how long it might have been served.
    pub fn lane_claimed(&self, standing: LaneStanding, waited: Duration) {
        self.0.lane_waits.with_label_values(&[standing.as_str()]).observe(waited.as_secs_f64());
    }

    /// Counts a window of `messages` that were marked together.
    pub fn window(&self, messages: usize) {
        let messages = gauge(u64::try_from(messages).unwrap_or(u64::MAX));
        self.0.windows.with_label_values::<&str>(&[]).observe(messages);
    }

    /// Counts a look-up in one of the caches, and whether it was spared a query.
    pub fn cache(&self, cache: &'static str, hit: bool) {
        self.cache_counter(cache, hit).inc();
    }

    fn cache_counter(&self, cache: &'static str, hit: bool) -> IntCounter {
        self.0.caches.with_label_values(&[cache, if hit { "hit" } else { "miss" }])
    }

    /// Counts an answered request. `route` is the path as the API document writes it, or one
    /// word for everything else: never the path as it was asked for.
    pub fn request(&self, route: &str, method: &str, status: u16, took: Duration) {
        let status = status.to_string();
        let labels = [route, method, status.as_str()];
        self.0.requests.with_label_values(&labels).observe(took.as_secs_f64());
    }

    /// Takes over what the sessions with mail servers have counted, and how they stand. One caller
    /// at a time.
    pub(crate) fn sessions(&self, counts: &SessionCounts, now: &SessionsNow) {
        self.0.sessions.take_over(counts, now);
        let transports = [(true, counts.transport_hits), (false, counts.transport_misses)];
        for (hit, count) in transports {
            catch_up(&self.cache_counter("transport", hit), count);
        }
    }

    /// Notes how the queue stands; without a reading nothing is told of it.
    pub(crate) fn queue(&self, reading: Option<&QueueReading>) {
        self.0.queue.note(reading);
    }

    /// When the database was last asked how it stands. Whoever asks keeps this locked.
    pub(crate) fn asked_at(&self) -> &Mutex<Option<Instant>> {
        &self.0.asked_at
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
        let registry = Registry::new();
        Ok(Self {
            attempts: counters(
                &registry,
                "letterhead_attempts_total",
                "This process: attempts to hand a message over, by how they ended",
                &["outcome"],
            )?,
            test_runs: counters(
                &registry,
                "letterhead_test_runs_total",
                "This process: finished test runs",
                &["status"],
            )?,
            caches: counters(
                &registry,
                "letterhead_cache_lookups_total",
                "This process: look-ups in what is kept in memory",
                &["cache", "outcome"],
            )?,
            requests: histograms(
                &registry,
                "letterhead_http_request_seconds",
                "This process: time from a request's head to its answer's head",
                &["route", "method", "status"],
                &REQUEST_SECONDS,
            )?,
            lane_waits: histograms(
                &registry,
                "letterhead_lane_wait_seconds",
                "This process: for how long the lanes that it claimed might have been served, by \
                 what was known of their servers",
                &["server"],
                &LANE_SECONDS,
            )?,
            windows: histograms(
                &registry,
                "letterhead_window_messages",
                "This process: messages marked together on one lane",
                &[],
                &WINDOW_MESSAGES,
            )?,
            queue: QueueFamilies::register(&registry)?,
            sessions: SessionFamilies::register(&registry)?,
            asked_at: Mutex::default(),
            registry,
        })
    }
}

fn counters(
    registry: &Registry,
    name: &str,
    help: &str,
    labels: &[&str],
) -> prometheus::Result<IntCounterVec> {
    let family = IntCounterVec::new(Opts::new(name, help), labels)?;
    registry.register(Box::new(family.clone()))?;
    Ok(family)
}

fn gauges(
    registry: &Registry,
    name: &str,
    help: &str,
    labels: &[&str],
) -> prometheus::Result<GaugeVec> {
    let family = GaugeVec::new(Opts::new(name, help), labels)?;
    registry.register(Box::new(family.clone()))?;
    Ok(family)
}

fn histograms(
    registry: &Registry,
    name: &str,
    help: &str,
    labels: &[&str],
    bounds: &[f64],
) -> prometheus::Result<HistogramVec> {
    let options = HistogramOpts::new(name, help).buckets(bounds.to_vec());
    let family = HistogramVec::new(options, labels)?;
    registry.register(Box::new(family.clone()))?;
    Ok(family)
}

/// Brings `counter` to what somebody else has counted. Two at the same time would count twice.
fn catch_up(counter: &IntCounter, to: u64) {
    counter.inc_by(to.saturating_sub(counter.get()));
}

/// A number as a gauge shows it.
fn gauge(number: u64) -> f64 {
    // Beyond 4,294,967,295 nobody needs the difference.
    u32::try_from(number).unwrap_or(u32::MAX).into()
}

#[cfg(test)]
mod tests {
    use letterhead_domain::message::MessageStatus;
    use letterhead_mailer::{
        counts::Retirement,
        gear::{Gear, GearFault},
    };
    use letterhead_storage::record::LaneWait;

    use super::*;

    fn assert_shows(metrics: &Metrics, lines: &[&str]) {
        let text = metrics.render();
        for line in lines {
            assert!(text.lines().any(|found| found == *line), "{line}\n{text}");
        }
    }

    fn counts() -> SessionCounts {
        SessionCounts {
            opened: 3,
            reused: 5,
            messages: 40,
            round_trips: 44,
            retired: Retirement::ALL.map(|reason| (reason, u64::from(reason == Retirement::Age))),
            gear_drops: vec![(Gear::Chunked, GearFault::Cut, 1)],
            by_gear: Gear::ALL.map(|gear| (gear, if gear == Gear::Chunked { 40 } else { 0 })),
            transport_hits: 9,
            transport_misses: 2,
        }
    }

    #[test]
    fn what_was_counted_is_shown_without_a_tenant() {
        let metrics = Metrics::new();
        metrics.attempt("accepted");
        metrics.attempt("accepted");
        metrics.test_run(TestStatus::Failed);
        metrics.cache("api_key", true);
        metrics.lane_claimed(LaneStanding::Known, Duration::from_millis(20));
        metrics.window(1);
        metrics.window(16);
        let route = "/v1/tenants/{tenant}/senders/{sender}";
        metrics.request(route, "PUT", 200, Duration::from_millis(20));

        assert_shows(
            &metrics,
            &[
                "letterhead_attempts_total{outcome=\"accepted\"} 2",
                "letterhead_test_runs_total{status=\"failed\"} 1",
                "letterhead_cache_lookups_total{cache=\"api_key\",outcome=\"hit\"} 1",
                "letterhead_lane_wait_seconds_sum{server=\"known\"} 0.02",
                "letterhead_window_messages_sum 17",
                "letterhead_window_messages_count 2",
                "letterhead_http_request_seconds_count{method=\"PUT\",\
                 route=\"/v1/tenants/{tenant}/senders/{sender}\",status=\"200\"} 1",
            ],
        );
    }

    #[test]
    fn what_sessions_counted_is_taken_over_once_however_often_it_is_read() {
        let metrics = Metrics::new();
        let now = SessionsNow { open: 2, gears: Gear::ALL.map(|gear| (gear, 1)) };

        metrics.sessions(&counts(), &now);
        metrics.sessions(&counts(), &now);

        assert_shows(
            &metrics,
            &[
                "letterhead_sessions_opened_total 3",
                "letterhead_sessions_reused_total 5",
                "letterhead_sessions_retired_total{reason=\"age\"} 1",
                "letterhead_sessions_open 2",
                "letterhead_session_messages_total{gear=\"chunked\"} 40",
                "letterhead_session_round_trips_total 44",
                "letterhead_gear_drops_total{fault=\"cut\",gear=\"chunked\"} 1",
                "letterhead_senders_in_gear{gear=\"one_by_one\"} 1",
                "letterhead_cache_lookups_total{cache=\"transport\",outcome=\"miss\"} 2",
            ],
        );
    }

    #[test]
    fn a_queue_that_cannot_be_read_is_not_told_as_it_was() {
        let metrics = Metrics::new();
        let reading = QueueReading {
            waiting: [
                (MessageStatus::Queued, 7),
                (MessageStatus::Deferred, 2),
                (MessageStatus::Held, 0),
            ],
            waiting_estimate: 12,
            sending: 3,
            oldest_due_age: Some(Duration::from_millis(1_500)),
            is_held: false,
            lanes: LaneWait::ALL.map(|wait| (wait, u64::from(wait == LaneWait::BackingOff))),
        };
        metrics.queue(Some(&reading));
        assert_shows(
            &metrics,
            &[
                "letterhead_messages_waiting{status=\"queued\"} 7",
                "letterhead_messages_waiting_estimate 12",
                "letterhead_messages_sending 3",
                "letterhead_oldest_due_seconds 1.5",
                "letterhead_queue_held 0",
                "letterhead_lanes{waits_for=\"backing_off\"} 1",
            ],
        );

        metrics.queue(None);

        let text = metrics.render();
        assert!(!text.contains("letterhead_messages_waiting{"), "{text}");
        assert!(!text.contains("letterhead_oldest_due_seconds 1.5"), "{text}");
    }

    #[test]
    fn an_empty_queue_is_not_overdue() {
        let metrics = Metrics::new();
        let reading = QueueReading {
            waiting: [MessageStatus::Queued, MessageStatus::Deferred, MessageStatus::Held]
                .map(|status| (status, 0)),
            waiting_estimate: 0,
            sending: 0,
            oldest_due_age: None,
            is_held: false,
            lanes: LaneWait::ALL.map(|wait| (wait, 0)),
        };

        metrics.queue(Some(&reading));

        assert_shows(&metrics, &["letterhead_oldest_due_seconds 0"]);
    }
}
