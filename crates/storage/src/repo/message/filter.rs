//! Which messages a list shows, and where it looks for them.
//!
//! Only what is asked for becomes a condition, so that each is answered from its own index. No
//! list costs more the more messages a tenant has, whatever is asked for.

use std::fmt::Write;

use letterhead_domain::{
    email::EmailAddress,
    id::{SenderId, TenantId},
    message::{MessageKind, MessageStatus},
};
use sea_orm::Value;

use crate::record::PageRequest;

/// Which messages a list shows; what is `None` does not matter.
#[derive(Clone, Debug, Default)]
pub struct MessageFilter {
    /// Those of this sender.
    pub sender: Option<SenderId>,
    /// Those of this kind.
    pub kind: Option<MessageKind>,
    /// Those that stand here.
    pub status: Option<MessageStatus>,
    /// Those with exactly this reference.
    pub reference: Option<String>,
    /// Those with this recipient, in whichever role.
    pub recipient: Option<EmailAddress>,
    /// Those that a person looks for with these words: the beginning of a reference in whichever
    /// case, a recipient's whole address, or a part of the subject.
    ///
    /// Recipients are looked for among the newest 20,000 messages to that address. Subjects are
    /// looked through in the tenant's newest 10,000 messages, and so are references; of older
    /// ones, the first 20,000 references that begin so are found.
    pub text: Option<String>,
}

/// Where a message stands: while all of its sender's mail waits for a quota, so does it.
macro_rules! shown_status {
    () => {
        "CASE WHEN m.status = 'queued' AND l.held AND l.not_before > letterhead_now()
              THEN 'held' ELSE m.status END"
    };
}
pub(super) use shown_status;

/// The messages that match a text. An array, so that they are read by their ids and never by
/// walking through all messages until enough of them have turned up.
const MATCHES: &str = "
    m.id = ANY (ARRAY(
        (SELECT id FROM messages
         WHERE tenant_id = $1 AND reference_key >= lower($text)
             AND reference_key < lower($text) || chr(1114111)
         LIMIT 20000)
        UNION
        (SELECT message_id FROM recipients
         WHERE tenant_id = $1 AND email = $email
         ORDER BY message_id DESC LIMIT 20000)
        UNION
        SELECT id FROM (
            SELECT id, subject, reference_key FROM messages
            WHERE tenant_id = $1 ORDER BY id DESC LIMIT 10000) newest
        WHERE strpos(lower(subject), lower($text)) > 0 OR starts_with(reference_key, lower($text))
    ))";

/// The condition for each status. Words of our own stand in the text itself: only then does
/// Postgres see that the index on what was not accepted holds them all.
fn stands_at(status: MessageStatus) -> String {
    let word = status.as_str();
    match status {
        MessageStatus::Queued | MessageStatus::Held => {
            let waits = "m.status IN ('queued', 'held')";
            format!("{waits} AND ({}) = '{word}'", shown_status!())
        }
        MessageStatus::Sending
        | MessageStatus::Accepted
        | MessageStatus::PartlyAccepted
        | MessageStatus::Deferred
        | MessageStatus::Rejected
        | MessageStatus::Uncertain
        | MessageStatus::Cancelled
        | MessageStatus::Expired => format!("m.status = '{word}'"),
    }
}

/// A statement that grows by conditions and their values.
struct Conditions {
    text: String,
    values: Vec<Value>,
}

impl Conditions {
    /// Gives `value` a number and says which, such as `$3`.
    fn bind(&mut self, value: impl Into<Value>) -> String {
        self.values.push(value.into());
        format!("${}", self.values.len())
    }

    fn add(&mut self, condition: &str) {
        // Writing to a String never fails.
        let _written = write!(self.text, " AND {condition}");
    }
}

impl MessageFilter {
    /// Appends to `select`, which names the tenant as `$1`, what this filter and `page` ask for.
    pub(super) fn narrow(
        self,
        select: &str,
        tenant: TenantId,
        page: &PageRequest,
    ) -> (String, Vec<Value>) {
        let mut asked = Conditions { text: select.to_owned(), values: vec![tenant.get().into()] };
        if let Some(after) = page.after_id() {
            let id = asked.bind(after);
            asked.add(&format!("m.id < {id}"));
        }
        if let Some(sender) = self.sender {
            let id = asked.bind(sender.get());
            asked.add(&format!("m.sender_id = {id}"));
        }
        if let Some(kind) = self.kind {
            let word = asked.bind(kind.as_str());
            asked.add(&format!("m.kind = {word}"));
        }
        if let Some(status) = self.status {
            asked.add(&stands_at(status));
        }
        if let Some(reference) = self.reference {
            let text = asked.bind(reference);
            // The first finds it by its index, the second tells the case.
            asked.add(&format!("m.reference_key = lower({text}) AND m.reference = {text}"));
        }
        if let Some(recipient) = self.recipient {
            let email = asked.bind(recipient.as_str());
            asked.add(&format!(
                "m.id IN (SELECT message_id FROM recipients
                          WHERE tenant_id = $1 AND email = {email})"
            ));
        }
        if let Some(text) = self.text {
            let address = text.parse::<EmailAddress>();
            let address = address.map_or_else(|_| text.clone(), |email| email.to_string());
            let (text, email) = (asked.bind(text), asked.bind(address));
            asked.add(&MATCHES.replace("$text", &text).replace("$email", &email));
        }
        let rows = asked.bind(page.rows());
        // Writing to a String never fails.
        let _written = write!(asked.text, " ORDER BY m.id DESC LIMIT {rows}");
        (asked.text, asked.values)
    }
}
