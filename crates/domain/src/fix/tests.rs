use std::collections::BTreeSet;

use proptest::prelude::*;
use uuid::Uuid;

use super::{
    account::{Account, PastSignIn, SignIn, may_sign_in},
    alternatives::REMEDIES,
    *,
};
use crate::{advice, id::SecretId, reply::Reply, test_run::CertificateFault};

fn settings(host: &str, port: u16, encryption: Encryption, username: &str) -> SmtpSettings {
    SmtpSettings {
        host: host.parse().unwrap(),
        port: port.try_into().unwrap(),
        encryption,
        auth: Auth::Password { username: username.parse().unwrap() },
        sender_name: "Aurora".parse().unwrap(),
        sender_email: "billing@aurora.example".parse().unwrap(),
        reply_to: None,
    }
}

fn failed(stage: Stage, cause: Cause) -> Failure {
    Failure { stage, cause }
}

fn refused(code: u16, text: &str) -> Failure {
    failed(Stage::Auth, Cause::Refused(Reply::new(code, text)))
}

fn bad_password() -> Failure {
    refused(535, "5.7.8 Authentication credentials invalid")
}

/// What is tried, each as `host:port encryption username`.
fn tried(settings: &SmtpSettings, failure: &Failure, password_is_typed: bool) -> Vec<String> {
    let found = alternatives(settings, failure, password_is_typed).into_iter();
    found.map(|entry| shown(&entry)).collect()
}

fn shown(entry: &Entry) -> String {
    let Entry { host, port, encryption, username } = entry;
    let username = username.as_ref().map(Username::as_str).unwrap_or_default();
    format!("{host}:{port} {} {username}", encryption.as_str())
}

#[test]
fn every_remedy_is_for_an_advice_that_there_is_and_stands_once() {
    let codes: BTreeSet<_> = advice::all().iter().map(|advice| advice.code).collect();
    let mut seen = BTreeSet::new();
    for (code, remedies) in REMEDIES {
        assert!(codes.contains(code), "{code}");
        assert!(seen.insert(code) && !remedies.is_empty(), "{code}");
    }
}

#[test]
fn a_failure_decides_what_is_tried() {
    use Encryption::{ImplicitTls, Starttls};
    let anywhere = |port, encryption| settings("mail.aurora.example", port, encryption, "ann");
    let at = |host, username| settings(host, 587, Starttls, username);
    let closed = || failed(Stage::Connect, Cause::ConnectionRefused);
    let cases = [
        (
            "a closed port",
            anywhere(587, Starttls),
            closed(),
            &["mail.aurora.example:465 implicit_tls ann", "mail.aurora.example:2525 starttls ann"]
                [..],
        ),
        (
            "TLS spoken to a port for STARTTLS: first the same port",
            anywhere(8025, ImplicitTls),
            failed(Stage::Tls, Cause::ClearTextOnTls),
            &[
                "mail.aurora.example:8025 starttls ann",
                "mail.aurora.example:587 starttls ann",
                "mail.aurora.example:465 implicit_tls ann",
                "mail.aurora.example:2525 starttls ann",
            ],
        ),
        (
            "a port that is blocked on our side",
            anywhere(587, Starttls),
            failed(Stage::Connect, Cause::PortBlocked),
            &["mail.aurora.example:465 implicit_tls ann", "mail.aurora.example:2525 starttls ann"],
        ),
        (
            "a provider's server: only what the provider names",
            settings("smtp.gmail.com", 2525, Starttls, "ann@gmail.com"),
            failed(Stage::Connect, Cause::TimedOut),
            &[
                "smtp.gmail.com:587 starttls ann@gmail.com",
                "smtp.gmail.com:465 implicit_tls ann@gmail.com",
            ],
        ),
        ("a wrong password", anywhere(587, Starttls), bad_password(), &[]),
        (
            "a wrong password at a known place",
            at("smtp.gmail.com", "ann@gmail.com"),
            bad_password(),
            &[],
        ),
        (
            "an app password is asked for",
            at("smtp.gmail.com", "ann@gmail.com"),
            refused(534, "5.7.9 Application-specific password required"),
            &[],
        ),
        (
            "a user name that is the same for everybody",
            at("smtp.sendgrid.net", "ann"),
            bad_password(),
            &["smtp.sendgrid.net:587 starttls apikey"],
        ),
        (
            "a user name without its domain",
            at("smtp.gmail.com", "billing"),
            bad_password(),
            &["smtp.gmail.com:587 starttls billing@aurora.example"],
        ),
        (
            "another region that the address names",
            at("smtp.zoho.com", "ann@zoho.eu"),
            bad_password(),
            &["smtp.zoho.eu:587 starttls ann@zoho.eu"],
        ),
        (
            "a region that nothing names",
            at("smtp.zoho.com", "ann@aurora.example"),
            bad_password(),
            &[],
        ),
    ];
    for (case, settings, failure, expected) in cases {
        let expected: Vec<_> = expected.iter().map(|&line| line.to_owned()).collect();
        assert_eq!(tried(&settings, &failure, false), expected, "{case}");
    }
}

