//! All tenants at a glance, and suspending one.

use askama::Template;
use letterhead_domain::{
    provider,
    slug::Slug,
    tenant::{StateFilter, TenantFilter, TenantStatus},
};
use poem::http::StatusCode;

use self::view::{StateCount, TenantLine};
use super::operator_only;
use crate::{
    app::tenants,
    portal::{
        Table,
        address::{self, OPERATOR_TENANTS},
        choice::{Choice, choices},
        layout::{Banner, Layout, Nav},
        paging,
        visit::{Outcome, Visit},
    },
};

pub(super) mod view;

/// Tenants on a page: their ids and a search fit into one form.
const LINES: u64 = 50;

pub(super) fn routes(table: &mut Table) {
    table.page("/portal/operator/tenants", list);
    table.page("/portal/operator/tenants/:tenant/suspend", |visit| confirm(visit, SUSPEND));
    table.act("/portal/operator/tenants/:tenant/suspend", |visit, _| change(visit, SUSPEND));
    table.page("/portal/operator/tenants/:tenant/resume", |visit| confirm(visit, RESUME));
    table.act("/portal/operator/tenants/:tenant/resume", |visit, _| change(visit, RESUME));
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
    let filter = filter_of(visit.query("text"), visit.query("state"), visit.query("provider"));
    let after = visit.query("after").parse().ok();
    show(&visit, filter, after, StatusCode::OK, None).await
}

/// Shows the tenants that `filter` finds, from `after` on.
pub(super) async fn show(
    visit: &Visit,
    filter: TenantFilter,
    after: Option<Slug>,
    status: StatusCode,
    banner: Option<Banner>,
) -> Outcome {
    let (principal, t) = (visit.principal(), visit.texts());
    let page = tenants::overview(&visit.app, &principal, &filter, after.as_ref(), LINES).await?;
    let counts = tenants::counts(&visit.app, &principal).await?;

    let text = filter.text.as_ref().map_or_else(String::new, ToString::to_string);
    let state = filter.state.map_or("", StateFilter::as_str);
    let provider = filter.provider.map_or("", |provider| provider.id);
    let query = [("text", text.as_str()), ("state", state), ("provider", provider)];
    let next = page.next.as_ref().map(|slug| {
        paging::address(OPERATOR_TENANTS, query.into_iter().chain([("after", slug.as_str())]))
    });
    let page = TenantsPage {
        script: visit.site.assets.address("operator.js"),
        states: choices(StateFilter::ALL, state, StateFilter::as_str, |state| {
            view::state_name(t, state)
        }),
        providers: choices(provider::all(), provider, |one| one.id, |one| one.name.to_owned()),
        counts: view::counts(t, &counts, &filter),
        is_filtered: !filter.is_empty(),
        lines: page.tenants.iter().map(|line| TenantLine::of(t, line)).collect(),
        first: after.map(|_| paging::address(OPERATOR_TENANTS, query)),
        next,
        state: state.to_owned(),
        provider: provider.to_owned(),
        text,
        layout: visit.layout(Nav::Tenants).with_banner(banner),
    };
    visit.show_as(status, &page)
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

/// A change of a tenant that is asked back about.
#[derive(Clone, Copy)]
struct Change {
    /// Its word in the address, and in the names of its texts.
    word: &'static str,
    status: TenantStatus,
    is_danger: bool,
    did: &'static str,
}

const SUSPEND: Change = Change {
    word: "suspend",
    status: TenantStatus::Suspended,
    is_danger: true,
    did: "did-tenant-suspended",
};

const RESUME: Change = Change {
    word: "resume",
    status: TenantStatus::Active,
    is_danger: false,
    did: "did-tenant-resumed",
};

async fn confirm(visit: Visit, change: Change) -> Outcome {
    operator_only(&visit)?;
    let (place, t) = (visit.place().await?, visit.texts());
    let Change { word, is_danger, .. } = change;
    visit.show(&ConfirmPage {
        title: t.with(&format!("{word}-title"), [("tenant", place.tenant.name.as_str())]),
        words: t.say(&format!("{word}-words")),
        button: t.say(&format!("{word}-button")),
        is_danger,
        path: address::about_tenant(&place.tenant.slug, format_args!("/{word}")),
        back: address::about_tenant(&place.tenant.slug, ""),
        layout: visit.layout(Nav::Tenants),
    })
}

async fn change(visit: Visit, change: Change) -> Outcome {
    operator_only(&visit)?;
    let place = visit.place().await?;
    tenants::update(&visit.app, &place.caller, None, Some(change.status)).await?;
    Ok(visit.did(change.did, &address::about_tenant(&place.tenant.slug, "")))
}
