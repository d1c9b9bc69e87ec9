//! Which reply answers what: the bookkeeping of messages that are in flight on one session.
//!
//! Pure. It says what to write next, hears replies in the order in which they come, and says what
//! became of each message. Replies carry no name of what they answer; only their order does, so
//! everything said is noted as a reply that is expected, and each reply answers the first of these.
//! How the server groups its replies into segments, or when it sends them, changes nothing.
//!
//! In the gear [`Gear::Overlapped`] the group is `[body, final dot, MAIL, RCPT…, DATA]`: `DATA` is
//! the last command of a group (RFC 2920, section 3.1), since what follows depends on its reply.
//! When it is refused the transaction stays open at some servers, so the next group begins with
//! `RSET`. When it is a go-ahead although no recipient was taken, the server gets an empty body,
//! whose reply counts for nothing: some servers accept it, for nobody.

mod letter;

use std::{collections::VecDeque, mem};

use letterhead_domain::{delivery::AttemptOutcome, reply::Reply, test_run::Cause};

use self::letter::Letter;
use crate::gear::{Gear, GearFault};

/// The number of a message on its session.
pub(crate) type Serial = u64;

/// Something to write, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Say {
    Reset,
    Mail(Serial),
    /// `RCPT` for the recipient at this index.
    Rcpt(Serial, usize),
    Data,
    /// The body with its final dot.
    Body(Serial),
    /// A body that is empty, with its final dot.
    EmptyBody,
    /// `BDAT … LAST` with the body.
    Chunk(Serial),
}

/// What became of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Settled {
    /// Its attempt is over.
    Over(Serial, AttemptOutcome),
    /// Nothing was attempted: it may be handed over on another session. Otherwise the cause is
    /// why it was not sent.
    Again(Serial, Cause),
}

/// What the next reply answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    Mail,
    Rcpt,
    Data,
    /// The reply to the body.
    Word,
    /// The reply to `RSET`.
    Reset,
    /// The reply to an empty body, which counts for nothing.
    Nothing,
}

/// The books of one session.
pub(crate) struct Ledger {
    gear: Gear,
    window: usize,
    letters: VecDeque<Letter>,
    expected: VecDeque<Expected>,
    to_say: Vec<Say>,
    settled: Vec<Settled>,
    next: Serial,
    /// Whether a message's attempt has ended on this session.
    has_carried: bool,
    reset_is_due: bool,
    closes: bool,
    fault: Option<GearFault>,
}

impl Ledger {
    pub(crate) const fn new(gear: Gear, window: usize) -> Self {
        Self {
            gear,
            window,
            letters: VecDeque::new(),
            expected: VecDeque::new(),
            to_say: Vec::new(),
            settled: Vec::new(),
            next: 0,
            has_carried: false,
            reset_is_due: false,
            closes: false,
            fault: None,
        }
    }

    pub(crate) const fn gear(&self) -> Gear {
        self.gear
    }

    /// Goes on in another gear. Only while nothing is in flight.
    pub(crate) const fn shift(&mut self, gear: Gear) {
        self.gear = gear;
    }

    /// Lets at most `window` messages be in flight in the gear [`Gear::Chunked`].
    pub(crate) const fn widen(&mut self, window: usize) {
        self.window = window;
    }

    /// Whether another message may begin now.
    pub(crate) fn has_room(&self) -> bool {
        if self.closes {
            return false;
        }
        match self.gear {
            Gear::OneByOne => self.letters.is_empty() && self.expected.is_empty(),
            Gear::Overlapped => match self.letters.front() {
                None => true,
                Some(letter) => letter.body_is_due && self.letters.len() == 1,
            },
            Gear::Chunked => self.letters.len() < self.window,
        }
    }

    /// Whether nothing is in flight and no reply is awaited.
    pub(crate) fn is_at_rest(&self) -> bool {
        self.letters.is_empty() && self.expected.is_empty() && self.to_say.is_empty()
    }

    /// Whether nothing more may begin: the server closes, or is not to be trusted.
    pub(crate) const fn closes(&self) -> bool {
        self.closes
    }

    /// What the server did that speaks against the gear.
    pub(crate) const fn fault(&self) -> Option<GearFault> {
        self.fault
    }

    /// How many replies are awaited.
    pub(crate) fn awaits(&self) -> usize {
        self.expected.len()
    }

    /// What the next reply answers, and for which message.
    pub(crate) fn expected(&self) -> Option<(Expected, Option<Serial>)> {
        let expected = *self.expected.front()?;
        Some((expected, self.letters.front().map(|letter| letter.serial)))
    }

