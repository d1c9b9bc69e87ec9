//! A sender's history: its settings versions.

use chrono::{DateTime, Utc};
use letterhead_domain::{access::Scope, sender::VersionNumber};
use letterhead_storage::record::{SenderRecord, VersionRecord};
use poem::web::Data;
use poem_openapi::{Object, OpenApi, param::Path, payload::Json};

use super::{
    super::{
        auth::SignedIn,
        body::{Body, NoFields},
        error::ApiError,
        headers::{HeaderLines, expected},
        limits::SMALL_BODY,
        paging::{self, CursorText, Limit, Page},
        text::{Text, VersionStatusKind},
    },
    Tag,
    senders::{SenderFound, dto::Settings},
};
use crate::app::{App, access, senders};

/// The operations on settings versions.
pub(in crate::http) struct VersionsApi;

/// One saved state of a sender. It never changes.
#[derive(Object)]
#[expect(clippy::struct_field_names, reason = "the contract names the field")]
struct Version {
    /// Its number: 1, 2, 3 … within its sender
    version: u32,
    /// What became of it
    status: Text<VersionStatusKind>,
    /// What was saved
    settings: Settings,
    /// When a test run proved it, or when it inherited a proof; `null` if never
    #[oai(nullable)]
    proven_at: Option<DateTime<Utc>>,
    /// When it was saved
    created_at: DateTime<Utc>,
    /// Who saved it, as the audit names them
    created_by: String,
}

impl Version {
    fn of(sender: &SenderRecord, record: &VersionRecord) -> Self {
        let version = &record.version;
        let is = |other: &Option<letterhead_domain::sender::SettingsVersion>| {
            other.as_ref().is_some_and(|other| other.number == version.number)
        };
        let status = match () {
            () if is(&sender.live) => "live",
            () if is(&sender.candidate) => "candidate",
            () if record.discarded => "discarded",
            () => "superseded",
        };
        Self {
            version: version.number.0,
            status: Text::new(status),
            settings: version.into(),
            proven_at: version.proven_at,
            created_at: version.created_at,
            created_by: version.created_by.clone(),
        }
    }
}

#[OpenApi(prefix_path = "/v1", tag = "Tag::Senders")]
impl VersionsApi {
    /// List a sender's versions
    #[oai(
        path = "/tenants/:tenant/senders/:sender/versions",
        method = "get",
        operation_id = "listVersions"
    )]
    async fn list(
        &self,
        app: Data<&App>,
        key: SignedIn,
        /// The tenant's id, its slug, or `self`
        tenant: Path<String>,
        /// The sender's id or slug
        sender: Path<String>,
        /// Most items on the page
        limit: Limit,
        /// Where the page begins: the `next_cursor` of the page before
        cursor: CursorText,
    ) -> Result<Json<Page<Version>>, ApiError> {
        let caller = access::enter(&app, &key.0, &tenant).await?;
        let record = senders::load(&app, &caller, &sender).await?;
        caller.require(Scope::SettingsRead)?;
        let page = paging::plain(&limit, &cursor)?;
        let page = senders::versions(&app, &caller, &record, page).await?;
        let data = page.items.iter().map(|version| Version::of(&record, version)).collect();
        Ok(Json(Page { data, next_cursor: page.next.map(|cursor| cursor.to_string()) }))
    }

    /// Bring a version back
    ///
    /// Makes a new version of it, which is live at once if the old one was ever proven. Restoring
    /// the live version drops the candidate. 422 `password_required` if its password is no
    /// longer kept.
    #[oai(
        path = "/tenants/:tenant/senders/:sender/versions/:version/restore",
        method = "post",
        operation_id = "restoreVersion"
    )]
    #[expect(clippy::too_many_arguments, reason = "each is one part of the request")]
    async fn restore(
        &self,
        app: Data<&App>,
        key: SignedIn,
        /// The tenant's id, its slug, or `self`
        tenant: Path<String>,
        /// The sender's id or slug
        sender: Path<String>,
        /// The version's number
        version: Path<String>,
        /// Restore only over this version: an `ETag`, several, or `*` for any
        #[oai(name = "If-Match")]
        if_match: HeaderLines,
        body: Body<NoFields>,
    ) -> Result<SenderFound, ApiError> {
        let caller = access::enter(&app, &key.0, &tenant).await?;
        let record = senders::load(&app, &caller, &sender).await?;
        let number = version.parse().map_err(|_| ApiError::not_found("version"))?;
        let number = VersionNumber(number);
        senders::load_version(&app, &caller, &record, number).await?;
        caller.require(Scope::SettingsWrite)?;
        body.parse(SMALL_BODY).await?;
        let expected = expected(&if_match, None, Some(record.etag_version()));
        Ok(senders::restore(&app, &caller, &record, number, expected).await?.record.into())
    }
}
