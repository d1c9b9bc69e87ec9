//! Where a mail server is.

use std::{fmt, net::IpAddr, str::FromStr};

use crate::field_errors::Invalid;

/// Name or address of an SMTP server in canonical form: lower case, IDNA A-labels, no trailing
/// dot; an address in the shortest spelling of its kind.
///
/// Holding one says that the text is well formed, not that the host exists or may be
/// reached. The egress guard decides that, each time a connection is made. Equal hosts are
/// equal values, whatever their spelling was: stored passwords are bound to this form.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SmtpHost(String);

impl SmtpHost {
    /// Longest name that DNS allows, in bytes (RFC 1035, section 2.3.4).
    pub const MAX_LEN: usize = 253;

    /// The host as text; an IPv6 address without brackets.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The address, if the host was given as one.
    pub fn address(&self) -> Option<IpAddr> {
        self.0.parse().ok()
    }
}

impl FromStr for SmtpHost {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let text = text.trim();
        if text.is_empty() {
            return Err(Invalid::required());
        }
        if text.len() > 4 * Self::MAX_LEN {
            return Err(Invalid::too_long(Self::MAX_LEN, "bytes"));
        }
        let bracketed = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        if let Ok(address) = bracketed.unwrap_or(text).parse::<IpAddr>() {
            return Ok(Self(address.to_string()));
        }
        domain_name(text, Self::MAX_LEN).map(Self)
    }
}

impl fmt::Display for SmtpHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The canonical form of a domain name: lower-case A-labels without a trailing dot.
///
/// A name whose last label is a number is refused: `127.1`, `0x7f000001` and `2130706433` are
/// spellings of an address for some resolvers (WHATWG URL, "ends in a number").
pub(crate) fn domain_name(text: &str, max_len: usize) -> Result<String, Invalid> {
    let malformed = || {
        Invalid::new("malformed", "enter a name like smtp.example.com, without https:// or a port")
    };
    let name = text.strip_suffix('.').unwrap_or(text);
    let name = idna::domain_to_ascii_strict(name).map_err(|_| malformed())?;
    if name.len() > max_len {
        return Err(Invalid::too_long(max_len, "bytes"));
    }
    let ends_in_number = name.rsplit('.').next().is_some_and(|last| {
        last.bytes().all(|b| b.is_ascii_digit())
            || last.strip_prefix("0x").is_some_and(|x| x.bytes().all(|b| b.is_ascii_hexdigit()))
    });
    let labels_are_names = name.split('.').all(|label| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'))
    });
    if ends_in_number || !labels_are_names { Err(malformed()) } else { Ok(name) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn equal_hosts_have_one_spelling() {
        let cases = [
            ("smtp.gmail.com", "smtp.gmail.com"),
            (" SMTP.Gmail.COM. ", "smtp.gmail.com"),
            ("bücher.example", "xn--bcher-kva.example"),
            ("XN--BCHER-KVA.example", "xn--bcher-kva.example"),
            ("localhost", "localhost"),
            ("192.0.2.1", "192.0.2.1"),
            ("[2001:DB8:0::1]", "2001:db8::1"),
            ("::FFFF:10.0.0.5", "::ffff:10.0.0.5"),
        ];
        for (text, canonical) in cases {
            assert_eq!(text.parse::<SmtpHost>().map(|h| h.0).as_deref(), Ok(canonical), "{text}");
        }
    }

    #[test]
    fn what_is_no_host_is_refused() {
        let cases = [
            "",
            "  ",
            ".",
            "a..b",
            "-a.example",
            "a-.example",
            "smtp.example.com:587",
            "https://smtp.example.com",
            "a b",
            "a\nb",
            "user@host",
            "127.1",
            "0x7f.1",
            "0x7f000001",
            "2130706433",
            "017700000001",
            "fe80::1%eth0",
            "smtp_1.example",
            "a/b",
            "smtp.example.com..",
            "%31%32%37.0.0.1x",
        ];
        for text in cases {
            assert!(text.parse::<SmtpHost>().is_err(), "{text:?}");
        }
        let long = format!("{}.example", ["a".repeat(60).as_str(); 5].join("."));
        assert!(long.parse::<SmtpHost>().is_err());
    }

    proptest! {
        #[test]
        fn a_host_prints_as_what_it_parses_from(text in "\\PC{0,40}|[a-zA-Z0-9.-]{1,40}") {
            if let Ok(host) = text.parse::<SmtpHost>() {
                prop_assert_eq!(host.as_str().parse::<SmtpHost>(), Ok(host.clone()));
            }
        }
    }
}
