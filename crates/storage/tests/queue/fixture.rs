//! A tenant with a live sender, and short words for what tests do with it.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use letterhead_domain::{
    delivery::AttemptWord,
    id::{AttemptId, LeaseToken, MessageId, RecipientId, SenderId, TenantId},
    limit::Limits,
    message::{
        Attachment, Mailbox, MessageContent, MessageKind, MessageStatus, NewMessage, NewRecipient,
        OnUncertain, RecipientRole, RecipientStatus, SenderRef,
    },
};
use letterhead_storage::{
    error::StorageError,
    key::MasterKeys,
    record::{LeasedLane, MessageRecord},
    repo::{
        lane::{
            AttemptResult, MarkRequest, Marked, MarkedMessage, Release, Released, Shares, Turn,
        },
        message::{Accept, Acceptance, Idempotency},
    },
    store::{Store, StoreConfig},
};
use letterhead_test_database::{Held, Lock, TestDatabase};
use tokio::task::JoinHandle;
use uuid::Uuid;

/// How long the tests' leases last.
pub(crate) const LEASE: Duration = Duration::from_secs(60);

/// A tenant with a live sender in a database of its own.
pub(crate) struct Queue {
    pub(crate) db: TestDatabase,
    pub(crate) store: Store,
    pub(crate) tenant: TenantId,
    pub(crate) sender: SenderId,
}

/// A new id, newer than those before it.
pub(crate) fn id<T: From<Uuid>>() -> T {
    Uuid::now_v7().into()
}

/// A receipt for one person.
pub(crate) fn receipt() -> NewMessage {
    NewMessage {
        kind: MessageKind::Receipt,
        sender: SenderRef::Slug("default".parse().unwrap()),
        reference: None,
        recipients: vec![to("ann@example.net")],
        reply_to: None,
        subject: "Your receipt".parse().unwrap(),
        content: MessageContent {
            text: Some("Thank you".to_owned()),
            html: None,
            attachments: Vec::new(),
        },
        send_at: None,
        on_uncertain: OnUncertain::Resend,
    }
}

/// A receipt for several people.
pub(crate) fn receipt_for(people: &[&str]) -> NewMessage {
    NewMessage { recipients: people.iter().map(|email| to(email)).collect(), ..receipt() }
}

/// A recipient in `To`.
pub(crate) fn to(email: &str) -> NewRecipient {
    let mailbox = Mailbox { email: email.parse().unwrap(), name: None };
    NewRecipient { role: RecipientRole::To, mailbox }
}

/// A PDF of `size` bytes.
pub(crate) fn attachment(size: usize) -> Attachment {
    Attachment {
        filename: "receipt.pdf".parse().unwrap(),
        content_type: "application/pdf".parse().unwrap(),
        content: (0..=250).cycle().take(size).collect(),
    }
}

/// A promise that equal keys mean the same message.
pub(crate) fn key(key: &str, body: u8) -> Idempotency {
    Idempotency { id: id(), route: "messages", key: key.to_owned(), body_hash: [body; 32] }
}

impl Queue {
    /// A database with one tenant and its live sender.
    pub(crate) async fn new() -> Self {
        Self::with_connections(20).await
    }

    /// The same over at most so many connections, each of which has plans of its own.
    pub(crate) async fn with_connections(connections: u32) -> Self {
        let db = TestDatabase::create().await;
        let keys = MasterKeys::parse(&MasterKeys::generate("test", &[7; 32])).unwrap();
        let config = StoreConfig { url: db.url(), connections, statement_cache: 100 };
        let store = Store::connect(config, keys).await.unwrap();
        let (tenant, sender) = (id(), id());
        let queue = Self { db, store, tenant, sender };
        queue.add_tenant(tenant).await;
        queue.add_sender(tenant, sender, "default").await;
        queue
    }

    /// Another tenant with a live sender.
    pub(crate) async fn other(&self) -> (TenantId, SenderId) {
        let (tenant, sender) = (id(), id());
        self.add_tenant(tenant).await;
        self.add_sender(tenant, sender, "default").await;
        (tenant, sender)
    }

    async fn add_tenant(&self, tenant: TenantId) {
        let sql = format!(
            "INSERT INTO tenants (id, slug, name) VALUES ('{tenant}', 'tenant-{tenant}', 'Aurora')"
        );
        self.db.sql(&sql).await;
    }

