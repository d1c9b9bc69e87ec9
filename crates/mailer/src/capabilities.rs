//! What a server offers (EHLO).

/// What a server offers that Letterhead uses. Keywords are taken in any case (RFC 5321, 2.4).
#[expect(
    clippy::struct_excessive_bools,
    reason = "each keyword is offered or not, whatever the others are"
)]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Capabilities {
    pub(crate) starttls: bool,
    pub(crate) pipelining: bool,
    pub(crate) chunking: bool,
    pub(crate) size: bool,
    pub(crate) eight_bit_mime: bool,
    pub(crate) smtputf8: bool,
    pub(crate) auth_plain: bool,
    pub(crate) auth_login: bool,
}

impl Capabilities {
    /// Whether there is a way to sign in that Letterhead knows.
    pub(crate) const fn sign_in(&self) -> bool {
        self.auth_plain || self.auth_login
    }

    /// Reads the lines of the reply to EHLO; the first holds the server's name alone.
    pub(crate) fn parse(lines: &[String]) -> Self {
        let mut offered = Self::default();
        for line in lines.iter().skip(1) {
            // `AUTH=LOGIN` is how some servers still write it, from before RFC 2554.
            let line = line.to_ascii_uppercase().replace('=', " ");
            let mut words = line.split_whitespace();
            match words.next() {
                Some("STARTTLS") => offered.starttls = true,
                Some("PIPELINING") => offered.pipelining = true,
                Some("CHUNKING") => offered.chunking = true,
                Some("SIZE") => offered.size = true,
                Some("8BITMIME") => offered.eight_bit_mime = true,
                Some("SMTPUTF8") => offered.smtputf8 = true,
                Some("AUTH") => {
                    for mechanism in words {
                        offered.auth_plain |= mechanism == "PLAIN";
                        offered.auth_login |= mechanism == "LOGIN";
                    }
                }
                Some(_) | None => {}
            }
        }
        offered
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keywords_are_read_in_any_case_and_the_greeting_line_is_none() {
        let lines =
            ["STARTTLS", "pipelining", "SIZE 1000", "Auth=login", "AUTH PLAIN", "X-Y", "Chunking"];

        let offered = Capabilities::parse(&lines.map(str::to_owned));

        let expected = Capabilities {
            pipelining: true,
            chunking: true,
            size: true,
            auth_plain: true,
            auth_login: true,
            ..Capabilities::default()
        };
        assert_eq!(offered, expected);
    }
}
