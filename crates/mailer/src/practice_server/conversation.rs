//! One conversation with a client, from the greeting to the close.
//!
//! The order of commands is checked here, and faults happen where their step is. Each part of
//! a conversation has its own module: the opening, signing in, the envelope, the message.

mod chunk;
mod envelope;
mod message;
mod opening;
mod sign_in;

use std::sync::Arc;

use tracing::debug;

use super::Shared;
use super::command::{self, Command, Verb};
use super::fault::{LoginFault, PortFault, RecipientFault};
use super::gate::Point;
use super::inbox::OpenConnection;
use super::script::Step;
use super::wire::{Ended, Line, Wire};

/// The longest command line, in bytes with its end: what RFC 4954 asks for AUTH.
const MAX_COMMAND_BYTES: usize = 12_288;
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
            Command::Bdat { bytes, is_last } => return self.chunk(bytes, is_last).await,
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

    /// Says what was put into the server's mouth for this step, if something was.
    fn say_scripted(&mut self, step: Step) -> bool {
        let reply = self.shared.script.take(step);
        if let Some(reply) = &reply {
            self.wire.say_raw(reply.as_bytes());
        }
        reply.is_some()
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
