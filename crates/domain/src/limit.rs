//! What a mail account lets through, and what follows from it for the mail that waits.
//!
//! A service's limits are known from the catalogue ([`Limits::known`]); a tenant may set others,
//! which count instead. They hold for a sender as a whole, whoever serves its lane.

use std::time::Duration;

use crate::{
    email::EmailAddress,
    field_errors::{FieldErrors, Invalid},
    provider::{self, Limit, LimitOn, LimitPer},
    smtp_host::SmtpHost,
    words::words,
};

mod forecast;
mod span;
#[cfg(test)]
mod tests;

pub use forecast::{Forecast, Usage, grouped, in_words};
pub use span::{Span, SpanUnit};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const MINUTE: Duration = Duration::from_secs(60);

/// What was sent is counted by quarters of an hour.
pub const BUCKET: Duration = Duration::from_secs(15 * 60);

/// For how long what was sent counts towards a day's limit, from the beginning of its quarter of an
/// hour: nothing in it is younger than 24 hours afterwards.
pub const COUNTED_FOR: Duration = Duration::from_secs(24 * 60 * 60 + 15 * 60);

/// How far messages may run ahead of their pace, so that they leave in small groups.
pub const PACE_AHEAD: Duration = Duration::from_secs(6);

words! {
    /// A limit that a tenant may set.
    LimitName {
        /// Messages within any minute.
        MessagesPerMinute = "messages_per_minute",
        /// Messages within any 24 hours.
        MessagesPerDay = "messages_per_day",
        /// Recipients of one message.
        RecipientsPerMessage = "recipients_per_message",
        /// Connections at the same time.
        Connections = "connections",
    }
}

impl LimitName {
    /// The most that can be set: beyond it a limit limits nothing.
    pub const fn highest(self) -> u32 {
        match self {
            Self::MessagesPerMinute => 100_000,
            Self::MessagesPerDay => 100_000_000,
            Self::RecipientsPerMessage => 10_000,
            Self::Connections => 100,
        }
    }

    fn parse(self, given: i64) -> Result<u32, Invalid> {
        let fits = u32::try_from(given).ok().filter(|most| (1..=self.highest()).contains(most));
        fits.ok_or_else(|| {
            Invalid::new("out_of_range", format!("use a number from 1 to {}", self.highest()))
        })
    }
}

words! {
    /// Why all mail of a sender waits although its settings work.
    HoldReason {
        /// As many messages left within 24 hours as its limit says.
        DailyLimit = "daily_limit",
        /// Its server said that the account's quota is spent.
        Quota = "quota",
    }
}

/// How much may leave through one sender; `None` is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Messages within any minute.
    pub messages_per_minute: Option<u32>,
    /// Messages within any 24 hours.
    pub messages_per_day: Option<u32>,
    /// Recipients of one message: more go in several envelopes.
    pub recipients_per_message: Option<u32>,
    /// Connections at the same time; the program's own bound holds besides.
    pub connections: Option<u32>,
}

/// Limits as somebody gave them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LimitsInput {
    /// Messages within any minute.
    pub messages_per_minute: Option<i64>,
    /// Messages within any 24 hours.
    pub messages_per_day: Option<i64>,
    /// Recipients of one message.
    pub recipients_per_message: Option<i64>,
    /// Connections at the same time.
    pub connections: Option<i64>,
}

impl Limits {
    /// Parses what somebody gave.
    ///
    /// # Errors
    ///
    /// Every refused field: `out_of_range`.
    pub fn parse(input: LimitsInput) -> Result<Self, FieldErrors> {
        let mut errors = FieldErrors::default();
        let mut parse = |name: LimitName, given: Option<i64>| {
            errors.note(format!("/{}", name.as_str()), given.map(|it| name.parse(it)).transpose())
        };
        let per_minute = parse(LimitName::MessagesPerMinute, input.messages_per_minute);
        let per_day = parse(LimitName::MessagesPerDay, input.messages_per_day);
        let recipients = parse(LimitName::RecipientsPerMessage, input.recipients_per_message);
        let connections = parse(LimitName::Connections, input.connections);
        errors.or(Some(Self {
            messages_per_minute: per_minute.flatten(),
            messages_per_day: per_day.flatten(),
            recipients_per_message: recipients.flatten(),
            connections: connections.flatten(),
        }))
    }

