//! Accepting messages: any number, of any tenants, in one statement, and no wake-up lost. Large ones are
//! copied beside it ([`apart`]), in the same transaction.

use std::collections::HashMap;

use letterhead_domain::{
    email::EmailAddress,
    id::{MessageId, RecipientId, TenantId},
    message::{LONGEST_WAIT, NewMessage, SenderRef},
    text::{DisplayName, Reference},
};
use sea_orm::{DbErr, FromQueryResult, RuntimeErr, sqlx};
use uuid::Uuid;

mod apart;

use crate::{
    error::{StorageError, failed, is_cut, is_there},
    repo::{row, sql::statement},
    store::{STALE_TRIES, Store},
};

/// A message to be taken over, with the ids that its rows get.
pub struct Accept<'a> {
    /// Whose it is.
    pub tenant: TenantId,
    /// Its id. It must be new: a call with an id that is there has been answered before.
    pub id: MessageId,
    /// What it is, and the sender through which it leaves.
    pub message: &'a NewMessage,
    /// One id for each of its recipients.
    pub recipient_ids: Vec<RecipientId>,
    /// The caller's promise that equal keys mean the same message.
    pub idempotency: Option<Idempotency>,
}

/// A key under which the same message may be handed over again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Idempotency {
    /// The id of the key's row.
    pub id: Uuid,
    /// Keys are apart from route to route.
    pub route: &'static str,
    /// The key as given.
    pub key: String,
    /// SHA-256 of the request's body.
    pub body_hash: [u8; 32],
}

/// What came of a message that was to be taken over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Acceptance {
    /// It is taken over, durably; it leaves when its sender is live and its turn comes.
    New {
        /// Its `Message-ID` header.
        header_id: String,
    },
    /// It was before, under the same key.
    Same {
        /// The id of the message that was accepted first.
        id: MessageId,
        /// Its `Message-ID` header.
        header_id: String,
    },
    /// The key belongs to another body.
    DifferentBody,
    /// The tenant has no such sender.
    NoSender,
    /// The tenant is suspended.
    Suspended,
}

/// The function is in `migrations/sql`, with what its arrays mean.
const ACCEPT: &str = "
SELECT outcomes, headers FROM letterhead_accept(
    $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21,
    $22, $23, $24, $25, $26, $27, $28, $29)";

const FIRST_ACCEPTED: &str = "
SELECT m.id, m.header_id, k.body_hash
FROM idempotency_keys k
JOIN messages m ON m.tenant_id = k.tenant_id AND m.id = k.message_id
WHERE k.tenant_id = $1 AND k.route = $2 AND k.key = $3";

/// What the statement says of one message.
struct Answered {
    outcome: String,
    header_id: Option<String>,
}

#[derive(FromQueryResult)]
struct FirstRow {
    id: Uuid,
    header_id: String,
    body_hash: Vec<u8>,
}

impl Store {
    /// Takes messages over; gives what came of each, in their order. Under an idempotency key a
    /// message is taken over once, however many ask at the same moment.
    ///
    /// All are committed together, in a statement that is a transaction of its own.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unavailable`] if the database is away: each may then have been taken over or
    /// not. [`StorageError::Database`] if a value is one that Postgres does not take: then none was.
    pub async fn accept(&self, messages: &[Accept<'_>]) -> Result<Vec<Acceptance>, StorageError> {
        let answers = self.accept_once(messages).await?;
        let mut outcomes = Vec::with_capacity(messages.len());
        for (message, answer) in messages.iter().zip(answers) {
            outcomes.push(self.understood(message, answer).await?);
        }
        Ok(outcomes)
    }

    async fn understood(
        &self,
        message: &Accept<'_>,
        mut answer: Answered,
    ) -> Result<Acceptance, StorageError> {
        loop {
            let Answered { outcome, header_id } = answer;
            match (outcome.as_str(), header_id) {
                ("new", Some(header_id)) => return Ok(Acceptance::New { header_id }),
                ("no_sender", _) => return Ok(Acceptance::NoSender),
                ("suspended", _) => return Ok(Acceptance::Suspended),
                ("known", _) => {
                    if let Some(first) = self.first_accepted(message).await? {
                        return Ok(first);
                    }
                    // The key was there and is gone: the sweep forgot it between the statements.
                    answer = self.accept_once(std::slice::from_ref(message)).await?.remove(0);
                }
                _ => return Err(StorageError::Corrupt { table: "messages" }),
            }
        }
    }

    /// Runs the statement. On a connection that died it is run again: what the first run may have
    /// stored has the same ids, and is not stored twice.
    async fn accept_once(&self, messages: &[Accept<'_>]) -> Result<Vec<Answered>, StorageError> {
        const ACTION: &str = "accept messages";
        let mut tries = 0;
        let (outcomes, headers) = loop {
            let pool = self.db().get_postgres_connection_pool();
            let query = async {
                if messages.iter().any(apart::is_large) {
                    apart::accept(pool, messages).await
                } else {
                    bound(messages).fetch_one(pool).await
                }
            };
            match self.in_time(ACTION, query).await? {
                Ok(answers) => break answers,
                Err(err) => {
                    let err = DbErr::Query(RuntimeErr::SqlxError(err.into()));
                    // What a dead connection was asked may still be under way.
                    let is_asked_again = tries > 0 && is_there(&err);
                    if !(is_cut(&err) || is_asked_again) || tries == STALE_TRIES {
                        return Err(failed(ACTION)(err));
                    }
                    tries += 1;
                }
            }
        };
        if outcomes.len() != messages.len() || headers.len() != messages.len() {
            return Err(StorageError::Corrupt { table: "messages" });
        }
        let answers = outcomes.into_iter().zip(headers);
        Ok(answers.map(|(outcome, header_id)| Answered { outcome, header_id }).collect())
    }

    async fn first_accepted(
        &self,
        message: &Accept<'_>,
    ) -> Result<Option<Acceptance>, StorageError> {
        let Some(key) = &message.idempotency else { return Ok(None) };
        let values = [message.tenant.get().into(), key.route.into(), key.key.as_str().into()];
        let tx = self.tenant(message.tenant).await?;
        let find = statement(FIRST_ACCEPTED, values);
        let action = "find the message first accepted under a key";
        let first = row::<FirstRow>(&tx.tx, find, action).await?;
        Ok(first.map(|first| {
            if first.body_hash == key.body_hash {
                Acceptance::Same { id: first.id.into(), header_id: first.header_id }
            } else {
                Acceptance::DifferentBody
            }
        }))
    }
}

/// Of each message its outcome, and its `Message-ID` header if it has one.
type AnswerRow = (Vec<String>, Vec<Option<String>>);

/// The senders through which messages leave: each once, however many leave through it.
#[derive(Default)]
struct Ways<'q> {
    tenants: Vec<Uuid>,
    senders: Vec<Option<Uuid>>,
    slugs: Vec<Option<&'q str>>,
    /// Of each message, counted from 1.
    of: Vec<i32>,
}

impl<'q> Ways<'q> {
    fn of(messages: &'q [Accept<'_>]) -> Self {
        let mut ways = Self::default();
        let mut known = HashMap::new();
        for accept in messages {
            let key @ (tenant, sender, slug) = match &accept.message.sender {
                SenderRef::Id(id) => (accept.tenant.get(), Some(id.get()), None),
                SenderRef::Slug(slug) => (accept.tenant.get(), None, Some(slug.as_str())),
            };
            let way = *known.entry(key).or_insert_with(|| {
                ways.tenants.push(tenant);
                ways.senders.push(sender);
                ways.slugs.push(slug);
                i32::try_from(ways.tenants.len()).unwrap_or(i32::MAX)
            });
            ways.of.push(way);
        }
        ways
    }
}

