//! What the settings page shows of a sender: its values, its state, what differs.

use letterhead_domain::{
    provider,
    sender::{PauseReason, SecretState, SenderState, SettingsVersion},
};
use letterhead_storage::record::SenderRecord;

use super::typed::{FIELDS, Typed};
use crate::{
    app::guides,
    portal::{actor, moment::Moment, texts::Texts, visit::Place},
};

/// The guide of somebody whose provider is not known: the one that most people need.
const USUAL_GUIDE: &str = "gmail";

/// A label at the name of the page: what the sender is doing.
pub(in crate::portal) struct Chip {
    pub(in crate::portal) kind: &'static str,
    pub(in crate::portal) text: String,
}

/// One field with its value in words.
pub(in crate::portal) struct Fact {
    /// The field's name in forms.
    pub(in crate::portal) name: &'static str,
    pub(in crate::portal) label: String,
    pub(in crate::portal) value: String,
}

/// Something that the reader should know before anything else.
pub(super) struct Notice {
    /// `warning`, `failure` or `info`.
    pub(super) kind: &'static str,
    pub(super) title: String,
    pub(super) words: String,
    /// What the server said.
    pub(super) reply: Option<String>,
    pub(super) since: Option<Moment>,
    pub(super) action: Option<Action>,
}

/// A button that does one thing.
pub(super) struct Action {
    pub(super) path: String,
    pub(super) name: String,
    /// How the button looks.
    pub(super) class: &'static str,
}

/// One field that a newer version has otherwise than an older one.
pub(in crate::portal) struct Difference {
    /// The field's name in forms.
    pub(in crate::portal) name: &'static str,
    pub(in crate::portal) label: String,
    pub(in crate::portal) old: String,
    pub(in crate::portal) new: String,
}

/// A candidate beside a live version.
pub(super) struct Candidate {
    pub(super) words: String,
    pub(super) differences: Vec<Difference>,
    /// The version's number, for those who may discard it.
    pub(super) discard: Option<u32>,
}

/// The guide at the right of the page.
pub(super) struct GuideBox {
    pub(super) title: String,
    pub(super) page: String,
    pub(super) pdf: String,
}

/// What a sender's state looks like.
pub(in crate::portal) fn chip(t: Texts, state: SenderState) -> Chip {
    let kind = match state {
        SenderState::Suspended | SenderState::NeedsPassword | SenderState::Failing => "bad",
        SenderState::Paused => "warn",
        SenderState::Live => "good",
        SenderState::Untested => "",
    };
    Chip { kind, text: t.say(&format!("state-{}", state.as_str())) }
}

/// The values of a version, field by field, in the order in which people know them.
pub(in crate::portal) fn facts(t: Texts, version: &SettingsVersion) -> Vec<Fact> {
    let typed = Typed::of_settings(&version.settings);
    let fact = |&name: &&'static str| Fact {
        name,
        label: label(t, name),
        value: match name {
            "password" => password_in_words(t, version.secret_state),
            name => value_in_words(t, name, typed.value(name)),
        },
    };
    let is_shown = |name: &&&'static str| **name != "reply_to" || !typed.reply_to.is_empty();
    FIELDS.iter().filter(is_shown).map(fact).collect()
}

/// A field's name as the page writes it.
pub(in crate::portal) fn label(t: Texts, name: &str) -> String {
    t.say(&format!("field-{name}"))
}

/// A field's value as the page writes it.
pub(in crate::portal) fn value_in_words(t: Texts, name: &str, value: &str) -> String {
    match (name, value) {
        ("username" | "reply_to", "") => t.say("settings-none"),
        ("encryption", value) => {
            t.find_text(&format!("encryption-{value}")).unwrap_or_else(|| value.to_owned())
        }
        (_, value) => value.to_owned(),
    }
}

fn password_in_words(t: Texts, state: SecretState) -> String {
    t.say(match state {
        SecretState::Readable => "password-stored",
        SecretState::Missing | SecretState::Unreadable => "password-gone",
        SecretState::NotNeeded => "password-not-needed",
    })
}

