use std::{collections::BTreeSet, fs, path::Path};

use fluent_bundle::FluentResource;
use fluent_syntax::ast::{Entry, Expression, InlineExpression, Pattern, PatternElement};
use letterhead_domain::{
    access::PortalRole,
    advice::{self, Advice, Side},
    bulk_run::{BulkItemStatus, SkipReason},
    delivery::AttemptWord,
    discovery::{self, Confidence},
    domain_check::{CheckStatus, Finding, Step},
    event::AuditAction,
    message::{MessageKind, MessageStatus, OnUncertain, RecipientRole, RecipientStatus},
    provider::{Note, PasswordKind, UsernameKind},
    sender::{PauseReason, SenderState},
    test_run::{Stage, StageStatus, TestMode, TestStatus},
};

use super::*;

/// Beginnings of keys whose ends are words of the domain, with every such word.
fn families() -> Vec<(&'static str, Vec<String>)> {
    vec![
        ("role-", PortalRole::ALL.iter().map(|role| role.as_str().to_owned()).collect()),
        ("way-in-", with_title_and_words(&["used", "expired", "unknown"])),
        (
            "refusal-",
            with_title_and_words(&[
                "sign-in",
                "cross-site",
                "form",
                "role",
                "not-found",
                "stale",
                "unavailable",
                "broken",
            ]),
        ),
        ("advice-", advice()),
        ("advice-side-", words(Side::ALL, Side::as_str)),
        ("domain-", words(Finding::ALL, Finding::as_str)),
        ("domain-step-", words(Step::ALL, Step::as_str)),
        ("domain-status-", words(CheckStatus::ALL, CheckStatus::as_str)),
        ("domain-part-", given(&["spf", "dkim", "dmarc", "mx"])),
        ("state-", words(SenderState::ALL, SenderState::as_str)),
        ("stage-", words(Stage::ALL, Stage::as_str)),
        ("stage-status-", words(StageStatus::ALL, StageStatus::as_str)),
        ("run-mode-", words(TestMode::ALL, TestMode::as_str)),
        ("run-status-", words(TestStatus::ALL, TestStatus::as_str)),
        ("notice-", notices()),
        ("provider-password-", words(PasswordKind::ALL, PasswordKind::as_str)),
        ("provider-username-", words(UsernameKind::ALL, UsernameKind::as_str)),
        ("provider-note-", words(Note::ALL, Note::as_str)),
        ("discovery-", given(&["filled", "nothing"])),
        ("discovery-confidence-", words(Confidence::ALL, Confidence::as_str)),
        ("discovery-why-", words(discovery::Source::ALL, discovery::Source::as_str)),
        ("encryption-", given(&["starttls", "implicit_tls", "none"])),
        ("field-", given(&FIELDS)),
        ("field-", given(&FIELD_HINTS)),
        ("refused-", given(&REFUSED)),
        ("settings-password-", given(&["first", "keep", "gone", "not-needed", "moved"])),
        ("password-", given(&["stored", "gone", "not-needed"])),
        ("refusal-", vec!["conflict-title".to_owned(), "too-many-title".to_owned()]),
        ("message-kind-", words(MessageKind::ALL, MessageKind::as_str)),
        ("message-status-", words(MessageStatus::ALL, MessageStatus::as_str)),
        ("message-explained-", words(MessageStatus::ALL, MessageStatus::as_str)),
        ("message-on-uncertain-", words(OnUncertain::ALL, OnUncertain::as_str)),
        ("recipient-role-", words(RecipientRole::ALL, RecipientRole::as_str)),
        ("recipient-status-", words(RecipientStatus::ALL, RecipientStatus::as_str)),
        ("attempt-outcome-", words(AttemptWord::ALL, AttemptWord::as_str)),
        ("message-", given(&["not-cancelled", "not-retried"])),
        ("did-message-", given(&["cancelled", "retried"])),
        ("arrival-not-taken-", given(&["expired", "tries_used_up"])),
        ("activity-", words(AuditAction::ALL, AuditAction::as_str)),
        ("activity-detail-", given(&AUDIT_DETAILS)),
        ("activity-status-", given(&["passed", "failed", "active", "suspended"])),
        ("activity-reason-", words(PauseReason::ALL, PauseReason::as_str)),
        ("bulk-status-", words(BulkItemStatus::ALL, BulkItemStatus::as_str)),
        ("bulk-skipped-", words(SkipReason::ALL, SkipReason::as_str)),
        ("bulk-cause-", given(&BULK_CAUSES)),
        ("suspend-", given(&["title", "words", "button"])),
        ("resume-", given(&["title", "words", "button"])),
        ("did-tenant-", given(&["suspended", "resumed"])),
        ("session-", given(&["live", "ended", "expired"])),
        ("versions-", given(&VERSIONS)),
        ("did-version-", given(&["restored-live", "restored-candidate", "kept"])),
    ]
}

