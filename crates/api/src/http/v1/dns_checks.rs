//! What DNS says about a sender's domain.

use letterhead_domain::access::Scope;
use poem::web::Data;
use poem_openapi::{OpenApi, param::Path, payload::Json};

use super::{
    super::{auth::SignedIn, error::ApiError},
    Tag,
};
use crate::app::{App, access, dns_checks, senders};

mod view;

pub(super) use view::DnsCheckView;

/// The operation on a sender's domain.
pub(in crate::http) struct DnsChecksApi;

#[OpenApi(prefix_path = "/v1", tag = "Tag::Senders")]
impl DnsChecksApi {
    /// Check the domain of a sender
    ///
    /// Looks up what DNS says about the domain of the From address in the newest settings: who may
    /// send for it (SPF), the keys that mail is signed with (DKIM), what becomes of mail that is
    /// not proven (DMARC), and where replies go (MX). Says which record to add, merged with the one
    /// that exists. Takes at most 8 seconds; what is not answered by then is `unknown`. It is a
    /// hint: nothing here stops mail from being sent.
    #[oai(
        path = "/tenants/:tenant/senders/:sender/dns-check",
        method = "get",
        operation_id = "checkDns"
    )]
    async fn check(
        &self,
        app: Data<&App>,
        key: SignedIn,
        /// The tenant's id, its slug, or `self`
        tenant: Path<String>,
        /// The sender's id or slug
        sender: Path<String>,
    ) -> Result<Json<DnsCheckView>, ApiError> {
        let caller = access::enter(&app, &key.0, &tenant).await?;
        let sender = senders::load(&app, &caller, &sender).await?;
        caller.require(Scope::SettingsRead)?;
        Ok(Json((&dns_checks::check(&app, &caller, &sender).await?).into()))
    }
}