    /// A live sender with its lane.
    pub(crate) async fn add_sender(&self, tenant: TenantId, sender: SenderId, slug: &str) {
        let version: Uuid = id();
        let sql = format!(
            "INSERT INTO senders (tenant_id, id, slug, last_version, live_version)
                 VALUES ('{tenant}', '{sender}', '{slug}', 1, 1);
             INSERT INTO sender_versions (tenant_id, id, sender_id, number, host, port, encryption,
                     auth, sender_name, sender_email, created_by)
                 VALUES ('{tenant}', '{version}', '{sender}', 1, 'mail.aurora.example', 587,
                     'starttls', 'none', 'Aurora', 'billing@aurora.example', 'test');
             INSERT INTO lanes (tenant_id, id, blocked) VALUES ('{tenant}', '{sender}', false)"
        );
        self.db.sql(&sql).await;
    }

    /// The time that decides.
    pub(crate) async fn now(&self) -> DateTime<Utc> {
        self.store.tenant(self.tenant).await.unwrap().now()
    }

    /// Hands a message over, for this queue's sender.
    pub(crate) async fn accept(&self, message: &NewMessage) -> MessageId {
        self.accept_for(self.tenant, self.sender, message).await
    }

    /// Hands a message over.
    pub(crate) async fn accept_for(
        &self,
        tenant: TenantId,
        sender: SenderId,
        message: &NewMessage,
    ) -> MessageId {
        let new = id();
        let message = NewMessage { sender: SenderRef::Id(sender), ..message.clone() };
        let accepted = self.store.accept(&[accept(tenant, new, &message, None)]).await.unwrap();
        assert_eq!(accepted, [new_message(new)]);
        new
    }

    /// Hands over `count` receipts.
    pub(crate) async fn accept_many(&self, count: usize) -> Vec<MessageId> {
        let message = NewMessage { sender: SenderRef::Id(self.sender), ..receipt() };
        let ids: Vec<MessageId> = (0..count).map(|_| id()).collect();
        let accepts: Vec<_> =
            ids.iter().map(|&new| accept(self.tenant, new, &message, None)).collect();
        let accepted = self.store.accept(&accepts).await.unwrap();
        assert_eq!(accepted, ids.iter().map(|&new| new_message(new)).collect::<Vec<_>>());
        ids
    }

    /// Hands a message over in a transaction that stays open, with the lane kept from being parked,
    /// until what this gives is released; then its end can be awaited.
    pub(crate) async fn open_accept(self: &Arc<Self>) -> (Held, JoinHandle<MessageId>) {
        let held = self.db.hold("LOCK TABLE message_bodies IN EXCLUSIVE MODE").await;
        let queue = self.clone();
        let accepting = tokio::spawn(async move { queue.accept(&receipt()).await });
        self.db.wait_for_a_lock(Lock::Table).await;
        (held, accepting)
    }

    /// Claims up to `lanes` due lanes.
    pub(crate) async fn claim(&self, lanes: usize) -> Vec<LeasedLane> {
        self.claim_within(lanes, Shares { unknown: lanes, in_trouble: lanes }).await
    }

    /// Claims up to `lanes` due lanes, within `shares`.
    pub(crate) async fn claim_within(&self, lanes: usize, shares: Shares) -> Vec<LeasedLane> {
        let tokens = || (0..lanes).map(|_| id()).collect::<Vec<LeaseToken>>();
        self.store.claim("worker", tokens, LEASE, shares).await.unwrap()
    }

    /// Claims the only lane that is due.
    pub(crate) async fn claim_one(&self) -> LeasedLane {
        let claimed = self.claim(10).await;
        assert_eq!(claimed.len(), 1, "one lane is due");
        claimed[0]
    }

    /// Marks at most `count` messages.
    pub(crate) async fn mark(&self, lane: &LeasedLane, count: usize) -> Marked {
        self.mark_bytes(lane, count, 1_000_000).await
    }

    /// Marks at most `count` messages and `max_bytes`.
    pub(crate) async fn mark_bytes(
        &self,
        lane: &LeasedLane,
        count: usize,
        max_bytes: u64,
    ) -> Marked {
        self.mark_within(lane, count, max_bytes, Limits::default()).await
    }

    /// Marks at most `count` messages, `max_bytes` and what `limits` leave.
    pub(crate) async fn mark_within(
        &self,
        lane: &LeasedLane,
        count: usize,
        max_bytes: u64,
        limits: Limits,
    ) -> Marked {
        let attempt_ids: Vec<AttemptId> = (0..count).map(|_| id()).collect();
        self.mark_under(lane, MarkRequest { attempt_ids: &attempt_ids, max_bytes, limits }).await
    }

    /// Marks what `request` says.
    pub(crate) async fn mark_under(&self, lane: &LeasedLane, request: MarkRequest<'_>) -> Marked {
        let turn = Turn { lane, results: &[], request };
        let marked = self.store.journal("worker", &[turn]).await.unwrap().remove(0).marked;
        if marked == Marked::Blocked {
            let tx = self.store.tenant(lane.tenant).await.unwrap();
            tx.lane(lane.sender, lane.token).block().await.unwrap();
            tx.commit().await.unwrap();
        }
        marked
    }

