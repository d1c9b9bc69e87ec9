//! Which of the operator's own people are signed in, and ending somebody's session.

use letterhead_domain::id::PortalSessionId;

use super::operator_only;
use crate::{
    app::portal_sessions,
    portal::{
        Table,
        form::Form,
        layout::Nav,
        paging,
        refusal::Refusal,
        sessions,
        visit::{Outcome, Visit},
    },
};

const SESSIONS: &str = "/portal/operator/sessions";

pub(super) fn routes(table: &mut Table) {
    table.page("/portal/operator/sessions", list);
    table.act("/portal/operator/sessions/:session/end", end);
}

async fn list(visit: Visit) -> Outcome {
    operator_only(&visit)?;
    let page = paging::asked_for(&visit);
    let page = portal_sessions::list_operator(&visit.app, &visit.principal(), page).await?;
    let layout = visit.layout(Nav::OperatorSessions);
    let title = visit.texts().say("nav-operator-sessions");
    sessions::show(&visit, layout, title, SESSIONS, &page).await
}

async fn end(visit: Visit, _: Form) -> Outcome {
    operator_only(&visit)?;
    let session = visit.param("session").parse::<PortalSessionId>();
    let session = session.map_err(|_| Refusal::NotFound)?;
    portal_sessions::end_operator(&visit.app, &visit.principal(), session).await?;
    Ok(visit.did("did-session-ended", SESSIONS))
}
