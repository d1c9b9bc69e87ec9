//! A tenant's audit.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use letterhead_domain::access::Scope;
use letterhead_storage::record::AuditRecord;
use poem::web::Data;
use poem_openapi::{Object, OpenApi, param::Path, payload::Json};

use super::{
    super::{
        auth::SignedIn,
        error::ApiError,
        paging::{self, CursorText, Limit, Page},
    },
    Tag,
};
use crate::app::{App, access, audit};

/// The operations on the audit.
pub(in crate::http) struct AuditEventsApi;

/// One line of the audit: who did what to which thing.
#[derive(Object)]
struct AuditEvent {
    /// Its id
    id: String,
    /// When it was done
    at: DateTime<Utc>,
    /// Who did it, such as `api-key:` and the key's id
    actor: String,
    /// What was done, such as `sender.saved`
    action: String,
    /// The id of the thing it was done to
    target: String,
    /// More about it; never a secret
    detail: BTreeMap<String, String>,
}

impl From<AuditRecord> for AuditEvent {
    fn from(record: AuditRecord) -> Self {
        Self {
            id: record.id.to_string(),
            at: record.at,
            actor: record.actor,
            action: record.action,
            target: record.target,
            detail: record.detail.into_iter().collect(),
        }
    }
}

#[OpenApi(prefix_path = "/v1", tag = "Tag::Audit")]
impl AuditEventsApi {
    /// List what was done
    #[oai(path = "/tenants/:tenant/audit-events", method = "get", operation_id = "listAuditEvents")]
    async fn list(
        &self,
        app: Data<&App>,
        key: SignedIn,
        /// The tenant's id, its slug, or `self`
        tenant: Path<String>,
        /// Most items on the page
        limit: Limit,
        /// Where the page begins: the `next_cursor` of the page before
        cursor: CursorText,
    ) -> Result<Json<Page<AuditEvent>>, ApiError> {
        let caller = access::enter(&app, &key.0, &tenant).await?;
        caller.require(Scope::AuditRead)?;
        let page = paging::plain(&limit, &cursor)?;
        Ok(Json(audit::list(&app, &caller, page).await?.into()))
    }
}
