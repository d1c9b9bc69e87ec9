//! Proof of arrival: the code in a test mail that comes back from whoever reads the mail.
//!
//! A server that accepts a mail says nothing of what becomes of it. The code does: only the mail
//! carries it.

use std::{fmt, str::FromStr};

use chrono::{DateTime, TimeDelta, Utc};

use crate::{
    field_errors::Invalid,
    test_run::{TestMode, TestStatus},
    words::words,
};

/// How long a code is taken, counted from the beginning of its run.
pub const VALID_FOR: TimeDelta = TimeDelta::hours(24);
/// How many wrong codes a run takes before it takes no more: one guess in 200,000 gets through.
pub const MAX_WRONG_TRIES: u8 = 5;

/// The six digits of a test mail. They have no `Debug` or `Display`, so that they get into no log:
/// they leave by [`ArrivalCode::as_str`] for the database, and in two groups for the mail.
#[derive(Clone, PartialEq, Eq)]
pub struct ArrivalCode(String);

impl ArrivalCode {
    /// How many codes there are.
    pub const COUNT: u32 = 1_000_000;

    /// The code with this number; of a larger one the last six digits.
    pub fn from_number(number: u32) -> Self {
        Self(format!("{:06}", number % Self::COUNT))
    }

    /// The six digits without a space.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// As people read it: `012 345`.
    pub fn in_groups(&self) -> String {
        let (first, second) = self.0.split_at(3);
        format!("{first} {second}")
    }
}

impl FromStr for ArrivalCode {
    type Err = Invalid;

    /// Reads a code as it is typed or pasted, with spaces wherever they are.
    fn from_str(text: &str) -> Result<Self, Invalid> {
        let digits: String = text.chars().filter(|c| !c.is_whitespace()).take(7).collect();
        if digits.is_empty() {
            Err(Invalid::required())
        } else if digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_digit()) {
            Ok(Self(digits))
        } else {
            Err(Invalid::new("malformed", "type the 6 digits of the code in the mail"))
        }
    }
}

words! {
    /// Why a run takes no code.
    NoCodeTaken {
        /// It was to send no mail.
        NoMail = "no_mail",
        /// It has not ended.
        Running = "running",
        /// The server did not accept its mail.
        NotPassed = "not_passed",
        /// Its code is too old.
        Expired = "expired",
        /// Too many wrong codes were typed.
        TriesUsedUp = "tries_used_up",
    }
}

impl fmt::Display for NoCodeTaken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoMail => "this test run sent no mail; run a test in mode message",
            Self::Running => "this test run has not ended; wait for its end",
            Self::NotPassed => "the server did not accept the mail of this test run",
            Self::Expired => "the code of this test run is too old; run the test again",
            Self::TriesUsedUp => "too many wrong codes were typed; run the test again",
        })
    }
}

/// What is known of the arrival of a run's mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// Its code came back at that time.
    Confirmed(DateTime<Utc>),
    /// Its code has not come back yet.
    Awaited {
        /// How many wrong codes may still be typed; at least one.
        tries_left: u8,
    },
    /// Nothing, and it takes no code.
    Unknown(NoCodeTaken),
}

/// What a run's row holds about the arrival of its mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArrivalFacts {
    /// How far the run was to go.
    pub mode: TestMode,
    /// Where it stands.
    pub status: TestStatus,
    /// Whether it has a code that is not too old.
    pub code_is_valid: bool,
    /// How many wrong codes were typed.
    pub wrong_tries: u8,
    /// When its code came back.
    pub arrived_at: Option<DateTime<Utc>>,
}

impl From<ArrivalFacts> for Arrival {
    fn from(facts: ArrivalFacts) -> Self {
        if let Some(at) = facts.arrived_at {
            return Self::Confirmed(at);
        }
        let tries_left = MAX_WRONG_TRIES.saturating_sub(facts.wrong_tries);
        let no_code = match (facts.mode, facts.status) {
            (TestMode::Connection, _) => NoCodeTaken::NoMail,
            (TestMode::Message, TestStatus::Running) => NoCodeTaken::Running,
            (TestMode::Message, TestStatus::Failed) => NoCodeTaken::NotPassed,
            (TestMode::Message, TestStatus::Passed) if !facts.code_is_valid => NoCodeTaken::Expired,
            (TestMode::Message, TestStatus::Passed) if tries_left == 0 => NoCodeTaken::TriesUsedUp,
            (TestMode::Message, TestStatus::Passed) => return Self::Awaited { tries_left },
        };
        Self::Unknown(no_code)
    }
}

