//! A sender's versions, and the one way out for a password.

use letterhead_domain::{
    id::SenderId, message::SenderRef, password::SmtpPassword, sender::VersionNumber,
    smtp_settings::SmtpSettings,
};
use sea_orm::raw_sql;

use super::{NO_SENDER, Senders, VersionRow, one_row, rows};
use crate::{
    error::StorageError,
    record::{Page, PageRequest, VersionRecord},
    vault::data_key::DataKeys,
};

fn record(row: &VersionRow, keys: &DataKeys) -> Result<VersionRecord, StorageError> {
    Ok(VersionRecord { version: row.version(keys)?, discarded: row.discarded_at.is_some() })
}

impl Senders<'_> {
    /// Lists a sender's versions, newest first.
    ///
    /// # Errors
    ///
    /// [`StorageError::NotFound`] if there is no such sender.
    pub async fn versions(
        &self,
        reference: &SenderRef,
        page: PageRequest,
    ) -> Result<Page<VersionRecord>, StorageError> {
        let sender = self.identify(reference).await?.ok_or(NO_SENDER)?.id.get();
        let (tenant, after, limit) = (self.tx.tenant.get(), page.after_id(), page.rows());
        let query = raw_sql!(
            Postgres,
            r#"SELECT * FROM sender_versions
               WHERE tenant_id = {tenant} AND sender_id = {sender}
                   AND ({after}::uuid IS NULL OR number < (
                       SELECT number FROM sender_versions
                       WHERE tenant_id = {tenant} AND id = {after} AND sender_id = {sender}))
               ORDER BY number DESC LIMIT {limit}"#
        );
        let found = rows::<VersionRow>(&self.tx.tx, query, "list settings versions").await?;
        let keys = self.tx.open_data_keys().await?;
        Page::cut(found, page, |row| row.id).try_map(|row| record(&row, &keys))
    }

    /// Loads one version of a sender.
    ///
    /// # Errors
    ///
    /// [`StorageError::NotFound`] if there is no such sender or version.
    pub async fn load_version(
        &self,
        reference: &SenderRef,
        version: VersionNumber,
    ) -> Result<VersionRecord, StorageError> {
        let sender = self.identify(reference).await?.ok_or(NO_SENDER)?.id;
        let row = self.version_row(sender, version).await?;
        record(&row, &self.tx.open_data_keys().await?)
    }

    /// Opens a version for use: its settings, and its password if it signs in. Nothing else gives
    /// passwords out.
    ///
    /// # Errors
    ///
    /// - [`StorageError::NotFound`] if there is no such version;
    /// - [`StorageError::Sealed`] if it signs in and its password is gone or does not open.
    pub async fn reveal(
        &self,
        sender: SenderId,
        version: VersionNumber,
    ) -> Result<(SmtpSettings, Option<SmtpPassword>), StorageError> {
        let row = self.version_row(sender, version).await?;
        let settings = row.settings()?;
        let password = row.password(&settings, &self.tx.open_data_keys().await?)?;
        Ok((settings, password))
    }

    /// One version's row.
    pub(super) async fn version_row(
        &self,
        sender: SenderId,
        version: VersionNumber,
    ) -> Result<VersionRow, StorageError> {
        let (tenant, sender, number) = (self.tx.tenant.get(), sender.get(), i64::from(version.0));
        let query = raw_sql!(
            Postgres,
            r#"SELECT * FROM sender_versions
               WHERE tenant_id = {tenant} AND sender_id = {sender} AND number = {number}"#
        );
        let found = one_row(&self.tx.tx, query, "load a settings version").await?;
        found.ok_or(StorageError::NotFound("version"))
    }
}
