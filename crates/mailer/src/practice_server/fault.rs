//! What the practice server can be asked to do wrong: one table, by where the fault is chosen.
//!
//! A fault is chosen by the port one connects to, by the user name one signs in with, or by the
//! local part of the sender's or a recipient's address. The tables below are the only list:
//! words, documentation and the list shown to people all come from them.

/// Where a fault is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultPlace {
    /// By connecting to the port that has it.
    Port,
    /// By signing in as `fault.<word>` with any password.
    Login,
    /// By `MAIL FROM:<word@…>`.
    Sender,
    /// By `RCPT TO:<word@…>` or `<word+anything@…>`.
    Recipient,
}

/// One line of the table of faults, for people to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FaultLine {
    /// The word that chooses the fault.
    pub word: &'static str,
    /// Where the word goes.
    pub place: FaultPlace,
    /// What the server then does, in one sentence.
    pub effect: &'static str,
}

/// A word that names no fault of that kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no such fault")]
pub struct UnknownFault;

/// Every fault there is, port faults first.
pub fn table() -> impl Iterator<Item = FaultLine> {
    let port = PortFault::ALL.iter().map(|fault| fault.line());
    let login = LoginFault::ALL.iter().map(|fault| fault.line());
    let sender = SenderFault::ALL.iter().map(|fault| fault.line());
    let recipient = RecipientFault::ALL.iter().map(|fault| fault.line());
    port.chain(login).chain(sender).chain(recipient)
}

/// Declares the faults of one place from one table of words and effects.
macro_rules! faults {
    ($(#[$doc:meta])* $name:ident at $place:ident { $($variant:ident = $word:literal: $effect:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name {
            $(#[doc = $effect] $variant,)+
        }

        impl $name {
            /// Every fault of this kind, in the order of the table.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The word that chooses it.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }

            /// What the server does, in one sentence.
            pub const fn effect(self) -> &'static str {
                match self {
                    $(Self::$variant => $effect,)+
                }
            }

            /// The line of the table that describes it.
            pub const fn line(self) -> FaultLine {
                FaultLine { word: self.as_str(), place: FaultPlace::$place, effect: self.effect() }
            }
        }

        impl std::str::FromStr for $name {
            type Err = UnknownFault;

            fn from_str(word: &str) -> Result<Self, Self::Err> {
                Self::ALL.iter().copied().find(|fault| fault.as_str() == word).ok_or(UnknownFault)
            }
        }
    };
}

faults! {
    /// A fault of everything that happens on one port.
    ///
    /// The `hang-after-…` faults take the step and then neither answer nor act. Go-aheads
    /// (220 to STARTTLS, 334, 354) still come, results do not.
    PortFault at Port {
        NoStarttls = "no-starttls": "STARTTLS is not offered, and AUTH is offered in clear text, as by one who strips STARTTLS.",
        SelfSigned = "self-signed": "The certificate is signed by itself.",
        ExpiredCertificate = "expired-certificate": "The certificate ended in 2021.",
        WrongName = "wrong-name": "The certificate is for another host.",
        Silent = "silent": "The connection is accepted and nothing is ever said.",
        LongReply = "long-reply": "The greeting and every reply of one line are padded to more than 2 KB.",
        GiantReply = "giant-reply": "The greeting is one line of 1 MiB.",
        EndlessReply = "endless-reply": "The greeting has lines without end.",
        Garbage = "garbage": "Bytes without meaning come instead of a greeting, then the connection closes.",
        Latin1 = "latin-1": "Every recipient is refused with 550 and a text in Latin-1.",
        Slow = "slow": "Every reply comes one byte at a time.",
        RefuseConnectionGreeting = "refuse-connection-greeting": "The greeting is 554, and only QUIT is taken.",
        NoAuth = "no-auth": "AUTH is neither offered nor asked for, in clear text too.",
        NoPipelining = "no-pipelining": "PIPELINING is not offered, and a client that does it all the same is cut off with 554.",
        DataWithoutRecipients = "data-without-recipients": "DATA is answered with 354 although every recipient was refused; the dot then gets 554.",
        InjectedStarttls = "injected-starttls": "The segment with the 220 to STARTTLS carries one more reply in clear text, then TLS begins.",
        EchoAuth = "echo-auth": "Every sign-in is refused with a 535 that repeats what the client sent, secret included.",
        Quota = "quota": "The final dot is answered with 550 5.4.5, daily limit exceeded.",
        DropAfterData = "drop-after-data": "The connection closes right after the 354.",
        DropAfterDot = "drop-after-dot": "The message is taken, and the connection closes without a reply.",
        HangAfterGreeting = "hang-after-greeting": "After the greeting nothing is answered.",
        HangAfterEhlo = "hang-after-ehlo": "The EHLO under TLS is never answered; one in clear text is.",
        HangAfterStarttls = "hang-after-starttls": "STARTTLS is answered with 220, and the handshake never begins.",
        HangAfterAuth = "hang-after-auth": "The credentials are taken and never answered.",
        HangAfterMail = "hang-after-mail": "MAIL is never answered.",
        HangAfterRcpt = "hang-after-rcpt": "RCPT is never answered.",
        HangAfterData = "hang-after-data": "DATA is answered with 354, and the body is never read.",
        HangAfterDot = "hang-after-dot": "The message is taken, and the final dot is never answered.",
    }
}

