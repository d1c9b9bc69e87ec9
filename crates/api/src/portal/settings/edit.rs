//! The form in edit mode: each field with its value, its hint and what is wrong with it.

use letterhead_domain::{
    field_errors::{FieldError, FieldErrors},
    sender::{SecretState, SettingsVersion},
    smtp_settings::Encryption,
};

use super::{
    discovery::{Search, SearchView},
    picker::{self, Group, Note},
    typed::{FIELDS, Typed},
    view,
};
use crate::portal::{
    actor,
    choice::{Choice, choices},
    form::Form,
    moment::Moment,
    texts::Texts,
    visit::{Place, Visit},
};

/// The form as it is to be shown.
pub(super) struct Edit {
    pub(super) typed: Typed,
    /// What was refused.
    pub(super) errors: FieldErrors,
    /// Whether what is typed is saved nowhere.
    pub(super) is_unsaved: bool,
    /// Whether somebody else saved another version since the form was opened.
    pub(super) is_stale: bool,
    /// The version that the form was opened on; none for the newest.
    pub(super) base: Option<String>,
    /// The search for a server that was made.
    pub(super) search: Search,
    /// Whether saving it is to start a test.
    pub(super) then_test: bool,
}

impl Edit {
    /// The form with what is stored, or empty.
    pub(super) fn of(newest: Option<&SettingsVersion>) -> Self {
        let typed = newest.map_or_else(Typed::empty, |v| Typed::of_settings(&v.settings));
        let errors = FieldErrors::default();
        Self {
            typed,
            errors,
            is_unsaved: false,
            is_stale: false,
            base: None,
            search: Search::default(),
            then_test: false,
        }
    }

    /// The form with what was typed into `form` and is not saved.
    pub(super) fn unsaved(typed: Typed, form: &Form) -> Self {
        let (errors, base) = (FieldErrors::default(), Some(form.text("base").to_owned()));
        Self {
            typed,
            errors,
            is_unsaved: true,
            is_stale: false,
            base,
            search: Search::default(),
            then_test: form.text("then") == "test",
        }
    }
}

/// What the template `settings_form.html` shows.
pub(super) struct FormView {
    /// Whether nothing was saved before.
    pub(super) is_first: bool,
    pub(super) is_unsaved: bool,
    /// The version that the form is based on; empty if there is none.
    pub(super) base: String,
    pub(super) search: SearchView,
    /// Whether saving starts a test.
    pub(super) then_test: bool,
    pub(super) host: Field,
    pub(super) port: Field,
    pub(super) encryption: Field,
    pub(super) username: Field,
    pub(super) password: Field,
    pub(super) sender_name: Field,
    pub(super) sender_email: Field,
    pub(super) reply_to: Field,
    pub(super) encryptions: Vec<Choice>,
    pub(super) groups: Vec<Group>,
    pub(super) notes: Vec<Note>,
    /// The service that the addresses are of, if its server is not entered.
    pub(super) suggestion: Option<&'static str>,
    pub(super) stale: Option<Stale>,
    /// Shown by the script once the destination was changed: why the password is asked for again.
    pub(super) password_moved: Option<String>,
    /// Every refused field, for the list at the top.
    pub(super) refused: Vec<Refused>,
}

/// One field.
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) label: String,
    pub(super) value: String,
    /// What is stored, for the script that compares.
    pub(super) stored: String,
    pub(super) hint: Option<String>,
    pub(super) error: Option<String>,
    /// What somebody else stored meanwhile, where it differs.
    pub(super) stored_now: Option<String>,
}

impl Field {
    /// The elements that describe the field, for readers who do not see it.
    pub(super) fn described_by(&self) -> String {
        let parts = [
            ("error", self.error.is_some()),
            ("stored", self.stored_now.is_some()),
            ("hint", self.hint.is_some()),
        ];
        let ids = parts.iter().filter(|(_, is_there)| *is_there);
        ids.map(|(part, _)| format!("{}-{part}", self.name)).collect::<Vec<_>>().join(" ")
    }

    /// Whether the field is a number.
    pub(super) fn is_number(&self) -> bool {
        self.name == "port"
    }

    /// Whether the field is an address of mail.
    pub(super) fn is_email(&self) -> bool {
        matches!(self.name, "sender_email" | "reply_to")
    }
}

/// Who saved what while the reader was typing.
pub(super) struct Stale {
    pub(super) words: String,
    pub(super) at: Option<Moment>,
}

/// A line of the list of refused fields.
pub(super) struct Refused {
    pub(super) name: &'static str,
    pub(super) label: String,
    pub(super) error: String,
}

