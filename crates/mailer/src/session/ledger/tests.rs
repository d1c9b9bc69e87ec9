use proptest::prelude::*;

use super::*;

/// Replies that name what they answer, so that a reply given to the wrong message shows.
fn reply(code: u16, serial: Serial, part: &str) -> Reply {
    Reply::new(code, &format!("message {serial} {part}"))
}

fn ok() -> Reply {
    Reply::new(250, "ok")
}

fn go() -> Reply {
    Reply::new(354, "go")
}

/// Marks every body among `say` as written, and gives `say` back.
fn write(ledger: &mut Ledger) -> Vec<Say> {
    let say = ledger.take_to_say();
    for word in &say {
        if let Say::Body(serial) | Say::Chunk(serial) = word {
            ledger.note_written(*serial);
        }
    }
    say
}

fn hear(ledger: &mut Ledger, replies: impl IntoIterator<Item = Reply>) {
    for reply in replies {
        ledger.hear(reply).unwrap();
    }
}

#[test]
fn the_next_envelope_leaves_with_this_body_and_data_ends_the_group() {
    let mut ledger = Ledger::new(Gear::Overlapped, 1);
    ledger.begin(1);
    assert!(!ledger.has_room());
    assert_eq!(write(&mut ledger), [Say::Mail(0), Say::Rcpt(0, 0), Say::Data]);
    hear(&mut ledger, [ok(), ok(), go()]);

    assert!(ledger.has_room());
    ledger.begin(2);

    let group = [Say::Body(0), Say::Mail(1), Say::Rcpt(1, 0), Say::Rcpt(1, 1), Say::Data];
    assert_eq!(write(&mut ledger), group);
    assert!(!ledger.has_room());
}

#[test]
fn a_go_ahead_for_nobody_is_answered_with_an_empty_body_whose_reply_counts_for_nothing() {
    let mut ledger = Ledger::new(Gear::Overlapped, 1);
    ledger.begin(1);
    write(&mut ledger);
    hear(&mut ledger, [ok(), reply(550, 0, "nobody"), go()]);
    ledger.begin(1);
    assert_eq!(write(&mut ledger), [Say::EmptyBody, Say::Mail(1), Say::Rcpt(1, 0), Say::Data]);

    hear(&mut ledger, [ok(), ok(), ok(), go()]);
    write(&mut ledger);
    hear(&mut ledger, [reply(250, 1, "taken")]);

    let refused = AttemptOutcome::Answered(vec![reply(550, 0, "nobody")]);
    let taken = AttemptOutcome::Answered(vec![reply(250, 1, "taken")]);
    assert_eq!(ledger.take_settled(), [Settled::Over(0, refused), Settled::Over(1, taken)]);
}

#[test]
fn a_transaction_that_was_refused_at_data_is_reset_in_the_next_group() {
    let mut ledger = Ledger::new(Gear::Overlapped, 1);
    ledger.begin(1);
    write(&mut ledger);
    hear(&mut ledger, [ok(), reply(550, 0, "nobody"), reply(554, 0, "data")]);
    assert!(ledger.is_at_rest());

    ledger.begin(1);

    assert_eq!(write(&mut ledger), [Say::Reset, Say::Mail(1), Say::Rcpt(1, 0), Say::Data]);
}

#[test]
fn a_server_that_lost_its_way_in_a_group_has_refused_nobody() {
    for gear in [Gear::Overlapped, Gear::Chunked] {
        let mut ledger = Ledger::new(gear, 8);
        ledger.begin(1);
        write(&mut ledger);
        if gear == Gear::Overlapped {
            hear(&mut ledger, [ok(), ok(), go()]);
        }
        ledger.begin(1);
        write(&mut ledger);
        if gear == Gear::Chunked {
            hear(&mut ledger, [ok(), ok()]);
        }
        hear(&mut ledger, [reply(250, 0, "taken")]);

        let lost = Reply::new(503, "5.5.1 nested MAIL command");
        hear(&mut ledger, [lost.clone(), lost.clone(), lost.clone()]);

        let taken = AttemptOutcome::Answered(vec![reply(250, 0, "taken")]);
        let again = Settled::Again(1, Cause::Refused(lost));
        assert_eq!(ledger.take_settled(), [Settled::Over(0, taken), again], "{gear:?}");
        assert_eq!(ledger.fault(), Some(GearFault::UnexpectedReply));
        assert!(!ledger.has_room());
    }
}