faults! {
    /// A fault chosen by signing in as `fault.<word>`, with any password.
    LoginFault at Login {
        RefuseLogin = "refuse-login": "535 5.7.8: the credentials are refused.",
        AppPassword = "app-password": "534 5.7.9: an application-specific password is asked for, in Gmail's words.",
        BusyLogin = "busy-login": "454 4.7.0: signing in is not possible at the moment.",
        RefuseSender = "refuse-sender": "Signs in; MAIL is answered with 553 5.7.1, address not owned by user.",
        Quota = "quota": "Signs in; the final dot is answered with 550 5.4.5, daily limit exceeded.",
    }
}

faults! {
    /// A fault chosen by the local part of the sender's address.
    SenderFault at Sender {
        RefusedSender = "refused-sender": "MAIL is answered with 553 5.7.1.",
    }
}

faults! {
    /// A fault chosen by the local part of a recipient's address.
    RecipientFault at Recipient {
        Reject = "reject": "RCPT is answered with 550 5.1.1, no such mailbox.",
        Defer = "defer": "RCPT is answered with 451 4.7.1, try again later.",
        Slow = "slow": "The reply to RCPT comes one byte at a time.",
        Quota = "quota": "The final dot is answered with 550 5.4.5, daily limit exceeded.",
        RejectContent = "reject-content": "The final dot is answered with 554 5.7.1.",
        DeferContent = "defer-content": "The final dot is answered with 451 4.3.0.",
        DropBeforeDot = "drop-before-dot": "The connection closes after the first line of the message.",
        DropAfterDot = "drop-after-dot": "The message is taken, and the connection closes without a reply.",
        HangAfterDot = "hang-after-dot": "The message is taken, and the final dot is never answered.",
    }
}

impl LoginFault {
    /// The fault that signing in as `username` asks for: `fault.<word>`, with or without `@…`.
    pub(super) fn of_username(username: &str) -> Option<Self> {
        let (local, _) = username.split_once('@').unwrap_or((username, ""));
        local.strip_prefix("fault.")?.parse().ok()
    }
}

impl SenderFault {
    /// The fault that this sender's address asks for.
    pub(super) fn of_address(address: &str) -> Option<Self> {
        local_part(address).parse().ok()
    }
}

impl RecipientFault {
    /// The fault that this recipient's address asks for.
    pub(super) fn of_address(address: &str) -> Option<Self> {
        local_part(address).parse().ok()
    }
}

/// What chooses a fault: the local part in lower case, up to a `+`.
fn local_part(address: &str) -> String {
    let local = address.rsplit_once('@').map_or(address, |(local, _)| local);
    let local = local.split_once('+').map_or(local, |(local, _)| local);
    local.to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_leads_back_to_its_fault_and_says_what_it_does() {
        for fault in PortFault::ALL {
            assert_eq!(fault.as_str().parse(), Ok(*fault));
        }
        for line in table() {
            let kebab = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            assert!(line.word.chars().all(kebab), "{}", line.word);
            assert!(line.effect.ends_with('.'), "{}", line.word);
        }
    }

    #[test]
    fn a_word_names_one_fault_of_its_place() {
        let mut lines: Vec<_> = table().map(|line| (line.place as u8, line.word)).collect();
        let all = lines.len();

        lines.sort_unstable();
        lines.dedup();

        assert_eq!(lines.len(), all);
    }

    #[test]
    fn addresses_and_user_names_choose_faults() {
        let of = RecipientFault::of_address;
        assert_eq!(of("reject@b.example"), Some(RecipientFault::Reject));
        assert_eq!(of("Reject+7@b.example"), Some(RecipientFault::Reject));
        assert_eq!(of("rejected@b.example"), None);

        let of = LoginFault::of_username;
        assert_eq!(of("fault.busy-login"), Some(LoginFault::BusyLogin));
        assert_eq!(of("fault.quota@aurora.example"), Some(LoginFault::Quota));
        assert_eq!(of("busy-login"), None);
    }
}
