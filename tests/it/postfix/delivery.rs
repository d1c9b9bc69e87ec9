//! Deliveries over pooled sessions: what was composed is what arrives, for whom it was accepted.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use letterhead_domain::{
    delivery::{Attempt, AttemptOutcome, Fates, SenderEffect, decide, fold},
    message::{Attachment, MessageContent, MessageStatus, OnUncertain, RecipientStatus},
    sender::PauseReason,
    smtp_settings::{Auth, Encryption, SmtpSettings},
};
use letterhead_mailer::{
    compose::{ComposedMail, compose},
    gear::Gear,
    transport::{Parcel, Transport},
};
use letterhead_tests::postfix::{
    AURORA, BOREALIS, BUSY_RECIPIENT, ForeignSender, UNKNOWN_RECIPIENT,
};

use super::stand::{ENCRYPTIONS, Stand, codes, email, lease, mail};

const FIRST_ATTEMPT: Attempt = Attempt {
    number: 1,
    tried_for: Duration::ZERO,
    on_uncertain: OnUncertain::Resend,
    jitter: 0.5,
};

fn text(text: &str) -> ComposedMail {
    composed(MessageContent { text: Some(text.to_owned()), html: None, attachments: vec![] })
}

fn composed(content: MessageContent) -> ComposedMail {
    compose(mail(content)).expect("a mail")
}

impl Stand {
    /// Hands one mail over, on a session of its own.
    async fn deliver(
        &self,
        settings: SmtpSettings,
        mail: &ComposedMail,
        recipients: &[&str],
    ) -> AttemptOutcome {
        let from = settings.sender_email.clone();
        let (_, transport) = self.transport(settings).await;
        hand_over(&transport, Parcel { from, ..parcel(mail.clone(), recipients) }).await
    }
}

/// A parcel from [`AURORA`].
fn parcel(mail: ComposedMail, recipients: &[&str]) -> Parcel {
    let recipients = recipients.iter().map(|text| email(text)).collect();
    Parcel { ticket: 0, mail, from: email(AURORA.address), recipients }
}

async fn hand_over(transport: &Arc<Transport>, parcel: Parcel) -> AttemptOutcome {
    let mut dispatch = transport.dispatch(&lease(), |_| false);
    dispatch.push(parcel);
    dispatch.next().await.expect("an outcome").1
}

#[tokio::test]
async fn text_html_and_attachment_arrive_byte_for_byte_in_both_encryptions() {
    let Some(stand) = Stand::start() else { return };
    let pdf = Attachment {
        filename: "Quittung № 4711.pdf".parse().expect("a file name"),
        content_type: "application/pdf".parse().expect("a content type"),
        content: (0..=255).cycle().take(300_000).collect(),
    };
    let mail = composed(MessageContent {
        text: Some("Danke, Ännchen.\n.\nBis bald.\n".to_owned()),
        html: Some("<p>Danke, <b>Ännchen</b> — bis bald.</p>\n".to_owned()),
        attachments: vec![pdf],
    });
    for (index, encryption) in ENCRYPTIONS.into_iter().enumerate() {
        let outcome = stand.deliver(stand.settings(encryption), &mail, &["ann@example.net"]).await;

        assert_eq!(codes(&outcome), [250], "{encryption:?}");
        let delivered = stand.server.wait_for(index + 1).expect("delivered");
        let arrived = &delivered[index];
        assert_eq!(arrived.mail_from, AURORA.address, "{encryption:?}");
        assert_eq!(arrived.recipient, "ann@example.net", "{encryption:?}");
        assert!(arrived.content == mail.to_bytes(), "{encryption:?}: other bytes arrived");
    }
}

