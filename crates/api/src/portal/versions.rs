//! Versions: what the settings were, who changed what, and the way back.

use askama::Template;
use letterhead_domain::{
    access::Deed,
    sender::{RestorePlan, VersionNumber, plan_restore},
};
use letterhead_storage::record::{Expected, PageRequest, SenderRecord, VersionRecord};
use poem::http::StatusCode;

use super::{
    Table,
    form::Form,
    layout::{Banner, Layout, Nav},
    paging,
    refusal::Refusal,
    settings,
    visit::{Outcome, Place, Visit},
};
use crate::app::{AppError, senders};

mod view;

use view::{Restoring, VersionView};

pub(super) fn routes(table: &mut Table) {
    table.page("/portal/tenants/:tenant/senders/:sender/versions", list);
    table.act("/portal/tenants/:tenant/senders/:sender/versions/:version/restore", restore);
}

#[derive(Template)]
#[template(path = "versions.html")]
struct VersionsPage {
    layout: Layout,
    here: String,
    settings: String,
    may_edit: bool,
    /// What a restore is based on: the newest version, as this page knows it.
    based_on: String,
    versions: Vec<VersionView>,
    newest: Option<String>,
    older: Option<String>,
}

async fn list(visit: Visit) -> Outcome {
    let place = visit.place().await?;
    visit.require(Deed::SeeSettings)?;
    let sender = settings::sender_of(&visit, &place).await?;
    show(&visit, &place, sender.as_ref(), StatusCode::OK, None).await
}

async fn show(
    visit: &Visit,
    place: &Place,
    sender: Option<&SenderRecord>,
    status: StatusCode,
    banner: Option<Banner>,
) -> Outcome {
    let path = place.sender_path("/versions");
    let (versions, next) = match sender {
        Some(sender) => {
            let page = paging::asked_for(visit);
            let page = senders::versions(&visit.app, &place.caller, sender, page).await?;
            let before = match page.next {
                // The last one on the page is compared with the one behind it.
                after @ Some(_) => {
                    let one = PageRequest { limit: 1, after };
                    senders::versions(&visit.app, &place.caller, sender, one).await?.items
                }
                None => Vec::new(),
            };
            (views(visit, sender, &page.items, before.first()), page.next)
        }
        None => (Vec::new(), None),
    };
    let page = VersionsPage {
        settings: place.sender_path(""),
        may_edit: visit.may(Deed::EditSettings),
        based_on: sender.map(|sender| sender.etag_version().to_string()).unwrap_or_default(),
        versions,
        newest: paging::newest(visit, &path, &[]),
        older: paging::older(&path, &[], next),
        here: path,
        layout: visit.layout_at(place, Nav::Versions).with_banner(banner),
    };
    visit.show_as(status, &page)
}

fn views(
    visit: &Visit,
    sender: &SenderRecord,
    shown: &[VersionRecord],
    behind: Option<&VersionRecord>,
) -> Vec<VersionView> {
    let live = sender.live.as_ref().map(|version| version.number);
    let candidate = sender.candidate.as_ref().map(|version| version.number);
    let before = shown.iter().skip(1).map(Some).chain([behind]);
    let view = |(record, before): (&VersionRecord, Option<&VersionRecord>)| {
        let restoring = if visit.may(Deed::SteerSender) {
            match plan_restore(&record.version, live, candidate, visit.app.rules.promote) {
                Ok(RestorePlan::Unchanged) => Restoring::NotOffered,
                Ok(RestorePlan::DropCandidate) => Restoring::DropsCandidate,
                Ok(RestorePlan::NewVersion { live: true }) => Restoring::Live,
                Ok(RestorePlan::NewVersion { live: false }) => Restoring::Candidate,
                Err(_) => Restoring::PasswordGone,
            }
        } else {
            Restoring::NotOffered
        };
        let number = Some(record.version.number);
        let marks = (live == number, candidate == number);
        VersionView::of(visit.texts(), record, before, marks, restoring)
    };
    shown.iter().zip(before).map(view).collect()
}

async fn restore(visit: Visit, form: Form) -> Outcome {
    let place = visit.place().await?;
    let sender = settings::existing(&visit, &place).await?;
    visit.require(Deed::SteerSender)?;
    let number = visit.param("version").parse().map(VersionNumber);
    let number = number.map_err(|_| Refusal::NotFound)?;
    let based_on = form.text("based_on").parse().map(VersionNumber);
    let expected = Expected::Version(based_on.map_err(|_| Refusal::BadForm)?);
    let restored = senders::restore(&visit.app, &place.caller, &sender, number, expected).await;
    let (status, key) = match restored {
        Ok(saved) => {
            let did = if saved.promoted {
                "did-version-restored-live"
            } else if saved.changed && saved.record.candidate.is_some() {
                "did-version-restored-candidate"
            } else {
                "did-version-kept"
            };
            return Ok(visit.did(did, &place.sender_path("")));
        }
        Err(AppError::Stale) => (StatusCode::CONFLICT, "versions-stale"),
        Err(AppError::Invalid(errors))
            if errors.iter().any(|error| error.pointer == "/password") =>
        {
            (StatusCode::UNPROCESSABLE_ENTITY, "versions-password-gone-now")
        }
        Err(AppError::Invalid(_)) => (StatusCode::UNPROCESSABLE_ENTITY, "versions-not-allowed"),
        Err(err) => return Err(err.into()),
    };
    let banner = Banner::failure(visit.texts().say(key));
    let sender = settings::sender_of(&visit, &place).await?;
    show(&visit, &place, sender.as_ref(), status, Some(banner)).await
}
