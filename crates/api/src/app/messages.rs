//! Messages: taking them over, looking at them, cancelling and retrying them.

use chrono::DateTime;
use letterhead_domain::{
    event::AuditAction,
    field_errors::{FieldErrors, Invalid},
    id::MessageId,
    message::{MessageInput, MessageStatus, NewMessage},
};
use letterhead_storage::{
    error::StorageError,
    record::{MessageRecord, Page, PageRequest},
    repo::message::{Acceptance, Idempotency, MessageFilter, StandingCounts},
};
use uuid::Uuid;

use super::{App, AppError, access::Caller, gather::Answer, intake::Arrival, room::Place};
use crate::random;

/// A caller's promise that equal keys mean the same message.
pub struct IdempotencyKey {
    /// The key as given.
    pub key: String,
    /// SHA-256 of the request's body.
    pub body_hash: [u8; 32],
}

/// A message that was taken over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// Its id.
    pub id: MessageId,
    /// Its `Message-ID` header.
    pub header_id: String,
    /// Always `queued`: a repeated call gives the first answer.
    pub status: MessageStatus,
}

/// Parses a message. The database is asked for the time only if the message names one.
///
/// # Errors
///
/// [`AppError::Invalid`] with every refused field.
pub async fn parse(app: &App, input: MessageInput) -> Result<NewMessage, AppError> {
    let now = match input.send_at {
        Some(_) => app.store.system().await?.now(),
        None => DateTime::UNIX_EPOCH,
    };
    Ok(NewMessage::parse(input, &app.rules.message, now)?)
}

/// Takes a message over, durably; it leaves when its sender is live and its turn comes. `place` is the
/// room that it takes in memory, if it is large.
///
/// # Errors
///
/// [`AppError::Conflict`] if there is no such sender, [`AppError::Forbidden`] if the tenant is
/// suspended, [`AppError::Invalid`] if the idempotency key was used with another body.
pub async fn accept(
    app: &App,
    caller: &Caller,
    message: NewMessage,
    idempotency: Option<IdempotencyKey>,
    place: Option<Place>,
) -> Result<Accepted, AppError> {
    accept_all(app, caller, "messages", vec![(message, idempotency)], place).await.remove(0)
}

/// Takes many messages over, each by itself; the outcomes come in the same order. `place` is the room
/// that they take in memory together, if they are large.
pub async fn accept_batch(
    app: &App,
    caller: &Caller,
    messages: Vec<(NewMessage, Option<IdempotencyKey>)>,
    place: Option<Place>,
) -> Vec<Result<Accepted, AppError>> {
    accept_all(app, caller, "messages/batch", messages, place).await
}

async fn accept_all(
    app: &App,
    caller: &Caller,
    route: &'static str,
    messages: Vec<(NewMessage, Option<IdempotencyKey>)>,
    place: Option<Place>,
) -> Vec<Result<Accepted, AppError>> {
    let arrivals = messages.into_iter().map(|(message, idempotency)| Arrival {
        tenant: caller.tenant,
        id: random::id(),
        message,
        idempotency: idempotency.map(|given| Idempotency {
            id: random::id::<Uuid>(),
            route,
            key: given.key,
            body_hash: given.body_hash,
        }),
        place: place.clone(),
    });
    let mut outcomes = Vec::new();
    for answer in app.intake.enter(arrivals) {
        outcomes.push(match answer.await {
            Ok(Answer { wish, outcome }) => {
                outcome.map_err(Into::into).and_then(|outcome| accepted(wish.id, outcome))
            }
            Err(_) => Err(AppError::Internal(StorageError::Corrupt { table: "(intake task)" })),
        });
    }
    outcomes
}

fn accepted(new: MessageId, acceptance: Acceptance) -> Result<Accepted, AppError> {
    let accepted = |id, header_id| Accepted { id, header_id, status: MessageStatus::Queued };
    match acceptance {
        Acceptance::New { header_id } => Ok(accepted(new, header_id)),
        Acceptance::Same { id, header_id } => Ok(accepted(id, header_id)),
        Acceptance::DifferentBody => {
            let message = "this key was used with another body within the last 7 days";
            let invalid = Invalid::new("idempotency_key_reused", message);
            Err(FieldErrors::one("", invalid).into())
        }
        Acceptance::NoSender => Err(AppError::Conflict("there is no such sender".to_owned())),
        Acceptance::Suspended => Err(AppError::Forbidden("this tenant is suspended".to_owned())),
    }
}

/// Loads a message with its recipients and attempts.
///
/// # Errors
///
/// [`AppError::NotFound`].
pub async fn load(app: &App, caller: &Caller, id: &str) -> Result<MessageRecord, AppError> {
    let none = AppError::NotFound("message");
    let Ok(id) = id.parse::<MessageId>() else { return Err(none) };
    let tx = app.store.tenant(caller.tenant).await?;
    tx.messages().find(id).await?.ok_or(none)
}

/// Lists messages, newest first.
///
/// # Errors
///
/// [`AppError::Unavailable`].
pub async fn list(
    app: &App,
    caller: &Caller,
    filter: MessageFilter,
    page: PageRequest,
) -> Result<Page<MessageRecord>, AppError> {
    Ok(app.store.tenant(caller.tenant).await?.messages().list(filter, page).await?)
}

/// Counts the messages that wait or went wrong, each kind up to a thousand.
///
/// # Errors
///
/// [`AppError::Unavailable`].
pub async fn standing(app: &App, caller: &Caller) -> Result<StandingCounts, AppError> {
    Ok(app.store.tenant(caller.tenant).await?.messages().standing().await?)
}

/// Cancels a message that still waits.
///
/// # Errors
///
/// [`AppError::Conflict`] if it is on its way or has come to its end.
pub async fn cancel(app: &App, caller: &Caller, id: MessageId) -> Result<MessageRecord, AppError> {
    change(app, caller, id, AuditAction::MessageCancelled).await
}

/// Puts a message back into the queue, for the recipients that have not got it.
///
/// # Errors
///
/// [`AppError::Conflict`] if it still waits or everybody has got it.
pub async fn retry(app: &App, caller: &Caller, id: MessageId) -> Result<MessageRecord, AppError> {
    let record = change(app, caller, id, AuditAction::MessageRetried).await?;
    app.waker.wake();
    Ok(record)
}

async fn change(
    app: &App,
    caller: &Caller,
    id: MessageId,
    action: AuditAction,
) -> Result<MessageRecord, AppError> {
    let tx = app.store.tenant(caller.tenant).await?;
    if action == AuditAction::MessageCancelled {
        tx.messages().cancel(id).await?;
    } else {
        tx.messages().retry(id).await?;
    }
    tx.audit().record(random::id(), &caller.actor(), action, &id.to_string(), &[]).await?;
    let record = tx.messages().load(id).await?;
    tx.commit().await?;
    Ok(record)
}
