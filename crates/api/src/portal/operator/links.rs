//! One tenant as the operator sees it: a link for one of its people, suspending, the way to its
//! pages.

use askama::Template;
use letterhead_domain::{
    access::PortalRole, email::EmailAddress, tenant::TenantStatus, text::PersonName,
};
use poem::http::StatusCode;

use super::operator_only;
use crate::{
    app::portal_links::{self, LinkDraft},
    portal::{
        Table, address,
        choice::{Choice, choices},
        form::Form,
        layout::{Banner, Layout, Nav},
        moment::Moment,
        texts::Texts,
        visit::{Outcome, Place, Visit},
    },
};

/// Whom a link can be for.
const ROLES: [PortalRole; 3] = [PortalRole::Admin, PortalRole::Viewer, PortalRole::Setup];

pub(super) fn routes(table: &mut Table) {
    table.page("/portal/operator/tenants/:tenant", show);
    table.act("/portal/operator/tenants/:tenant/portal-links", create);
}

#[derive(Template)]
#[template(path = "operator_tenant.html")]
struct TenantPage {
    layout: Layout,
    name: String,
    slug: String,
    id: String,
    created: Moment,
    is_suspended: bool,
    settings: String,
    messages: String,
    activity: String,
    sessions: String,
    /// Where each form of the page goes.
    here: String,
    link: LinkForm,
    made: Option<MadeLink>,
}

/// What was typed about whom a link is for, and what is wrong with it.
struct LinkForm {
    email: String,
    name: String,
    roles: Vec<Choice>,
    email_error: Option<String>,
    name_error: Option<String>,
}

/// A link that was just made, shown this once.
struct MadeLink {
    url: String,
    words: String,
    expires: Moment,
}

impl LinkForm {
    fn new(t: Texts, email: &str, name: &str, chosen: PortalRole) -> Self {
        Self {
            email: email.to_owned(),
            name: name.to_owned(),
            roles: choices(ROLES, chosen.as_str(), PortalRole::as_str, |role| {
                t.say(&format!("role-{}", role.as_str()))
            }),
            email_error: None,
            name_error: None,
        }
    }
}

async fn show(visit: Visit) -> Outcome {
    operator_only(&visit)?;
    let place = visit.place().await?;
    let link = LinkForm::new(visit.texts(), "", "", PortalRole::Admin);
    visit.show(&page(&visit, &place, link, None))
}

async fn create(visit: Visit, form: Form) -> Outcome {
    operator_only(&visit)?;
    let (place, t) = (visit.place().await?, visit.texts());
    let role = portal_links::tenants_role(form.text("role")).unwrap_or(PortalRole::Viewer);
    let mut link = LinkForm::new(t, form.text("email"), form.text("name"), role);
    let email = form.text("email").parse::<EmailAddress>();
    let name = form.text("name").parse::<PersonName>();
    let (email, name) = match (email, name) {
        (Ok(email), Ok(name)) => (email, name),
        (email, name) => {
            link.email_error = email.is_err().then(|| t.say("link-email-refused"));
            link.name_error = name.is_err().then(|| t.say("link-name-refused"));
            let mut page = page(&visit, &place, link, None);
            page.layout.banner = Some(Banner::failure(t.say("link-refused")));
            return visit.show_as(StatusCode::UNPROCESSABLE_ENTITY, &page);
        }
    };
    let draft = LinkDraft { role, email, name, valid_for: None };
    let made = portal_links::create(&visit.app, &place.caller, draft).await?;
    let email = made.email.to_string();
    let made = MadeLink {
        words: t.with("link-made-words", [("email", email.as_str())]),
        url: made.url(visit.site.config.public_url.as_str()).to_string(),
        expires: made.expires_at.into(),
    };
    let empty = LinkForm::new(t, "", "", PortalRole::Admin);
    let mut page = page(&visit, &place, empty, Some(made));
    page.layout.banner = Some(Banner::success(t.say("link-made")));
    visit.show(&page)
}

fn page(visit: &Visit, place: &Place, link: LinkForm, made: Option<MadeLink>) -> TenantPage {
    let tenant = &place.tenant;
    TenantPage {
        layout: visit.layout(Nav::Tenants),
        name: tenant.name.to_string(),
        slug: tenant.slug.to_string(),
        id: tenant.id.to_string(),
        created: tenant.created_at.into(),
        is_suspended: tenant.status == TenantStatus::Suspended,
        settings: place.sender_path(""),
        messages: place.path("messages"),
        activity: place.path("activity"),
        sessions: place.path("sessions"),
        here: address::about_tenant(&tenant.slug, ""),
        link,
        made,
    }
}
