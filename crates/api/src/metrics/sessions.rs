//! What the sessions with mail servers do.

use letterhead_mailer::counts::{SessionCounts, SessionsNow};
use prometheus::{GaugeVec, IntCounterVec, Registry};

use super::{catch_up, counters, gauge, gauges};

/// What is counted of sessions.
pub(super) struct SessionFamilies {
    opened: IntCounterVec,
    reused: IntCounterVec,
    retired: IntCounterVec,
    open: GaugeVec,
    messages: IntCounterVec,
    round_trips: IntCounterVec,
    gear_drops: IntCounterVec,
    in_gear: GaugeVec,
}

impl SessionFamilies {
    pub(super) fn register(registry: &Registry) -> prometheus::Result<Self> {
        Ok(Self {
            opened: counters(
                registry,
                "letterhead_sessions_opened_total",
                "This process: SMTP sessions opened for deliveries",
                &[],
            )?,
            reused: counters(
                registry,
                "letterhead_sessions_reused_total",
                "This process: times that a session at rest was used again",
                &[],
            )?,
            retired: counters(
                registry,
                "letterhead_sessions_retired_total",
                "This process: sessions closed, by why",
                &["reason"],
            )?,
            open: gauges(
                registry,
                "letterhead_sessions_open",
                "This process: sessions that are open or being opened",
                &[],
            )?,
            messages: counters(
                registry,
                "letterhead_session_messages_total",
                "This process: messages handed over, by the gear of their session and whatever \
                 became of them",
                &["gear"],
            )?,
            round_trips: counters(
                registry,
                "letterhead_session_round_trips_total",
                "This process: times that a session wrote and waited for the answer, openings not \
                 included",
                &[],
            )?,
            gear_drops: counters(
                registry,
                "letterhead_gear_drops_total",
                "This process: senders put into a slower gear for an hour, by the gear that went \
                 wrong and how",
                &["gear", "fault"],
            )?,
            in_gear: gauges(
                registry,
                "letterhead_senders_in_gear",
                "This process: senders whose sessions are kept, by the gear of the latest one",
                &["gear"],
            )?,
        })
    }

    /// Takes over what was counted elsewhere. One caller at a time.
    pub(super) fn take_over(&self, counts: &SessionCounts, now: &SessionsNow) {
        let alone = |family: &IntCounterVec, to| {
            catch_up(&family.with_label_values::<&str>(&[]), to);
        };
        alone(&self.opened, counts.opened);
        alone(&self.reused, counts.reused);
        alone(&self.round_trips, counts.round_trips);
        for (reason, count) in counts.retired {
            catch_up(&self.retired.with_label_values(&[reason.as_str()]), count);
        }
        for (gear, count) in counts.by_gear {
            catch_up(&self.messages.with_label_values(&[gear.as_str()]), count);
        }
        for (gear, fault, count) in &counts.gear_drops {
            let labels = [gear.as_str(), fault.as_str()];
            catch_up(&self.gear_drops.with_label_values(&labels), *count);
        }
        self.open.with_label_values::<&str>(&[]).set(gauge(now.open));
        for (gear, count) in now.gears {
            self.in_gear.with_label_values(&[gear.as_str()]).set(gauge(count));
        }
    }
}
