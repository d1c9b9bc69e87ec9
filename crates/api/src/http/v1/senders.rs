//! Senders: saving settings, pausing, deleting.

use letterhead_domain::{access::Scope, message::SenderRef};
use letterhead_storage::record::SenderRecord;
use poem::web::Data;
use poem_openapi::{ApiResponse, OpenApi, param::Path, payload::Json};

use super::{
    super::{
        auth::SignedIn,
        body::{Body, NoFields},
        error::ApiError,
        headers::{HeaderLines, etag, expected},
        limits::SMALL_BODY,
        paging::{self, CursorText, Limit, Page},
    },
    Tag,
};
use crate::app::{App, access, senders};

pub(super) mod dto;
pub(super) mod limits;

use dto::{PutSender, Sender};

/// The operations on senders.
pub(in crate::http) struct SendersApi;

#[derive(ApiResponse)]
pub(super) enum SenderFound {
    /// The sender
    #[oai(status = 200)]
    Found(
        Json<Sender>,
        /// Its newest version, for `If-Match`
        #[oai(header = "ETag")]
        String,
    ),
}

impl From<SenderRecord> for SenderFound {
    fn from(record: SenderRecord) -> Self {
        let tag = etag(record.etag_version());
        Self::Found(Json(record.into()), tag)
    }
}

#[derive(ApiResponse)]
enum SenderSaved {
    /// The sender as it is now
    #[oai(status = 200)]
    Saved(
        Json<Sender>,
        /// Its newest version, for `If-Match`
        #[oai(header = "ETag")]
        String,
    ),
    /// The sender is new
    #[oai(status = 201)]
    Created(
        Json<Sender>,
        /// Its newest version, for `If-Match`
        #[oai(header = "ETag")]
        String,
        #[oai(header = "Location")] String,
    ),
}

#[derive(ApiResponse)]
enum Removed {
    /// It is gone
    #[oai(status = 204)]
    Removed,
}

