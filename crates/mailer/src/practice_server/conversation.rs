//! One conversation with a client, from the greeting to the close.
//!
//! The order of commands is checked here, and faults happen where their step is. What takes
//! more than a reply has its own module: signing in, and taking a message.

mod message;
mod sign_in;

use std::sync::Arc;

use tracing::debug;

use super::Shared;
use super::command::{self, Command, Mail, Verb};
use super::fault::{LoginFault, PortFault, RecipientFault, SenderFault};
use super::gate::Point;
use super::inbox::OpenConnection;
use super::wire::{Ended, Line, Wire};

/// The longest command line, in bytes with its end: what RFC 4954 asks for AUTH.
const MAX_COMMAND_BYTES: usize = 12_288;
/// Recipients of one message at most.
const MAX_RECIPIENTS: usize = 1_000;
/// The server's name in its replies.
const NAME: &str = "practice.localhost";

/// Whether the conversation goes on.
type Turn = Result<(), Ended>;

/// What a client has signed in as.
struct SignedIn {
    username: String,
    fault: Option<LoginFault>,
}

/// A message between MAIL and the final dot.
struct Transaction {
    from: String,
    parameters: Vec<String>,
    eight_bit: bool,
    utf8: bool,
    recipients: Vec<String>,
    refused_recipients: usize,
    /// The first fault asked for by a recipient that happens after RCPT.
    fault: Option<RecipientFault>,
}

/// How the client introduced itself.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Hello {
    None,
    Plain,
    Extended,
}

pub(super) struct Conversation {
    shared: Arc<Shared>,
    wire: Wire,
    connection: OpenConnection,
    fault: Option<PortFault>,
    hello: Hello,
    signed_in: Option<SignedIn>,
    transaction: Option<Transaction>,
}

impl Conversation {
    pub(super) fn new(
        shared: Arc<Shared>,
        mut wire: Wire,
        connection: OpenConnection,
        fault: Option<PortFault>,
    ) -> Self {
        wire.slow = fault == Some(PortFault::Slow);
        wire.long = fault == Some(PortFault::LongReply);
        Self {
            shared,
            wire,
            connection,
            fault,
            hello: Hello::None,
            signed_in: None,
            transaction: None,
        }
    }

    /// Speaks until either side ends it.
    pub(super) async fn run(mut self, implicit_tls: bool) {
        let Err(ended) = self.speak(implicit_tls).await;
        debug!(connection = self.connection.number, reason = %ended, "practice conversation over");
        if matches!(ended, Ended::Idle) {
            self.wire.say("421 4.4.2 Nothing happened for too long");
            // Nobody may be there to read it.
            let _ = self.wire.close().await;
        }
    }

    async fn speak(&mut self, implicit_tls: bool) -> Result<std::convert::Infallible, Ended> {
        if implicit_tls {
            self.wire.start_tls(self.shared.certificates.acceptor(self.fault)).await?;
        }
        self.greet().await?;
        self.hang_if(PortFault::HangAfterGreeting).await?;
        loop {
            self.turn().await?;
        }
    }

    /// Reads one command and answers it.
    async fn turn(&mut self) -> Turn {
        let range = match self.wire.line(MAX_COMMAND_BYTES).await? {
            Line::Whole(range) => range,
            Line::BareLineEnd(range) => {
                self.shared.inbox.count_bare_line_end();
                self.shared.inbox.count_command(Verb::of(&self.text(range)));
                self.wire.say("500 5.5.2 Lines end with CR LF");
                return Ok(());
            }
            Line::TooLong => {
                self.shared.inbox.count_command(Verb::Other);
                self.wire.say("500 5.5.6 Line too long");
                return Ok(());
            }
        };
        let line = self.text(range);
        self.shared.inbox.count_command(Verb::of(&line));
        self.refuse_haste().await?;
        let command = match command::parse(&line) {
            Ok(command) => command,
            Err(reply) => {
                self.wire.say(reply);
                return Ok(());
            }
        };
        self.obey(command, &line).await
    }

