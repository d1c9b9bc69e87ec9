use std::time::{Duration, Instant};

use letterhead_domain::{delivery::AttemptOutcome, test_run::Cause};
use letterhead_mailer::{
    compose::compose,
    lease::LeaseDeadline,
    practice_server::{Verb, fault::PortFault, gate::Point},
    transport::Parcel,
};

use crate::stand::{
    Stand, codes, composed, email, hand_over, hand_over_under, lease, outgoing, parcel, parcel_of,
    send, signed_in_as,
};

#[tokio::test]
async fn a_mail_arrives_byte_for_byte_also_with_a_lone_dot_in_it() {
    let stand = Stand::start().await;
    let transport = stand.transport(stand.settings()).await;
    let mail = composed("before\n.\n.QUIT\nafter\n\n");

    let outcome = hand_over(&transport, parcel_of(mail.clone(), &["ann@example.net"])).await;

    assert_eq!(codes(&outcome), [250]);
    let caught = stand.server.inbox().list();
    assert_eq!(caught.len(), 1);
    assert!(caught[0].bytes == mail.to_bytes());
    assert!(caught[0].tls);
    assert_eq!(caught[0].mail_from, "billing@aurora.example");
    assert_eq!(stand.server.inbox().counters().bare_line_ends, 0);
}

#[tokio::test]
async fn each_recipient_gets_its_own_answer() {
    let stand = Stand::start().await;
    for settings in [stand.settings(), stand.fault(PortFault::NoPipelining)] {
        let transport = stand.transport(settings).await;

        let recipients =
            ["ann@example.net", "reject@example.net", "defer@example.net", "bob@example.net"];
        let outcome = send(&transport, &recipients).await;

        assert_eq!(codes(&outcome), [250, 550, 451, 250]);
        let caught = stand.server.inbox().list();
        assert_eq!(caught[0].rcpt_to, ["ann@example.net", "bob@example.net"]);
    }
}

#[tokio::test]
async fn a_transaction_that_was_refused_leaves_the_session_in_step() {
    let stand = Stand::start().await;
    for settings in [
        stand.settings(),
        stand.fault(PortFault::NoPipelining),
        stand.fault(PortFault::DataWithoutRecipients),
    ] {
        let before = stand.server.inbox().counters().connections;
        let transport = stand.transport(settings).await;
        let good = &["ann@example.net"];

        assert_eq!(
            codes(&send(&transport, &["reject@example.net", "defer@example.net"]).await),
            [550, 451]
        );
        assert_eq!(codes(&send(&transport, good).await), [250]);
        assert_eq!(codes(&send(&transport, &["reject-content@example.net"]).await), [554]);
        assert_eq!(codes(&send(&transport, &["defer-content@example.net"]).await), [451]);
        assert_eq!(codes(&send(&transport, &["quota@example.net"]).await), [550]);
        let from = email("refused-sender@aurora.example");
        let outcome = hand_over(&transport, Parcel { from, ..parcel(good) }).await;
        assert!(matches!(outcome, AttemptOutcome::FromRefused(reply) if reply.code == 553));
        assert_eq!(codes(&send(&transport, good).await), [250]);
        assert_eq!(stand.server.inbox().counters().connections, before + 1);
    }
}

#[tokio::test]
async fn refused_settings_are_told_from_refused_messages() {
    let stand = Stand::start().await;
    let login = stand.transport(signed_in_as(stand.settings(), "fault.refuse-login")).await;
    let sender = stand.transport(signed_in_as(stand.settings(), "fault.refuse-sender")).await;

    let refused = send(&login, &["ann@example.net"]).await;
    let outcome = send(&sender, &["ann@example.net"]).await;

    assert!(matches!(refused, AttemptOutcome::AuthRefused(reply) if reply.code == 535));
    assert!(matches!(outcome, AttemptOutcome::FromRefused(reply) if reply.code == 553));
}