    /// Marks at most `count` messages, of which there is one at least.
    pub(crate) async fn window(&self, lane: &LeasedLane, count: usize) -> Vec<MarkedMessage> {
        match self.mark(lane, count).await {
            Marked::Window { messages, .. } => messages,
            nothing @ (Marked::Lost
            | Marked::Blocked
            | Marked::Nothing
            | Marked::Paced(_)
            | Marked::Full(_)) => {
                panic!("no window but {nothing:?}")
            }
        }
    }

    /// Records results; gives the refused ones back.
    pub(crate) async fn finish(
        &self,
        lane: &LeasedLane,
        results: &[AttemptResult],
    ) -> Vec<MessageId> {
        let tx = self.store.tenant(lane.tenant).await.unwrap();
        let results: Vec<&AttemptResult> = results.iter().collect();
        let refused = tx.lane(lane.sender, lane.token).finish(&results).await.unwrap();
        tx.commit().await.unwrap();
        refused
    }

    /// Gives a lane back; says whether it was still ours.
    pub(crate) async fn release(&self, lane: &LeasedLane, release: Release) -> Released {
        self.store.release(lane, release).await.unwrap()
    }

    /// Loads a message of this queue's tenant.
    pub(crate) async fn load(&self, message: MessageId) -> MessageRecord {
        let tx = self.store.tenant(self.tenant).await.unwrap();
        tx.messages().load(message).await.unwrap()
    }

    /// Cancels a message.
    pub(crate) async fn cancel(&self, message: MessageId) -> Result<(), StorageError> {
        let tx = self.store.tenant(self.tenant).await.unwrap();
        tx.messages().cancel(message).await?;
        tx.commit().await
    }

    /// Retries a message.
    pub(crate) async fn retry(&self, message: MessageId) -> Result<(), StorageError> {
        let tx = self.store.tenant(self.tenant).await.unwrap();
        tx.messages().retry(message).await?;
        tx.commit().await
    }

    /// Brings a message to its end, or to wait again.
    pub(crate) async fn settle(&self, message: MessageId, fates: &[RecipientStatus]) {
        let lane = self.claim_one().await;
        let window = self.window(&lane, 1).await;
        assert_eq!(window[0].id, message, "it is the next");
        let refused = self.finish(&lane, &[result(&window[0], fates)]).await;
        assert_eq!(refused, []);
        assert_ne!(self.release(&lane, Release::Park).await, Released::Lost);
    }
}

/// The call that hands `message` over.
pub(crate) fn accept(
    tenant: TenantId,
    new: MessageId,
    message: &NewMessage,
    idempotency: Option<Idempotency>,
) -> Accept<'_> {
    let recipient_ids = message.recipients.iter().map(|_| id::<RecipientId>()).collect();
    Accept { tenant, id: new, message, recipient_ids, idempotency }
}

/// What a call is answered that took the message `new` over.
pub(crate) fn new_message(new: MessageId) -> Acceptance {
    Acceptance::New { header_id: format!("<{new}@aurora.example>") }
}

/// A result that gives the tried recipients these fates; what waits, waits for a minute.
pub(crate) fn result(marked: &MarkedMessage, fates: &[RecipientStatus]) -> AttemptResult {
    let standing: Vec<_> = marked.settled.iter().chain(fates).copied().collect();
    let status = letterhead_domain::delivery::fold(&standing, false);
    let waits = matches!(status, MessageStatus::Queued | MessageStatus::Deferred);
    AttemptResult {
        message: marked.id,
        attempt: marked.attempt,
        outcome: match status {
            MessageStatus::Accepted => AttemptWord::Accepted,
            MessageStatus::PartlyAccepted => AttemptWord::PartlyAccepted,
            MessageStatus::Uncertain => AttemptWord::Uncertain,
            MessageStatus::Queued => AttemptWord::NotSent,
            MessageStatus::Deferred => AttemptWord::Deferred,
            MessageStatus::Sending
            | MessageStatus::Held
            | MessageStatus::Rejected
            | MessageStatus::Cancelled
            | MessageStatus::Expired => AttemptWord::Rejected,
        },
        reply: Some("250 2.0.0 as it may be".to_owned()),
        status,
        fates: marked
            .pending
            .iter()
            .zip(fates)
            .map(|((recipient, _), fate)| (*recipient, *fate, Some(fate.as_str().to_owned())))
            .collect(),
        retry_after: waits.then_some(Duration::from_secs(60)),
        counts: true,
    }
}

/// A result in which the server took the message for everybody.
pub(crate) fn accepted(marked: &MarkedMessage) -> AttemptResult {
    result(marked, &vec![RecipientStatus::Accepted; marked.pending.len()])
}
