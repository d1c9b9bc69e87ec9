//! The protocol on a port without faults.

use letterhead_mailer::practice_server::{PracticeConfig, PracticeError, PracticeServer, Verb};

use crate::client::{Client, PLAIN, Practice};

#[tokio::test]
async fn extensions_are_offered_where_they_may_be_used() {
    let practice = Practice::start_with(|config| config.max_message_bytes = 5_000).await;
    let mut clear = practice.greeted().await;

    let in_clear = clear.say("EHLO client.example").await;
    clear.say("STARTTLS").await;
    let mut secured = clear.tls(&practice).await.unwrap();
    let under_tls = secured.say("EHLO client.example").await;

    let always = "250-SIZE 5000\n250-8BITMIME\n250-SMTPUTF8\n250 ENHANCEDSTATUSCODES";
    let start = "250-practice.localhost\n250-PIPELINING\n250-";
    assert_eq!(in_clear, format!("{start}STARTTLS\n{always}"));
    assert_eq!(under_tls, format!("{start}AUTH PLAIN LOGIN\n{always}"));
}

#[tokio::test]
async fn a_mail_is_caught_byte_for_byte_under_implicit_tls() {
    let practice = Practice::start().await;
    let port = practice.server.implicit_tls_port();
    let mut client = Client::connect(port).await.tls(&practice).await.unwrap();
    client.reply().await;
    client.say("EHLO client.example").await;
    let mut client = client.signed_in().await;

    client.say("MAIL FROM:<shop@a.example> SIZE=40 BODY=8BITMIME").await;
    client.say("RCPT TO:<ann@b.example>").await;
    client.say("RCPT TO:<bob@b.example>").await;
    client.say("DATA").await;
    let reply = client.say("Subject:  Hi\r\n\r\n..\r\n..two\r\nGr\u{fc}\u{df}e\r\n\r\n.").await;

    assert_eq!(reply, "250 2.0.0 Caught as 1");
    let caught = practice.server.inbox().find(1).unwrap();
    assert_eq!(caught.bytes, "Subject:  Hi\r\n\r\n.\r\n.two\r\nGr\u{fc}\u{df}e\r\n\r\n".as_bytes());
    assert_eq!(caught.mail_from, "shop@a.example");
    assert_eq!(caught.rcpt_to, ["ann@b.example", "bob@b.example"]);
    assert_eq!(caught.mail_parameters, ["SIZE=40", "BODY=8BITMIME"]);
    assert_eq!(caught.username.as_deref(), Some("practice"));
    assert_eq!(caught.subject().as_deref(), Some("Hi"));
    assert!(caught.tls);
}

#[tokio::test]
async fn commands_out_of_order_are_refused() {
    let practice = Practice::start().await;
    let mut client = practice.greeted().await;

    assert_eq!(client.say("MAIL FROM:<a@b.example>").await, "503 5.5.1 Say EHLO first");
    assert_eq!(client.say("AUTH PLAIN AA==").await, "503 5.5.1 Say EHLO first");
    client.say("EHLO client.example").await;
    assert_eq!(
        client.say("MAIL FROM:<a@b.example>").await,
        "530 5.7.0 Must issue a STARTTLS command first"
    );
    assert_eq!(client.say(PLAIN).await, "538 5.7.11 Encryption required for authentication");
    client.say("STARTTLS").await;
    let mut client = client.tls(&practice).await.unwrap();
    assert_eq!(client.say(PLAIN).await, "503 5.5.1 Say EHLO first");
    client.say("EHLO client.example").await;
    assert_eq!(client.say("STARTTLS").await, "503 5.5.1 TLS is up already");
    assert_eq!(client.say("MAIL FROM:<a@b.example>").await, "530 5.7.0 Authentication required");
    let mut client = client.signed_in().await;
    assert_eq!(client.say(PLAIN).await, "503 5.5.1 Signed in already");
    assert_eq!(client.say("RCPT TO:<a@b.example>").await, "503 5.5.1 Say MAIL first");
    assert_eq!(client.say("DATA").await, "503 5.5.1 Say MAIL first");
    client.say("MAIL FROM:<a@b.example>").await;
    assert_eq!(client.say("MAIL FROM:<a@b.example>").await, "503 5.5.1 One message at a time");
    assert_eq!(client.say("DATA").await, "503 5.5.1 Say RCPT first");
    assert_eq!(client.say("RSET").await, "250 2.0.0 Forgotten");
    assert_eq!(client.say("RCPT TO:<a@b.example>").await, "503 5.5.1 Say MAIL first");
    assert_eq!(client.say("VRFY a").await, "252 2.1.5 Send some mail and see");
    assert_eq!(client.say("NOOP").await, "250 2.0.0 Nothing done");
    assert_eq!(client.say("QUIT").await, "221 2.0.0 Good-bye");
    assert!(client.is_closed().await);
}

