//! Tenants as the operator sees them.

use chrono::{DateTime, Utc};
use letterhead_domain::{id::TenantId, slug::Slug, tenant::TenantStatus, text::TenantName};

/// One client business of the operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TenantRecord {
    /// Its id.
    pub id: TenantId,
    /// Its name in addresses.
    pub slug: Slug,
    /// Its name for people.
    pub name: TenantName,
    /// Whether it may use Letterhead.
    pub status: TenantStatus,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// When its name or status last changed.
    pub updated_at: DateTime<Utc>,
}

/// A tenant that is not stored yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTenant {
    /// Its id.
    pub id: TenantId,
    /// Its name in addresses.
    pub slug: Slug,
    /// Its name for people.
    pub name: TenantName,
}
