//! Why a message stands where it stands, in one plain sentence.
//!
//! A status says where; a message that waits does so for one of many reasons, and a person wants to
//! know which. [`explain`] picks the first that applies; the portal has words of its own for each.

use chrono::{DateTime, Utc};

use crate::{limit::HoldReason, message::MessageStatus, sender::PauseReason, words::words};

#[cfg(test)]
mod tests;

words! {
    /// Why a message stands where it stands.
    Explanation {
        /// The operator holds the whole queue.
        QueueHeld = "queue_held",
        /// The operator suspended the tenant.
        Suspended = "suspended",
        /// No settings of the sender are proven.
        Untested = "untested",
        /// Somebody paused the sender.
        Paused = "paused",
        /// The sender is paused: its sign-in is refused.
        AuthRefused = "auth_refused",
        /// The sender is paused: its From address is refused.
        FromRefused = "from_refused",
        /// The sender is paused: its password cannot be opened.
        SecretUnreadable = "secret_unreadable",
        /// Its caller wants it to leave later.
        Scheduled = "scheduled",
        /// The sender's limit for a day is reached.
        DailyLimit = "daily_limit",
        /// The server said that the account's quota is spent.
        Quota = "quota",
        /// The server or the way to it is in trouble.
        ServerTrouble = "server_trouble",
        /// The sender's limit for a minute is reached.
        MinuteLimit = "minute_limit",
        /// Other messages come first.
        ItsTurn = "its_turn",
        /// It is on its way.
        Sending = "sending",
        /// The server took it for everybody.
        Accepted = "accepted",
        /// The server took it for some.
        PartlyAccepted = "partly_accepted",
        /// The server asked to try later.
        Deferred = "deferred",
        /// The server refused it for good.
        Rejected = "rejected",
        /// Nobody knows.
        Uncertain = "uncertain",
        /// Somebody cancelled it.
        Cancelled = "cancelled",
        /// It was not accepted in time.
        Expired = "expired",
    }
}

/// What is known about a message and what it waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is one thing that may stand in the way")]
pub struct Standing {
    /// Where the message stands.
    pub status: MessageStatus,
    /// Whether the operator holds the whole queue.
    pub queue_is_held: bool,
    /// Whether the operator suspended the tenant.
    pub is_suspended: bool,
    /// Whether nothing of the sender's settings is live.
    pub is_untested: bool,
    /// Why the sender is paused, if it is.
    pub pause: Option<PauseReason>,
    /// Whether its caller wants it to leave later than now.
    pub is_scheduled: bool,
    /// Why the sender's mail is held now, if it is.
    pub hold: Option<HoldReason>,
    /// Whether the sender's mail waits now because its server is in trouble.
    pub backs_off: bool,
    /// Whether the sender's mail waits now for its limit a minute.
    pub is_paced: bool,
}

/// The reason why a message stands where it stands: of several, the one that a person has to know of
/// first.
pub fn explain(standing: &Standing) -> Explanation {
    match standing.status {
        MessageStatus::Queued | MessageStatus::Deferred | MessageStatus::Held => {
            waits_for(standing)
        }
        MessageStatus::Sending => Explanation::Sending,
        MessageStatus::Accepted => Explanation::Accepted,
        MessageStatus::PartlyAccepted => Explanation::PartlyAccepted,
        MessageStatus::Rejected => Explanation::Rejected,
        MessageStatus::Uncertain => Explanation::Uncertain,
        MessageStatus::Cancelled => Explanation::Cancelled,
        MessageStatus::Expired => Explanation::Expired,
    }
}

