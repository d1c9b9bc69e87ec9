//! What the operator allows: exact destinations, and ports beyond the usual ones.

use std::{fmt, net::IpAddr, str::FromStr};

use letterhead_domain::{field_errors::Invalid, smtp_host::SmtpHost, smtp_port::SmtpPort};

/// Ports on which mail submission is offered, and so the ports that may be dialled anywhere.
pub const SUBMISSION_PORTS: [u16; 8] = [25, 465, 587, 2465, 2525, 2587, 8025, 8465];

/// One `host:port` that the operator exempts from every rule: address, port and encryption.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AllowedDestination {
    /// The host exactly as a tenant must name it, in canonical form.
    pub host: SmtpHost,
    /// The port.
    pub port: SmtpPort,
}

impl FromStr for AllowedDestination {
    type Err = Invalid;

    /// Takes `host:port`; an IPv6 address in brackets, as in `[::1]:25`.
    fn from_str(text: &str) -> Result<Self, Invalid> {
        let malformed = || {
            Invalid::new(
                "malformed",
                "write a destination as host:port, such as mail.internal.example:587 or [::1]:25",
            )
        };
        let (host, port) = text.trim().rsplit_once(':').ok_or_else(malformed)?;
        let is_bare_v6 = host.contains(':') && !(host.starts_with('[') && host.ends_with(']'));
        if is_bare_v6 || port.is_empty() || !port.bytes().all(|b| b.is_ascii_digit()) {
            return Err(malformed());
        }
        let port: i64 = port.parse().map_err(|_| malformed())?;
        Ok(Self { host: host.parse()?, port: port.try_into()? })
    }
}

impl fmt::Display for AllowedDestination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.address() {
            Some(IpAddr::V6(address)) => write!(f, "[{address}]:{}", self.port),
            Some(IpAddr::V4(_)) | None => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

/// What the operator allows. The default is the strictest: no exemption, no further port.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EgressPolicy {
    /// Destinations that are exempt from every rule.
    pub allowed: Vec<AllowedDestination>,
    /// Ports that may be dialled besides [`SUBMISSION_PORTS`].
    pub extra_ports: Vec<SmtpPort>,
}

impl EgressPolicy {
    /// Whether the operator exempts exactly this destination.
    pub fn exempts(&self, host: &SmtpHost, port: SmtpPort) -> bool {
        self.allowed.iter().any(|allowed| allowed.host == *host && allowed.port == port)
    }

    /// Whether the port may be dialled at hosts that are not exempt.
    pub fn opens(&self, port: SmtpPort) -> bool {
        SUBMISSION_PORTS.contains(&port.get()) || self.extra_ports.contains(&port)
    }

    /// The ports that may be dialled, in ascending order, for people to read.
    pub fn ports(&self) -> String {
        let extra = self.extra_ports.iter().map(|port| port.get());
        let mut ports: Vec<u16> = SUBMISSION_PORTS.into_iter().chain(extra).collect();
        ports.sort_unstable();
        ports.dedup();
        let words: Vec<_> = ports.iter().map(ToString::to_string).collect();
        words.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_destination_prints_as_what_it_parses_from() {
        for text in ["localhost:2525", "10.0.0.5:25", "[::1]:25", "a.example:65535"] {
            let parsed: AllowedDestination = text.parse().expect(text);
            assert_eq!(parsed.to_string(), text);
        }
    }

    #[test]
    fn what_is_no_host_and_port_is_refused() {
        let cases = [
            "",
            "localhost",
            "localhost:",
            ":25",
            "::1:25",
            "::1",
            "a:0",
            "a:65536",
            "a:+25",
            "a:2 5",
            "a b:25",
            "*:25",
            "10.0.0.0/8:25",
        ];
        for text in cases {
            assert!(text.parse::<AllowedDestination>().is_err(), "{text:?}");
        }
    }
}
