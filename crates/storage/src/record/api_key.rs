//! API keys without their secrets, and what is needed to check one.

use chrono::{DateTime, Utc};
use letterhead_domain::{
    access::Scope,
    id::{ApiKeyId, TenantId},
    text::KeyName,
};

/// A tenant's API key as the operator sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKeyRecord {
    /// Its id, which is printed inside the key.
    pub id: ApiKeyId,
    /// What it is called.
    pub name: KeyName,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it ends, if it does.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was revoked, if it was.
    pub revoked_at: Option<DateTime<Utc>>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<DateTime<Utc>>,
}

/// An operator's key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperatorKeyRecord {
    /// Its id, which is printed inside the key.
    pub id: ApiKeyId,
    /// What it is called.
    pub name: KeyName,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it ends, if it does.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was revoked, if it was.
    pub revoked_at: Option<DateTime<Utc>>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<DateTime<Utc>>,
}

/// Whose key it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyOwner {
    /// The operator's.
    Operator,
    /// A tenant's.
    Tenant {
        /// The tenant.
        tenant: TenantId,
        /// What the key may do.
        scopes: Vec<Scope>,
    },
}

/// What is needed to check a key that was shown.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredKey {
    /// Its id.
    pub id: ApiKeyId,
    /// SHA-256 of its secret: to be compared in constant time.
    pub secret_hash: [u8; 32],
    /// Whose it is.
    pub owner: KeyOwner,
    /// When it ends, if it does.
    pub expires_at: Option<DateTime<Utc>>,
    /// Whether it was revoked, or its tenant deleted.
    pub revoked: bool,
}

/// A tenant's API key that is not stored yet.
pub struct NewApiKey {
    /// Its id, which is printed inside the key.
    pub id: ApiKeyId,
    /// What it is called.
    pub name: KeyName,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// SHA-256 of its secret.
    pub secret_hash: [u8; 32],
    /// Who made it, as the audit names them.
    pub created_by: String,
    /// When it ends, if it does.
    pub expires_at: Option<DateTime<Utc>>,
}

/// An operator's key that is not stored yet.
pub struct NewOperatorKey {
    /// Its id, which is printed inside the key.
    pub id: ApiKeyId,
    /// What it is called.
    pub name: KeyName,
    /// SHA-256 of its secret.
    pub secret_hash: [u8; 32],
    /// When it ends, if it does.
    pub expires_at: Option<DateTime<Utc>>,
}
