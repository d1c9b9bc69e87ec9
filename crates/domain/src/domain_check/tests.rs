//! What records mean, and which record to add.

use super::{
    spf::{Matcher, Presence, SpfTree, Term, Verdict},
    *,
};

fn subject(from: &str, host: &str) -> Subject {
    let host: SmtpHost = host.parse().unwrap();
    let from: EmailAddress = from.parse().unwrap();
    let (provider, owner) = (provider::of_host(&host), provider::of_email_domain(from.domain()));
    Subject { from, host, provider, owner }
}

fn google() -> Subject {
    subject("billing@aurora.example", "smtp.gmail.com")
}

fn check(subject: &Subject, facts: DomainFacts) -> DomainCheck {
    subject.decide(facts, DateTime::default())
}

fn with_spf(spf: SpfFacts) -> DomainFacts {
    DomainFacts { spf, ..DomainFacts::no_answer() }
}

fn found(record: &str, tree: SpfTree, lookups: u32) -> SpfFacts {
    let record = record.to_owned();
    SpfFacts::Found { record, tree, lookups, server_passes: None, include_costs: Some(4) }
}

fn all(verdict: Verdict) -> Term {
    Term { verdict, matcher: Matcher::All }
}

fn include(domain: &str, terms: Vec<Term>) -> Term {
    let tree = SpfTree { domain: domain.to_owned(), terms, redirect: None };
    Term { verdict: Verdict::Pass, matcher: Matcher::Include(Box::new(tree)) }
}

fn tree(terms: Vec<Term>) -> SpfTree {
    SpfTree { domain: "aurora.example".to_owned(), terms, redirect: None }
}

fn network(text: &str, bits: u8, verdict: Verdict) -> Term {
    Term { verdict, matcher: Matcher::Networks(vec![(text.parse().unwrap(), bits)]) }
}

#[test]
fn an_include_goes_into_the_record_that_exists_right_before_its_end() {
    let cases = [
        (None, "v=spf1 include:_spf.google.com ~all"),
        (Some("v=spf1 -all"), "v=spf1 include:_spf.google.com -all"),
        (
            Some("v=spf1 mx a:old.example ~all"),
            "v=spf1 mx a:old.example include:_spf.google.com ~all",
        ),
        (
            Some("v=spf1 ip4:192.0.2.0/24 ?all"),
            "v=spf1 ip4:192.0.2.0/24 include:_spf.google.com ?all",
        ),
        (Some("V=SPF1  MX   -ALL"), "v=spf1 MX include:_spf.google.com -ALL"),
        // What says nothing of everybody else says so from now on.
        (Some("v=spf1 mx"), "v=spf1 mx include:_spf.google.com ~all"),
        (Some("v=spf1"), "v=spf1 include:_spf.google.com ~all"),
        // Another record decides about everybody else.
        (
            Some("v=spf1 redirect=_spf.x.example"),
            "v=spf1 include:_spf.google.com redirect=_spf.x.example",
        ),
        (
            Some("v=spf1 redirect=_spf.x.example mx"),
            "v=spf1 mx include:_spf.google.com redirect=_spf.x.example",
        ),
        // Beside `all` it has no effect.
        (Some("v=spf1 mx -all redirect=_spf.x.example"), "v=spf1 mx include:_spf.google.com -all"),
        (
            Some("v=spf1 mx exp=why.x.example -all"),
            "v=spf1 mx include:_spf.google.com -all exp=why.x.example",
        ),
        // Where it stands now it does not count.
        (Some("v=spf1 -all include:_spf.google.com"), "v=spf1 include:_spf.google.com -all"),
        (
            Some("v=spf1 ?include:_SPF.google.com. mx -all"),
            "v=spf1 mx include:_spf.google.com -all",
        ),
        // Another's name that begins alike stays.
        (
            Some("v=spf1 include:_spf.google.com.evil.example -all"),
            "v=spf1 include:_spf.google.com.evil.example include:_spf.google.com -all",
        ),
    ];
    for (record, expected) in cases {
        let merged = with_include(record, "_spf.google.com");
        assert_eq!(merged, expected, "{record:?}");
        assert_eq!(with_include(Some(&merged), "_spf.google.com"), expected, "again: {record:?}");
    }
}

#[test]
fn a_record_that_lets_everybody_in_or_has_no_end_gets_a_mild_one() {
    let cases = [
        ("v=spf1 mx +all", "v=spf1 mx ~all"),
        ("v=spf1 mx all", "v=spf1 mx ~all"),
        ("v=spf1 mx", "v=spf1 mx ~all"),
    ];
    for (record, expected) in cases {
        assert_eq!(with_end(record), expected, "{record}");
    }
}

