//! The transport cache and the sessions that are kept.

use std::{future::Future, sync::Arc};

use letterhead_domain::{
    delivery::AttemptOutcome,
    email::EmailAddress,
    id::{SenderId, TenantId},
    password::SmtpPassword,
    sender::VersionNumber,
    smtp_settings::SmtpSettings,
};

use crate::{compose::ComposedMail, lease::LeaseDeadline};

/// What a transport is cached under.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TransportKey {
    /// The tenant.
    pub tenant: TenantId,
    /// The sender.
    pub sender: SenderId,
    /// The settings version.
    pub version: VersionNumber,
}

/// The cache. Clones share it.
#[derive(Clone)]
pub struct Transports {}

/// One sender's version: settings, password and warm sessions.
pub struct Transport {
    settings: SmtpSettings,
}

/// A session on loan from its transport.
pub struct PooledSession {}

impl Transports {
    /// The transport under `key`, made from what `load` gives if there is none.
    ///
    /// # Errors
    ///
    /// What `load` gave.
    pub async fn get_or_open<E, F>(
        &self,
        key: TransportKey,
        load: F,
    ) -> Result<Arc<Transport>, Arc<E>>
    where
        E: Send + Sync + 'static,
        F: Future<Output = Result<(SmtpSettings, Option<SmtpPassword>), E>>,
    {
        let _ = key;
        let _ = load.await?;
        unimplemented!()
    }

    /// Forgets the transport under `key`.
    pub async fn invalidate(&self, key: &TransportKey) {
        let _ = (self, key);
    }

    /// How many transports are cached.
    pub async fn len(&self) -> u64 {
        0
    }
}

impl Transport {
    /// The settings.
    pub fn settings(&self) -> &SmtpSettings {
        &self.settings
    }

    /// A signed-in session.
    ///
    /// # Errors
    ///
    /// The outcome for the messages that wanted to leave.
    pub async fn session(
        self: &Arc<Self>,
        lease: &LeaseDeadline,
    ) -> Result<PooledSession, AttemptOutcome> {
        unimplemented!("{}", lease.has_passed())
    }
}

impl PooledSession {
    /// Hands `mail` over.
    pub async fn send(
        &mut self,
        mail: &ComposedMail,
        from: &EmailAddress,
        recipients: &[EmailAddress],
    ) -> AttemptOutcome {
        unimplemented!("{from} {} {}", recipients.len(), mail.bytes().len())
    }
}
