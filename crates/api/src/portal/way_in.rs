//! The way into the portal and out of it: one-time links, the home page, signing out.
//!
//! Mail scanners open every link they see. So opening a link only shows what it is for; the form on
//! that page redeems it.

use askama::Template;
use letterhead_domain::access::Deed;
use poem::{Request, Response};

use super::{
    Table, cookies,
    form::Form,
    layout::{Layout, Signed, Site},
    refusal::Refusal,
    visit::{Outcome, Visit, see_other},
};
use crate::app::{
    App,
    access::Caller,
    portal_links::{self, LinkState},
    portal_sessions::{self, Redeemed},
};

pub(super) fn routes(table: &mut Table) {
    table.open_page("/portal", home);
    table.open_page("/portal/links/:token", show);
    table.open_act("/portal/links/:token", redeem);
    table.act("/portal/sign-out", sign_out);
}

#[derive(Template)]
#[template(path = "way_in.html")]
struct WayInPage {
    layout: Layout,
    title: String,
    words: String,
    /// Who the link is for, if it can be used.
    guest: Option<Guest>,
}

struct Guest {
    signed: Signed,
    /// Where the Continue button leads.
    action: String,
}

/// The home of whoever is signed in; for everybody else, what they need.
async fn home(app: App, site: Site, request: Request) -> Outcome {
    let visit = Visit::of(app, site, &request).await?;
    Ok(see_other(&visit.home().await?))
}

async fn show(app: App, site: Site, request: Request) -> Outcome {
    let token = request.raw_path_param("token").unwrap_or_default();
    let Some(link) = portal_links::find(&app, token).await? else {
        return unusable(&site, "way-in-unknown");
    };
    match link.state {
        LinkState::Used => return unusable(&site, "way-in-used"),
        LinkState::Expired => return unusable(&site, "way-in-expired"),
        LinkState::Fresh => {}
    }
    let (t, product) = (site.texts, site.config.product_name.as_str());
    let words = match &link.tenant {
        Some((_, name)) => t.with("way-in-words", [("tenant", name.as_str())]),
        None => t.with("way-in-operator-words", [("product", product)]),
    };
    let page = WayInPage {
        layout: Layout::bare(&site),
        title: t.with("way-in-title", [("product", product)]),
        words,
        guest: Some(Guest {
            signed: Signed {
                name: link.name.to_string(),
                email: link.email.to_string(),
                role: t.say(&format!("role-{}", link.role.as_str())),
            },
            action: format!("/portal/links/{token}"),
        }),
    };
    Ok(Response::builder().content_type("text/html; charset=utf-8").body(page.render()?))
}

/// Opens a session, once. Whoever was signed in with this browser before is signed out.
async fn redeem(app: App, site: Site, request: Request) -> Outcome {
    let token = request.raw_path_param("token").unwrap_or_default().to_owned();
    let opened = match portal_sessions::open(&app, &token).await? {
        Redeemed::Opened(opened) => opened,
        Redeemed::Used => return unusable(&site, "way-in-used"),
        Redeemed::Expired => return unusable(&site, "way-in-expired"),
        Redeemed::Unknown => return unusable(&site, "way-in-unknown"),
    };
    if let Ok(before) = Visit::of(app, site.clone(), &request).await {
        end(&before).await?;
    }
    let mut response = see_other("/portal");
    cookies::open_session(response.headers_mut(), &opened.token, &site.config);
    Ok(response)
}

fn unusable(site: &Site, key: &str) -> Outcome {
    let t = site.texts;
    let page = WayInPage {
        layout: Layout::bare(site),
        title: t.say(&format!("{key}-title")),
        words: t.say(&format!("{key}-words")),
        guest: None,
    };
    Ok(Response::builder()
        .status(poem::http::StatusCode::GONE)
        .content_type("text/html; charset=utf-8")
        .body(page.render()?))
}

async fn sign_out(visit: Visit, _form: Form) -> Outcome {
    end(&visit).await?;
    let t = visit.texts();
    let page = WayInPage {
        layout: Layout::bare(&visit.site),
        title: t.say("signed-out-title"),
        words: t.say("signed-out-words"),
        guest: None,
    };
    let mut response = visit.show(&page)?;
    cookies::close_session(response.headers_mut(), &visit.site.config);
    Ok(response)
}

/// Ends the session of `visit` itself.
async fn end(visit: &Visit) -> Result<(), Refusal> {
    let (app, principal, id) = (&visit.app, visit.principal(), visit.person.session);
    match visit.person.tenant {
        Some(tenant) => portal_sessions::end(app, &Caller { principal, tenant }, id).await?,
        None if visit.may(Deed::Operate) => {
            portal_sessions::end_operator(app, &principal, id).await?;
        }
        None => {}
    }
    Ok(())
}
