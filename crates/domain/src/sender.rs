//! Senders: what state one is in, what a save makes of it, and what a test run changes.

use std::fmt;

use chrono::{DateTime, Utc};

use crate::{
    field_errors::FieldErrors,
    id::SecretId,
    password::PasswordChange,
    reply::Reply,
    smtp_settings::{Auth, SettingsDraft, SmtpSettings, password_required},
    words::words,
};

words! {
    /// What a sender is doing, the first that applies.
    SenderState {
        /// The operator suspended the tenant.
        Suspended = "suspended",
        /// The stored password cannot be opened, or none is stored.
        NeedsPassword = "needs_password",
        /// It was paused, by hand or because its server refused its settings; messages wait.
        Paused = "paused",
        /// Its last three attempts failed at its server.
        Failing = "failing",
        /// It sends.
        Live = "live",
        /// Nothing is proven yet; messages wait.
        Untested = "untested",
    }
}

words! {
    /// Why a sender is paused.
    PauseReason {
        /// The server refused the sign-in.
        AuthRefused = "auth_refused",
        /// The server refused the From address.
        FromRefused = "from_refused",
        /// The live version's password cannot be opened.
        SecretUnreadable = "secret_unreadable",
        /// Somebody paused it.
        ByHand = "by_hand",
    }
}

words! {
    /// When a saved version becomes live.
    PromotePolicy {
        /// Once a test run of it has passed.
        AfterTest = "after-test",
        /// At once, as the page that people know does it.
        OnSave = "on-save",
    }
}

/// Attempts in a row that must fail at the server before a sender counts as failing.
pub const FAILING_AFTER: u32 = 3;

/// The number of a settings version: 1, 2, 3 … within its sender, never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct VersionNumber(pub u32);

impl fmt::Display for VersionNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Whether a version's password is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretState {
    /// The version does not sign in.
    NotNeeded,
    /// It is stored and opens.
    Readable,
    /// It was removed: the version is too old.
    Missing,
    /// It is stored and does not open: the key is gone, or the row was changed by hand.
    Unreadable,
}

impl SecretState {
    /// Whether a version in this state can be used.
    pub const fn is_usable(self) -> bool {
        matches!(self, Self::NotNeeded | Self::Readable)
    }
}

/// One immutable saved state of a sender.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingsVersion {
    /// Its number.
    pub number: VersionNumber,
    /// Everything but the password.
    pub settings: SmtpSettings,
    /// Which password it has: equal ids are the same stored password.
    pub secret: Option<SecretId>,
    /// Whether that password is there.
    pub secret_state: SecretState,
    /// When a test run proved it, or when it inherited a proof.
    pub proven_at: Option<DateTime<Utc>>,
    /// When it was saved.
    pub created_at: DateTime<Utc>,
    /// Who saved it, as the audit names them.
    pub created_by: String,
}

/// Why and since when a sender is paused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pause {
    /// Why.
    pub reason: PauseReason,
    /// Since when.
    pub since: DateTime<Utc>,
    /// What the server said, if it was the server.
    pub reply: Option<Reply>,
}

/// What a sender's state follows from.
#[derive(Clone, Copy, Debug)]
pub struct SenderFacts {
    /// Whether the operator suspended the tenant.
    pub tenant_suspended: bool,
    /// The password of the live version, if there is one.
    pub live: Option<SecretState>,
    /// The password of the candidate, if there is one.
    pub candidate: Option<SecretState>,
    /// Why it is paused, if it is.
    pub pause: Option<PauseReason>,
    /// Attempts in a row that failed at the server.
    pub failures: u32,
}

impl SenderFacts {
    /// The sender's state: the first that applies.
    pub fn state(&self) -> SenderState {
        let current = self.live.or(self.candidate);
        if self.tenant_suspended {
            SenderState::Suspended
        } else if current.is_some_and(|secret| !secret.is_usable())
            || self.pause == Some(PauseReason::SecretUnreadable)
        {
            SenderState::NeedsPassword
        } else if self.pause.is_some() {
            SenderState::Paused
        } else if self.live.is_none() {
            SenderState::Untested
        } else if self.failures >= FAILING_AFTER {
            SenderState::Failing
        } else {
            SenderState::Live
        }
    }
}

/// Which password a new version gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretPlan {
    /// None.
    None,
    /// The one of the version it is based on.
    Carry,
    /// The one that was typed.
    Typed,
}

