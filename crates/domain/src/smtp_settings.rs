//! How a sender's mail leaves: server, sign-in, identity.

use std::str::FromStr;

use zeroize::Zeroizing;

use crate::{
    email::EmailAddress,
    field_errors::{FieldErrors, Invalid},
    password::{PasswordChange, SmtpPassword},
    smtp_host::SmtpHost,
    smtp_port::SmtpPort,
    text::{SenderName, Username},
};

/// How the connection is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Encryption {
    /// TLS begun inside the conversation (RFC 3207), usually on port 587.
    Starttls,
    /// TLS from the first byte (RFC 8314), usually on port 465.
    ImplicitTls,
    /// Clear text: only for a `host:port` on the operator's allow-list.
    None,
}

impl Encryption {
    /// The canonical word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Starttls => "starttls",
            Self::ImplicitTls => "implicit_tls",
            Self::None => "none",
        }
    }

    /// Whether the server must prove its name before it gets anything.
    pub const fn is_verified_tls(self) -> bool {
        match self {
            Self::Starttls | Self::ImplicitTls => true,
            Self::None => false,
        }
    }
}

impl FromStr for Encryption {
    type Err = Invalid;

    /// Takes the canonical words and the aliases `tls` (STARTTLS) and `ssl` (implicit TLS).
    fn from_str(text: &str) -> Result<Self, Invalid> {
        match text {
            "starttls" | "tls" => Ok(Self::Starttls),
            "implicit_tls" | "ssl" => Ok(Self::ImplicitTls),
            "none" => Ok(Self::None),
            _ => Err(Invalid::new(
                "unknown_value",
                "use starttls (usually port 587), implicit_tls (usually port 465) or none",
            )),
        }
    }
}

/// How Letterhead signs in to the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Auth {
    /// Not at all.
    None,
    /// With a user name and the sealed password of the version.
    Password {
        /// The user name.
        username: Username,
    },
}

impl Auth {
    /// The word in the API and in the database.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Password { .. } => "password",
        }
    }

    /// The user name, if one is used.
    pub const fn username(&self) -> Option<&Username> {
        match self {
            Self::None => None,
            Self::Password { username } => Some(username),
        }
    }
}

/// Everything about a sender but its password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SmtpSettings {
    /// The server.
    pub host: SmtpHost,
    /// Its port.
    pub port: SmtpPort,
    /// How the connection is protected.
    pub encryption: Encryption,
    /// How to sign in.
    pub auth: Auth,
    /// The name in the From header.
    pub sender_name: SenderName,
    /// The address in the From header and in `MAIL FROM`.
    pub sender_email: EmailAddress,
    /// Where answers go, if not to the sender's address.
    pub reply_to: Option<EmailAddress>,
}

/// Where a password may go: what its sealed form is bound to.
///
/// Port and the choice between STARTTLS and implicit TLS are left out on purpose: the
/// certificate is checked for the same host name either way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Destination<'a> {
    /// The server's canonical name.
    pub host: &'a SmtpHost,
    /// Who signs in.
    pub username: &'a Username,
    /// The kind of sign-in: `password`.
    pub mechanism: &'static str,
    /// Whether the channel is verified TLS.
    pub verified_tls: bool,
}

impl SmtpSettings {
    /// The protocol that carries the mail, as the API and the page name it.
    pub const DRIVER: &'static str = "smtp";

    /// Where the password may go, if a password is used.
    pub fn destination(&self) -> Option<Destination<'_>> {
        self.auth.username().map(|username| Destination {
            host: &self.host,
            username,
            mechanism: self.auth.as_str(),
            verified_tls: self.encryption.is_verified_tls(),
        })
    }

    /// Whether `other` reaches the same server in the same way as the same user: all that a
    /// proof rests on, except the password and the From address.
    pub fn differs_in_words_only(&self, other: &Self) -> bool {
        let Self { host, port, encryption, auth, sender_name: _, sender_email, reply_to: _ } = self;
        *host == other.host
            && *port == other.port
            && *encryption == other.encryption
            && *auth == other.auth
            && *sender_email == other.sender_email
    }
}