#[tokio::test]
async fn lines_of_dots_arrive_as_they_were_and_end_nothing() {
    let Some(stand) = Stand::start() else { return };
    let mail = text("before\n.\n..\n.QUIT\n...\n\n.\nafter\n.\n");

    let outcome =
        stand.deliver(stand.settings(Encryption::Starttls), &mail, &["ann@example.net"]).await;

    assert_eq!(codes(&outcome), [250]);
    let delivered = stand.server.wait_for(1).expect("delivered");
    assert_eq!(delivered.len(), 1);
    assert_eq!(
        String::from_utf8_lossy(&delivered[0].content),
        String::from_utf8_lossy(&mail.to_bytes())
    );
}

#[tokio::test]
async fn each_recipient_of_one_message_has_its_own_answer_and_its_own_fate() {
    let Some(stand) = Stand::start() else { return };
    let recipients = [UNKNOWN_RECIPIENT, "ann@example.net", BUSY_RECIPIENT, "bob@example.net"];
    let mail = text("Thank you.\n");

    let outcome = stand.deliver(stand.settings(Encryption::Starttls), &mail, &recipients).await;

    assert_eq!(codes(&outcome), [550, 250, 450, 250]);
    let disposition = decide(&outcome, &FIRST_ATTEMPT);
    let fates = vec![
        RecipientStatus::Rejected,
        RecipientStatus::Accepted,
        RecipientStatus::Deferred,
        RecipientStatus::Accepted,
    ];
    assert_eq!(fold(&fates, false), MessageStatus::Deferred);
    assert_eq!(disposition.fates, Fates::Each(fates));
    assert_eq!(disposition.sender, SenderEffect::Worked);
    let delivered = stand.server.wait_for(2).expect("delivered");
    let mut reached: Vec<_> = delivered.iter().map(|mail| mail.recipient.as_str()).collect();
    reached.sort_unstable();
    assert_eq!(reached, ["ann@example.net", "bob@example.net"]);
    assert!(delivered.iter().all(|arrived| arrived.content == mail.to_bytes()));
}

#[tokio::test]
async fn a_message_that_nobody_may_have_leaves_the_session_good_for_the_next() {
    let Some(stand) = Stand::start() else { return };
    let (key, transport) = stand.transport(stand.settings(Encryption::Starttls)).await;
    let mail = text("Thank you.\n");
    let refused = parcel(mail.clone(), &[UNKNOWN_RECIPIENT, BUSY_RECIPIENT]);

    let first = hand_over(&transport, refused).await;
    let second = hand_over(&transport, parcel(mail, &["ann@example.net"])).await;

    assert_eq!(codes(&first), [550, 450]);
    assert_eq!(codes(&second), [250]);
    assert_eq!(stand.server.wait_for(1).expect("delivered").len(), 1);
    stand.close(key, transport).await;
    let log = stand.log_of_connections(1).await;
    assert_eq!(log.matches(": connect from ").count(), 1, "{log}");
}

#[tokio::test]
async fn two_messages_over_one_warm_session_sign_in_once() {
    for encryption in ENCRYPTIONS {
        let Some(stand) = Stand::start() else { return };
        let (key, transport) = stand.transport(stand.settings(encryption)).await;
        for number in 1..=2 {
            let mail = text(&format!("Receipt {number}.\n"));
            let outcome = hand_over(&transport, parcel(mail, &["ann@example.net"])).await;
            assert_eq!(codes(&outcome), [250], "{encryption:?}");
        }

        stand.server.wait_for(2).expect("delivered");
        stand.close(key, transport).await;
        let log = stand.log_of_connections(1).await;
        assert_eq!(log.matches(": connect from ").count(), 1, "{log}");
        let farewell =
            log.lines().find(|line| line.contains(": disconnect from ")).expect("a line");
        for counted in [" auth=1 ", " mail=2 ", " rcpt=2 ", " bdat=2 "] {
            assert!(farewell.contains(counted), "{farewell}");
        }
        assert!(!farewell.contains("noop"), "{farewell}");
    }
}

