//! What the operator is told about its tenants.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use letterhead_domain::{
    event::OperatorEventKind,
    field_errors::{FieldErrors, Invalid},
};
use letterhead_storage::record::EventRecord;
use poem::web::Data;
use poem_openapi::{Object, OpenApi, param::Query, payload::Json, registry::MetaSchema};

use super::{
    super::{
        auth::SignedIn,
        error::ApiError,
        paging::{self, Limit},
        text::{Text, TextKind, Word},
    },
    Tag,
};
use crate::app::{App, access::require_operator, events};

/// The operations on the operator's events.
pub(in crate::http) struct EventsApi;

/// The kind of `?after=`.
struct AfterKind;

impl TextKind for AfterKind {
    fn schema() -> MetaSchema {
        let mut schema = MetaSchema::new_with_format("integer", "int64");
        schema.minimum = Some(0.0);
        schema
    }
}

/// Something that the operator should know.
#[derive(Object)]
struct Event {
    /// Its place: what comes later has a higher number
    seq: i64,
    /// When it happened
    at: DateTime<Utc>,
    /// What happened
    kind: Word<OperatorEventKind>,
    /// To which tenant; `null` for what is about the operator itself
    #[oai(nullable)]
    tenant_id: Option<String>,
    /// To which of its senders
    #[oai(nullable)]
    sender_id: Option<String>,
    /// To which of its messages
    #[oai(nullable)]
    message_id: Option<String>,
    /// More about it
    detail: BTreeMap<String, String>,
}

impl From<EventRecord> for Event {
    fn from(record: EventRecord) -> Self {
        Self {
            seq: record.seq,
            at: record.at,
            kind: record.kind.into(),
            tenant_id: record.tenant.map(|id| id.to_string()),
            sender_id: record.sender.map(|id| id.to_string()),
            message_id: record.message.map(|id| id.to_string()),
            detail: record.detail.into_iter().collect(),
        }
    }
}

/// Events, oldest first.
#[derive(Object)]
struct EventPage {
    /// The events, oldest first
    data: Vec<Event>,
    /// Give this as `after` to get what comes next, now or later; `null` if nothing ever happened
    #[oai(nullable)]
    next_cursor: Option<String>,
}

/// The number of the last event that the caller has seen.
fn last_seen(errors: &mut FieldErrors, after: Option<&Text<AfterKind>>) -> Option<i64> {
    let parsed = after?.as_str().parse().ok().filter(|seq| *seq >= 0);
    let refused = || Invalid::new("malformed", "give the next_cursor of an earlier answer");
    errors.note("/after", parsed.ok_or_else(refused))
}

#[OpenApi(prefix_path = "/v1", tag = "Tag::Events")]
impl EventsApi {
    /// List what tenants' mail ran into
    ///
    /// Senders paused, failing and recovered; messages rejected, expired and uncertain; tenants
    /// deleted. Oldest first, so that you can ask again with `after` and miss nothing.
    #[oai(path = "/events", method = "get", operation_id = "listEvents")]
    async fn list(
        &self,
        app: Data<&App>,
        key: SignedIn,
        /// Only what came after this: the `next_cursor` of an earlier answer
        after: Query<Option<Text<AfterKind>>>,
        /// Most events in the answer
        limit: Limit,
    ) -> Result<Json<EventPage>, ApiError> {
        require_operator(&key.0)?;
        let mut errors = FieldErrors::default();
        let limit = paging::limit(&mut errors, &limit);
        let after = last_seen(&mut errors, after.as_ref());
        errors.or(Some(()))?;
        let found = events::list(&app, &key.0, after, limit).await?;
        let last = found.last().map(|event| event.seq).or(after);
        let data = found.into_iter().map(Into::into).collect();
        Ok(Json(EventPage { data, next_cursor: last.map(|seq| seq.to_string()) }))
    }
}