#[tokio::test]
async fn every_way_to_sign_in_is_taken_and_counted() {
    let practice = Practice::start().await;
    let user = "cHJhY3RpY2U=";
    let password = "cHJhY3RpY2UtcGFzc3dvcmQ=";
    let plain = "AHByYWN0aWNlAHByYWN0aWNlLXBhc3N3b3Jk";

    let ways: [&[&str]; 4] = [
        &[PLAIN],
        &["AUTH PLAIN", plain],
        &["auth login", user, password],
        &[&format!("AUTH LOGIN {user}"), password],
    ];
    for way in ways {
        let mut client = practice.secured().await;
        let mut reply = String::new();
        for line in way {
            reply = client.say(line).await;
        }
        assert_eq!(reply, "235 2.7.0 Signed in", "{way:?}");
    }

    let counters = practice.server.inbox().counters();
    assert_eq!(counters.sign_ins_accepted, 4);
    assert_eq!(counters.sign_ins_refused, 0);
    assert_eq!(counters.commands(Verb::Auth), 4);
    assert_eq!(counters.commands(Verb::Starttls), 4);
}

#[tokio::test]
async fn a_sign_in_that_is_wrong_or_malformed_is_refused_and_counted() {
    let practice = Practice::start().await;
    let mut client = practice.secured().await;

    let wrong = client.say("AUTH PLAIN AHByYWN0aWNlAHdyb25n").await;
    assert_eq!(wrong, "535 5.7.8 Authentication credentials invalid");
    assert_eq!(client.say("AUTH PLAIN ?").await, "501 5.5.2 That is not base64");
    assert_eq!(client.say("AUTH PLAIN =").await, "501 5.5.2 Credentials malformed");
    assert_eq!(client.say("AUTH GSSAPI").await, "504 5.5.4 Mechanism not known");
    assert_eq!(client.say("AUTH LOGIN").await, "334 VXNlcm5hbWU6");
    assert_eq!(client.say("*").await, "501 5.7.0 Authentication cancelled");

    assert_eq!(practice.server.inbox().counters().sign_ins_refused, 5);
}

#[tokio::test]
async fn a_pipelined_group_is_answered_in_order() {
    let practice = Practice::start().await;
    let mut client = practice.signed_in().await;

    client
        .send(
            "MAIL FROM:<shop@a.example>\r\nRCPT TO:<reject@b.example>\r\n\
             RCPT TO:<ann@b.example>\r\nDATA\r\n",
        )
        .await;

    assert!(client.reply().await.starts_with("250 2.1.0"));
    assert!(client.reply().await.starts_with("550 5.1.1"));
    assert!(client.reply().await.starts_with("250 2.1.5"));
    assert!(client.reply().await.starts_with("354 "));
    client.send("Subject: 1\r\n\r\n.\r\nMAIL FROM:<shop@a.example>\r\nRSET\r\nQUIT\r\n").await;
    assert!(client.reply().await.starts_with("250 2.0.0 Caught as 1"));
    assert!(client.reply().await.starts_with("250 2.1.0"));
    assert!(client.reply().await.starts_with("250 2.0.0 Forgotten"));
    assert!(client.reply().await.starts_with("221 "));
    assert_eq!(practice.server.inbox().find(1).unwrap().rcpt_to, ["ann@b.example"]);
}

#[tokio::test]
async fn bare_line_ends_end_nothing_and_are_counted() {
    let practice = Practice::start().await;
    let mut client = practice.signed_in().await;

    client.send("NOOP\n").await;
    assert_eq!(client.reply().await, "500 5.5.2 Lines end with CR LF");
    assert_eq!(client.say("NOOP\rQUIT").await, "500 5.5.2 Lines end with CR LF");
    client.begin_mail("ann@b.example").await;
    let smuggled = "Subject: 1\r\n\r\nText\n.\nMAIL FROM:<x@y.example>\r\n.\r\n";
    client.send(smuggled).await;

    assert_eq!(client.reply().await, "554 5.6.0 Bare CR or LF in the message");
    assert_eq!(client.say("NOOP").await, "250 2.0.0 Nothing done");
    let inbox = practice.server.inbox();
    assert!(inbox.list().is_empty());
    assert_eq!(inbox.counters().commands(Verb::Mail), 1);
    assert_eq!(inbox.counters().bare_line_ends, 4);
}

#[tokio::test]
async fn size_is_kept_to_at_mail_and_at_the_dot() {
    let practice = Practice::start_with(|config| config.max_message_bytes = 100).await;
    let mut client = practice.signed_in().await;

    let at_mail = client.say("MAIL FROM:<a@b.example> SIZE=101").await;
    client.begin_mail("ann@b.example").await;
    let at_dot = client.say(&format!("{}\r\n.", "x".repeat(99))).await;
    client.begin_mail("ann@b.example").await;
    let just_fits = client.say(&format!("{}\r\n.", "x".repeat(98))).await;

    assert_eq!(at_mail, "552 5.3.4 Message too big");
    assert_eq!(at_dot, "552 5.3.4 Message too big");
    assert_eq!(just_fits, "250 2.0.0 Caught as 1");
}

