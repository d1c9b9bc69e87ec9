mod connection;
mod replies;
mod texts;

use super::*;
use crate::{
    reply::Reply,
    smtp_settings::{Auth, Encryption},
    test_run::{Cause, CertificateFault, Stage},
};

fn settings(host: &str) -> SmtpSettings {
    SmtpSettings {
        host: host.parse().unwrap(),
        port: 587_u16.try_into().unwrap(),
        encryption: Encryption::Starttls,
        auth: Auth::Password { username: "billing@aurora.example".parse().unwrap() },
        sender_name: "Aurora".parse().unwrap(),
        sender_email: "billing@aurora.example".parse().unwrap(),
        reply_to: None,
    }
}

fn advice(settings: &SmtpSettings, stage: Stage, cause: Cause) -> Advice {
    advise(settings, &Failure { stage, cause })
}

/// The reply that a server sends as `lines`, read as the mailer reads it.
fn reply(lines: &str) -> Reply {
    let code = lines[..3].parse().unwrap();
    let texts: Vec<_> = lines.lines().map(|line| line.get(4..).unwrap_or_default()).collect();
    Reply::new(code, &texts.join(" "))
}

/// Everything that can stop a run but a reply.
const CAUSES: &[Cause] = &[
    Cause::DestinationNotAllowed,
    Cause::UnknownHost,
    Cause::ResolverFailed,
    Cause::ConnectionRefused,
    Cause::Unreachable,
    Cause::PortBlocked,
    Cause::TimedOut,
    Cause::Closed,
    Cause::ClearTextOnTls,
    Cause::TlsOnClearText,
    Cause::Certificate(CertificateFault::WrongName),
    Cause::Certificate(CertificateFault::Expired),
    Cause::Certificate(CertificateFault::UnknownIssuer),
    Cause::Certificate(CertificateFault::Other),
    Cause::TlsHandshake,
    Cause::NotSmtp,
    Cause::StarttlsNotOffered,
    Cause::AuthNotOffered,
    Cause::Smtputf8NotOffered,
    Cause::SecretUnreadable,
    Cause::Interrupted,
];

/// A server of each known provider, and one of nobody's.
fn hosts() -> impl Iterator<Item = &'static str> {
    let known = provider::all().iter().map(|provider| provider.presets[0].host);
    known.chain(["mail.example"])
}

#[test]
fn whatever_stops_a_run_has_an_advice_of_the_table() {
    let table = all();
    let replies = ["421 x", "454 x", "500 x", "530 x", "535 x", "550 x", "554 x", "250 x", "354 x"];
    let refusals = replies.map(|lines| Cause::Refused(reply(lines)));
    for host in hosts() {
        for &stage in Stage::ALL {
            for cause in CAUSES.iter().chain(&refusals) {
                let told = advice(&settings(host), stage, cause.clone());

                let known = table.iter().any(|advice| advice.code == told.code);
                assert!(known, "{host} {stage:?} {cause:?}");
            }
        }
    }
}

#[test]
fn every_row_is_played_and_none_is_hidden_by_one_before_it() {
    let replies = replies::examples().into_iter().map(|example| {
        let failure = Failure { stage: example.stage, cause: Cause::Refused(example.reply) };
        (example.settings, failure)
    });
    let silent = connection::cases().into_iter().map(|(settings, failure, _)| (settings, failure));
    let mut unplayed: Vec<_> = rows().collect();
    for (settings, failure) in replies.chain(silent) {
        let provider = provider::of_host(&settings.host);
        let case = Case { settings: &settings, failure: &failure, provider };
        let played = rows().find(|row| row.when.fits(&case)).unwrap();
        unplayed.retain(|row| !std::ptr::eq(*row, played));
    }

    let unplayed: Vec<_> =
        unplayed.iter().map(|row| (row.then.code, row.when.described())).collect();
    assert_eq!(unplayed, []);
}

#[test]
fn a_cause_of_our_own_is_never_told_as_a_refusal_of_the_server() {
    for cause in CAUSES {
        for &stage in Stage::ALL {
            let told = advice(&settings("mail.example"), stage, cause.clone());
            assert_ne!(told.code, "server_refused", "{stage:?} {cause:?}");
        }
    }
}

#[test]
fn an_unknown_reply_gets_the_general_advice_of_its_stage() {
    let cases = [
        (Stage::Greeting, "554 nobody knows", "server_refused"),
        (Stage::Tls, "501 nobody knows", "server_refused"),
        (Stage::Auth, "535 nobody knows", "auth_bad_password"),
        (Stage::Auth, "454 nobody knows", "auth_unavailable"),
        (Stage::Auth, "421 nobody knows", "server_busy"),
        (Stage::Sender, "550 nobody knows", "sender_refused"),
        (Stage::Sender, "451 nobody knows", "server_busy"),
        (Stage::Recipient, "550 nobody knows", "recipient_refused"),
        (Stage::Recipient, "450 nobody knows", "server_busy"),
        (Stage::Message, "554 nobody knows", "message_refused"),
        (Stage::Message, "451 nobody knows", "server_busy"),
    ];
    for (stage, lines, code) in cases {
        let told = advice(&settings("mail.example"), stage, Cause::Refused(reply(lines)));
        assert_eq!(told.code, code, "{stage:?} {lines}");
    }
}

#[test]
fn general_advice_names_the_guide_of_the_servers_provider() {
    let no = || Cause::Refused(reply("550 5.1.1 no such user"));

    let known = advice(&settings("smtp.sendgrid.net"), Stage::Recipient, no());
    let unknown = advice(&settings("mail.example"), Stage::Recipient, no());

    assert_eq!(known.guide, Some("sendgrid"));
    assert_eq!(unknown.guide, Some("other"));
    assert_eq!(known.title, unknown.title);
}

#[test]
fn a_strangers_host_gets_no_advice_of_a_provider() {
    for host in ["smtp.gmail.com.evil.example", "notgmail.com", "gmail.com"] {
        let cause = Cause::Refused(reply("535-5.7.8 Username and Password not accepted\n535 x"));
        assert_eq!(advice(&settings(host), Stage::Auth, cause).guide, Some("other"), "{host}");
    }
}