#[OpenApi(prefix_path = "/v1", tag = "Tag::Senders")]
impl SendersApi {
    /// List senders
    #[oai(path = "/tenants/:tenant/senders", method = "get", operation_id = "listSenders")]
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
    ) -> Result<Json<Page<Sender>>, ApiError> {
        let caller = access::enter(&app, &key.0, &tenant).await?;
        caller.require(Scope::SettingsRead)?;
        let page = paging::plain(&limit, &cursor)?;
        Ok(Json(senders::list(&app, &caller, page).await?.into()))
    }

    /// Load a sender
    #[oai(path = "/tenants/:tenant/senders/:sender", method = "get", operation_id = "loadSender")]
    async fn load(
        &self,
        app: Data<&App>,
        key: SignedIn,
        /// The tenant's id, its slug, or `self`
        tenant: Path<String>,
        /// The sender's id or slug
        sender: Path<String>,
    ) -> Result<SenderFound, ApiError> {
        let caller = access::enter(&app, &key.0, &tenant).await?;
        let record = senders::view(&app, &caller, &sender).await?;
        caller.require(Scope::SettingsRead)?;
        Ok(record.as_ref().clone().into())
    }

    /// Save a sender's settings
    ///
    /// Makes a new version, and the sender itself if the path names a free slug. The live version
    /// goes on sending until a test run has proven the new one. Saving what is there already
    /// changes nothing. Send the `ETag` you read as `If-Match`, so that nobody's change is lost.
    #[oai(path = "/tenants/:tenant/senders/:sender", method = "put", operation_id = "saveSender")]
    #[expect(clippy::too_many_arguments, reason = "each is one part of the request")]
    async fn save(
        &self,
        app: Data<&App>,
        key: SignedIn,
        /// The tenant's id, its slug, or `self`
        tenant: Path<String>,
        /// The sender's id or slug; a free slug makes a new sender
        sender: Path<String>,
        /// Save only over this version: an `ETag`, several, or `*` for any
        #[oai(name = "If-Match")]
        if_match: HeaderLines,
        /// `*`: save only if there is no such sender yet
        #[oai(name = "If-None-Match")]
        if_none_match: HeaderLines,
        body: Body<PutSender>,
    ) -> Result<SenderSaved, ApiError> {
        let caller = access::enter(&app, &key.0, &tenant).await?;
        let record = senders::find(&app, &caller, &sender).await?;
        // Only a slug can name a sender that is yet to be made.
        if record.is_none() && !matches!(SenderRef::parse(&sender), Some(SenderRef::Slug(_))) {
            return Err(ApiError::not_found("sender"));
        }
        caller.require(Scope::SettingsWrite)?;
        let input = body.parse(SMALL_BODY).await?.value.into();
        let newest = record.as_ref().map(SenderRecord::etag_version);
        let expected = expected(&if_match, Some(&if_none_match), newest);
        let saved = senders::save(&app, &caller, &sender, input, expected).await?;
        let tag = etag(saved.record.etag_version());
        let location = format!("/v1/tenants/{}/senders/{}", caller.tenant, saved.record.slug);
        let view = Json(saved.record.into());
        Ok(if saved.created {
            SenderSaved::Created(view, tag, location)
        } else {
            SenderSaved::Saved(view, tag)
        })
    }

    /// Delete a sender
    ///
    /// Its passwords are wiped, and what waits is cancelled.
    #[oai(
        path = "/tenants/:tenant/senders/:sender",
        method = "delete",
        operation_id = "removeSender"
    )]
    async fn remove(
        &self,
        app: Data<&App>,
        key: SignedIn,
        /// The tenant's id, its slug, or `self`
        tenant: Path<String>,
        /// The sender's id or slug
        sender: Path<String>,
    ) -> Result<Removed, ApiError> {
        let caller = access::enter(&app, &key.0, &tenant).await?;
        let record = senders::load(&app, &caller, &sender).await?;
        caller.require(Scope::SettingsWrite)?;
        senders::remove(&app, &caller, &record).await?;
        Ok(Removed::Removed)
    }

    /// Drop the candidate
    ///
    /// The newest saved settings, if they are not proven yet, are given up; the live version stays.
    #[oai(
        path = "/tenants/:tenant/senders/:sender/candidate",
        method = "delete",
        operation_id = "discardCandidate"
    )]
    async fn discard_candidate(
        &self,
        app: Data<&App>,
        key: SignedIn,
        /// The tenant's id, its slug, or `self`
        tenant: Path<String>,
        /// The sender's id or slug
        sender: Path<String>,
        /// Drop only this version: an `ETag`, several, or `*` for any
        #[oai(name = "If-Match")]
        if_match: HeaderLines,
    ) -> Result<Removed, ApiError> {
        let caller = access::enter(&app, &key.0, &tenant).await?;
        let record = senders::load(&app, &caller, &sender).await?;
        caller.require(Scope::SettingsWrite)?;
        let expected = expected(&if_match, None, Some(record.etag_version()));
        senders::discard_candidate(&app, &caller, &record, expected).await?;
        Ok(Removed::Removed)
    }

    /// Pause a sender
    ///
    /// Messages are still taken over and wait.
    #[oai(
        path = "/tenants/:tenant/senders/:sender/pause",
        method = "post",
        operation_id = "pauseSender"
    )]
    async fn pause(
        &self,
        app: Data<&App>,
        key: SignedIn,
        /// The tenant's id, its slug, or `self`
        tenant: Path<String>,
        /// The sender's id or slug
        sender: Path<String>,
        body: Body<NoFields>,
    ) -> Result<SenderFound, ApiError> {
        let caller = access::enter(&app, &key.0, &tenant).await?;
        let record = senders::load(&app, &caller, &sender).await?;
        caller.require(Scope::SettingsWrite)?;
        body.parse(SMALL_BODY).await?;
        Ok(senders::pause(&app, &caller, &record).await?.into())
    }

    /// Resume a paused sender
    ///
    /// Whatever the pause's reason was, what waits goes on at once.
    #[oai(
        path = "/tenants/:tenant/senders/:sender/resume",
        method = "post",
        operation_id = "resumeSender"
    )]
    async fn resume(
        &self,
        app: Data<&App>,
        key: SignedIn,
        /// The tenant's id, its slug, or `self`
        tenant: Path<String>,
        /// The sender's id or slug
        sender: Path<String>,
        body: Body<NoFields>,
    ) -> Result<SenderFound, ApiError> {
        let caller = access::enter(&app, &key.0, &tenant).await?;
        let record = senders::load(&app, &caller, &sender).await?;
        caller.require(Scope::SettingsWrite)?;
        body.parse(SMALL_BODY).await?;
        Ok(senders::resume(&app, &caller, &record).await?.into())
    }
}
