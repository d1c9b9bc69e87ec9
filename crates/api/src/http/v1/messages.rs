//! Messages: handing them over, looking at them, cancelling and retrying them.

use letterhead_domain::{
    access::Scope,
    email::EmailAddress,
    field_errors::{FieldErrors, Invalid},
    message::{MessageKind, MessageStatus, NewMessage},
    text::Reference,
};
use letterhead_storage::repo::message::MessageFilter;
use poem::web::Data;
use poem_openapi::{
    ApiResponse, OpenApi,
    param::{Path, Query},
    payload::Json,
};

use super::{
    super::{
        auth::SignedIn,
        body::{Body, Each, NoFields, Parsed, WithFiles},
        error::ApiError,
        files::Files,
        headers::HeaderLines,
        limits::{BATCH_BODY, BATCH_MESSAGES, SMALL_BODY, message_body},
        paging::{self, CursorText, Limit, Page},
        text::Word,
    },
    Tag,
};
use crate::app::{
    App, AppError, access,
    messages::{self, IdempotencyKey},
    senders,
};

mod dto;

use dto::{
    AcceptedMessage, BatchItem, BatchResult, BatchResults, CreateBatch, CreateMessage, Message,
};

/// The operations on messages.
pub(in crate::http) struct MessagesApi;

#[derive(ApiResponse)]
enum MessageAccepted {
    /// The message is stored and will be sent; or it was, by an earlier call with the same key
    #[oai(status = 202)]
    Accepted(Json<AcceptedMessage>, #[oai(header = "Location")] String),
}

#[derive(ApiResponse)]
enum BatchAnswered {
    /// Each message was judged by itself; see `results`
    #[oai(status = 202)]
    Answered(Json<BatchResults>),
}

/// Parses one message of a batch with its key, and notes every refused field of both.
async fn parse_item(
    app: &App,
    item: Parsed<BatchItem>,
) -> Result<(NewMessage, Option<IdempotencyKey>), AppError> {
    let Parsed { value: BatchItem { idempotency_key, message }, hash } = item;
    let mut errors = FieldErrors::default();
    if idempotency_key.as_deref().is_some_and(|key| !HeaderLines::is_idempotency_key(key)) {
        let message = "give 1 to 255 visible ASCII characters";
        errors.push("/idempotency_key", Invalid::new("idempotency_key", message));
    }
    let message = match messages::parse(app, message.input(&mut Files::default())).await {
        Ok(message) => Some(message),
        Err(AppError::Invalid(refused)) => {
            errors.extend(refused.below("/message"));
            None
        }
        Err(err) => return Err(err),
    };
    let message = errors.or(message)?;
    Ok((message, idempotency_key.map(|key| IdempotencyKey { key, body_hash: hash })))
}

#[OpenApi(prefix_path = "/v1", tag = "Tag::Messages")]
impl MessagesApi {
    /// Hand a message over
    ///
    /// It is stored before you get the answer, and leaves through its sender as soon as that is live
    /// and its turn comes. Give an `Idempotency-Key`: the same body again under the same key is the
    /// same message, for 7 days, so you can repeat a call whose answer was lost.
    #[oai(path = "/tenants/:tenant/messages", method = "post", operation_id = "createMessage")]
    async fn create(
        &self,
        app: Data<&App>,
        key: SignedIn,
        /// The tenant's id, its slug, or `self`
        tenant: Path<String>,
        /// 1 to 255 visible ASCII characters of your choice that name this message
        #[oai(name = "Idempotency-Key")]
        idempotency_key: HeaderLines,
        body: Body<CreateMessage>,
    ) -> Result<MessageAccepted, ApiError> {
        let caller = access::enter(&app, &key.0, &tenant).await?;
        caller.require(Scope::MessagesSend)?;
        let room = |bytes| app.room.take(caller.tenant, bytes);
        let limit = message_body(&app.rules.message);
        let WithFiles { value, hash, mut files, place } =
            body.parse_with_files(CreateMessage::FILES, limit, &room).await?;
        let idempotency = idempotency_key.idempotency_key()?;
        let message = messages::parse(&app, value.input(&mut files)).await?;
        let idempotency = idempotency.map(|key| IdempotencyKey { key, body_hash: hash });
        let accepted = messages::accept(&app, &caller, message, idempotency, place).await?;
        let location = format!("/v1/tenants/{}/messages/{}", caller.tenant, accepted.id);
        Ok(MessageAccepted::Accepted(Json(accepted.into()), location))
    }