/// A password field as it came: absent, `null`, or text.
pub enum PasswordInput {
    /// The field was left out.
    Absent,
    /// The field was `null`.
    Null,
    /// Text was given.
    Text(Zeroizing<String>),
}

/// The fields of the SMTP Settings page as a person or a program typed them.
pub struct SettingsInput {
    /// `smtp`, or left out.
    pub driver: Option<String>,
    /// The server.
    pub host: String,
    /// Its port.
    pub port: i64,
    /// One of the words of [`Encryption`].
    pub encryption: String,
    /// `password` or `none`; left out, it is `password`.
    pub auth: Option<String>,
    /// Who signs in.
    pub username: Option<String>,
    /// The password's field.
    pub password: PasswordInput,
    /// The name in the From header.
    pub sender_name: String,
    /// The address in the From header.
    pub sender_email: String,
    /// Where answers go.
    pub reply_to: Option<String>,
}

/// Settings that are well formed and not yet saved.
pub struct SettingsDraft {
    /// Everything but the password.
    pub settings: SmtpSettings,
    /// What becomes of the stored password.
    pub password: PasswordChange,
}

impl TryFrom<SettingsInput> for SettingsDraft {
    type Error = FieldErrors;

    /// Parses every field and reports every one that is refused.
    fn try_from(input: SettingsInput) -> Result<Self, FieldErrors> {
        let mut errors = FieldErrors::default();
        if input.driver.as_deref().is_some_and(|driver| driver != SmtpSettings::DRIVER) {
            errors.push("/driver", Invalid::new("unknown_value", "the only driver is smtp"));
        }
        let host = errors.note("/host", input.host.parse::<SmtpHost>());
        let port = errors.note("/port", SmtpPort::try_from(input.port));
        let encryption = errors.note("/encryption", input.encryption.parse::<Encryption>());
        let sender_name = errors.note("/sender_name", input.sender_name.parse::<SenderName>());
        let sender_email = errors.note("/sender_email", input.sender_email.parse());
        let reply_to = errors.note("/reply_to", input.reply_to.map(|r| r.parse()).transpose());
        let auth = errors.auth(input.auth.as_deref(), input.username.as_deref());
        let password = errors.password(auth.as_ref(), input.password);

        let draft = (|| {
            let host = host?;
            let password = match password? {
                PasswordChange::Set(password) => PasswordChange::Set(password.for_host(&host)),
                unchanged @ (PasswordChange::Keep | PasswordChange::Remove) => unchanged,
            };
            let settings = SmtpSettings {
                host,
                port: port?,
                encryption: encryption?,
                auth: auth?,
                sender_name: sender_name?,
                sender_email: sender_email?,
                reply_to: reply_to?,
            };
            Some(Self { settings, password })
        })();
        errors.or(draft)
    }
}

impl FieldErrors {
    fn auth(&mut self, kind: Option<&str>, username: Option<&str>) -> Option<Auth> {
        match (kind.unwrap_or("password"), username) {
            ("none", None) => Some(Auth::None),
            ("none", Some(_)) => {
                let message = "leave the user name out, or set auth to password";
                self.push("/username", Invalid::new("not_allowed", message));
                None
            }
            ("password", username) => {
                let username = username.ok_or_else(Invalid::required).and_then(str::parse);
                self.note("/username", username).map(|username| Auth::Password { username })
            }
            _ => {
                self.push("/auth", Invalid::new("unknown_value", "use password or none"));
                None
            }
        }
    }

