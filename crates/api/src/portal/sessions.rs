//! Sessions: which of the tenant's people are signed in, and ending somebody's session.

use askama::Template;
use letterhead_domain::{access::Deed, id::PortalSessionId};
use letterhead_storage::record::{Page, PortalSessionRecord, SessionState};

use super::{
    Table,
    form::Form,
    layout::{Layout, Nav},
    moment::Moment,
    paging,
    refusal::Refusal,
    texts::Texts,
    visit::{Outcome, Visit},
};
use crate::app::portal_sessions;

pub(super) fn routes(table: &mut Table) {
    table.page("/portal/tenants/:tenant/sessions", list);
    table.act("/portal/tenants/:tenant/sessions/:session/end", end);
}

#[derive(Template)]
#[template(path = "sessions.html")]
struct SessionsPage {
    layout: Layout,
    title: String,
    here: String,
    sessions: Vec<SessionLine>,
    newest: Option<String>,
    older: Option<String>,
}

struct SessionLine {
    id: String,
    name: String,
    email: String,
    role: String,
    started: Moment,
    seen: Moment,
    chip: &'static str,
    state: String,
    is_own: bool,
    may_be_ended: bool,
}

impl SessionLine {
    fn of(t: Texts, record: &PortalSessionRecord, state: SessionState, is_own: bool) -> Self {
        let (chip, key) = match state {
            SessionState::Live => ("good", "session-live"),
            SessionState::Ended => ("plain", "session-ended"),
            SessionState::Expired => ("plain", "session-expired"),
        };
        Self {
            id: record.id.to_string(),
            name: record.name.to_string(),
            email: record.email.to_string(),
            role: t.say(&format!("role-{}", record.role.as_str())),
            started: record.started_at.into(),
            seen: record.last_seen_at.into(),
            chip,
            state: t.say(key),
            is_own,
            may_be_ended: state == SessionState::Live && !is_own,
        }
    }
}

async fn list(visit: Visit) -> Outcome {
    let place = visit.place().await?;
    visit.require(Deed::SteerSessions)?;
    let page = paging::asked_for(&visit);
    let page = portal_sessions::list(&visit.app, &place.caller, page).await?;
    let (layout, title) =
        (visit.layout_at(&place, Nav::Sessions), visit.texts().say("nav-sessions"));
    show(&visit, layout, title, &place.path("sessions"), &page).await
}

/// A list of sessions at `path`, each with a way to end it.
pub(super) async fn show(
    visit: &Visit,
    layout: Layout,
    title: String,
    path: &str,
    page: &Page<PortalSessionRecord>,
) -> Outcome {
    let now = visit.app.now().await?;
    let line = |record: &PortalSessionRecord| {
        let is_own = record.id == visit.person.session;
        SessionLine::of(visit.texts(), record, record.state(now), is_own)
    };
    visit.show(&SessionsPage {
        sessions: page.items.iter().map(line).collect(),
        newest: paging::newest(visit, path, &[]),
        older: paging::older(path, &[], page.next),
        here: path.to_owned(),
        title,
        layout,
    })
}

async fn end(visit: Visit, _: Form) -> Outcome {
    let place = visit.place().await?;
    visit.require(Deed::SteerSessions)?;
    let session = visit.param("session").parse::<PortalSessionId>();
    let session = session.map_err(|_| Refusal::NotFound)?;
    portal_sessions::end(&visit.app, &place.caller, session).await?;
    Ok(visit.did("did-session-ended", &place.path("sessions")))
}
