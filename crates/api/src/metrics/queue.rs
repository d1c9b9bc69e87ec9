//! How the database stands: the same in every process that is asked.

use letterhead_storage::record::QueueReading;
use prometheus::{GaugeVec, Registry};

use super::{gauge, gauges};

/// The database's gauges: each without a series as long as nobody could read it.
pub(super) struct QueueFamilies {
    waiting: GaugeVec,
    estimate: GaugeVec,
    sending: GaugeVec,
    oldest_due: GaugeVec,
    held: GaugeVec,
    lanes: GaugeVec,
}

impl QueueFamilies {
    pub(super) fn register(registry: &Registry) -> prometheus::Result<Self> {
        let waiting = format!(
            "The database: messages that wait, for whatever reason; counted up to {most} together \
             and no further, so a sum of {most} means as many or more",
            most = QueueReading::MOST_COUNTED
        );
        Ok(Self {
            waiting: gauges(registry, "letterhead_messages_waiting", &waiting, &["status"])?,
            estimate: gauges(
                registry,
                "letterhead_messages_waiting_estimate",
                "The database: messages that wait, without a bound, by its own statistics: as of \
                 its last vacuum or analysis",
                &[],
            )?,
            sending: gauges(
                registry,
                "letterhead_messages_sending",
                "The database: messages that are marked: on their way, or about to be",
                &[],
            )?,
            oldest_due: gauges(
                registry,
                "letterhead_oldest_due_seconds",
                "The database: for how long the message that is due longest has been due, on lanes \
                 that may be served; looked for on the 200 lanes that have been due longest",
                &[],
            )?,
            held: gauges(
                registry,
                "letterhead_queue_held",
                "The database: 1 while the whole queue is held and nothing leaves",
                &[],
            )?,
            lanes: gauges(
                registry,
                "letterhead_lanes",
                "The database: lanes on which something waits, by what they wait for; `leased` \
                 ones are being served",
                &["waits_for"],
            )?,
        })
    }

    pub(super) fn note(&self, reading: Option<&QueueReading>) {
        let Some(reading) = reading else {
            let Self { waiting, estimate, sending, oldest_due, held, lanes } = self;
            for family in [waiting, estimate, sending, oldest_due, held, lanes] {
                family.reset();
            }
            return;
        };
        for (status, count) in reading.waiting {
            self.waiting.with_label_values(&[status.as_str()]).set(gauge(count));
        }
        for (waits_for, count) in reading.lanes {
            self.lanes.with_label_values(&[waits_for.as_str()]).set(gauge(count));
        }
        let alone = |family: &GaugeVec, value| family.with_label_values::<&str>(&[]).set(value);
        alone(&self.estimate, gauge(reading.waiting_estimate));
        alone(&self.sending, gauge(reading.sending));
        alone(&self.oldest_due, reading.oldest_due_age.unwrap_or_default().as_secs_f64());
        alone(&self.held, gauge(reading.is_held.into()));
    }
}
