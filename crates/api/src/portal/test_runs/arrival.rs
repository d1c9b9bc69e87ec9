//! Proof of arrival: the code from the test mail, typed in on the page of its run.

use letterhead_domain::{
    access::Deed,
    arrival::{Arrival, ArrivalCode, NoCodeTaken},
    test_run::TestMode,
};
use letterhead_storage::record::TestRunRecord;
use poem::http::StatusCode;

use super::show_run;
use crate::{
    app::{AppError, test_runs},
    portal::{
        form::Form,
        moment::Moment,
        settings,
        texts::Texts,
        visit::{Outcome, Place, Visit, see_other},
    },
};

/// What is known of the arrival of a run's mail.
pub(in crate::portal) struct ArrivalView {
    pub(in crate::portal) confirmed: Option<Moment>,
    /// Why no code is taken any more.
    pub(in crate::portal) not_taken: Option<String>,
    pub(in crate::portal) form: Option<CodeForm>,
}

/// Where the code is typed in.
pub(in crate::portal) struct CodeForm {
    pub(in crate::portal) path: String,
    /// What was wrong with the one that was typed.
    pub(in crate::portal) error: Option<String>,
}

/// A code that did not prove the arrival.
pub(super) struct Refused {
    pub(super) status: StatusCode,
    /// What is wrong with it, and what to do.
    pub(super) words: String,
}

impl ArrivalView {
    /// The view of `run` for the reader; none if it sent no mail.
    pub(super) fn of(visit: &Visit, place: &Place, run: &TestRunRecord) -> Option<Self> {
        let (confirmed, not_taken, form) = match run.arrival {
            Arrival::Confirmed(at) => (Some(at.into()), None, None),
            Arrival::Awaited { .. } if visit.may(Deed::Test) => {
                let path = place.sender_path(&format!("/test-runs/{}/confirm", run.id));
                (None, None, Some(CodeForm { path, error: None }))
            }
            Arrival::Unknown(why @ (NoCodeTaken::Expired | NoCodeTaken::TriesUsedUp)) => {
                (None, Some(not_taken(visit.texts(), why)), None)
            }
            Arrival::Awaited { .. }
            | Arrival::Unknown(
                NoCodeTaken::NoMail | NoCodeTaken::Running | NoCodeTaken::NotPassed,
            ) => return None,
        };
        Some(Self { confirmed, not_taken, form })
    }
}

/// How a passed run ended, in a sentence.
pub(super) fn outcome(t: Texts, run: &TestRunRecord) -> String {
    match (run.mode, run.arrival) {
        (TestMode::Connection, _) => t.say("run-passed"),
        (TestMode::Message, Arrival::Confirmed(_)) => t.say("arrival-confirmed"),
        (TestMode::Message, Arrival::Awaited { .. } | Arrival::Unknown(_)) => {
            t.say("run-passed-message")
        }
    }
}

/// Whether a test mail is the next step after a passed run.
pub(super) const fn wants_mail(run: &TestRunRecord) -> bool {
    match run.mode {
        TestMode::Connection => true,
        TestMode::Message => matches!(run.arrival, Arrival::Unknown(_)),
    }
}

fn not_taken(t: Texts, why: NoCodeTaken) -> String {
    t.say(&format!("arrival-not-taken-{}", why.as_str()))
}

/// Takes the code. The run's page then says that the mail arrived, or what is wrong.
pub(super) async fn confirm(visit: Visit, form: Form) -> Outcome {
    let place = visit.place().await?;
    visit.require(Deed::Test)?;
    let (run, sender) = settings::run_and_sender(&visit, &place, visit.param("run")).await?;
    let typed = form.text("code").parse::<ArrivalCode>();
    if let Ok(code) = &typed {
        match test_runs::confirm(&visit.app, &place.caller, sender.id, run.id, code).await {
            Ok(_) | Err(AppError::Invalid(_) | AppError::Conflict(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    // What the code did is told by how the run stands now.
    let (run, sender) = settings::run_and_sender(&visit, &place, visit.param("run")).await?;
    let t = visit.texts();
    let (status, words) = match run.arrival {
        Arrival::Awaited { tries_left } => {
            let words = match typed {
                Ok(_) => t.count("arrival-wrong", tries_left.into()),
                Err(_) => t.say("arrival-malformed"),
            };
            (StatusCode::UNPROCESSABLE_ENTITY, words)
        }
        Arrival::Unknown(why @ (NoCodeTaken::Expired | NoCodeTaken::TriesUsedUp)) => {
            (StatusCode::CONFLICT, not_taken(t, why))
        }
        // Proven by this code or before it; or a run that no page asks for a code.
        Arrival::Confirmed(_)
        | Arrival::Unknown(NoCodeTaken::NoMail | NoCodeTaken::Running | NoCodeTaken::NotPassed) => {
            return Ok(see_other(&place.sender_path(&format!("/test-runs/{}", run.id))));
        }
    };
    show_run(&visit, &place, &sender, run, Some(Refused { status, words })).await
}
