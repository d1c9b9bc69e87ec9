//! What becomes of a message after an attempt: pure tables.
//!
//! The mailer reports an [`AttemptOutcome`]; [`decide`] turns it into a [`Disposition`]: what each
//! recipient's status is, when to try again, and what it means for the lane and the sender. A
//! server's "no" to the settings (sign-in, From) never costs a message anything.

use std::time::Duration;

use crate::{
    message::{MessageStatus, OnUncertain, RecipientStatus},
    reply::{EnhancedCode, Reply},
    sender::PauseReason,
    test_run::Cause,
    words::words,
};

/// How one attempt ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AttemptOutcome {
    /// Each recipient that was tried got a last answer, in the order in which they were tried:
    /// its refusal at `RCPT`, or the server's word after the final dot.
    Answered(Vec<Reply>),
    /// The server refused to let us in.
    AuthRefused(Reply),
    /// The server refused the From address at `MAIL`, for now or for good.
    FromRefused(Reply),
    /// This server can never take this message as it is.
    Unsendable(Cause),
    /// The conversation did not begin, or broke before the message's last octet was written.
    NotSent(Cause),
    /// The conversation broke after the last octet was written: nobody knows.
    Unknown(Cause),
}

words! {
    /// How an attempt ended, in one word, as its message's history keeps it.
    AttemptWord {
        /// The server took it for every recipient that was tried.
        Accepted = "accepted",
        /// The server took it for some of them.
        PartlyAccepted = "partly_accepted",
        /// The server asked to try later.
        Deferred = "deferred",
        /// The account's quota was spent.
        Held = "held",
        /// The server refused it for good.
        Rejected = "rejected",
        /// The server refused to let us in.
        AuthRefused = "auth_refused",
        /// The server refused the From address.
        FromRefused = "from_refused",
        /// It never left.
        NotSent = "not_sent",
        /// The conversation broke after the last octet: nobody knows.
        Uncertain = "uncertain",
        /// The worker died or lost its lease in the middle: nobody knows.
        WorkerLost = "worker_lost",
    }
}

/// What is known about the attempt that just ended.
#[derive(Clone, Copy, Debug)]
pub struct Attempt {
    /// How many attempts have counted, this one included: 1 for the first.
    pub number: u32,
    /// Since when the message is being tried, to now.
    pub tried_for: Duration,
    /// What the caller wants when nobody knows.
    pub on_uncertain: OnUncertain,
    /// A random number from 0 to 1 that spreads retries.
    pub jitter: f64,
}

/// What becomes of the recipients that were tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fates {
    /// The same for all.
    All(RecipientStatus),
    /// One each, in the order in which they were tried.
    Each(Vec<RecipientStatus>),
}

impl Fates {
    /// The fate of the recipient at `index`.
    pub fn of(&self, index: usize) -> RecipientStatus {
        match self {
            Self::All(status) => *status,
            Self::Each(each) => each.get(index).copied().unwrap_or(RecipientStatus::Queued),
        }
    }
}

/// What an attempt means for the other messages of the sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LaneEffect {
    /// Nothing: go on.
    GoOn,
    /// The server or the way to it is in trouble: back off, growing with each time.
    BackOff,
    /// The account's quota is spent: wait this long.
    Hold(Duration),
}

/// What an attempt says about the sender.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SenderEffect {
    /// Nothing.
    Nothing,
    /// Its server works.
    Worked,
    /// The attempt failed at its server.
    Failed,
    /// Its settings are refused: stop, keep the queue, tell the tenant.
    Pause(PauseReason),
}

/// What becomes of a message after an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disposition {
    /// The fate of the recipients that were tried.
    pub fates: Fates,
    /// How long to wait before the message's next attempt, if there is one.
    pub retry_after: Option<Duration>,
    /// Whether the attempt counts towards the message's back-off.
    pub counts: bool,
    /// What it means for the lane.
    pub lane: LaneEffect,
    /// What it means for the sender.
    pub sender: SenderEffect,
}

/// First wait after a temporary refusal.
pub const FIRST_RETRY: Duration = Duration::from_secs(30);
/// Longest wait between attempts.
pub const LONGEST_RETRY: Duration = Duration::from_secs(4 * 60 * 60);
/// How long a message is tried before it expires.
pub const LONGEST_TRYING: Duration = Duration::from_secs(3 * 24 * 60 * 60);

/// 30 s · 2^(n-1), ±10 %, at most 4 h.
pub fn back_off(number: u32, jitter: f64) -> Duration {
    let doubled =
        FIRST_RETRY.saturating_mul(2_u32.saturating_pow(number.saturating_sub(1).min(16)));
    doubled.min(LONGEST_RETRY).mul_f64(0.9 + 0.2 * jitter.clamp(0.0, 1.0))
}

