use uuid::Uuid;
use zeroize::Zeroizing;

use super::*;
use crate::{password::SmtpPassword, smtp_settings::Encryption};

fn settings(host: &str) -> SmtpSettings {
    SmtpSettings {
        host: host.parse().unwrap(),
        port: 587_u16.try_into().unwrap(),
        encryption: Encryption::Starttls,
        auth: Auth::Password { username: "billing".parse().unwrap() },
        sender_name: "Aurora Books".parse().unwrap(),
        sender_email: "billing@aurora.example".parse().unwrap(),
        reply_to: None,
    }
}

fn version(number: u32, proven: bool) -> SettingsVersion {
    SettingsVersion {
        number: VersionNumber(number),
        settings: settings("mail.example"),
        secret: Some(Uuid::from_u128(1).into()),
        secret_state: SecretState::Readable,
        proven_at: proven.then_some(DateTime::UNIX_EPOCH),
        created_at: DateTime::UNIX_EPOCH,
        created_by: "api-key:1".to_owned(),
    }
}

fn keep(settings: SmtpSettings) -> SettingsDraft {
    SettingsDraft { settings, password: PasswordChange::Keep }
}

fn typed(settings: SmtpSettings) -> SettingsDraft {
    let password = SmtpPassword::parse(Zeroizing::new("secret".to_owned())).unwrap();
    SettingsDraft { settings, password: PasswordChange::Set(password) }
}

const POLICY: PromotePolicy = PromotePolicy::AfterTest;

#[test]
fn the_first_state_that_applies_is_the_senders() {
    use SenderState::*;
    let live = SenderFacts {
        tenant_suspended: false,
        live: Some(SecretState::Readable),
        candidate: None,
        pause: None,
        failures: 0,
    };
    let cases = [
        (SenderFacts { tenant_suspended: true, live: None, ..live }, Suspended),
        (SenderFacts { live: Some(SecretState::Unreadable), ..live }, NeedsPassword),
        (SenderFacts { pause: Some(PauseReason::SecretUnreadable), ..live }, NeedsPassword),
        (SenderFacts { pause: Some(PauseReason::AuthRefused), failures: 9, ..live }, Paused),
        (SenderFacts { failures: 3, ..live }, Failing),
        (SenderFacts { failures: 2, ..live }, Live),
        (SenderFacts { candidate: Some(SecretState::Missing), ..live }, Live),
        (SenderFacts { live: None, candidate: Some(SecretState::Readable), ..live }, Untested),
        (SenderFacts { live: None, candidate: Some(SecretState::Missing), ..live }, NeedsPassword),
        (SenderFacts { live: None, pause: Some(PauseReason::ByHand), ..live }, Paused),
    ];
    for (facts, state) in cases {
        assert_eq!(facts.state(), state, "{facts:?}");
    }
}

#[test]
fn a_password_is_never_carried_to_another_destination() {
    let newest = version(1, true);
    let elsewhere = settings("evil.example");
    let mut other_user = settings("mail.example");
    other_user.auth = Auth::Password { username: "boss".parse().unwrap() };
    let mut in_clear = settings("mail.example");
    in_clear.encryption = Encryption::None;

    for changed in [elsewhere, other_user, in_clear] {
        let plan = plan_save(Some(&newest), Some(&newest), &keep(changed), POLICY);
        let errors = plan.expect_err("refused");
        assert_eq!(errors.iter().next().map(|e| e.code), Some("password_required"));
    }
}

#[test]
fn port_and_kind_of_tls_may_change_without_the_password() {
    let newest = version(1, true);
    let mut changed = settings("mail.example");
    changed.port = 465_u16.try_into().unwrap();
    changed.encryption = Encryption::ImplicitTls;

    let plan = plan_save(Some(&newest), Some(&newest), &keep(changed), POLICY);

    let expected =
        SavePlan::NewVersion { secret: SecretPlan::Carry, live: false, inherits_proof: false };
    assert_eq!(plan, Ok(expected));
}

