//! BDAT: a message in chunks of announced size, without a final dot (RFC 3030).

use std::sync::atomic::Ordering;

use super::{Conversation, Turn, message::Body};
use crate::practice_server::fault::PortFault;

impl Conversation {
    /// Whether CHUNKING is offered.
    pub(super) fn offers_chunking(&self) -> bool {
        self.shared.chunking.load(Ordering::Relaxed) && self.fault != Some(PortFault::NoPipelining)
    }

    /// Reads one chunk, whatever becomes of it, and answers it. A message of several chunks is
    /// refused: no client of ours sends one.
    pub(super) async fn chunk(&mut self, bytes: usize, is_last: bool) -> Turn {
        if !self.offers_chunking() {
            self.wire.say("502 5.5.1 CHUNKING not offered");
            return Ok(());
        }
        let max_bytes = self.shared.max_message_bytes;
        if bytes > max_bytes {
            // Not read, so nothing after it could be understood.
            self.wire.say("552 5.3.4 Message too big");
            self.wire.close().await?;
            return Err(crate::practice_server::wire::Ended::ByServer);
        }
        let content = self.wire.octets(bytes).await?.to_vec();
        let refusal = self.refuse_data();
        let transaction = self.transaction.take();
        if !is_last {
            self.wire.say("504 5.5.4 One chunk a message");
            return Ok(());
        }
        match (refusal, transaction) {
            (None, Some(transaction)) => {
                let body = Body { bytes: content, refusal: None };
                self.finish(transaction, body).await
            }
            (refusal, _) => {
                self.wire.say(refusal.unwrap_or("503 5.5.1 Say MAIL first"));
                Ok(())
            }
        }
    }
}
