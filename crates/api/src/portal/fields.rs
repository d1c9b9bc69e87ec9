//! The fields of the SMTP Settings page as a version has them, in words and without the password.

use letterhead_domain::{
    sender::{SecretState, SettingsVersion},
    smtp_settings::SmtpSettings,
};

use super::texts::Texts;

/// One field of a version.
pub(super) struct Shown {
    /// The field's name in forms.
    pub(super) name: &'static str,
    /// The field's name on the page.
    pub(super) label: String,
    /// What it holds; of the password only whether there is one.
    pub(super) value: String,
}

/// Every field of `version`, in the order of the page.
pub(super) fn shown(t: Texts, version: &SettingsVersion) -> Vec<Shown> {
    let SmtpSettings { host, port, encryption, auth, sender_name, sender_email, reply_to } =
        &version.settings;
    let none = || t.say("settings-none");
    let password = match version.secret_state {
        SecretState::Readable => "password-stored",
        SecretState::Missing | SecretState::Unreadable => "password-gone",
        SecretState::NotNeeded => "password-not-needed",
    };
    [
        ("driver", SmtpSettings::DRIVER.to_owned()),
        ("host", host.to_string()),
        ("port", port.to_string()),
        ("encryption", t.say(&format!("encryption-{}", encryption.as_str()))),
        ("username", auth.username().map_or_else(none, ToString::to_string)),
        ("password", t.say(password)),
        ("sender_name", sender_name.to_string()),
        ("sender_email", sender_email.to_string()),
        ("reply_to", reply_to.as_ref().map_or_else(none, ToString::to_string)),
    ]
    .into_iter()
    .map(|(name, value)| Shown { name, label: t.say(&format!("field-{name}")), value })
    .collect()
}