#[test]
fn a_server_that_does_not_know_bdat_after_all_has_no_message() {
    let mut ledger = Ledger::new(Gear::Chunked, 8);
    ledger.begin(1);
    write(&mut ledger);
    let unknown = Reply::new(502, "5.5.2 what?");

    hear(&mut ledger, [ok(), ok()]);
    assert_eq!(ledger.hear(unknown.clone()), Err(Cause::NotSmtp));

    assert_eq!(ledger.take_settled(), [Settled::Again(0, Cause::Refused(unknown))]);
    assert_eq!(ledger.fault(), Some(GearFault::UnexpectedReply));
}

#[test]
fn a_word_in_the_middle_of_the_body_can_only_be_a_refusal() {
    for (code, expected) in [(552, Ok(())), (250, Err(Cause::NotSmtp))] {
        let mut ledger = Ledger::new(Gear::Overlapped, 1);
        ledger.begin(1);
        write(&mut ledger);
        hear(&mut ledger, [ok(), ok(), go()]);
        ledger.take_to_say();

        assert_eq!(ledger.hear(reply(code, 0, "word")), expected);
        ledger.abandon(&Cause::Closed);

        let outcome = match code {
            552 => AttemptOutcome::Answered(vec![reply(552, 0, "word")]),
            _ => AttemptOutcome::NotSent(Cause::Closed),
        };
        assert_eq!(ledger.take_settled(), [Settled::Over(0, outcome)]);
    }
}

#[test]
fn a_message_that_is_taken_in_a_transaction_that_was_kept_open_is_not_sent_twice() {
    for (code, is_taken) in [(250, true), (451, false)] {
        let mut ledger = Ledger::new(Gear::Chunked, 8);
        ledger.begin(1);
        ledger.begin(1);
        write(&mut ledger);
        hear(&mut ledger, [ok(), reply(550, 0, "nobody"), Reply::new(503, "need RCPT")]);
        let nested = Reply::new(503, "nested MAIL command");

        hear(&mut ledger, [nested.clone(), ok(), reply(code, 1, "word")]);

        let taken = AttemptOutcome::Answered(vec![reply(250, 1, "word")]);
        let expected = if is_taken {
            Settled::Over(1, taken)
        } else {
            Settled::Again(1, Cause::Refused(nested))
        };
        assert_eq!(ledger.take_settled().last(), Some(&expected));
        assert!(!ledger.has_room());
    }
}

#[test]
fn nobody_who_was_taken_by_mistake_gets_an_empty_mail() {
    for (data, is_refused) in [(go(), false), (Reply::new(451, "no"), true)] {
        let mut ledger = Ledger::new(Gear::Overlapped, 1);
        ledger.begin(1);
        write(&mut ledger);
        hear(&mut ledger, [ok(), ok(), go()]);
        ledger.begin(1);
        write(&mut ledger);
        let nested = Reply::new(503, "nested MAIL command");
        hear(&mut ledger, [reply(250, 0, "taken"), nested.clone(), ok()]);

        assert_eq!(ledger.hear(data).is_ok(), is_refused);
        ledger.abandon(&Cause::NotSmtp);

        let again = Settled::Again(1, Cause::NotSmtp);
        let expected = if is_refused { Settled::Again(1, Cause::Refused(nested)) } else { again };
        assert_eq!(ledger.take_settled().last(), Some(&expected));
        assert_eq!(write(&mut ledger), []);
    }
}

#[test]
fn a_reply_that_nobody_asked_for_ends_the_session() {
    let mut ledger = Ledger::new(Gear::OneByOne, 1);
    assert_eq!(ledger.hear(ok()), Err(Cause::NotSmtp));
    assert_eq!(ledger.fault(), None);
}