    /// Hand many messages over
    ///
    /// Up to 500 at once, in a body of at most 32 MiB. Each is judged and stored by itself, as a call
    /// of its own would be: one that is refused keeps none of the others back. Those that were taken
    /// over are stored before you get the answer.
    #[oai(
        path = "/tenants/:tenant/messages/batch",
        method = "post",
        operation_id = "createMessages"
    )]
    async fn create_batch(
        &self,
        app: Data<&App>,
        key: SignedIn,
        /// The tenant's id, its slug, or `self`
        tenant: Path<String>,
        body: Body<CreateBatch>,
    ) -> Result<BatchAnswered, ApiError> {
        let caller = access::enter(&app, &key.0, &tenant).await?;
        caller.require(Scope::MessagesSend)?;
        // A body of many messages is held twice while it is read.
        let room = |bytes: usize| app.room.take(caller.tenant, bytes.saturating_mul(2));
        let Each { things, place } =
            body.parse_each::<BatchItem>("messages", BATCH_MESSAGES, BATCH_BODY, &room).await?;
        let mut results = Vec::with_capacity(things.len());
        let (mut indices, mut parsed) = (Vec::new(), Vec::new());
        for (index, item) in things.into_iter().enumerate() {
            let message = match item {
                Ok(item) => parse_item(&app, item).await,
                Err(refused) => Err(refused.into()),
            };
            match message {
                Ok(message) => {
                    indices.push(index);
                    parsed.push(message);
                }
                Err(err) => results.push((index, Err(err.into()))),
            }
        }
        let outcomes = messages::accept_batch(&app, &caller, parsed, place).await;
        results.extend(
            indices.into_iter().zip(outcomes).map(|(index, it)| (index, it.map_err(Into::into))),
        );
        results.sort_by_key(|(index, _)| *index);
        let results =
            results.into_iter().map(|(index, result)| BatchResult::new(index, result)).collect();
        Ok(BatchAnswered::Answered(Json(BatchResults { results })))
    }

    /// List messages
    #[oai(path = "/tenants/:tenant/messages", method = "get", operation_id = "listMessages")]
    #[expect(clippy::too_many_arguments, reason = "each is one part of the request")]
    async fn list(
        &self,
        app: Data<&App>,
        key: SignedIn,
        /// The tenant's id, its slug, or `self`
        tenant: Path<String>,
        /// Only those of this sender: its id or slug
        sender: Query<Option<String>>,
        /// Only those of this kind
        kind: Query<Option<Word<MessageKind>>>,
        /// Only those that stand here
        status: Query<Option<Word<MessageStatus>>>,
        /// Only those with exactly this reference
        reference: Query<Option<String>>,
        /// Only those with this recipient, whether in `to`, `cc` or `bcc`
        recipient: Query<Option<String>>,
        /// Most items on the page
        limit: Limit,
        /// Where the page begins: the `next_cursor` of the page before
        cursor: CursorText,
    ) -> Result<Json<Page<Message>>, ApiError> {
        let caller = access::enter(&app, &key.0, &tenant).await?;
        caller.require(Scope::MessagesRead)?;
        let mut errors = FieldErrors::default();
        let page = paging::page(&mut errors, &limit, &cursor);
        let kind = kind.0.map(|word| word.as_str().parse::<MessageKind>()).transpose();
        let status = status.0.map(|word| word.as_str().parse::<MessageStatus>()).transpose();
        let recipient = recipient.0.map(|text| text.parse::<EmailAddress>()).transpose();
        let reference = reference.0.map(|text| text.parse::<Reference>()).transpose();
        let mut filter = MessageFilter {
            sender: None,
            kind: errors.note("/kind", kind).flatten(),
            status: errors.note("/status", status).flatten(),
            reference: errors.note("/reference", reference).flatten().map(|text| text.to_string()),
            recipient: errors.note("/recipient", recipient).flatten(),
            text: None,
        };
        errors.or(Some(()))?;
        if let Some(sender) = &sender.0 {
            let Some(sender) = senders::find(&app, &caller, sender).await? else {
                // No such sender has no messages.
                return Ok(Json(Page { data: Vec::new(), next_cursor: None }));
            };
            filter.sender = Some(sender.id);
        }
        Ok(Json(messages::list(&app, &caller, filter, page).await?.into()))
    }

    /// Load a message
    ///
    /// With everybody who gets it, every attempt, and one plain sentence about where it stands.
    #[oai(path = "/tenants/:tenant/messages/:id", method = "get", operation_id = "loadMessage")]
    async fn load(
        &self,
        app: Data<&App>,
        key: SignedIn,
        /// The tenant's id, its slug, or `self`
        tenant: Path<String>,
        /// The message's id
        id: Path<String>,
    ) -> Result<Json<Message>, ApiError> {
        let caller = access::enter(&app, &key.0, &tenant).await?;
        let record = messages::load(&app, &caller, &id).await?;
        caller.require(Scope::MessagesRead)?;
        Ok(Json(record.into()))
    }

    /// Cancel a message that still waits
    ///
    /// 409 once it is on its way or has come to its end.
    #[oai(
        path = "/tenants/:tenant/messages/:id/cancel",
        method = "post",
        operation_id = "cancelMessage"
    )]
    async fn cancel(
        &self,
        app: Data<&App>,
        key: SignedIn,
        /// The tenant's id, its slug, or `self`
        tenant: Path<String>,
        /// The message's id
        id: Path<String>,
        body: Body<NoFields>,
    ) -> Result<Json<Message>, ApiError> {
        let caller = access::enter(&app, &key.0, &tenant).await?;
        let record = messages::load(&app, &caller, &id).await?;
        caller.require(Scope::MessagesSend)?;
        body.parse(SMALL_BODY).await?;
        Ok(Json(messages::cancel(&app, &caller, record.id).await?.into()))
    }

    /// Try a message again
    ///
    /// For the recipients that have not got it. 409 while it still waits, or if everybody has.
    #[oai(
        path = "/tenants/:tenant/messages/:id/retry",
        method = "post",
        operation_id = "retryMessage"
    )]
    async fn retry(
        &self,
        app: Data<&App>,
        key: SignedIn,
        /// The tenant's id, its slug, or `self`
        tenant: Path<String>,
        /// The message's id
        id: Path<String>,
        body: Body<NoFields>,
    ) -> Result<Json<Message>, ApiError> {
        let caller = access::enter(&app, &key.0, &tenant).await?;
        let record = messages::load(&app, &caller, &id).await?;
        caller.require(Scope::MessagesSend)?;
        body.parse(SMALL_BODY).await?;
        Ok(Json(messages::retry(&app, &caller, record.id).await?.into()))
    }
}
