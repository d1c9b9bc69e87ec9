//! The operator's work: tenants and their API keys.

use chrono::{DateTime, Utc};
use letterhead_domain::{
    access::{Principal, Scope},
    event::AuditAction,
    field_errors::{FieldErrors, Invalid},
    id::ApiKeyId,
    slug::Slug,
    tenant::{TenantFilter, TenantStatus},
    text::{KeyName, TenantName},
};
use letterhead_storage::{
    record::{
        ApiKeyRecord, NewApiKey, NewOperatorKey, NewTenant, OverviewPage, Page, PageRequest,
        TenantCounts, TenantRecord,
    },
    wakeups::Change,
};

use super::{
    App, AppError,
    access::{Caller, require_operator},
};
use crate::{
    api_key::{self, KeyKind, NewKey},
    random,
};

/// Creates a tenant with its data key.
///
/// # Errors
///
/// [`AppError::Forbidden`] for anybody but the operator, [`AppError::Conflict`] if the slug is taken.
pub async fn create(
    app: &App,
    principal: &Principal,
    slug: Slug,
    name: TenantName,
) -> Result<TenantRecord, AppError> {
    require_operator(principal)?;
    let system = app.store.system().await?;
    let tenant = NewTenant { id: random::id(), slug, name };
    let record = system.tenants().create(&tenant, random::id()).await?;
    let detail = [("slug", record.slug.to_string())];
    let actor = principal.audit_name();
    system
        .audit()
        .record(
            record.id,
            random::id(),
            &actor,
            AuditAction::TenantCreated,
            &record.id.to_string(),
            &detail,
        )
        .await?;
    system.commit().await?;
    Ok(record)
}

/// Lists tenants, newest first.
///
/// # Errors
///
/// [`AppError::Forbidden`] for anybody but the operator.
pub async fn list(
    app: &App,
    principal: &Principal,
    page: PageRequest,
) -> Result<Page<TenantRecord>, AppError> {
    require_operator(principal)?;
    Ok(app.store.system().await?.tenants().list(page).await?)
}

/// Lists at most `limit` tenants that `filter` looks for, by slug, from behind the slug `after`, with
/// what the operator needs to know about each.
///
/// # Errors
///
/// [`AppError::Forbidden`] for anybody but the operator.
pub async fn overview(
    app: &App,
    principal: &Principal,
    filter: &TenantFilter,
    after: Option<&Slug>,
    limit: u64,
) -> Result<OverviewPage, AppError> {
    require_operator(principal)?;
    Ok(app.store.system().await?.tenants().overview(filter, after, limit).await?)
}

/// Counts the tenants by what their senders are doing.
///
/// # Errors
///
/// [`AppError::Forbidden`] for anybody but the operator.
pub async fn counts(app: &App, principal: &Principal) -> Result<TenantCounts, AppError> {
    require_operator(principal)?;
    Ok(app.store.system().await?.tenants().counts().await?)
}

/// Loads one tenant.
///
/// # Errors
///
/// [`AppError::NotFound`].
pub async fn load(app: &App, caller: &Caller) -> Result<TenantRecord, AppError> {
    let tx = app.store.tenant(caller.tenant).await?;
    Ok(tx.tenant().load().await?)
}

/// Renames, suspends or resumes a tenant. What waits stays, and goes on when it is resumed.
///
/// # Errors
///
/// [`AppError::NotFound`].
pub async fn update(
    app: &App,
    caller: &Caller,
    name: Option<TenantName>,
    status: Option<TenantStatus>,
) -> Result<TenantRecord, AppError> {
    let system = app.store.system().await?;
    let record = system.tenants().update(caller.tenant, name.as_ref(), status).await?;
    let mut detail = Vec::new();
    if name.is_some() {
        detail.push(("name", record.name.to_string()));
    }
    if status.is_some() {
        detail.push(("status", record.status.as_str().to_owned()));
    }
    let target = caller.tenant.to_string();
    let (id, action) = (random::id(), AuditAction::TenantUpdated);
    system.audit().record(caller.tenant, id, &caller.actor(), action, &target, &detail).await?;
    system.commit().await?;
    app.store.forget_senders(caller.tenant);
    app.waker.wake();
    Ok(record)
}

