//! Every fault does what its line in the table says.

use std::time::{Duration, Instant};

use letterhead_mailer::practice_server::fault::PortFault;
use letterhead_mailer::practice_server::{
    FaultPorts, PracticeConfig, PracticeError, PracticeServer, Verb,
};

use crate::client::{Client, PLAIN, Practice};

/// The least time between two bytes of a slow reply.
const SLOW_PACE: Duration = Duration::from_millis(10);

#[tokio::test]
async fn fault_ports_are_consecutive_or_absent_as_wanted() {
    let none = Practice::start_with(|config| config.fault_ports = FaultPorts::None).await;
    let any = Practice::start().await;
    let mut beyond = PracticeConfig::ephemeral(any.folder());
    beyond.fault_ports = FaultPorts::From(65_530);

    let refused = PracticeServer::start(beyond).await;

    assert_eq!(none.server.fault_ports().count(), 0);
    assert!(any.server.fault_ports().map(|(fault, _)| fault).eq(PortFault::ALL.iter().copied()));
    assert!(matches!(refused, Err(PracticeError::TooFewPorts(65_530))));
}

#[tokio::test]
async fn greetings_go_wrong() {
    let practice = Practice::start().await;

    let mut silent = practice.at(PortFault::Silent).await;
    let mut long = practice.at(PortFault::LongReply).await;
    let mut giant = practice.at(PortFault::GiantReply).await;
    let mut endless = practice.at(PortFault::EndlessReply).await;
    let mut garbage = practice.at(PortFault::Garbage).await;
    let mut refusing = practice.at(PortFault::RefuseConnectionGreeting).await;

    assert!(silent.is_left_alone().await);
    assert!((2_048..4_096).contains(&long.line().await.len()));
    assert_eq!(giant.line().await.len(), 4 + 1024 * 1024);
    while endless.unread().len() < 4 * 1024 * 1024 {
        assert!(endless.more().await);
    }
    assert!(endless.unread().starts_with(b"220-"));
    let bytes = garbage.rest().await;
    assert_eq!(bytes.len(), 1_024);
    assert!(!bytes.starts_with(b"220") && std::str::from_utf8(&bytes).is_err());
    assert!(refusing.reply().await.starts_with("554 5.3.2"));
    assert!(refusing.say("EHLO client.example").await.starts_with("503 "));
    assert!(refusing.say("QUIT").await.starts_with("221 "));
}

#[tokio::test]
async fn every_reply_of_one_line_is_long_on_the_long_port() {
    let practice = Practice::start().await;
    let mut client = practice.at(PortFault::LongReply).await;
    client.reply().await;

    let mut client = client.secured(&practice).await;
    let signed_in = client.say(PLAIN).await;

    assert!(signed_in.starts_with("235 ") && signed_in.len() > 2_048);
}

#[tokio::test]
async fn a_stripped_starttls_tempts_with_auth() {
    let practice = Practice::start().await;
    let mut client = practice.at(PortFault::NoStarttls).await;
    client.reply().await;

    let offered = client.say("EHLO client.example").await;

    assert!(!offered.contains("STARTTLS") && offered.contains("AUTH PLAIN"), "{offered}");
    assert_eq!(client.say("STARTTLS").await, "502 5.5.1 STARTTLS not offered");
    assert_eq!(client.signed_in().await.mail("ann@b.example").await, "250 2.0.0 Caught as 1");
    assert!(!practice.server.inbox().find(1).unwrap().tls);
}

#[tokio::test]
async fn mail_is_taken_without_auth_where_there_is_none() {
    let practice = Practice::start().await;
    let mut client = practice.at(PortFault::NoAuth).await;
    client.reply().await;

    let offered = client.say("EHLO client.example").await;

    assert!(!offered.contains("AUTH"), "{offered}");
    assert_eq!(client.say(PLAIN).await, "502 5.5.1 AUTH not offered");
    assert_eq!(client.mail("ann@b.example").await, "250 2.0.0 Caught as 1");
    assert_eq!(practice.server.inbox().find(1).unwrap().username, None);
}

#[tokio::test]
async fn a_reply_is_injected_before_tls_begins() {
    let practice = Practice::start().await;
    let mut client = practice.at(PortFault::InjectedStarttls).await;
    client.reply().await;
    client.say("EHLO client.example").await;

    let reply = client.say("STARTTLS").await;
    let injected = client.line().await;
    let mut client = client.tls(&practice).await.unwrap();

    assert!(reply.starts_with("220 "));
    assert_eq!(injected, b"250 injected.invalid");
    assert!(client.say("EHLO client.example").await.contains("AUTH PLAIN"));
}