/// What a save does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SavePlan {
    /// Nothing: the newest version says the same.
    Unchanged,
    /// It makes a version.
    NewVersion {
        /// Its password.
        secret: SecretPlan,
        /// Whether it is live at once.
        live: bool,
        /// Whether it is proven at once, by the live version's proof.
        inherits_proof: bool,
    },
}

/// Decides what saving `draft` does, given the newest and the live version.
///
/// # Errors
///
/// `password_required` on `/password` if the draft signs in and there is no password for it: none
/// was ever typed, the destination has changed, or the stored one cannot be opened.
pub fn plan_save(
    newest: Option<&SettingsVersion>,
    live: Option<&SettingsVersion>,
    draft: &SettingsDraft,
    policy: PromotePolicy,
) -> Result<SavePlan, FieldErrors> {
    let secret = match (&draft.settings.auth, &draft.password) {
        (Auth::None, _) => SecretPlan::None,
        (Auth::Password { .. }, PasswordChange::Set(_)) => SecretPlan::Typed,
        (Auth::Password { .. }, PasswordChange::Keep | PasswordChange::Remove) => {
            let carried = newest.is_some_and(|newest| {
                newest.secret_state == SecretState::Readable
                    && newest.settings.destination() == draft.settings.destination()
            });
            if !carried {
                return Err(FieldErrors::one("/password", password_required()));
            }
            SecretPlan::Carry
        }
    };
    let unchanged = newest.is_some_and(|newest| newest.settings == draft.settings);
    if unchanged && secret != SecretPlan::Typed {
        return Ok(SavePlan::Unchanged);
    }
    let same_password_as_live = match secret {
        SecretPlan::None => true,
        SecretPlan::Carry => newest.and_then(|v| v.secret) == live.and_then(|v| v.secret),
        SecretPlan::Typed => false,
    };
    let inherits_proof = same_password_as_live
        && live.is_some_and(|live| {
            live.proven_at.is_some() && live.settings.differs_in_words_only(&draft.settings)
        });
    let live = inherits_proof || policy == PromotePolicy::OnSave;
    Ok(SavePlan::NewVersion { secret, live, inherits_proof })
}

/// What restoring a version does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RestorePlan {
    /// Nothing: it is live and there is no candidate.
    Unchanged,
    /// It is live already: only the candidate goes.
    DropCandidate,
    /// It comes back as a new version, live at once or as the candidate.
    NewVersion {
        /// Whether it is live at once: it was proven once.
        live: bool,
    },
}

/// Decides what restoring `target` does.
///
/// # Errors
///
/// `password_required` on `/password` if the version signs in and its password is gone.
pub fn plan_restore(
    target: &SettingsVersion,
    live: Option<VersionNumber>,
    candidate: Option<VersionNumber>,
    policy: PromotePolicy,
) -> Result<RestorePlan, FieldErrors> {
    if live == Some(target.number) {
        let candidate_goes = candidate.is_some();
        return Ok(if candidate_goes {
            RestorePlan::DropCandidate
        } else {
            RestorePlan::Unchanged
        });
    }
    if !target.secret_state.is_usable() {
        return Err(FieldErrors::one("/password", password_required()));
    }
    if candidate == Some(target.number) {
        return Ok(RestorePlan::Unchanged);
    }
    let live = target.proven_at.is_some() || policy == PromotePolicy::OnSave;
    Ok(RestorePlan::NewVersion { live })
}

/// What a passed test run of a saved version changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TestEffect {
    /// The version becomes live.
    pub promote: bool,
    /// The pause ends.
    pub end_pause: bool,
}

/// Decides what a passed run of version `tried` changes.
///
/// Only what is newer than the live version is promoted, and a discarded version never is. A
/// pause by hand ends by hand alone.
pub fn after_passed_test(
    tried: VersionNumber,
    discarded: bool,
    live: Option<VersionNumber>,
    pause: Option<PauseReason>,
) -> TestEffect {
    let promote = !discarded && live.is_none_or(|live| tried > live);
    let of_live = live == Some(tried);
    let by_hand = pause == Some(PauseReason::ByHand);
    TestEffect { promote, end_pause: pause.is_some() && !by_hand && (promote || of_live) }
}

#[cfg(test)]
mod tests;
