//! Staged test runs: each mistake is found at its stage, and passing means that mail leaves.

use std::{fs, time::Duration};

use base64::{Engine, prelude::BASE64_STANDARD};
use letterhead_domain::{
    advice::advise,
    smtp_settings::{Auth, Encryption, SmtpSettings},
    test_run::{Cause, CertificateFault, Failure, Stage, StageStatus, TestMode, TestReport},
};
use letterhead_tests::postfix::{AURORA, BOREALIS, ForeignSender};
use rcgen::{CertificateParams, KeyPair};

use super::stand::{ENCRYPTIONS, OTHER_NAME, Stand, email, failure, mailer, plan};

fn refusal(report: &TestReport) -> (Stage, String) {
    match failure(report) {
        (stage, Cause::Refused(reply)) => (stage, reply.to_string()),
        other => panic!("not refused: {other:?}"),
    }
}

#[tokio::test]
async fn a_connection_run_passes_in_both_encryptions_and_sends_nothing() {
    let Some(stand) = Stand::start() else { return };
    for encryption in ENCRYPTIONS {
        let report = stand.test(stand.settings(encryption), TestMode::Connection).await;

        assert!(report.passed(), "{encryption:?} {report:?}");
        let (message, others) = report.stages.split_last().expect("stages");
        assert_eq!(message.status, StageStatus::Skipped, "{encryption:?}");
        assert!(others.iter().all(|stage| stage.status == StageStatus::Passed), "{report:?}");
        assert_eq!(report.tls.map(|facts| facts.version).as_deref(), Some("TLSv1.3"));
        assert!(report.transcript.contains("C: AUTH PLAIN [redacted]"), "{}", report.transcript);
        assert!(report.transcript.ends_with("S: 221 2.0.0 Bye\n"), "{}", report.transcript);
    }
    let log = stand.log_of_connections(2).await;
    assert!(!log.contains("queue active"), "{log}");
    assert_eq!(stand.server.delivered().expect("a folder"), []);
}

#[tokio::test]
async fn a_message_run_passes_in_both_encryptions_and_its_mail_arrives() {
    let Some(stand) = Stand::start() else { return };
    for (index, encryption) in ENCRYPTIONS.into_iter().enumerate() {
        let report = stand.test(stand.settings(encryption), TestMode::Message).await;

        assert!(report.passed(), "{encryption:?} {report:?}");
        let word = report.stages.last().and_then(|stage| stage.reply.as_ref());
        assert!(word.is_some_and(|reply| reply.says("queued as")), "{report:?}");
        let delivered = stand.server.wait_for(index + 1).expect("delivered");
        assert_eq!(delivered.len(), index + 1);
        assert_eq!(delivered[index].mail_from, AURORA.address);
        assert_eq!(delivered[index].recipient, "ann@example.net");
    }
}

#[tokio::test]
async fn each_kind_of_sign_in_works_in_both_encryptions_and_its_transcript_is_redacted() {
    for (offered, used) in [("PLAIN", "PLAIN"), ("LOGIN", "LOGIN"), ("LOGIN PLAIN", "PLAIN")] {
        let Some(stand) = Stand::start() else { return };
        stand.offer(offered);
        for encryption in ENCRYPTIONS {
            let report = stand.test(stand.settings(encryption), TestMode::Connection).await;
            let wrong = plan(stand.settings(encryption), BOREALIS, TestMode::Connection);
            let refused = stand.mailer.test(wrong, |_| {}).await;

            assert!(report.passed(), "{offered} {encryption:?} {report:?}");
            assert_eq!(refusal(&refused).0, Stage::Auth, "{refused:?}");
            for (report, account) in [(report, AURORA), (refused, BOREALIS)] {
                let transcript = report.transcript;
                assert!(transcript.contains(&format!("C: AUTH {used}")), "{transcript}");
                for secret in [account.password, &BASE64_STANDARD.encode(account.password)] {
                    assert!(!transcript.contains(secret), "{transcript}");
                }
            }
        }
    }
}