/// The statement with its arrays. Contents are borrowed: the driver's buffer is their only copy.
fn bound<'q>(
    messages: &'q [Accept<'_>],
) -> sqlx::query::QueryAs<'q, sqlx::Postgres, AnswerRow, sqlx::postgres::PgArguments> {
    macro_rules! column {
        ($read:expr) => {
            messages.iter().map($read).collect::<Vec<_>>()
        };
    }
    let mut files = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut people = (Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let inline = |it: &&'q Accept<'_>| !apart::is_large(it);
    for (turn, accept) in (1_i32..).zip(messages) {
        for file in accept.message.content.attachments.iter().filter(|_| inline(&accept)) {
            files.0.push(turn);
            files.1.push(file.filename.as_str());
            files.2.push(file.content_type.as_str());
            files.3.push(file.content.as_slice());
        }
        for (person, id) in accept.message.recipients.iter().zip(&accept.recipient_ids) {
            people.0.push(turn);
            people.1.push(id.get());
            people.2.push(person.role.as_str());
            people.3.push(person.mailbox.email.as_str());
            people.4.push(person.mailbox.name.as_ref().map(DisplayName::as_str));
        }
    }
    let ways = Ways::of(messages);
    sqlx::query_as(ACCEPT)
        .bind(ways.tenants)
        .bind(ways.senders)
        .bind(ways.slugs)
        .bind(ways.of)
        .bind(column!(|it| it.id.get()))
        .bind(column!(|it| it.message.kind.as_str()))
        // Order within a lane: the order in which the kinds are declared.
        .bind(column!(|it| it.message.kind as i16))
        .bind(column!(|it| it.message.reference.as_ref().map(Reference::as_str)))
        .bind(column!(|it| it.message.subject.as_str()))
        .bind(column!(|it| it.message.reply_to.as_ref().map(EmailAddress::as_str)))
        .bind(column!(|it| size(it.message)))
        .bind(column!(|it| it.message.on_uncertain.as_str()))
        .bind(column!(|it| it.message.send_at))
        .bind(LONGEST_WAIT.as_seconds_f64())
        .bind(column!(|it| it.message.content.text.as_deref().filter(|_| inline(&it))))
        .bind(column!(|it| it.message.content.html.as_deref().filter(|_| inline(&it))))
        .bind(files.0)
        .bind(files.1)
        .bind(files.2)
        .bind(files.3)
        .bind(people.0)
        .bind(people.1)
        .bind(people.2)
        .bind(people.3)
        .bind(people.4)
        .bind(column!(|it| it.idempotency.as_ref().map(|key| key.id)))
        .bind(column!(|it| it.idempotency.as_ref().map(|key| key.route)))
        .bind(column!(|it| it.idempotency.as_ref().map(|key| key.key.as_str())))
        .bind(column!(|it| it.idempotency.as_ref().map(|key| key.body_hash.as_slice())))
}

/// Text, HTML and decoded attachments, in bytes.
fn size(message: &NewMessage) -> i64 {
    i64::try_from(message.content.bytes()).unwrap_or(i64::MAX)
}
