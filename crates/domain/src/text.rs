//! Short texts that people choose: names, references, subjects.

use std::{fmt, str::FromStr};

use crate::field_errors::Invalid;

/// Whether `c` may not stand in a single line that others will read.
///
/// Control characters break headers and logs; line and paragraph separators break lines; the
/// bidirectional overrides make a name read as another (Unicode TR 36, section 2.10).
pub fn is_unsafe_in_line(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        || matches!(c, '\u{feff}' | '\u{200e}' | '\u{200f}')
}

fn line(text: &str, max_chars: usize) -> Result<String, Invalid> {
    let text = text.trim();
    if text.is_empty() {
        Err(Invalid::required())
    } else if text.chars().count() > max_chars {
        Err(Invalid::too_long(max_chars, "characters"))
    } else if text.chars().any(is_unsafe_in_line) {
        Err(Invalid::new(
            "control_character",
            "leave out line breaks, control characters and text-direction marks",
        ))
    } else {
        Ok(text.to_owned())
    }
}

macro_rules! lines {
    ($($(#[$doc:meta])* $name:ident ($max:literal);)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        pub struct $name(String);

        impl $name {
            /// Longest text, in characters.
            pub const MAX_CHARS: usize = $max;

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = Invalid;

            fn from_str(text: &str) -> Result<Self, Invalid> {
                line(text, Self::MAX_CHARS).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )+};
}

lines! {
    /// The name in a sender's `From` header: one line of at most 120 characters.
    SenderName(120);
    /// A tenant's name: one line of at most 200 characters.
    TenantName(200);
    /// The name of somebody who uses the portal: one line of at most 100 characters.
    PersonName(100);
    /// What an API key is called: one line of at most 100 characters.
    KeyName(100);
    /// The caller's own reference for a message, such as an invoice number: one line of at most
    /// 200 characters.
    Reference(200);
    /// A recipient's display name: one line of at most 200 characters.
    DisplayName(200);
    /// An attachment's file name: one line of at most 200 characters, without `/` or `\`
    /// once parsed by [`crate::message`].
    FileName(200);
}

/// What a person signs in to an SMTP server with: one line of at most 320 bytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Username(String);

impl Username {
    /// Longest user name, in bytes: 64 for a local part, `@`, 255 for a domain.
    pub const MAX_LEN: usize = 320;

    /// The user name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Username {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let text = line(text, Self::MAX_LEN)?;
        if text.len() > Self::MAX_LEN {
            return Err(Invalid::too_long(Self::MAX_LEN, "bytes"));
        }
        Ok(Self(text))
    }
}

impl fmt::Display for Username {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A message's subject: one line of at most 998 bytes (RFC 5322, section 2.1.1), possibly empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject(String);

impl Subject {
    /// Longest subject, in bytes.
    pub const MAX_LEN: usize = 998;

    /// The subject.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Subject {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        if text.len() > Self::MAX_LEN {
            Err(Invalid::too_long(Self::MAX_LEN, "bytes"))
        } else if text.chars().any(is_unsafe_in_line) {
            Err(Invalid::new(
                "control_character",
                "a subject is one line without control characters or text-direction marks",
            ))
        } else {
            Ok(Self(text.to_owned()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sender_name_is_one_visible_line() {
        let cases = [
            ("Aurora Books", true),
            ("  Älskling & Söhne 株式会社 ", true),
            ("", false),
            ("   ", false),
            ("Acme\r\nBcc: x@y", false),
            ("Acme\u{2028}Bcc: x@y", false),
            ("Acme\u{0}", false),
            ("moc.elpmaxe\u{202e}", false),
        ];
        for (text, accepted) in cases {
            assert_eq!(text.parse::<SenderName>().is_ok(), accepted, "{text:?}");
        }
    }

    #[test]
    fn a_subject_may_be_empty_but_not_two_lines() {
        assert!("".parse::<Subject>().is_ok());
        assert!("é".repeat(499).parse::<Subject>().is_ok());
        assert!("é".repeat(500).parse::<Subject>().is_err());
        assert!("a\nb".parse::<Subject>().is_err());
    }
}