/// A server that keeps to the protocol, refuses at random, and knows what it has accepted.
struct Model<'a> {
    /// What decides: one number a command, 0 once they are spent.
    dice: &'a mut dyn Iterator<Item = u8>,
    /// Whose transaction is open, and which of its recipients were taken.
    open: Option<(Serial, Vec<Option<Reply>>)>,
    has_closed: bool,
    /// What it answered to each message it was told of.
    truth: Vec<Truth>,
}

/// What the server said of one message.
#[derive(Clone, Debug, Default, PartialEq)]
struct Truth {
    from: Option<Reply>,
    /// Refusals at RCPT; `None` where it was taken.
    recipients: Vec<Option<Reply>>,
    word: Option<Reply>,
}

impl Truth {
    fn is_accepted(&self) -> bool {
        self.word.as_ref().is_some_and(Reply::is_positive)
    }

    fn outcome(&self) -> AttemptOutcome {
        if let Some(refusal) = &self.from {
            return AttemptOutcome::FromRefused(refusal.clone());
        }
        let answer = |refusal: &Option<Reply>| refusal.clone().or_else(|| self.word.clone());
        AttemptOutcome::Answered(self.recipients.iter().map(|r| answer(r).unwrap()).collect())
    }
}

impl Model<'_> {
    /// Reads one thing that was said; gives the reply, or nothing once it has hung up.
    fn read(&mut self, say: Say) -> Option<Reply> {
        if self.has_closed {
            return None;
        }
        let die = self.dice.next().unwrap_or(0);
        // The body after a 354 is no command that could be answered with 421 before it is read.
        if die == 255 && !matches!(say, Say::EmptyBody) {
            self.has_closed = true;
            return Some(Reply::new(421, "4.3.2 closing"));
        }
        Some(match say {
            Say::Reset => {
                self.open = None;
                ok()
            }
            Say::Mail(serial) => self.mail(serial, die),
            Say::Rcpt(serial, index) => self.rcpt(serial, index, die),
            Say::Data => self.data(die),
            Say::Body(serial) | Say::Chunk(serial) => self.word(serial, die),
            Say::EmptyBody => {
                self.open = None;
                if die.is_multiple_of(2) { ok() } else { Reply::new(554, "nobody") }
            }
        })
    }

    fn mail(&mut self, serial: Serial, die: u8) -> Reply {
        assert!(self.open.is_none(), "MAIL within a transaction");
        self.truth.resize(usize::try_from(serial).unwrap() + 1, Truth::default());
        if die % 5 == 4 {
            let refusal = reply(450 + u16::from(die % 2) * 103, serial, "from");
            self.truth.last_mut().unwrap().from = Some(refusal.clone());
            return refusal;
        }
        self.open = Some((serial, Vec::new()));
        ok()
    }

    fn rcpt(&mut self, serial: Serial, index: usize, die: u8) -> Reply {
        let Some((open, taken)) = &mut self.open else { return Reply::new(503, "MAIL first") };
        assert_eq!((*open, taken.len()), (serial, index));
        let refusal = (die % 3 == 2)
            .then(|| reply(450 + u16::from(die % 2) * 100, serial, &format!("recipient {index}")));
        taken.push(refusal.clone());
        self.truth.last_mut().unwrap().recipients.push(refusal.clone());
        refusal.unwrap_or_else(ok)
    }

    fn data(&mut self, die: u8) -> Reply {
        match &self.open {
            None => Reply::new(503, "MAIL first"),
            Some((_, taken)) if taken.iter().all(Option::is_some) => {
                // Some servers go ahead all the same.
                if die.is_multiple_of(2) { Reply::new(554, "no valid recipients") } else { go() }
            }
            Some((serial, _)) if die % 7 == 6 => {
                let refusal = reply(451, *serial, "data");
                self.truth.last_mut().unwrap().word = Some(refusal.clone());
                refusal
            }
            Some(_) => go(),
        }
    }

    fn word(&mut self, serial: Serial, die: u8) -> Reply {
        let Some((open, taken)) = self.open.take() else { return Reply::new(503, "MAIL first") };
        assert_eq!(open, serial, "the body of another message");
        if taken.iter().all(Option::is_some) {
            return Reply::new(if die.is_multiple_of(2) { 554 } else { 250 }, "for nobody");
        }
        let word = reply([250, 250, 451, 554][usize::from(die % 4)], serial, "word");
        self.truth.last_mut().unwrap().word = Some(word.clone());
        word
    }
}

