//! An open, signed-in session: the one writer of its conversation, and never cancelled in the
//! middle of it.
//!
//! A session takes parcels from the run that it serves as fast as its gear allows, writes what the
//! [`Ledger`] says in one write, hears the replies that come, and reports each message as soon as
//! its fate is known. Deadlines are inside, one for each reply; when one passes, the session ends.

mod draft;
mod ledger;

use std::collections::VecDeque;

use letterhead_domain::{
    delivery::AttemptOutcome,
    test_run::{Cause, Failure, Stage},
};
use tokio::{sync::OwnedSemaphorePermit, time::Instant};

pub(crate) use self::draft::Draft;
use self::ledger::{Expected, Ledger, Say, Serial, Settled};
use crate::{
    conversation::{COURTESY, Conversation},
    counts::Retirement,
    gear::Gear,
    lease::LeaseDeadline,
    stream::GroupFault,
    transaction::{mail_command, rcpt_command},
    transport::{Parcel, Run, SessionLimits},
};

/// Most bytes of messages in flight on one session beyond the first: what may become uncertain
/// together.
const MOST_IN_FLIGHT: usize = 1024 * 1024;

/// A session and what its pool must know of it.
pub(crate) struct Session {
    conversation: Conversation,
    ledger: Ledger,
    opened_at: Instant,
    carried: u32,
    /// Whether something was written since the last reply was waited for.
    has_spoken: bool,
    broken: bool,
    served: Served,
    /// The session's place under the process's bound.
    _place: OwnedSemaphorePermit,
}

/// What a session leaves to its run when it has served it.
#[derive(Default)]
pub(crate) struct Served {
    /// Outcomes that are known and not told yet: to be told once the session is back, so that who
    /// hears them and hands over the next message finds it at rest.
    pub(crate) untold: Vec<(usize, AttemptOutcome)>,
    /// Parcels that were not attempted, in their order, and why.
    pub(crate) again: Vec<(Parcel, Cause)>,
    /// Whether any attempt came to its end.
    pub(crate) was_of_use: bool,
}

/// The parcels in flight on a session, for the run that they belong to. Whoever loses them
/// unreported reports them as uncertain.
struct Flights<'a> {
    run: &'a Run,
    parcels: VecDeque<(Serial, Parcel, String)>,
}

impl Session {
    /// A session that was opened at `now`.
    pub(crate) fn new(
        conversation: Conversation,
        place: OwnedSemaphorePermit,
        now: Instant,
    ) -> Self {
        // The conversation was an opening until here, and is a delivery from now on.
        conversation.link().stop_transcript();
        Self {
            conversation,
            ledger: Ledger::new(Gear::OneByOne, 1),
            opened_at: now,
            carried: 0,
            has_spoken: false,
            broken: false,
            served: Served::default(),
            _place: place,
        }
    }

    /// Why it may not carry another message at `now`, if it may not.
    pub(crate) fn retirement(&self, limits: &SessionLimits, now: Instant) -> Option<Retirement> {
        if self.broken || !self.ledger.is_at_rest() {
            Some(Retirement::Broken)
        } else if self.conversation.server_closes {
            Some(Retirement::ServerClosed)
        } else if self.ledger.closes() {
            Some(Retirement::Broken)
        } else if self.carried >= limits.messages {
            Some(Retirement::Messages)
        } else if now.duration_since(self.opened_at) >= limits.age {
            Some(Retirement::Age)
        } else {
            None
        }
    }

    /// Whether the server kept still since the last message.
    pub(crate) fn is_quiet(&self) -> bool {
        self.conversation.link().is_quiet()
    }

    /// Puts it under the lease of whoever uses it next; at rest it is under none.
    pub(crate) fn set_lease(&self, lease: Option<LeaseDeadline>) {
        self.conversation.link().set_lease(lease);
    }

