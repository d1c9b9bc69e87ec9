//! SMTP passwords, which nothing may print.

use zeroize::Zeroizing;

use crate::{field_errors::Invalid, smtp_host::SmtpHost};

/// A password for an SMTP server, wiped from memory when dropped.
///
/// It has neither `Debug` nor `Display`, `Clone` or serialisation: it leaves through
/// [`SmtpPassword::expose`] alone, which is to be called where the bytes are sealed or sent.
pub struct SmtpPassword(Zeroizing<String>);

impl SmtpPassword {
    /// Longest password, in bytes. Providers' keys stay well below it.
    pub const MAX_LEN: usize = 1024;

    /// Takes `text` as a password.
    ///
    /// # Errors
    ///
    /// Refused are the empty text, more than 1,024 bytes, control characters (a NUL ends a
    /// field of AUTH PLAIN, RFC 4616), and masks such as `****` that a form gave back.
    pub fn parse(text: Zeroizing<String>) -> Result<Self, Invalid> {
        if text.is_empty() {
            Err(Invalid::new("required", "type the password, or leave the field out to keep it"))
        } else if text.len() > Self::MAX_LEN {
            Err(Invalid::too_long(Self::MAX_LEN, "bytes"))
        } else if text.chars().any(char::is_control) {
            Err(Invalid::new("control_character", "a password has no line breaks or controls"))
        } else if text.chars().all(|c| matches!(c, '*' | '•' | '●' | '∙' | '·' | '⬤' | '⚫'))
        {
            Err(Invalid::new(
                "masked",
                "this is a mask, not a password; leave the field out to keep the stored one",
            ))
        } else {
            Ok(Self(text))
        }
    }

    /// The same password as `host` wants it.
    ///
    /// Google shows App Passwords as four groups of four letters, and people paste the spaces
    /// with them; only that pattern, and only for Google's hosts, loses its spaces.
    #[must_use]
    pub fn for_host(self, host: &SmtpHost) -> Self {
        let google = matches!(
            host.as_str(),
            "smtp.gmail.com" | "smtp.googlemail.com" | "smtp-relay.gmail.com"
        );
        let groups = self.0.trim().split([' ', '\u{a0}']);
        let is_app_password = groups.clone().count() == 4
            && groups
                .clone()
                .all(|group| group.len() == 4 && group.bytes().all(|b| b.is_ascii_lowercase()));
        if google && is_app_password {
            let mut joined = Zeroizing::new(String::with_capacity(16));
            groups.for_each(|group| joined.push_str(group));
            Self(joined)
        } else {
            self
        }
    }

    /// The password itself, for sealing it or sending it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// What a save does with the stored password.
pub enum PasswordChange {
    /// The field was absent: the newest version's password is carried on.
    Keep,
    /// The field was `null`: the new version has none.
    Remove,
    /// A new password was typed.
    Set(SmtpPassword),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<SmtpPassword, Invalid> {
        SmtpPassword::parse(Zeroizing::new(text.to_owned()))
    }

    #[test]
    fn masks_and_controls_are_no_passwords() {
        let cases = [
            ("hunter2", true),
            ("p*ss", true),
            (" spaces stay ", true),
            ("", false),
            ("****", false),
            ("••••••••", false),
            ("●", false),
            ("a\0b", false),
            ("a\r\n", false),
        ];
        for (text, accepted) in cases {
            assert_eq!(parse(text).is_ok(), accepted, "{text:?}");
        }
        assert!(parse(&"x".repeat(1025)).is_err());
    }

    #[test]
    fn only_googles_hosts_lose_the_spaces_of_an_app_password() {
        let cases = [
            ("smtp.gmail.com", "abcd efgh ijkl mnop", "abcdefghijklmnop"),
            ("smtp.gmail.com", "abcd\u{a0}efgh\u{a0}ijkl\u{a0}mnop", "abcdefghijklmnop"),
            ("smtp.gmail.com", "abcd efgh ijkl", "abcd efgh ijkl"),
            ("smtp.gmail.com", "ABCD efgh ijkl mnop", "ABCD efgh ijkl mnop"),
            ("smtp.example.com", "abcd efgh ijkl mnop", "abcd efgh ijkl mnop"),
        ];
        for (host, typed, kept) in cases {
            let host = host.parse().expect("a host");
            let password = parse(typed).expect("a password").for_host(&host);
            assert!(password.expose() == kept, "{typed}");
        }
    }
}
