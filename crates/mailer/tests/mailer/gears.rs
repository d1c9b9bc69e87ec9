//! Sessions in all three gears, counted at the server, and servers that cannot do what they offer.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use letterhead_domain::{
    delivery::AttemptOutcome,
    message::Attachment,
    smtp_settings::{Auth, Encryption, SmtpSettings},
    test_run::Cause,
};
use letterhead_mailer::{
    clock::Clock,
    compose::compose,
    counts::Retirement,
    gear::{Gear, GearFault},
    mailer::{Mailer, MailerConfig},
    transport::{Parcel, SessionLimits, Transport},
};
use proptest::prelude::*;

use crate::{
    sink::{Manner, Plan, Sink},
    stand::{
        codes, composed, email, lease, mailer, outgoing, parcel, parcel_of, send, settings,
        transport,
    },
};

const NOTHING: &[&str] = &[];
const PIPELINING: &[&str] = &["PIPELINING"];
const CHUNKING: &[&str] = &["PIPELINING", "CHUNKING"];

struct Bench {
    sink: Sink,
    mailer: Mailer,
    transport: Arc<Transport>,
}

impl Bench {
    async fn start(keywords: &'static [&'static str], manner: Manner) -> Self {
        Self::with(Plan { keywords, manner, segments: vec![] }, |_| {}).await
    }

    /// One session at a time, so that what is counted is the session's.
    async fn with(plan: Plan, adjust: impl FnOnce(&mut MailerConfig)) -> Self {
        let sink = Sink::start(plan).await;
        let mailer = mailer([sink.port], &[], |config| {
            config.connections_per_sender = 1;
            adjust(config);
        });
        let clear_text =
            SmtpSettings { encryption: Encryption::None, auth: Auth::None, ..settings(sink.port) };
        let transport = transport(&mailer, clear_text).await;
        Self { sink, mailer, transport }
    }

    /// Hands all of `parcels` over at once; gives the outcomes by ticket.
    async fn run(&self, parcels: impl IntoIterator<Item = Parcel>) -> Vec<AttemptOutcome> {
        let mut dispatch = self.transport.dispatch(&lease(), |_| false);
        for (ticket, parcel) in parcels.into_iter().enumerate() {
            dispatch.push(Parcel { ticket, ..parcel });
        }
        let mut outcomes = BTreeMap::new();
        while let Some((ticket, outcome)) = dispatch.next().await {
            assert_eq!(outcomes.insert(ticket, outcome), None, "told twice");
        }
        outcomes.into_values().collect()
    }

    fn drops(&self) -> Vec<(Gear, GearFault, u64)> {
        let drops = self.mailer.transports().session_counts().gear_drops;
        drops.into_iter().filter(|(.., count)| *count > 0).collect()
    }

    fn retired(&self) -> Vec<(Retirement, u64)> {
        let retired = self.mailer.transports().session_counts().retired;
        retired.into_iter().filter(|(_, count)| *count > 0).collect()
    }
}

/// `count` small mails, each to a recipient of its own.
fn backlog(count: usize) -> impl Iterator<Item = Parcel> {
    (0..count).map(|number| parcel(&[&format!("ann{number}@example.net")]))
}

fn all_accepted(outcomes: &[AttemptOutcome]) -> bool {
    outcomes.iter().all(|outcome| codes(outcome).iter().all(|code| *code == 250))
}

#[tokio::test]
async fn under_backlog_a_message_costs_one_round_trip_with_pipelining_alone() {
    let bench = Bench::start(PIPELINING, Manner::Faithful).await;

    let outcomes = bench.run(backlog(100)).await;

    assert!(all_accepted(&outcomes));
    let counted = bench.sink.counted();
    assert_eq!((outcomes.len(), counted.taken.len(), counted.connections), (100, 100, 1));
    assert!(counted.turns <= 110, "{} turns", counted.turns);
    assert_eq!((counted.said("NOOP"), counted.said("RSET"), counted.said("DATA")), (0, 0, 100));
    let ours = bench.mailer.transports().session_counts();
    assert_eq!((ours.opened, ours.messages, ours.round_trips), (1, 100, 101));
}

