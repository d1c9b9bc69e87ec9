use super::*;

const HOUR: Duration = Duration::from_secs(60 * 60);

fn known(host: &str, from: &str) -> [Option<u32>; 4] {
    let known = Limits::known(&host.parse().unwrap(), &from.parse().unwrap());
    LimitName::ALL.iter().map(|&name| known.get(name)).collect::<Vec<_>>().try_into().unwrap()
}

#[test]
fn what_the_catalogue_knows_for_certain_becomes_a_limit() {
    let cases = [
        ("a personal mailbox", "smtp.gmail.com", "ann@gmail.com", [None, Some(500), None, None]),
        (
            "a domain of one's own",
            "smtp.gmail.com",
            "ann@aurora.example",
            [None, Some(2_000), Some(100), None],
        ),
        (
            "recipients bound messages",
            "smtp.office365.com",
            "ann@aurora.example",
            [Some(30), Some(10_000), None, Some(3)],
        ),
        (
            "recipients of a message",
            "smtp.mail.me.com",
            "ann@icloud.com",
            [None, Some(1_000), Some(500), None],
        ),
        (
            "a plan that is not everybody's",
            "email-smtp.eu-west-1.amazonaws.com",
            "ann@aurora.example",
            [None, None, None, None],
        ),
        ("unknown", "mail.aurora.example", "ann@aurora.example", [None, None, None, None]),
    ];
    for (case, host, from, expected) in cases {
        assert_eq!(known(host, from), expected, "{case}");
    }
}

#[test]
fn what_is_set_counts_instead_of_what_is_known() {
    let set = Limits { messages_per_day: Some(50), ..Limits::default() };
    let known = Limits { messages_per_day: Some(500), connections: Some(3), ..Limits::default() };

    let counts = set.or(known);

    assert_eq!((counts.messages_per_day, counts.connections), (Some(50), Some(3)));
    assert_eq!((counts.messages_per_minute, counts.recipients_per_message), (None, None));
}

#[test]
fn every_limit_out_of_range_is_named() {
    let input = LimitsInput {
        messages_per_minute: Some(0),
        messages_per_day: Some(-1),
        recipients_per_message: Some(i64::MAX),
        connections: Some(100),
    };

    let errors = Limits::parse(input).unwrap_err();

    let refused: Vec<_> = errors.iter().map(|error| (error.pointer.as_str(), error.code)).collect();
    let expected = ["/messages_per_minute", "/messages_per_day", "/recipients_per_message"];
    assert_eq!(refused, expected.map(|pointer| (pointer, "out_of_range")));
    let highest = LimitsInput { connections: Some(100), ..LimitsInput::default() };
    assert_eq!(Limits::parse(highest).unwrap().connections, Some(100));
}

/// Everything that a backlog sends, to the millisecond, as the mark counts it.
fn departures(per_minute: u32, for_ms: u64) -> Vec<u64> {
    let limits = Limits { messages_per_minute: Some(per_minute), ..Limits::default() };
    let (step, ahead) = (limits.pace().unwrap(), PACE_AHEAD);
    let mut next = Duration::ZERO;
    let mut left = Vec::new();
    for ms in 0..for_ms {
        let now = Duration::from_millis(ms);
        while next.saturating_sub(now) <= ahead {
            next = next.max(now) + step;
            left.push(ms);
        }
    }
    left
}

#[test]
fn no_minute_sees_more_messages_than_its_limit() {
    for most in [1, 2, 7, 10, 30, 100, 1_000] {
        let left = departures(most, 200_000);
        for (index, &first) in left.iter().enumerate() {
            let within = left[index..].iter().take_while(|&&at| at < first + 60_000).count();
            assert!(within <= most as usize, "{within} within a minute of {first}, not {most}");
        }
        let fair = u64::from(most) * 200_000 / 66_000;
        assert!(left.len() as u64 >= fair, "{} of {most} a minute is too slow", left.len());
    }
}

#[test]
fn a_quota_is_asked_after_less_and_less_often_but_once_a_day_at_least() {
    let cases = [(HOUR, 0, 1), (HOUR, 1, 2), (HOUR, 4, 16), (HOUR, 5, 24), (HOUR, 99, 24)];
    for (said, earlier, hours) in cases {
        assert_eq!(quota_wait(said, earlier), HOUR * hours, "{earlier}");
    }
    assert_eq!(quota_wait(DAY, 3), DAY);
}

#[test]
fn a_forecast_counts_what_is_used_up_and_what_comes_free() {
    let daily = |most| Limits { messages_per_day: Some(most), ..Limits::default() };
    let minute = |most| Limits { messages_per_minute: Some(most), ..Limits::default() };
    let both = Limits { messages_per_day: Some(10_000), ..minute(30) };
    let day = COUNTED_FOR;
    let none: &[(u64, Duration)] = &[];
    let spent = &[(2_000, HOUR * 24)][..];
    let mixed = &[(600, HOUR), (400, HOUR * 5)][..];
    let cases = [
        ("nothing limits", Limits::default(), 3_400, none, None),
        ("nothing waits", daily(10), 0, none, None),
        ("all fits in", daily(2_000), 2_000, none, Some(Duration::ZERO)),
        ("one too many", daily(2_000), 2_001, none, Some(day)),
        ("a day's worth is used", daily(2_000), 3_400, spent, Some(day + HOUR * 24)),
        ("what is left suffices", daily(1_200), 200, mixed, Some(Duration::ZERO)),
        ("the first to come free", daily(1_000), 600, mixed, Some(HOUR)),
        ("the second as well", daily(1_000), 601, mixed, Some(HOUR * 5)),
        ("a lowered limit", daily(500), 1, mixed, Some(HOUR)),
        ("by the minute", minute(60), 600, none, Some(minute(60).pace().unwrap() * 600)),
        ("the slower of both", both, 900, none, Some(both.pace().unwrap() * 900)),
    ];
    for (case, limits, waiting, used, expected) in cases {
        let used: Vec<_> =
            used.iter().map(|&(messages, until_free)| Usage { messages, until_free }).collect();
        let forecast = Forecast { waiting, used: &used, held_for: Duration::ZERO };
        assert_eq!(forecast.through_in(&limits), expected, "{case}");
    }
}

#[test]
fn nothing_is_through_before_a_hold_ends() {
    let forecast = Forecast { waiting: 1, used: &[], held_for: HOUR };
    let limits = Limits { messages_per_day: Some(10), ..Limits::default() };

    assert_eq!(forecast.through_in(&limits), Some(HOUR));
}

#[test]
fn a_length_of_time_is_told_in_the_unit_that_suits_it() {
    let cases = [
        (0, "1 minute"),
        (89, "1 minute"),
        (5_399, "90 minutes"),
        (5_400, "2 hours"),
        (129_599, "36 hours"),
        (129_600, "2 days"),
        (3 * 86_400, "3 days"),
    ];
    for (seconds, expected) in cases {
        assert_eq!(Span::from(Duration::from_secs(seconds)).to_string(), expected, "{seconds}");
    }
}

#[test]
fn a_forecast_is_told_in_a_few_words() {
    let cases = [
        (3_400, false, HOUR * 48, "3,400 messages waiting, about 2 days at this account's limit"),
        (1, false, HOUR * 3, "1 message waiting, about 3 hours at this account's limit"),
        (
            100_000,
            true,
            HOUR * 240,
            "more than 100,000 messages waiting, more than 10 days at this account's limit",
        ),
    ];
    for (waiting, more, through_in, expected) in cases {
        assert_eq!(in_words(waiting, more, through_in), expected);
    }
    assert_eq!([0, 999, 1_000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
}
