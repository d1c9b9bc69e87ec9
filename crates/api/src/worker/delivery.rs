//! One marked message on its way: compose it, and decide what its outcome means.

use std::time::Duration;

use letterhead_domain::{
    delivery::{
        Attempt, AttemptOutcome, AttemptWord, Disposition, Fates, LaneEffect, SenderEffect, decide,
        fold,
    },
    id::MessageId,
    message::{MessageContent, MessageStatus, OnUncertain, OutgoingMail, RecipientStatus},
    reply::Reply,
    sender::PauseReason,
    smtp_settings::SmtpSettings,
    test_run::Cause,
};
use letterhead_mailer::{compose::compose, transport::Parcel};
use letterhead_storage::{
    error::StorageError,
    record::LeasedLane,
    repo::lane::{AttemptResult, MarkedMessage},
};
use tracing::{debug, warn};

use super::Worker;
use crate::random;

/// Most bytes of text that are composed on the spot: more would hold up all else on this thread,
/// heartbeats among it. Files are encoded while they leave, in pieces.
const MOST_TEXT: usize = 256 * 1024;

/// A message's result, with what it means beyond the message.
pub(super) struct Delivered {
    /// What is stored.
    pub(super) record: AttemptResult,
    lane: LaneEffect,
    sender: SenderEffect,
    reply: Option<Reply>,
}

/// What results mean for lane and sender together.
pub(super) struct Effects {
    pub(super) worked: bool,
    pub(super) failed: bool,
    pub(super) backs_off: bool,
    pub(super) hold: Option<Duration>,
    pub(super) pause: Option<(PauseReason, Option<Reply>)>,
}

impl Effects {
    pub(super) fn of(delivered: &[Delivered]) -> Self {
        let any = |effect: &SenderEffect| delivered.iter().any(|d| d.sender == *effect);
        Self {
            worked: any(&SenderEffect::Worked),
            failed: any(&SenderEffect::Failed),
            backs_off: delivered.iter().any(|d| d.lane == LaneEffect::BackOff),
            hold: delivered
                .iter()
                .filter_map(|d| if let LaneEffect::Hold(wait) = d.lane { Some(wait) } else { None })
                .max(),
            pause: delivered.iter().find_map(|d| match d.sender {
                SenderEffect::Pause(reason) => Some((reason, d.reply.clone())),
                SenderEffect::Nothing | SenderEffect::Worked | SenderEffect::Failed => None,
            }),
        }
    }
}

impl Worker {
    pub(super) async fn contents(
        &self,
        lane: &LeasedLane,
        ids: &[MessageId],
    ) -> Result<Vec<(MessageId, MessageContent)>, StorageError> {
        let load = async {
            let tx = self.app.store.tenant(lane.tenant).await?;
            tx.messages().load_contents(ids).await
        };
        self.app.store.in_time("load what messages say", load).await.flatten()
    }
}

/// Whether nothing more of the lane should leave after `outcome`.
pub(super) fn stops(outcome: &AttemptOutcome) -> bool {
    // What it means for lane and sender depends on nothing that is known of the attempt.
    let attempt = Attempt {
        number: 1,
        tried_for: Duration::ZERO,
        on_uncertain: OnUncertain::Resend,
        jitter: 0.5,
    };
    let disposition = decide(outcome, &attempt);
    disposition.lane != LaneEffect::GoOn || matches!(disposition.sender, SenderEffect::Pause(_))
}

/// What became of `message`, and what follows from it.
pub(super) fn judged(message: &MarkedMessage, outcome: &AttemptOutcome) -> Delivered {
    let attempt = Attempt {
        number: message.attempt_number,
        tried_for: message.tried_for,
        on_uncertain: message.on_uncertain,
        jitter: random::jitter(),
    };
    debug!(message.id = %message.id, attempt = message.attempt_number, ?outcome, "attempt ended");
    Delivered::new(message, outcome, decide(outcome, &attempt))
}

/// The mail of `message` with its envelope.
pub(super) async fn parcel(
    settings: &SmtpSettings,
    ticket: usize,
    message: &MarkedMessage,
    content: MessageContent,
) -> Result<Parcel, AttemptOutcome> {
    let mail = OutgoingMail {
        from_name: settings.sender_name.clone(),
        from: settings.sender_email.clone(),
        reply_to: message.reply_to.clone().or_else(|| settings.reply_to.clone()),
        to: message.to.clone(),
        cc: message.cc.clone(),
        subject: message.subject.clone(),
        content,
        message_id: message.header_id.clone(),
        date: message.header_date,
    };
    let texts = [&mail.content.text, &mail.content.html].into_iter().flatten();
    let composed = if texts.map(String::len).sum::<usize>() > MOST_TEXT {
        let composing = tokio::task::spawn_blocking(|| compose(mail)).await;
        composing.map_err(|_| AttemptOutcome::NotSent(Cause::Interrupted))?
    } else {
        compose(mail)
    };
    let mail = composed.map_err(|err| {
        warn!(error = &err as &dyn std::error::Error, message.id = %message.id, "cannot compose");
        AttemptOutcome::Unsendable(Cause::Interrupted)
    })?;
    let recipients = message.pending.iter().map(|(_, email)| email.clone()).collect();
    Ok(Parcel { ticket, mail, from: settings.sender_email.clone(), recipients })
}

impl Delivered {
    /// What became of a message that the server accepted: it is the same for each of them.
    pub(super) const fn accepted(record: AttemptResult) -> Self {
        Self { record, lane: LaneEffect::GoOn, sender: SenderEffect::Worked, reply: None }
    }

