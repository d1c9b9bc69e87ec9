//! The page that everything turns on: a sender's settings, read, edited, tested, paused.

use letterhead_domain::{
    access::Deed,
    provider::{Preset, Provider},
    sender::VersionNumber,
    test_run::TestMode,
};
use letterhead_storage::record::{Expected, SenderRecord, TestRunRecord};
use poem::http::StatusCode;
use zeroize::Zeroizing;

use super::{
    Table,
    address::FIRST_SENDER,
    form::Form,
    layout::Banner,
    refusal::Refusal,
    visit::{Outcome, Place, Visit},
};
use crate::app::{
    AppError, senders,
    test_runs::{self, TestRequest},
};

mod discovery;
mod edit;
mod fix;
pub(super) mod page;
mod picker;
mod typed;
mod view;

use edit::Edit;
use page::Asked;
use typed::Typed;
pub(super) use view::{
    Chip, Difference, Fact, chip as state_chip, differences, facts, label as field_label,
    value_in_words,
};

pub(super) fn routes(table: &mut Table) {
    table.page("/portal/tenants/:tenant/senders/:sender", show);
    table.act("/portal/tenants/:tenant/senders/:sender", save);
    table.act("/portal/tenants/:tenant/senders/:sender/test-runs/:run/fix", fix::apply);
    table.act("/portal/tenants/:tenant/senders/:sender/candidate/discard", discard);
    table.act("/portal/tenants/:tenant/senders/:sender/pause", pause);
    table.act("/portal/tenants/:tenant/senders/:sender/resume", resume);
}

/// The sender of a place, if it was made already. The first one is made on its page; a page of any
/// other sender is there only once a program has made it.
pub(super) async fn sender_of(
    visit: &Visit,
    place: &Place,
) -> Result<Option<SenderRecord>, Refusal> {
    let sender = senders::find(&visit.app, &place.caller, &place.sender).await?;
    if sender.is_none() && place.sender != FIRST_SENDER {
        return Err(Refusal::NotFound);
    }
    Ok(sender)
}

/// The sender of a place on which something is done with it.
pub(super) async fn existing(visit: &Visit, place: &Place) -> Result<SenderRecord, Refusal> {
    sender_of(visit, place).await?.ok_or(Refusal::NotFound)
}

/// A run, and its sender as it is after it. The sender is read last: a run makes its version live in
/// the transaction in which it ends, and no page may show the one without the other.
pub(super) async fn run_and_sender(
    visit: &Visit,
    place: &Place,
    run: &str,
) -> Result<(TestRunRecord, SenderRecord), Refusal> {
    let sender = existing(visit, place).await?.id;
    let run = test_runs::load(&visit.app, &place.caller, sender, run).await?;
    Ok((run, existing(visit, place).await?))
}

async fn show(visit: Visit) -> Outcome {
    let place = visit.place().await?;
    visit.require(Deed::SeeSettings)?;
    let sender = sender_of(&visit, &place).await?;
    let mut asked = Asked::default();
    if visit.query("edit") == "1" {
        visit.require(Deed::EditSettings)?;
        asked.form = Some(Edit::of(sender.as_ref().map(SenderRecord::newest)));
    }
    let run = visit.query("run");
    if sender.is_none() || run.is_empty() {
        return page::show(&visit, &place, sender.as_ref(), asked).await;
    }
    let (run, sender) = run_and_sender(&visit, &place, run).await?;
    asked.run = Some(run);
    page::show(&visit, &place, Some(&sender), asked).await
}

