//! An open, signed-in session that messages can be handed over on, one after the other.

use letterhead_domain::{
    delivery::AttemptOutcome,
    test_run::{Cause, Failure, Stage},
};
use tokio::{sync::OwnedSemaphorePermit, time::Instant};

use crate::{
    conversation::Conversation,
    lease::LeaseDeadline,
    transaction::{Broken, Parcel, Progress, hand_over},
};

/// A session and what its pool must know of it.
pub(crate) struct Session {
    conversation: Conversation,
    opened_at: Instant,
    handed_over: u32,
    /// Whether both sides are in step. False while a message is handed over: a call that is
    /// dropped in the middle leaves a session that must never be used again, for its next reply
    /// would be the answer to the message before.
    in_step: bool,
    /// The session's place under the process's bound.
    _place: OwnedSemaphorePermit,
}

/// How handing over ended.
pub(crate) enum Handed {
    /// The message's attempt is over.
    Over(AttemptOutcome),
    /// The server had hung up on the idle session: nothing was attempted.
    Stale(Cause),
}

impl Session {
    pub(crate) fn new(conversation: Conversation, place: OwnedSemaphorePermit) -> Self {
        Self {
            conversation,
            opened_at: Instant::now(),
            handed_over: 0,
            in_step: true,
            _place: place,
        }
    }

    /// When it was opened.
    pub(crate) const fn opened_at(&self) -> Instant {
        self.opened_at
    }

    /// How many messages were handed over on it.
    pub(crate) const fn handed_over(&self) -> u32 {
        self.handed_over
    }

    /// Whether it can take another message.
    pub(crate) const fn is_reusable(&self) -> bool {
        self.in_step && !self.conversation.server_closes
    }

    /// Whether the server kept still since the last message.
    pub(crate) fn is_quiet(&self) -> bool {
        self.conversation.link().is_quiet()
    }

    /// Puts it under the lease of whoever uses it next; at rest it is under none.
    pub(crate) fn set_lease(&self, lease: Option<LeaseDeadline>) {
        self.conversation.link().set_lease(lease);
    }

    /// Hands `parcel` over.
    pub(crate) async fn send(&mut self, parcel: Parcel<'_>) -> Handed {
        let was_used = self.handed_over > 0;
        self.in_step = false;
        self.handed_over += 1;
        match hand_over(&mut self.conversation, parcel).await {
            // The server closed the idle session and said so only now.
            Ok(AttemptOutcome::FromRefused(reply)) if was_used && reply.code == 421 => {
                Handed::Stale(Cause::Refused(reply))
            }
            Ok(outcome) => {
                self.in_step = true;
                Handed::Over(outcome)
            }
            Err(Broken { cause, progress }) => match progress {
                Progress::Untouched if was_used && cause == Cause::Closed => Handed::Stale(cause),
                Progress::Untouched | Progress::Begun => {
                    Handed::Over(AttemptOutcome::NotSent(cause))
                }
                Progress::LastOctetWritten => Handed::Over(AttemptOutcome::Unknown(cause)),
            },
        }
    }

    /// Says good-bye and closes. Nobody waits for the answer: a server that keeps it back must
    /// not keep the session's place.
    pub(crate) fn quit(self) {
        if self.is_reusable() {
            self.conversation.link().quit();
        }
    }
}

/// What an opening that failed means for the messages that wanted to leave.
pub(crate) fn outcome_of(failure: Failure) -> AttemptOutcome {
    match failure {
        Failure { stage: Stage::Auth, cause: Cause::Refused(reply) } => {
            AttemptOutcome::AuthRefused(reply)
        }
        Failure { stage: _, cause } => AttemptOutcome::NotSent(cause),
    }
}
