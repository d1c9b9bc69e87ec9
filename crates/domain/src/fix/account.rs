//! How often a password may be tried: mail services lock accounts over wrong ones.

use crate::{
    id::SecretId,
    provider,
    smtp_settings::SmtpSettings,
    test_run::{Cause, Failure, Stage},
};

/// How often in a row a server may refuse one account before no fix signs in to it any more.
pub const MOST_REFUSALS: usize = 2;

/// Whom a server counts wrong passwords against: a user name at a provider, whichever of its
/// servers is spoken to, or at a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account(String);

impl Account {
    /// The account that `settings` sign in to, if they sign in.
    pub fn of(settings: &SmtpSettings) -> Option<Self> {
        let username = settings.auth.username()?.as_str().to_lowercase();
        let place = provider::of_host(&settings.host)
            .map_or_else(|| settings.host.as_str(), |provider| provider.id);
        Some(Self(format!("{username}\n{place}")))
    }

    /// What tells it from others. It may hold a secret: some services have the same text as the
    /// user name and as the password.
    pub fn key(&self) -> &str {
        &self.0
    }
}

/// One sign-in of a test run or of the fix after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignIn {
    /// Where.
    pub account: Account,
    /// With which stored password; none if it was typed for the run.
    pub secret: Option<SecretId>,
    /// Whether the server took it. One that was not answered counts as refused.
    pub accepted: bool,
}

impl SignIn {
    /// The sign-in of a run of `settings` that ended with `failure` or passed, if it came so far.
    pub fn of(
        settings: &SmtpSettings,
        secret: Option<SecretId>,
        failure: Option<&Failure>,
    ) -> Option<Self> {
        let accepted = failure.is_none_or(|failure| is_after_the_sign_in(failure.stage));
        let was_tried = accepted || failure.is_some_and(was_tried);
        let account = Account::of(settings).filter(|_| was_tried)?;
        Some(Self { account, secret, accepted })
    }
}

/// An earlier sign-in to the account that is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PastSignIn {
    /// With which stored password; none if it was typed for a run.
    pub secret: Option<SecretId>,
    /// Whether the server took it.
    pub accepted: bool,
}

/// Whether the server was shown a password and did not take it, as far as is known.
pub fn was_tried(failure: &Failure) -> bool {
    failure.stage == Stage::Auth
        && !matches!(failure.cause, Cause::AuthNotOffered | Cause::SecretUnreadable)
}

const fn is_after_the_sign_in(stage: Stage) -> bool {
    matches!(stage, Stage::Sender | Stage::Recipient | Stage::Message)
}

/// Whether a fix may sign in with `secret`, after `past` sign-ins to the account, newest first, and
/// with `under_way` other runs whose end nobody knows.
///
/// A password that was typed may be the one that was refused before, or may not: it counts as that.
pub fn may_sign_in(past: &[PastSignIn], under_way: usize, secret: Option<SecretId>) -> bool {
    let may_be_the_same = |sign_in: &&PastSignIn| {
        secret.is_none() || sign_in.secret.is_none() || sign_in.secret == secret
    };
    let refused = past.iter().filter(may_be_the_same).take_while(|sign_in| !sign_in.accepted);
    refused.count() + under_way < MOST_REFUSALS
}