#[test]
fn what_is_found_about_spf_becomes_a_status_and_the_record_to_have() {
    let included = "_spf.google.com";
    let broken = |fault| SpfFacts::Broken { record: "v=spf1 …".to_owned(), fault, lookups: 12 };
    let cases = [
        (
            "missing",
            SpfFacts::Missing,
            Finding::SpfMissing,
            Some("v=spf1 include:_spf.google.com ~all"),
        ),
        ("no answer", SpfFacts::NoAnswer, Finding::SpfNoAnswer, None),
        ("two records", SpfFacts::Multiple(2), Finding::SpfMultiple, None),
        ("unreadable", broken(SpfFault::Syntax("ip4:x".to_owned())), Finding::SpfSyntax, None),
        ("to nowhere", broken(SpfFault::Target("x.example".to_owned())), Finding::SpfTarget, None),
        ("in a circle", broken(SpfFault::Loop("x.example".to_owned())), Finding::SpfLoop, None),
        ("too many", broken(SpfFault::TooManyLookups), Finding::SpfTooManyLookups, None),
        ("void", broken(SpfFault::TooManyVoids), Finding::SpfTooManyVoids, None),
        (
            "included",
            found(
                "v=spf1 include:_spf.google.com ~all",
                tree(vec![include(included, vec![]), all(Verdict::SoftFail)]),
                4,
            ),
            Finding::SpfOk,
            None,
        ),
        (
            "included further down",
            found(
                "v=spf1 include:x.example -all",
                tree(vec![
                    include("x.example", vec![include(included, vec![])]),
                    all(Verdict::Fail),
                ]),
                5,
            ),
            Finding::SpfOk,
            None,
        ),
        (
            "not included",
            found("v=spf1 mx -all", tree(vec![all(Verdict::Fail)]), 1),
            Finding::SpfNotAllowed,
            Some("v=spf1 mx include:_spf.google.com -all"),
        ),
        (
            "room for just that",
            found("v=spf1 mx -all", tree(vec![all(Verdict::Fail)]), 6),
            Finding::SpfNotAllowed,
            Some("v=spf1 mx include:_spf.google.com -all"),
        ),
        (
            "no room",
            found("v=spf1 mx -all", tree(vec![all(Verdict::Fail)]), 7),
            Finding::SpfFull,
            None,
        ),
        (
            "no end",
            found("v=spf1 include:_spf.google.com", tree(vec![include(included, vec![])]), 4),
            Finding::SpfNoEnd,
            Some("v=spf1 include:_spf.google.com ~all"),
        ),
        (
            "everybody",
            found("v=spf1 +all", tree(vec![all(Verdict::Pass)]), 0),
            Finding::SpfEverybody,
            Some("v=spf1 ~all"),
        ),
        (
            "by a macro",
            found(
                "v=spf1 include:%{i}.x.example -all",
                tree(vec![
                    Term { verdict: Verdict::Pass, matcher: Matcher::Unclear },
                    all(Verdict::Fail),
                ]),
                1,
            ),
            Finding::SpfServiceUnclear,
            None,
        ),
    ];
    for (case, facts, finding, suggested) in cases {
        let spf = check(&google(), with_spf(facts)).spf;
        assert_eq!(spf.finding, finding, "{case}");
        assert_eq!(spf.suggested.as_ref().map(|record| record.value.as_str()), suggested, "{case}");
        assert!(spf.suggested.iter().all(|record| record.name == "aurora.example"), "{case}");
        assert!(!spf.message().contains('{') && !spf.message().contains("  "), "{case}");
    }
}

#[test]
fn a_server_that_nobody_knows_is_judged_by_its_addresses_and_never_called_wrong() {
    let own = subject("billing@aurora.example", "mail.aurora.example");
    assert!(own.needs_addresses());
    let cases = [
        (Some(true), Finding::SpfServerPasses),
        (Some(false), Finding::SpfServerNotNamed),
        (None, Finding::SpfServerUnclear),
    ];
    for (server_passes, finding) in cases {
        let facts = SpfFacts::Found {
            record: "v=spf1 mx -all".to_owned(),
            tree: tree(vec![all(Verdict::Fail)]),
            lookups: 1,
            server_passes,
            include_costs: None,
        };
        let spf = check(&own, with_spf(facts)).spf;
        assert_eq!(spf.finding, finding);
        assert!(spf.status() < CheckStatus::Warning && spf.suggested.is_none());
    }
}

