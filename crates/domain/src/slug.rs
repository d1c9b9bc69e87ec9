//! Names that stand in addresses.

use std::{fmt, str::FromStr};

use uuid::Uuid;

use crate::field_errors::Invalid;

/// A short name for use in URLs: `[a-z0-9][a-z0-9-]{0,62}`.
///
/// `self` is reserved for the tenant of an API key, and UUID-shaped names are refused so that
/// an id and a slug can never be taken for one another.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Slug(String);

impl Slug {
    /// Longest slug, in bytes.
    pub const MAX_LEN: usize = 63;

    /// The slug as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Slug {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let well_formed = (1..=Self::MAX_LEN).contains(&text.len())
            && !text.starts_with('-')
            && text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'));
        if text == "self" || Uuid::try_parse(text).is_ok() {
            Err(Invalid::new("reserved", "this name is reserved; choose another"))
        } else if well_formed {
            Ok(Self(text.to_owned()))
        } else {
            Err(Invalid::new(
                "malformed",
                "use 1 to 63 lower-case letters, digits and hyphens, not beginning with a hyphen",
            ))
        }
    }
}

impl fmt::Display for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slug_is_short_lower_case_and_not_reserved() {
        let cases = [
            ("default", true),
            ("a", true),
            ("0-9", true),
            ("", false),
            ("-a", false),
            ("A", false),
            ("a b", false),
            ("ä", false),
            ("self", false),
            ("0190b5a0-0000-7000-8000-000000000000", false),
            ("0190b5a0000070008000000000000000", false),
        ];
        for (text, accepted) in cases {
            assert_eq!(text.parse::<Slug>().is_ok(), accepted, "{text:?}");
        }
        assert!("a".repeat(63).parse::<Slug>().is_ok());
        assert!("a".repeat(64).parse::<Slug>().is_err());
    }
}