impl FormView {
    pub(super) fn of(
        visit: &Visit,
        place: &Place,
        newest: Option<&SettingsVersion>,
        edit: &Edit,
    ) -> Self {
        let t = visit.texts();
        let stored = newest.map(|newest| Typed::of_settings(&newest.settings));
        let field = |name| field(t, name, edit, newest, stored.as_ref());
        let typed = &edit.typed;
        let was_none = newest.is_some_and(|v| v.settings.encryption == Encryption::None);
        let encryptions = [Encryption::Starttls, Encryption::ImplicitTls, Encryption::None];
        let newest_number = || newest.map(|newest| newest.number.to_string());
        let offered = encryptions.into_iter().filter(|e| *e != Encryption::None || was_none);
        let refused = FIELDS.iter().filter_map(|&name| {
            let error = error_of(t, name, &edit.errors, newest)?;
            Some(Refused { name, label: view::label(t, name), error })
        });
        Self {
            is_first: newest.is_none(),
            is_unsaved: edit.is_unsaved,
            base: edit.base.clone().or_else(newest_number).unwrap_or_default(),
            search: SearchView::of(t, &edit.search, typed),
            then_test: edit.then_test,
            host: field("host"),
            port: field("port"),
            encryption: field("encryption"),
            username: field("username"),
            password: field("password"),
            sender_name: field("sender_name"),
            sender_email: field("sender_email"),
            reply_to: field("reply_to"),
            encryptions: choices(offered, &typed.encryption, Encryption::as_str, |encryption| {
                view::value_in_words(t, "encryption", encryption.as_str())
            }),
            groups: picker::groups(t, typed),
            notes: picker::notes(t, typed, &place.path("guides")),
            suggestion: typed.suggestion().map(|(provider, _)| provider.name),
            stale: edit.is_stale.then(|| stale(t, newest)),
            password_moved: is_readable(newest).then(|| t.say("settings-password-moved")),
            refused: refused.collect(),
        }
    }
}

fn is_readable(newest: Option<&SettingsVersion>) -> bool {
    newest.is_some_and(|newest| newest.secret_state == SecretState::Readable)
}

fn field(
    t: Texts,
    name: &'static str,
    edit: &Edit,
    newest: Option<&SettingsVersion>,
    stored: Option<&Typed>,
) -> Field {
    let value = edit.typed.value(name);
    let stored = stored.map_or("", |stored| stored.value(name));
    let differs = edit.is_stale && newest.is_some() && stored != value;
    let error = error_of(t, name, &edit.errors, newest);
    let hint = match name {
        // The error says the same and more.
        "password" if error.is_some() => None,
        "password" => Some(t.say(match newest.map(|newest| newest.secret_state) {
            Some(SecretState::Readable) => "settings-password-keep",
            Some(SecretState::Missing | SecretState::Unreadable) => "settings-password-gone",
            Some(SecretState::NotNeeded) => "settings-password-not-needed",
            None => "settings-password-first",
        })),
        name => t.find_text(&format!("field-{name}-hint")),
    };
    Field {
        name,
        label: view::label(t, name),
        value: value.to_owned(),
        stored: stored.to_owned(),
        hint,
        error,
        stored_now: differs.then(|| view::value_in_words(t, name, stored)),
    }
}

/// Why a field was refused, in words of this page.
fn error_of(
    t: Texts,
    name: &str,
    errors: &FieldErrors,
    newest: Option<&SettingsVersion>,
) -> Option<String> {
    let is_here = |error: &&FieldError| error.pointer.strip_prefix('/') == Some(name);
    let error = errors.iter().find(is_here)?;
    if error.code == "password_required" {
        let key = match newest.map(|newest| newest.secret_state) {
            Some(SecretState::Readable) => "settings-password-moved",
            Some(SecretState::Missing | SecretState::Unreadable) => "settings-password-gone",
            Some(SecretState::NotNeeded) | None => "refused-password-required",
        };
        return Some(t.say(key));
    }
    let words = [format!("refused-{name}-{}", error.code), format!("refused-{}", error.code)];
    let known = words.iter().find_map(|key| t.find_text(key));
    Some(known.unwrap_or_else(|| error.message.to_string()))
}

fn stale(t: Texts, newest: Option<&SettingsVersion>) -> Stale {
    match newest {
        Some(newest) => {
            let (number, who) = (newest.number.to_string(), actor::in_words(t, &newest.created_by));
            let values = [("version", number.as_str()), ("who", who.as_str())];
            Stale {
                words: t.with("settings-stale-words", values),
                at: Some(newest.created_at.into()),
            }
        }
        None => Stale { words: t.say("settings-stale-gone"), at: None },
    }
}
