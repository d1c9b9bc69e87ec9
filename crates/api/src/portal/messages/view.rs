//! A message as a page shows it, in a line or whole.

use letterhead_domain::message::{MessageStatus, RecipientStatus};
use letterhead_storage::record::{AttemptRecord, AttemptWord, MessageRecord, RecipientRecord};

use crate::portal::{moment::Moment, test_runs::took_in_words, texts::Texts, visit::Place};

/// A message in a list.
pub(super) struct MessageLine {
    pub(super) href: String,
    pub(super) at: Moment,
    pub(super) kind: String,
    pub(super) recipients: String,
    pub(super) subject: String,
    pub(super) reference: String,
    pub(super) chip: &'static str,
    pub(super) status: String,
}

impl MessageLine {
    pub(super) fn of(t: Texts, place: &Place, record: &MessageRecord) -> Self {
        let first = record.recipients.first();
        let first = first.map(|first| first.mailbox.email.to_string()).unwrap_or_default();
        let recipients = match record.recipients.len().saturating_sub(1) {
            0 => first,
            more => {
                let more = more.to_string();
                t.with("messages-and-more", [("first", first.as_str()), ("count", more.as_str())])
            }
        };
        Self {
            href: place.path(&format!("messages/{}", record.id)),
            at: record.created_at.into(),
            kind: t.say(&format!("message-kind-{}", record.kind.as_str())),
            recipients,
            subject: record.subject.as_str().to_owned(),
            reference: record.reference.as_ref().map(ToString::to_string).unwrap_or_default(),
            chip: chip(record.status),
            status: t.say(&format!("message-status-{}", record.status.as_str())),
        }
    }
}

/// A message with everything that is known of it but what it says.
pub(super) struct WholeMessage {
    pub(super) subject: String,
    pub(super) kind: String,
    pub(super) chip: &'static str,
    pub(super) status: String,
    pub(super) explanation: String,
    /// The server's last words, where they say more than the status does.
    pub(super) last_reply: Option<String>,
    pub(super) next_attempt: Option<Moment>,
    pub(super) send_at: Option<Moment>,
    pub(super) reference: Option<String>,
    pub(super) reply_to: Option<String>,
    pub(super) sender: String,
    pub(super) header_id: String,
    pub(super) size: String,
    pub(super) on_uncertain: String,
    pub(super) created: Moment,
    pub(super) updated: Moment,
    pub(super) recipients: Vec<RecipientLine>,
    pub(super) attempts: Vec<AttemptLine>,
}

pub(super) struct RecipientLine {
    pub(super) role: String,
    pub(super) name: Option<String>,
    pub(super) email: String,
    pub(super) chip: &'static str,
    pub(super) status: String,
    pub(super) reply: String,
}

pub(super) struct AttemptLine {
    pub(super) number: u32,
    pub(super) at: Moment,
    pub(super) took: Option<String>,
    pub(super) version: String,
    pub(super) chip: &'static str,
    pub(super) outcome: String,
    pub(super) reply: String,
}

impl WholeMessage {
    pub(super) fn of(t: Texts, record: MessageRecord) -> Self {
        let status = record.status;
        Self {
            kind: t.say(&format!("message-kind-{}", record.kind.as_str())),
            chip: chip(status),
            status: t.say(&format!("message-status-{}", status.as_str())),
            explanation: t.say(&format!("message-explained-{}", record.explanation.as_str())),
            last_reply: record.last_reply.filter(|_| status.reply_matters()),
            next_attempt: record.next_attempt_at.map(Into::into),
            send_at: record.send_at.map(Into::into),
            reference: record.reference.map(|reference| reference.to_string()),
            reply_to: record.reply_to.map(|email| email.to_string()),
            sender: record.sender_slug.to_string(),
            size: in_units(t, record.size),
            on_uncertain: t.say(&format!("message-on-uncertain-{}", record.on_uncertain.as_str())),
            created: record.created_at.into(),
            updated: record.updated_at.into(),
            recipients: record
                .recipients
                .into_iter()
                .map(|recipient| RecipientLine::of(t, recipient))
                .collect(),
            attempts: record
                .attempts
                .into_iter()
                .map(|attempt| AttemptLine::of(t, attempt))
                .collect(),
            subject: record.subject.as_str().to_owned(),
            header_id: record.header_id,
        }
    }
}

impl RecipientLine {
    fn of(t: Texts, record: RecipientRecord) -> Self {
        Self {
            role: t.say(&format!("recipient-role-{}", record.role.as_str())),
            name: record.mailbox.name.map(|name| name.to_string()),
            email: record.mailbox.email.to_string(),
            chip: match record.status {
                RecipientStatus::Accepted => "good",
                RecipientStatus::Rejected | RecipientStatus::Expired => "bad",
                RecipientStatus::Deferred | RecipientStatus::Uncertain => "warn",
                RecipientStatus::Queued => "",
                RecipientStatus::Cancelled => "plain",
            },
            status: t.say(&format!("recipient-status-{}", record.status.as_str())),
            reply: record.last_reply.unwrap_or_default(),
        }
    }
}

impl AttemptLine {
    fn of(t: Texts, record: AttemptRecord) -> Self {
        let took = record.finished_at.and_then(|end| (end - record.started_at).to_std().ok());
        Self {
            number: record.number,
            at: record.started_at.into(),
            took: took.map(took_in_words),
            version: record.version.to_string(),
            chip: match record.outcome {
                None => "",
                Some(AttemptWord::Accepted) => "good",
                Some(
                    AttemptWord::Rejected | AttemptWord::AuthRefused | AttemptWord::FromRefused,
                ) => "bad",
                Some(
                    AttemptWord::PartlyAccepted
                    | AttemptWord::Deferred
                    | AttemptWord::Held
                    | AttemptWord::Uncertain
                    | AttemptWord::WorkerLost,
                ) => "warn",
                Some(AttemptWord::NotSent) => "plain",
            },
            outcome: match record.outcome {
                Some(outcome) => t.say(&format!("attempt-outcome-{}", outcome.as_str())),
                None => t.say("attempt-under-way"),
            },
            reply: record.reply.unwrap_or_default(),
        }
    }
}

/// How a status is coloured.
pub(super) const fn chip(status: MessageStatus) -> &'static str {
    match status {
        MessageStatus::Accepted => "good",
        MessageStatus::Rejected | MessageStatus::Expired => "bad",
        MessageStatus::PartlyAccepted
        | MessageStatus::Deferred
        | MessageStatus::Held
        | MessageStatus::Uncertain => "warn",
        MessageStatus::Queued | MessageStatus::Sending => "",
        MessageStatus::Cancelled => "plain",
    }
}

/// A number of bytes in the unit that suits it.
fn in_units(t: Texts, bytes: u64) -> String {
    let tenths = |unit: u64| {
        let tenths = bytes.saturating_mul(10) / unit;
        format!("{}.{}", tenths / 10, tenths % 10)
    };
    match bytes {
        0..1_000 => t.count("message-size-bytes", bytes),
        1_000..1_000_000 => t.with("message-size-kilobytes", [("size", tenths(1_000).as_str())]),
        _ => t.with("message-size-megabytes", [("size", tenths(1_000_000).as_str())]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_told_in_the_unit_that_suits_it() {
        let t = Texts::english();
        let cases = [
            (0, "0 bytes"),
            (1, "1 byte"),
            (999, "999 bytes"),
            (1_000, "1.0 kB"),
            (12_345, "12.3 kB"),
            (20_971_520, "20.9 MB"),
        ];
        for (bytes, expected) in cases {
            assert_eq!(in_units(t, bytes), expected, "{bytes}");
        }
    }
}