fn waits_for(standing: &Standing) -> Explanation {
    let is = |reason| standing.pause == Some(reason);
    let is_held = |reason| standing.hold == Some(reason);
    let hindrances = [
        (standing.queue_is_held, Explanation::QueueHeld),
        (standing.is_suspended, Explanation::Suspended),
        (is(PauseReason::SecretUnreadable), Explanation::SecretUnreadable),
        (is(PauseReason::AuthRefused), Explanation::AuthRefused),
        (is(PauseReason::FromRefused), Explanation::FromRefused),
        (is(PauseReason::ByHand), Explanation::Paused),
        (standing.is_untested, Explanation::Untested),
        (standing.is_scheduled, Explanation::Scheduled),
        (is_held(HoldReason::DailyLimit), Explanation::DailyLimit),
        (is_held(HoldReason::Quota), Explanation::Quota),
        (standing.status == MessageStatus::Held, Explanation::Quota),
        (standing.backs_off, Explanation::ServerTrouble),
        (standing.status == MessageStatus::Deferred, Explanation::Deferred),
        (standing.is_paced, Explanation::MinuteLimit),
    ];
    let first = hindrances.into_iter().find(|(applies, _)| *applies);
    first.map_or(Explanation::ItsTurn, |(_, explanation)| explanation)
}

impl Explanation {
    /// The sentence. `at` is when the message may be tried next, if that is known; `last_reply` is
    /// the server's last answer, if it matters.
    pub fn sentence(self, at: Option<DateTime<Utc>>, last_reply: Option<&str>) -> String {
        let (until_then, otherwise) = self.words();
        let mut sentence = match at.filter(|_| !until_then.is_empty()) {
            Some(at) => format!("{until_then} {}.", at.format("%H:%M UTC on %-d %B %Y")),
            None => otherwise.to_owned(),
        };
        if let Some(reply) = last_reply {
            sentence.push_str(" The server's last answer: ");
            sentence.push_str(reply);
        }
        sentence
    }

    /// The sentence up to a time, if one belongs into it, and the sentence without.
    const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::QueueHeld => {
                ("", "The operator holds all mail back; the message waits until that ends.")
            }
            Self::Suspended => {
                ("", "The operator suspended this account; the message waits until that ends.")
            }
            Self::Untested => {
                ("", "No SMTP settings have passed a test yet; the message leaves once some have.")
            }
            Self::Paused => ("", "Sending is paused; the message waits until somebody resumes it."),
            Self::AuthRefused => (
                "",
                "Sending is paused, for the mail server refused the sign-in; the message leaves once \
                 the settings pass a test.",
            ),
            Self::FromRefused => (
                "",
                "Sending is paused, for the mail server refused the sender's address; the message \
                 leaves once the settings pass a test.",
            ),
            Self::SecretUnreadable => (
                "",
                "Sending is paused, for the stored password cannot be opened; the message leaves once \
                 it is typed again and the settings pass a test.",
            ),
            Self::Scheduled => (
                "As you wished, the message does not leave before",
                "As you wished, the message leaves later.",
            ),
            Self::DailyLimit => (
                "As many messages as this sender may send in 24 hours have left; the message waits \
                 until about",
                "As many messages as this sender may send in 24 hours have left; the message waits.",
            ),
            Self::Quota => (
                "The mail account's limit is reached; the message waits until about",
                "The mail account's limit is reached; the message waits for its reset.",
            ),
            Self::ServerTrouble => (
                "The mail server could not be used; the message is tried again at about",
                "The mail server could not be used; the message is tried again.",
            ),
            Self::MinuteLimit => (
                "",
                "As many messages as this sender may send in a minute have left; the message waits \
                 for its turn.",
            ),
            Self::ItsTurn => ("", "The message waits for its turn."),
            Self::Sending => ("", "The message is being handed to the mail server."),
            Self::Accepted => ("", "The mail server accepted the message for every recipient."),
            Self::PartlyAccepted => {
                ("", "The mail server accepted the message for some recipients and refused others.")
            }
            Self::Deferred => (
                "The mail server could not take the message yet; it is tried again at about",
                "The mail server could not take the message yet; it is tried again.",
            ),
            Self::Rejected => ("", "The mail server refused the message for good."),
            Self::Uncertain => (
                "",
                "Nobody knows whether the mail server accepted the message: the connection broke \
                 before it said so, or the queue was restored from a backup.",
            ),
            Self::Cancelled => {
                ("", "The message was cancelled before the mail server accepted it.")
            }
            Self::Expired => ("", "The message was not accepted in time and is no longer tried."),
        }
    }
}
