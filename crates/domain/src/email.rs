//! E-mail addresses, strictly.

use std::{fmt, str::FromStr};

use crate::{field_errors::Invalid, smtp_host::domain_name};

/// An e-mail address: a dot-atom local part (RFC 5321 `Dot-string`, with RFC 6531 letters) and a
/// domain of at least two labels, in lower case and IDNA A-labels.
///
/// Quoted local parts, comments, display names, address literals, source routes and control
/// characters are refused: they carry no mail that anybody sends and much that hides an attack.
/// The local part keeps its case.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EmailAddress {
    text: String,
    at: usize,
}

impl EmailAddress {
    /// Longest address, in bytes (RFC 5321, section 4.5.3.1.3, less the angle brackets).
    pub const MAX_LEN: usize = 254;
    /// Longest local part, in bytes (RFC 5321, section 4.5.3.1.1).
    pub const MAX_LOCAL_LEN: usize = 64;

    /// The whole address.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What stands before the `@`.
    pub fn local_part(&self) -> &str {
        &self.text[..self.at]
    }

    /// What stands behind the `@`: lower-case A-labels.
    pub fn domain(&self) -> &str {
        &self.text[self.at + 1..]
    }

    /// Whether only a server that offers SMTPUTF8 (RFC 6531) can take the address.
    pub fn needs_smtputf8(&self) -> bool {
        !self.text.is_ascii()
    }
}

impl FromStr for EmailAddress {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let text = text.trim_matches(' ');
        if text.is_empty() {
            return Err(Invalid::required());
        }
        let malformed =
            || Invalid::new("malformed", "enter one plain address such as billing@example.com");
        if text.len() > 4 * Self::MAX_LEN {
            return Err(Invalid::too_long(Self::MAX_LEN, "bytes"));
        }
        let (local, domain) = text.rsplit_once('@').ok_or_else(malformed)?;
        if local.len() > Self::MAX_LOCAL_LEN {
            return Err(Invalid::new("too_long", "use at most 64 bytes before the @"));
        }
        let is_dot_string =
            local.split('.').all(|atom| !atom.is_empty() && atom.chars().all(is_atom_char));
        if !is_dot_string || domain.ends_with('.') {
            return Err(malformed());
        }
        let domain = domain_name(domain, 253).map_err(|_| malformed())?;
        if !domain.contains('.') {
            return Err(malformed());
        }
        let text = format!("{local}@{domain}");
        if text.len() > Self::MAX_LEN {
            return Err(Invalid::too_long(Self::MAX_LEN, "bytes"));
        }
        Ok(Self { at: local.len(), text })
    }
}

impl fmt::Display for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// RFC 5322 `atext`, and outside ASCII the letters, marks' bases and digits that RFC 6531 opens.
fn is_atom_char(c: char) -> bool {
    if c.is_ascii() {
        c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c)
    } else {
        c.is_alphanumeric()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn plain_addresses_are_taken_and_their_domain_made_canonical() {
        let cases = [
            ("ann@example.net", "ann@example.net"),
            ("Ann.Lee+tag@EXAMPLE.net", "Ann.Lee+tag@example.net"),
            ("o'hara@sub.example.net", "o'hara@sub.example.net"),
            ("用户@例子.测试", "用户@xn--fsqu00a.xn--0zwm56d"),
            ("ann@bücher.example", "ann@xn--bcher-kva.example"),
        ];
        for (text, canonical) in cases {
            let email = text.parse::<EmailAddress>();
            assert_eq!(email.as_ref().map(EmailAddress::as_str), Ok(canonical), "{text}");
        }
    }

    #[test]
    fn anything_but_a_plain_address_is_refused() {
        let cases = [
            "",
            "ann",
            "@example.net",
            "ann@",
            "ann@localhost",
            "ann@@example.net",
            "\"ann lee\"@example.net",
            "ann(comment)@example.net",
            "ann@[192.0.2.1]",
            "ann@192.0.2.1",
            "Ann <ann@example.net>",
            "ann@example.net\n",
            "ann\n@example.net",
            "ann@example.net\r\nRCPT TO:<eve@example.org>",
            ".ann@example.net",
            "ann.@example.net",
            "a..b@example.net",
            "ann@example..net",
            "ann@-example.net",
            "ann@example.net.",
            "ann@exam ple.net",
            "ann\u{0}@example.net",
            "ann@example.net,eve@example.org",
            "@relay.example:ann@example.net",
            "ann\u{202e}@example.net",
            "ann>@example.net",
        ];
        for text in cases {
            assert!(text.parse::<EmailAddress>().is_err(), "{text:?}");
        }
        assert!(format!("{}@example.net", "a".repeat(65)).parse::<EmailAddress>().is_err());
    }

    proptest! {
        #[test]
        fn an_address_prints_as_what_it_parses_from_and_never_breaks_a_line(
            text in "\\PC{0,20}@\\PC{0,20}|[a-z.+]{1,20}@[a-z.-]{1,20}"
        ) {
            if let Ok(email) = text.parse::<EmailAddress>() {
                prop_assert_eq!(email.as_str().parse::<EmailAddress>(), Ok(email.clone()));
                prop_assert!(!email.as_str().contains(['\r', '\n', '<', '>', ' ', '\0', ',']));
            }
        }
    }
}
