//! Sessions in the portal: a link opens one, and it ends by signing out, by another's hand, after
//! half an hour without a request, or after a working day.
//!
//! Times are the database's, so that every instance agrees when a session is over.

use std::time::Duration;

use letterhead_domain::{
    access::{Deed, Person, Principal},
    event::{AuditAction, OperatorEventKind},
    id::PortalSessionId,
};
use letterhead_storage::{
    record::{
        LinkState, NewPortalSession, Page, PageRequest, PortalLinkRecord, PortalSessionRecord,
        SessionState,
    },
    store::SystemTx,
};
use zeroize::Zeroizing;

use super::{
    App, AppError,
    access::{Caller, require_operator},
};
use crate::{
    portal_token::{self, NewToken},
    random,
};

/// How long a session lasts when nothing is asked for.
pub const IDLE: Duration = PortalSessionRecord::IDLE;
/// How long a session lasts at most.
pub const LIFETIME: Duration = PortalSessionRecord::LIFETIME;

const NONE: AppError = AppError::NotFound("session");

/// A session that was just opened, with its token, which is shown this once.
pub struct Opened {
    /// Who is signed in.
    pub person: Person,
    /// The token, for the cookie.
    pub token: Zeroizing<String>,
}

/// What came of using a link.
pub enum Redeemed {
    /// Its person is signed in.
    Opened(Opened),
    /// It had been used before.
    Used,
    /// It was not used in time.
    Expired,
    /// There is no such link, or its tenant is gone.
    Unknown,
}

/// Uses up a link and signs its person in. Of several tries at once, one opens a session.
///
/// # Errors
///
/// [`AppError::Unavailable`].
pub async fn open(app: &App, link_token: &str) -> Result<Redeemed, AppError> {
    let Some(hash) = portal_token::parse(link_token) else { return Ok(Redeemed::Unknown) };
    let system = app.store.system().await?;
    let Some(link) = system.portal_links().claim(&hash).await? else {
        let found = system.portal_links().find(&hash).await?;
        return Ok(match found.map(|link| link.state(system.now())) {
            None => Redeemed::Unknown,
            // Whoever waited for another to use it reads it as that one left it.
            Some(LinkState::Used | LinkState::Fresh) => Redeemed::Used,
            Some(LinkState::Expired) => Redeemed::Expired,
        });
    };
    let token = portal_token::generate();
    let person = start(&system, link, &token).await?;
    system.commit().await?;
    Ok(Redeemed::Opened(Opened { person, token: token.text }))
}

async fn start(
    system: &SystemTx,
    link: PortalLinkRecord,
    token: &NewToken,
) -> Result<Person, AppError> {
    let tenant = link.tenant.map(|(id, _)| id);
    let session = NewPortalSession {
        id: random::id(),
        token_hash: token.hash,
        tenant,
        role: link.role,
        email: link.email,
        name: link.name,
        expires_at: system.now() + LIFETIME,
    };
    system.portal_sessions().create(&session).await?;
    let NewPortalSession { id, role, email, name, .. } = session;
    let person = Person { session: id, role, tenant, email, name };
    let actor = Principal::Person(person.clone()).audit_name();
    let link = ("link", link.id.to_string());
    if let Some(tenant) = tenant {
        let detail = [("role", role.as_str().to_owned()), link];
        let (event, action) = (random::id(), AuditAction::PortalSessionStarted);
        let target = id.to_string();
        system.audit().record(tenant, event, &actor, action, &target, &detail).await?;
    } else {
        let detail = [("by", actor), ("session", id.to_string()), link];
        let kind = OperatorEventKind::OperatorSignedIn;
        system.events().record(kind, None, &detail).await?;
    }
    Ok(person)
}

