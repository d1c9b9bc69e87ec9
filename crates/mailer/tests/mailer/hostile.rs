//! Servers that say what no server should, played from a script in clear text.

use letterhead_domain::{
    delivery::AttemptOutcome,
    smtp_settings::{Auth, Encryption, SmtpSettings},
    test_run::{Cause, Stage, TestMode},
};
use letterhead_mailer::mailer::Mailer;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::TcpListener,
    task::JoinHandle,
};

use crate::stand::{Stand, codes, failed_stage, mailer, plan, send, settings, transport};

/// Takes one connection for each of `scripts` in turn: says the first reply at once and each next
/// one to a line that comes (to the whole body after `DATA`), then hangs up. Gives the lines that
/// it heard.
async fn scripted(scripts: Vec<Vec<&'static [u8]>>) -> (u16, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let play = async move {
        let mut heard = Vec::new();
        for script in scripts {
            let (stream, _) = listener.accept().await.unwrap();
            let mut stream = BufReader::new(stream);
            let mut in_data = false;
            for reply in script {
                if stream.write_all(reply).await.is_err() {
                    break;
                }
                let mut line = String::new();
                loop {
                    line.clear();
                    if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
                        break;
                    }
                    heard.push(line.trim_end().to_owned());
                    if !in_data || line == ".\r\n" {
                        break;
                    }
                }
                in_data = line == "DATA\r\n";
            }
        }
        heard
    };
    (port, tokio::spawn(play))
}

fn clear_text(port: u16) -> SmtpSettings {
    SmtpSettings { encryption: Encryption::None, auth: Auth::None, ..settings(port) }
}

async fn mailer_for(port: u16) -> (Stand, Mailer) {
    let stand = Stand::start().await;
    let mailer = mailer([port], &[stand.server.ca_file().to_owned()], |_| {});
    (stand, mailer)
}

