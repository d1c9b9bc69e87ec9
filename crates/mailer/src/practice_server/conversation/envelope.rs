//! MAIL and RCPT: who a message is from, and for whom.

use super::{Conversation, Hello, Transaction, Turn};
use crate::practice_server::command::Mail;
use crate::practice_server::fault::{LoginFault, PortFault, RecipientFault, SenderFault};
use crate::practice_server::gate::Point;
use crate::practice_server::script::Step;

/// Recipients of one message at most.
const MAX_RECIPIENTS: usize = 1_000;

impl Conversation {
    pub(super) async fn mail(&mut self, mail: Mail<'_>) -> Turn {
        if let Some(refusal) = self.refuse_mail(&mail) {
            self.wire.say(refusal);
            return Ok(());
        }
        if self.say_scripted(Step::Mail) {
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

    pub(super) async fn rcpt(&mut self, address: &str) -> Turn {
        if self.transaction.is_some() && self.say_scripted(Step::Rcpt) {
            return Ok(());
        }
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
