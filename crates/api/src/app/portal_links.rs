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
    /// What whoever uses it may do.
    pub role: PortalRole,
    /// For whom it is.
    pub email: EmailAddress,
    /// Their name.
    pub name: PersonName,
    /// When it stops working.
    pub expires_at: DateTime<Utc>,
}

impl CreatedLink {
    /// The link, for a portal that is found at `public_url` (without a slash at its end).
    pub fn url(&self, public_url: &str) -> Zeroizing<String> {
        Zeroizing::new(format!("{public_url}/portal/links/{}", self.token.as_str()))
    }
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
    let valid_for = check(&draft, tenants_role)?;
    let tx = app.store.tenant(caller.tenant).await?;
    // A deleted tenant's id is not to get any more rows.
    tx.tenant().load().await?;
    let (token, link) = new_link(&caller.principal, draft, tx.now() + valid_for);
    tx.portal_links().create(&link).await?;
    let (id, action, target) = (random::id(), AuditAction::PortalLinkCreated, link.id.to_string());
    tx.audit().record(id, &caller.actor(), action, &target, &detail(&link)).await?;
    tx.commit().await?;
    Ok(created(token, link))
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
    let valid_for = check(&draft, operators_role)?;
    let system = app.store.system().await?;
    let (token, link) = new_link(principal, draft, system.now() + valid_for);
    system.portal_links().create_operator(&link).await?;
    let kind = OperatorEventKind::OperatorLinkCreated;
    let mut detail = detail(&link).to_vec();
    detail.push(("by", link.created_by.clone()));
    system.events().record(kind, None, &detail).await?;
    system.commit().await?;
    Ok(created(token, link))
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

/// The role that `word` names, if a link into a tenant's pages can be for it.
///
/// # Errors
///
/// [`Invalid`] for the operator's own role, and for a word that is none.
pub fn tenants_role(word: &str) -> Result<PortalRole, Invalid> {
    let role = word.parse().ok().filter(|role| *role != PortalRole::Operator);
    role.ok_or_else(|| Invalid::new("unknown_value", "use one of admin, viewer, setup"))
}

/// The role that `word` names, if a link to the operator's own pages can be for it.
///
/// # Errors
///
/// [`Invalid`] for everything but the operator's own role.
pub fn operators_role(word: &str) -> Result<PortalRole, Invalid> {
    let role = word.parse().ok().filter(|role| *role == PortalRole::Operator);
    role.ok_or_else(|| Invalid::new("unknown_value", "use operator"))
}

/// For how long a link for `role` may wait; without a length, as long as the role allows.
///
/// # Errors
///
/// [`Invalid`] for no time at all, and for more than the role allows.
pub fn valid_for(role: PortalRole, length: Option<Duration>) -> Result<TimeDelta, Invalid> {
    let longest = role.longest_link();
    let length = length.unwrap_or(longest);
    let fits = !length.is_zero() && length <= longest;
    TimeDelta::from_std(length).ok().filter(|_| fits).ok_or_else(|| {
        let (role, seconds) = (role.as_str(), longest.as_secs());
        let words = format!("choose from 1 to {seconds} seconds for the role {role}");
        Invalid::new("out_of_range", words)
    })
}

/// Notes what of a draft is refused; otherwise for how long the link may wait.
fn check(
    draft: &LinkDraft,
    fits: impl FnOnce(&str) -> Result<PortalRole, Invalid>,
) -> Result<TimeDelta, FieldErrors> {
    let mut errors = FieldErrors::default();
    errors.note("/role", fits(draft.role.as_str()));
    let length = errors.note("/expires_in_seconds", valid_for(draft.role, draft.valid_for));
    errors.or(length)
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

fn created(token: NewToken, link: NewPortalLink) -> CreatedLink {
    let NewPortalLink { id, role, email, name, expires_at, .. } = link;
    CreatedLink { id, token: token.text, role, email, name, expires_at }
}

/// What the audit says about a link: nothing that opens it.
fn detail(link: &NewPortalLink) -> [(&'static str, String); 3] {
    [
        ("role", link.role.as_str().to_owned()),
        ("email", link.email.to_string()),
        ("name", link.name.to_string()),
    ]
}
