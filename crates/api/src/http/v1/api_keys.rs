//! A tenant's API keys: for the operator alone.

use chrono::{DateTime, Utc};
use letterhead_domain::{
    access::Scope,
    field_errors::{FieldErrors, Invalid},
    id::ApiKeyId,
    text::KeyName,
};
use letterhead_storage::record::ApiKeyRecord;
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
    tenants::{self, KeyDraft},
};

/// The operations on API keys.
pub(in crate::http) struct ApiKeysApi;

/// A new API key.
#[derive(Object)]
#[oai(deny_unknown_fields, example)]
struct CreateApiKey {
    /// What it is called, at most 100 characters
    name: String,
    /// What it may do, at least one thing
    scopes: Vec<Word<Scope>>,
    /// When it stops working; left out or `null`, it does not
    #[oai(nullable)]
    expires_at: Option<DateTime<Utc>>,
}

impl Example for CreateApiKey {
    fn example() -> Self {
        let scopes = [Scope::MessagesSend, Scope::MessagesRead].map(Word::from).into();
        Self { name: "Shop backend".to_owned(), scopes, expires_at: None }
    }
}

/// An API key, without its secret.
#[derive(Object)]
struct ApiKey {
    /// Its id, which is also written inside the key
    id: String,
    /// What it is called
    name: String,
    /// What it may do
    scopes: Vec<Word<Scope>>,
    /// When it was made
    created_at: DateTime<Utc>,
    /// When it stops working; `null` if it does not
    #[oai(nullable)]
    expires_at: Option<DateTime<Utc>>,
    /// When it was revoked; `null` if it was not
    #[oai(nullable)]
    revoked_at: Option<DateTime<Utc>>,
    /// When it was last used, to the minute; `null` if it was not
    #[oai(nullable)]
    last_used_at: Option<DateTime<Utc>>,
}

/// An API key with its secret.
#[derive(Object)]
struct NewApiKey {
    /// Its id, which is also written inside the key
    id: String,
    /// What it is called
    name: String,
    /// What it may do
    scopes: Vec<Word<Scope>>,
    /// When it was made
    created_at: DateTime<Utc>,
    /// When it stops working; `null` if it does not
    #[oai(nullable)]
    expires_at: Option<DateTime<Utc>>,
    /// The key itself. It is shown this once and never again
    key: String,
}

impl From<ApiKeyRecord> for ApiKey {
    fn from(record: ApiKeyRecord) -> Self {
        Self {
            id: record.id.to_string(),
            name: record.name.to_string(),
            scopes: record.scopes.into_iter().map(Into::into).collect(),
            created_at: record.created_at,
            expires_at: record.expires_at,
            revoked_at: record.revoked_at,
            last_used_at: record.last_used_at,
        }
    }
}

impl From<tenants::CreatedKey> for NewApiKey {
    fn from(created: tenants::CreatedKey) -> Self {
        let ApiKey { id, name, scopes, created_at, expires_at, .. } = created.record.into();
        Self { id, name, scopes, created_at, expires_at, key: created.key.text.to_string() }
    }
}

impl TryFrom<CreateApiKey> for KeyDraft {
    type Error = FieldErrors;

    fn try_from(given: CreateApiKey) -> Result<Self, FieldErrors> {
        let mut errors = FieldErrors::default();
        let name = errors.note("/name", given.name.parse::<KeyName>());
        if given.scopes.is_empty() {
            errors.push("/scopes", Invalid::new("required", "name at least one scope"));
        }
        let mut scopes = Vec::new();
        for (index, word) in given.scopes.iter().enumerate() {
            let scope = errors.note(format!("/scopes/{index}"), word.as_str().parse::<Scope>());
            scopes.extend(scope.filter(|scope| !scopes.contains(scope)));
        }
        let expires_at = given.expires_at;
        errors.or(name.map(|name| Self { name, scopes, expires_at }))
    }
}

#[derive(ApiResponse)]
enum KeyCreated {
    /// The key works
    #[oai(status = 201)]
    Created(Json<NewApiKey>, #[oai(header = "Location")] String),
}

#[derive(ApiResponse)]
enum KeyRevoked {
    /// The key no longer works
    #[oai(status = 204)]
    Revoked,
}

#[OpenApi(prefix_path = "/v1", tag = "Tag::ApiKeys")]
impl ApiKeysApi {
    /// Create an API key for a tenant
    ///
    /// The answer holds the key, this once: only its hash is stored.
    #[oai(path = "/tenants/:tenant/api-keys", method = "post", operation_id = "createApiKey")]
    async fn create(
        &self,
        app: Data<&App>,
        key: SignedIn,
        /// The tenant's id or slug
        tenant: Path<String>,
        body: Body<CreateApiKey>,
    ) -> Result<KeyCreated, ApiError> {
        let caller = access::enter(&app, &key.0, &tenant).await?;
        require_operator(&key.0)?;
        let draft = body.parse(SMALL_BODY).await?.value.try_into()?;
        let created = tenants::create_key(&app, &caller, draft).await?;
        let location = format!("/v1/tenants/{}/api-keys/{}", caller.tenant, created.record.id);
        Ok(KeyCreated::Created(Json(created.into()), location))
    }

    /// List a tenant's API keys
    #[oai(path = "/tenants/:tenant/api-keys", method = "get", operation_id = "listApiKeys")]
    async fn list(
        &self,
        app: Data<&App>,
        key: SignedIn,
        /// The tenant's id or slug
        tenant: Path<String>,
        /// Most items on the page
        limit: Limit,
        /// Where the page begins: the `next_cursor` of the page before
        cursor: CursorText,
    ) -> Result<Json<Page<ApiKey>>, ApiError> {
        let caller = access::enter(&app, &key.0, &tenant).await?;
        require_operator(&key.0)?;
        let page = paging::plain(&limit, &cursor)?;
        Ok(Json(tenants::list_keys(&app, &caller, page).await?.into()))
    }

    /// Revoke an API key, for good
    #[oai(path = "/tenants/:tenant/api-keys/:id", method = "delete", operation_id = "revokeApiKey")]
    async fn revoke(
        &self,
        app: Data<&App>,
        key: SignedIn,
        /// The tenant's id or slug
        tenant: Path<String>,
        /// The key's id
        id: Path<String>,
    ) -> Result<KeyRevoked, ApiError> {
        let caller = access::enter(&app, &key.0, &tenant).await?;
        let id = id.parse::<ApiKeyId>().map_err(|_| ApiError::not_found("API key"))?;
        require_operator(&key.0)?;
        tenants::revoke_key(&app, &caller, id).await?;
        Ok(KeyRevoked::Revoked)
    }
}
