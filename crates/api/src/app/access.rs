//! Who is calling, and on whose behalf.

use std::{
    net::IpAddr,
    sync::{Arc, atomic::Ordering},
};

use chrono::{DateTime, Utc};
use letterhead_domain::{
    access::{Deed, Person, Principal, Scope},
    id::TenantId,
    message::TenantRef,
};
use letterhead_storage::record::{KeyOwner, StoredKey};
use subtle::ConstantTimeEq;

use super::{App, AppError};
use crate::api_key::{self, KeyKind, ShownKey};

/// A principal on one tenant that it can see.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Whose key it is.
    pub principal: Principal,
    /// The tenant.
    pub tenant: TenantId,
}

impl Caller {
    /// Refuses callers that lack `scope`.
    ///
    /// # Errors
    ///
    /// [`AppError::Forbidden`] naming the scope.
    pub fn require(&self, scope: Scope) -> Result<(), AppError> {
        if self.principal.may(scope) {
            Ok(())
        } else {
            Err(AppError::Forbidden(format!("this key lacks the scope {}", scope.as_str())))
        }
    }

    /// How the audit names the caller.
    pub fn actor(&self) -> String {
        self.principal.audit_name()
    }
}

/// Refuses everybody but the operator.
///
/// # Errors
///
/// [`AppError::Forbidden`].
pub fn require_operator(principal: &Principal) -> Result<(), AppError> {
    if is_operator(principal) {
        Ok(())
    } else {
        Err(AppError::Forbidden("only an operator key may do this".to_owned()))
    }
}

/// Whether every tenant is there for `principal`.
fn is_operator(principal: &Principal) -> bool {
    match principal {
        Principal::Operator { .. } | Principal::Console => true,
        Principal::Tenant { .. } => false,
        Principal::Person(person) => person.role.may(Deed::Operate),
    }
}

/// Finds out whose `key` it is. A key whose checksum is wrong costs no query.
///
/// A key that works goes on working beside wrong ones from the same address, which may be that of
/// many callers; only far beyond the limit nothing is looked up any more.
///
/// # Errors
///
/// [`AppError::Unauthorized`] for every key that does not work, [`AppError::TooMany`] instead once
/// `client` has shown too many of those within a minute, [`AppError::Unavailable`].
pub async fn authenticate(app: &App, key: &str, client: IpAddr) -> Result<Principal, AppError> {
    let failures = app.failed_auth.get(&client);
    let count = failures.as_ref().map_or(0, |count| count.load(Ordering::Relaxed));
    let limit = app.rules.failed_auth_per_minute;
    let found = match api_key::parse(key) {
        Some(shown) if count < limit.saturating_mul(LOOK_UPS_BEYOND) => find(app, &shown).await?,
        Some(_) | None => None,
    };
    found.ok_or_else(|| {
        let counter = app.failed_auth.get_with(client, Arc::default);
        counter.fetch_add(1, Ordering::Relaxed);
        if count < limit { AppError::Unauthorized } else { AppError::TooMany { retry_after: 60 } }
    })
}

/// How many times the limit of wrong keys still has well-formed keys looked up.
const LOOK_UPS_BEYOND: u32 = 10;

async fn find(app: &App, shown: &ShownKey) -> Result<Option<Principal>, AppError> {
    let found = match app.known.key(shown.id) {
        Some((stored, now)) => works(&stored, shown, now).then_some(stored),
        None => look_up(app, shown).await?,
    };
    let Some(stored) = found else { return Ok(None) };
    Ok(match (&stored.owner, shown.kind) {
        (KeyOwner::Operator, KeyKind::Operator) => Some(Principal::Operator { key: stored.id }),
        (KeyOwner::Tenant { tenant, scopes }, KeyKind::Tenant) => {
            let (tenant, scopes) = (*tenant, scopes.clone());
            Some(Principal::Tenant { key: stored.id, tenant, scopes })
        }
        (KeyOwner::Operator, KeyKind::Tenant) | (KeyOwner::Tenant { .. }, KeyKind::Operator) => {
            None
        }
    })
}

/// Asks the database for a key that works, notes that it was used, and keeps it for a while. Under
/// the id of a kept key there is no other secret, so one that does not match needs no query.
async fn look_up(app: &App, shown: &ShownKey) -> Result<Option<Arc<StoredKey>>, AppError> {
    let look_up = app.known.look_up();
    let system = app.store.system().await?;
    let stored = system.api_keys().find(shown.id).await?;
    let now = system.now();
    let Some(stored) = stored.filter(|stored| works(stored, shown, now)) else { return Ok(None) };
    system.api_keys().touch(shown.id).await?;
    system.commit().await?;
    let stored = Arc::new(stored);
    app.known.keep_key(&look_up, stored.clone(), now);
    Ok(Some(stored))
}

fn works(stored: &StoredKey, shown: &ShownKey, now: DateTime<Utc>) -> bool {
    bool::from(stored.secret_hash.ct_eq(&shown.hash))
        && !stored.revoked
        && stored.expires_at.is_none_or(|end| now < end)
}

/// Finds the tenant that a path names, for a principal that can see it.
///
/// # Errors
///
/// [`AppError::NotFound`] if there is none, if it is another's, or for an operator's `self`.
pub async fn enter(app: &App, principal: &Principal, tenant: &str) -> Result<Caller, AppError> {
    const NONE: AppError = AppError::NotFound("tenant");
    let reference = TenantRef::parse(tenant).ok_or(NONE)?;
    let own = match principal {
        Principal::Tenant { tenant, .. } => Some(*tenant),
        Principal::Person(Person { tenant, .. }) => *tenant,
        Principal::Operator { .. } | Principal::Console => None,
    };
    let tenant = match (own, &reference) {
        (Some(own), TenantRef::Own) => own,
        (Some(own), TenantRef::Id(id)) if *id == own => own,
        (Some(own), TenantRef::Slug(slug)) => {
            if app.known.tenant(&reference) != Some(own) {
                let look_up = app.known.look_up();
                let tx = app.store.tenant(own).await?;
                if tx.tenant().load().await?.slug != *slug {
                    return Err(NONE);
                }
                app.known.keep_tenant(&look_up, reference, own);
            }
            own
        }
        (None, TenantRef::Id(_) | TenantRef::Slug(_)) if is_operator(principal) => {
            if let Some(tenant) = app.known.tenant(&reference) {
                tenant
            } else {
                let look_up = app.known.look_up();
                let system = app.store.system().await?;
                let tenant = system.tenants().find(&reference).await?.ok_or(NONE)?.id;
                app.known.keep_tenant(&look_up, reference, tenant);
                tenant
            }
        }
        (_, TenantRef::Own | TenantRef::Id(_) | TenantRef::Slug(_)) => return Err(NONE),
    };
    Ok(Caller { principal: principal.clone(), tenant })
}