#[test]
fn nothing_is_tried_where_only_a_person_can_help() {
    let anywhere = settings("mail.aurora.example", 587, Encryption::Starttls, "ann");
    let cases = [
        failed(Stage::Tls, Cause::Certificate(CertificateFault::WrongName)),
        failed(Stage::Resolve, Cause::UnknownHost),
        failed(Stage::Policy, Cause::DestinationNotAllowed),
        failed(Stage::Sender, Cause::Refused(Reply::new(553, "5.7.1 not owned by user"))),
        failed(Stage::Message, Cause::Refused(Reply::new(550, "5.4.5 Daily limit exceeded"))),
    ];
    for failure in cases {
        assert_eq!(tried(&anywhere, &failure, true), Vec::<String>::new(), "{failure:?}");
    }
}

#[test]
fn only_a_typed_password_lets_regions_be_guessed() {
    let zoho = settings("smtppro.zoho.com", 465, Encryption::ImplicitTls, "ann@aurora.example");

    assert_eq!(tried(&zoho, &bad_password(), false), Vec::<String>::new());
    assert_eq!(
        tried(&zoho, &bad_password(), true),
        [
            "smtppro.zoho.eu:465 implicit_tls ann@aurora.example",
            "smtppro.zoho.in:465 implicit_tls ann@aurora.example",
            "smtppro.zoho.com.au:465 implicit_tls ann@aurora.example",
        ],
    );
}

#[test]
fn a_user_name_that_is_a_secret_is_in_no_entry() {
    let postmark = settings("smtp.postmarkapp.com", 25, Encryption::Starttls, "token-5f2c");
    let closed = failed(Stage::Connect, Cause::TimedOut);

    for entry in alternatives(&postmark, &closed, true) {
        assert_eq!(entry.username, None);
        assert_eq!(entry.over(&postmark).auth, postmark.auth);
    }
}

proptest! {
    #[test]
    fn alternatives_are_few_protected_and_of_the_same_service(
        host in prop::sample::select(
            provider::all()
                .iter()
                .flat_map(|provider| provider.presets)
                .map(|preset| preset.host)
                .chain(["mail.aurora.example", "smtp.googlemail.com"])
                .collect::<Vec<_>>()
        ),
        port in prop::sample::select(vec![25_u16, 465, 587, 2465, 2525, 2587, 8025, 8465]),
        encryption in prop::sample::select(vec![
            Encryption::Starttls, Encryption::ImplicitTls, Encryption::None,
        ]),
        username in prop::sample::select(vec!["ann", "ann@zoho.eu", "apikey", "ann@aurora.example"]),
        stage in prop::sample::select(Stage::ALL.to_vec()),
        cause in prop::sample::select(vec![
            Cause::ConnectionRefused, Cause::TimedOut, Cause::Closed, Cause::ClearTextOnTls,
            Cause::TlsOnClearText, Cause::StarttlsNotOffered, Cause::AuthNotOffered,
            Cause::NotSmtp, Cause::TlsHandshake, Cause::PortBlocked,
            Cause::Refused(Reply::new(535, "5.7.8 no")), Cause::Refused(Reply::new(538, "no")),
        ]),
        typed in any::<bool>(),
    ) {
        let failed_settings = settings(host, port, encryption, username);
        let of = |host| provider::of_host(host).map(|provider| provider.id);

        let found = alternatives(&failed_settings, &failed(stage, cause), typed);

        prop_assert!(found.len() <= MOST);
        for entry in &found {
            prop_assert!(entry.encryption.is_verified_tls());
            prop_assert_eq!(of(&entry.host), of(&failed_settings.host));
            prop_assert!(of(&entry.host).is_some() || entry.host == failed_settings.host);
            prop_assert!(!entry.changes(&Entry::of(&failed_settings)).is_empty());
        }
    }
}

fn try_of(entry: Entry, result: TryResult) -> Tried {
    Tried { entry, result }
}

