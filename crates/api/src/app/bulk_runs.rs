//! Bulk runs: tests of many senders at once, for the operator.
//!
//! A bulk run is a list of senders in the database. Every process that serves people works on it
//! ([`runner`]), so it goes on when one of them stops. Each sender gets an ordinary test run, within
//! its tenant's own limits and in its tenant's own audit.

use letterhead_domain::{
    access::{Deed, Principal},
    id::BulkRunId,
};
use letterhead_storage::record::{
    BulkGroup, BulkGroupKey, BulkItemRecord, BulkRequester, BulkRunRecord, BulkTarget, NewBulkRun,
    Page, PageRequest,
};

use super::{App, AppError, access::require_operator};
use crate::random;

pub mod runner;

/// Begins a bulk run for whoever of the operator's people `principal` is. It goes on by itself.
///
/// # Errors
///
/// [`AppError::Forbidden`] for anybody else: each tenant's audit is to name a person;
/// [`AppError::Conflict`] if no tenant is meant.
pub async fn create(
    app: &App,
    principal: &Principal,
    target: BulkTarget,
) -> Result<BulkRunId, AppError> {
    let new = NewBulkRun { id: random::id(), target, requested_by: requester(principal)? };
    let system = app.store.system().await?;
    if system.bulk_runs().create(&new).await? == 0 {
        return Err(AppError::Conflict("there is no tenant to test".to_owned()));
    }
    system.commit().await?;
    app.bulk_begun.notify_one();
    Ok(new.id)
}

fn requester(principal: &Principal) -> Result<BulkRequester, AppError> {
    match principal {
        Principal::Person(person) if person.role.may(Deed::Operate) => Ok(BulkRequester {
            session: person.session,
            email: person.email.clone(),
            name: person.name.clone(),
        }),
        Principal::Person(_)
        | Principal::Operator { .. }
        | Principal::Console
        | Principal::Tenant { .. } => {
            Err(AppError::Forbidden("only a person of the operator's may do this".to_owned()))
        }
    }
}

/// Lists bulk runs, newest first.
///
/// # Errors
///
/// [`AppError::Forbidden`] for anybody but the operator.
pub async fn list(
    app: &App,
    principal: &Principal,
    page: PageRequest,
) -> Result<Page<BulkRunRecord>, AppError> {
    require_operator(principal)?;
    Ok(app.store.system().await?.bulk_runs().list(page).await?)
}

/// Loads a bulk run with its counts.
///
/// # Errors
///
/// [`AppError::NotFound`], [`AppError::Forbidden`] for anybody but the operator.
pub async fn load(app: &App, principal: &Principal, id: &str) -> Result<BulkRunRecord, AppError> {
    require_operator(principal)?;
    let id: BulkRunId = id.parse().map_err(|_| AppError::NotFound("bulk run"))?;
    Ok(app.store.system().await?.bulk_runs().load(id).await?)
}

/// What failed or was skipped so far, by cause, each with the first `shown` of its senders.
///
/// # Errors
///
/// [`AppError::Forbidden`] for anybody but the operator.
pub async fn groups(
    app: &App,
    principal: &Principal,
    id: BulkRunId,
    shown: u64,
) -> Result<Vec<(BulkGroup, Vec<BulkItemRecord>)>, AppError> {
    require_operator(principal)?;
    let system = app.store.system().await?;
    let groups = system.bulk_runs().groups(id).await?;
    let mut with_senders = Vec::with_capacity(groups.len());
    for group in groups {
        let first = PageRequest::first(shown);
        let senders = system.bulk_runs().items_of(id, &group.key, first).await?.items;
        with_senders.push((group, senders));
    }
    Ok(with_senders)
}

/// The senders of one group, by their tenants' slugs.
///
/// # Errors
///
/// [`AppError::Forbidden`] for anybody but the operator.
pub async fn items_of(
    app: &App,
    principal: &Principal,
    id: BulkRunId,
    group: &BulkGroupKey,
    page: PageRequest,
) -> Result<Page<BulkItemRecord>, AppError> {
    require_operator(principal)?;
    Ok(app.store.system().await?.bulk_runs().items_of(id, group, page).await?)
}

/// Cancels a bulk run; tests that are under way end by themselves. Whether anything was left.
///
/// # Errors
///
/// [`AppError::NotFound`], [`AppError::Forbidden`] for anybody but the operator.
pub async fn cancel(app: &App, principal: &Principal, id: &str) -> Result<bool, AppError> {
    require_operator(principal)?;
    let id: BulkRunId = id.parse().map_err(|_| AppError::NotFound("bulk run"))?;
    let system = app.store.system().await?;
    let cancelled = system.bulk_runs().cancel(id, &principal.audit_name()).await?;
    system.commit().await?;
    Ok(cancelled)
}