#[tokio::test]
async fn slices_share_the_senders_sessions_and_more_are_opened_only_for_those_that_were_retired() {
    for keywords in [NOTHING, PIPELINING, CHUNKING] {
        let plan = Plan { keywords, manner: Manner::Faithful, segments: vec![] };
        let bench = Bench::with(plan, |config| {
            config.connections_per_sender = 2;
            config.sessions.messages = 60;
        })
        .await;

        for _slice in 0..5 {
            assert!(all_accepted(&bench.run(backlog(100)).await), "{keywords:?}");
        }

        let (counted, ours) = (bench.sink.counted(), bench.mailer.transports().session_counts());
        let retired: u64 = ours.retired.iter().map(|(_, count)| count).sum();
        assert_eq!((counted.taken.len(), counted.said("NOOP")), (500, 0), "{keywords:?}");
        assert_eq!(u64::try_from(counted.connections).unwrap(), ours.opened, "{keywords:?}");
        assert!(ours.opened <= 2 + retired, "{keywords:?}: {ours:?}");
        // Each carries as many as it may, and each slice after the first finds a warm one.
        assert!((9..=11).contains(&ours.opened), "{keywords:?}: {ours:?}");
        assert!(ours.reused >= 4, "{keywords:?}: {ours:?}");
        assert_eq!(bench.mailer.transports().sessions_now().open, ours.opened - retired);
    }
}

#[tokio::test]
async fn a_senders_gear_is_told_with_what_made_it_slower() {
    let bench = Bench::start(CHUNKING, Manner::DoesNotKnowBdat).await;
    let gears = || bench.mailer.transports().sessions_now().gears;
    assert_eq!(gears().map(|(_, senders)| senders), [0, 0, 0]);

    bench.run(backlog(2)).await;
    bench.run(backlog(2)).await;

    assert_eq!(gears(), [(Gear::OneByOne, 0), (Gear::Overlapped, 1), (Gear::Chunked, 0)]);
    assert_eq!(bench.drops(), [(Gear::Chunked, GearFault::UnexpectedReply, 1)]);
}

#[tokio::test]
async fn with_chunking_a_round_trip_carries_a_window_of_messages() {
    let bench = Bench::start(CHUNKING, Manner::Faithful).await;

    let outcomes = bench.run(backlog(100)).await;

    assert!(all_accepted(&outcomes));
    let counted = bench.sink.counted();
    assert_eq!((counted.taken.len(), counted.connections), (100, 1));
    assert_eq!((counted.said("BDAT"), counted.said("DATA"), counted.said("NOOP")), (100, 0, 0));
    // The first message goes alone, to see that the server can do what it offers.
    assert!(counted.turns <= 50, "{} turns", counted.turns);
    let ours = bench.mailer.transports().session_counts();
    assert!(ours.round_trips <= 50, "{} round trips", ours.round_trips);
    assert_eq!(ours.by_gear, [(Gear::OneByOne, 0), (Gear::Overlapped, 0), (Gear::Chunked, 100)]);
}

#[tokio::test]
async fn without_pipelining_nothing_is_said_ahead() {
    let bench = Bench::start(NOTHING, Manner::CutsGroups).await;

    let outcomes = bench.run(backlog(10)).await;

    assert!(all_accepted(&outcomes));
    // Greeting and EHLO, then MAIL, RCPT, DATA and the body.
    assert_eq!(bench.sink.counted().turns, 2 + 10 * 4);
    assert_eq!(bench.drops(), []);
}

