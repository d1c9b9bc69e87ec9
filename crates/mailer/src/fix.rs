//! Looks for settings that work, after a test run that failed.
//!
//! The places that the domain names are approached all at once and without a password: connection,
//! TLS, greeting, and whether a sign-in is offered. At the best of them one connection test follows,
//! the only thing here that sends a password. It goes nowhere new unless it was typed for this very
//! run, and nowhere without leave. Same guard, same opening, same test as everywhere.

use std::time::Duration;

use futures_util::future::join_all;
use letterhead_domain::{
    fix::{
        Entry, Fix, Tried, TryResult,
        account::{self, Account},
        alternatives, leads_elsewhere,
    },
    smtp_settings::{Auth, SmtpSettings},
    test_run::{Cause, Failure, Stage, TestMode},
};
use tokio::time::Instant;

use crate::{
    opening::{Bounds, Opener},
    stream::Redactor,
    test_run::{self, TestLimits, TestPlan},
    walk::Walk,
};

/// Less than this is too little to find out anything.
const LEAST: Duration = Duration::from_secs(3);
/// Longest that the places may take to answer. A connection that nobody takes would last longer.
const APPROACH: Duration = Duration::from_secs(5);

/// What a fix is looked for.
pub struct FixPlan<'a> {
    /// The run that failed. Its password is the one that may be tried.
    pub run: TestPlan,
    /// How it failed.
    pub failure: &'a Failure,
    /// How long it took.
    pub took: Duration,
    /// Whether the password was typed for this run: a stored one may go only where it is stored for.
    pub password_is_typed: bool,
    /// What to try, the most promising first.
    pub entries: Vec<Entry>,
}

impl<'a> FixPlan<'a> {
    /// What there is to try after `failure` of `run`; none if nothing could help.
    pub fn of(
        run: TestPlan,
        failure: &'a Failure,
        took: Duration,
        password_is_typed: bool,
    ) -> Option<Self> {
        let entries = alternatives(&run.settings, failure, password_is_typed);
        (!entries.is_empty()).then_some(Self { run, failure, took, password_is_typed, entries })
    }
}

pub(crate) async fn find<Permitted: Future<Output = bool> + Send>(
    opener: &Opener,
    plan: FixPlan<'_>,
    limits: TestLimits,
    permit: impl FnOnce(Account) -> Permitted + Send,
) -> Option<Fix> {
    let FixPlan { run, failure, took, password_is_typed, entries } = plan;
    let left = limits.total.saturating_sub(took);
    if left < LEAST {
        return None;
    }
    let began = Instant::now();
    let limit = began + left;
    // A third of the time is kept for the test of the best place.
    let answered_by = began + APPROACH.min(left * 2 / 3);
    let approaches = entries
        .into_iter()
        .map(|entry| approach(opener, entry, &run.settings, failure, limits.until(answered_by)));
    let mut tried: Vec<Tried> = join_all(approaches).await.into_iter().flatten().collect();

    let given = run.settings.clone();
    let may_go = |entry: &Entry| password_is_typed || !leads_elsewhere(entry, &given);
    let best =
        tried.iter_mut().find(|tried| tried.result == TryResult::Answers && may_go(&tried.entry));
    if let Some(best) = best {
        let settings = best.entry.over(&given);
        let is_permitted = match Account::of(&settings) {
            Some(account) => permit(account).await,
            None => true,
        };
        if is_permitted {
            let plan = TestPlan { settings, mode: TestMode::Connection, mail: None, ..run };
            let report = test_run::run(opener, &plan, limits.until(limit), &mut |_| {}).await;
            best.result = match &report.failure {
                None => TryResult::Passed,
                // It answered a moment ago: what was not signed in to is as good as before.
                Some(failure) if is_before_the_sign_in(failure) => TryResult::Answers,
                Some(failure) => TryResult::of(failure),
            };
        }
    }
    Fix::conclude(&given, failure, password_is_typed, tried)
}

fn is_before_the_sign_in(failure: &Failure) -> bool {
    match failure.stage {
        Stage::Policy | Stage::Resolve | Stage::Connect | Stage::Tls | Stage::Greeting => true,
        Stage::Auth => !account::was_tried(failure),
        Stage::Sender | Stage::Recipient | Stage::Message => false,
    }
}

/// Goes to `entry` as far as the sign-in. Nothing is told of a destination that is not allowed.
async fn approach(
    opener: &Opener,
    entry: Entry,
    given: &SmtpSettings,
    failure: &Failure,
    bounds: Bounds,
) -> Option<Tried> {
    let settings = entry.over(given);
    let is_known = account::was_tried(failure)
        && Entry { username: None, ..entry.clone() }
            == Entry { username: None, ..Entry::of(given) };
    // The run itself came as far as the sign-in there.
    if is_known {
        return Some(Tried { entry, result: TryResult::Answers });
    }
    let mut walk = Walk::new(None);
    let result = match opener.approach(&settings, Redactor::default(), bounds, &mut walk).await {
        Ok(conversation) => {
            let is_offered = conversation.capabilities.sign_in() || settings.auth == Auth::None;
            conversation.link().quit();
            if is_offered { TryResult::Answers } else { TryResult::NoSignIn }
        }
        Err(Failure { stage: _, cause: Cause::DestinationNotAllowed }) => return None,
        Err(failure) => TryResult::of(&failure),
    };
    Some(Tried { entry, result })
}
