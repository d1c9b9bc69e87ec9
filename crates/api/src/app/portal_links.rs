//! Links into the portal: the operator makes them, for one person each, and they work once.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use letterhead_domain::{
    access::{PortalRole, Principal},
    email::EmailAddress,
    event::{AuditAction, OperatorEventKind},
    field_errors::{FieldErrors, Invalid},
    id::{PortalLinkId, TenantId},
    text::{PersonName, TenantName},
};
pub use letterhead_storage::record::LinkState;
use letterhead_storage::record::NewPortalLink;
use zeroize::Zeroizing;

use super::{
    App, AppError,
    access::{Caller, require_operator},
};
use crate::{
    portal_token::{self, NewToken},
    random,
};

/// What a new link is to be.
pub struct LinkDraft {
    /// What whoever uses it may do.
    pub role: PortalRole,
    /// For whom it is: the audit names them so.
    pub email: EmailAddress,
    /// Their name.
    pub name: PersonName,
    /// For how long it may wait; without a length, as long as its role allows.
    pub valid_for: Option<Duration>,
}

/// A link with its token, which is shown this once.
pub struct CreatedLink {
    /// Its id.
    pub id: PortalLinkId,
    /// The token, the last part of the link's URL.
    pub token: Zeroizing<String>,
    /// When it stops working.
    pub expires_at: DateTime<Utc>,
}

/// A link that somebody shows, before it is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownLink {
    /// The tenant that it leads to, with its name; none with [`PortalRole::Operator`].
    pub tenant: Option<(TenantId, TenantName)>,
    /// What whoever uses it may do.
    pub role: PortalRole,
    /// For whom it was made.
    pub email: EmailAddress,
    /// Their name.
    pub name: PersonName,
    /// What it is still good for.
    pub state: LinkState,
}

/// Makes a link into the pages of the caller's tenant.
///
/// # Errors
///
/// [`AppError::Forbidden`] for anybody but the operator, [`AppError::Invalid`] for the operator's
/// own role and for a time that is too long.
pub async fn create(app: &App, caller: &Caller, draft: LinkDraft) -> Result<CreatedLink, AppError> {
    require_operator(&caller.principal)?;
    let mut errors = FieldErrors::default();
    if draft.role == PortalRole::Operator {
        let words = "a tenant's link is for an admin, a viewer or a setup";
        errors.push("/role", Invalid::new("unknown_value", words));
    }
    let valid_for = errors.note("/expires_in_seconds", valid_for(&draft));
    let valid_for = errors.or(valid_for)?;
    let tx = app.store.tenant(caller.tenant).await?;
    // A deleted tenant's id is not to get any more rows.
    tx.tenant().load().await?;
    let (token, link) = new_link(&caller.principal, draft, tx.now() + valid_for);
    tx.portal_links().create(&link).await?;
    let (id, action, target) = (random::id(), AuditAction::PortalLinkCreated, link.id.to_string());
    tx.audit().record(id, &caller.actor(), action, &target, &detail(&link)).await?;
    tx.commit().await?;
    Ok(CreatedLink { id: link.id, token: token.text, expires_at: link.expires_at })
}

/// Makes a link to the operator's own pages.
///
/// # Errors
///
/// [`AppError::Forbidden`] for anybody but the operator, [`AppError::Invalid`] for any other role
/// and for a time that is too long.
pub async fn create_operator(
    app: &App,
    principal: &Principal,
    draft: LinkDraft,
) -> Result<CreatedLink, AppError> {
    require_operator(principal)?;
    let mut errors = FieldErrors::default();
    if draft.role != PortalRole::Operator {
        let words = "only a tenant's link is for another role than operator";
        errors.push("/role", Invalid::new("unknown_value", words));
    }
    let valid_for = errors.note("/expires_in_seconds", valid_for(&draft));
    let valid_for = errors.or(valid_for)?;
    let system = app.store.system().await?;
    let (token, link) = new_link(principal, draft, system.now() + valid_for);
    system.portal_links().create_operator(&link).await?;
    let kind = OperatorEventKind::OperatorLinkCreated;
    let mut detail = detail(&link).to_vec();
    detail.push(("by", link.created_by));
    system.events().record(kind, None, &detail).await?;
    system.commit().await?;
    Ok(CreatedLink { id: link.id, token: token.text, expires_at: link.expires_at })
}

/// Finds the link that `token` belongs to, and changes nothing: programs that open every link of a
/// mail must not use it up. A token that is malformed costs no query.
///
/// # Errors
///
/// [`AppError::Unavailable`].
pub async fn find(app: &App, token: &str) -> Result<Option<ShownLink>, AppError> {
    let Some(hash) = portal_token::parse(token) else { return Ok(None) };
    let system = app.store.system().await?;
    let now = system.now();
    let found = system.portal_links().find(&hash).await?;
    Ok(found.map(|link| ShownLink {
        state: link.state(now),
        tenant: link.tenant,
        role: link.role,
        email: link.email,
        name: link.name,
    }))
}

/// For how long the link may wait.
fn valid_for(draft: &LinkDraft) -> Result<TimeDelta, Invalid> {
    let longest = draft.role.longest_link();
    let valid_for = draft.valid_for.unwrap_or(longest);
    let delta = TimeDelta::from_std(valid_for).ok();
    delta.filter(|_| !valid_for.is_zero() && valid_for <= longest).ok_or_else(|| {
        let (role, seconds) = (draft.role.as_str(), longest.as_secs());
        let words = format!("choose from 1 to {seconds} seconds for the role {role}");
        Invalid::new("out_of_range", words)
    })
}

fn new_link(
    principal: &Principal,
    draft: LinkDraft,
    expires_at: DateTime<Utc>,
) -> (NewToken, NewPortalLink) {
    let token = portal_token::generate();
    let link = NewPortalLink {
        id: random::id(),
        token_hash: token.hash,
        role: draft.role,
        email: draft.email,
        name: draft.name,
        created_by: principal.audit_name(),
        expires_at,
    };
    (token, link)
}

/// What the audit says about a link: nothing that opens it.
fn detail(link: &NewPortalLink) -> [(&'static str, String); 3] {
    [
        ("role", link.role.as_str().to_owned()),
        ("email", link.email.to_string()),
        ("name", link.name.to_string()),
    ]
}