#[tokio::test]
async fn bodies_arrive_byte_for_byte_in_every_gear() {
    for keywords in [NOTHING, PIPELINING, CHUNKING] {
        let bench = Bench::start(keywords, Manner::Faithful).await;
        // The second is larger than what is gathered into one write.
        let texts = ["a\n.\n..b\n.QUIT\n".to_owned(), "0123456789\n.dot\n".repeat(20_000)];
        let mut mails = texts.iter().map(|text| composed(text)).collect::<Vec<_>>();
        // Its files are encoded while it leaves.
        let mut with_files = outgoing("Attached.\n.\n");
        with_files.content.attachments = ["a.pdf", "b.pdf"]
            .map(|name| Attachment {
                filename: name.parse().unwrap(),
                content_type: "application/pdf".parse().unwrap(),
                content: (0..=255).cycle().take(100_000).collect(),
            })
            .into();
        mails.push(compose(with_files).unwrap());

        let parcels = mails.iter().cycle().take(6);
        let outcomes =
            bench.run(parcels.map(|mail| parcel_of(mail.clone(), &["ann@example.net"]))).await;

        assert!(all_accepted(&outcomes));
        let taken = bench.sink.counted().taken;
        assert_eq!(taken.len(), 6);
        for (index, (_, bytes)) in taken.iter().enumerate() {
            assert!(
                *bytes == mails[index % mails.len()].to_bytes(),
                "{keywords:?}: other bytes at {index}"
            );
        }
    }
}

#[tokio::test]
async fn refusals_are_given_to_whom_they_are_meant_for_in_every_gear() {
    let offers = [
        (NOTHING, Manner::Faithful),
        (PIPELINING, Manner::Faithful),
        (PIPELINING, Manner::GoesAheadForNobody),
        (CHUNKING, Manner::Faithful),
    ];
    for (keywords, manner) in offers {
        let bench = Bench::start(keywords, manner).await;
        let from = email("from553@example.com");
        let parcels = vec![
            parcel(&["a@example.net"]),
            parcel(&["rcpt550@example.net", "rcpt450@example.net"]),
            parcel(&["b@example.net", "rcpt550@example.net"]),
            Parcel { from, ..parcel(&["c@example.net"]) },
            parcel(&["word554@example.net"]),
            parcel(&["rcpt450@example.net", "word451@example.net"]),
            parcel(&["d@example.net"]),
        ];

        let outcomes = bench.run(parcels).await;

        let told: Vec<_> = outcomes
            .iter()
            .map(|outcome| {
                if let AttemptOutcome::FromRefused(reply) = outcome {
                    vec![reply.code]
                } else {
                    codes(outcome)
                }
            })
            .collect();
        let expected: [&[u16]; 7] =
            [&[250], &[550, 450], &[250, 550], &[553], &[554], &[450, 451], &[250]];
        assert_eq!(told, expected, "{keywords:?} {manner:?}");
        let counted = bench.sink.counted();
        assert_eq!(counted.connections, 1, "{keywords:?} {manner:?}");
        let reached: Vec<_> = counted.taken.iter().flat_map(|(to, _)| to).collect();
        assert_eq!(reached, ["a@example.net", "b@example.net", "d@example.net"]);
    }
}

#[tokio::test]
async fn a_server_that_forgets_what_came_ahead_is_asked_one_by_one_and_gets_each_mail_once() {
    let plan =
        Plan { keywords: PIPELINING, manner: Manner::ForgetsWhatCameAhead, segments: vec![] };
    let bench = Bench::with(plan, |config| {
        config.timeouts.reply = Duration::from_millis(300);
    })
    .await;

    let outcomes = bench.run(backlog(4)).await;

    assert!(all_accepted(&outcomes));
    let counted = bench.sink.counted();
    assert_eq!((counted.taken.len(), counted.connections), (4, 2));
    assert_eq!(bench.drops(), [(Gear::Overlapped, GearFault::TimedOut, 1)]);
    let limit = bench.transport.gear_limit().unwrap();
    assert_eq!((limit.gear, limit.fault), (Gear::OneByOne, GearFault::TimedOut));
}