/// What a last answer means for one recipient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The server has it.
    Accepted,
    /// Try again later.
    TryLater,
    /// The account's quota is spent: try again after this long.
    QuotaSpent(Duration),
    /// The From address is not the account's to use.
    FromNotAllowed,
    /// We are not signed in, as the server sees it.
    NotSignedIn,
    /// No, for good.
    Rejected,
}

const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A refusal that does not mean what its code says, and where that is documented.
struct Exception {
    code: u16,
    enhanced: Option<EnhancedCode>,
    words: &'static str,
    verdict: Verdict,
}

const fn exception(
    code: u16,
    enhanced: Option<EnhancedCode>,
    words: &'static str,
    verdict: Verdict,
) -> Exception {
    Exception { code, enhanced, words, verdict }
}

/// Permanent codes that are not about the message: quotas, the From address, a lost sign-in.
const EXCEPTIONS: &[Exception] = &[
    // Gmail, "Daily user sending limit exceeded": a rolling window, so look again each hour.
    exception(550, Some(EnhancedCode(5, 4, 5)), "", Verdict::QuotaSpent(HOUR)),
    exception(552, Some(EnhancedCode(5, 4, 5)), "", Verdict::QuotaSpent(HOUR)),
    // Exchange Online, recipient quota of a mailbox: 24 hours.
    exception(554, None, "SubmissionQuotaExceeded", Verdict::QuotaSpent(DAY)),
    // Exchange Online, From is not the mailbox that signed in.
    exception(550, Some(EnhancedCode(5, 7, 60)), "", Verdict::FromNotAllowed),
    exception(554, None, "SendAsDenied", Verdict::FromNotAllowed),
    // Postfix (reject_sender_login_mismatch answers at RCPT) and Yandex.
    exception(553, Some(EnhancedCode(5, 7, 1)), "not owned by", Verdict::FromNotAllowed),
    // Exchange Online and Postfix, the sign-in is missing.
    exception(530, None, "", Verdict::NotSignedIn),
    exception(550, Some(EnhancedCode(5, 7, 57)), "", Verdict::NotSignedIn),
];

/// What `reply`, a last answer to a recipient or to the content, means.
pub fn verdict(reply: &Reply) -> Verdict {
    let listed = EXCEPTIONS.iter().find(|row| {
        row.code == reply.code
            && row.enhanced.is_none_or(|enhanced| reply.enhanced == Some(enhanced))
            && reply.says(row.words)
    });
    match listed {
        Some(row) => row.verdict,
        None if reply.is_positive() => Verdict::Accepted,
        None if reply.is_permanent() => Verdict::Rejected,
        // 4yz, and replies that make no sense at this point: try again.
        None => Verdict::TryLater,
    }
}

/// What becomes of a message whose attempt ended with `outcome`.
pub fn decide(outcome: &AttemptOutcome, attempt: &Attempt) -> Disposition {
    match outcome {
        AttemptOutcome::Answered(replies) => answered(replies, attempt),
        AttemptOutcome::AuthRefused(reply) if reply.is_permanent() => {
            pause(PauseReason::AuthRefused)
        }
        AttemptOutcome::FromRefused(reply) => match verdict(reply) {
            Verdict::QuotaSpent(wait) => hold(wait),
            Verdict::NotSignedIn => pause(PauseReason::AuthRefused),
            // 552 at MAIL is about the size that we announced (RFC 1870), 555 about a parameter:
            // this message's trouble, not the From address's.
            Verdict::Rejected if matches!(reply.code, 552 | 555) => rejected(SenderEffect::Worked),
            Verdict::FromNotAllowed | Verdict::Rejected => pause(PauseReason::FromRefused),
            Verdict::Accepted | Verdict::TryLater if reply.code == 421 => back_to_queue(),
            Verdict::Accepted | Verdict::TryLater => later(attempt, SenderEffect::Failed),
        },
        AttemptOutcome::Unsendable(_) => rejected(SenderEffect::Nothing),
        AttemptOutcome::AuthRefused(_) | AttemptOutcome::NotSent(_) => back_to_queue(),
        AttemptOutcome::Unknown(_) => match attempt.on_uncertain {
            OnUncertain::Resend => {
                let again = later(attempt, SenderEffect::Failed);
                Disposition { lane: LaneEffect::BackOff, ..again }
            }
            OnUncertain::Wait => Disposition {
                fates: Fates::All(RecipientStatus::Uncertain),
                retry_after: None,
                counts: true,
                lane: LaneEffect::BackOff,
                sender: SenderEffect::Failed,
            },
        },
    }
}