#[tokio::test]
async fn no_sign_in_is_offered_or_tried_before_starttls() {
    let Some(stand) = Stand::start() else { return };

    let report = stand.test(stand.settings(Encryption::Starttls), TestMode::Connection).await;

    let transcript = report.transcript;
    let (before, after) = transcript.split_once("C: STARTTLS").expect("STARTTLS");
    assert!(!before.contains("AUTH") && after.contains("AUTH PLAIN"), "{transcript}");
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_user_fail_at_auth_with_the_servers_535() {
    let Some(stand) = Stand::start() else { return };
    for encryption in ENCRYPTIONS {
        let unknown = SmtpSettings {
            auth: Auth::Password { username: "nobody@aurora.example".parse().expect("a name") },
            ..stand.settings(encryption)
        };
        let wrong_password = plan(stand.settings(encryption), BOREALIS, TestMode::Message);
        let unknown_user = plan(unknown, AURORA, TestMode::Message);
        for plan in [wrong_password, unknown_user] {
            let settings = plan.settings.clone();

            let report = stand.mailer.test(plan, |_| {}).await;

            let (stage, reply) = refusal(&report);
            assert_eq!(stage, Stage::Auth, "{report:?}");
            assert!(reply.starts_with("535 5.7.8 "), "{reply}");
            let failure = report.failure.clone().expect("a failure");
            assert_eq!(advise(&settings, &failure).code, "auth_bad_password");
            let told = format!("{report:?}");
            assert!(!told.contains(AURORA.password) && !told.contains(BOREALIS.password), "{told}");
        }
    }
    let log = stand.log_of_connections(4).await;
    assert_eq!(log.matches("authentication failed").count(), 4, "{log}");
}

#[tokio::test]
async fn a_foreign_from_is_refused_at_mail_or_at_rcpt_and_the_advice_is_the_same() {
    let cases = [
        (ForeignSender::RefusedAtMail, Stage::Sender),
        (ForeignSender::RefusedAtRecipient, Stage::Recipient),
    ];
    for (foreign_sender, expected) in cases {
        let Some(stand) = Stand::start_with(foreign_sender) else { return };
        let settings = SmtpSettings {
            sender_email: email(BOREALIS.address),
            ..stand.settings(Encryption::Starttls)
        };

        let report = stand.test(settings.clone(), TestMode::Message).await;

        let (stage, reply) = refusal(&report);
        assert_eq!(stage, expected, "{report:?}");
        assert!(reply.starts_with("553 5.7.1 "), "{reply}");
        let failure = report.failure.expect("a failure");
        assert_eq!(advise(&settings, &failure).code, "sender_refused");
    }
}

#[tokio::test]
async fn the_wrong_encryption_for_a_port_is_recognised_and_no_password_leaves() {
    let Some(stand) = Stand::start() else { return };
    let limit = Duration::from_secs(3);
    let mailer = mailer(&stand.server, &[stand.server.ca_file()], |config| {
        config.test_limits.total = limit;
    });
    let swapped = |encryption, port_of| SmtpSettings {
        port: stand.settings(port_of).port,
        ..stand.settings(encryption)
    };
    let tls_on_starttls = swapped(Encryption::ImplicitTls, Encryption::Starttls);
    let starttls_on_tls = swapped(Encryption::Starttls, Encryption::ImplicitTls);

    let first = mailer.test(plan(tls_on_starttls.clone(), AURORA, TestMode::Message), |_| {}).await;
    let second =
        mailer.test(plan(starttls_on_tls.clone(), AURORA, TestMode::Message), |_| {}).await;

    assert_eq!(failure(&first), (Stage::Tls, Cause::ClearTextOnTls));
    // Both sides wait for the other to begin.
    assert_eq!(failure(&second), (Stage::Greeting, Cause::TimedOut));
    assert!(second.took < limit + Duration::from_secs(2), "{second:?}");
    let advice =
        |settings, report: TestReport| advise(settings, &report.failure.expect("a failure")).code;
    assert_eq!(advice(&tls_on_starttls, first), "wrong_encryption");
    assert_eq!(advice(&starttls_on_tls, second), "server_not_answering");
    assert_nobody_signed_in(&stand.log_of_connections(2).await);
}

#[tokio::test]
async fn a_certificate_for_another_name_or_of_a_stranger_ends_the_run_before_the_password_leaves() {
    let Some(stand) = Stand::start() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let stranger = folder.path().join("stranger.pem");
    fs::write(&stranger, authority()).expect("a file");
    let distrustful = mailer(&stand.server, &[stranger], |_| {});
    for encryption in ENCRYPTIONS {
        let other_name = SmtpSettings {
            host: OTHER_NAME.parse().expect("a host"),
            ..stand.settings(encryption)
        };
        let cases = [
            (&stand.mailer, other_name, CertificateFault::WrongName, "certificate_wrong_name"),
            (
                &distrustful,
                stand.settings(encryption),
                CertificateFault::UnknownIssuer,
                "certificate_not_trusted",
            ),
        ];
        for (mailer, settings, fault, code) in cases {
            let plan = plan(settings.clone(), AURORA, TestMode::Message);

            let report = mailer.test(plan, |_| {}).await;

            assert_eq!(failure(&report), (Stage::Tls, Cause::Certificate(fault)), "{encryption:?}");
            let failure = Failure { stage: Stage::Tls, cause: Cause::Certificate(fault) };
            assert_eq!(advise(&settings, &failure).code, code);
        }
    }
    assert_nobody_signed_in(&stand.log_of_connections(4).await);
}

/// The certificate of an authority that signed nothing.
fn authority() -> String {
    let key = KeyPair::generate().expect("a key");
    let params = CertificateParams::new(["stranger.example".to_owned()]).expect("parameters");
    params.self_signed(&key).expect("a certificate").pem()
}

/// Postfix counts what each connection asked for when it ends: `auth=1`, or `auth=0/1` for one
/// that was refused.
fn assert_nobody_signed_in(log: &str) {
    assert!(!log.contains(" auth=") && !log.contains("sasl_"), "{log}");
}
