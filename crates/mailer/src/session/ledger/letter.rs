//! One message in flight: what the server has said of it so far.

use letterhead_domain::{delivery::AttemptOutcome, reply::Reply, test_run::Cause};

use super::{Serial, Settled};

/// A message in flight.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own about the message")]
pub(super) struct Letter {
    pub(super) serial: Serial,
    pub(super) recipients: usize,
    pub(super) mail: Option<Reply>,
    pub(super) answers: Vec<Reply>,
    /// Whether it began while another one was in flight.
    pub(super) is_behind: bool,
    pub(super) body_is_due: bool,
    /// Whether its last octet may have left.
    pub(super) is_written: bool,
    /// Whether the server lost its way in the group before it came to this message.
    pub(super) is_lost: bool,
}

impl Letter {
    pub(super) fn new(serial: Serial, recipients: usize, is_behind: bool) -> Self {
        Self {
            serial,
            recipients,
            mail: None,
            answers: Vec::with_capacity(recipients),
            is_behind,
            body_is_due: false,
            is_written: false,
            is_lost: false,
        }
    }

    pub(super) const fn is_untouched(&self) -> bool {
        self.mail.is_none()
    }

    fn sender_is_taken(&self) -> bool {
        self.mail.as_ref().is_some_and(Reply::is_positive)
    }

    /// Whether the server has taken the sender and somebody to send to.
    pub(super) fn is_wanted(&self) -> bool {
        self.sender_is_taken() && self.answers.iter().any(Reply::is_positive)
    }

    /// Whether the server took somebody to send to though it refused the sender: what it makes of
    /// the body, it makes of it in a transaction that it had kept open.
    pub(super) fn is_adopted(&self) -> bool {
        !self.sender_is_taken() && self.answers.iter().any(Reply::is_positive)
    }

    /// Whether it cannot have been accepted, whatever became of its body.
    pub(super) fn is_surely_refused(&self) -> bool {
        let is_answered = self.answers.len() == self.recipients;
        if self.is_untouched() || self.is_wanted() || self.is_adopted() {
            false
        } else if self.sender_is_taken() {
            is_answered
        } else {
            // Who lost its way may yet adopt it.
            is_answered || !self.is_lost || !self.is_written
        }
    }

    /// What became of it where it was not accepted, by its envelope alone.
    pub(super) fn refused(self) -> Settled {
        match self.mail {
            Some(mail) if mail.is_positive() => {
                Settled::Over(self.serial, AttemptOutcome::Answered(self.answers))
            }
            Some(mail) if self.is_lost => Settled::Again(self.serial, Cause::Refused(mail)),
            Some(mail) => Settled::Over(self.serial, AttemptOutcome::FromRefused(mail)),
            None => Settled::Over(self.serial, AttemptOutcome::NotSent(Cause::NotSmtp)),
        }
    }

    /// The answers with the server's word on the whole in place of each acceptance at `RCPT`, and
    /// for each recipient that has no answer yet.
    pub(super) fn answered(self, word: &Reply) -> AttemptOutcome {
        let Self { mut answers, recipients, .. } = self;
        for answer in answers.iter_mut().filter(|answer| answer.is_positive()) {
            answer.clone_from(word);
        }
        answers.resize(recipients, word.clone());
        AttemptOutcome::Answered(answers)
    }
}
