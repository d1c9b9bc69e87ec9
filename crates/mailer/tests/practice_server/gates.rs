//! Conversations held at a point.

use letterhead_mailer::practice_server::gate::Point;

use crate::client::Practice;

#[tokio::test]
async fn each_reply_waits_at_its_gate() {
    let practice = Practice::start().await;
    let mut client = practice.signed_in().await;

    for (point, line) in [
        (Point::Mail, "MAIL FROM:<a@b.example>"),
        (Point::Rcpt, "RCPT TO:<c@d.example>"),
        (Point::Data, "DATA"),
    ] {
        let gate = practice.server.gate(point);
        client.send(format!("{line}\r\n")).await;
        gate.reached().await;
        assert!(client.is_left_alone().await, "{point:?}");
        gate.release();
        assert!(client.reply().await.starts_with(['2', '3']), "{point:?}");
    }
}

#[tokio::test]
async fn a_message_is_caught_when_its_dot_is_held() {
    let practice = Practice::start().await;
    let mut client = practice.signed_in().await;
    let gate = practice.server.gate(Point::Dot);

    client.begin_mail("ann@b.example").await;
    client.send("Subject: 1\r\n\r\n1\r\n.\r\n").await;
    gate.reached().await;

    assert_eq!(practice.server.inbox().list().len(), 1);
    assert!(client.is_left_alone().await);
    drop(gate);
    assert_eq!(client.reply().await, "250 2.0.0 Caught as 1");
}

#[tokio::test]
async fn a_message_is_held_in_the_middle_of_its_body() {
    let practice = Practice::start().await;
    let mut client = practice.signed_in().await;
    let gate = practice.server.gate(Point::Body(1_000));

    client.begin_mail("ann@b.example").await;
    client.send("0123456789\r\n".repeat(80)).await;
    client.send("0123456789\r\n".repeat(80)).await;
    gate.reached().await;
    client.send(".\r\n").await;

    assert!(client.is_left_alone().await);
    assert!(practice.server.inbox().list().is_empty());
    gate.release();
    assert_eq!(client.reply().await, "250 2.0.0 Caught as 1");
}

#[tokio::test]
async fn earlier_replies_of_a_pipelined_group_are_not_held() {
    let practice = Practice::start().await;
    let mut client = practice.signed_in().await;
    let gate = practice.server.gate(Point::Data);

    client.send("MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\n").await;
    gate.reached().await;

    assert!(client.reply().await.starts_with("250 2.1.0"));
    assert!(client.reply().await.starts_with("250 2.1.5"));
    assert!(client.is_left_alone().await);
    gate.release();
    assert!(client.reply().await.starts_with("354 "));
}

#[tokio::test]
async fn all_conversations_are_held_until_the_gate_opens() {
    let practice = Practice::start().await;
    let mut first = practice.signed_in().await;
    let mut second = practice.signed_in().await;
    let gate = practice.server.hold_all(Point::Mail);

    first.send("MAIL FROM:<a@b.example>\r\n").await;
    second.send("MAIL FROM:<a@b.example>\r\n").await;
    gate.reached_by(2).await;
    gate.release();

    assert!(first.reply().await.starts_with("250 "));
    assert!(second.reply().await.starts_with("250 "));
    assert_eq!(practice.server.inbox().counters().most_open_connections, 2);
}

#[tokio::test]
async fn a_client_that_dies_at_a_gate_leaves_the_server_as_it_was() {
    let practice = Practice::start().await;
    let mut client = practice.signed_in().await;
    let gate = practice.server.gate(Point::Dot);
    client.begin_mail("ann@b.example").await;
    client.send("Subject: 1\r\n\r\n1\r\n.\r\n").await;
    gate.reached().await;

    drop(client);
    gate.release();

    let mut next = practice.signed_in().await;
    assert_eq!(next.mail("ann@b.example").await, "250 2.0.0 Caught as 2");
}
