//! How long until what waits is through, at an account's limits.

use std::time::Duration;

use super::{COUNTED_FOR, Limits, Span};

/// What left within the time that a day's limit looks back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// How many messages.
    pub messages: u64,
    /// In how long they no longer count.
    pub until_free: Duration,
}

/// How much waits, and what of the limits is used up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forecast<'a> {
    /// Messages that wait.
    pub waiting: u64,
    /// What left lately, the earliest first.
    pub used: &'a [Usage],
    /// For how long nothing leaves in any case.
    pub held_for: Duration,
}

impl Forecast<'_> {
    /// How long until the last of what waits has left, if nothing but `limits` stands in the way;
    /// `None` where nothing limits or nothing waits.
    pub fn through_in(&self, limits: &Limits) -> Option<Duration> {
        let paced = limits.pace().map(|step| times(step, self.waiting));
        let daily = limits.messages_per_day.map(|most| self.within_days(u64::from(most)));
        let slowest = paced.max(daily)?;
        (self.waiting > 0).then(|| slowest.max(self.held_for))
    }

    /// What left at some moment makes room one day later, and so does what then leaves in its place:
    /// each day is like the one before it.
    fn within_days(&self, most: u64) -> Duration {
        let (Some(last), most) = (self.waiting.checked_sub(1), most.max(1)) else {
            return Duration::ZERO;
        };
        let (whole_days, of_day) = (last / most, last % most + 1);
        let used = self.used.iter().map(|usage| usage.messages).sum::<u64>();
        let mut missing = (used + of_day).saturating_sub(most);
        let mut within_day = Duration::ZERO;
        for usage in self.used {
            if missing == 0 {
                break;
            }
            within_day = usage.until_free;
            missing = missing.saturating_sub(usage.messages);
        }
        times(COUNTED_FOR, whole_days).saturating_add(within_day)
    }
}

fn times(length: Duration, count: u64) -> Duration {
    length.saturating_mul(u32::try_from(count).unwrap_or(u32::MAX))
}

/// What waits and for how long, in a few words: "3,400 messages waiting, about 2 days at this account's
/// limit". With `more_wait` there are more messages than were counted.
pub fn in_words(waiting: u64, more_wait: bool, through_in: Duration) -> String {
    let messages = if waiting == 1 { "message" } else { "messages" };
    let (than, about) = if more_wait { ("more than ", "more than") } else { ("", "about") };
    let (waiting, through) = (grouped(waiting), Span::from(through_in));
    format!("{than}{waiting} {messages} waiting, {about} {through} at this account's limit")
}

/// A number with its digits in groups of three.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}
