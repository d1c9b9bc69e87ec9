use std::time::Duration;

use base64::{Engine, prelude::BASE64_STANDARD};
use futures_util::future::join_all;
use letterhead_domain::{
    smtp_settings::{Auth, Encryption, SmtpSettings},
    test_run::{Cause, CertificateFault, Stage, StageStatus, TestMode, TestReport},
};
use letterhead_mailer::{
    egress::{policy::EgressPolicy, resolver::Resolver},
    mailer::{Mailer, MailerConfig},
    practice_server::{Verb, fault::PortFault},
    tls::TlsTrust,
};

use crate::stand::{PASSWORD, Stand, email, failed_stage, plan, settings, signed_in_as, statuses};

fn cause(report: &TestReport) -> Option<Cause> {
    report.failure.as_ref().map(|failure| failure.cause.clone())
}

#[tokio::test]
async fn a_connection_run_passes_every_stage_but_the_message_and_sends_nothing() {
    use StageStatus::{Passed, Skipped};
    let stand = Stand::start().await;
    let implicit = SmtpSettings {
        encryption: Encryption::ImplicitTls,
        ..settings(stand.server.implicit_tls_port())
    };
    for settings in [stand.settings(), implicit] {
        let report = stand.test(settings, TestMode::Connection).await;

        assert!(report.passed(), "{report:?}");
        let mut expected = vec![Passed; 8];
        expected.push(Skipped);
        assert_eq!(statuses(&report), expected);
        let tls = report.tls.expect("facts");
        assert_eq!(tls.version, "TLSv1.3");
        assert!(!tls.certificate_subject.is_empty());
    }
    let counters = stand.server.inbox().counters();
    assert_eq!(counters.messages, 0);
    assert_eq!(counters.commands(Verb::Rset), 2);
    assert_eq!(counters.commands(Verb::Quit), 2);
}

#[tokio::test]
async fn a_message_run_hands_the_mail_over_and_keeps_the_reply() {
    let stand = Stand::start().await;
    let mut wire = Vec::new();

    let plan = plan(stand.settings(), TestMode::Message);
    let report = stand.mailer.test(plan, |stage| wire.push(stage.stage)).await;

    assert!(report.passed(), "{report:?}");
    let caught = stand.server.inbox().wait_for(1).await;
    assert_eq!(caught[0].subject().as_deref(), Some("Your receipt"));
    assert_eq!(report.stages[8].reply.as_ref().map(|reply| reply.code), Some(250));
    // The order of the wire: with STARTTLS the server greets first.
    let position = |stage| wire.iter().position(|each| *each == stage);
    assert!(position(Stage::Greeting) < position(Stage::Tls));
    assert_eq!(wire.len(), Stage::ALL.len());
}

#[tokio::test]
async fn each_fault_fails_its_stage_with_its_cause_and_no_stage_after_it_is_reached() {
    let stand = Stand::start().await;
    let certificate = |fault| Cause::Certificate(fault);
    let cases = [
        (PortFault::NoStarttls, Stage::Tls, Some(Cause::StarttlsNotOffered)),
        (PortFault::SelfSigned, Stage::Tls, Some(certificate(CertificateFault::UnknownIssuer))),
        (PortFault::ExpiredCertificate, Stage::Tls, Some(certificate(CertificateFault::Expired))),
        (PortFault::WrongName, Stage::Tls, Some(certificate(CertificateFault::WrongName))),
        (PortFault::GiantReply, Stage::Greeting, Some(Cause::NotSmtp)),
        (PortFault::EndlessReply, Stage::Greeting, Some(Cause::NotSmtp)),
        (PortFault::Garbage, Stage::Greeting, None),
        (PortFault::RefuseConnectionGreeting, Stage::Greeting, None),
        (PortFault::NoAuth, Stage::Auth, Some(Cause::AuthNotOffered)),
        (PortFault::EchoAuth, Stage::Auth, None),
        (PortFault::Latin1, Stage::Recipient, None),
        (PortFault::Quota, Stage::Message, None),
        (PortFault::DropAfterData, Stage::Message, Some(Cause::Closed)),
        (PortFault::DropAfterDot, Stage::Message, Some(Cause::Closed)),
    ];
    for (fault, stage, expected) in cases {
        let report = stand.test(stand.fault(fault), TestMode::Message).await;

        assert_eq!(failed_stage(&report), Some(stage), "{fault:?} {report:?}");
        if let Some(expected) = expected {
            assert_eq!(cause(&report), Some(expected), "{fault:?}");
        }
        let after = report.stages.iter().filter(|each| each.stage > stage);
        for later in after.filter(|each| each.stage != Stage::Greeting) {
            assert_eq!(later.status, StageStatus::NotReached, "{fault:?} {later:?}");
        }
    }
}