/// What two versions have otherwise; of passwords only that they differ.
pub(in crate::portal) fn differences(
    t: Texts,
    old: &SettingsVersion,
    new: &SettingsVersion,
) -> Vec<Difference> {
    let (was, is) = (Typed::of_settings(&old.settings), Typed::of_settings(&new.settings));
    let differs = |name: &&&'static str| match **name {
        "password" => old.secret != new.secret,
        name => was.value(name) != is.value(name),
    };
    let difference = |&name: &&'static str| {
        let (old, new) = match name {
            "password" => (t.say("password-before"), t.say("password-changed")),
            name => {
                (value_in_words(t, name, was.value(name)), value_in_words(t, name, is.value(name)))
            }
        };
        Difference { name, label: label(t, name), old, new }
    };
    FIELDS.iter().filter(differs).map(difference).collect()
}

/// The candidate beside the live version, if there are both.
pub(super) fn candidate(t: Texts, sender: &SenderRecord, may_steer: bool) -> Option<Candidate> {
    let (live, candidate) = (sender.live.as_ref()?, sender.candidate.as_ref()?);
    let (number, live_number) = (candidate.number.to_string(), live.number.to_string());
    let who = actor::in_words(t, &candidate.created_by);
    let values =
        [("version", number.as_str()), ("live", live_number.as_str()), ("who", who.as_str())];
    Some(Candidate {
        words: t.with("settings-candidate-words", values),
        differences: differences(t, live, candidate),
        discard: may_steer.then_some(candidate.number.0),
    })
}

/// What the reader should know first about a sender in this state.
pub(super) fn notice(
    t: Texts,
    place: &Place,
    sender: &SenderRecord,
    (may_test, may_steer): (bool, bool),
) -> Option<Notice> {
    let plain = |kind, key: &str| Notice {
        kind,
        title: t.say(&format!("notice-{key}-title")),
        words: t.say(&format!("notice-{key}-words")),
        reply: None,
        since: None,
        action: None,
    };
    let test = || {
        may_test.then(|| Action {
            path: place.sender_path("/test-runs"),
            name: t.say("settings-test-now"),
            class: "test",
        })
    };
    match sender.state() {
        SenderState::Suspended => Some(plain("failure", "suspended")),
        SenderState::NeedsPassword => Some(plain("failure", "needs_password")),
        SenderState::Paused => sender.pause.as_ref().map(|pause| Notice {
            reply: pause.reply.as_ref().map(ToString::to_string),
            since: Some(pause.since.into()),
            action: may_steer.then(|| Action {
                path: place.sender_path("/resume"),
                name: t.say("settings-resume"),
                class: "",
            }),
            ..plain(
                if pause.reason == PauseReason::ByHand { "warning" } else { "failure" },
                pause.reason.as_str(),
            )
        }),
        SenderState::Failing => Some(Notice { action: test(), ..plain("failure", "failing") }),
        SenderState::Untested => Some(Notice { action: test(), ..plain("info", "untested") }),
        SenderState::Live if sender.candidate.is_some() => {
            Some(Notice { action: test(), ..plain("info", "candidate") })
        }
        SenderState::Live => None,
    }
}

/// The guide for whoever enters `typed`.
pub(super) fn guide(place: &Place, typed: &Typed) -> Option<GuideBox> {
    let by_address = || {
        let (_, domain) = typed.sender_email.rsplit_once('@')?;
        provider::of_email_domain(domain)
    };
    let known = typed.provider().or_else(by_address).map(|provider| provider.guide);
    let guide = known.and_then(guides::find).or_else(|| guides::find(USUAL_GUIDE))?;
    Some(GuideBox {
        title: guide.title.clone(),
        page: place.path(&format!("guides/{}", guide.id)),
        pdf: place.path(&format!("guides/{}/pdf", guide.id)),
    })
}
