//! Sessions in the portal: a tenant's people, the operator's own, and the check of any that is
//! shown.

use chrono::{DateTime, TimeDelta, Utc};
use letterhead_domain::id::{PortalSessionId, TenantId};
use sea_orm::{FromQueryResult, raw_sql};
use uuid::Uuid;

use super::{execute, parse, portal_link::role, row, rows};
use crate::{
    error::StorageError,
    record::{NewPortalSession, Page, PageRequest, PortalSessionRecord},
    store::{SystemTx, TenantTx},
};

const TABLE: &str = "portal_sessions";

/// For how long people can see that a session was there.
const SHOWN_AFTER_END: TimeDelta = TimeDelta::days(90);

#[derive(FromQueryResult)]
struct SessionRow {
    id: Uuid,
    tenant_id: Option<Uuid>,
    role: Option<String>,
    email: String,
    name: String,
    started_at: DateTime<Utc>,
    last_seen_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
    ended_at: Option<DateTime<Utc>>,
}

impl TryFrom<SessionRow> for PortalSessionRecord {
    type Error = StorageError;

    fn try_from(row: SessionRow) -> Result<Self, StorageError> {
        Ok(Self {
            id: row.id.into(),
            tenant: row.tenant_id.map(Into::into),
            role: role(row.role.as_deref())?,
            email: parse(&row.email, TABLE)?,
            name: parse(&row.name, TABLE)?,
            started_at: row.started_at,
            last_seen_at: row.last_seen_at,
            expires_at: row.expires_at,
            ended_at: row.ended_at,
        })
    }
}

impl TenantTx {
    /// The sessions of the tenant's people.
    pub fn portal_sessions(&self) -> PortalSessions<'_> {
        PortalSessions { tx: self }
    }
}

/// The sessions of one tenant's people.
pub struct PortalSessions<'tx> {
    tx: &'tx TenantTx,
}

impl PortalSessions<'_> {
    /// Lists the sessions that are live or ended in the last 90 days, newest first.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unavailable`].
    pub async fn list(&self, page: PageRequest) -> Result<Page<PortalSessionRecord>, StorageError> {
        let (tenant, after, limit) = (self.tx.tenant.get(), page.after_id(), page.rows());
        let since = self.tx.now - SHOWN_AFTER_END;
        let query = raw_sql!(
            Postgres,
            r#"SELECT id, tenant_id, role, email, name, started_at, last_seen_at, expires_at,
                      ended_at
               FROM portal_sessions
               WHERE tenant_id = {tenant} AND coalesce(ended_at, expires_at) > {since}
                   AND ({after}::uuid IS NULL OR id < {after})
               ORDER BY id DESC LIMIT {limit}"#
        );
        let found = rows::<SessionRow>(&self.tx.tx, query, "list portal sessions").await?;
        Page::cut(found, page, |row| row.id).try_map(TryInto::try_into)
    }

    /// Finds one session.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unavailable`].
    pub async fn find(
        &self,
        id: PortalSessionId,
    ) -> Result<Option<PortalSessionRecord>, StorageError> {
        let (tenant, id) = (self.tx.tenant.get(), id.get());
        let query = raw_sql!(
            Postgres,
            r#"SELECT id, tenant_id, role, email, name, started_at, last_seen_at, expires_at,
                      ended_at
               FROM portal_sessions WHERE tenant_id = {tenant} AND id = {id}"#
        );
        let found = row::<SessionRow>(&self.tx.tx, query, "find a portal session").await?;
        found.map(TryInto::try_into).transpose()
    }

    /// Ends a session for good; says whether it had not been ended before.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unavailable`].
    pub async fn end(&self, id: PortalSessionId) -> Result<bool, StorageError> {
        let (tenant, id, now) = (self.tx.tenant.get(), id.get(), self.tx.now);
        let update = raw_sql!(
            Postgres,
            r#"UPDATE portal_sessions SET ended_at = {now}
               WHERE tenant_id = {tenant} AND id = {id} AND ended_at IS NULL"#
        );
        Ok(execute(&self.tx.tx, update, "end a portal session").await? > 0)
    }
}

impl SystemTx {
    /// Every session, to check one that is shown, and the operator's own.
    pub fn portal_sessions(&self) -> SessionCheck<'_> {
        SessionCheck { tx: self }
    }
}

/// Every tenant's sessions in so far as starting and checking one needs them, and the operator's
/// own.
pub struct SessionCheck<'tx> {
    tx: &'tx SystemTx,
}

