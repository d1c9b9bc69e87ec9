//! A sender's limits, and the queue that waits for them.

use chrono::{DateTime, TimeDelta, Utc};
use letterhead_domain::{
    access::Scope,
    limit::{HoldReason, Limits, LimitsInput, in_words},
};
use letterhead_storage::record::{Hold, OutcomeCounts, SenderQueue, SenderRecord};
use poem::web::Data;
use poem_openapi::{Object, OpenApi, param::Path, payload::Json, types::Example};

use super::{super::Tag, SenderFound};
use crate::{
    app::{App, access, senders},
    http::{auth::SignedIn, body::Body, error::ApiError, limits::SMALL_BODY, text::Word},
};

/// The operations on a sender's limits and queue.
pub(in crate::http) struct SenderLimitsApi;

/// The limits of a sender. What is `null` or left out is the mail service's own, if it is known.
#[derive(Object)]
#[oai(deny_unknown_fields, example)]
struct PutLimits {
    /// Messages within any minute, 1 to 100,000
    #[oai(nullable)]
    messages_per_minute: Option<i64>,
    /// Messages within any 24 hours, 1 to 100,000,000
    #[oai(nullable)]
    messages_per_day: Option<i64>,
    /// Recipients of one message, 1 to 10,000; more go in several envelopes
    #[oai(nullable)]
    recipients_per_message: Option<i64>,
    /// Connections at the same time, 1 to 100; the operator's own bound holds besides
    #[oai(nullable)]
    connections: Option<i64>,
}

impl Example for PutLimits {
    fn example() -> Self {
        Self {
            messages_per_minute: Some(30),
            messages_per_day: Some(2_000),
            recipients_per_message: None,
            connections: None,
        }
    }
}

impl From<PutLimits> for LimitsInput {
    fn from(given: PutLimits) -> Self {
        Self {
            messages_per_minute: given.messages_per_minute,
            messages_per_day: given.messages_per_day,
            recipients_per_message: given.recipients_per_message,
            connections: given.connections,
        }
    }
}

/// Four limits; `null` is none, or none that is known.
#[derive(Object)]
#[oai(rename = "Limits")]
struct LimitsView {
    /// Messages within any minute
    #[oai(nullable)]
    messages_per_minute: Option<u32>,
    /// Messages within any 24 hours
    #[oai(nullable)]
    messages_per_day: Option<u32>,
    /// Recipients of one message
    #[oai(nullable)]
    recipients_per_message: Option<u32>,
    /// Connections at the same time
    #[oai(nullable)]
    connections: Option<u32>,
}

impl From<Limits> for LimitsView {
    fn from(limits: Limits) -> Self {
        Self {
            messages_per_minute: limits.messages_per_minute,
            messages_per_day: limits.messages_per_day,
            recipients_per_message: limits.recipients_per_message,
            connections: limits.connections,
        }
    }
}

/// How much may leave through a sender.
#[derive(Object)]
pub(super) struct SenderLimits {
    /// What was set
    set: LimitsView,
    /// What the mail service is known for
    known: LimitsView,
    /// What counts: what was set, and otherwise what is known
    counts: LimitsView,
}

impl From<&SenderRecord> for SenderLimits {
    fn from(record: &SenderRecord) -> Self {
        Self {
            set: record.limits.into(),
            known: record.known_limits().into(),
            counts: record.counting_limits().into(),
        }
    }
}

/// Why and until when a sender's mail waits although its settings work.
#[derive(Object)]
#[oai(rename = "Hold")]
pub(super) struct HoldView {
    /// Until when
    until: DateTime<Utc>,
    /// `daily_limit`: as many messages left as the limit says; `quota`: the mail server said so
    reason: Word<HoldReason>,
}

impl From<Hold> for HoldView {
    fn from(hold: Hold) -> Self {
        Self { until: hold.until, reason: hold.reason.into() }
    }
}

