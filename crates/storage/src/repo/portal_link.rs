//! Links into the portal: a tenant's, the operator's own, and the use of any that is shown.

use chrono::{DateTime, Utc};
use letterhead_domain::access::PortalRole;
use sea_orm::{FromQueryResult, raw_sql};
use uuid::Uuid;

use super::{execute, parse, row};
use crate::{
    error::StorageError,
    record::{NewPortalLink, PortalLinkRecord},
    store::{SystemTx, TenantTx},
};

const TABLE: &str = "portal_links";

#[derive(FromQueryResult)]
struct LinkRow {
    id: Uuid,
    tenant_id: Option<Uuid>,
    tenant_name: Option<String>,
    role: Option<String>,
    email: String,
    name: String,
    expires_at: DateTime<Utc>,
    used_at: Option<DateTime<Utc>>,
}

impl TryFrom<LinkRow> for PortalLinkRecord {
    type Error = StorageError;

    fn try_from(row: LinkRow) -> Result<Self, StorageError> {
        let tenant = match (row.tenant_id, row.tenant_name) {
            (Some(id), Some(name)) => Some((id.into(), parse(&name, TABLE)?)),
            (None | Some(_), None) | (None, Some(_)) => None,
        };
        Ok(Self {
            id: row.id.into(),
            tenant,
            role: role(row.role.as_deref())?,
            email: parse(&row.email, TABLE)?,
            name: parse(&row.name, TABLE)?,
            expires_at: row.expires_at,
            used_at: row.used_at,
        })
    }
}

/// The role in a row; the operator's own tables have no such column.
pub(super) fn role(word: Option<&str>) -> Result<PortalRole, StorageError> {
    word.map_or(Ok(PortalRole::Operator), |word| parse(word, TABLE))
}

impl TenantTx {
    /// The links into the tenant's pages.
    pub fn portal_links(&self) -> PortalLinks<'_> {
        PortalLinks { tx: self }
    }
}

/// The links into one tenant's pages.
pub struct PortalLinks<'tx> {
    tx: &'tx TenantTx,
}

impl PortalLinks<'_> {
    /// Stores a new link.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unavailable`].
    pub async fn create(&self, new: &NewPortalLink) -> Result<(), StorageError> {
        let NewPortalLink { id, token_hash, role, email, name, created_by, expires_at } = new;
        let (tenant, id, token_hash) = (self.tx.tenant.get(), id.get(), token_hash.to_vec());
        let (role, email, name) = (role.as_str(), email.as_str(), name.as_str());
        let (now, expires_at) = (self.tx.now, *expires_at);
        let insert = raw_sql!(
            Postgres,
            r#"INSERT INTO portal_links (tenant_id, id, token_hash, role, email, name, created_at,
                   created_by, expires_at)
               VALUES ({tenant}, {id}, {token_hash}, {role}, {email}, {name}, {now},
                   {created_by}, {expires_at})"#
        );
        execute(&self.tx.tx, insert, "store a portal link").await.map(|_| ())
    }
}

impl SystemTx {
    /// Every link, to use one that is shown, and the operator's own, to make them.
    pub fn portal_links(&self) -> LinkCheck<'_> {
        LinkCheck { tx: self }
    }
}

/// Every tenant's links in so far as using one needs them, and the operator's own.
pub struct LinkCheck<'tx> {
    tx: &'tx SystemTx,
}

impl LinkCheck<'_> {
    /// Stores a new link to the operator's own pages, whatever role it names.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unavailable`].
    pub async fn create_operator(&self, new: &NewPortalLink) -> Result<(), StorageError> {
        let NewPortalLink { id, token_hash, role: _, email, name, created_by, expires_at } = new;
        let (id, token_hash, now) = (id.get(), token_hash.to_vec(), self.tx.now);
        let (email, name, expires_at) = (email.as_str(), name.as_str(), *expires_at);
        let insert = raw_sql!(
            Postgres,
            r#"INSERT INTO operator_links (id, token_hash, email, name, created_at, created_by,
                   expires_at)
               VALUES ({id}, {token_hash}, {email}, {name}, {now}, {created_by}, {expires_at})"#
        );
        execute(&self.tx.tx, insert, "store an operator's portal link").await.map(|_| ())
    }

    /// Finds the link whose token has this hash, whosever it is, and changes nothing. A deleted
    /// tenant has none.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unavailable`].
    pub async fn find(
        &self,
        token_hash: &[u8; 32],
    ) -> Result<Option<PortalLinkRecord>, StorageError> {
        let hash = token_hash.to_vec();
        let query = raw_sql!(
            Postgres,
            r#"SELECT l.id, l.tenant_id, t.name AS tenant_name, l.role, l.email, l.name,
                      l.expires_at, l.used_at
               FROM portal_links l JOIN tenants t ON t.id = l.tenant_id
               WHERE l.token_hash = {hash} AND t.deleted_at IS NULL
               UNION ALL
               SELECT id, NULL, NULL, NULL, email, name, expires_at, used_at
               FROM operator_links WHERE token_hash = {hash}"#
        );
        let found = row::<LinkRow>(&self.tx.tx, query, "find a portal link").await?;
        found.map(TryInto::try_into).transpose()
    }

    /// Uses up the link whose token has this hash, if it is fresh. Of several that try at once,
    /// one gets it.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unavailable`].
    pub async fn claim(
        &self,
        token_hash: &[u8; 32],
    ) -> Result<Option<PortalLinkRecord>, StorageError> {
        let (hash, now) = (token_hash.to_vec(), self.tx.now);
        let update = raw_sql!(
            Postgres,
            r#"WITH tenants_link AS (
                   UPDATE portal_links l SET used_at = {now} FROM tenants t
                   WHERE l.token_hash = {hash} AND l.used_at IS NULL AND l.expires_at > {now}
                       AND t.id = l.tenant_id AND t.deleted_at IS NULL
                   RETURNING l.id, l.tenant_id, t.name AS tenant_name, l.role, l.email, l.name,
                       l.expires_at, l.used_at
               ), operators_link AS (
                   UPDATE operator_links SET used_at = {now}
                   WHERE token_hash = {hash} AND used_at IS NULL AND expires_at > {now}
                   RETURNING id, email, name, expires_at, used_at
               )
               SELECT id, tenant_id, tenant_name, role, email, name, expires_at, used_at
               FROM tenants_link
               UNION ALL
               SELECT id, NULL, NULL, NULL, email, name, expires_at, used_at FROM operators_link"#
        );
        let claimed = row::<LinkRow>(&self.tx.tx, update, "use a portal link").await?;
        claimed.map(TryInto::try_into).transpose()
    }
}
