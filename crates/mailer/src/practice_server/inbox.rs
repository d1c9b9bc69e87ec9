//! What the practice server caught and counted.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use tokio::sync::watch;

use super::command::Verb;

/// Bytes of caught mail kept at most, whatever their number; the newest mail is always kept.
const MAX_KEPT_BYTES: usize = 256 * 1024 * 1024;

/// One mail the server took, as it was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaughtMail {
    /// Number of the mail on this server, from 1.
    pub id: u64,
    /// When the final dot arrived.
    pub received_at: DateTime<Utc>,
    /// The address in `MAIL FROM:<…>`; empty for the null sender.
    pub mail_from: String,
    /// The recipients that were accepted, in their order.
    pub rcpt_to: Vec<String>,
    /// The parameters of MAIL as sent, such as `SIZE=1234`.
    pub mail_parameters: Vec<String>,
    /// Who had signed in.
    pub username: Option<String>,
    /// Whether the mail came under TLS.
    pub tls: bool,
    /// Number of the connection on this server, from 1: equal for mails of one connection.
    pub connection: u64,
    /// The mail byte for byte, after the removal of the dots that transparency added.
    pub bytes: Vec<u8>,
}

impl CaughtMail {
    /// The `Subject` as sent, unfolded; encoded words stay encoded.
    pub fn subject(&self) -> Option<String> {
        self.header("Subject")
    }

    /// The `Message-ID` with its angle brackets.
    pub fn message_id(&self) -> Option<String> {
        self.header("Message-ID")
    }

    /// The first header of that name, unfolded; `name` in any case.
    pub fn header(&self, name: &str) -> Option<String> {
        let text = String::from_utf8_lossy(&self.bytes);
        let head = text.split("\r\n\r\n").next().unwrap_or_default();
        let mut lines = head.split("\r\n").skip_while(|line| {
            !line.split_once(':').is_some_and(|(found, _)| found.eq_ignore_ascii_case(name))
        });
        let mut value = lines.next()?.split_once(':')?.1.trim().to_owned();
        for line in lines.take_while(|line| line.starts_with([' ', '\t'])) {
            value.push(' ');
            value.push_str(line.trim());
        }
        Some(value)
    }
}

/// What the server has counted since its start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Connections accepted, refused ones and failed handshakes included.
    pub connections: u64,
    /// Connections that are open now.
    pub open_connections: u64,
    /// The most connections that were open at one moment.
    pub most_open_connections: u64,
    /// Sign-ins answered with 235.
    pub sign_ins_accepted: u64,
    /// Sign-ins answered with anything else.
    pub sign_ins_refused: u64,
    /// Messages caught, those that were forgotten since included.
    pub messages: u64,
    /// Command and body lines with a bare CR or a bare LF.
    pub bare_line_ends: u64,
    commands: [u64; Verb::ALL.len()],
}

impl Counters {
    /// How often this command was read, whatever it was answered.
    pub fn commands(&self, verb: Verb) -> u64 {
        self.commands.get(verb as usize).copied().unwrap_or_default()
    }
}

/// A handle on what the server caught; clones look at the same inbox.
#[derive(Clone)]
pub struct Inbox(Arc<Shared>);

struct Shared {
    max_caught: usize,
    caught: Mutex<Caught>,
    /// Messages caught since the start or the last clearing.
    arrivals: watch::Sender<usize>,
    connections: AtomicU64,
    open: AtomicU64,
    most_open: AtomicU64,
    sign_ins_accepted: AtomicU64,
    sign_ins_refused: AtomicU64,
    bare_line_ends: AtomicU64,
    commands: [AtomicU64; Verb::ALL.len()],
}

#[derive(Default)]
struct Caught {
    /// Oldest first.
    mails: VecDeque<Arc<CaughtMail>>,
    bytes: usize,
    last_id: u64,
}

impl Inbox {
    pub(super) fn new(max_caught: usize) -> Self {
        Self(Arc::new(Shared {
            max_caught: max_caught.max(1),
            caught: Mutex::default(),
            arrivals: watch::Sender::new(0),
            connections: AtomicU64::new(0),
            open: AtomicU64::new(0),
            most_open: AtomicU64::new(0),
            sign_ins_accepted: AtomicU64::new(0),
            sign_ins_refused: AtomicU64::new(0),
            bare_line_ends: AtomicU64::new(0),
            commands: Default::default(),
        }))
    }

    /// What was caught and is still kept, newest first.
    pub fn list(&self) -> Vec<Arc<CaughtMail>> {
        self.lock().mails.iter().rev().cloned().collect()
    }

    /// The mail of that number, unless it was never caught or is forgotten.
    pub fn find(&self, id: u64) -> Option<Arc<CaughtMail>> {
        self.lock().mails.iter().rev().find(|mail| mail.id == id).cloned()
    }