/// What waits at a sender, and what became of what was tried.
#[derive(Object)]
struct Queue {
    /// Messages that wait, those that are to leave later among them; counted up to 100,000
    waiting: u64,
    /// Whether there are more of them than were counted
    more_wait: bool,
    /// When the oldest was taken over of those that are due first, one of each kind
    #[oai(nullable)]
    oldest_waiting_at: Option<DateTime<Utc>>,
    /// Why and until when all of them wait, if a limit is reached
    #[oai(nullable)]
    hold: Option<HoldView>,
    /// How long what waits takes at the limits that count; `null` where nothing limits or waits
    #[oai(nullable)]
    forecast: Option<ForecastView>,
    /// Tries since midnight UTC
    today: Outcomes,
    /// Tries of the last 30 days
    last_30_days: Outcomes,
}

/// How long what waits takes, if nothing but the limits stands in its way.
#[derive(Object)]
#[oai(rename = "Forecast")]
struct ForecastView {
    /// In how many seconds the last message has left
    seconds: u64,
    /// When that is
    through_at: DateTime<Utc>,
    /// The same in a few words
    sentence: String,
}

/// Tries by what became of them.
#[derive(Object)]
struct Outcomes {
    /// The mail server accepted the message, for some of its recipients at least
    accepted: u64,
    /// It asked to try later, or the account's quota was spent
    deferred: u64,
    /// It refused the message for good
    rejected: u64,
    /// Nobody knows whether it accepted the message
    uncertain: u64,
}

impl From<OutcomeCounts> for Outcomes {
    fn from(counts: OutcomeCounts) -> Self {
        let OutcomeCounts { accepted, deferred, rejected, uncertain } = counts;
        Self { accepted, deferred, rejected, uncertain }
    }
}

impl Queue {
    fn of(sender: &SenderRecord, queue: &SenderQueue) -> Self {
        let forecast = senders::forecast(sender, queue).map(|through_in| ForecastView {
            seconds: through_in.as_secs(),
            through_at: TimeDelta::from_std(through_in)
                .ok()
                .and_then(|length| queue.at.checked_add_signed(length))
                .unwrap_or(DateTime::<Utc>::MAX_UTC),
            sentence: in_words(queue.waiting, queue.more_wait, through_in),
        });
        Self {
            waiting: queue.waiting,
            more_wait: queue.more_wait,
            oldest_waiting_at: queue.oldest_waiting_at,
            hold: sender.hold.map(Into::into),
            forecast,
            today: queue.today.into(),
            last_30_days: queue.last_30_days.into(),
        }
    }
}

#[OpenApi(prefix_path = "/v1", tag = "Tag::Senders")]
impl SenderLimitsApi {
    /// Set a sender's limits
    ///
    /// All four at once. They count from the next message on; no version is made and nothing has to be
    /// tested again.
    #[oai(
        path = "/tenants/:tenant/senders/:sender/limits",
        method = "put",
        operation_id = "setSenderLimits"
    )]
    async fn set(
        &self,
        app: Data<&App>,
        key: SignedIn,
        /// The tenant's id, its slug, or `self`
        tenant: Path<String>,
        /// The sender's id or slug
        sender: Path<String>,
        body: Body<PutLimits>,
    ) -> Result<SenderFound, ApiError> {
        let caller = access::enter(&app, &key.0, &tenant).await?;
        let record = senders::load(&app, &caller, &sender).await?;
        caller.require(Scope::SettingsWrite)?;
        let input = body.parse(SMALL_BODY).await?.value.into();
        Ok(senders::replace_limits(&app, &caller, &record, input).await?.into())
    }

    /// Load a sender's queue
    ///
    /// What waits and how long that takes at the sender's limits, and how many tries ended how.
    #[oai(
        path = "/tenants/:tenant/senders/:sender/queue",
        method = "get",
        operation_id = "loadSenderQueue"
    )]
    async fn queue(
        &self,
        app: Data<&App>,
        key: SignedIn,
        /// The tenant's id, its slug, or `self`
        tenant: Path<String>,
        /// The sender's id or slug
        sender: Path<String>,
    ) -> Result<Json<Queue>, ApiError> {
        let caller = access::enter(&app, &key.0, &tenant).await?;
        let record = senders::load(&app, &caller, &sender).await?;
        caller.require(Scope::MessagesRead)?;
        let queue = senders::queue(&app, &caller, &record).await?;
        Ok(Json(Queue::of(&record, &queue)))
    }
}
