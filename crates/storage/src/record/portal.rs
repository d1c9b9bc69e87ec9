//! Links into the portal, and the sessions that they open.

use std::time::Duration;

use chrono::{DateTime, Utc};
use letterhead_domain::{
    access::PortalRole,
    email::EmailAddress,
    id::{PortalLinkId, PortalSessionId, TenantId},
    text::{PersonName, TenantName},
};

/// What a link is still good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkState {
    /// It opens a session.
    Fresh,
    /// It has opened one.
    Used,
    /// It was not used in time.
    Expired,
}

/// A link into the portal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortalLinkRecord {
    /// Its id.
    pub id: PortalLinkId,
    /// The tenant that it leads to, with its name; none with [`PortalRole::Operator`].
    pub tenant: Option<(TenantId, TenantName)>,
    /// What whoever uses it may do.
    pub role: PortalRole,
    /// For whom it was made.
    pub email: EmailAddress,
    /// Their name.
    pub name: PersonName,
    /// When it stops working.
    pub expires_at: DateTime<Utc>,
    /// When it was used, if it was.
    pub used_at: Option<DateTime<Utc>>,
}

impl PortalLinkRecord {
    /// What the link is still good for at `now`.
    pub fn state(&self, now: DateTime<Utc>) -> LinkState {
        if self.used_at.is_some() {
            LinkState::Used
        } else if self.expires_at <= now {
            LinkState::Expired
        } else {
            LinkState::Fresh
        }
    }
}

/// A link that is not stored yet.
pub struct NewPortalLink {
    /// Its id.
    pub id: PortalLinkId,
    /// SHA-256 of its token.
    pub token_hash: [u8; 32],
    /// What whoever uses it may do.
    pub role: PortalRole,
    /// For whom it is.
    pub email: EmailAddress,
    /// Their name.
    pub name: PersonName,
    /// Who made it, as the audit names them.
    pub created_by: String,
    /// When it stops working.
    pub expires_at: DateTime<Utc>,
}

/// Whether a session still is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionState {
    /// Its person is signed in.
    Live,
    /// Somebody ended it.
    Ended,
    /// Nobody used it for too long, or it has lasted as long as a session may.
    Expired,
}

/// A session in the portal, without its token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortalSessionRecord {
    /// Its id.
    pub id: PortalSessionId,
    /// The tenant whose person it is; none with [`PortalRole::Operator`].
    pub tenant: Option<TenantId>,
    /// What the person may do.
    pub role: PortalRole,
    /// The person's address.
    pub email: EmailAddress,
    /// The person's name.
    pub name: PersonName,
    /// When the person signed in.
    pub started_at: DateTime<Utc>,
    /// When the person last asked for something, to the minute.
    pub last_seen_at: DateTime<Utc>,
    /// When it ends at the latest.
    pub expires_at: DateTime<Utc>,
    /// When somebody ended it, if anybody did.
    pub ended_at: Option<DateTime<Utc>>,
}

impl PortalSessionRecord {
    /// How long a session lasts when nothing is asked for.
    pub const IDLE: Duration = Duration::from_secs(30 * 60);
    /// How long a session lasts at most.
    pub const LIFETIME: Duration = Duration::from_secs(8 * 60 * 60);

    /// Whether the session still is one at `now`.
    pub fn state(&self, now: DateTime<Utc>) -> SessionState {
        if self.ended_at.is_some() {
            SessionState::Ended
        } else if self.expires_at <= now || self.last_seen_at + Self::IDLE <= now {
            SessionState::Expired
        } else {
            SessionState::Live
        }
    }
}

/// A session that is not stored yet.
pub struct NewPortalSession {
    /// Its id.
    pub id: PortalSessionId,
    /// SHA-256 of its token.
    pub token_hash: [u8; 32],
    /// The tenant whose person it is; none with [`PortalRole::Operator`].
    pub tenant: Option<TenantId>,
    /// What the person may do.
    pub role: PortalRole,
    /// The person's address.
    pub email: EmailAddress,
    /// The person's name.
    pub name: PersonName,
    /// When it ends at the latest.
    pub expires_at: DateTime<Utc>,
}