/// Saves the form, or fills a server into it.
async fn save(visit: Visit, form: Form) -> Outcome {
    let place = visit.place().await?;
    visit.require(Deed::EditSettings)?;
    let sender = sender_of(&visit, &place).await?;
    let typed = Typed::of_form(&form);
    if !form.text("take").is_empty() {
        let edit = Edit::unsaved(typed.taken(form.text("take")), &form);
        let text = visit.texts().with("discovery-taken", [("host", edit.typed.host.as_str())]);
        let banner = Some(Banner { kind: "info", text });
        let asked = Asked { banner, form: Some(edit), ..Asked::default() };
        return page::show(&visit, &place, sender.as_ref(), asked).await;
    }
    match form.text("do") {
        "fill" => {
            let chosen = picker::chosen(form.text("provider"));
            return fill(&visit, &place, sender.as_ref(), Edit::unsaved(typed, &form), chosen)
                .await;
        }
        "discover" => return discovery::find(&visit, &place, sender.as_ref(), &form).await,
        "fill-suggested" => {
            let chosen = typed.suggestion();
            return fill(&visit, &place, sender.as_ref(), Edit::unsaved(typed, &form), chosen)
                .await;
        }
        _ => {}
    }

    let newest = sender.as_ref().map(SenderRecord::newest);
    let expected = match form.text("base") {
        "" => Expected::Absent,
        number => Expected::Version(VersionNumber(number.parse().map_err(|_| Refusal::BadForm)?)),
    };
    let password = Zeroizing::new(form.text("password").to_owned());
    let input = typed.input(password, newest);
    let saved = match senders::save(&visit.app, &place.caller, &place.sender, input, expected).await
    {
        Ok(saved) => saved,
        Err(AppError::Invalid(errors)) => {
            let edit = Edit { errors, ..Edit::unsaved(typed, &form) };
            return refused(&visit, &place, sender.as_ref(), edit).await;
        }
        Err(AppError::Stale) => {
            let edit = Edit { is_stale: true, base: None, ..Edit::unsaved(typed, &form) };
            return stale(&visit, &place, edit).await;
        }
        Err(error) => return Err(error.into()),
    };
    if form.text("then") == "test" && visit.may(Deed::Test) {
        let mode = TestMode::Connection;
        let request = TestRequest { mode, target: None, settings: None, fix: true };
        return super::test_runs::begin(&visit, &place, &saved.record, request).await;
    }
    let path = place.sender_path("");
    Ok(match (saved.changed, saved.promoted) {
        (false, _) => visit.did("did-settings-unchanged", &path),
        (true, true) => visit.did("did-settings-live", &path),
        (true, false) => visit.did("did-settings-saved", &path),
    })
}

/// The form with a known service's server in it; nothing is saved.
async fn fill(
    visit: &Visit,
    place: &Place,
    sender: Option<&SenderRecord>,
    edit: Edit,
    chosen: Option<(&'static Provider, &'static Preset)>,
) -> Outcome {
    let mut asked = Asked { form: Some(edit), ..Asked::default() };
    if let (Some((provider, preset)), Some(edit)) = (chosen, &mut asked.form) {
        edit.typed = edit.typed.clone().filled(provider, preset);
        let text = visit.texts().with("settings-filled", [("provider", provider.name)]);
        asked.banner = Some(Banner { kind: "info", text });
    }
    page::show(visit, place, sender, asked).await
}

/// The form with what was typed and what is wrong with it.
async fn refused(
    visit: &Visit,
    place: &Place,
    sender: Option<&SenderRecord>,
    edit: Edit,
) -> Outcome {
    let count = edit.errors.iter().count().try_into().unwrap_or_default();
    let text = visit.texts().count("settings-refused", count);
    let asked = Asked {
        status: StatusCode::UNPROCESSABLE_ENTITY,
        banner: Some(Banner::failure(text)),
        form: Some(edit),
        ..Asked::default()
    };
    page::show(visit, place, sender, asked).await
}

/// The form with what was typed, beside what somebody else has saved meanwhile. Sent again, it goes
/// over that.
async fn stale(visit: &Visit, place: &Place, edit: Edit) -> Outcome {
    let sender = sender_of(visit, place).await?;
    let asked = Asked {
        status: StatusCode::CONFLICT,
        banner: Some(Banner::failure(visit.texts().say("settings-stale"))),
        form: Some(edit),
        ..Asked::default()
    };
    page::show(visit, place, sender.as_ref(), asked).await
}

async fn discard(visit: Visit, form: Form) -> Outcome {
    let place = visit.place().await?;
    visit.require(Deed::SteerSender)?;
    let sender = existing(&visit, &place).await?;
    let version = form.text("version").parse().map_err(|_| Refusal::BadForm)?;
    let expected = Expected::Version(VersionNumber(version));
    senders::discard_candidate(&visit.app, &place.caller, &sender, expected).await?;
    Ok(visit.did("did-candidate-discarded", &place.sender_path("")))
}

async fn pause(visit: Visit, _form: Form) -> Outcome {
    let place = visit.place().await?;
    visit.require(Deed::SteerSender)?;
    let sender = existing(&visit, &place).await?;
    senders::pause(&visit.app, &place.caller, &sender).await?;
    Ok(visit.did("did-sender-paused", &place.sender_path("")))
}

async fn resume(visit: Visit, _form: Form) -> Outcome {
    let place = visit.place().await?;
    visit.require(Deed::SteerSender)?;
    let sender = existing(&visit, &place).await?;
    match senders::resume(&visit.app, &place.caller, &sender).await {
        Ok(_) => Ok(visit.did("did-sender-resumed", &place.sender_path(""))),
        // Its password must be typed first: the page says so, and where.
        Err(AppError::Conflict(_)) => {
            let banner = Banner::failure(visit.texts().say("settings-cannot-resume"));
            let asked = Asked::told(StatusCode::CONFLICT, banner);
            page::show(&visit, &place, Some(&sender), asked).await
        }
        Err(error) => Err(error.into()),
    }
}