/// Causes that are told in a few words.
const BULK_CAUSES: [&str; 5] = [
    "auth_bad_password",
    "auth_app_password_needed",
    "sender_refused",
    "no_connection",
    "port_blocked",
];

/// What the audit tells of a deed.
const AUDIT_DETAILS: [&str; 11] = [
    "sender", "version", "host", "status", "advice", "reason", "reply", "slug", "name", "email",
    "role",
];
/// What is said of a version, or of why it was not restored.
const VERSIONS: [&str; 9] = [
    "live",
    "candidate",
    "discarded",
    "proven",
    "no-password",
    "unreadable",
    "password-gone-now",
    "not-allowed",
    "stale",
];
/// The fields of the settings page.
const FIELDS: [&str; 9] = [
    "driver",
    "host",
    "port",
    "encryption",
    "username",
    "password",
    "sender_name",
    "sender_email",
    "reply_to",
];
/// Those of them that need a word more.
const FIELD_HINTS: [&str; 7] = [
    "driver-hint",
    "host-hint",
    "port-hint",
    "username-hint",
    "sender_name-hint",
    "sender_email-hint",
    "reply_to-hint",
];
/// Why a field may be refused, where the page says it in its own words.
const REFUSED: [&str; 14] = [
    "required",
    "too_long",
    "control_character",
    "unknown_value",
    "host-malformed",
    "host-destination_not_allowed",
    "port-out_of_range",
    "port-port_not_allowed",
    "encryption-encryption_required",
    "password-required",
    "password-masked",
    "password-not_allowed",
    "sender_email-malformed",
    "reply_to-malformed",
];

fn given(ends: &[&str]) -> Vec<String> {
    ends.iter().map(|&end| end.to_owned()).collect()
}

fn words<T: Copy>(all: &[T], word: impl Fn(T) -> &'static str) -> Vec<String> {
    all.iter().map(|&value| word(value).to_owned()).collect()
}

/// A title and steps for each advice; those with a guide have words of their own.
fn advice() -> Vec<String> {
    let keys = |advice: &Advice| {
        let guide = advice.guide.map(|guide| format!("-{guide}")).unwrap_or_default();
        let key = format!("{}{guide}", advice.code);
        let steps = (1..=advice.steps.len()).map(|step| format!("{key}-{step}"));
        [key.clone()].into_iter().chain(steps).collect::<Vec<_>>()
    };
    advice::all().iter().flat_map(keys).collect()
}

/// What the settings page says first about a sender that does not simply send.
fn notices() -> Vec<String> {
    let states = ["suspended", "needs_password", "failing", "untested", "candidate"];
    let reasons = PauseReason::ALL.iter().map(|reason| reason.as_str());
    let names: Vec<_> = states.into_iter().chain(reasons).collect();
    with_title_and_words(&names)
}

/// Pages that say one thing each.
fn with_title_and_words(names: &[&str]) -> Vec<String> {
    names.iter().flat_map(|name| [format!("{name}-title"), format!("{name}-words")]).collect()
}

/// Every key of a language, with the values that its text takes.
fn keys(parts: &[&str]) -> Vec<(String, BTreeSet<String>)> {
    let mut found = Vec::new();
    for part in parts {
        let resource = FluentResource::try_new((*part).to_owned());
        let resource = resource.map_err(|(_, faults)| faults).expect("well-formed Fluent");
        for entry in resource.entries() {
            if let Entry::Message(message) = entry {
                let mut values = BTreeSet::new();
                note_values(message.value.as_ref().expect("a text"), &mut values);
                found.push((message.id.name.to_owned(), values));
            }
        }
    }
    found
}

