//! From what a server does to what a person is told, over real conversations.

use letterhead_domain::{
    advice::advise,
    smtp_settings::SmtpSettings,
    test_run::{Cause, Stage, TestMode},
};
use letterhead_mailer::practice_server::{fault::PortFault, script::Step};

use crate::stand::{Stand, failed_stage, mailer, plan, settings, signed_in_as};

/// Replies of many servers with the advice for them: the table's own examples.
const REPLIES: &str = include_str!("../../../domain/src/advice/replies.txt");

/// One example: host, stage, code, user name, and the lines of the reply.
struct Example {
    host: &'static str,
    stage: Stage,
    code: &'static str,
    username: &'static str,
    lines: String,
}

fn examples() -> Vec<Example> {
    let mut examples: Vec<Example> = Vec::new();
    for line in REPLIES.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if let Some(said) = line.strip_prefix("    ") {
            let lines = &mut examples.last_mut().unwrap().lines;
            lines.push_str(if lines.is_empty() { "" } else { "\n" });
            lines.push_str(said);
            continue;
        }
        let (line, username) =
            line.split_once(" user=").unwrap_or((line, "billing@aurora.example"));
        let [host, stage, code] = line.split(' ').collect::<Vec<_>>().try_into().unwrap();
        let stage = stage.parse().unwrap();
        examples.push(Example { host, stage, code, username, lines: String::new() });
    }
    examples
}

fn step(stage: Stage) -> Step {
    match stage {
        Stage::Greeting => Step::Greeting,
        Stage::Tls => Step::Starttls,
        Stage::Auth => Step::Auth,
        Stage::Sender => Step::Mail,
        Stage::Recipient => Step::Rcpt,
        Stage::Message => Step::Dot,
        Stage::Policy | Stage::Resolve | Stage::Connect => panic!("no reply comes at {stage:?}"),
    }
}

#[tokio::test]
async fn every_reply_of_the_table_leads_to_its_advice_when_a_server_says_it() {
    let stand = Stand::start().await;
    for Example { host, stage, code, username, lines } in examples() {
        stand.server.answer(step(stage), &lines);

        let report = stand.test(stand.settings(), TestMode::Message).await;

        assert_eq!(failed_stage(&report), Some(stage), "{host} {lines}");
        let settings = signed_in_as(stand.settings(), username);
        let settings = SmtpSettings { host: host.parse().unwrap(), ..settings };
        let told = advise(&settings, report.failure.as_ref().unwrap());
        assert_eq!(told.code, code, "{host} {lines}");
    }
    assert!(stand.server.inbox().list().is_empty());
}

#[tokio::test]
async fn the_transcript_tells_what_a_refused_certificate_is_for_and_when_it_ended() {
    let stand = Stand::start().await;
    let cases = [
        (PortFault::WrongName, "-- the certificate is for "),
        (PortFault::ExpiredCertificate, "-- the certificate ended on 2021-"),
    ];
    for (fault, remark) in cases {
        let report = stand.test(stand.fault(fault), TestMode::Connection).await;

        assert!(report.transcript.contains(remark), "{}", report.transcript);
    }
}

/// A port of 127.0.0.2 that takes connections and of 127.0.0.1 that does not.
fn half_open_port() -> (std::net::TcpListener, u16) {
    let listener = std::net::TcpListener::bind("127.0.0.2:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

#[tokio::test]
async fn a_port_that_fails_at_the_control_host_too_is_blocked_on_our_side() {
    let (listener, port) = half_open_port();
    let mailer = mailer([port], &[], |config| {
        config.policy.allowed.push(format!("127.0.0.2:{port}").parse().unwrap());
        config.control_host = Some("127.0.0.2".parse().unwrap());
    });
    let run = async || {
        let report = mailer.test(plan(settings(port), TestMode::Connection), |_| {}).await;
        assert_eq!(failed_stage(&report), Some(Stage::Connect));
        report.failure.unwrap()
    };

    let server_is_away = run().await;
    drop(listener);
    let port_is_blocked = run().await;

    assert_eq!(server_is_away.cause, Cause::ConnectionRefused);
    assert_eq!(port_is_blocked.cause, Cause::PortBlocked);
    let codes =
        [server_is_away, port_is_blocked].map(|failure| advise(&settings(port), &failure).code);
    assert_eq!(codes, ["no_connection", "port_blocked"]);
}