    /// Whether it is what happens all the time: the server accepted the mail, and nothing follows.
    pub(super) const fn is_ordinary(&self) -> bool {
        matches!(self.record.status, MessageStatus::Accepted | MessageStatus::PartlyAccepted)
            && matches!(self.lane, LaneEffect::GoOn)
            && matches!(self.sender, SenderEffect::Worked)
    }

    /// Whether the server accepted the mail, for one recipient at least.
    pub(super) fn is_accepted(&self) -> bool {
        matches!(self.record.outcome, AttemptWord::Accepted | AttemptWord::PartlyAccepted)
    }

    fn new(message: &MarkedMessage, outcome: &AttemptOutcome, disposition: Disposition) -> Self {
        let Disposition { fates, retry_after, counts, lane, sender } = disposition;
        // What our own stop left unsent says nothing about the server.
        let unsent = matches!(outcome, AttemptOutcome::NotSent(Cause::Interrupted));
        let (lane, sender) =
            if unsent { (LaneEffect::GoOn, SenderEffect::Nothing) } else { (lane, sender) };
        let replies: &[Reply] = match outcome {
            AttemptOutcome::Answered(replies) => replies,
            AttemptOutcome::AuthRefused(reply) | AttemptOutcome::FromRefused(reply) => {
                std::slice::from_ref(reply)
            }
            AttemptOutcome::Unsendable(_)
            | AttemptOutcome::NotSent(_)
            | AttemptOutcome::Unknown(_) => &[],
        };
        let each = |index: usize| {
            let reply = if let AttemptOutcome::Answered(_) = outcome { index } else { 0 };
            replies.get(reply).map(ToString::to_string)
        };
        let now: Vec<_> = message
            .pending
            .iter()
            .enumerate()
            .map(|(index, (id, _))| (*id, fates.of(index), each(index)))
            .collect();
        let standing: Vec<RecipientStatus> =
            message.settled.iter().copied().chain(now.iter().map(|(_, fate, _)| *fate)).collect();
        let status = fold(&standing, matches!(lane, LaneEffect::Hold(_)));
        // More recipients than fit into one envelope: the others' turn comes at once, and only the
        // last of a message's envelopes counts as one of its tries.
        let goes_on = lane == LaneEffect::GoOn
            && matches!(outcome, AttemptOutcome::Answered(_))
            && !matches!(sender, SenderEffect::Pause(_))
            && message.settled.contains(&RecipientStatus::Queued);
        let (retry_after, counts) =
            if goes_on { (Some(Duration::ZERO), false) } else { (retry_after, counts) };
        // What a person reads: the first refusal, or else the acceptance.
        let reply = replies.iter().find(|reply| !reply.is_positive()).or(replies.first()).cloned();
        let record = AttemptResult {
            message: message.id,
            attempt: message.attempt,
            outcome: word(outcome, status, &fates, &sender),
            reply: reply.as_ref().map(ToString::to_string).or_else(|| trouble(outcome)),
            status,
            fates: now,
            retry_after,
            counts,
        };
        Self { record, lane, sender, reply }
    }

    /// The result of a message that never came to a server, because of us.
    pub(super) fn unopened(message: &MarkedMessage, pause: Option<PauseReason>) -> Self {
        let outcome = AttemptOutcome::NotSent(Cause::SecretUnreadable);
        let disposition = Disposition {
            fates: Fates::All(RecipientStatus::Queued),
            retry_after: Some(Duration::ZERO),
            counts: false,
            lane: if pause.is_some() { LaneEffect::GoOn } else { LaneEffect::BackOff },
            sender: pause.map_or(SenderEffect::Nothing, SenderEffect::Pause),
        };
        Self::new(message, &outcome, disposition)
    }
}

/// The attempt's word in the history.
fn word(
    outcome: &AttemptOutcome,
    status: MessageStatus,
    fates: &Fates,
    sender: &SenderEffect,
) -> AttemptWord {
    match (outcome, sender) {
        (AttemptOutcome::NotSent(_), _) => AttemptWord::NotSent,
        (AttemptOutcome::Unknown(_), _) => AttemptWord::Uncertain,
        (AttemptOutcome::AuthRefused(_), _)
        | (_, SenderEffect::Pause(PauseReason::AuthRefused)) => AttemptWord::AuthRefused,
        (_, SenderEffect::Pause(PauseReason::FromRefused)) => AttemptWord::FromRefused,
        (AttemptOutcome::Unsendable(_), _) => AttemptWord::Rejected,
        (AttemptOutcome::FromRefused(_) | AttemptOutcome::Answered(_), _) => {
            let fates = match fates {
                Fates::All(fate) => std::slice::from_ref(fate),
                Fates::Each(each) => each,
            };
            let any = |fate| fates.contains(&fate);
            if status == MessageStatus::Held {
                AttemptWord::Held
            } else if fates.iter().all(|&fate| fate == RecipientStatus::Accepted) {
                AttemptWord::Accepted
            } else if any(RecipientStatus::Accepted) {
                AttemptWord::PartlyAccepted
            } else if any(RecipientStatus::Deferred) || any(RecipientStatus::Queued) {
                AttemptWord::Deferred
            } else {
                AttemptWord::Rejected
            }
        }
    }
}

/// What stood in the way, in plain words, where no server said anything.
fn trouble(outcome: &AttemptOutcome) -> Option<String> {
    let (AttemptOutcome::NotSent(cause)
    | AttemptOutcome::Unknown(cause)
    | AttemptOutcome::Unsendable(cause)) = outcome
    else {
        return None;
    };
    Some(cause.to_string())
}