fn note_values(pattern: &Pattern<&str>, values: &mut BTreeSet<String>) {
    for element in &pattern.elements {
        let PatternElement::Placeable { expression } = element else { continue };
        let inline = match expression {
            Expression::Inline(inline) => inline,
            Expression::Select { selector, variants } => {
                for variant in variants {
                    note_values(&variant.value, values);
                }
                selector
            }
        };
        if let InlineExpression::VariableReference { id } = inline {
            values.insert(id.name.to_owned());
        }
    }
}

/// Every text in double quotes that follows one of `calls` below `folder`.
fn quoted_after(folder: &Path, calls: &[&str], found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            quoted_after(&path, calls, found);
            continue;
        }
        // This file names the calls themselves.
        if path.ends_with("texts/tests.rs") {
            continue;
        }
        let text = fs::read_to_string(&path).expect("text");
        for call in calls {
            for (at, _) in text.match_indices(call) {
                let rest = text[at + call.len()..].trim_start();
                if let Some((key, _)) = rest.strip_prefix('"').and_then(|rest| rest.split_once('"'))
                {
                    found.insert(key.to_owned());
                }
            }
        }
    }
}

#[test]
fn every_language_has_the_same_texts_with_the_same_values() {
    let [(_, _, english), others @ ..] = LANGUAGES;
    let english = keys(english);
    let names: BTreeSet<_> = english.iter().map(|(key, _)| key).collect();
    assert_eq!(names.len(), english.len(), "no key is given twice");
    for (code, _, parts) in others {
        let theirs: BTreeSet<_> = keys(parts).into_iter().collect();
        let ours: BTreeSet<_> = english.iter().cloned().collect();
        let missing: Vec<_> = ours.difference(&theirs).collect();
        let strange: Vec<_> = theirs.difference(&ours).collect();
        assert!(missing.is_empty() && strange.is_empty(), "{code}: {missing:?} {strange:?}");
    }
}

#[test]
fn every_text_that_a_page_asks_for_exists_and_none_is_left_over() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut used = BTreeSet::new();
    let calls = [".say(", ".with(", ".count(", ".did(", "key: ", "_key = ", "Text("];
    quoted_after(&root.join("templates"), &calls, &mut used);
    quoted_after(&root.join("src/portal"), &calls, &mut used);
    for (beginning, ends) in families() {
        used.extend(ends.iter().map(|end| format!("{beginning}{}", end.replace('.', "-"))));
    }
    let known: BTreeSet<_> = keys(LANGUAGES[0].2).into_iter().map(|(key, _)| key).collect();

    let unknown: Vec<_> =
        used.difference(&known).filter(|key| !key.is_empty() && !key.ends_with('-')).collect();
    let idle: Vec<_> = known.difference(&used).collect();

    assert!(unknown.is_empty(), "asked for, and not there: {unknown:?}");
    assert!(idle.is_empty(), "there, and never asked for: {idle:?}");
}

/// A server that accepts a mail says nothing of its arrival; only a code that came back does.
#[test]
fn no_text_but_those_of_the_proof_says_that_a_mail_arrived() {
    let words = [("en", &["arriv"][..]), ("fil", &["dumating", "darating", "nakarating"])];
    for ((code, _, parts), (spoken, words)) in LANGUAGES.iter().zip(words) {
        assert_eq!(*code, spoken);
        let resources: Vec<_> = parts.iter().map(|part| part.to_lowercase()).collect();
        let (proof, others): (Vec<_>, Vec<_>) =
            resources.iter().partition(|part| part.starts_with("arrival-"));
        assert_eq!(proof.len(), 1);
        for word in words {
            for line in others.iter().flat_map(|part| part.lines()) {
                assert!(!line.contains(word), "{code}: {line}");
            }
        }
        assert!(proof[0].contains(words[0]), "{code}");
    }
}

#[test]
fn a_reader_gets_the_best_language_that_there_is() {
    let cases = [
        ("", "en"),
        ("de", "en"),
        ("fil", "fil"),
        ("fil-PH,fil;q=0.9,en;q=0.8", "fil"),
        ("en-GB,fil;q=0.5", "en"),
        ("de;q=0.9,fil;q=0.8", "fil"),
        ("\u{0}nonsense;;q", "en"),
    ];
    for (accept, expected) in cases {
        assert_eq!(Texts::negotiate(accept).code(), expected, "{accept}");
    }
}