/// What a typed code does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeVerdict {
    /// It proves that the mail arrived.
    Proves,
    /// It is right, and has proven it before.
    ProvedBefore,
    /// It is wrong, and counts.
    Wrong {
        /// How many more may be.
        tries_left: u8,
    },
    /// It is wrong, and changes nothing: another one has proven the arrival.
    WrongAfterwards,
    /// None is taken.
    NotTaken(NoCodeTaken),
}

/// Decides what a typed code does for a run whose mail stands at `arrival`.
pub const fn decide(arrival: Arrival, is_right: bool) -> CodeVerdict {
    match (arrival, is_right) {
        (Arrival::Confirmed(_), true) => CodeVerdict::ProvedBefore,
        (Arrival::Confirmed(_), false) => CodeVerdict::WrongAfterwards,
        (Arrival::Awaited { .. }, true) => CodeVerdict::Proves,
        (Arrival::Awaited { tries_left }, false) => {
            CodeVerdict::Wrong { tries_left: tries_left.saturating_sub(1) }
        }
        (Arrival::Unknown(why), _) => CodeVerdict::NotTaken(why),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_with_spaces_and_keeps_its_leading_zeros() {
        let cases = [
            ("012345", Some("012345")),
            ("012 345", Some("012345")),
            (" 0 1 2\u{a0}3 4 5\t", Some("012345")),
            ("000000", Some("000000")),
            ("12345", None),
            ("1234567", None),
            ("12345a", None),
            ("１２３４５６", None),
            ("-12345", None),
            ("", None),
            ("   ", None),
        ];
        for (text, expected) in cases {
            let code = text.parse::<ArrivalCode>().ok();
            assert_eq!(code.as_ref().map(ArrivalCode::as_str), expected, "{text:?}");
        }
    }

    #[test]
    fn a_code_is_six_digits_in_two_groups() {
        for (number, expected) in
            [(0, "000 000"), (12_345, "012 345"), (999_999, "999 999"), (1_000_001, "000 001")]
        {
            assert_eq!(ArrivalCode::from_number(number).in_groups(), expected);
        }
    }

    #[test]
    fn a_code_is_taken_only_of_a_run_whose_mail_was_accepted() {
        use NoCodeTaken::{Expired, NoMail, NotPassed, Running, TriesUsedUp};
        use TestMode::{Connection, Message};

        let cases = [
            (Connection, TestStatus::Passed, true, 0, Arrival::Unknown(NoMail)),
            (Message, TestStatus::Running, true, 0, Arrival::Unknown(Running)),
            (Message, TestStatus::Failed, true, 0, Arrival::Unknown(NotPassed)),
            (Message, TestStatus::Passed, false, 0, Arrival::Unknown(Expired)),
            (Message, TestStatus::Passed, true, 0, Arrival::Awaited { tries_left: 5 }),
            (Message, TestStatus::Passed, true, 4, Arrival::Awaited { tries_left: 1 }),
            (Message, TestStatus::Passed, true, 5, Arrival::Unknown(TriesUsedUp)),
        ];
        for (mode, status, code_is_valid, wrong_tries, expected) in cases {
            let facts = ArrivalFacts { mode, status, code_is_valid, wrong_tries, arrived_at: None };
            assert_eq!(Arrival::from(facts), expected, "{facts:?}");
            let at = DateTime::UNIX_EPOCH;
            let arrived = ArrivalFacts { arrived_at: Some(at), ..facts };
            assert_eq!(Arrival::from(arrived), Arrival::Confirmed(at), "it stays arrived");
        }
    }

    #[test]
    fn a_typed_code_proves_counts_or_is_not_taken() {
        let confirmed = Arrival::Confirmed(DateTime::UNIX_EPOCH);
        let expired = Arrival::Unknown(NoCodeTaken::Expired);
        let cases = [
            (Arrival::Awaited { tries_left: 1 }, true, CodeVerdict::Proves),
            (Arrival::Awaited { tries_left: 5 }, false, CodeVerdict::Wrong { tries_left: 4 }),
            (Arrival::Awaited { tries_left: 1 }, false, CodeVerdict::Wrong { tries_left: 0 }),
            (confirmed, true, CodeVerdict::ProvedBefore),
            (confirmed, false, CodeVerdict::WrongAfterwards),
            (expired, true, CodeVerdict::NotTaken(NoCodeTaken::Expired)),
            (expired, false, CodeVerdict::NotTaken(NoCodeTaken::Expired)),
        ];
        for (arrival, is_right, expected) in cases {
            assert_eq!(decide(arrival, is_right), expected, "{arrival:?} {is_right}");
        }
    }
}
