use super::*;

const FIRST: Attempt = Attempt {
    number: 1,
    tried_for: Duration::ZERO,
    on_uncertain: OnUncertain::Resend,
    jitter: 0.5,
};

fn answer(text: &str) -> AttemptOutcome {
    let (code, text) = text.split_once(' ').expect("a code and a text");
    AttemptOutcome::Answered(vec![Reply::new(code.parse().expect("a code"), text)])
}

#[test]
fn a_last_answer_decides_what_becomes_of_a_recipient_its_lane_and_its_sender() {
    use LaneEffect::{BackOff, GoOn, Hold};
    use RecipientStatus::{Accepted, Deferred, Queued, Rejected};
    use SenderEffect::{Failed, Nothing, Pause, Worked};
    let cases = [
        ("250 2.0.0 queued", Accepted, None, GoOn, Worked),
        ("451 4.7.1 greylisted", Deferred, Some(30), GoOn, Worked),
        ("421 4.7.0 too many", Deferred, Some(30), BackOff, Failed),
        ("550 5.1.1 no such user", Rejected, None, GoOn, Worked),
        ("552 5.3.4 too big", Rejected, None, GoOn, Worked),
        ("550 5.4.5 Daily user sending limit exceeded", Queued, Some(3600), Hold(HOUR), Nothing),
        (
            "554 5.2.0 STOREDRV.Submission.Exception:SubmissionQuotaExceededException",
            Queued,
            Some(86_400),
            Hold(DAY),
            Nothing,
        ),
        ("550 5.7.60 SMTP; not allowed", Queued, Some(0), GoOn, Pause(PauseReason::FromRefused)),
        (
            "553 5.7.1 <a@b.example>: Sender address rejected: not owned by user x",
            Queued,
            Some(0),
            GoOn,
            Pause(PauseReason::FromRefused),
        ),
        ("530 5.7.0 sign in", Queued, Some(0), GoOn, Pause(PauseReason::AuthRefused)),
    ];
    for (reply, status, wait, lane, sender) in cases {
        let disposition = decide(&answer(reply), &FIRST);

        assert_eq!(disposition.fates.of(0), status, "{reply}");
        assert_eq!(disposition.retry_after, wait.map(Duration::from_secs), "{reply}");
        assert_eq!(disposition.lane, lane, "{reply}");
        assert_eq!(disposition.sender, sender, "{reply}");
    }
}

#[test]
fn what_the_settings_got_wrong_costs_a_message_nothing() {
    let refused = Reply::new(535, "5.7.8 no");
    let busy = Reply::new(454, "4.7.0 later");
    let cases = [
        (
            AttemptOutcome::AuthRefused(refused.clone()),
            SenderEffect::Pause(PauseReason::AuthRefused),
        ),
        (
            AttemptOutcome::FromRefused(Reply::new(550, "5.7.1 not yours")),
            SenderEffect::Pause(PauseReason::FromRefused),
        ),
        (AttemptOutcome::AuthRefused(busy), SenderEffect::Failed),
        (AttemptOutcome::NotSent(Cause::TimedOut), SenderEffect::Failed),
    ];
    for (outcome, sender) in cases {
        let disposition = decide(&outcome, &FIRST);

        assert!(!disposition.counts, "{outcome:?}");
        assert_eq!(disposition.fates, Fates::All(RecipientStatus::Queued), "{outcome:?}");
        assert_eq!(disposition.sender, sender, "{outcome:?}");
    }
}

#[test]
fn an_announced_size_that_is_too_large_rejects_the_message_and_not_the_sender() {
    let outcome = AttemptOutcome::FromRefused(Reply::new(552, "5.3.4 too large"));

    let disposition = decide(&outcome, &FIRST);

    assert_eq!(disposition.fates, Fates::All(RecipientStatus::Rejected));
    assert_eq!(disposition.sender, SenderEffect::Worked);
}

#[test]
fn a_message_of_which_nobody_knows_is_resent_or_waits_for_a_person() {
    let unknown = AttemptOutcome::Unknown(Cause::Closed);

    let resent = decide(&unknown, &FIRST);
    let waits = decide(&unknown, &Attempt { on_uncertain: OnUncertain::Wait, ..FIRST });

    assert_eq!(resent.fates, Fates::All(RecipientStatus::Deferred));
    assert!(resent.retry_after.is_some());
    assert_eq!(waits.fates, Fates::All(RecipientStatus::Uncertain));
    assert_eq!(waits.retry_after, None);
}

#[test]
fn waits_double_to_four_hours_and_end_after_three_days() {
    let seconds = [(1, 30), (2, 60), (3, 120), (9, 7_680), (10, 14_400), (100, 14_400)];
    for (number, wait) in seconds {
        assert_eq!(back_off(number, 0.5), Duration::from_secs(wait), "attempt {number}");
    }
    assert!(back_off(1, 0.0) >= Duration::from_secs(27));
    assert!(back_off(1, 1.0) <= Duration::from_secs(33));

    let old = Attempt { tried_for: LONGEST_TRYING, number: 20, ..FIRST };
    let disposition = decide(&answer("451 later"), &old);
    assert_eq!(disposition.fates.of(0), RecipientStatus::Expired);
    assert_eq!(disposition.retry_after, None);
}

#[test]
fn the_recipients_together_make_the_messages_status() {
    use RecipientStatus::*;
    let cases: [(&[RecipientStatus], bool, MessageStatus); 9] = [
        (&[Accepted, Accepted], false, MessageStatus::Accepted),
        (&[Accepted, Rejected], false, MessageStatus::PartlyAccepted),
        (&[Rejected, Rejected], false, MessageStatus::Rejected),
        (&[Accepted, Deferred], false, MessageStatus::Deferred),
        (&[Queued, Rejected], false, MessageStatus::Queued),
        (&[Queued, Accepted], true, MessageStatus::Held),
        (&[Accepted, Uncertain], false, MessageStatus::Uncertain),
        (&[Expired, Expired], false, MessageStatus::Expired),
        (&[Cancelled], false, MessageStatus::Cancelled),
    ];
    for (recipients, held, status) in cases {
        assert_eq!(fold(recipients, held), status, "{recipients:?}");
    }
}