#[tokio::test]
async fn no_password_leaves_without_verified_tls() {
    let stand = Stand::start().await;
    for fault in [
        PortFault::NoStarttls,
        PortFault::SelfSigned,
        PortFault::ExpiredCertificate,
        PortFault::WrongName,
    ] {
        stand.test(stand.fault(fault), TestMode::Connection).await;
    }

    let report = stand.test(stand.fault(PortFault::SelfSigned), TestMode::Connection).await;

    assert!(matches!(cause(&report), Some(Cause::Certificate(_))), "{report:?}");
    assert_eq!(stand.server.inbox().counters().commands(Verb::Auth), 0);
}

#[tokio::test]
async fn a_server_that_hangs_at_any_step_ends_the_run_at_its_limit() {
    let limit = Duration::from_secs(3);
    let stand = Stand::adjusted(|config| config.test_limits.total = limit).await;
    let cases = [
        (PortFault::Silent, Stage::Greeting),
        (PortFault::HangAfterGreeting, Stage::Greeting),
        (PortFault::HangAfterEhlo, Stage::Tls),
        (PortFault::HangAfterStarttls, Stage::Tls),
        (PortFault::HangAfterAuth, Stage::Auth),
        (PortFault::HangAfterMail, Stage::Sender),
        (PortFault::HangAfterRcpt, Stage::Recipient),
        (PortFault::HangAfterData, Stage::Message),
        (PortFault::HangAfterDot, Stage::Message),
    ];

    let runs = cases.map(|(fault, _)| stand.test(stand.fault(fault), TestMode::Message));
    let reports = join_all(runs).await;

    for ((fault, stage), report) in cases.iter().zip(reports) {
        assert_eq!(failed_stage(&report), Some(*stage), "{fault:?}");
        assert_eq!(cause(&report), Some(Cause::TimedOut), "{fault:?}");
        assert!(report.took < limit + Duration::from_secs(2), "{fault:?}");
    }
}

#[tokio::test]
async fn long_and_slow_replies_are_only_replies() {
    let stand = Stand::start().await;
    for fault in [PortFault::LongReply, PortFault::InjectedStarttls, PortFault::NoPipelining] {
        let report = stand.test(stand.fault(fault), TestMode::Message).await;

        assert!(report.passed(), "{fault:?} {report:?}");
        assert!(report.transcript.len() < 40_000);
    }
}

#[tokio::test]
async fn an_echoed_password_is_in_no_reply_and_in_no_transcript() {
    let stand = Stand::start().await;

    let report = stand.test(stand.fault(PortFault::EchoAuth), TestMode::Connection).await;

    assert_eq!(failed_stage(&report), Some(Stage::Auth));
    assert_eq!(stand.sign_ins(), 1);
    let blob = BASE64_STANDARD.encode(format!("\0practice\0{PASSWORD}"));
    let told = format!("{report:?}");
    for secret in [PASSWORD, &BASE64_STANDARD.encode(PASSWORD), &blob, &blob[..10]] {
        assert!(!told.contains(secret), "{told}");
    }
    assert!(report.transcript.contains("C: AUTH PLAIN [redacted]"), "{}", report.transcript);
}

#[tokio::test]
async fn refused_logins_and_senders_keep_the_servers_words() {
    let stand = Stand::start().await;
    let refused_sender =
        SmtpSettings { sender_email: email("refused-sender@aurora.example"), ..stand.settings() };
    let cases = [
        (signed_in_as(stand.settings(), "nobody"), Stage::Auth, 535),
        (signed_in_as(stand.settings(), "fault.app-password"), Stage::Auth, 534),
        (signed_in_as(stand.settings(), "fault.busy-login"), Stage::Auth, 454),
        (signed_in_as(stand.settings(), "fault.refuse-sender"), Stage::Sender, 553),
        (refused_sender, Stage::Sender, 553),
        (stand.fault(PortFault::RefuseConnectionGreeting), Stage::Greeting, 554),
    ];
    for (settings, stage, code) in cases {
        let report = stand.test(settings, TestMode::Connection).await;

        assert_eq!(failed_stage(&report), Some(stage), "{code}");
        let found = report.stages.iter().find(|each| each.stage == stage);
        let reply = found.and_then(|stage| stage.reply.as_ref());
        assert_eq!(reply.map(|reply| reply.code), Some(code), "{report:?}");
    }
}

#[tokio::test]
async fn tls_and_clear_text_on_the_wrong_port_are_told_apart() {
    let stand = Stand::adjusted(|config| config.test_limits.total = Duration::from_secs(2)).await;
    let tls_on_starttls = SmtpSettings { encryption: Encryption::ImplicitTls, ..stand.settings() };
    let starttls_on_tls = settings(stand.server.implicit_tls_port());

    let first = stand.test(tls_on_starttls, TestMode::Connection).await;
    let second = stand.test(starttls_on_tls, TestMode::Connection).await;

    assert_eq!(failed_stage(&first), Some(Stage::Tls));
    assert_eq!(cause(&first), Some(Cause::ClearTextOnTls));
    assert_eq!(failed_stage(&second), Some(Stage::Greeting));
    assert_eq!(cause(&second), Some(Cause::TimedOut));
    assert_eq!(stand.sign_ins(), 0);
}

