use base64::{Engine, prelude::BASE64_STANDARD};
use chrono::DateTime;
use mail_parser::{MessageParser, MimeHeaders};
use proptest::prelude::*;

use super::*;

fn mail() -> OutgoingMail {
    OutgoingMail {
        from_name: "Aurora Books".parse().unwrap(),
        from: "billing@aurora.example".parse().unwrap(),
        reply_to: None,
        to: vec![Mailbox { email: "ann@example.net".parse().unwrap(), name: None }],
        cc: vec![],
        subject: "Your receipt 4711".parse().unwrap(),
        content: MessageContent {
            text: Some("Thank you.\n".to_owned()),
            html: None,
            attachments: vec![],
        },
        message_id: "<0190@aurora.example>".to_owned(),
        date: DateTime::from_timestamp(1_750_000_000, 0).unwrap(),
    }
}

fn text_of(mail: OutgoingMail) -> String {
    let composed = compose(mail).expect("composed");
    String::from_utf8(composed.to_bytes()).expect("UTF-8")
}

/// What goes over the wire where the server takes no chunks, without the final dot.
fn stuffed(mail: &ComposedMail) -> Vec<u8> {
    let mut bytes = Vec::new();
    assert!(!mail.dot_stuffed().put(usize::MAX, &mut bytes));
    bytes
}

fn file(name: &str, content: Vec<u8>) -> Attachment {
    let (filename, content_type) = (name.parse().unwrap(), "application/pdf".parse().unwrap());
    Attachment { filename, content_type, content }
}

/// `mail` as the library underneath composes all of it.
fn reference(mail: &OutgoingMail) -> Vec<u8> {
    let mut mixed = match part(&mail.content) {
        Part::Text(content_type, body) => MultiPart::mixed().singlepart(single(content_type, body)),
        Part::Multi(part) => MultiPart::mixed().multipart(part),
    };
    for file in &mail.content.attachments {
        let base64 = ContentTransferEncoding::Base64;
        let body = Body::new_with_encoding(file.content.clone(), base64).unwrap();
        let content_type = ContentType::parse(file.content_type.as_str()).unwrap();
        let part = AttachmentPart::new(file.filename.as_str().to_owned());
        mixed = mixed.singlepart(part.body(body, content_type));
    }
    head(mail).unwrap().multipart(mixed).unwrap().formatted()
}

/// `text` with its boundaries, which are random, replaced by their numbers.
fn numbered(text: &str) -> String {
    let parts: Vec<_> = text.split("boundary=\"").skip(1).collect();
    let boundaries = parts.iter().filter_map(|part| part.split('"').next());
    boundaries.enumerate().fold(text.to_owned(), |text, (number, boundary)| {
        text.replace(boundary, &format!("boundary {number}"))
    })
}

/// A header's value, unfolded.
fn header(text: &str, name: &str) -> Option<String> {
    let head = text.split("\r\n\r\n").next()?.replace("\r\n ", " ");
    let line = head.split("\r\n").find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))?;
    Some(line.to_owned())
}

#[test]
fn a_plain_mail_has_the_headers_it_was_given_and_no_others() {
    let text = text_of(mail());

    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let names: Vec<_> = head
        .split("\r\n")
        .filter(|line| !line.starts_with(' '))
        .map(|line| line.split(':').next().unwrap())
        .collect();
    let mut names = names;
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "Content-Transfer-Encoding",
            "Content-Type",
            "Date",
            "From",
            "MIME-Version",
            "Message-ID",
            "Subject",
            "To",
        ]
    );
    assert_eq!(header(&text, "Message-ID").as_deref(), Some("<0190@aurora.example>"));
    let date = header(&text, "Date").unwrap();
    assert!(date.starts_with("Sun, 15 Jun 2025 15:06:40"), "{date}");
    assert_eq!(body, "Thank you.\r\n");
}

#[test]
fn a_line_with_a_lone_dot_is_stuffed_on_the_wire_only() {
    let mut mail = mail();
    mail.content.text = Some("before\n.\n..two\nafter".to_owned());

    let composed = compose(mail).unwrap();

    let sent = String::from_utf8(stuffed(&composed)).unwrap();
    assert!(sent.ends_with("before\r\n..\r\n...two\r\nafter\r\n"), "{sent}");
    assert!(composed.to_bytes().ends_with(b"before\r\n.\r\n..two\r\nafter\r\n"));
}

#[test]
fn every_line_ending_becomes_crlf() {
    let mut mail = mail();
    mail.content.text = Some("a\nb\r\nc\rd\n\n".to_owned());

    let text = text_of(mail);

    assert!(text.ends_with("\r\n\r\na\r\nb\r\nc\r\nd\r\n\r\n"), "{text:?}");
}

#[test]
fn text_beyond_ascii_leaves_as_ascii() {
    let mut mail = mail();
    mail.from_name = "Bücher & Söhne".parse().unwrap();
    mail.subject = "Quittung für März — 7 €".parse().unwrap();
    mail.to[0].name = Some("Ånn, \"the\" Łee".parse().unwrap());
    mail.content.text = Some("Grüße\n".to_owned());
    mail.content.html = Some("<p>Grüße 你好</p>".to_owned());
    mail.content.attachments = vec![Attachment {
        filename: "Quittung März.pdf".parse().unwrap(),
        content_type: "application/pdf".parse().unwrap(),
        content: vec![0, 13, 10, 46, 10, 255],
    }];

    let composed = compose(mail).unwrap();
    let text = String::from_utf8(composed.to_bytes()).unwrap();

    assert!(composed.is_ascii());
    assert!(text.contains("multipart/mixed"));
    assert!(text.contains("multipart/alternative"));
    assert!(text.contains(&BASE64_STANDARD.encode([0, 13, 10, 46, 10, 255])));
    assert!(text.contains("M%C3%A4rz") || text.contains("=?utf-8?"), "{text}");
}

