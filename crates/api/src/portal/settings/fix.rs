//! "Apply and test again": what was found after a failed run becomes a new version, which is tested.

use letterhead_domain::{
    access::Deed, field_errors::FieldErrors, smtp_settings::password_required,
};
use letterhead_storage::record::Expected;
use zeroize::Zeroizing;

use super::{Asked, Edit, Typed, page, refused, run_and_sender, stale};
use crate::{
    app::{AppError, senders, test_runs::TestRequest},
    portal::{
        form::Form,
        layout::Banner,
        refusal::Refusal,
        test_runs,
        visit::{Outcome, Visit},
    },
};

/// Saves the offer beside a run and tests it. Where the password must be typed again, the form is
/// shown with the offer filled in, and saving it tests it.
pub(super) async fn apply(visit: Visit, _form: Form) -> Outcome {
    let place = visit.place().await?;
    visit.require(Deed::EditSettings)?;
    visit.require(Deed::Test)?;
    let (run, sender) = run_and_sender(&visit, &place, visit.param("run")).await?;
    let offer = run.fix.and_then(|fix| fix.offer);
    let (Some(offer), Some(version)) = (offer, run.version) else {
        return Err(Refusal::NotFound);
    };

    let newest = sender.newest();
    let settings = offer.entry.over(&newest.settings);
    let edit = || Edit {
        is_unsaved: true,
        then_test: true,
        typed: Typed::of_settings(&settings),
        ..Edit::of(Some(newest))
    };
    if newest.number != version {
        return stale(&visit, &place, Edit { is_stale: true, ..edit() }).await;
    }
    if offer.needs_password {
        let errors = FieldErrors::one("/password", password_required());
        let asked = Asked {
            banner: Some(Banner { kind: "info", text: visit.texts().say("fix-type-password") }),
            form: Some(Edit { errors, ..edit() }),
            ..Asked::default()
        };
        return page::show(&visit, &place, Some(&sender), asked).await;
    }
    let expected = Expected::Version(version);
    // No password is typed: the stored one goes with it.
    let input = Typed::of_settings(&settings).input(Zeroizing::default(), Some(newest));
    let saved = senders::save(&visit.app, &place.caller, &place.sender, input, expected).await;
    match saved {
        Ok(saved) => {
            let request = TestRequest { mode: run.mode, target: None, settings: None, fix: true };
            test_runs::begin(&visit, &place, &saved.record, request).await
        }
        Err(AppError::Invalid(errors)) => {
            refused(&visit, &place, Some(&sender), Edit { errors, ..edit() }).await
        }
        Err(AppError::Stale) => stale(&visit, &place, Edit { is_stale: true, ..edit() }).await,
        Err(error) => Err(error.into()),
    }
}
