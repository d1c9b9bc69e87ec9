//! Links into the portal: for the operator alone.

use std::time::Duration;

use chrono::{DateTime, Utc};
use letterhead_domain::{
    access::PortalRole,
    email::EmailAddress,
    field_errors::{FieldErrors, Invalid},
    text::PersonName,
};
use poem::web::Data;
use poem_openapi::{ApiResponse, Object, OpenApi, param::Path, payload::Json, types::Example};

use super::{
    super::{
        auth::SignedIn,
        body::Body,
        error::ApiError,
        limits::SMALL_BODY,
        server::HttpConfig,
        text::{OperatorRoleKind, TenantRoleKind, Text},
    },
    Tag,
};
use crate::app::{
    App,
    access::{self, require_operator},
    portal_links::{self, CreatedLink, LinkDraft},
};

/// The operations on portal links.
pub(in crate::http) struct PortalLinksApi;

/// A new link into a tenant's pages.
#[derive(Object)]
#[oai(deny_unknown_fields, example)]
struct CreatePortalLink {
    /// What whoever uses it may do: everything, look at everything, or enter settings and test
    /// them
    role: Text<TenantRoleKind>,
    /// The address of the person it is for: the tenant's audit names them so
    email: String,
    /// The person's name, at most 100 characters
    name: String,
    /// After how many seconds it stops working: at most 600, or 604800 for `setup`, which is also
    /// what it is when left out
    #[oai(nullable)]
    expires_in_seconds: Option<i64>,
}

impl Example for CreatePortalLink {
    fn example() -> Self {
        Self {
            role: Text::new(PortalRole::Admin.as_str()),
            email: "ann@aurora.example".to_owned(),
            name: "Ann Santos".to_owned(),
            expires_in_seconds: None,
        }
    }
}

/// A new link to the operator's own pages.
#[derive(Object)]
#[oai(deny_unknown_fields, example)]
struct CreateOperatorLink {
    /// What whoever uses it may do: everything of every tenant
    role: Text<OperatorRoleKind>,
    /// The address of the person it is for: audits name them so
    email: String,
    /// The person's name, at most 100 characters
    name: String,
    /// After how many seconds it stops working: at most 600, which is also what it is when left
    /// out
    #[oai(nullable)]
    expires_in_seconds: Option<i64>,
}

impl Example for CreateOperatorLink {
    fn example() -> Self {
        Self {
            role: Text::new(PortalRole::Operator.as_str()),
            email: "kim@operator.example".to_owned(),
            name: "Kim Reyes".to_owned(),
            expires_in_seconds: None,
        }
    }
}

/// A link into the portal.
#[derive(Object)]
pub(in crate::http) struct NewPortalLink {
    /// Its id, as audits name it
    id: String,
    /// The link itself. It is shown this once and never again
    url: String,
    /// What whoever uses it may do
    role: String,
    /// The address of the person it is for
    email: String,
    /// The person's name
    name: String,
    /// When it stops working
    expires_at: DateTime<Utc>,
}

#[derive(ApiResponse)]
enum LinkCreated {
    /// The link works, once
    #[oai(status = 201)]
    Created(Json<NewPortalLink>),
}

/// What both bodies say, in words.
struct GivenLink {
    role: String,
    email: String,
    name: String,
    expires_in_seconds: Option<i64>,
}

impl GivenLink {
    /// The draft of a link for a role that `fits`, or every refused field.
    fn draft(
        self,
        fits: impl FnOnce(&str) -> Result<PortalRole, Invalid>,
    ) -> Result<LinkDraft, FieldErrors> {
        let mut errors = FieldErrors::default();
        let role = errors.note("/role", fits(&self.role));
        let email = errors.note("/email", self.email.parse::<EmailAddress>());
        let name = errors.note("/name", self.name.parse::<PersonName>());
        // No role allows no time at all, which stands for numbers below zero here.
        let seconds = self.expires_in_seconds.map(|seconds| u64::try_from(seconds).unwrap_or(0));
        let valid_for = seconds.map(Duration::from_secs);
        if let Some(role) = role {
            errors.note("/expires_in_seconds", portal_links::valid_for(role, valid_for));
        }
        let known = role.zip(email).zip(name);
        errors.or(known.map(|((role, email), name)| LinkDraft { role, email, name, valid_for }))
    }
}

impl TryFrom<CreatePortalLink> for LinkDraft {
    type Error = FieldErrors;

    fn try_from(given: CreatePortalLink) -> Result<Self, FieldErrors> {
        let CreatePortalLink { role, email, name, expires_in_seconds } = given;
        let given = GivenLink { role: role.into_string(), email, name, expires_in_seconds };
        given.draft(portal_links::tenants_role)
    }
}

impl TryFrom<CreateOperatorLink> for LinkDraft {
    type Error = FieldErrors;

    fn try_from(given: CreateOperatorLink) -> Result<Self, FieldErrors> {
        let CreateOperatorLink { role, email, name, expires_in_seconds } = given;
        let given = GivenLink { role: role.into_string(), email, name, expires_in_seconds };
        given.draft(portal_links::operators_role)
    }
}

impl NewPortalLink {
    /// What is shown of a link that was just made, where the portal is found at `public_url`.
    pub(in crate::http) fn of(created: &CreatedLink, public_url: &str) -> Self {
        Self {
            id: created.id.to_string(),
            url: created.url(public_url).to_string(),
            role: created.role.as_str().to_owned(),
            email: created.email.to_string(),
            name: created.name.to_string(),
            expires_at: created.expires_at,
        }
    }
}

#[OpenApi(prefix_path = "/v1", tag = "Tag::PortalLinks")]
impl PortalLinksApi {
    /// Create a link into a tenant's pages of the portal
    ///
    /// For one person, whom the audit then names by the address you give. The link works once, when
    /// that person presses Continue; programs that look at links in mails do not use it up.
    #[oai(
        path = "/tenants/:tenant/portal-links",
        method = "post",
        operation_id = "createPortalLink"
    )]
    async fn create(
        &self,
        app: Data<&App>,
        config: Data<&HttpConfig>,
        key: SignedIn,
        /// The tenant's id or slug
        tenant: Path<String>,
        body: Body<CreatePortalLink>,
    ) -> Result<LinkCreated, ApiError> {
        let caller = access::enter(&app, &key.0, &tenant).await?;
        require_operator(&key.0)?;
        let draft = body.parse(SMALL_BODY).await?.value.try_into()?;
        let created = portal_links::create(&app, &caller, draft).await?;
        Ok(LinkCreated::Created(Json(NewPortalLink::of(&created, &config.public_url))))
    }

    /// Create a link to the operator's own pages of the portal
    ///
    /// For one of the operator's own people, who can then see and change everything of every
    /// tenant.
    #[oai(path = "/portal-links", method = "post", operation_id = "createOperatorPortalLink")]
    async fn create_operator(
        &self,
        app: Data<&App>,
        config: Data<&HttpConfig>,
        key: SignedIn,
        body: Body<CreateOperatorLink>,
    ) -> Result<LinkCreated, ApiError> {
        require_operator(&key.0)?;
        let draft = body.parse(SMALL_BODY).await?.value.try_into()?;
        let created = portal_links::create_operator(&app, &key.0, draft).await?;
        Ok(LinkCreated::Created(Json(NewPortalLink::of(&created, &config.public_url))))
    }
}
