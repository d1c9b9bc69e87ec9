//! The port of a mail server.

use std::fmt;

use crate::field_errors::Invalid;

/// A TCP port, 1 to 65535. Which ports may be dialled is the egress guard's to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SmtpPort(u16);

impl SmtpPort {
    /// The port number.
    pub const fn get(self) -> u16 {
        self.0
    }
}

impl TryFrom<i64> for SmtpPort {
    type Error = Invalid;

    fn try_from(port: i64) -> Result<Self, Invalid> {
        match u16::try_from(port) {
            Ok(port) if port != 0 => Ok(Self(port)),
            _ => Err(Invalid::new("out_of_range", "a port is a number from 1 to 65535")),
        }
    }
}

impl TryFrom<u16> for SmtpPort {
    type Error = Invalid;

    fn try_from(port: u16) -> Result<Self, Invalid> {
        Self::try_from(i64::from(port))
    }
}

impl fmt::Display for SmtpPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
