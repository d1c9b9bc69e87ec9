//! Settings versions as rows. They are immutable but for their proof, their end and the removal of
//! their password; [`super::sender`] makes and reads them.

use chrono::{DateTime, Utc};
use letterhead_domain::{
    id::SenderId,
    password::SmtpPassword,
    sender::{SecretState, SettingsVersion},
    smtp_settings::{Auth, SmtpSettings},
};
use sea_orm::FromQueryResult;
use serde::Deserialize;
use uuid::Uuid;

use super::{json::bytes_or_null, number, parse};
use crate::{
    error::StorageError,
    vault::{VaultError, data_key::DataKeys, password::Place},
};

const TABLE: &str = "sender_versions";

#[derive(Clone, Deserialize, FromQueryResult)]
pub(super) struct VersionRow {
    pub(super) id: Uuid,
    pub(super) sender_id: Uuid,
    pub(super) number: i32,
    host: String,
    port: i32,
    encryption: String,
    auth: String,
    username: Option<String>,
    sender_name: String,
    sender_email: String,
    reply_to: Option<String>,
    pub(super) secret_id: Option<Uuid>,
    #[serde(deserialize_with = "bytes_or_null")]
    sealed_password: Option<Vec<u8>>,
    pub(super) proven_at: Option<DateTime<Utc>>,
    pub(super) proven_by: Option<Uuid>,
    pub(super) discarded_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
    created_by: String,
}

impl VersionRow {
    pub(super) fn settings(&self) -> Result<SmtpSettings, StorageError> {
        let auth = match (self.auth.as_str(), &self.username) {
            ("none", None) => Auth::None,
            ("password", Some(username)) => Auth::Password { username: parse(username, TABLE)? },
            _ => return Err(StorageError::Corrupt { table: TABLE }),
        };
        let port = i64::from(self.port).try_into();
        Ok(SmtpSettings {
            host: parse(&self.host, TABLE)?,
            port: port.map_err(|_| StorageError::Corrupt { table: TABLE })?,
            encryption: parse(&self.encryption, TABLE)?,
            auth,
            sender_name: parse(&self.sender_name, TABLE)?,
            sender_email: parse(&self.sender_email, TABLE)?,
            reply_to: self.reply_to.as_deref().map(|text| parse(text, TABLE)).transpose()?,
        })
    }

    /// Opens the password where the row itself says that it belongs; none if nobody signs in.
    pub(super) fn password(
        &self,
        settings: &SmtpSettings,
        keys: &DataKeys,
    ) -> Result<Option<SmtpPassword>, VaultError> {
        let Some(destination) = settings.destination() else { return Ok(None) };
        let sealed = self.sealed_password.as_deref().ok_or(VaultError::Missing)?;
        let place = Place { sender: SenderId::from(self.sender_id), destination };
        keys.open(place, sealed).map(Some)
    }

    /// The version as the domain knows it, after really trying to open its password.
    pub(super) fn version(&self, keys: &DataKeys) -> Result<SettingsVersion, StorageError> {
        let settings = self.settings()?;
        let secret_state = match self.password(&settings, keys) {
            Ok(None) => SecretState::NotNeeded,
            Ok(Some(_)) => SecretState::Readable,
            Err(VaultError::Missing) => SecretState::Missing,
            Err(
                VaultError::Format
                | VaultError::UnknownMasterKey { .. }
                | VaultError::UnknownDataKey { .. }
                | VaultError::Cipher
                | VaultError::NoRandomness,
            ) => SecretState::Unreadable,
        };
        Ok(SettingsVersion {
            number: letterhead_domain::sender::VersionNumber(number(self.number, TABLE)?),
            settings,
            secret: self.secret_id.map(Into::into),
            secret_state,
            proven_at: self.proven_at,
            created_at: self.created_at,
            created_by: self.created_by.clone(),
        })
    }
}