    /// What the catalogue knows of whoever sends from `from` through `host`.
    ///
    /// Only what holds for certain: a limit of some plans is no limit of all accounts. A service's
    /// own day is taken for any 24 hours. Recipients within a day or a minute bound messages too,
    /// for each has one at least.
    pub fn known(host: &SmtpHost, from: &EmailAddress) -> Self {
        let Some(service) = provider::of_host(host) else { return Self::default() };
        let at_its_own = service.has_mailboxes_at(from.domain());
        let certain = |limit: &&Limit| limit.whose.includes(at_its_own);
        let lowest = |name: LimitName| {
            let of_name = |limit: &Limit| {
                let (counted, times) = translated(limit)?;
                (counted == name).then(|| limit.most.saturating_mul(times))
            };
            service.limits.iter().filter(certain).filter_map(of_name).min()
        };
        Self {
            messages_per_minute: lowest(LimitName::MessagesPerMinute),
            messages_per_day: lowest(LimitName::MessagesPerDay),
            recipients_per_message: lowest(LimitName::RecipientsPerMessage),
            connections: lowest(LimitName::Connections),
        }
    }

    /// What counts: what is set here, and otherwise what is `known`.
    #[must_use]
    pub fn or(self, known: Self) -> Self {
        Self {
            messages_per_minute: self.messages_per_minute.or(known.messages_per_minute),
            messages_per_day: self.messages_per_day.or(known.messages_per_day),
            recipients_per_message: self.recipients_per_message.or(known.recipients_per_message),
            connections: self.connections.or(known.connections),
        }
    }

    /// One of them.
    pub const fn get(&self, name: LimitName) -> Option<u32> {
        match name {
            LimitName::MessagesPerMinute => self.messages_per_minute,
            LimitName::MessagesPerDay => self.messages_per_day,
            LimitName::RecipientsPerMessage => self.recipients_per_message,
            LimitName::Connections => self.connections,
        }
    }

    /// How far apart messages leave, on average.
    ///
    /// A message may leave once it is at most [`PACE_AHEAD`] ahead of its time. So that no minute
    /// sees more than its limit all the same, the limit is spread over a minute and that much more.
    pub fn pace(&self) -> Option<Duration> {
        // A little more than the quotient: as many steps must not fit in, to the microsecond.
        let step = |most| (MINUTE + PACE_AHEAD) / most + Duration::from_micros(1);
        self.messages_per_minute.map(step)
    }
}

/// What a row of the catalogue says of a sender's limits, and how often its count fits in.
const fn translated(limit: &Limit) -> Option<(LimitName, u32)> {
    match (limit.on, limit.per) {
        (LimitOn::Messages | LimitOn::Recipients, LimitPer::Second) => {
            Some((LimitName::MessagesPerMinute, 60))
        }
        (LimitOn::Messages | LimitOn::Recipients, LimitPer::Minute) => {
            Some((LimitName::MessagesPerMinute, 1))
        }
        (LimitOn::Messages | LimitOn::Recipients, LimitPer::Day | LimitPer::Rolling24Hours) => {
            Some((LimitName::MessagesPerDay, 1))
        }
        (LimitOn::Recipients, LimitPer::Message) => Some((LimitName::RecipientsPerMessage, 1)),
        (LimitOn::Connections, LimitPer::Once) => Some((LimitName::Connections, 1)),
        (LimitOn::Messages, LimitPer::Message | LimitPer::Once)
        | (LimitOn::Recipients, LimitPer::Once)
        | (
            LimitOn::Connections,
            LimitPer::Message
            | LimitPer::Second
            | LimitPer::Minute
            | LimitPer::Day
            | LimitPer::Rolling24Hours,
        )
        | (LimitOn::Bytes, _) => None,
    }
}

/// How long a lane waits whose server has said `earlier` times in a row before that the quota is
/// spent, and each time to wait for `said`: twice as long each time, at most a day.
pub fn quota_wait(said: Duration, earlier: u32) -> Duration {
    said.saturating_mul(2_u32.saturating_pow(earlier.min(16))).min(DAY.max(said))
}