    /// Carries the run's parcels until none waits or the session may carry no more.
    pub(crate) async fn serve(&mut self, run: &Run) -> Served {
        let gearbox = &run.transport.gearbox;
        let clock = &run.transport.commons().clock;
        self.ledger.shift(gearbox.choose(&self.conversation.capabilities, clock.now()));
        let mut flights = Flights { run, parcels: VecDeque::new() };
        if let Err(cause) = self.converse(&mut flights).await {
            self.broken = true;
            self.ledger.abandon(&cause);
            self.report(&mut flights);
        }
        if let Some(fault) = self.ledger.fault()
            && gearbox.drop_below(self.ledger.gear(), fault, clock.now())
        {
            run.transport.commons().counters.gear_dropped(self.ledger.gear(), fault);
        }
        std::mem::take(&mut self.served)
    }

    async fn converse(&mut self, flights: &mut Flights<'_>) -> Result<(), Cause> {
        loop {
            self.take_on(flights);
            if self.ledger.is_at_rest() {
                return Ok(());
            }
            if !flights.parcels.is_empty() {
                self.tell(flights.run);
            }
            self.write_out(flights).await?;
            self.listen(flights).await?;
        }
    }

    /// Begins as many messages as the gear has room for.
    fn take_on(&mut self, flights: &mut Flights<'_>) {
        let run = flights.run;
        let window = &run.transport.commons().window;
        self.ledger.widen(if run.transport.gearbox.chunking_works() { *window } else { 1 });
        while self.has_room(flights) {
            let Some(parcel) = run.take() else { return };
            let Parcel { ticket, mail, from, recipients, .. } = &parcel;
            match mail_command(&self.conversation, from, recipients, Some(mail)) {
                Err(cause) => run.tell(*ticket, AttemptOutcome::Unsendable(cause)),
                Ok(line) => {
                    let serial = self.ledger.begin(recipients.len());
                    self.carried += 1;
                    flights.parcels.push_back((serial, parcel, line));
                }
            }
        }
    }

    fn has_room(&self, flights: &Flights<'_>) -> bool {
        let limits = &flights.run.transport.commons().limits;
        let now = flights.run.transport.commons().clock.now();
        let bytes: usize = flights.parcels.iter().map(|(_, p, _)| p.mail.size()).sum();
        self.ledger.has_room()
            && !self.conversation.server_closes
            && self.carried < limits.messages
            && now.duration_since(self.opened_at) < limits.age
            && bytes < MOST_IN_FLIGHT
    }

    /// Writes what is to be said: in one write, but for large bodies.
    async fn write_out(&mut self, flights: &Flights<'_>) -> Result<(), Cause> {
        let say = self.ledger.take_to_say();
        if say.is_empty() {
            return Ok(());
        }
        // An answer before the question would be taken for the answer to it.
        if self.ledger.awaits() == say.len() && self.conversation.link().has_unread() {
            return Err(Cause::NotSmtp);
        }
        self.has_spoken = true;
        let mut draft = Draft::new();
        for word in say {
            match word {
                Say::Reset => draft.line("RSET"),
                Say::Data => draft.line("DATA"),
                Say::EmptyBody => draft.line("."),
                Say::Mail(serial) => draft.line(flights.find(serial).map_or("", |(_, line)| line)),
                Say::Rcpt(serial, index) => {
                    let found = flights.find(serial);
                    let recipient = found.and_then(|(parcel, _)| parcel.recipients.get(index));
                    draft.line(&recipient.map_or_else(String::new, rcpt_command));
                }
                Say::Body(serial) | Say::Chunk(serial) => {
                    let Some((parcel, _)) = flights.find(serial) else { continue };
                    let by_chunk = word == Say::Chunk(serial);
                    if by_chunk {
                        draft.line(&format!("BDAT {} LAST", parcel.mail.size()));
                    }
                    let mail = &parcel.mail;
                    let mut body = if by_chunk { mail.as_is() } else { mail.dot_stuffed() };
                    while draft.piece(&mut body) {
                        self.send(&mut draft).await?;
                    }
                    if !by_chunk {
                        draft.line(".");
                    }
                    draft.note_end(serial);
                }
            }
        }
        self.send(&mut draft).await
    }