    async fn obey(&mut self, command: Command<'_>, line: &str) -> Turn {
        if self.fault == Some(PortFault::RefuseConnectionGreeting) && command != Command::Quit {
            self.wire.say("503 5.5.1 No service here");
            return Ok(());
        }
        match command {
            Command::Ehlo => return self.ehlo().await,
            Command::Helo => {
                self.forget_transaction();
                self.hello = Hello::Plain;
                self.wire.say(&format!("250 {NAME}"));
            }
            Command::Starttls => return self.starttls().await,
            Command::Auth { mechanism, initial } => {
                return self.auth(mechanism, initial, line).await;
            }
            Command::Mail(mail) => return self.mail(mail).await,
            Command::Rcpt { address } => return self.rcpt(address).await,
            Command::Data => return self.data().await,
            Command::Rset => {
                self.forget_transaction();
                self.wire.say("250 2.0.0 Forgotten");
            }
            Command::Noop => self.wire.say("250 2.0.0 Nothing done"),
            Command::Vrfy => self.wire.say("252 2.1.5 Send some mail and see"),
            Command::Quit => {
                self.wire.say("221 2.0.0 Good-bye");
                self.wire.close().await?;
                return Err(Ended::ByServer);
            }
        }
        Ok(())
    }

    async fn greet(&mut self) -> Turn {
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

    async fn ehlo(&mut self) -> Turn {
        self.forget_transaction();
        if self.wire.is_tls() {
            self.hang_if(PortFault::HangAfterEhlo).await?;
        }
        self.hello = Hello::Extended;
        let mut lines = vec![NAME.to_owned()];
        if self.fault != Some(PortFault::NoPipelining) {
            lines.push("PIPELINING".to_owned());
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

    async fn starttls(&mut self) -> Turn {
        if self.fault == Some(PortFault::NoStarttls) {
            self.wire.say("502 5.5.1 STARTTLS not offered");
            return Ok(());
        }
        if self.wire.is_tls() {
            self.wire.say("503 5.5.1 TLS is up already");
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

    async fn mail(&mut self, mail: Mail<'_>) -> Turn {
        if let Some(refusal) = self.refuse_mail(&mail) {
            self.wire.say(refusal);
            return Ok(());
        }
        self.hang_if(PortFault::HangAfterMail).await?;
        self.hold(Point::Mail).await?;
        self.transaction = Some(Transaction {
            from: mail.address.to_owned(),
            parameters: mail.parameters.iter().map(|&parameter| parameter.to_owned()).collect(),
            eight_bit: mail.eight_bit,
            utf8: mail.utf8,
            recipients: Vec::new(),
            refused_recipients: 0,
            fault: None,
        });
        self.wire.say("250 2.1.0 Sender fine");
        Ok(())
    }

    fn refuse_mail(&self, mail: &Mail<'_>) -> Option<&'static str> {
        let login_fault = self.signed_in.as_ref().and_then(|signed_in| signed_in.fault);
        if self.hello == Hello::None {
            Some("503 5.5.1 Say EHLO first")
        } else if self.transaction.is_some() {
            Some("503 5.5.1 One message at a time")
        } else if self.signed_in.is_none() && self.fault != Some(PortFault::NoAuth) {
            Some(if self.offers_auth() {
                "530 5.7.0 Authentication required"
            } else {
                "530 5.7.0 Must issue a STARTTLS command first"
            })
        } else if self.hello == Hello::Plain && !mail.parameters.is_empty() {
            Some("555 5.5.4 Parameters come after EHLO only")
        } else if mail.size > self.shared.max_message_bytes {
            Some("552 5.3.4 Message too big")
        } else if !mail.address.is_ascii() && !mail.utf8 {
            Some("553 5.6.7 SMTPUTF8 required for this address")
        } else if SenderFault::of_address(mail.address) == Some(SenderFault::RefusedSender) {
            Some("553 5.7.1 Sender address refused")
        } else if login_fault == Some(LoginFault::RefuseSender) {
            Some("553 5.7.1 Sender address rejected: not owned by user")
        } else {
            None
        }
    }

    async fn rcpt(&mut self, address: &str) -> Turn {
        self.hang_if(PortFault::HangAfterRcpt).await?;
        let fault = RecipientFault::of_address(address);
        let Some(transaction) = &mut self.transaction else {
            self.wire.say("503 5.5.1 Say MAIL first");
            return Ok(());
        };
        let refusal: &[u8] = if self.fault == Some(PortFault::Latin1) {
            b"550 5.1.1 Bo\xeete aux lettres inconnue \xe0 cette adresse"
        } else if !address.is_ascii() && !transaction.utf8 {
            b"553 5.6.7 SMTPUTF8 required for this address"
        } else if fault == Some(RecipientFault::Reject) {
            b"550 5.1.1 No such mailbox"
        } else if fault == Some(RecipientFault::Defer) {
            b"451 4.7.1 Try again later"
        } else if transaction.recipients.len() >= MAX_RECIPIENTS {
            b"452 4.5.3 Too many recipients"
        } else {
            b""
        };
        if refusal.is_empty() {
            transaction.recipients.push(address.to_owned());
            transaction.fault = transaction.fault.or(fault.filter(|fault| happens_later(*fault)));
            return self.accept_recipient(fault == Some(RecipientFault::Slow)).await;
        }
        transaction.refused_recipients += 1;
        if let Ok(text) = std::str::from_utf8(refusal) {
            self.wire.say(text);
        } else {
            self.wire.say_raw(refusal);
            self.wire.say_raw(b"\r\n");
        }
        Ok(())
    }

    async fn accept_recipient(&mut self, slowly: bool) -> Turn {
        self.hold(Point::Rcpt).await?;
        if slowly {
            self.wire.flush().await?;
            let pace = std::mem::replace(&mut self.wire.slow, true);
            self.wire.say("250 2.1.5 Recipient fine");
            self.wire.flush().await?;
            self.wire.slow = pace;
        } else {
            self.wire.say("250 2.1.5 Recipient fine");
        }
        Ok(())
    }

    /// Whether AUTH may be used now.
    fn offers_auth(&self) -> bool {
        if self.fault == Some(PortFault::NoAuth) {
            return false;
        }
        self.wire.is_tls() || self.fault == Some(PortFault::NoStarttls)
    }

    fn forget_transaction(&mut self) {
        self.transaction = None;
    }

    fn text(&self, range: std::ops::Range<usize>) -> String {
        String::from_utf8_lossy(self.wire.bytes(range)).into_owned()
    }

    /// Ends the conversation with a client that pipelines where it was not offered.
    async fn refuse_haste(&mut self) -> Turn {
        if self.fault == Some(PortFault::NoPipelining) && self.wire.has_more() {
            self.wire.say("554 5.5.0 Wait for the reply before the next command");
            self.wire.close().await?;
            return Err(Ended::ByServer);
        }
        Ok(())
    }

    /// Waits at the gate of this point, if one is set.
    async fn hold(&mut self, point: Point) -> Turn {
        if let Some(held) = self.shared.gates.holding(point) {
            self.wire.flush().await?;
            held.wait().await;
        }
        Ok(())
    }

    /// Stays silent until the client goes, on a port with this fault.
    async fn hang_if(&mut self, fault: PortFault) -> Turn {
        if self.fault == Some(fault) {
            self.wire.flush().await?;
            return Err(self.wire.drain().await);
        }
        Ok(())
    }
}

/// Whether the fault of a recipient happens with the message and not with RCPT.
fn happens_later(fault: RecipientFault) -> bool {
    match fault {
        RecipientFault::Reject | RecipientFault::Defer | RecipientFault::Slow => false,
        RecipientFault::Quota
        | RecipientFault::RejectContent
        | RecipientFault::DeferContent
        | RecipientFault::DropBeforeDot
        | RecipientFault::DropAfterDot
        | RecipientFault::HangAfterDot => true,
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