    /// Begins a message for so many recipients; at least one. Only where [`Ledger::has_room`].
    pub(crate) fn begin(&mut self, recipients: usize) -> Serial {
        let serial = self.next;
        self.next += 1;
        let is_behind = !self.letters.is_empty();
        self.letters.push_back(Letter::new(serial, recipients, is_behind));
        if mem::take(&mut self.reset_is_due) {
            self.say(Say::Reset, Expected::Reset);
        }
        self.say(Say::Mail(serial), Expected::Mail);
        if self.gear != Gear::OneByOne {
            for index in 0..recipients {
                self.say(Say::Rcpt(serial, index), Expected::Rcpt);
            }
        }
        match self.gear {
            Gear::OneByOne => {}
            Gear::Overlapped => self.say(Say::Data, Expected::Data),
            Gear::Chunked => self.say(Say::Chunk(serial), Expected::Word),
        }
        serial
    }

    /// Takes what is to be written now, in this order, in one write.
    pub(crate) fn take_to_say(&mut self) -> Vec<Say> {
        mem::take(&mut self.to_say)
    }

    /// Notes that the last octet of a message may have left.
    pub(crate) fn note_written(&mut self, serial: Serial) {
        let letter = self.letters.iter_mut().find(|letter| letter.serial == serial);
        if let Some(letter) = letter {
            letter.is_written = true;
        }
    }

    /// Takes what became of messages since the last call, in the order of their beginning.
    pub(crate) fn take_settled(&mut self) -> Vec<Settled> {
        mem::take(&mut self.settled)
    }

    /// Hears the next reply.
    ///
    /// # Errors
    ///
    /// [`Cause::NotSmtp`] if it cannot be an answer: the session must be given up.
    pub(crate) fn hear(&mut self, reply: Reply) -> Result<(), Cause> {
        let Some(expected) = self.expected.pop_front() else {
            return Err(self.refuse());
        };
        if reply.code == 421 {
            self.hear_closing(expected, &reply);
            return Ok(());
        }
        match expected {
            Expected::Mail => self.hear_mail(reply),
            Expected::Rcpt => self.hear_rcpt(reply),
            Expected::Data => return self.hear_data(&reply),
            Expected::Word => return self.hear_word(&reply),
            // A server that cannot even reset is not asked to take another message.
            Expected::Reset => self.closes |= !reply.is_positive(),
            Expected::Nothing => {}
        }
        Ok(())
    }

    fn hear_mail(&mut self, reply: Reply) {
        // A bad sequence is no opinion of the sender: the server lost its way in the group.
        let is_lost = self.gear != Gear::OneByOne
            && self.has_carried
            && matches!(reply.code, 500 | 502 | 503);
        if is_lost {
            self.closes = true;
            self.blame(GearFault::UnexpectedReply);
        }
        let Some(letter) = self.letters.front_mut() else { return };
        letter.is_lost = is_lost;
        let (serial, is_positive) = (letter.serial, reply.is_positive());
        letter.mail = Some(reply);
        if self.gear != Gear::OneByOne {
            return;
        }
        if is_positive {
            self.say(Say::Rcpt(serial, 0), Expected::Rcpt);
        } else {
            self.settle_refused();
        }
    }

    fn hear_rcpt(&mut self, reply: Reply) {
        let Some(letter) = self.letters.front_mut() else { return };
        letter.answers.push(reply);
        if self.gear != Gear::OneByOne {
            return;
        }
        let (serial, next) = (letter.serial, letter.answers.len());
        if next < letter.recipients {
            self.say(Say::Rcpt(serial, next), Expected::Rcpt);
        } else if letter.is_wanted() {
            self.say(Say::Data, Expected::Data);
        } else {
            self.settle_refused();
            self.say(Say::Reset, Expected::Reset);
        }
    }

    fn hear_data(&mut self, reply: &Reply) -> Result<(), Cause> {
        let Some(letter) = self.letters.front_mut() else { return Err(self.refuse()) };
        let (serial, is_wanted) = (letter.serial, letter.is_wanted());
        if reply.code == 354 && is_wanted {
            letter.body_is_due = true;
            self.say(Say::Body(serial), Expected::Word);
        } else if reply.code == 354 && letter.is_adopted() {
            // An empty body would be an empty mail to somebody.
            return Err(self.refuse());
        } else if reply.code == 354 {
            self.settle_refused();
            self.say(Say::EmptyBody, Expected::Nothing);
        } else if reply.code < 400 {
            // A "yes" to DATA that is not 354 is no SMTP, and above all no acceptance.
            return Err(self.refuse());
        } else {
            if is_wanted {
                self.settle_answered(reply);
            } else {
                self.settle_refused();
            }
            if self.gear == Gear::OneByOne {
                self.say(Say::Reset, Expected::Reset);
            } else {
                self.reset_is_due = true;
            }
        }
        Ok(())
    }