#[tokio::test]
async fn clear_text_without_sign_in_skips_what_does_not_apply() {
    let stand = Stand::start().await;
    let settings = SmtpSettings {
        encryption: Encryption::None,
        auth: Auth::None,
        ..stand.fault(PortFault::NoAuth)
    };

    let report = stand.test(settings, TestMode::Connection).await;

    assert!(report.passed(), "{report:?}");
    let skipped: Vec<_> = report
        .stages
        .iter()
        .filter(|stage| stage.status == StageStatus::Skipped)
        .map(|stage| stage.stage)
        .collect();
    assert_eq!(skipped, [Stage::Tls, Stage::Auth, Stage::Message]);
}

#[tokio::test]
async fn every_refused_destination_gives_the_same_report() {
    let table =
        [("inside.example", vec!["127.0.0.1"]), ("mixed.example", vec!["8.8.8.8", "10.0.0.5"])]
            .map(|(host, addresses)| {
                let addresses = addresses.iter().map(|text| text.parse().unwrap()).collect();
                (host.parse().unwrap(), addresses)
            });
    let resolver = Resolver::fixed(table);
    let stand = Stand::start().await;
    let trust = TlsTrust::load(&[stand.server.ca_file().to_owned()]).unwrap();
    let config = MailerConfig::new(EgressPolicy::default(), resolver.clone(), trust);
    let mailer = Mailer::new(config);
    let run = async |host: &str, port: u16| {
        let settings = SmtpSettings { host: host.parse().unwrap(), ..settings(port) };
        mailer.test(plan(settings, TestMode::Connection), |_| {}).await
    };

    let first = run("127.0.0.1", 587).await;
    assert_eq!(failed_stage(&first), Some(Stage::Policy));
    assert_eq!(cause(&first), Some(Cause::DestinationNotAllowed));
    assert_eq!(first.took, Duration::ZERO);
    for (host, port) in [
        ("169.254.169.254", 587),
        ("::1", 587),
        ("::ffff:10.0.0.5", 587),
        ("localhost", 587),
        ("8.8.8.8", 22),
        ("inside.example", 587),
        ("mixed.example", 587),
    ] {
        assert_eq!(run(host, port).await, first, "{host}:{port}");
    }
    assert_eq!(resolver.lookups(), 2);

    let unknown = run("nowhere.example", 587).await;
    assert_eq!(failed_stage(&unknown), Some(Stage::Resolve));
    assert_eq!(cause(&unknown), Some(Cause::UnknownHost));
}

#[tokio::test]
async fn a_port_without_a_listener_fails_to_connect() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let stand = Stand::start().await;
    let ca = [stand.server.ca_file().to_owned()];
    let mailer = crate::stand::mailer([port], &ca, |_| {});

    let report = mailer.test(plan(settings(port), TestMode::Connection), |_| {}).await;

    assert_eq!(failed_stage(&report), Some(Stage::Connect));
    assert_eq!(cause(&report), Some(Cause::ConnectionRefused));
}

#[tokio::test]
async fn a_port_is_reached_through_the_guard_and_nothing_is_said_there() {
    let stand = Stand::start().await;
    let host = "localhost".parse().unwrap();
    let silent = stand.fault(PortFault::Silent).port;
    let elsewhere = "169.254.169.254".parse().unwrap();

    let reached = stand.mailer.reach(&host, silent).await;
    let not_allowed = stand.mailer.reach(&host, 587_u16.try_into().unwrap()).await;
    let denied = stand.mailer.reach(&elsewhere, 587_u16.try_into().unwrap()).await;

    assert!(reached.is_ok(), "{reached:?}");
    assert_eq!(not_allowed, Err(Cause::DestinationNotAllowed));
    assert_eq!(denied, Err(Cause::DestinationNotAllowed));
    assert_eq!(stand.server.inbox().counters().commands(Verb::Ehlo), 0);
}

#[tokio::test]
async fn settings_that_sign_in_without_a_password_say_that_it_cannot_be_read() {
    let stand = Stand::start().await;
    let mut plan = plan(stand.settings(), TestMode::Connection);
    plan.password = None;

    let report = stand.mailer.test(plan, |_| {}).await;

    assert_eq!(cause(&report), Some(Cause::SecretUnreadable));
    assert_eq!(stand.sign_ins(), 0);
}

#[tokio::test]
async fn a_run_goes_on_in_a_task_of_its_own() {
    let stand = Stand::start().await;
    let (mailer, plan) = (stand.mailer.clone(), plan(stand.settings(), TestMode::Connection));

    let report = tokio::spawn(async move { mailer.test(plan, |_| {}).await }).await.unwrap();

    assert!(report.passed());
}