#[tokio::test]
async fn refused_settings_are_told_from_refused_messages_wherever_the_server_says_so() {
    let mail = text("Thank you.\n");
    for foreign_sender in [ForeignSender::RefusedAtMail, ForeignSender::RefusedAtRecipient] {
        let Some(stand) = Stand::start_with(foreign_sender) else { return };
        let settings = stand.settings(Encryption::ImplicitTls);
        let borealis = Auth::Password { username: BOREALIS.address.parse().expect("a name") };
        let wrong_password = SmtpSettings { auth: borealis, ..settings.clone() };
        let foreign = SmtpSettings { sender_email: email(BOREALIS.address), ..settings };

        let at_auth = stand.deliver(wrong_password, &mail, &["ann@example.net"]).await;
        let at_from = stand.deliver(foreign, &mail, &["ann@example.net", BUSY_RECIPIENT]).await;

        let paused = |outcome| decide(outcome, &FIRST_ATTEMPT).sender;
        assert_eq!(paused(&at_auth), SenderEffect::Pause(PauseReason::AuthRefused), "{at_auth:?}");
        assert_eq!(paused(&at_from), SenderEffect::Pause(PauseReason::FromRefused), "{at_from:?}");
        assert_eq!(stand.server.delivered().expect("a folder"), []);
    }
}

#[tokio::test]
async fn an_address_outside_ascii_is_carried_by_smtputf8() {
    let Some(stand) = Stand::start() else { return };
    let mut to_zoe =
        mail(MessageContent {
            text: Some("Grüße.\n".to_owned()), html: None, attachments: vec![]
        });
    to_zoe.to[0].email = email("zoë@example.net");
    let mail = compose(to_zoe).expect("a mail");

    let outcome =
        stand.deliver(stand.settings(Encryption::Starttls), &mail, &["zoë@example.net"]).await;

    assert_eq!(codes(&outcome), [250]);
    let delivered = stand.server.wait_for(1).expect("delivered");
    assert_eq!(delivered[0].recipient, "zoë@example.net");
    assert!(delivered[0].content == mail.to_bytes(), "other bytes arrived");
}

#[tokio::test]
async fn every_gear_gives_each_message_its_own_answers_over_one_session() {
    let gears = [
        (Gear::Chunked, "", " bdat="),
        (Gear::Overlapped, "chunking", " data="),
        (Gear::OneByOne, "chunking, pipelining", " data="),
    ];
    for (gear, discarded, body_command) in gears {
        let Some(stand) = Stand::start() else { return };
        stand.server.discard(discarded).expect("configured");
        let (key, transport) = stand.transport(stand.settings(Encryption::Starttls)).await;
        let mut dispatch = transport.dispatch(&lease(), |_| false);
        let recipients: [&[&str]; 4] = [
            &["ann@example.net"],
            &[UNKNOWN_RECIPIENT, BUSY_RECIPIENT],
            &["bob@example.net", UNKNOWN_RECIPIENT],
            &["cyd@example.net"],
        ];
        for ticket in 0..40 {
            let mail = text(&format!("Receipt {ticket}.\n.\n"));
            dispatch.push(Parcel { ticket, ..parcel(mail, recipients[ticket % 4]) });
        }

        let mut told = BTreeMap::new();
        while let Some((ticket, outcome)) = dispatch.next().await {
            told.insert(ticket, codes(&outcome));
        }

        let expected: [&[u16]; 4] = [&[250], &[550, 450], &[250, 550], &[250]];
        for (ticket, codes) in &told {
            assert_eq!(codes, expected[ticket % 4], "{gear:?} {ticket}");
        }
        assert_eq!(told.len(), 40);
        assert_eq!(stand.server.wait_for(30).expect("delivered").len(), 30);
        let counts = stand.mailer.transports().session_counts();
        assert!(counts.by_gear.contains(&(gear, 40)), "{gear:?}: {counts:?}");
        assert_eq!(transport.gear_limit(), None, "{gear:?}");
        drop(dispatch);
        stand.close(key, transport).await;
        let opened = usize::try_from(counts.opened).expect("few");
        let log = stand.log_of_connections(opened).await;
        assert!(opened <= 2 && log.contains(body_command), "{gear:?}: {log}");
        assert!(!log.contains("noop="), "{log}");
    }
}