#[tokio::test]
async fn credentials_come_back_on_the_echo_port() {
    let practice = Practice::start().await;
    let mut client = practice.at(PortFault::EchoAuth).await;
    client.reply().await;
    let mut client = client.secured(&practice).await;

    let reply = client.say(PLAIN).await;

    assert!(reply.starts_with("535-5.7.8 "), "{reply}");
    assert!(reply.contains(PLAIN) && reply.contains("practice-password"), "{reply}");
}

#[tokio::test]
async fn pipelining_is_punished_where_it_is_not_offered() {
    let practice = Practice::start().await;
    let mut patient = practice.signed_in_at(PortFault::NoPipelining).await;
    let mut hasty = practice.signed_in_at(PortFault::NoPipelining).await;

    let offered = patient.say("EHLO client.example").await;
    let taken = patient.mail("ann@b.example").await;
    hasty.send("MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\n").await;

    assert!(!offered.contains("PIPELINING"), "{offered}");
    assert_eq!(taken, "250 2.0.0 Caught as 1");
    assert!(hasty.reply().await.starts_with("554 5.5.0"));
    assert!(hasty.is_closed().await);
}

#[tokio::test]
async fn data_is_allowed_without_recipients_on_its_port() {
    let practice = Practice::start().await;
    let mut client = practice.signed_in_at(PortFault::DataWithoutRecipients).await;

    client.say("MAIL FROM:<a@b.example>").await;
    client.say("RCPT TO:<reject@b.example>").await;

    assert!(client.say("DATA").await.starts_with("354 "));
    assert_eq!(client.say(".").await, "554 5.5.1 No valid recipients");
    assert!(practice.server.inbox().list().is_empty());
}

#[tokio::test]
async fn a_refusal_comes_in_latin_1() {
    let practice = Practice::start().await;
    let mut client = practice.signed_in_at(PortFault::Latin1).await;

    client.say("MAIL FROM:<a@b.example>").await;
    client.send("RCPT TO:<c@d.example>\r\n").await;
    let line = client.line().await;

    assert!(line.starts_with(b"550 5.1.1 Bo\xeete"));
}

#[tokio::test]
async fn slow_replies_come_byte_by_byte() {
    let practice = Practice::start().await;
    let mut recipient = practice.signed_in().await;
    recipient.say("MAIL FROM:<a@b.example>").await;

    let begun = Instant::now();
    let greeting = practice.at(PortFault::Slow).await.reply().await;
    let greeting_took = begun.elapsed();
    let begun = Instant::now();
    let accepted = recipient.say("RCPT TO:<slow@b.example>").await;
    let accepted_took = begun.elapsed();

    assert!(greeting.starts_with("220 "), "{greeting}");
    assert!(greeting_took >= SLOW_PACE * u32::try_from(greeting.len()).unwrap());
    assert_eq!(accepted, "250 2.1.5 Recipient fine");
    assert!(accepted_took >= SLOW_PACE * u32::try_from(accepted.len()).unwrap());
}

#[tokio::test]
async fn connections_drop_around_the_message() {
    let practice = Practice::start().await;
    let inbox = practice.server.inbox();

    let mut after_data = practice.signed_in_at(PortFault::DropAfterData).await;
    after_data.begin_mail("ann@b.example").await;
    assert!(after_data.is_closed().await);

    let mut before_dot = practice.signed_in().await;
    before_dot.begin_mail("drop-before-dot@b.example").await;
    before_dot.send("Subject: 1\r\n").await;
    assert!(before_dot.is_closed().await);
    assert!(inbox.list().is_empty());

    let mut by_port = practice.signed_in_at(PortFault::DropAfterDot).await;
    let mut by_recipient = practice.signed_in().await;
    for (client, recipient) in
        [(&mut by_port, "ann@b.example"), (&mut by_recipient, "drop-after-dot@b.example")]
    {
        client.begin_mail(recipient).await;
        client.send("Subject: 1\r\n\r\n1\r\n.\r\n").await;
        assert!(client.is_closed().await, "{recipient}");
    }
    assert_eq!(inbox.wait_for(2).await.len(), 2);
}