/// How a dialogue ended.
struct Played {
    truth: Vec<Truth>,
    settled: Vec<Settled>,
    /// Whether it came to its end, with nothing lost on the way.
    is_whole: bool,
}

/// Plays messages for `recipients` each. `segments` says how many replies come at a time, and
/// `cut` after how many of them the connection breaks.
fn play(
    gear: Gear,
    recipients: &[usize],
    dice: &[u8],
    segments: &[usize],
    cut: Option<usize>,
) -> Played {
    let mut ledger = Ledger::new(gear, 3);
    let dice = &mut dice.iter().copied();
    let mut model = Model { dice, open: None, has_closed: false, truth: Vec::new() };
    let mut to_begin = recipients.iter().copied();
    let mut segments = segments.iter().copied().cycle();
    let (mut replies, mut heard) = (VecDeque::new(), 0);
    let mut settled = Vec::new();
    let is_whole = loop {
        while ledger.has_room()
            && let Some(recipients) = to_begin.next()
        {
            ledger.begin(recipients);
        }
        for say in write(&mut ledger) {
            replies.extend(model.read(say));
        }
        if ledger.is_at_rest() || replies.is_empty() {
            break ledger.is_at_rest() && !ledger.closes();
        }
        for _ in 0..segments.next().unwrap_or(1).max(1) {
            if cut == Some(heard) {
                ledger.abandon(&Cause::Closed);
                break;
            }
            let Some(reply) = replies.pop_front() else { break };
            heard += 1;
            ledger.hear(reply).unwrap();
        }
        settled.extend(ledger.take_settled());
        if ledger.closes() {
            break false;
        }
    };
    settled.extend(ledger.take_settled());
    Played { truth: model.truth, settled, is_whole }
}

fn gears() -> impl Strategy<Value = Gear> {
    prop::sample::select(Gear::ALL.to_vec())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn every_reply_is_given_to_the_message_that_it_answers(
        gear in gears(),
        recipients in prop::collection::vec(1..4_usize, 1..12),
        dice in prop::collection::vec(0..255_u8, 0..120),
        segments in prop::collection::vec(1..7_usize, 1..8),
    ) {
        let played = play(gear, &recipients, &dice, &segments, None);

        prop_assert!(played.is_whole);
        let expected: Vec<_> = (0..).zip(&played.truth)
            .map(|(serial, truth)| Settled::Over(serial, truth.outcome()))
            .collect();
        prop_assert_eq!(played.settled, expected);
        prop_assert_eq!(played.truth.len(), recipients.len());
    }

    #[test]
    fn what_the_server_took_is_never_sent_again_unless_its_word_was_lost(
        gear in gears(),
        recipients in prop::collection::vec(1..4_usize, 1..12),
        dice in prop::collection::vec(any::<u8>(), 0..120),
        segments in prop::collection::vec(1..7_usize, 1..8),
        cut in prop::option::of(0..40_usize),
    ) {
        let played = play(gear, &recipients, &dice, &segments, cut);

        let mut seen = Vec::new();
        for settled in &played.settled {
            let (serial, outcome) = match settled {
                Settled::Over(serial, outcome) => (*serial, Some(outcome)),
                Settled::Again(serial, _) => (*serial, None),
            };
            seen.push(serial);
            let truth = played.truth.get(usize::try_from(serial).unwrap());
            let was_accepted = truth.is_some_and(Truth::is_accepted);
            let says_accepted = matches!(outcome, Some(AttemptOutcome::Answered(replies))
                if replies.iter().any(Reply::is_positive));
            let is_uncertain = matches!(outcome, Some(AttemptOutcome::Unknown(_)));
            prop_assert!(is_uncertain || says_accepted == was_accepted, "{settled:?} {truth:?}");
        }
        let each_once: std::collections::BTreeSet<_> = seen.iter().collect();
        prop_assert_eq!(each_once.len(), seen.len());
    }
}