/// Finds out whose session `session_token` is; `None` if it is nobody's, or no longer live. A token
/// that is malformed costs no query.
///
/// # Errors
///
/// [`AppError::Unavailable`].
pub async fn authenticate(app: &App, session_token: &str) -> Result<Option<Person>, AppError> {
    let Some(hash) = portal_token::parse(session_token) else { return Ok(None) };
    let system = app.store.system().await?;
    let found = system.portal_sessions().find(&hash).await?;
    let live = |session: &PortalSessionRecord| session.state(system.now()) == SessionState::Live;
    let Some(session) = found.filter(live) else { return Ok(None) };
    if system.portal_sessions().touch(&session).await? {
        system.commit().await?;
    }
    let PortalSessionRecord { id, tenant, role, email, name, .. } = session;
    Ok(Some(Person { session: id, role, tenant, email, name }))
}

/// Lists the sessions of the tenant's people, newest first: the live ones and those that ended in
/// the last 90 days.
///
/// # Errors
///
/// [`AppError::Forbidden`] for whoever may not end them.
pub async fn list(
    app: &App,
    caller: &Caller,
    page: PageRequest,
) -> Result<Page<PortalSessionRecord>, AppError> {
    require_steering(&caller.principal)?;
    Ok(app.store.tenant(caller.tenant).await?.portal_sessions().list(page).await?)
}

/// Lists the operator's own sessions, newest first: the live ones and those that ended in the last
/// 90 days.
///
/// # Errors
///
/// [`AppError::Forbidden`] for anybody but the operator.
pub async fn list_operator(
    app: &App,
    principal: &Principal,
    page: PageRequest,
) -> Result<Page<PortalSessionRecord>, AppError> {
    require_operator(principal)?;
    Ok(app.store.system().await?.portal_sessions().list_operator(page).await?)
}

/// Ends a session of the tenant's people; one's own is ended by signing out. Ending one that is over
/// already changes nothing.
///
/// # Errors
///
/// [`AppError::Forbidden`] for another's session without the right to it, [`AppError::NotFound`].
pub async fn end(app: &App, caller: &Caller, id: PortalSessionId) -> Result<(), AppError> {
    if !is_own(&caller.principal, id) {
        require_steering(&caller.principal)?;
    }
    let tx = app.store.tenant(caller.tenant).await?;
    let session = tx.portal_sessions().find(id).await?.ok_or(NONE)?;
    if session.state(tx.now()) == SessionState::Live && tx.portal_sessions().end(id).await? {
        let detail = [("email", session.email.to_string())];
        let (event, action) = (random::id(), AuditAction::PortalSessionEnded);
        tx.audit().record(event, &caller.actor(), action, &id.to_string(), &detail).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// Ends one of the operator's own sessions; one's own is ended by signing out. Ending one that is
/// over already changes nothing.
///
/// # Errors
///
/// [`AppError::Forbidden`] for anybody but the operator, [`AppError::NotFound`].
pub async fn end_operator(
    app: &App,
    principal: &Principal,
    id: PortalSessionId,
) -> Result<(), AppError> {
    require_operator(principal)?;
    let system = app.store.system().await?;
    let session = system.portal_sessions().find_operator(id).await?.ok_or(NONE)?;
    let live = session.state(system.now()) == SessionState::Live;
    if live && system.portal_sessions().end_operator(id).await? {
        let detail = [
            ("by", principal.audit_name()),
            ("email", session.email.to_string()),
            ("session", id.to_string()),
        ];
        system.events().record(OperatorEventKind::OperatorSignedOut, None, &detail).await?;
        system.commit().await?;
    }
    Ok(())
}

fn is_own(principal: &Principal, id: PortalSessionId) -> bool {
    match principal {
        Principal::Person(person) => person.session == id,
        Principal::Operator { .. } | Principal::Console | Principal::Tenant { .. } => false,
    }
}

/// Refuses whoever may not see and end other people's sessions.
fn require_steering(principal: &Principal) -> Result<(), AppError> {
    let may = match principal {
        Principal::Operator { .. } | Principal::Console => true,
        Principal::Tenant { .. } => false,
        Principal::Person(person) => person.role.may(Deed::SteerSessions),
    };
    let refused = || AppError::Forbidden("only an admin may see and end sessions".to_owned());
    may.then_some(()).ok_or_else(refused)
}
