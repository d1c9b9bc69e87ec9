//! Guides: how to set a mail service up, with the tenant's own values beside what to enter.

use std::collections::BTreeMap;

use askama::Template;
use letterhead_domain::{access::Deed, provider, sender::SettingsVersion};
use poem::{Response, http::header};

use super::{
    Table,
    layout::{Layout, Nav},
    refusal::Refusal,
    settings,
    texts::Texts,
    visit::{Outcome, Place, Visit},
};
use crate::app::guides::{self, Guide};

mod view;

use view::{BlockView, GuideView, OwnValues};

pub(super) fn routes(table: &mut Table) {
    table.page("/portal/tenants/:tenant/guides", list);
    table.page("/portal/tenants/:tenant/guides/:guide", one);
    table.page("/portal/tenants/:tenant/guides/:guide/pdf", pdf);
    table.page("/portal/tenants/:tenant/guides/drawings/:name", drawing);
}

#[derive(Template)]
#[template(path = "guides.html")]
struct GuidesPage {
    layout: Layout,
    guides: Vec<GuideLine>,
}

struct GuideLine {
    href: String,
    title: String,
    summary: Vec<view::Stretch>,
    /// Whether it is the guide of the service that the tenant uses.
    is_own: bool,
}

#[derive(Template)]
#[template(path = "guide.html")]
struct GuidePage {
    layout: Layout,
    list: String,
    settings: String,
    pdf: String,
    guide: GuideView,
}

/// The newest settings, which are what the reader works on.
async fn newest(visit: &Visit, place: &Place) -> Result<Option<SettingsVersion>, Refusal> {
    let sender = settings::sender_of(visit, place).await?;
    Ok(sender.map(|sender| sender.newest().clone()))
}

async fn list(visit: Visit) -> Outcome {
    let place = visit.place().await?;
    visit.require(Deed::SeeSettings)?;
    let newest = newest(&visit, &place).await?;
    let own = newest.and_then(|version| provider::of_host(&version.settings.host));
    let own = own.map(|provider| provider.guide);
    let mut lines: Vec<_> = guides::all()
        .iter()
        .map(|guide| GuideLine {
            href: place.path(&format!("guides/{}", guide.id)),
            title: guide.title.clone(),
            summary: view::stretches(&guide.summary),
            is_own: own == Some(guide.id),
        })
        .collect();
    lines.sort_by_key(|line| !line.is_own);
    visit.show(&GuidesPage { guides: lines, layout: visit.layout_at(&place, Nav::Guides) })
}

fn asked_for(visit: &Visit) -> Result<&'static Guide, Refusal> {
    guides::find(visit.param("guide")).ok_or(Refusal::NotFound)
}

async fn one(visit: Visit) -> Outcome {
    let place = visit.place().await?;
    visit.require(Deed::SeeSettings)?;
    let guide = asked_for(&visit)?;
    let own = own_values(visit.texts(), newest(&visit, &place).await?.as_ref());
    visit.show(&GuidePage {
        list: place.path("guides"),
        settings: place.sender_path(""),
        pdf: place.path(&format!("guides/{}/pdf", guide.id)),
        guide: GuideView::of(visit.texts(), guide, &own, &place.path("guides/drawings")),
        layout: visit.layout_at(&place, Nav::Guides),
    })
}

/// What the tenant has in each field now; nothing before the first settings are saved.
fn own_values(t: Texts, newest: Option<&SettingsVersion>) -> OwnValues {
    let Some(version) = newest else { return BTreeMap::new() };
    settings::facts(t, version).into_iter().map(|field| (field.name, field.value)).collect()
}

async fn pdf(visit: Visit) -> Outcome {
    visit.place().await?;
    visit.require(Deed::SeeSettings)?;
    let guide = asked_for(&visit)?;
    let bytes = guides::pdf(guide.id).ok_or(Refusal::NotFound)?;
    let name = format!("inline; filename=\"letterhead-{}.pdf\"", guide.id);
    Ok(Response::builder()
        .content_type("application/pdf")
        .header(header::CONTENT_DISPOSITION, name)
        .body(bytes))
}

async fn drawing(visit: Visit) -> Outcome {
    visit.place().await?;
    let name = visit.param("name").strip_suffix(".svg").ok_or(Refusal::NotFound)?;
    let svg = guides::drawing(name).ok_or(Refusal::NotFound)?;
    Ok(Response::builder().content_type("image/svg+xml").body(svg))
}
