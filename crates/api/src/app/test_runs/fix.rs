//! Looks for settings that work after a run that failed, and sees to it that no password is tried
//! too often.

use letterhead_domain::{
    fix::{Fix, TryResult, account::SignIn},
    id::SecretId,
};
use letterhead_mailer::fix::FixPlan;
use tracing::warn;

use super::conduct::Conducted;
use crate::app::AppError;

/// What was found, and the sign-in that it took. `own` is the run's own sign-in.
pub(super) async fn look(
    conducted: &Conducted,
    search: FixPlan<'_>,
    own: Option<&SignIn>,
    secret: Option<SecretId>,
) -> (Option<Fix>, Option<SignIn>) {
    let mut made = None;
    let permit = async |account| {
        let sign_in = SignIn { account, secret, accepted: false };
        let is_permitted = match permit(conducted, own, &sign_in).await {
            Ok(is_permitted) => is_permitted,
            Err(error) => {
                warn!(test_run.id = %conducted.run.id, %error, "no sign-in without its count");
                false
            }
        };
        made = is_permitted.then_some(sign_in);
        is_permitted
    };
    let fix = conducted.app.mailer.find_fix(search, permit).await;
    if let Some(made) = &mut made {
        made.accepted = fix.as_ref().is_some_and(took_a_sign_in);
    }
    (fix, made)
}

/// Whether the one sign-in of the search was taken.
fn took_a_sign_in(fix: &Fix) -> bool {
    let accepted = [TryResult::Passed, TryResult::MailRefused];
    fix.tried.iter().any(|tried| accepted.contains(&tried.result))
}

async fn permit(
    conducted: &Conducted,
    own: Option<&SignIn>,
    sign_in: &SignIn,
) -> Result<bool, AppError> {
    let Conducted { app, caller, run, .. } = conducted;
    let tx = app.store.tenant(caller.tenant).await?;
    let is_permitted = tx.test_runs().permit_sign_in(run.sender, run.id, own, sign_in).await?;
    tx.commit().await?;
    Ok(is_permitted)
}
