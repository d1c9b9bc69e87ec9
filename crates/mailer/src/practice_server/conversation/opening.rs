//! The opening: greeting, EHLO, and TLS.

use super::{Conversation, Hello, NAME, Turn};
use crate::practice_server::fault::PortFault;
use crate::practice_server::script::Step;
use crate::practice_server::wire::Ended;

impl Conversation {
    pub(super) async fn greet(&mut self) -> Turn {
        if self.say_scripted(Step::Greeting) {
            return Ok(());
        }
        match self.fault {
            Some(PortFault::Silent) => return Err(self.wire.drain().await),
            Some(PortFault::Garbage) => {
                self.wire.say_raw(&garbage());
                self.wire.close().await?;
                return Err(Ended::ByServer);
            }
            Some(PortFault::GiantReply) => {
                self.wire.say(&format!("220 {}", "x".repeat(1024 * 1024)));
            }
            Some(PortFault::EndlessReply) => loop {
                let line = format!("220-{NAME} has much to say\r\n");
                self.wire.say_raw(line.repeat(64).as_bytes());
                self.wire.flush().await?;
            },
            Some(PortFault::RefuseConnectionGreeting) => {
                self.wire.say("554 5.3.2 No service for you");
            }
            _ => self.wire.say(&format!("220 {NAME} ESMTP practice server")),
        }
        Ok(())
    }

    pub(super) async fn ehlo(&mut self) -> Turn {
        self.forget_transaction();
        if self.wire.is_tls() {
            self.hang_if(PortFault::HangAfterEhlo).await?;
        }
        self.hello = Hello::Extended;
        let mut lines = vec![NAME.to_owned()];
        if self.fault != Some(PortFault::NoPipelining) {
            lines.push("PIPELINING".to_owned());
        }
        if self.offers_chunking() {
            lines.push("CHUNKING".to_owned());
        }
        if !self.wire.is_tls() && self.fault != Some(PortFault::NoStarttls) {
            lines.push("STARTTLS".to_owned());
        }
        if self.offers_auth() {
            lines.push("AUTH PLAIN LOGIN".to_owned());
        }
        lines.push(format!("SIZE {}", self.shared.max_message_bytes));
        lines.push("8BITMIME".to_owned());
        lines.push("SMTPUTF8".to_owned());
        for line in lines {
            self.wire.say_raw(format!("250-{line}\r\n").as_bytes());
        }
        self.wire.say_raw(b"250 ENHANCEDSTATUSCODES\r\n");
        Ok(())
    }

    pub(super) async fn starttls(&mut self) -> Turn {
        if self.fault == Some(PortFault::NoStarttls) {
            self.wire.say("502 5.5.1 STARTTLS not offered");
            return Ok(());
        }
        if self.wire.is_tls() {
            self.wire.say("503 5.5.1 TLS is up already");
            return Ok(());
        }
        if self.say_scripted(Step::Starttls) {
            return Ok(());
        }
        self.wire.say("220 2.0.0 Begin TLS");
        if self.fault == Some(PortFault::InjectedStarttls) {
            self.wire.say_raw(b"250 injected.invalid\r\n");
        }
        self.wire.flush().await?;
        self.hang_if(PortFault::HangAfterStarttls).await?;
        self.wire.start_tls(self.shared.certificates.acceptor(self.fault)).await?;
        // RFC 3207: what was learnt in clear text is forgotten.
        self.forget_transaction();
        self.hello = Hello::None;
        self.signed_in = None;
        Ok(())
    }

    /// Whether AUTH may be used now.
    pub(super) fn offers_auth(&self) -> bool {
        if self.fault == Some(PortFault::NoAuth) {
            return false;
        }
        self.wire.is_tls() || self.fault == Some(PortFault::NoStarttls)
    }
}

/// The same bytes each time, of all values, with a line end here and there.
fn garbage() -> Vec<u8> {
    let mut state = 0x9e37_79b9_u32;
    let next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state.to_le_bytes()
    };
    std::iter::repeat_with(next).take(256).flatten().collect()
}