    /// Forgets all mails; numbers go on, counters stay.
    pub fn clear(&self) {
        let mut caught = self.lock();
        caught.mails.clear();
        caught.bytes = 0;
        self.0.arrivals.send_replace(0);
    }

    /// Waits until `count` messages have been caught since the start or the last clearing, and
    /// gives what is kept, newest first.
    pub async fn wait_for(&self, count: usize) -> Vec<Arc<CaughtMail>> {
        let mut arrivals = self.0.arrivals.subscribe();
        // The sender lives in `self`, so waiting can only end by the count.
        let _ = arrivals.wait_for(|arrived| *arrived >= count).await;
        self.list()
    }

    /// What was counted up to now.
    pub fn counters(&self) -> Counters {
        let shared = &self.0;
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counters {
            connections: read(&shared.connections),
            open_connections: read(&shared.open),
            most_open_connections: read(&shared.most_open),
            sign_ins_accepted: read(&shared.sign_ins_accepted),
            sign_ins_refused: read(&shared.sign_ins_refused),
            messages: self.lock().last_id,
            bare_line_ends: read(&shared.bare_line_ends),
            commands: shared.commands.each_ref().map(read),
        }
    }

    /// Keeps a mail under the next number, forgetting the oldest ones beyond the bounds.
    pub(super) fn keep(&self, mut mail: CaughtMail) -> u64 {
        let mut caught = self.lock();
        caught.last_id += 1;
        mail.id = caught.last_id;
        caught.bytes += mail.bytes.len();
        caught.mails.push_back(Arc::new(mail));
        while caught.mails.len() > self.0.max_caught
            || (caught.bytes > MAX_KEPT_BYTES && caught.mails.len() > 1)
        {
            let Some(oldest) = caught.mails.pop_front() else { break };
            caught.bytes -= oldest.bytes.len();
        }
        // Under the lock, so that a clearing cannot come between the mail and its count.
        self.0.arrivals.send_modify(|arrived| *arrived += 1);
        caught.last_id
    }

    /// Counts a connection until what it gives is dropped.
    pub(super) fn connection_opened(&self) -> OpenConnection {
        let number = self.0.connections.fetch_add(1, Ordering::Relaxed) + 1;
        let open = self.0.open.fetch_add(1, Ordering::Relaxed) + 1;
        self.0.most_open.fetch_max(open, Ordering::Relaxed);
        OpenConnection { number, inbox: self.clone() }
    }

    pub(super) fn count_sign_in(&self, accepted: bool) {
        let counter = if accepted { &self.0.sign_ins_accepted } else { &self.0.sign_ins_refused };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_command(&self, verb: Verb) {
        if let Some(counter) = self.0.commands.get(verb as usize) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn count_bare_line_end(&self) {
        self.0.bare_line_ends.fetch_add(1, Ordering::Relaxed);
    }

    fn lock(&self) -> MutexGuard<'_, Caught> {
        self.0.caught.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection that counts as open until this is dropped.
pub(super) struct OpenConnection {
    pub(super) number: u64,
    inbox: Inbox,
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.inbox.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail(bytes: &str) -> CaughtMail {
        CaughtMail {
            id: 0,
            received_at: DateTime::UNIX_EPOCH,
            mail_from: String::new(),
            rcpt_to: Vec::new(),
            mail_parameters: Vec::new(),
            username: None,
            tls: true,
            connection: 1,
            bytes: bytes.as_bytes().to_vec(),
        }
    }

    #[test]
    fn headers_are_found_in_any_case_and_unfolded() {
        let mail =
            mail("To: x\r\nsubject: One\r\n two\r\nMessage-Id: <1@x>\r\n\r\nSubject: no\r\n");

        assert_eq!(mail.subject().as_deref(), Some("One two"));
        assert_eq!(mail.message_id().as_deref(), Some("<1@x>"));
        assert_eq!(mail.header("From"), None);
    }

    #[test]
    fn the_oldest_mails_are_forgotten_and_numbers_go_on() {
        let inbox = Inbox::new(2);

        for text in ["a", "b", "c"] {
            inbox.keep(mail(text));
        }

        let ids: Vec<_> = inbox.list().iter().map(|mail| mail.id).collect();
        assert_eq!(ids, [3, 2]);
        assert_eq!(inbox.find(1), None);
        assert_eq!(inbox.counters().messages, 3);
    }

    #[tokio::test]
    async fn waiting_counts_from_the_last_clearing() {
        let inbox = Inbox::new(10);
        inbox.keep(mail("before"));
        inbox.clear();

        let waiting = tokio::spawn({
            let inbox = inbox.clone();
            async move { inbox.wait_for(1).await }
        });
        inbox.keep(mail("after"));

        let caught = waiting.await.unwrap();
        assert_eq!(caught.first().map(|mail| mail.bytes.clone()), Some(b"after".to_vec()));
    }
}
