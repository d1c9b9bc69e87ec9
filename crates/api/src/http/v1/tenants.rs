//! Tenants: for the operator alone.

use chrono::{DateTime, Utc};
use letterhead_domain::{
    field_errors::FieldErrors, slug::Slug, tenant::TenantStatus, text::TenantName,
};
use letterhead_storage::record::TenantRecord;
use poem::web::Data;
use poem_openapi::{ApiResponse, Object, OpenApi, param::Path, payload::Json, types::Example};

use super::{
    super::{
        auth::SignedIn,
        body::Body,
        error::ApiError,
        limits::SMALL_BODY,
        paging::{self, CursorText, Limit, Page},
        text::Word,
    },
    Tag,
};
use crate::app::{
    App,
    access::{self, require_operator},
    tenants,
};

/// The operations on tenants.
pub(in crate::http) struct TenantsApi;

/// A new tenant.
#[derive(Object)]
#[oai(deny_unknown_fields, example)]
struct CreateTenant {
    /// Its name in paths: 1 to 63 lower-case letters, digits and hyphens. It cannot be changed
    slug: String,
    /// Its name for people, at most 200 characters
    name: String,
}

impl Example for CreateTenant {
    fn example() -> Self {
        Self { slug: "aurora".to_owned(), name: "Aurora Books".to_owned() }
    }
}

/// What is to change; fields left out stay.
#[derive(Object)]
#[oai(deny_unknown_fields, example)]
struct UpdateTenant {
    /// Its name for people, at most 200 characters
    name: Option<String>,
    /// `suspended`: settings can be read, new messages are refused, and waiting ones stay
    status: Option<Word<TenantStatus>>,
}

impl Example for UpdateTenant {
    fn example() -> Self {
        Self { name: None, status: Some(TenantStatus::Suspended.into()) }
    }
}

/// A client business of the operator.
#[derive(Object)]
struct Tenant {
    /// Its id
    id: String,
    /// Its name in paths
    slug: String,
    /// Its name for people
    name: String,
    /// Whether it may use Letterhead
    status: Word<TenantStatus>,
    /// When it was created
    created_at: DateTime<Utc>,
    /// When its name or status last changed
    updated_at: DateTime<Utc>,
}

impl From<TenantRecord> for Tenant {
    fn from(record: TenantRecord) -> Self {
        Self {
            id: record.id.to_string(),
            slug: record.slug.to_string(),
            name: record.name.to_string(),
            status: record.status.into(),
            created_at: record.created_at,
            updated_at: record.updated_at,
        }
    }
}

#[derive(ApiResponse)]
enum TenantCreated {
    /// The tenant is there
    #[oai(status = 201)]
    Created(Json<Tenant>, #[oai(header = "Location")] String),
}

#[derive(ApiResponse)]
enum TenantDeleted {
    /// Nothing of the tenant can be opened any more; its rows go one after the other
    #[oai(status = 202)]
    Accepted,
}

#[OpenApi(prefix_path = "/v1", tag = "Tag::Tenants")]
impl TenantsApi {
    /// Create a tenant
    #[oai(path = "/tenants", method = "post", operation_id = "createTenant")]
    async fn create(
        &self,
        app: Data<&App>,
        key: SignedIn,
        body: Body<CreateTenant>,
    ) -> Result<TenantCreated, ApiError> {
        require_operator(&key.0)?;
        let given = body.parse(SMALL_BODY).await?.value;
        let mut errors = FieldErrors::default();
        let slug = errors.note("/slug", given.slug.parse::<Slug>());
        let name = errors.note("/name", given.name.parse::<TenantName>());
        let (slug, name) = errors.or(slug.zip(name))?;
        let record = tenants::create(&app, &key.0, slug, name).await?;
        let location = format!("/v1/tenants/{}", record.id);
        Ok(TenantCreated::Created(Json(record.into()), location))
    }

    /// List tenants
    #[oai(path = "/tenants", method = "get", operation_id = "listTenants")]
    async fn list(
        &self,
        app: Data<&App>,
        key: SignedIn,
        /// Most items on the page
        limit: Limit,
        /// Where the page begins: the `next_cursor` of the page before
        cursor: CursorText,
    ) -> Result<Json<Page<Tenant>>, ApiError> {
        require_operator(&key.0)?;
        let page = paging::plain(&limit, &cursor)?;
        Ok(Json(tenants::list(&app, &key.0, page).await?.into()))
    }

    /// Load a tenant
    #[oai(path = "/tenants/:tenant", method = "get", operation_id = "loadTenant")]
    async fn load(
        &self,
        app: Data<&App>,
        key: SignedIn,
        /// The tenant's id or slug
        tenant: Path<String>,
    ) -> Result<Json<Tenant>, ApiError> {
        let caller = access::enter(&app, &key.0, &tenant).await?;
        require_operator(&key.0)?;
        Ok(Json(tenants::load(&app, &caller).await?.into()))
    }

    /// Rename, suspend or reactivate a tenant
    #[oai(path = "/tenants/:tenant", method = "patch", operation_id = "updateTenant")]
    async fn update(
        &self,
        app: Data<&App>,
        key: SignedIn,
        /// The tenant's id or slug
        tenant: Path<String>,
        body: Body<UpdateTenant>,
    ) -> Result<Json<Tenant>, ApiError> {
        let caller = access::enter(&app, &key.0, &tenant).await?;
        require_operator(&key.0)?;
        let given = body.parse(SMALL_BODY).await?.value;
        let mut errors = FieldErrors::default();
        let name = given.name.map(|name| name.parse::<TenantName>()).transpose();
        let name = errors.note("/name", name);
        let status = given.status.map(|word| word.as_str().parse::<TenantStatus>()).transpose();
        let status = errors.note("/status", status);
        let (name, status) = errors.or(name.zip(status))?;
        Ok(Json(tenants::update(&app, &caller, name, status).await?.into()))
    }

    /// Delete a tenant
    ///
    /// Its data key is destroyed and its keys stop working at once; the rest is removed in the
    /// background, its audit included. There is no way back.
    #[oai(path = "/tenants/:tenant", method = "delete", operation_id = "removeTenant")]
    async fn remove(
        &self,
        app: Data<&App>,
        key: SignedIn,
        /// The tenant's id or slug
        tenant: Path<String>,
    ) -> Result<TenantDeleted, ApiError> {
        let caller = access::enter(&app, &key.0, &tenant).await?;
        require_operator(&key.0)?;
        tenants::remove(&app, &caller).await?;
        Ok(TenantDeleted::Accepted)
    }
}