    async fn send(&mut self, draft: &mut Draft) -> Result<(), Cause> {
        let until = draft.deadline(&self.conversation.patience);
        let sent = self.conversation.link().write_part(draft.bytes(), until).await;
        let written = sent.as_ref().map_or_else(|fault| fault.written, |()| draft.bytes().len());
        for serial in draft.ended_within(written) {
            self.ledger.note_written(serial);
        }
        draft.clear();
        let Err(GroupFault { cause, .. }) = sent else { return Ok(()) };
        // A server that refuses in the middle of the body says so and hangs up.
        if cause == Cause::Closed {
            while let Some(word) = self.conversation.last_word().await {
                self.ledger.hear(word)?;
            }
        }
        Err(cause)
    }

    /// Waits for the next reply, or for a parcel that could leave at once; then hears all that
    /// has come.
    async fn listen(&mut self, flights: &mut Flights<'_>) -> Result<(), Cause> {
        if std::mem::take(&mut self.has_spoken) {
            flights.run.transport.commons().counters.round_trip();
        }
        let has_room = self.has_room(flights);
        let deadline = self.conversation.patience.until(self.allowance(flights));
        tokio::select! {
            biased;
            reply = self.conversation.next_reply(deadline) => self.ledger.hear(reply?)?,
            () = flights.run.arrived(), if has_room => return Ok(()),
        }
        while self.ledger.awaits() > 0
            && let Some(reply) = self.conversation.reply_at_hand()?
        {
            self.ledger.hear(reply)?;
        }
        self.report(flights);
        Ok(())
    }

    /// How long the next reply may take.
    fn allowance(&self, flights: &Flights<'_>) -> std::time::Duration {
        let timeouts = &self.conversation.patience.timeouts;
        match self.ledger.expected() {
            Some((Expected::Word, Some(serial))) => {
                let found = flights.find(serial);
                timeouts.after_dot(found.map_or(0, |(parcel, _)| parcel.mail.size()))
            }
            // The end of a transaction that nobody waits for.
            Some((_, None)) => COURTESY.min(timeouts.reply),
            Some((_, Some(_))) | None => timeouts.reply,
        }
    }

    /// Tells the run what became of its parcels.
    fn report(&mut self, flights: &mut Flights<'_>) {
        let run = flights.run;
        for settled in self.ledger.take_settled() {
            match settled {
                Settled::Over(serial, outcome) => {
                    let Some(parcel) = flights.remove(serial) else { continue };
                    run.transport.commons().counters.messages(self.ledger.gear(), 1);
                    if self.ledger.gear() == Gear::Chunked && self.ledger.fault().is_none() {
                        run.transport.gearbox.prove_chunking();
                    }
                    let halts = run.halts(&outcome);
                    self.served.was_of_use = true;
                    self.served.untold.push((parcel.ticket, outcome));
                    if halts {
                        self.tell(run);
                        run.halt();
                    }
                }
                Settled::Again(serial, cause) => {
                    let parcel = flights.remove(serial);
                    self.served.again.extend(parcel.map(|parcel| (parcel, cause)));
                }
            }
        }
    }

    fn tell(&mut self, run: &Run) {
        for (ticket, outcome) in self.served.untold.drain(..) {
            run.tell(ticket, outcome);
        }
    }

    /// Says good-bye and closes. Nobody waits for the answer: a server that keeps it back must
    /// not keep the session's place.
    pub(crate) fn quit(self) {
        if !self.broken && self.ledger.is_at_rest() && !self.conversation.server_closes {
            self.conversation.link().quit();
        }
    }
}

impl Flights<'_> {
    fn find(&self, serial: Serial) -> Option<(&Parcel, &str)> {
        let found = self.parcels.iter().find(|(number, _, _)| *number == serial);
        found.map(|(_, parcel, line)| (parcel, line.as_str()))
    }

    fn remove(&mut self, serial: Serial) -> Option<Parcel> {
        let index = self.parcels.iter().position(|(number, _, _)| *number == serial)?;
        self.parcels.remove(index).map(|(_, parcel, _)| parcel)
    }
}

impl Drop for Flights<'_> {
    fn drop(&mut self) {
        for (_, parcel, _) in self.parcels.drain(..) {
            self.run.tell(parcel.ticket, AttemptOutcome::Unknown(Cause::Interrupted));
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