#[test]
fn a_service_with_a_return_path_of_its_own_needs_nothing_in_spf() {
    let smtp2go = subject("billing@aurora.example", "mail.smtp2go.com");
    assert_eq!(smtp2go.provider.unwrap().spf, Some(provider::Spf::Nothing));

    let checked = check(&smtp2go, with_spf(SpfFacts::Missing));

    assert_eq!(checked.spf.finding, Finding::SpfNotNeeded);
    assert_eq!(checked.dmarc_detail.spf_aligned, Some(false));
}

#[test]
fn the_best_key_of_a_service_counts_and_unknown_selectors_are_no_failure() {
    let cases: [(&[KeyState], _); 6] = [
        (&[KeyState::Missing, KeyState::Found], Finding::DkimOk),
        (&[KeyState::Revoked, KeyState::Missing], Finding::DkimRevoked),
        (&[KeyState::Broken, KeyState::Revoked], Finding::DkimBroken),
        (&[KeyState::Missing, KeyState::Missing], Finding::DkimMissing),
        (&[KeyState::NoAnswer, KeyState::Missing], Finding::DkimNoAnswer),
        (&[], Finding::DkimNoAnswer),
    ];
    for (states, finding) in cases {
        let key = |&state: &KeyState| DkimKey { selector: "selector", state };
        let dkim = states.iter().map(key).collect();
        let facts = DomainFacts { dkim, ..DomainFacts::no_answer() };
        assert_eq!(check(&google(), facts).dkim.finding, finding, "{states:?}");
    }

    let nobody_knows =
        check(&subject("billing@aurora.example", "mail.aurora.example"), DomainFacts::no_answer());
    assert_eq!(nobody_knows.dkim.finding, Finding::DkimUnknown);
    assert_eq!(nobody_knows.dkim.status(), CheckStatus::Unknown);
}

#[test]
fn dmarc_is_judged_by_what_proves_the_mail() {
    let allowed = || {
        found(
            "v=spf1 include:_spf.google.com ~all",
            tree(vec![include("_spf.google.com", vec![]), all(Verdict::SoftFail)]),
            4,
        )
    };
    let refused = || found("v=spf1 -all", tree(vec![all(Verdict::Fail)]), 0);
    let asks = |policy| DmarcFacts::Found {
        name: "_dmarc.aurora.example".to_owned(),
        record: format!("v=DMARC1; p={}", Policy::as_str(policy)),
        policy,
    };
    let cases = [
        (allowed(), KeyState::Missing, asks(Policy::Reject), Finding::DmarcOk),
        (refused(), KeyState::Found, asks(Policy::Reject), Finding::DmarcOk),
        (refused(), KeyState::Revoked, asks(Policy::Reject), Finding::DmarcFails),
        (refused(), KeyState::Missing, asks(Policy::Quarantine), Finding::DmarcUnclear),
        (refused(), KeyState::Revoked, asks(Policy::None), Finding::DmarcWatching),
        (allowed(), KeyState::Found, DmarcFacts::Missing, Finding::DmarcMissing),
        (allowed(), KeyState::Found, DmarcFacts::NoAnswer, Finding::DmarcNoAnswer),
        (
            allowed(),
            KeyState::Found,
            DmarcFacts::Multiple { name: "x".to_owned() },
            Finding::DmarcMultiple,
        ),
    ];
    for (spf, state, dmarc, finding) in cases {
        let dkim = vec![DkimKey { selector: "google", state }];
        let facts = DomainFacts { spf, dkim, dmarc, mx: MxFacts::Missing };
        assert_eq!(check(&google(), facts).dmarc.finding, finding);
    }
}

#[test]
fn a_new_dmarc_record_sends_its_reports_to_the_senders_own_domain() {
    let cases = [
        ("billing@aurora.example", "v=DMARC1; p=none; rua=mailto:billing@aurora.example"),
        // What would have to be escaped in an address of reports is left out.
        ("a!b@aurora.example", "v=DMARC1; p=none"),
    ];
    for (from, expected) in cases {
        let facts = DomainFacts { dmarc: DmarcFacts::Missing, ..DomainFacts::no_answer() };
        let suggested = check(&subject(from, "smtp.gmail.com"), facts).dmarc.suggested.unwrap();
        assert_eq!(
            (suggested.name.as_str(), suggested.value.as_str()),
            ("_dmarc.aurora.example", expected)
        );
    }
}

