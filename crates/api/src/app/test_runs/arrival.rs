//! Proof of arrival: whoever got the mail of a run types its code in.

use letterhead_domain::{
    arrival::{ArrivalCode, CodeVerdict},
    event::AuditAction,
    field_errors::{FieldErrors, Invalid},
    id::{SenderId, TestRunId},
};
use letterhead_storage::record::TestRunRecord;

use super::load;
use crate::{
    app::{App, AppError, access::Caller},
    random,
};

/// Takes the code that somebody typed for a run of `sender`, and gives the run whose mail it proves
/// to have arrived. The right code may be typed again.
///
/// # Errors
///
/// [`AppError::NotFound`] if there is no such run, [`AppError::Invalid`] for a wrong code, which
/// counts, and [`AppError::Conflict`] if the run takes none.
pub async fn confirm(
    app: &App,
    caller: &Caller,
    sender: SenderId,
    id: TestRunId,
    typed: &ArrivalCode,
) -> Result<TestRunRecord, AppError> {
    let tx = app.store.tenant(caller.tenant).await?;
    let verdict = tx.test_runs().take_code(sender, id, typed).await?;
    if verdict == CodeVerdict::Proves {
        let (event, action) = (random::id(), AuditAction::TestRunArrivalConfirmed);
        let detail = [("test_run", id.to_string())];
        let target = sender.to_string();
        tx.audit().record(event, &caller.actor(), action, &target, &detail).await?;
    }
    // A wrong code counts although the caller is refused.
    tx.commit().await?;
    match verdict {
        CodeVerdict::Proves | CodeVerdict::ProvedBefore => {
            load(app, caller, sender, &id.to_string()).await
        }
        CodeVerdict::Wrong { tries_left } => Err(wrong(match tries_left {
            0 => "this is not the code of that mail, and no try is left; run the test again".into(),
            1 => "this is not the code of that mail; 1 try is left".into(),
            several => format!("this is not the code of that mail; {several} tries are left"),
        })),
        CodeVerdict::WrongAfterwards => {
            Err(wrong("this is not the code of that mail, which is known to have arrived".into()))
        }
        CodeVerdict::NotTaken(why) => Err(AppError::Conflict(why.to_string())),
    }
}

fn wrong(message: String) -> AppError {
    AppError::Invalid(FieldErrors::one("/code", Invalid::new("code_wrong", message)))
}
