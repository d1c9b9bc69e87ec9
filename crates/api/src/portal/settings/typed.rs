//! The form's fields as text: as they were typed, and as they are stored.

use letterhead_domain::{
    discovery::Candidate,
    email::EmailAddress,
    provider::{self, Preset, Provider},
    sender::SettingsVersion,
    smtp_settings::{Auth, Encryption, PasswordInput, SettingsInput, SmtpSettings},
};
use zeroize::Zeroizing;

use crate::portal::form::Form;

/// The names of the fields, in the order in which people know them, with what is optional at the
/// end. The password is among them by name only: what was typed there is kept nowhere.
pub(super) const FIELDS: [&str; 9] = [
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

/// Every field but the password, as text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Typed {
    pub(super) driver: String,
    pub(super) host: String,
    pub(super) port: String,
    pub(super) encryption: String,
    pub(super) username: String,
    pub(super) sender_name: String,
    pub(super) sender_email: String,
    pub(super) reply_to: String,
}

impl Typed {
    /// The form of somebody who begins.
    pub(super) fn empty() -> Self {
        Self {
            driver: SmtpSettings::DRIVER.to_owned(),
            port: "587".to_owned(),
            encryption: Encryption::Starttls.as_str().to_owned(),
            ..Self::default()
        }
    }

    /// What was typed.
    pub(super) fn of_form(form: &Form) -> Self {
        let text = |name| form.text(name).to_owned();
        Self {
            driver: text("driver"),
            host: text("host"),
            port: text("port").trim().to_owned(),
            encryption: text("encryption"),
            username: text("username"),
            sender_name: text("sender_name"),
            sender_email: text("sender_email"),
            reply_to: text("reply_to"),
        }
    }

    /// What is stored.
    pub(super) fn of_settings(settings: &SmtpSettings) -> Self {
        let SmtpSettings { host, port, encryption, auth, sender_name, sender_email, reply_to } =
            settings;
        Self {
            driver: SmtpSettings::DRIVER.to_owned(),
            host: host.to_string(),
            port: port.to_string(),
            encryption: encryption.as_str().to_owned(),
            username: auth.username().map(ToString::to_string).unwrap_or_default(),
            sender_name: sender_name.to_string(),
            sender_email: sender_email.to_string(),
            reply_to: reply_to.as_ref().map(ToString::to_string).unwrap_or_default(),
        }
    }

    /// One field by its name; nothing for the password.
    pub(super) fn value(&self, name: &str) -> &str {
        match name {
            "driver" => &self.driver,
            "host" => &self.host,
            "port" => &self.port,
            "encryption" => &self.encryption,
            "username" => &self.username,
            "sender_name" => &self.sender_name,
            "sender_email" => &self.sender_email,
            "reply_to" => &self.reply_to,
            _ => "",
        }
    }

    /// The same with a service's server filled in.
    pub(super) fn filled(mut self, provider: &Provider, preset: &Preset) -> Self {
        let way = provider.first_way();
        preset.host.clone_into(&mut self.host);
        self.port = way.port.to_string();
        way.encryption.as_str().clone_into(&mut self.encryption);
        if let Some(name) = provider.fixed_username {
            name.clone_into(&mut self.username);
        }
        self
    }

    /// The same with a server filled in that was found for `email`. What only the service can tell
    /// stays as it was.
    pub(super) fn found(mut self, candidate: &Candidate, email: &EmailAddress) -> Self {
        SmtpSettings::DRIVER.clone_into(&mut self.driver);
        self.host = candidate.host.to_string();
        self.port = candidate.port.to_string();
        candidate.encryption.as_str().clone_into(&mut self.encryption);
        if let Some(username) = &candidate.username {
            self.username = username.to_string();
        }
        if self.sender_email.trim().is_empty() {
            self.sender_email = email.to_string();
        }
        self
    }

    /// The same with one of the found servers: `text` is what its button sends, host, port,
    /// encryption and perhaps a user name. It is no more than typed.
    pub(super) fn taken(mut self, text: &str) -> Self {
        let mut parts = text.splitn(4, ' ').map(str::to_owned);
        let mut next = || parts.next().unwrap_or_default();
        SmtpSettings::DRIVER.clone_into(&mut self.driver);
        (self.host, self.port, self.encryption) = (next(), next(), next());
        let username = next();
        if !username.is_empty() {
            self.username = username;
        }
        self
    }

    /// The service whose server is entered.
    pub(super) fn provider(&self) -> Option<&'static Provider> {
        self.host.parse().ok().as_ref().and_then(provider::of_host)
    }

    /// The service that the addresses are of, and its server for them, unless a service's server is
    /// entered already.
    pub(super) fn suggestion(&self) -> Option<(&'static Provider, &'static Preset)> {
        let by_address = [&self.sender_email, &self.username].into_iter().find_map(|address| {
            let (_, domain) = address.rsplit_once('@')?;
            let provider = provider::of_email_domain(domain)?;
            Some((provider, provider.preset_of_email_domain(domain)))
        })?;
        let is_known_already = self.provider().is_some();
        (!is_known_already).then_some(by_address)
    }

    /// What is to be saved over `newest`. An empty password field keeps the stored one.
    pub(super) fn input(
        &self,
        password: Zeroizing<String>,
        newest: Option<&SettingsVersion>,
    ) -> SettingsInput {
        // A sender without sign-in was made by a program; here it stays one until a user name is
        // entered. Nobody gets there by forgetting a field.
        let without = newest.is_some_and(|newest| newest.settings.auth == Auth::None)
            && self.username.trim().is_empty();
        let auth = if without { "none" } else { "password" };
        SettingsInput {
            driver: Some(self.driver.clone()),
            host: self.host.clone(),
            // No port is below 0: what is no number is refused as one out of range.
            port: self.port.parse().unwrap_or(-1),
            encryption: self.encryption.clone(),
            auth: Some(auth.to_owned()),
            username: (!without).then(|| self.username.clone()),
            password: if password.is_empty() {
                PasswordInput::Absent
            } else {
                PasswordInput::Text(password)
            },
            sender_name: self.sender_name.clone(),
            sender_email: self.sender_email.clone(),
            reply_to: Some(self.reply_to.clone()).filter(|text| !text.trim().is_empty()),
        }
    }
}