fn answered(replies: &[Reply], attempt: &Attempt) -> Disposition {
    let verdicts: Vec<_> = replies.iter().map(verdict).collect();
    if let Some(&Verdict::QuotaSpent(wait)) =
        verdicts.iter().find(|v| matches!(v, Verdict::QuotaSpent(_)))
    {
        return Disposition { fates: each(&verdicts, attempt), ..hold(wait) };
    }
    let reason = if verdicts.contains(&Verdict::FromNotAllowed) {
        Some(PauseReason::FromRefused)
    } else if verdicts.contains(&Verdict::NotSignedIn) {
        Some(PauseReason::AuthRefused)
    } else {
        None
    };
    if let Some(reason) = reason {
        return Disposition { fates: each(&verdicts, attempt), ..pause(reason) };
    }
    let server_closes = replies.iter().any(|reply| reply.code == 421);
    let waits = verdicts.contains(&Verdict::TryLater);
    let wait = back_off(attempt.number, attempt.jitter);
    Disposition {
        fates: each(&verdicts, attempt),
        retry_after: (waits && !is_over(attempt, wait)).then_some(wait),
        counts: true,
        lane: if server_closes { LaneEffect::BackOff } else { LaneEffect::GoOn },
        sender: if server_closes { SenderEffect::Failed } else { SenderEffect::Worked },
    }
}

fn each(verdicts: &[Verdict], attempt: &Attempt) -> Fates {
    let over = is_over(attempt, back_off(attempt.number, attempt.jitter));
    let fate = |verdict: &Verdict| match verdict {
        Verdict::Accepted => RecipientStatus::Accepted,
        Verdict::TryLater if over => RecipientStatus::Expired,
        Verdict::TryLater => RecipientStatus::Deferred,
        Verdict::QuotaSpent(_) | Verdict::FromNotAllowed | Verdict::NotSignedIn => {
            RecipientStatus::Queued
        }
        Verdict::Rejected => RecipientStatus::Rejected,
    };
    Fates::Each(verdicts.iter().map(fate).collect())
}

fn is_over(attempt: &Attempt, wait: Duration) -> bool {
    attempt.tried_for + wait > LONGEST_TRYING
}

fn pause(reason: PauseReason) -> Disposition {
    Disposition {
        fates: Fates::All(RecipientStatus::Queued),
        retry_after: Some(Duration::ZERO),
        counts: false,
        lane: LaneEffect::GoOn,
        sender: SenderEffect::Pause(reason),
    }
}

fn hold(wait: Duration) -> Disposition {
    Disposition {
        fates: Fates::All(RecipientStatus::Queued),
        retry_after: Some(wait),
        counts: false,
        lane: LaneEffect::Hold(wait),
        sender: SenderEffect::Nothing,
    }
}

fn back_to_queue() -> Disposition {
    Disposition {
        fates: Fates::All(RecipientStatus::Queued),
        retry_after: Some(Duration::ZERO),
        counts: false,
        lane: LaneEffect::BackOff,
        sender: SenderEffect::Failed,
    }
}

fn rejected(sender: SenderEffect) -> Disposition {
    Disposition {
        fates: Fates::All(RecipientStatus::Rejected),
        retry_after: None,
        counts: true,
        lane: LaneEffect::GoOn,
        sender,
    }
}

fn later(attempt: &Attempt, sender: SenderEffect) -> Disposition {
    let wait = back_off(attempt.number, attempt.jitter);
    let over = is_over(attempt, wait);
    Disposition {
        fates: Fates::All(if over { RecipientStatus::Expired } else { RecipientStatus::Deferred }),
        retry_after: (!over).then_some(wait),
        counts: true,
        lane: LaneEffect::GoOn,
        sender,
    }
}

/// The status of a message whose recipients stand as `recipients`, `held` by a quota or not.
pub fn fold(recipients: &[RecipientStatus], held: bool) -> MessageStatus {
    let any = |status| recipients.contains(&status);
    if any(RecipientStatus::Uncertain) {
        MessageStatus::Uncertain
    } else if any(RecipientStatus::Queued) && held {
        MessageStatus::Held
    } else if any(RecipientStatus::Deferred) {
        MessageStatus::Deferred
    } else if any(RecipientStatus::Queued) {
        MessageStatus::Queued
    } else if recipients.iter().all(|&status| status == RecipientStatus::Accepted) {
        MessageStatus::Accepted
    } else if any(RecipientStatus::Accepted) {
        MessageStatus::PartlyAccepted
    } else if any(RecipientStatus::Rejected) {
        MessageStatus::Rejected
    } else if any(RecipientStatus::Expired) {
        MessageStatus::Expired
    } else {
        MessageStatus::Cancelled
    }
}

#[cfg(test)]
mod tests;
