//! A sender's passwords on their way from version to version, and their end.

use letterhead_domain::{id::SenderId, password::SmtpPassword, smtp_settings::SmtpSettings};
use sea_orm::raw_sql;
use uuid::Uuid;

use super::{Senders, VersionRow};
use crate::{
    error::StorageError,
    repo::execute,
    vault::{VaultError, data_key::DataKeys, password::Place},
};

/// Seals a password for the sender's `settings`.
pub(super) fn seal(
    keys: &DataKeys,
    sender: SenderId,
    settings: &SmtpSettings,
    password: &SmtpPassword,
) -> Result<Vec<u8>, StorageError> {
    if keys.is_empty() {
        // A tenant without a data key was deleted since this transaction looked.
        return Err(StorageError::NotFound("tenant"));
    }
    let destination = settings.destination().ok_or(VaultError::Missing)?;
    Ok(keys.seal(Place { sender, destination }, password)?)
}

/// Opens a version's password and seals it again for `settings`, so that what was tampered with
/// is noticed and never carried on. None if nobody signs in.
pub(super) fn carry(
    keys: &DataKeys,
    from: &VersionRow,
    settings: &SmtpSettings,
) -> Result<Option<(Uuid, Vec<u8>)>, StorageError> {
    match (from.secret_id, from.password(&from.settings()?, keys)?) {
        (Some(secret), Some(password)) => {
            let sender = from.sender_id.into();
            Ok(Some((secret, seal(keys, sender, settings, &password)?)))
        }
        (None, None) => Ok(None),
        _ => Err(StorageError::Corrupt { table: "sender_versions" }),
    }
}

impl Senders<'_> {
    /// Passwords are kept for the live version, the candidate and the last five.
    pub(super) async fn forget_old_passwords(&self, sender: SenderId) -> Result<(), StorageError> {
        let (tenant, sender) = (self.tx.tenant.get(), sender.get());
        let update = raw_sql!(
            Postgres,
            r#"UPDATE sender_versions v SET sealed_password = NULL
               FROM senders s
               WHERE v.tenant_id = {tenant} AND v.sender_id = {sender}
                   AND s.tenant_id = v.tenant_id AND s.id = v.sender_id
                   AND v.sealed_password IS NOT NULL AND v.number <= s.last_version - 5
                   AND v.number IS DISTINCT FROM s.live_version
                   AND v.number IS DISTINCT FROM s.candidate_version"#
        );
        execute(&self.tx.tx, update, "forget old passwords").await.map(|_| ())
    }
}