    fn password(&mut self, auth: Option<&Auth>, input: PasswordInput) -> Option<PasswordChange> {
        match (auth, input) {
            (Some(Auth::None), PasswordInput::Text(_)) => {
                let message = "leave the password out, or set auth to password";
                self.push("/password", Invalid::new("not_allowed", message));
                None
            }
            (Some(Auth::Password { .. }), PasswordInput::Null) => {
                self.push("/password", password_required());
                None
            }
            (Some(Auth::None), PasswordInput::Absent | PasswordInput::Null)
            | (None, PasswordInput::Null) => Some(PasswordChange::Remove),
            (_, PasswordInput::Absent) => Some(PasswordChange::Keep),
            (_, PasswordInput::Text(text)) => {
                self.note("/password", SmtpPassword::parse(text)).map(PasswordChange::Set)
            }
        }
    }
}

/// The refusal of settings that need a password typed anew: the first time, after the
/// destination has changed, or when the stored one is gone.
pub fn password_required() -> Invalid {
    Invalid::new(
        "password_required",
        "type the password: none is stored for this host, user name and encryption",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input() -> SettingsInput {
        SettingsInput {
            driver: Some("smtp".to_owned()),
            host: "smtp.gmail.com".to_owned(),
            port: 587,
            encryption: "tls".to_owned(),
            auth: None,
            username: Some("billing@aurora.example".to_owned()),
            password: PasswordInput::Text(Zeroizing::new("abcd efgh ijkl mnop".to_owned())),
            sender_name: "Aurora Books".to_owned(),
            sender_email: "billing@aurora.example".to_owned(),
            reply_to: None,
        }
    }

    #[test]
    fn aliases_become_the_canonical_words() {
        let cases = [
            ("tls", Encryption::Starttls),
            ("starttls", Encryption::Starttls),
            ("ssl", Encryption::ImplicitTls),
            ("implicit_tls", Encryption::ImplicitTls),
            ("none", Encryption::None),
        ];
        for (word, encryption) in cases {
            assert_eq!(word.parse(), Ok(encryption));
        }
        assert!("TLS1.3".parse::<Encryption>().is_err());
    }

    #[test]
    fn every_refused_field_is_reported_at_once() {
        let broken = SettingsInput {
            driver: Some("sendmail".to_owned()),
            host: "not a host".to_owned(),
            port: 0,
            encryption: "maybe".to_owned(),
            username: None,
            password: PasswordInput::Text(Zeroizing::new("****".to_owned())),
            sender_name: "Acme\r\nBcc: x@y".to_owned(),
            sender_email: "nobody".to_owned(),
            reply_to: Some("x".to_owned()),
            ..input()
        };

        let errors = SettingsDraft::try_from(broken).err().expect("refused");

        let pointers: Vec<_> = errors.iter().map(|error| error.pointer.as_str()).collect();
        assert_eq!(
            pointers,
            [
                "/driver",
                "/host",
                "/port",
                "/encryption",
                "/sender_name",
                "/sender_email",
                "/reply_to",
                "/username",
                "/password",
            ],
        );
    }

    #[test]
    fn an_app_password_for_google_loses_its_spaces() {
        let draft = SettingsDraft::try_from(input()).expect("well formed");

        let PasswordChange::Set(password) = draft.password else { panic!("a password was typed") };
        assert!(password.expose() == "abcdefghijklmnop");
    }

    #[test]
    fn auth_none_takes_neither_user_name_nor_password() {
        let errors =
            SettingsDraft::try_from(SettingsInput { auth: Some("none".to_owned()), ..input() })
                .err()
                .expect("refused");
        assert_eq!(errors.iter().next().map(|e| e.pointer.as_str()), Some("/username"));

        let bare = SettingsInput {
            auth: Some("none".to_owned()),
            username: None,
            password: PasswordInput::Absent,
            ..input()
        };
        let draft = SettingsDraft::try_from(bare).expect("well formed");
        assert_eq!(draft.settings.auth, Auth::None);
        assert!(draft.settings.destination().is_none());
    }
}