#[tokio::test]
async fn a_server_that_does_not_know_bdat_after_all_gets_data() {
    let bench = Bench::start(CHUNKING, Manner::DoesNotKnowBdat).await;

    let outcomes = bench.run(backlog(4)).await;

    assert!(all_accepted(&outcomes));
    assert_eq!(bench.sink.counted().taken.len(), 4);
    let limit = bench.transport.gear_limit().unwrap();
    assert_eq!((limit.gear, limit.fault), (Gear::Overlapped, GearFault::UnexpectedReply));
}

#[tokio::test]
async fn a_server_that_keeps_a_refused_transaction_open_refuses_no_sender() {
    let bench = Bench::start(CHUNKING, Manner::KeepsTransactions).await;
    let parcels = backlog(2).chain([parcel(&["rcpt550@example.net"])]).chain(backlog(2));

    let outcomes = bench.run(parcels).await;

    let told: Vec<_> = outcomes.iter().flat_map(codes).collect();
    assert_eq!(told, [250, 250, 550, 250, 250]);
    assert_eq!(bench.sink.counted().taken.len(), 4);
    assert_eq!(bench.drops(), [(Gear::Chunked, GearFault::UnexpectedReply, 1)]);
}

#[tokio::test]
async fn a_server_that_hangs_up_on_groups_is_asked_one_by_one_the_next_time() {
    let bench = Bench::start(PIPELINING, Manner::CutsGroups).await;

    let first = send(&bench.transport, &["ann@example.net"]).await;
    let second = send(&bench.transport, &["ann@example.net"]).await;

    assert_eq!(first, AttemptOutcome::NotSent(Cause::Closed));
    assert_eq!(codes(&second), [250]);
    assert_eq!(bench.drops(), [(Gear::Overlapped, GearFault::Cut, 1)]);
}

#[tokio::test]
async fn a_server_that_has_had_enough_for_one_session_gets_the_rest_on_another() {
    for keywords in [NOTHING, PIPELINING, CHUNKING] {
        let bench = Bench::start(keywords, Manner::ClosesAfter(3)).await;

        let outcomes = bench.run(backlog(9)).await;

        assert!(all_accepted(&outcomes), "{keywords:?}: {outcomes:?}");
        let counted = bench.sink.counted();
        assert_eq!((counted.taken.len(), counted.connections), (9, 3), "{keywords:?}");
        assert_eq!(bench.drops(), [], "{keywords:?}");
    }
    for keywords in [NOTHING, PIPELINING] {
        let bench = Bench::start(keywords, Manner::VanishesAfter(3)).await;

        let outcomes = bench.run(backlog(9)).await;

        assert!(all_accepted(&outcomes), "{keywords:?}: {outcomes:?}");
        assert_eq!(bench.sink.counted().taken.len(), 9, "{keywords:?}");
        assert_eq!(bench.drops(), [], "{keywords:?}");
    }
}

#[tokio::test]
async fn only_what_was_written_to_its_last_octet_is_uncertain_after_a_cut() {
    for keywords in [NOTHING, PIPELINING] {
        let bench = Bench::start(keywords, Manner::VanishesAtTheEnd).await;
        let mut dispatch = bench
            .transport
            .dispatch(&lease(), |outcome| matches!(outcome, AttemptOutcome::Unknown(_)));
        for (ticket, parcel) in backlog(5).enumerate() {
            dispatch.push(Parcel { ticket, ..parcel });
        }

        let mut outcomes = BTreeMap::new();
        while let Some((ticket, outcome)) = dispatch.next().await {
            outcomes.insert(ticket, outcome);
        }

        let mut expected = vec![AttemptOutcome::Unknown(Cause::Closed)];
        expected.resize(5, AttemptOutcome::NotSent(Cause::Interrupted));
        assert_eq!(outcomes.into_values().collect::<Vec<_>>(), expected, "{keywords:?}");
        assert_eq!(bench.sink.counted().taken.len(), 1, "{keywords:?}");
    }
}

