//! The operator's client businesses.

use std::{fmt, str::FromStr};

use crate::{
    field_errors::Invalid, provider::Provider, sender::SenderState, text::is_unsafe_in_line,
    words::words,
};

words! {
    /// Whether a tenant may use Letterhead.
    TenantStatus {
        /// Everything works.
        Active = "active",
        /// Settings can be read; new messages are refused and waiting ones stay.
        Suspended = "suspended",
    }
}

/// What the operator looks for among its tenants: those to which everything that is given applies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TenantFilter {
    /// In the slug or the name, or in a sender's host or address.
    pub text: Option<SearchText>,
    /// What one of the senders is doing.
    pub state: Option<StateFilter>,
    /// The mail service of one of the senders.
    pub provider: Option<&'static Provider>,
}

impl TenantFilter {
    /// Whether every tenant is meant.
    pub const fn is_empty(&self) -> bool {
        self.text.is_none() && self.state.is_none() && self.provider.is_none()
    }
}

/// A state by which tenants are looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum StateFilter {
    /// The tenant has no sender yet.
    NoSettings,
    /// One of its senders is in this state.
    Is(SenderState),
}

impl StateFilter {
    /// Every state, those first that want somebody's attention.
    pub const ALL: [Self; 7] = [
        Self::Is(SenderState::NeedsPassword),
        Self::Is(SenderState::Paused),
        Self::Is(SenderState::Failing),
        Self::Is(SenderState::Untested),
        Self::NoSettings,
        Self::Is(SenderState::Live),
        Self::Is(SenderState::Suspended),
    ];

    /// The word in addresses and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoSettings => "no_settings",
            Self::Is(state) => state.as_str(),
        }
    }
}

impl FromStr for StateFilter {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        if text == Self::NoSettings.as_str() {
            return Ok(Self::NoSettings);
        }
        text.parse().map(Self::Is)
    }
}

/// A text to look for in any case: one line of at most 200 characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchText(String);

impl SearchText {
    /// Longest text, in characters.
    pub const MAX_CHARS: usize = 200;

    /// The text, without space around it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for SearchText {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let text = text.trim();
        if text.is_empty() {
            Err(Invalid::required())
        } else if text.chars().count() > Self::MAX_CHARS {
            Err(Invalid::too_long(Self::MAX_CHARS, "characters"))
        } else if text.chars().any(is_unsafe_in_line) {
            Err(Invalid::new("control_character", "leave out control characters"))
        } else {
            Ok(Self(text.to_owned()))
        }
    }
}

impl fmt::Display for SearchText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_can_be_looked_for_by_its_word() {
        assert_eq!(StateFilter::ALL.len(), SenderState::ALL.len() + 1);
        for state in StateFilter::ALL {
            assert_eq!(state.as_str().parse(), Ok(state));
        }
        assert!("all".parse::<StateFilter>().is_err());
    }

    #[test]
    fn a_search_is_one_line_without_space_around_it() {
        assert_eq!(
            "  Ärger & Söhne ".parse::<SearchText>().map(|t| t.0),
            Ok("Ärger & Söhne".into())
        );
        for refused in ["", "  ", "a\nb", &"x".repeat(201)] {
            assert!(refused.parse::<SearchText>().is_err(), "{refused:?}");
        }
    }
}