#[test]
fn a_save_that_changes_nothing_makes_no_version() {
    let newest = version(3, false);

    let plan = plan_save(Some(&newest), None, &keep(settings("mail.example")), POLICY);

    assert_eq!(plan, Ok(SavePlan::Unchanged));
}

#[test]
fn a_new_name_inherits_the_live_proof_only_with_the_live_password() {
    let live = version(1, true);
    let mut renamed = settings("mail.example");
    renamed.sender_name = "Aurora Books Ltd".parse().unwrap();
    let live_at_once = |plan: Result<SavePlan, FieldErrors>| {
        matches!(plan, Ok(SavePlan::NewVersion { live: true, inherits_proof: true, .. }))
    };

    let carried = plan_save(Some(&live), Some(&live), &keep(renamed.clone()), POLICY);
    assert!(live_at_once(carried));

    let retyped = plan_save(Some(&live), Some(&live), &typed(renamed.clone()), POLICY);
    assert!(!live_at_once(retyped));

    let mut candidate = version(2, false);
    candidate.secret = Some(Uuid::from_u128(2).into());
    let unproven = plan_save(Some(&candidate), Some(&live), &keep(renamed), POLICY);
    assert!(!live_at_once(unproven));
}

#[test]
fn the_first_save_needs_a_password_unless_nobody_signs_in() {
    let refused = plan_save(None, None, &keep(settings("mail.example")), POLICY);
    assert!(refused.is_err());

    let mut open = settings("mail.example");
    open.auth = Auth::None;
    let plan = plan_save(None, None, &keep(open), POLICY);
    assert!(matches!(plan, Ok(SavePlan::NewVersion { secret: SecretPlan::None, .. })));
}

#[test]
fn operators_may_have_a_save_go_live_at_once() {
    let plan = plan_save(None, None, &typed(settings("mail.example")), PromotePolicy::OnSave);

    let expected =
        SavePlan::NewVersion { secret: SecretPlan::Typed, live: true, inherits_proof: false };
    assert_eq!(plan, Ok(expected));
}

#[test]
fn restoring_needs_the_password_and_is_live_only_with_a_proof() {
    let live = Some(VersionNumber(5));
    let mut wiped = version(2, true);
    wiped.secret_state = SecretState::Missing;

    let restore = |v: &SettingsVersion, candidate| plan_restore(v, live, candidate, POLICY);

    assert_eq!(restore(&version(2, true), None), Ok(RestorePlan::NewVersion { live: true }));
    assert_eq!(restore(&version(2, false), None), Ok(RestorePlan::NewVersion { live: false }));
    assert!(restore(&wiped, None).is_err());
    let candidate = Some(VersionNumber(6));
    assert_eq!(restore(&version(5, true), candidate), Ok(RestorePlan::DropCandidate));
    assert_eq!(restore(&version(5, true), None), Ok(RestorePlan::Unchanged));
}

#[test]
fn a_passed_test_promotes_only_what_is_newer_and_never_ends_a_pause_by_hand() {
    let v = VersionNumber;
    let auth = Some(PauseReason::AuthRefused);
    let cases = [
        ((v(1), false, None, None), (true, false)),
        ((v(2), false, Some(v(1)), auth), (true, true)),
        ((v(2), true, Some(v(1)), auth), (false, false)),
        ((v(1), false, Some(v(1)), auth), (false, true)),
        ((v(1), false, Some(v(2)), auth), (false, false)),
        ((v(1), false, Some(v(1)), Some(PauseReason::ByHand)), (false, false)),
    ];
    for ((tried, discarded, live, pause), (promote, end_pause)) in cases {
        let effect = after_passed_test(tried, discarded, live, pause);
        assert_eq!(effect, TestEffect { promote, end_pause }, "{tried} {live:?} {pause:?}");
    }
}