#[tokio::test]
async fn only_a_cut_after_the_last_octet_is_uncertain() {
    let stand = Stand::start().await;
    let transport = stand.transport(stand.settings()).await;

    // Larger than what the sockets between us hold, so that the cut comes before its end.
    let large = composed(&"0123456789abcdef\n".repeat(1_500_000));
    let before_dot =
        hand_over(&transport, parcel_of(large, &["drop-before-dot@example.net"])).await;
    let after_dot = send(&transport, &["drop-after-dot@example.net"]).await;
    let next = send(&transport, &["ann@example.net"]).await;

    assert_eq!(before_dot, AttemptOutcome::NotSent(Cause::Closed));
    assert_eq!(after_dot, AttemptOutcome::Unknown(Cause::Closed));
    assert_eq!(codes(&next), [250]);
}

#[tokio::test]
async fn a_session_that_timed_out_is_never_used_again() {
    let stand = Stand::adjusted(|config| {
        config.timeouts.after_dot = Duration::from_millis(300);
    })
    .await;
    let transport = stand.transport(stand.settings()).await;
    assert_eq!(codes(&send(&transport, &["ann@example.net"]).await), [250]);

    let hung = send(&transport, &["hang-after-dot@example.net"]).await;
    assert_eq!(hung, AttemptOutcome::Unknown(Cause::TimedOut));
    assert_eq!(codes(&send(&transport, &["reject@example.net"]).await), [550]);

    assert_eq!(stand.server.inbox().counters().connections, 2);
}

#[tokio::test]
async fn a_run_that_is_dropped_in_the_middle_leaves_its_session_in_step() {
    let stand = Stand::adjusted(|config| config.connections_per_sender = 1).await;
    let transport = stand.transport(stand.settings()).await;
    let gate = stand.server.gate(Point::Dot);
    let mut dropped = transport.dispatch(&lease(), |_| false);
    dropped.push(parcel(&["ann@example.net"]));
    gate.reached().await;
    drop(dropped);
    gate.release();

    let outcome = send(&transport, &["reject@example.net"]).await;

    assert_eq!(codes(&outcome), [550]);
    let counters = stand.server.inbox().counters();
    assert_eq!((counters.messages, counters.connections), (1, 1));
}

#[tokio::test]
async fn nothing_is_written_once_the_lease_is_over() {
    let stand = Stand::start().await;
    let transport = stand.transport(stand.settings()).await;
    let lease = lease();
    let gate = stand.server.gate(Point::Data);
    let mut dispatch = transport.dispatch(&lease, |_| false);
    dispatch.push(parcel(&["ann@example.net"]));
    dispatch.push(Parcel { ticket: 1, ..parcel(&["bob@example.net"]) });
    gate.reached().await;

    lease.extend(Instant::now());
    gate.release();

    let interrupted = AttemptOutcome::NotSent(Cause::Interrupted);
    assert_eq!(dispatch.next().await, Some((0, interrupted.clone())));
    assert_eq!(dispatch.next().await, Some((1, interrupted.clone())));
    assert_eq!(dispatch.next().await, None);
    assert_eq!(stand.server.inbox().counters().messages, 0);
    let late = hand_over_under(&lease, &transport, parcel(&["ann@example.net"])).await;
    assert_eq!(late, interrupted);
}

#[tokio::test]
async fn a_warm_session_is_used_again_without_a_question() {
    let stand = Stand::start().await;
    let transport = stand.transport(stand.settings()).await;
    for _ in 0..3 {
        assert_eq!(codes(&send(&transport, &["ann@example.net"]).await), [250]);
    }

    let counters = stand.server.inbox().counters();
    assert_eq!(counters.connections, 1);
    assert_eq!(counters.commands(Verb::Auth), 1);
    assert_eq!(counters.commands(Verb::Noop), 0);
}

#[tokio::test]
async fn a_sender_has_no_more_sessions_than_it_may() {
    let stand = Stand::start().await;
    let transport = stand.transport(stand.settings()).await;
    let gate = stand.server.hold_all(Point::Dot);
    let mut dispatch = transport.dispatch(&lease(), |_| false);
    for ticket in 0..30 {
        dispatch.push(Parcel { ticket, ..parcel(&["ann@example.net"]) });
    }
    gate.reached_by(2).await;

    gate.release();
    while let Some((_, outcome)) = dispatch.next().await {
        assert_eq!(codes(&outcome), [250]);
    }

    let counters = stand.server.inbox().counters();
    assert_eq!((counters.messages, counters.connections), (30, 2));
}

