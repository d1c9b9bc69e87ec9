//! All tenants at a glance, and suspending one.

use askama::Template;
use letterhead_domain::{
    provider,
    tenant::{StateFilter, TenantFilter, TenantStatus},
};

use self::view::{Choice, StateCount, TenantLine};
use super::operator_only;
use crate::{
    app::tenants,
    portal::{
        Table,
        form::Form,
        layout::{Layout, Nav},
        paging,
        visit::{Outcome, Place, Visit},
    },
};

pub(super) mod view;

/// Tenants on a page: their ids and a search fit into one form.
const LINES: u64 = 50;
const TENANTS: &str = "/portal/operator/tenants";

pub(super) fn routes(table: &mut Table) {
    table.page("/portal/operator/tenants", list);
    table.page("/portal/operator/tenants/:tenant/suspend", confirm_suspend);
    table.act("/portal/operator/tenants/:tenant/suspend", suspend);
    table.page("/portal/operator/tenants/:tenant/resume", confirm_resume);
    table.act("/portal/operator/tenants/:tenant/resume", resume);
}

#[derive(Template)]
#[template(path = "operator_tenants.html")]
struct TenantsPage {
    layout: Layout,
    script: String,
    /// What is looked for, as it was typed.
    text: String,
    state: String,
    provider: String,
    states: Vec<Choice>,
    providers: Vec<Choice>,
    counts: Vec<StateCount>,
    is_filtered: bool,
    lines: Vec<TenantLine>,
    first: Option<String>,
    next: Option<String>,
}

/// What the query or a form asks for; what makes no sense asks for nothing.
pub(super) fn filter_of(text: &str, state: &str, provider: &str) -> TenantFilter {
    TenantFilter {
        text: text.parse().ok(),
        state: state.parse().ok(),
        provider: provider::find(provider),
    }
}

async fn list(visit: Visit) -> Outcome {
    operator_only(&visit)?;
    let (principal, t) = (visit.principal(), visit.texts());
    let filter = filter_of(visit.query("text"), visit.query("state"), visit.query("provider"));
    let after = visit.query("after").parse().ok();
    let page = tenants::overview(&visit.app, &principal, &filter, after.as_ref(), LINES).await?;
    let counts = tenants::counts(&visit.app, &principal).await?;

    let text = filter.text.as_ref().map_or_else(String::new, ToString::to_string);
    let state = filter.state.map_or("", StateFilter::as_str);
    let provider = filter.provider.map_or("", |provider| provider.id);
    let query = [("text", text.as_str()), ("state", state), ("provider", provider)];
    let next = page
        .next
        .as_ref()
        .map(|slug| paging::address(TENANTS, query.into_iter().chain([("after", slug.as_str())])));
    visit.show(&TenantsPage {
        script: visit.site.assets.address("operator.js"),
        states: view::states(t, filter.state),
        providers: view::providers(filter.provider),
        counts: view::counts(t, &counts, &filter),
        is_filtered: !filter.is_empty(),
        lines: page.tenants.iter().map(|line| TenantLine::of(t, line)).collect(),
        first: after.map(|_| paging::address(TENANTS, query)),
        next,
        state: state.to_owned(),
        provider: provider.to_owned(),
        text,
        layout: visit.layout(Nav::Tenants),
    })
}

#[derive(Template)]
#[template(path = "operator_confirm.html")]
struct ConfirmPage {
    layout: Layout,
    title: String,
    words: String,
    button: String,
    is_danger: bool,
    path: String,
    back: String,
}

async fn confirm_suspend(visit: Visit) -> Outcome {
    operator_only(&visit)?;
    let (place, t) = (visit.place().await?, visit.texts());
    let name = [("tenant", place.tenant_name.as_str())];
    visit.show(&ConfirmPage {
        title: t.with("suspend-title", name),
        words: t.say("suspend-words"),
        button: t.say("suspend-button"),
        is_danger: true,
        path: path(&place, "suspend"),
        back: path(&place, ""),
        layout: visit.layout(Nav::Tenants),
    })
}

async fn confirm_resume(visit: Visit) -> Outcome {
    operator_only(&visit)?;
    let (place, t) = (visit.place().await?, visit.texts());
    let name = [("tenant", place.tenant_name.as_str())];
    visit.show(&ConfirmPage {
        title: t.with("resume-title", name),
        words: t.say("resume-words"),
        button: t.say("resume-button"),
        is_danger: false,
        path: path(&place, "resume"),
        back: path(&place, ""),
        layout: visit.layout(Nav::Tenants),
    })
}

async fn suspend(visit: Visit, _: Form) -> Outcome {
    operator_only(&visit)?;
    let place = visit.place().await?;
    tenants::update(&visit.app, &place.caller, None, Some(TenantStatus::Suspended)).await?;
    Ok(visit.did("did-tenant-suspended", &path(&place, "")))
}

async fn resume(visit: Visit, _: Form) -> Outcome {
    operator_only(&visit)?;
    let place = visit.place().await?;
    tenants::update(&visit.app, &place.caller, None, Some(TenantStatus::Active)).await?;
    Ok(visit.did("did-tenant-resumed", &path(&place, "")))
}

/// The operator's page about a tenant, or one below it.
pub(super) fn path(place: &Place, rest: &str) -> String {
    let slash = if rest.is_empty() { "" } else { "/" };
    format!("{TENANTS}/{}{slash}{rest}", place.tenant)
}