#[tokio::test]
async fn each_step_can_hang() {
    let practice = Practice::start().await;
    let envelope = ["MAIL FROM:<a@b.example>", "RCPT TO:<c@d.example>", "DATA"];

    let mut greeting = practice.at(PortFault::HangAfterGreeting).await;
    greeting.reply().await;
    greeting.send("EHLO client.example\r\n").await;
    assert!(greeting.is_left_alone().await);

    let mut starttls = practice.at(PortFault::HangAfterStarttls).await;
    starttls.reply().await;
    starttls.say("EHLO client.example").await;
    assert!(starttls.say("STARTTLS").await.starts_with("220 "));
    assert!(starttls.is_left_alone().await);

    let mut ehlo = practice.at(PortFault::HangAfterEhlo).await;
    ehlo.reply().await;
    ehlo.say("EHLO client.example").await;
    ehlo.say("STARTTLS").await;
    let mut ehlo = ehlo.tls(&practice).await.unwrap();
    ehlo.send("EHLO client.example\r\n").await;
    assert!(ehlo.is_left_alone().await);

    let mut auth = practice.at(PortFault::HangAfterAuth).await;
    auth.reply().await;
    let mut auth = auth.secured(&practice).await;
    auth.send(format!("{PLAIN}\r\n")).await;
    assert!(auth.is_left_alone().await);

    let faults = [PortFault::HangAfterMail, PortFault::HangAfterRcpt];
    for (answered, fault) in faults.into_iter().enumerate() {
        let mut client = practice.signed_in_at(fault).await;
        for line in envelope.iter().take(answered) {
            client.say(line).await;
        }
        client.send(format!("{}\r\n", envelope[answered])).await;
        assert!(client.is_left_alone().await, "{fault:?}");
    }
}

#[tokio::test]
async fn the_message_and_its_dot_can_hang() {
    let practice = Practice::start().await;
    let mail = "Subject: 1\r\n\r\n1\r\n.\r\n";

    let mut data = practice.signed_in_at(PortFault::HangAfterData).await;
    data.begin_mail("ann@b.example").await;
    data.send(mail).await;
    assert!(data.is_left_alone().await);
    assert!(practice.server.inbox().list().is_empty());

    let mut port = practice.signed_in_at(PortFault::HangAfterDot).await;
    port.begin_mail("ann@b.example").await;
    let mut recipient = practice.signed_in().await;
    recipient.begin_mail("hang-after-dot@b.example").await;
    for client in [&mut port, &mut recipient] {
        client.send(mail).await;
        assert!(client.is_left_alone().await);
    }
    assert_eq!(practice.server.inbox().wait_for(2).await.len(), 2);
}

/// Signs in as this user with a password of no importance.
async fn sign_in(client: &mut Client, username: &str) -> String {
    use base64::Engine as _;
    let blob = base64::engine::general_purpose::STANDARD.encode(format!("\0{username}\0x"));
    client.say(&format!("AUTH PLAIN {blob}")).await
}

#[tokio::test]
async fn user_names_choose_faults() {
    let practice = Practice::start().await;
    let mut client = practice.secured().await;

    for (username, reply) in [
        ("fault.refuse-login", "535 5.7.8 "),
        ("fault.app-password@a.example", "534 5.7.9 Application-specific password required"),
        ("fault.busy-login", "454 4.7.0 "),
        ("fault.unheard-of", "535 5.7.8 "),
        ("fault.refuse-sender", "235 "),
    ] {
        let given = sign_in(&mut client, username).await;
        assert!(given.starts_with(reply), "{username}: {given}");
    }
    let refused = client.say("MAIL FROM:<a@b.example>").await;
    assert_eq!(refused, "553 5.7.1 Sender address rejected: not owned by user");

    let mut client = practice.secured().await;
    sign_in(&mut client, "fault.quota").await;
    let over = client.mail("ann@b.example").await;
    assert_eq!(over, "550 5.4.5 Daily user sending limit exceeded");
}

#[tokio::test]
async fn addresses_choose_faults() {
    let practice = Practice::start().await;
    let mut client = practice.signed_in().await;

    let sender = client.say("MAIL FROM:<refused-sender@b.example>").await;
    assert_eq!(sender, "553 5.7.1 Sender address refused");
    client.say("MAIL FROM:<a@b.example>").await;
    assert_eq!(client.say("RCPT TO:<reject@b.example>").await, "550 5.1.1 No such mailbox");
    assert_eq!(client.say("RCPT TO:<defer+2@b.example>").await, "451 4.7.1 Try again later");
    assert_eq!(client.say("DATA").await, "554 5.5.1 No valid recipients");
    client.say("RSET").await;
    for (recipient, reply) in [
        ("quota@b.example", "550 5.4.5 "),
        ("reject-content@b.example", "554 5.7.1 "),
        ("defer-content@b.example", "451 4.3.0 "),
    ] {
        let given = client.mail(recipient).await;
        assert!(given.starts_with(reply), "{recipient}: {given}");
    }

    let counters = practice.server.inbox().counters();
    assert_eq!(counters.messages, 0);
    assert_eq!(counters.commands(Verb::Data), 4);
}

#[tokio::test]
async fn every_message_is_over_quota_on_the_quota_port() {
    let practice = Practice::start().await;
    let mut client = practice.signed_in_at(PortFault::Quota).await;

    let over = client.mail("ann@b.example").await;

    assert_eq!(over, "550 5.4.5 Daily user sending limit exceeded");
}