#[tokio::test]
async fn a_session_at_rest_gives_its_place_to_one_that_is_needed() {
    let stand = Stand::adjusted(|config| config.max_sessions = 1).await;
    for _ in 0..3 {
        let transport = stand.transport(stand.settings()).await;
        assert_eq!(codes(&send(&transport, &["ann@example.net"]).await), [250]);
    }
    let gate = stand.server.gate(Point::Dot);
    let holding = stand.transport(stand.settings()).await;
    let mut held = holding.dispatch(&lease(), |_| false);
    held.push(parcel(&["ann@example.net"]));
    gate.reached().await;
    let waiting = stand.transport(stand.settings()).await;
    let short = LeaseDeadline::new(Instant::now() + Duration::from_millis(50));

    let outcome = hand_over_under(&short, &waiting, parcel(&["ann@example.net"])).await;

    assert_eq!(outcome, AttemptOutcome::NotSent(Cause::Interrupted));
}

#[tokio::test]
async fn smtputf8_is_asked_for_where_it_is_needed() {
    let stand = Stand::start().await;
    let transport = stand.transport(stand.settings()).await;
    assert_eq!(codes(&send(&transport, &["ann@example.net"]).await), [250]);
    assert_eq!(codes(&send(&transport, &["用户@example.net"]).await), [250]);
    let mut named = outgoing("x\n");
    named.to[0].email = email("zoë@example.net");
    let named = compose(named).unwrap();
    let outcome = hand_over(&transport, parcel_of(named, &["ann@example.net"])).await;
    assert_eq!(codes(&outcome), [250]);

    let parameters: Vec<_> = stand
        .server
        .inbox()
        .list()
        .iter()
        .rev()
        .map(|mail| {
            mail.mail_parameters
                .iter()
                .filter(|p| !p.starts_with("SIZE="))
                .cloned()
                .collect::<Vec<_>>()
        })
        .collect();
    assert_eq!(parameters[0], Vec::<String>::new());
    assert_eq!(parameters[1], ["SMTPUTF8"]);
    assert_eq!(parameters[2], ["BODY=8BITMIME", "SMTPUTF8"]);
}

#[tokio::test]
async fn a_session_is_retired_after_a_hundred_messages() {
    let stand = Stand::start().await;
    let transport = stand.transport(stand.settings()).await;
    for _ in 0..101 {
        assert_eq!(codes(&send(&transport, &["ann@example.net"]).await), [250]);
    }

    assert_eq!(stand.server.inbox().counters().connections, 2);
}

#[tokio::test]
async fn a_body_that_makes_no_progress_is_given_up() {
    let stand = Stand::adjusted(|config| {
        config.timeouts.body_grace = Duration::from_millis(300);
        config.timeouts.body_floor = u32::MAX;
    })
    .await;
    let transport = stand.transport(stand.fault(PortFault::HangAfterData)).await;
    let large = composed(&"0123456789abcdef\n".repeat(1_500_000));

    let outcome = hand_over(&transport, parcel_of(large, &["ann@example.net"])).await;

    assert_eq!(outcome, AttemptOutcome::NotSent(Cause::TimedOut));
}

#[tokio::test]
async fn a_reply_that_never_comes_ends_the_attempt_before_anything_was_sent() {
    let stand = Stand::adjusted(|config| config.timeouts.reply = Duration::from_secs(1)).await;
    for fault in [PortFault::HangAfterMail, PortFault::HangAfterRcpt] {
        let transport = stand.transport(stand.fault(fault)).await;

        let outcome = send(&transport, &["ann@example.net"]).await;

        assert_eq!(outcome, AttemptOutcome::NotSent(Cause::TimedOut), "{fault:?}");
    }
    let transport = stand.transport(stand.fault(PortFault::HangAfterAuth)).await;
    let refused = send(&transport, &["ann@example.net"]).await;
    assert_eq!(refused, AttemptOutcome::NotSent(Cause::TimedOut));
}