#[test]
fn an_address_of_a_mailbox_service_needs_nothing_there_and_is_forged_anywhere_else() {
    let dmarc = || DmarcFacts::Found {
        name: "_dmarc.gmail.com".to_owned(),
        record: "v=DMARC1; p=none; sp=quarantine".to_owned(),
        policy: Policy::None,
    };
    let facts = || DomainFacts { dmarc: dmarc(), ..DomainFacts::no_answer() };

    let at_home = check(&subject("ann@gmail.com", "smtp.gmail.com"), facts());
    let away = check(&subject("ann@gmail.com", "mail.smtp2go.com"), facts());

    assert_eq!(at_home.status(), CheckStatus::Ok);
    assert_eq!(at_home.dmarc.finding, Finding::DmarcNotYours);
    assert_eq!(away.dmarc.finding, Finding::DmarcForeign);
    assert_eq!(away.status(), CheckStatus::Problem);
    assert_eq!(
        away.dmarc.message(),
        "ann@gmail.com is an address of Gmail and Google Workspace, but your mail leaves \
        through SMTP2GO. Receivers cannot tell that from a forgery, so they put it aside or refuse it."
    );
    for (name, part) in away.parts() {
        assert!(part.suggested.is_none(), "{name}");
    }
}

#[test]
fn replies_go_to_hosts_to_nobody_or_are_not_wanted() {
    let cases = [
        (MxFacts::Hosts(vec!["mx.aurora.example".to_owned()]), Finding::MxOk),
        (MxFacts::Null, Finding::MxNull),
        (MxFacts::Missing, Finding::MxMissing),
        (MxFacts::NoAnswer, Finding::MxNoAnswer),
    ];
    for (mx, finding) in cases {
        let facts = DomainFacts { mx, ..DomainFacts::no_answer() };
        assert_eq!(check(&google(), facts).mx.finding, finding);
    }
}

#[test]
fn a_strangers_text_is_one_clean_line_of_bounded_length_and_never_suggested_if_it_was_not() {
    let hostile = format!("v=spf1 exp=\u{202e}\u{7}<b>{} -all", "é".repeat(4_000));

    let spf = check(&google(), with_spf(found(&hostile, tree(vec![all(Verdict::Fail)]), 0))).spf;

    let shown = spf.record.unwrap();
    assert!(shown.len() <= MAX_RECORD && shown.starts_with("v=spf1 exp=\u{fffd}\u{fffd}<b>é"));
    assert_eq!(spf.suggested, None);
}

#[test]
fn what_is_put_into_a_text_is_not_looked_at_again() {
    let values = Values::from([
        (Value::Term, "{domain}".to_owned()),
        (Value::Domain, "aurora.example".to_owned()),
    ]);

    assert_eq!(filled("{domain}: {term} {what}{", &values), "aurora.example: {domain} {");
}

#[test]
fn a_sender_is_judged_by_the_first_part_that_matches() {
    let record = SpfTree {
        redirect: Some(Box::new(tree(vec![all(Verdict::SoftFail)]))),
        ..tree(vec![
            network("192.0.2.7", 32, Verdict::Fail),
            network("192.0.2.0", 24, Verdict::Pass),
            include(
                "x.example",
                vec![network("2001:db8::", 32, Verdict::Pass), all(Verdict::Fail)],
            ),
        ])
    };
    let cases = [
        ("192.0.2.7", Verdict::Fail),
        ("192.0.2.8", Verdict::Pass),
        ("::ffff:192.0.2.8", Verdict::Pass),
        ("2001:db8:1::1", Verdict::Pass),
        ("2001:db9::1", Verdict::SoftFail),
        ("198.51.100.1", Verdict::SoftFail),
    ];
    for (address, verdict) in cases {
        assert_eq!(record.judge(address.parse().unwrap()), Some(verdict), "{address}");
    }

    let nobody = tree(vec![network("0.0.0.0", 0, Verdict::Neutral)]);
    assert_eq!(nobody.judge("203.0.113.1".parse().unwrap()), Some(Verdict::Neutral));
    assert_eq!(tree(vec![]).judge("203.0.113.1".parse().unwrap()), Some(Verdict::Neutral));
}

#[test]
fn an_include_counts_only_where_it_lets_in() {
    let without = |verdict| {
        let Term { matcher, .. } = include("_spf.google.com", vec![]);
        tree(vec![Term { verdict, matcher }])
    };

    assert_eq!(without(Verdict::Pass).includes("_spf.google.com"), Presence::Yes);
    assert_eq!(without(Verdict::Neutral).includes("_spf.google.com"), Presence::No);
    assert_eq!(without(Verdict::Fail).includes("_spf.google.com"), Presence::No);
}