impl SessionCheck<'_> {
    /// Stores a new session, with its tenant's or with the operator's own.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unavailable`].
    pub async fn create(&self, new: &NewPortalSession) -> Result<(), StorageError> {
        let NewPortalSession { id, token_hash, tenant, role, email, name, expires_at } = new;
        let (id, token_hash, now) = (id.get(), token_hash.to_vec(), self.tx.now);
        let (role, email, name) = (role.as_str(), email.as_str(), name.as_str());
        let expires_at = *expires_at;
        let insert = if let Some(tenant) = tenant.map(TenantId::get) {
            raw_sql!(
                Postgres,
                r#"INSERT INTO portal_sessions (tenant_id, id, token_hash, role, email, name,
                       started_at, last_seen_at, expires_at)
                   VALUES ({tenant}, {id}, {token_hash}, {role}, {email}, {name}, {now}, {now},
                       {expires_at})"#
            )
        } else {
            raw_sql!(
                Postgres,
                r#"INSERT INTO operator_sessions (id, token_hash, email, name, started_at,
                       last_seen_at, expires_at)
                   VALUES ({id}, {token_hash}, {email}, {name}, {now}, {now}, {expires_at})"#
            )
        };
        execute(&self.tx.tx, insert, "store a portal session").await.map(|_| ())
    }

    /// Finds the session whose token has this hash, whosever it is, live or not. A deleted tenant
    /// has none.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unavailable`].
    pub async fn find(
        &self,
        token_hash: &[u8; 32],
    ) -> Result<Option<PortalSessionRecord>, StorageError> {
        let hash = token_hash.to_vec();
        let query = raw_sql!(
            Postgres,
            r#"SELECT s.id, s.tenant_id, s.role, s.email, s.name, s.started_at, s.last_seen_at,
                      s.expires_at, s.ended_at
               FROM portal_sessions s JOIN tenants t ON t.id = s.tenant_id
               WHERE s.token_hash = {hash} AND t.deleted_at IS NULL
               UNION ALL
               SELECT id, NULL, NULL, email, name, started_at, last_seen_at, expires_at, ended_at
               FROM operator_sessions WHERE token_hash = {hash}"#
        );
        let found = row::<SessionRow>(&self.tx.tx, query, "find a portal session").await?;
        found.map(TryInto::try_into).transpose()
    }

    /// Notes that a session was used, at most once a minute: its row is not worth a write for
    /// every page. Says whether it did.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unavailable`].
    pub async fn touch(&self, session: &PortalSessionRecord) -> Result<bool, StorageError> {
        let (id, now) = (session.id.get(), self.tx.now);
        let before = now - TimeDelta::minutes(1);
        if session.last_seen_at > before {
            return Ok(false);
        }
        let update = if let Some(tenant) = session.tenant.map(TenantId::get) {
            raw_sql!(
                Postgres,
                r#"UPDATE portal_sessions SET last_seen_at = {now}
                   WHERE tenant_id = {tenant} AND id = {id} AND last_seen_at <= {before}"#
            )
        } else {
            raw_sql!(
                Postgres,
                r#"UPDATE operator_sessions SET last_seen_at = {now}
                   WHERE id = {id} AND last_seen_at <= {before}"#
            )
        };
        Ok(execute(&self.tx.tx, update, "note that a portal session was used").await? > 0)
    }

    /// Lists the operator's own sessions that are live or ended in the last 90 days, newest first.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unavailable`].
    pub async fn list_operator(
        &self,
        page: PageRequest,
    ) -> Result<Page<PortalSessionRecord>, StorageError> {
        let (after, limit) = (page.after_id(), page.rows());
        let since = self.tx.now - SHOWN_AFTER_END;
        let query = raw_sql!(
            Postgres,
            r#"SELECT id, NULL::uuid AS tenant_id, NULL AS role, email, name, started_at,
                      last_seen_at, expires_at, ended_at
               FROM operator_sessions
               WHERE coalesce(ended_at, expires_at) > {since}
                   AND ({after}::uuid IS NULL OR id < {after})
               ORDER BY id DESC LIMIT {limit}"#
        );
        let found = rows::<SessionRow>(&self.tx.tx, query, "list operators' sessions").await?;
        Page::cut(found, page, |row| row.id).try_map(TryInto::try_into)
    }

    /// Finds one of the operator's own sessions.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unavailable`].
    pub async fn find_operator(
        &self,
        id: PortalSessionId,
    ) -> Result<Option<PortalSessionRecord>, StorageError> {
        let id = id.get();
        let query = raw_sql!(
            Postgres,
            r#"SELECT id, NULL::uuid AS tenant_id, NULL AS role, email, name, started_at,
                      last_seen_at, expires_at, ended_at
               FROM operator_sessions WHERE id = {id}"#
        );
        let found = row::<SessionRow>(&self.tx.tx, query, "find an operator's session").await?;
        found.map(TryInto::try_into).transpose()
    }

    /// Ends one of the operator's own sessions for good; says whether it had not been ended before.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unavailable`].
    pub async fn end_operator(&self, id: PortalSessionId) -> Result<bool, StorageError> {
        let (id, now) = (id.get(), self.tx.now);
        let update = raw_sql!(
            Postgres,
            r#"UPDATE operator_sessions SET ended_at = {now}
               WHERE id = {id} AND ended_at IS NULL"#
        );
        Ok(execute(&self.tx.tx, update, "end an operator's session").await? > 0)
    }
}
