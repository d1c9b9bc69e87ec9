//! DATA: reading a message to its final dot, and deciding what becomes of it.

use std::time::SystemTime;

use chrono::{DateTime, Utc};

use super::{Conversation, Transaction, Turn};
use crate::practice_server::fault::{LoginFault, PortFault, RecipientFault};
use crate::practice_server::gate::Point;
use crate::practice_server::inbox::CaughtMail;
use crate::practice_server::script::Step;
use crate::practice_server::wire::{Ended, IDLE, Line};

/// The longest line of a message without its end, in bytes (RFC 5321).
const MAX_LINE_BYTES: usize = 998;
/// The same as read: with its end, and the dot that transparency may add.
const MAX_READ_BYTES: usize = MAX_LINE_BYTES + 3;

const QUOTA: &str = "550 5.4.5 Daily user sending limit exceeded";
const LINE_TOO_LONG: &str = "554 5.6.0 Line of more than 998 characters";
const NO_RECIPIENTS: &str = "554 5.5.1 No valid recipients";

/// A message as it was read.
#[derive(Default)]
pub(super) struct Body {
    pub(super) bytes: Vec<u8>,
    /// Why it cannot be taken: the first reason found.
    pub(super) refusal: Option<&'static str>,
}

impl Conversation {
    pub(super) async fn data(&mut self) -> Turn {
        if let Some(refusal) = self.refuse_data() {
            self.wire.say(refusal);
            return Ok(());
        }
        let Some(transaction) = self.transaction.take() else { return Ok(()) };
        self.hold(Point::Data).await?;
        self.wire.say("354 End with a dot on a line of its own");
        self.wire.flush().await?;
        if self.fault == Some(PortFault::DropAfterData) {
            return Err(Ended::ByServer);
        }
        if self.fault == Some(PortFault::HangAfterData) {
            // Not reading is the fault: the client's writes fill the buffers between us.
            tokio::time::sleep(IDLE).await;
            return Err(Ended::Idle);
        }

        let body = self.read_body(transaction.fault).await?;
        self.refuse_haste().await?;
        self.finish(transaction, body).await
    }

    pub(super) fn refuse_data(&self) -> Option<&'static str> {
        let Some(transaction) = &self.transaction else {
            return Some("503 5.5.1 Say MAIL first");
        };
        let lenient = self.fault == Some(PortFault::DataWithoutRecipients);
        if !transaction.recipients.is_empty() || lenient && transaction.refused_recipients > 0 {
            None
        } else if transaction.refused_recipients > 0 {
            Some(NO_RECIPIENTS)
        } else {
            Some("503 5.5.1 Say RCPT first")
        }
    }

    /// Reads up to the final dot, whatever is wrong with the message.
    ///
    /// Only CR LF ends a line, so a dot between bare line ends stays part of the message.
    async fn read_body(&mut self, fault: Option<RecipientFault>) -> Result<Body, Ended> {
        let mut body = Body::default();
        loop {
            let line = self.wire.line(MAX_READ_BYTES).await?;
            if let Line::Whole(range) = &line {
                let content = self.wire.bytes(range.clone());
                if content == b"." {
                    return Ok(body);
                }
                body.add(content, self.shared.max_message_bytes);
            }
            match line {
                Line::Whole(_) => {}
                Line::BareLineEnd(_) => {
                    self.shared.inbox.count_bare_line_end();
                    body.refuse("554 5.6.0 Bare CR or LF in the message");
                }
                Line::TooLong => body.refuse(LINE_TOO_LONG),
            }
            if fault == Some(RecipientFault::DropBeforeDot) {
                return Err(Ended::ByServer);
            }
            self.hold(Point::Body(body.bytes.len())).await?;
        }
    }

    /// Catches or refuses the message, and answers the final dot.
    pub(super) async fn finish(&mut self, transaction: Transaction, body: Body) -> Turn {
        if self.say_scripted(Step::Dot) {
            return Ok(());
        }
        let fault = transaction.fault;
        let verdict = match self.refusal(&transaction, &body) {
            Some(refusal) => refusal.to_owned(),
            None => format!("250 2.0.0 Caught as {}", self.keep(transaction, body)),
        };
        self.hold(Point::Dot).await?;
        if self.fault == Some(PortFault::DropAfterDot)
            || fault == Some(RecipientFault::DropAfterDot)
        {
            return Err(Ended::ByServer);
        }
        self.hang_if(PortFault::HangAfterDot).await?;
        if fault == Some(RecipientFault::HangAfterDot) {
            return Err(self.wire.drain().await);
        }
        self.wire.say(&verdict);
        Ok(())
    }

    fn refusal(&self, transaction: &Transaction, body: &Body) -> Option<&'static str> {
        let login_fault = self.signed_in.as_ref().and_then(|signed_in| signed_in.fault);
        let over_quota = self.fault == Some(PortFault::Quota)
            || login_fault == Some(LoginFault::Quota)
            || transaction.fault == Some(RecipientFault::Quota);
        if transaction.recipients.is_empty() {
            Some(NO_RECIPIENTS)
        } else if body.refusal.is_some() {
            body.refusal
        } else if let Some(refusal) = refuse_octets(transaction, &body.bytes) {
            Some(refusal)
        } else if over_quota {
            Some(QUOTA)
        } else if transaction.fault == Some(RecipientFault::RejectContent) {
            Some("554 5.7.1 Message content refused")
        } else if transaction.fault == Some(RecipientFault::DeferContent) {
            Some("451 4.3.0 Try again later")
        } else {
            None
        }
    }

    fn keep(&self, transaction: Transaction, body: Body) -> u64 {
        self.shared.inbox.keep(CaughtMail {
            id: 0,
            received_at: now(),
            mail_from: transaction.from,
            rcpt_to: transaction.recipients,
            mail_parameters: transaction.parameters,
            username: self.signed_in.as_ref().map(|signed_in| signed_in.username.clone()),
            tls: self.wire.is_tls(),
            connection: self.connection.number,
            bytes: body.bytes,
        })
    }
}

impl Body {
    /// Adds a line without its end, less the dot of transparency.
    fn add(&mut self, line: &[u8], max_bytes: usize) {
        let line = line.strip_prefix(b".").unwrap_or(line);
        if line.len() > MAX_LINE_BYTES {
            self.refuse(LINE_TOO_LONG);
        }
        if self.bytes.len() + line.len() + 2 > max_bytes {
            self.refuse("552 5.3.4 Message too big");
        }
        // A message that will be refused is not worth its memory.
        if self.refusal.is_none() {
            self.bytes.extend_from_slice(line);
            self.bytes.extend_from_slice(b"\r\n");
        }
    }

    fn refuse(&mut self, reply: &'static str) {
        self.refusal.get_or_insert(reply);
    }
}

#[expect(clippy::disallowed_methods, reason = "only shown to people, nothing is decided by it")]
fn now() -> DateTime<Utc> {
    SystemTime::now().into()
}

/// Refuses bytes beyond ASCII where MAIL did not announce them.
fn refuse_octets(transaction: &Transaction, bytes: &[u8]) -> Option<&'static str> {
    if bytes.is_ascii() {
        None
    } else if !transaction.utf8 && !head(bytes).is_ascii() {
        Some("554 5.6.7 SMTPUTF8 required for these headers")
    } else if !transaction.eight_bit {
        Some("554 5.6.3 BODY=8BITMIME required for this message")
    } else {
        None
    }
}

/// The headers of a message.
fn head(bytes: &[u8]) -> &[u8] {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n");
    end.and_then(|end| bytes.get(..end)).unwrap_or(bytes)
}
