//! What a run tries: a saved version, or settings as they were typed.

use letterhead_domain::{
    id::SecretId,
    password::{PasswordChange, SmtpPassword},
    sender::{SecretPlan, SettingsVersion},
    smtp_settings::{SettingsDraft, SmtpSettings},
    test_run::TestTarget,
};
use letterhead_storage::{error::StorageError, record::SenderRecord, store::TenantTx};

use crate::app::{AppError, senders::TypedSettings};

/// What a run tries, decided before it is stored.
pub(super) struct Subject {
    pub(super) settings: SmtpSettings,
    /// The password, or that it cannot be opened.
    pub(super) password: Result<Option<SmtpPassword>, SecretUnreadable>,
    /// Which stored password it is; none if there is none, or if it was typed for this run.
    pub(super) secret: Option<SecretId>,
    /// Whether the password was typed for this run.
    pub(super) password_is_typed: bool,
}

pub(super) struct SecretUnreadable;

/// The version that `target` names: left out, the candidate, else the live one.
pub(super) fn target_version(
    sender: &SenderRecord,
    target: Option<TestTarget>,
) -> Result<&SettingsVersion, AppError> {
    let version = match target {
        None => Some(sender.newest()),
        Some(TestTarget::Candidate) => sender.candidate.as_ref(),
        Some(TestTarget::Live) => sender.live.as_ref(),
    };
    version.ok_or_else(|| {
        AppError::Conflict("the sender has no such version; leave version out".to_owned())
    })
}

/// A saved version with its password.
pub(super) async fn saved(
    tx: &TenantTx,
    sender: &SenderRecord,
    version: &SettingsVersion,
) -> Result<Subject, AppError> {
    match tx.senders().reveal(sender.id, version.number).await {
        Ok((settings, password)) => Ok(Subject {
            settings,
            password: Ok(password),
            secret: version.secret,
            password_is_typed: false,
        }),
        Err(StorageError::Sealed(_)) => Ok(Subject {
            settings: version.settings.clone(),
            password: Err(SecretUnreadable),
            secret: version.secret,
            password_is_typed: false,
        }),
        Err(err) => Err(err.into()),
    }
}

/// Typed settings with the password that was typed with them, or with the stored one if a save
/// would have kept it.
pub(super) async fn typed(
    tx: &TenantTx,
    sender: &SenderRecord,
    typed: TypedSettings,
) -> Result<Subject, AppError> {
    let TypedSettings { draft: SettingsDraft { settings, password }, secret } = typed;
    let newest = sender.newest();
    let (password, secret, password_is_typed) = match (secret, password) {
        (SecretPlan::None, _) => (None, None, false),
        (SecretPlan::Typed, PasswordChange::Set(password)) => (Some(password), None, true),
        (SecretPlan::Typed | SecretPlan::Carry, _) => {
            let (_, password) = tx.senders().reveal(sender.id, newest.number).await?;
            (password, newest.secret, false)
        }
    };
    Ok(Subject { settings, password: Ok(password), secret, password_is_typed })
}
