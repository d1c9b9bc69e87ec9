use super::*;

const WAITING: Standing = Standing {
    status: MessageStatus::Queued,
    queue_is_held: false,
    is_suspended: false,
    is_untested: false,
    pause: None,
    is_scheduled: false,
    hold: None,
    backs_off: false,
    is_paced: false,
};

#[test]
fn what_waits_is_explained_by_what_a_person_must_know_first() {
    let paused = |reason| Standing { pause: Some(reason), ..WAITING };
    let held = |reason| Standing { hold: Some(reason), ..WAITING };
    let deferred = Standing { status: MessageStatus::Deferred, ..WAITING };
    let cases = [
        (WAITING, Explanation::ItsTurn),
        (Standing { is_untested: true, ..WAITING }, Explanation::Untested),
        (paused(PauseReason::ByHand), Explanation::Paused),
        (paused(PauseReason::AuthRefused), Explanation::AuthRefused),
        (paused(PauseReason::FromRefused), Explanation::FromRefused),
        (paused(PauseReason::SecretUnreadable), Explanation::SecretUnreadable),
        (Standing { is_scheduled: true, ..WAITING }, Explanation::Scheduled),
        (held(HoldReason::DailyLimit), Explanation::DailyLimit),
        (held(HoldReason::Quota), Explanation::Quota),
        (Standing { status: MessageStatus::Held, ..WAITING }, Explanation::Quota),
        (Standing { backs_off: true, ..WAITING }, Explanation::ServerTrouble),
        (Standing { is_paced: true, ..WAITING }, Explanation::MinuteLimit),
        (deferred, Explanation::Deferred),
        (Standing { hold: Some(HoldReason::DailyLimit), ..deferred }, Explanation::DailyLimit),
        (Standing { is_suspended: true, ..paused(PauseReason::ByHand) }, Explanation::Suspended),
        (Standing { queue_is_held: true, is_suspended: true, ..WAITING }, Explanation::QueueHeld),
    ];
    for (standing, expected) in cases {
        assert_eq!(explain(&standing), expected, "{standing:?}");
    }
}

#[test]
fn what_is_over_is_explained_by_its_status_alone() {
    let waits = [MessageStatus::Queued, MessageStatus::Deferred, MessageStatus::Held];
    for &status in MessageStatus::ALL.iter().filter(|status| !waits.contains(status)) {
        let standing = Standing { status, queue_is_held: true, is_suspended: true, ..WAITING };
        assert_eq!(explain(&standing).as_str(), status.as_str());
    }
}

#[test]
fn the_sentence_names_the_time_where_one_belongs_into_it() {
    let at = DateTime::from_timestamp(1_795_442_400, 0);
    let cases = [
        (
            Explanation::Quota,
            at,
            None,
            "The mail account's limit is reached; the message waits until about 14:00 UTC on \
             23 November 2026.",
        ),
        (
            Explanation::Quota,
            None,
            None,
            "The mail account's limit is reached; the message waits for its reset.",
        ),
        (Explanation::ItsTurn, at, None, "The message waits for its turn."),
        (
            Explanation::Rejected,
            None,
            Some("550 5.1.1 no such user"),
            "The mail server refused the message for good. The server's last answer: 550 5.1.1 no \
             such user",
        ),
    ];
    for (explanation, at, reply, expected) in cases {
        assert_eq!(explanation.sentence(at, reply), expected);
    }
}

#[test]
fn every_explanation_is_one_sentence() {
    for explanation in Explanation::ALL {
        let (_, sentence) = explanation.words();
        assert!(sentence.ends_with('.') && !sentence.contains(". "), "{sentence}");
        assert!(!sentence.contains("deliver"), "{sentence}");
    }
}