#[test]
fn what_came_of_the_tries_decides_the_offer() {
    use FixOutcome::{Likely, Proven};
    use TryResult::{Answers, MailRefused, NoConnection, Passed, SignInRefused};
    let given = settings("mail.aurora.example", 587, Encryption::Starttls, "ann");
    let closed = failed(Stage::Connect, Cause::TimedOut);
    let refused = bad_password();
    let cases = [
        (&closed, false, [NoConnection, NoConnection], FixOutcome::None, None),
        (&closed, false, [NoConnection, Answers], Likely, Some(1)),
        (&closed, false, [Answers, Passed], Proven, Some(1)),
        (&closed, false, [SignInRefused, NoConnection], Likely, Some(0)),
        (&closed, false, [MailRefused, NoConnection], Likely, Some(0)),
        (&refused, true, [SignInRefused, Answers], FixOutcome::None, None),
        (&refused, false, [Answers, NoConnection], Likely, Some(0)),
    ];
    for (failure, typed, results, outcome, offered) in cases {
        let entries = alternatives(&given, &closed, false);
        let tried = entries.iter().cloned().zip(results).map(|(entry, it)| try_of(entry, it));

        let fix = Fix::conclude(&given, failure, typed, tried.collect()).unwrap();

        let entry = fix.offer.as_ref().map(|offer| &offer.entry);
        assert_eq!((fix.outcome, entry), (outcome, offered.map(|at: usize| &entries[at])));
    }
    assert_eq!(Fix::conclude(&given, &closed, false, vec![]), None);
}

#[test]
fn an_offer_says_what_changes_and_whether_the_password_must_be_typed_again() {
    let given = settings("smtp.sendgrid.net", 587, Encryption::Starttls, "ann");
    let conclude = |entry: Entry, typed| {
        let tried = vec![try_of(entry, TryResult::Passed)];
        Fix::conclude(&given, &failed(Stage::Connect, Cause::TimedOut), typed, tried).unwrap()
    };
    let entry = Entry::of(&given);
    let port = Entry {
        port: 465_u16.try_into().unwrap(),
        encryption: Encryption::ImplicitTls,
        ..entry.clone()
    };
    let username = Entry { username: Some("apikey".parse().unwrap()), ..entry };
    let needs = |fix: &Fix| fix.offer.as_ref().unwrap().needs_password;

    let other_port = conclude(port.clone(), false);
    assert!(!needs(&other_port) && needs(&conclude(port, true)));
    assert_eq!(other_port.changes(), [Change::Port, Change::Encryption]);
    assert_eq!(
        other_port.message(),
        "A change to port 465 instead of 587, encryption implicit_tls instead of starttls passes a \
         connection test.",
    );
    let other_user = conclude(username, false);
    assert!(needs(&other_user));
    assert_eq!(other_user.changes(), [Change::Username]);
}

#[test]
fn an_account_is_a_user_name_at_a_provider_or_a_host() {
    let of = |host, username| Account::of(&settings(host, 587, Encryption::Starttls, username));

    assert_eq!(of("smtp.zoho.com", "Ann@aurora.example"), of("smtp.zoho.eu", "ann@aurora.example"));
    assert_ne!(of("smtp.zoho.com", "ann"), of("smtp.zoho.com", "bob"));
    assert_ne!(of("mail.aurora.example", "ann"), of("mail.borealis.example", "ann"));
}

#[test]
fn a_sign_in_counts_as_refused_unless_the_server_took_it() {
    let given = settings("mail.aurora.example", 587, Encryption::Starttls, "ann");
    let accepted = |failure: Option<&Failure>| {
        SignIn::of(&given, None, failure).map(|sign_in| sign_in.accepted)
    };
    let cases = [
        (None, Some(true)),
        (Some(failed(Stage::Connect, Cause::TimedOut)), None),
        (Some(failed(Stage::Auth, Cause::AuthNotOffered)), None),
        (Some(failed(Stage::Auth, Cause::SecretUnreadable)), None),
        (Some(bad_password()), Some(false)),
        (Some(failed(Stage::Auth, Cause::TimedOut)), Some(false)),
        (Some(failed(Stage::Sender, Cause::Closed)), Some(true)),
    ];
    for (failure, expected) in cases {
        assert_eq!(accepted(failure.as_ref()), expected, "{failure:?}");
    }
}

#[test]
fn two_refusals_in_a_row_end_the_tries_of_a_password() {
    let secret = |number| Some(SecretId::from(Uuid::from_u128(number)));
    let past = |secret, accepted| PastSignIn { secret, accepted };
    let (this, other) = (secret(1), secret(2));
    let (no, yes) = (past(this, false), past(this, true));
    let cases = [
        ("never tried", vec![], 0, true),
        ("refused once", vec![no], 0, true),
        ("refused twice", vec![no, no], 0, false),
        ("refused once, and a run is under way", vec![no], 1, false),
        ("two runs are under way", vec![], 2, false),
        ("accepted in between", vec![no, yes, no], 0, true),
        ("another password was refused", vec![past(other, false), no], 0, true),
        ("a typed one was refused, which may be this", vec![past(None, false), no], 0, false),
    ];
    for (case, past, under_way, expected) in cases {
        assert_eq!(may_sign_in(&past, under_way, this), expected, "{case}");
    }
    assert!(!may_sign_in(&[no, past(other, false)], 0, None), "a typed one may be any");
}
