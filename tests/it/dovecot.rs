//! Test runs against a real Dovecot submission server, which hands mail on to a real Postfix.

use std::time::Duration;

use base64::{Engine, prelude::BASE64_STANDARD};
use letterhead_domain::{
    advice::advise,
    smtp_settings::{Auth, Encryption, SmtpSettings},
    test_run::{Cause, Stage, TestMode, TestReport},
};
use letterhead_mailer::{
    egress::{policy::EgressPolicy, resolver::Resolver},
    mailer::{Mailer, MailerConfig},
    tls::TlsTrust,
};
use letterhead_tests::{
    dovecot::Dovecot,
    postfix::{AURORA, Account, BOREALIS},
};

use crate::postfix::stand::{ENCRYPTIONS, email, failure, plan};

/// How long a run may take where both sides wait for the other.
const LIMIT: Duration = Duration::from_secs(3);

struct Stand {
    server: Dovecot,
    mailer: Mailer,
}

impl Stand {
    fn start(mechanisms: &str) -> Option<Self> {
        let server = Dovecot::start_or_skip(mechanisms)?;
        let ports = [server.starttls_port(), server.tls_port()];
        let destination =
            |port| format!("{}:{port}", Dovecot::HOST).parse().expect("a destination");
        let allowed = ports.into_iter().map(destination).collect();
        let policy = EgressPolicy { allowed, extra_ports: vec![] };
        let name = Dovecot::HOST.parse().expect("a host");
        let resolver = Resolver::fixed([(name, vec![Dovecot::ADDRESS])]);
        let trust = TlsTrust::load(&[server.ca_file()]).expect("an authority");
        let mut config = MailerConfig::new(policy, resolver, trust);
        config.test_limits.total = LIMIT;
        Some(Self { server, mailer: Mailer::new(config) })
    }

    fn settings(&self, encryption: Encryption) -> SmtpSettings {
        let port = match encryption {
            Encryption::Starttls => self.server.starttls_port(),
            Encryption::ImplicitTls => self.server.tls_port(),
            Encryption::None => panic!("the server takes nobody without TLS"),
        };
        SmtpSettings {
            host: Dovecot::HOST.parse().expect("a host"),
            port: port.try_into().expect("a port"),
            encryption,
            auth: Auth::Password { username: AURORA.address.parse().expect("a user name") },
            sender_name: "Aurora Books".parse().expect("a name"),
            sender_email: email(AURORA.address),
            reply_to: None,
        }
    }

    async fn test(&self, settings: &SmtpSettings, account: Account, mode: TestMode) -> TestReport {
        self.mailer.test(plan(settings.clone(), account, mode), |_| {}).await
    }
}

#[tokio::test]
async fn each_kind_of_sign_in_works_in_both_encryptions_and_the_mail_is_handed_on() {
    for (offered, used) in [("plain", "PLAIN"), ("login", "LOGIN"), ("login plain", "PLAIN")] {
        let Some(stand) = Stand::start(offered) else { return };
        for (index, encryption) in ENCRYPTIONS.into_iter().enumerate() {
            let settings = stand.settings(encryption);

            let connected = stand.test(&settings, AURORA, TestMode::Connection).await;
            let mailed = stand.test(&settings, AURORA, TestMode::Message).await;

            for report in [&connected, &mailed] {
                assert!(report.passed(), "{offered} {encryption:?} {report:?}");
                let transcript = &report.transcript;
                assert!(transcript.contains(&format!("C: AUTH {used}")), "{transcript}");
                for secret in [AURORA.password, &BASE64_STANDARD.encode(AURORA.password)] {
                    assert!(!transcript.contains(secret), "{transcript}");
                }
            }
            let delivered = stand.server.relay().wait_for(index + 1).expect("delivered");
            assert_eq!(delivered.len(), index + 1, "a connection run sends nothing");
            assert_eq!(delivered[index].mail_from, AURORA.address);
            assert_eq!(delivered[index].recipient, "ann@example.net");
        }
    }
}

#[tokio::test]
async fn a_wrong_password_fails_at_auth_with_the_advice_on_signing_in() {
    let Some(stand) = Stand::start("plain login") else { return };
    for encryption in ENCRYPTIONS {
        let settings = stand.settings(encryption);

        let report = stand.test(&settings, BOREALIS, TestMode::Message).await;

        let (stage, cause) = failure(&report);
        assert_eq!(stage, Stage::Auth, "{report:?}");
        let reply = cause.reply().expect("a refusal").to_string();
        assert!(reply.starts_with("535 5.7.8 "), "{reply}");
        let failure = report.failure.expect("a failure");
        assert_eq!(advise(&settings, &failure).code, "auth_bad_password");
    }
}

#[tokio::test]
async fn a_foreign_from_is_refused_by_the_server_behind_it_and_the_advice_is_the_same() {
    let Some(stand) = Stand::start("plain login") else { return };
    for encryption in ENCRYPTIONS {
        let settings =
            SmtpSettings { sender_email: email(BOREALIS.address), ..stand.settings(encryption) };

        let report = stand.test(&settings, AURORA, TestMode::Connection).await;

        let (stage, cause) = failure(&report);
        assert_eq!(stage, Stage::Sender, "{report:?}");
        let reply = cause.reply().expect("a refusal").to_string();
        assert!(reply.starts_with("553 5.7.1 "), "{reply}");
        let failure = report.failure.expect("a failure");
        assert_eq!(advise(&settings, &failure).code, "sender_refused");
    }
}

#[tokio::test]
async fn the_wrong_encryption_for_a_port_is_recognised_and_no_password_leaves() {
    let Some(stand) = Stand::start("plain login") else { return };
    let swapped = |encryption, port_of| SmtpSettings {
        port: stand.settings(port_of).port,
        ..stand.settings(encryption)
    };
    let cases = [
        (
            swapped(Encryption::ImplicitTls, Encryption::Starttls),
            (Stage::Tls, Cause::ClearTextOnTls),
            "wrong_encryption",
        ),
        (
            // Both sides wait for the other to begin.
            swapped(Encryption::Starttls, Encryption::ImplicitTls),
            (Stage::Greeting, Cause::TimedOut),
            "server_not_answering",
        ),
    ];
    for (settings, expected, code) in cases {
        let report = stand.test(&settings, AURORA, TestMode::Message).await;

        assert_eq!(failure(&report), expected, "{report:?}");
        assert!(!report.transcript.contains("AUTH"), "{}", report.transcript);
        let failure = report.failure.expect("a failure");
        assert_eq!(advise(&settings, &failure).code, code);
    }
}

#[tokio::test]
async fn no_sign_in_is_offered_or_tried_before_starttls() {
    let Some(stand) = Stand::start("plain login") else { return };
    let settings = stand.settings(Encryption::Starttls);

    let report = stand.test(&settings, AURORA, TestMode::Connection).await;

    let transcript = report.transcript;
    let (before, after) = transcript.split_once("C: STARTTLS").expect("STARTTLS");
    assert!(!before.contains("AUTH") && after.contains("AUTH PLAIN"), "{transcript}");
}