#[tokio::test]
async fn what_comes_instead_of_a_greeting_is_named() {
    let cases: [(&'static [u8], Cause); 4] = [
        (b"\x15\x03\x01\x00\x02\x02\x0a", Cause::TlsOnClearText),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", Cause::NotSmtp),
        (b"250-one\r\n251 two\r\n", Cause::NotSmtp),
        (b"\r\n", Cause::NotSmtp),
    ];
    for (greeting, expected) in cases {
        let (port, _server) = scripted(vec![vec![greeting]]).await;
        let (_stand, mailer) = mailer_for(port).await;

        let report = mailer.test(plan(clear_text(port), TestMode::Connection), |_| {}).await;

        assert_eq!(failed_stage(&report), Some(Stage::Greeting), "{greeting:?}");
        assert_eq!(report.failure.map(|f| f.cause), Some(expected), "{greeting:?}");
    }
}

#[tokio::test]
async fn a_reply_in_latin_1_or_with_markup_stays_a_reply() {
    let (port, _server) = scripted(vec![vec![
        b"220 mx\r\n",
        b"250 mx\r\n",
        b"250 ok\n",
        b"550 5.1.1 <b>no</b> \xe9tranger\x1b[31m\r\n",
    ]])
    .await;
    let (_stand, mailer) = mailer_for(port).await;

    let report = mailer.test(plan(clear_text(port), TestMode::Connection), |_| {}).await;

    assert_eq!(failed_stage(&report), Some(Stage::Recipient));
    let reply = report.stages[7].reply.as_ref().expect("a reply");
    assert_eq!(reply.to_string(), "550 5.1.1 <b>no</b> étranger [31m");
}

#[tokio::test]
async fn an_answer_before_the_question_is_no_answer() {
    let (port, _server) =
        scripted(vec![vec![b"220 mx\r\n", b"250 mx\r\n250 already fine\r\n", b"550 too late\r\n"]])
            .await;
    let (_stand, mailer) = mailer_for(port).await;

    let report = mailer.test(plan(clear_text(port), TestMode::Connection), |_| {}).await;

    assert_eq!(failed_stage(&report), Some(Stage::Sender));
    assert_eq!(report.failure.map(|f| f.cause), Some(Cause::NotSmtp));
}

#[tokio::test]
async fn what_was_injected_before_starttls_is_not_believed_after_it() {
    let (port, server) = scripted(vec![vec![
        b"220 mx\r\n",
        b"250-mx\r\n250 STARTTLS\r\n",
        b"220 go\r\n250-mx\r\n250 AUTH PLAIN\r\n235 welcome\r\n250 ok\r\n250 ok\r\n",
    ]])
    .await;
    let (_stand, mailer) = mailer_for(port).await;

    let report = mailer.test(plan(settings(port), TestMode::Connection), |_| {}).await;

    assert_eq!(failed_stage(&report), Some(Stage::Tls));
    let heard = server.await.unwrap();
    assert!(!heard.iter().any(|line| line.starts_with("AUTH")), "{heard:?}");
}

#[tokio::test]
async fn a_warm_session_on_which_the_server_hung_up_is_replaced_without_a_word() {
    let hung_up: [Vec<&'static [u8]>; 2] = [
        // Hangs up as soon as it has the message.
        vec![
            b"220 mx\r\n",
            b"250 mx\r\n",
            b"250 ok\r\n",
            b"250 ok\r\n",
            b"354 go\r\n",
            b"250 taken\r\n",
        ],
        // Says 421 to the next MAIL.
        vec![
            b"220 mx\r\n",
            b"250 mx\r\n",
            b"250 ok\r\n",
            b"250 ok\r\n",
            b"354 go\r\n",
            b"250 taken\r\n",
            b"421 idle\r\n",
        ],
    ];
    for first in hung_up {
        let second = vec![
            b"220 mx\r\n".as_slice(),
            b"250 mx\r\n",
            b"250 ok\r\n",
            b"250 ok\r\n",
            b"354 go\r\n",
            b"250 2.0.0 second\r\n",
        ];
        let (port, _server) = scripted(vec![first, second]).await;
        let (_stand, mailer) = mailer_for(port).await;
        let transport = transport(&mailer, clear_text(port)).await;

        assert_eq!(codes(&send(&transport, &["ann@example.net"]).await), [250]);
        let outcome = send(&transport, &["ann@example.net"]).await;

        let AttemptOutcome::Answered(replies) = outcome else { panic!("{outcome:?}") };
        assert_eq!(replies[0].text, "second");
    }
}

#[tokio::test]
async fn an_address_beyond_ascii_is_not_sent_where_it_cannot_be() {
    let (port, server) = scripted(vec![vec![b"220 mx\r\n", b"250 mx\r\n", b"500 never\r\n"]]).await;
    let (_stand, mailer) = mailer_for(port).await;
    let transport = transport(&mailer, clear_text(port)).await;

    let outcome = send(&transport, &["用户@example.net"]).await;

    assert_eq!(outcome, AttemptOutcome::Unsendable(Cause::Smtputf8NotOffered));
    drop((transport, mailer));
    let heard = server.await.unwrap();
    assert!(!heard.iter().any(|line| line.starts_with("MAIL")), "{heard:?}");
}

#[tokio::test]
async fn a_yes_to_data_that_is_no_go_ahead_is_never_taken_for_acceptance() {
    let (port, _server) = scripted(vec![vec![
        b"220 mx\r\n",
        b"250 mx\r\n",
        b"250 ok\r\n",
        b"250 ok\r\n",
        b"250 taken, surely\r\n",
        b"250 reset\r\n",
    ]])
    .await;
    let (_stand, mailer) = mailer_for(port).await;
    let transport = transport(&mailer, clear_text(port)).await;

    let outcome = send(&transport, &["ann@example.net"]).await;

    assert_eq!(outcome, AttemptOutcome::NotSent(Cause::NotSmtp));
}

#[tokio::test]
async fn a_server_that_closes_at_rcpt_answers_for_every_recipient() {
    let (port, _server) = scripted(vec![vec![
        b"220 mx\r\n",
        b"250 mx\r\n",
        b"250 ok\r\n",
        b"250 ok\r\n",
        b"550 no\r\n",
        b"421 4.3.2 closing\r\n",
    ]])
    .await;
    let (_stand, mailer) = mailer_for(port).await;
    let transport = transport(&mailer, clear_text(port)).await;

    let recipients = ["a@example.net", "b@example.net", "c@example.net", "d@example.net"];
    let outcome = send(&transport, &recipients).await;

    assert_eq!(codes(&outcome), [421, 550, 421, 421]);
}

#[tokio::test]
async fn sign_in_works_in_each_dialect_and_shows_no_secret() {
    let dialects: [(Vec<&'static [u8]>, &[&str]); 2] = [
        (
            vec![
                b"220 mx\r\n",
                b"250-mx\r\n250 AUTH=LOGIN\r\n",
                b"334 VXNlcm5hbWU6\r\n",
                b"334 UGFzc3dvcmQ6\r\n",
                b"235 welcome\r\n",
                b"250 ok\r\n",
                b"250 ok\r\n",
            ],
            &["AUTH LOGIN", "cHJhY3RpY2U=", "cHJhY3RpY2UtcGFzc3dvcmQ="],
        ),
        (
            vec![
                b"220 mx\r\n",
                b"250-mx\r\n250 auth cram-md5 plain\r\n",
                b"334 \r\n",
                b"235 welcome cHJhY3RpY2UtcGFzc3dvcmQ=\r\n",
                b"250 ok\r\n",
                b"250 ok\r\n",
            ],
            &[
                "AUTH PLAIN AHByYWN0aWNlAHByYWN0aWNlLXBhc3N3b3Jk",
                "AHByYWN0aWNlAHByYWN0aWNlLXBhc3N3b3Jk",
            ],
        ),
    ];
    for (script, said) in dialects {
        let (port, server) = scripted(vec![script]).await;
        let (_stand, mailer) = mailer_for(port).await;
        let settings = SmtpSettings { encryption: Encryption::None, ..settings(port) };

        let report = mailer.test(plan(settings, TestMode::Connection), |_| {}).await;

        assert!(report.passed(), "{report:?}");
        let heard = server.await.unwrap();
        assert!(heard.windows(said.len()).any(|lines| lines == said), "{heard:?}");
        let told = format!("{report:?}");
        assert!(!told.contains("AHByYWN0") && !told.contains("cHJhY3RpY2Ut"), "{told}");
    }
}