/// Deletes a tenant: its data key goes at once, so nothing sealed of it can be opened again, its
/// keys stop working, and batches remove the rest.
///
/// # Errors
///
/// [`AppError::NotFound`].
pub async fn remove(app: &App, caller: &Caller) -> Result<(), AppError> {
    let system = app.store.system().await?;
    system.tenants().remove(caller.tenant).await?;
    system.commit().await?;
    app.known.changed(Change::Tenant(caller.tenant));
    app.store.forget_senders(caller.tenant);
    Ok(())
}

/// An API key with its text, which is shown this once.
pub struct CreatedKey {
    /// What is stored about it.
    pub record: ApiKeyRecord,
    /// The key.
    pub key: NewKey,
}

/// What a new API key is to be.
pub struct KeyDraft {
    /// What it is called.
    pub name: KeyName,
    /// What it may do, at least one thing.
    pub scopes: Vec<Scope>,
    /// When it stops working.
    pub expires_at: Option<DateTime<Utc>>,
}

/// Makes an API key for the caller's tenant.
///
/// # Errors
///
/// [`AppError::Invalid`] for a time that has passed.
pub async fn create_key(
    app: &App,
    caller: &Caller,
    draft: KeyDraft,
) -> Result<CreatedKey, AppError> {
    let tx = app.store.tenant(caller.tenant).await?;
    if draft.expires_at.is_some_and(|end| end <= tx.now()) {
        let invalid = Invalid::new("out_of_range", "choose a time in the future");
        return Err(FieldErrors::one("/expires_at", invalid).into());
    }
    let key = api_key::generate(KeyKind::Tenant);
    let new = NewApiKey {
        id: key.id,
        name: draft.name,
        scopes: draft.scopes,
        secret_hash: key.hash,
        created_by: caller.actor(),
        expires_at: draft.expires_at,
    };
    let record = tx.api_keys().create(&new).await?;
    let detail = [("name", record.name.to_string())];
    let (id, action) = (random::id(), AuditAction::ApiKeyCreated);
    tx.audit().record(id, &caller.actor(), action, &key.id.to_string(), &detail).await?;
    tx.commit().await?;
    Ok(CreatedKey { record, key })
}

/// Lists the API keys of the caller's tenant, newest first.
///
/// # Errors
///
/// [`AppError::Unavailable`].
pub async fn list_keys(
    app: &App,
    caller: &Caller,
    page: PageRequest,
) -> Result<Page<ApiKeyRecord>, AppError> {
    Ok(app.store.tenant(caller.tenant).await?.api_keys().list(page).await?)
}

/// Revokes an API key of the caller's tenant, for good.
///
/// # Errors
///
/// [`AppError::NotFound`].
pub async fn revoke_key(app: &App, caller: &Caller, key: ApiKeyId) -> Result<(), AppError> {
    let tx = app.store.tenant(caller.tenant).await?;
    tx.api_keys().revoke(key).await?;
    let (id, action) = (random::id(), AuditAction::ApiKeyRevoked);
    tx.audit().record(id, &caller.actor(), action, &key.to_string(), &[]).await?;
    tx.commit().await?;
    app.known.changed(Change::ApiKey(key));
    Ok(())
}

/// Makes an operator key. There is no HTTP for it: whoever runs the program may.
///
/// # Errors
///
/// [`AppError::Unavailable`].
pub async fn create_operator_key(app: &App, name: KeyName) -> Result<NewKey, AppError> {
    let system = app.store.system().await?;
    let key = api_key::generate(KeyKind::Operator);
    let new = NewOperatorKey { id: key.id, name, secret_hash: key.hash, expires_at: None };
    system.operator_keys().create(&new).await?;
    system.commit().await?;
    Ok(key)
}