#[tokio::test]
async fn a_session_is_retired_once_it_has_rested_too_long_or_grown_too_old() {
    let limits = SessionLimits::default();
    let (idle, age) = (limits.idle, limits.age);
    let cases = [
        (Retirement::Idle, vec![(Duration::ZERO, 1), (idle * 9 / 10, 1), (idle, 2)]),
        (Retirement::Age, (1..=20).map(|turn| (age / 20, 1 + turn / 20)).collect()),
    ];
    for (reason, steps) in cases {
        let plan = Plan { keywords: CHUNKING, manner: Manner::Faithful, segments: vec![] };
        let clock = Clock::new();
        let bench = Bench::with(plan, |config| config.clock = clock.clone()).await;
        bench.run(backlog(1)).await;

        for (wait, connections) in steps {
            clock.advance(wait);
            assert!(all_accepted(&bench.run(backlog(1)).await));
            assert_eq!(bench.sink.counted().connections, connections, "{reason:?} {wait:?}");
        }

        assert_eq!(bench.retired(), [(reason, 1)]);
    }
}

#[tokio::test]
async fn a_session_is_retired_once_it_has_carried_as_many_messages_as_it_may() {
    for keywords in [NOTHING, PIPELINING, CHUNKING] {
        let plan = Plan { keywords, manner: Manner::Faithful, segments: vec![] };
        let bench = Bench::with(plan, |config| config.sessions.messages = 10).await;

        assert!(all_accepted(&bench.run(backlog(25)).await));

        assert_eq!(bench.sink.counted().connections, 3, "{keywords:?}");
        assert_eq!(bench.retired(), [(Retirement::Messages, 2)], "{keywords:?}");
    }
}

/// Recipients that the sink takes or refuses at one step or another.
fn recipient() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["a", "b", "rcpt550", "rcpt450", "word554", "word451"])
}

/// What the sink is bound to answer to `recipients`.
fn answers(recipients: &[&str]) -> Vec<u16> {
    let taken = || recipients.iter().filter(|name| !name.starts_with("rcpt"));
    let word = taken()
        .find_map(|name| name.strip_prefix("word"))
        .map_or(250, |code| code.parse().unwrap());
    let answer = |name: &&str| name.strip_prefix("rcpt").map_or(word, |code| code.parse().unwrap());
    recipients.iter().map(answer).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn each_message_hears_its_own_answers_however_the_server_cuts_them_up(
        keywords in prop::sample::select(vec![NOTHING, PIPELINING, CHUNKING]),
        lenient in any::<bool>(),
        messages in prop::collection::vec(prop::collection::vec(recipient(), 1..4), 1..20),
        segments in prop::collection::vec(1..80_usize, 0..6),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let manner = if lenient { Manner::GoesAheadForNobody } else { Manner::Faithful };
        let (outcomes, taken) = runtime.block_on(async {
            let bench = Bench::with(Plan { keywords, manner, segments }, |_| {}).await;
            let parcels = messages.iter().map(|names| {
                let to: Vec<_> = names.iter().map(|name| format!("{name}@example.net")).collect();
                parcel(&to.iter().map(String::as_str).collect::<Vec<_>>())
            });
            (bench.run(parcels).await, bench.sink.counted().taken)
        });

        let told: Vec<_> = outcomes.iter().map(codes).collect();
        let expected: Vec<_> = messages.iter().map(|names| answers(names)).collect();
        let accepted = expected.iter().filter(|answers| answers.contains(&250)).count();
        prop_assert_eq!(told, expected);
        let taken = taken.iter().filter(|(recipients, _)| !recipients.is_empty()).count();
        prop_assert_eq!(taken, accepted);
    }
}