#[test]
fn an_address_beyond_ascii_needs_smtputf8() {
    let mut mail = mail();
    mail.to[0].email = "用户@example.net".parse().unwrap();

    let composed = compose(mail).unwrap();

    assert!(!composed.is_ascii());
    assert!(String::from_utf8_lossy(&composed.to_bytes()).contains("用户@example.net"));
}

#[test]
fn a_mail_to_hidden_recipients_alone_names_nobody() {
    let mut mail = mail();
    mail.to.clear();

    let text = text_of(mail);

    assert_eq!(header(&text, "To").as_deref(), Some("undisclosed-recipients:;"));
    assert!(!text.to_lowercase().contains("bcc"));
}

#[test]
fn no_line_is_too_long_for_a_server() {
    let mut mail = mail();
    mail.subject = "x".repeat(998).parse().unwrap();
    mail.content.text = Some("y".repeat(5_000));
    mail.content.html = Some("é".repeat(5_000));
    mail.to = (0..50)
        .map(|n| Mailbox {
            email: format!("recipient{n}@example.net").parse().unwrap(),
            name: Some("n".repeat(200).parse().unwrap()),
        })
        .collect();
    mail.from_name = "ü".repeat(120).parse().unwrap();

    assert!(compose(mail).is_ok());
}

#[test]
fn names_are_quoted_or_encoded_one_mailbox_a_line() {
    let mut mail = mail();
    let mailbox = |email: &str, name: &str| Mailbox {
        email: email.parse().unwrap(),
        name: (!name.is_empty()).then(|| name.parse().unwrap()),
    };
    mail.to = vec![
        mailbox("ann@example.net", "Ann \"the\" Lee, \\ Ltd"),
        mailbox("bob@example.net", ""),
        mailbox("zoe@example.net", "Zoë"),
    ];

    let text = text_of(mail);

    let expected = concat!(
        "To: \"Ann \\\"the\\\" Lee, \\\\ Ltd\" <ann@example.net>,\r\n",
        " bob@example.net,\r\n",
        " =?utf-8?B?Wm/Dqw==?= <zoe@example.net>\r\n"
    );
    assert!(text.contains(expected), "{text}");
}

/// Files as they may be: empty, around a line, and on both sides of where they are encoded apart.
fn files() -> impl Strategy<Value = Vec<Attachment>> {
    let length = prop::sample::select(vec![0, 1, 56, 57, 58, 3_000, MOST_ENCODED, 70_001]);
    let length = prop_oneof![length, 0..200_usize];
    let bytes = prop::collection::vec(any::<u8>(), 1..50);
    let content = (length, bytes)
        .prop_map(|(length, bytes)| bytes.into_iter().cycle().take(length).collect::<Vec<u8>>());
    let name = "[a-zé \"%]{1,80}".prop_filter_map("no name", |name| name.parse().ok());
    let file = (name, content).prop_map(|(filename, content)| Attachment {
        filename,
        content_type: "application/pdf".parse().unwrap(),
        content,
    });
    prop::collection::vec(file, 1..5)
}

#[test]
fn files_up_to_48_kib_together_are_part_of_the_one_buffer() {
    for (first, is_large) in [(MOST_ENCODED - 1, false), (MOST_ENCODED, true)] {
        let mut mail = mail();
        mail.content.attachments = vec![file("a.pdf", vec![1; first]), file("b.pdf", vec![2])];

        let composed = compose(mail).unwrap();

        assert_eq!(composed.files.len(), if is_large { 2 } else { 0 });
    }
}

proptest! {
    #[test]
    fn files_are_written_as_the_library_would_and_read_back_as_they_were(
        files in files(),
        text in "[a-z.\n]{0,200}",
        html in prop::option::of("<p>[a-zé.\n]{0,200}</p>"),
    ) {
        let mut mail = mail();
        mail.content = MessageContent { text: Some(text), html, attachments: files.clone() };
        let expected = String::from_utf8(reference(&mail)).unwrap();

        let composed = compose(mail).unwrap();

        let bytes = composed.to_bytes();
        prop_assert_eq!(composed.size(), bytes.len());
        let parsed = MessageParser::default().parse(&bytes).unwrap();
        let read: Vec<_> = parsed
            .attachments()
            .map(|part| (part.attachment_name().unwrap_or_default(), part.contents()))
            .collect();
        let given: Vec<_> =
            files.iter().map(|file| (file.filename.as_str(), file.content.as_slice())).collect();
        prop_assert!(read == given, "{:?}", parsed.attachment_count());
        let text = String::from_utf8(bytes).unwrap();
        prop_assert!(numbered(&text) == numbered(&expected));
    }

    #[test]
    fn whatever_a_tenant_writes_is_one_message(
        text in "(\\PC|[\r\n.\t\u{b}\u{85}\u{2028}]){0,300}",
        subject in "\\PC{0,200}",
        name in "\\PC{1,100}",
        file in "[^/\\\\\\p{Cc}]{1,100}",
        content in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let mut mail = mail();
        if let (Ok(subject), Ok(name), Ok(filename)) = (subject.parse(), name.parse(), file.parse()) {
            mail.subject = subject;
            mail.from_name = name;
            mail.content.attachments = vec![Attachment {
                filename,
                content_type: "text/plain; charset=utf-8".parse().unwrap(),
                content,
            }];
        }
        mail.content.text = Some(text);
        let composed = compose(mail);
        prop_assert!(composed.is_ok());
        let composed = composed.unwrap();
        prop_assert!(!stuffed(&composed).windows(5).any(|window| window == b"\r\n.\r\n"));
        prop_assert!(composed.is_ascii());
    }
}
