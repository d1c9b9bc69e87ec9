//! How callers name tenants and senders.

use uuid::Uuid;

use crate::{
    id::{SenderId, TenantId},
    slug::Slug,
};

/// How a caller names a tenant.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum TenantRef {
    /// `self`: the tenant of the API key.
    Own,
    /// By id.
    Id(TenantId),
    /// By slug.
    Slug(Slug),
}

impl TenantRef {
    /// Reads a path segment; nothing that is malformed names a tenant.
    pub fn parse(text: &str) -> Option<Self> {
        match (text, Uuid::try_parse(text)) {
            ("self", _) => Some(Self::Own),
            (_, Ok(id)) => Some(Self::Id(id.into())),
            (_, Err(_)) => text.parse().ok().map(Self::Slug),
        }
    }
}

/// How a caller names a sender.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SenderRef {
    /// By id.
    Id(SenderId),
    /// By slug.
    Slug(Slug),
}

impl SenderRef {
    /// Reads a path segment or a field; nothing that is malformed names a sender.
    pub fn parse(text: &str) -> Option<Self> {
        match Uuid::try_parse(text) {
            Ok(id) => Some(Self::Id(id.into())),
            Err(_) => text.parse().ok().map(Self::Slug),
        }
    }
}