    fn hear_word(&mut self, reply: &Reply) -> Result<(), Cause> {
        let Some(letter) = self.letters.front() else { return Err(self.refuse()) };
        if letter.is_adopted() {
            self.closes = true;
            if reply.is_positive() {
                self.settle_answered(reply);
            } else {
                self.settle_refused();
            }
            return Ok(());
        }
        if !letter.is_wanted() {
            // The refusals stand, whatever became of a body for nobody.
            self.settle_refused();
            return Ok(());
        }
        if !letter.is_written {
            // Said in the middle of the body: a refusal is one, anything else is no answer.
            self.closes = true;
            if reply.code < 400 {
                return Err(self.refuse());
            }
        }
        if reply.code < 200 || (300..400).contains(&reply.code) {
            return Err(self.refuse());
        }
        // The server did not know what to do with BDAT, so it has no message; and what it made
        // of the octets nobody knows.
        if self.gear == Gear::Chunked && (500..=504).contains(&reply.code) {
            let serial = letter.serial;
            self.letters.pop_front();
            self.settled.push(Settled::Again(serial, Cause::Refused(reply.clone())));
            return Err(self.refuse());
        }
        self.settle_answered(reply);
        Ok(())
    }

    /// After 421 nothing more comes: it is the answer to all that is left of the message, and
    /// what was taken at `RCPT` is void. The messages behind it were never looked at.
    fn hear_closing(&mut self, expected: Expected, reply: &Reply) {
        self.closes = true;
        self.expected.clear();
        self.to_say.clear();
        match (expected, self.letters.front()) {
            (Expected::Mail, Some(_)) if !self.has_carried => {
                if let Some(letter) = self.letters.pop_front() {
                    let outcome = AttemptOutcome::FromRefused(reply.clone());
                    self.settled.push(Settled::Over(letter.serial, outcome));
                }
            }
            (Expected::Rcpt | Expected::Data | Expected::Word, Some(letter)) => {
                let sender_is_refused =
                    letter.mail.as_ref().is_some_and(|mail| !mail.is_positive());
                if sender_is_refused { self.settle_refused() } else { self.settle_answered(reply) }
            }
            (Expected::Mail | Expected::Reset | Expected::Nothing, _) | (_, None) => {}
        }
        for letter in mem::take(&mut self.letters) {
            self.settled.push(Settled::Again(letter.serial, Cause::Refused(reply.clone())));
        }
    }

    /// Closes the books on a session that broke: a message whose last octet may have left is
    /// uncertain, unless it was refused before; the message that was being talked about was not
    /// sent; those behind it can be handed over again.
    pub(crate) fn abandon(&mut self, cause: &Cause) {
        self.closes = true;
        self.expected.clear();
        self.to_say.clear();
        if let Some(fault) = self.fault_behind(cause) {
            self.blame(fault);
        }
        let stale = self.has_carried && *cause == Cause::Closed;
        for letter in mem::take(&mut self.letters) {
            let serial = letter.serial;
            let is_untold = letter.is_untouched() && (letter.is_behind || stale);
            self.settled.push(if letter.is_surely_refused() {
                letter.refused()
            } else if letter.is_written {
                Settled::Over(serial, AttemptOutcome::Unknown(cause.clone()))
            } else if (letter.is_lost || is_untold) && *cause != Cause::Interrupted {
                Settled::Again(serial, cause.clone())
            } else {
                Settled::Over(serial, AttemptOutcome::NotSent(cause.clone()))
            });
        }
    }

    /// What `cause` says against the gear.
    fn fault_behind(&self, cause: &Cause) -> Option<GearFault> {
        let front = self.letters.front()?;
        let is_group = self.letters.len() > 1 || !front.body_is_due;
        if self.gear == Gear::OneByOne || !is_group {
            return None;
        }
        // A server that hangs up between two messages may have had enough for one session.
        let is_between = self.has_carried
            && front.is_untouched()
            && !self.letters.iter().any(|letter| letter.is_written);
        if *cause == Cause::Closed && is_between {
            return None;
        }
        let faults = [
            (Cause::TimedOut, GearFault::TimedOut),
            (Cause::NotSmtp, GearFault::UnexpectedReply),
            (Cause::Closed, GearFault::Cut),
        ];
        faults.into_iter().find(|(of, _)| of == cause).map(|(_, fault)| fault)
    }

    fn settle_refused(&mut self) {
        let Some(letter) = self.letters.pop_front() else { return };
        self.has_carried = true;
        self.settled.push(letter.refused());
    }

    fn settle_answered(&mut self, word: &Reply) {
        let Some(letter) = self.letters.pop_front() else { return };
        self.has_carried = true;
        let serial = letter.serial;
        self.settled.push(Settled::Over(serial, letter.answered(word)));
    }

    fn say(&mut self, say: Say, expected: Expected) {
        self.to_say.push(say);
        self.expected.push_back(expected);
    }

    fn blame(&mut self, fault: GearFault) {
        self.fault.get_or_insert(fault);
    }

    fn refuse(&mut self) -> Cause {
        if self.gear != Gear::OneByOne {
            self.blame(GearFault::UnexpectedReply);
        }
        Cause::NotSmtp
    }
}

#[cfg(test)]
mod tests;
