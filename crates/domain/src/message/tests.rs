use chrono::TimeDelta;

use super::*;

fn input() -> MessageInput {
    MessageInput {
        kind: "receipt".to_owned(),
        sender: None,
        reference: None,
        to: vec![MailboxInput { email: "ann@example.net".to_owned(), name: None }],
        cc: vec![],
        bcc: vec![],
        reply_to: None,
        subject: "Your receipt".to_owned(),
        text: Some("Thank you.".to_owned()),
        html: None,
        attachments: vec![],
        send_at: None,
        on_uncertain: None,
    }
}

fn pointers(input: MessageInput) -> Vec<String> {
    let errors = NewMessage::parse(input, &MessageLimits::default(), DateTime::UNIX_EPOCH)
        .expect_err("refused");
    errors.iter().map(|error| error.pointer.clone()).collect()
}

#[test]
fn a_plain_message_goes_through_the_default_sender_and_is_resent_when_uncertain() {
    let message =
        NewMessage::parse(input(), &MessageLimits::default(), DateTime::UNIX_EPOCH).unwrap();

    assert_eq!(message.sender, SenderRef::Slug("default".parse().unwrap()));
    assert_eq!(message.on_uncertain, OnUncertain::Resend);
}

#[test]
fn every_refused_field_is_reported_under_its_pointer() {
    let broken = MessageInput {
        kind: "spam".to_owned(),
        to: vec![
            MailboxInput { email: "ann@example.net".to_owned(), name: None },
            MailboxInput {
                email: "eve@example.net\nBcc: x@example.net".to_owned(),
                name: Some("Eve\r\n".to_owned() + "x"),
            },
        ],
        subject: "a\nb".to_owned(),
        text: None,
        attachments: vec![AttachmentInput {
            filename: "../etc/passwd".to_owned(),
            content_type: "multipart/mixed".to_owned(),
            content: None,
        }],
        ..input()
    };

    assert_eq!(
        pointers(broken),
        [
            "/kind",
            "/to/1/email",
            "/to/1/name",
            "/subject",
            "/text",
            "/attachments/0/filename",
            "/attachments/0/content_type",
            "/attachments/0/content_base64",
        ],
    );
}

#[test]
fn a_message_beyond_its_limits_is_refused() {
    let many = (0..51).map(|n| MailboxInput { email: format!("a{n}@example.net"), name: None });
    assert_eq!(pointers(MessageInput { to: many.collect(), ..input() }), ["/to"]);

    let none = MessageInput { to: vec![], ..input() };
    assert_eq!(pointers(none), ["/to"]);

    let large = MessageInput { text: Some("x".repeat(20 * 1024 * 1024 + 1)), ..input() };
    assert_eq!(pointers(large), ["/attachments"]);

    let late = DateTime::UNIX_EPOCH + TimeDelta::days(31);
    assert_eq!(pointers(MessageInput { send_at: Some(late), ..input() }), ["/send_at"]);
}

#[test]
fn a_content_type_carries_only_tokens() {
    let cases = [
        ("application/pdf", Some("application/pdf")),
        ("Text/CSV; Charset=\"utf-8\"", Some("text/csv; charset=utf-8")),
        ("text/plain\r\nX: y", None),
        ("text", None),
        ("text/plain; a=b\r\nc", None),
        ("message/rfc822", None),
        ("multipart/mixed; boundary=x", None),
    ];
    for (text, parsed) in cases {
        assert_eq!(text.parse::<ContentType>().ok().as_ref().map(ContentType::as_str), parsed);
    }
}

#[test]
fn what_may_be_cancelled_or_retried_is_a_matter_of_the_status() {
    use MessageStatus::*;
    let cancellable = [Queued, Deferred, Held, Uncertain];
    let retryable = [PartlyAccepted, Rejected, Uncertain, Cancelled, Expired];
    for &status in MessageStatus::ALL {
        assert_eq!(status.may_be_cancelled(), cancellable.contains(&status), "{status:?}");
        assert_eq!(status.may_be_retried(), retryable.contains(&status), "{status:?}");
    }
}