#[tokio::test]
async fn lines_are_bounded() {
    let practice = Practice::start().await;
    let mut client = practice.signed_in().await;

    let command = client.say(&format!("NOOP {}", "x".repeat(100_000))).await;
    client.begin_mail("ann@b.example").await;
    let long = client.say(&format!("{}\r\n.", "x".repeat(999))).await;
    client.begin_mail("ann@b.example").await;
    let endless = client.say(&format!("{}\r\n.", "x".repeat(100_000))).await;
    client.begin_mail("ann@b.example").await;
    let dotted = client.say(&format!(".{}\r\n.", ".".repeat(998))).await;

    assert_eq!(command, "500 5.5.6 Line too long");
    assert_eq!(long, "554 5.6.0 Line of more than 998 characters");
    assert_eq!(endless, long);
    assert_eq!(dotted, "250 2.0.0 Caught as 1");
}

#[tokio::test]
async fn what_is_not_ascii_has_to_be_announced() {
    let practice = Practice::start().await;
    let mut client = practice.signed_in().await;

    let sender = client.say("MAIL FROM:<\u{fc}@b.example>").await;
    client.begin_mail("ann@b.example").await;
    let body = client.say("Subject: 1\r\n\r\n\u{fc}\r\n.").await;
    client.begin_mail("ann@b.example").await;
    let head = client.say("Subject: \u{fc}\r\n\r\n1\r\n.").await;
    client.say("MAIL FROM:<\u{fc}@b.example> BODY=8BITMIME SMTPUTF8").await;
    client.say("RCPT TO:<\u{e4}@b.example>").await;
    client.say("DATA").await;
    let announced = client.say("Subject: \u{fc}\r\n\r\n\u{fc}\r\n.").await;

    assert_eq!(sender, "553 5.6.7 SMTPUTF8 required for this address");
    assert_eq!(body, "554 5.6.3 BODY=8BITMIME required for this message");
    assert_eq!(head, "554 5.6.7 SMTPUTF8 required for these headers");
    assert_eq!(announced, "250 2.0.0 Caught as 1");
}

#[tokio::test]
async fn a_message_of_megabytes_arrives_whole() {
    let practice = Practice::start().await;
    let mut client = practice.signed_in().await;
    let line = format!("{}\r\n", "0123456789".repeat(7));
    let mail = format!("Subject: big\r\n\r\n{}", line.repeat(100_000));

    client.begin_mail("ann@b.example").await;
    client.send(&mail).await;
    let reply = client.say(".").await;

    assert_eq!(reply, "250 2.0.0 Caught as 1");
    assert!(practice.server.inbox().find(1).unwrap().bytes == mail.as_bytes());
}

#[tokio::test]
async fn commands_sent_ahead_of_tls_are_forgotten() {
    let practice = Practice::start().await;
    let mut client = practice.greeted().await;
    client.say("EHLO client.example").await;

    client.send("STARTTLS\r\nNOOP\r\nNOOP\r\n").await;

    assert!(client.reply().await.starts_with("220 "));
    let mut client = client.tls(&practice).await.unwrap();
    assert!(client.say("EHLO client.example").await.starts_with("250-"));
    assert_eq!(practice.server.inbox().counters().commands(Verb::Noop), 0);
}

#[tokio::test]
async fn a_taken_port_is_named() {
    let practice = Practice::start().await;
    let port = practice.server.starttls_port();
    let config =
        PracticeConfig { starttls_port: port, ..PracticeConfig::ephemeral(practice.folder()) };

    let Err(error) = PracticeServer::start(config).await else { panic!("two on one port") };

    assert!(error.to_string().contains(&format!("port {port}")), "{error}");
}

#[tokio::test]
async fn only_loopback_is_listened_on() {
    let folder = tempfile::tempdir().unwrap();
    let bind = "0.0.0.0".parse().unwrap();
    let config = PracticeConfig { bind, ..PracticeConfig::ephemeral(folder.path()) };

    let refused = PracticeServer::start(config).await;

    assert!(matches!(refused, Err(PracticeError::NotLoopback(found)) if found == bind));
}

#[tokio::test]
async fn stopping_closes_connections_and_frees_the_ports() {
    let practice = Practice::start().await;
    let mut client = practice.greeted().await;
    let port = practice.server.starttls_port();
    let inbox = practice.server.inbox();

    practice.stop().await;

    assert!(client.is_closed().await);
    assert_eq!(inbox.counters().open_connections, 0);
    let again = std::net::TcpListener::bind(("127.0.0.1", port));
    assert!(again.is_ok());
}
