//! Messages with their recipients and attempts, and the lanes on which they leave.

use std::time::Duration;

use chrono::{DateTime, Utc};
pub use letterhead_domain::delivery::AttemptWord;
use letterhead_domain::{
    email::EmailAddress,
    explanation::Explanation,
    id::{AttemptId, LeaseToken, MessageId, RecipientId, SenderId, TenantId},
    limit::Limits,
    message::{Mailbox, MessageKind, MessageStatus, OnUncertain, RecipientRole, RecipientStatus},
    sender::VersionNumber,
    slug::Slug,
    text::{Reference, Subject},
};

/// A message as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageRecord {
    /// Its id.
    pub id: MessageId,
    /// The sender through which it leaves.
    pub sender: SenderId,
    /// That sender's slug.
    pub sender_slug: Slug,
    /// What it is for.
    pub kind: MessageKind,
    /// The caller's own reference.
    pub reference: Option<Reference>,
    /// Its subject.
    pub subject: Subject,
    /// Where answers go, if not where the sender says.
    pub reply_to: Option<EmailAddress>,
    /// Where it stands; `held` also while all of its sender's mail waits for a quota.
    pub status: MessageStatus,
    /// Why it stands there.
    pub explanation: Explanation,
    /// Its `Message-ID` header, angle brackets included.
    pub header_id: String,
    /// Text, HTML and decoded attachments, in bytes.
    pub size: u64,
    /// What happens when nobody knows.
    pub on_uncertain: OnUncertain,
    /// Not before this time, as the caller wished.
    pub send_at: Option<DateTime<Utc>>,
    /// When it may be tried next; `None` when it does not wait, or waits for its sender.
    pub next_attempt_at: Option<DateTime<Utc>>,
    /// Attempts that count towards its back-off.
    pub attempts_counted: u32,
    /// What its server said last.
    pub last_reply: Option<String>,
    /// When it was accepted.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
    /// Everybody who gets it, in the order given.
    pub recipients: Vec<RecipientRecord>,
    /// Every try to hand it over, newest last.
    pub attempts: Vec<AttemptRecord>,
}

/// One recipient of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecipientRecord {
    /// Its id.
    pub id: RecipientId,
    /// Which header names it.
    pub role: RecipientRole,
    /// Who it is.
    pub mailbox: Mailbox,
    /// Where the message stands for it.
    pub status: RecipientStatus,
    /// What the server last said about it.
    pub last_reply: Option<String>,
}

/// One try to hand a message to its server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttemptRecord {
    /// Its id.
    pub id: AttemptId,
    /// 1 for a message's first.
    pub number: u32,
    /// The settings version that was used.
    pub version: VersionNumber,
    /// Who tried.
    pub worker: String,
    /// When the message was marked.
    pub started_at: DateTime<Utc>,
    /// When the result was recorded; `None` while it is under way.
    pub finished_at: Option<DateTime<Utc>>,
    /// How it ended; `None` while it is under way.
    pub outcome: Option<AttemptWord>,
    /// What the server said, or what stood in the way.
    pub reply: Option<String>,
}

/// What is known of a lane's server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LaneStanding {
    /// It was served lately, and its last slice went well.
    Known,
    /// Nobody knows whether its server answers: it was not served lately, or never.
    Unknown,
    /// Its last slice ended in trouble.
    InTrouble,
}

impl LaneStanding {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Known, Self::Unknown, Self::InTrouble];

    /// The word for it, such as `in_trouble`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Known => "known",
            Self::Unknown => "unknown",
            Self::InTrouble => "in_trouble",
        }
    }
}

/// A lane that a worker has leased.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeasedLane {
    /// Whose it is.
    pub tenant: TenantId,
    /// Which sender's.
    pub sender: SenderId,
    /// The lease: everything done on the lane names it.
    pub token: LeaseToken,
    /// What is known of its server.
    pub standing: LaneStanding,
    /// How many slices in a row ended in trouble.
    pub trouble: u32,
    /// How often in a row its server had said that the quota is spent.
    pub holds: u32,
    /// What may leave through the sender, as long as its live version is the same.
    pub limits: Limits,
    /// Whether a holder before left messages marked. Then, before the first mark, it is to be
    /// [taken over](crate::repo::lane::LaneRepo::take_over).
    pub is_left: bool,
    /// For how long it might have been served: since its earliest message was due, nothing held it
    /// back any more and its last slice was over, whichever came last.
    pub waited: Duration,
}

/// A message that a lost worker had marked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recovered {
    /// Its id.
    pub id: MessageId,
    /// `queued` if it is sent again, `uncertain` if it waits for a person.
    pub status: MessageStatus,
}

/// How much waits, over all tenants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueStats {
    /// Messages that wait, for whatever reason.
    pub waiting: u64,
    /// Messages that are marked: on their way, or about to be.
    pub sending: u64,
    /// For how long the message that is due longest has been due, of senders that may send.
    pub oldest_due_age: Option<Duration>,
}

/// How the queue of all tenants stands, as far as that is cheap to tell whatever waits in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueReading {
    /// Messages that wait, by their status; counted up to [`QueueReading::MOST_COUNTED`] together.
    pub waiting: [(MessageStatus, u64); 3],
    /// How many wait as the database's own statistics have it: as of its last vacuum or analysis.
    pub waiting_estimate: u64,
    /// Messages that are marked: on their way, or about to be.
    pub sending: u64,
    /// For how long the message that is due longest has been due, on lanes that may be served.
    pub oldest_due_age: Option<Duration>,
    /// Whether nothing leaves at all.
    pub is_held: bool,
    /// Lanes on which something waits, by what for.
    pub lanes: [(LaneWait, u64); LaneWait::ALL.len()],
}

impl QueueReading {
    /// Waiting messages that are counted at most, and no further.
    pub const MOST_COUNTED: u64 = 50_000;
}

/// What a lane waits for on which something waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LaneWait {
    /// A worker that has time: it may be served now.
    Due,
    /// Nothing: a worker serves it.
    Leased,
    /// The time at which its earliest message may be tried.
    Later,
    /// Another try of a server in trouble.
    BackingOff,
    /// The end of a quota of which its server spoke.
    Quota,
    /// Room in its limit a day.
    DailyLimit,
    /// Room in its limit a minute.
    MinuteLimit,
    /// A person: its sender is paused or not proven, or its tenant suspended.
    Blocked,
}

impl LaneWait {
    /// Every one.
    pub const ALL: [Self; 8] = [
        Self::Due,
        Self::Leased,
        Self::Later,
        Self::BackingOff,
        Self::Quota,
        Self::DailyLimit,
        Self::MinuteLimit,
        Self::Blocked,
    ];

    /// What it waits for in one word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Due => "due",
            Self::Leased => "leased",
            Self::Later => "later",
            Self::BackingOff => "backing_off",
            Self::Quota => "quota",
            Self::DailyLimit => "daily_limit",
            Self::MinuteLimit => "minute_limit",
            Self::Blocked => "blocked",
        }
    }
}

/// The hold that keeps everything from leaving.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueHold {
    /// Since when.
    pub since: DateTime<Utc>,
    /// What the operator wrote down about it.
    pub reason: Option<String>,
}
