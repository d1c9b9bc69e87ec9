//! Senders, their settings versions and their passwords.
//!
//! Everything that changes a sender first locks its lane's row and then its own, in this order, as
//! the worker does: so they wait for each other and never in a circle. Neither lock stands in the
//! way of a message being accepted. `save` makes versions, `secrets` carries their passwords on, `state`
//! changes what a sender is doing, `lane` tells its lane, `limits` changes what may leave, `queue` counts
//! what waits and what left, `history` reads versions back, `view` reads a sender in one round trip.

use letterhead_domain::{id::SenderId, message::SenderRef, sender::VersionNumber};
use sea_orm::{FromQueryResult, raw_sql};
use uuid::Uuid;

use self::row::{SenderRow, TestRow};
use super::{number, parse, row as one_row, rows, sql::statement, version::VersionRow};
use crate::{
    error::StorageError,
    record::{Expected, IdentifiedSender, Page, PageRequest, SenderRecord},
    store::TenantTx,
    vault::data_key::DataKeys,
};

mod history;
mod lane;
mod limits;
mod queue;
mod row;
mod save;
mod secrets;
mod state;
mod view;

pub(super) use lane::sync_lanes;
pub(super) use limits::{LimitsRow, hold_of};
pub use save::{RestoreVersion, SaveSender, Saved};

const TABLE: &str = "senders";

/// What is shown of the senders of tenant `$1` that are not removed; `$which` is SQL.
macro_rules! shown {
    ($which:literal) => {
        concat!(
            "SELECT s.*, t.status = 'suspended' AS tenant_suspended, l.hold_reason,
                 CASE WHEN l.held AND NOT l.blocked AND l.not_before > letterhead_now()
                      THEN l.not_before END AS held_until
             FROM senders s
             JOIN tenants t ON t.id = s.tenant_id
             LEFT JOIN lanes l ON l.tenant_id = s.tenant_id AND l.id = s.id
             WHERE s.tenant_id = $1 AND s.deleted_at IS NULL AND t.deleted_at IS NULL ",
            $which
        )
    };
}

const NO_SENDER: StorageError = StorageError::NotFound("sender");

impl TenantTx {
    /// The tenant's senders.
    pub fn senders(&self) -> Senders<'_> {
        Senders { tx: self }
    }
}

/// One tenant's senders.
pub struct Senders<'tx> {
    tx: &'tx TenantTx,
}

/// A sender whose row is locked, with the versions that matter and the keys to open them.
struct Held {
    row: SenderRow,
    versions: Vec<VersionRow>,
    keys: DataKeys,
}

impl Held {
    fn id(&self) -> SenderId {
        self.row.id.into()
    }

    fn numbered(&self, number: Option<i32>) -> Option<&VersionRow> {
        self.versions.iter().find(|version| Some(version.number) == number)
    }

    fn live(&self) -> Option<&VersionRow> {
        self.numbered(self.row.live_version)
    }

    fn newest(&self) -> Result<&VersionRow, StorageError> {
        let newest = self.numbered(self.row.candidate_version).or_else(|| self.live());
        newest.ok_or(StorageError::Corrupt { table: TABLE })
    }

    fn live_number(&self) -> Result<Option<VersionNumber>, StorageError> {
        version_number(self.row.live_version)
    }

    /// Whether the newest version is what the change is based on.
    fn expect(&self, expected: Expected) -> Result<(), StorageError> {
        let newest = version_number(Some(self.newest()?.number))?;
        match expected {
            Expected::Any => Ok(()),
            Expected::Version(based_on) if newest == Some(based_on) => Ok(()),
            Expected::Version(_) | Expected::Absent => Err(StorageError::Stale),
        }
    }
}

fn version_number(stored: Option<i32>) -> Result<Option<VersionNumber>, StorageError> {
    stored.map(|stored| number(stored, TABLE).map(VersionNumber)).transpose()
}

/// A reference as two columns, one of which is NULL.
fn columns(reference: &SenderRef) -> (Option<Uuid>, Option<&str>) {
    match reference {
        SenderRef::Id(id) => (Some(id.get()), None),
        SenderRef::Slug(slug) => (None, Some(slug.as_str())),
    }
}

impl Senders<'_> {
    /// Finds a sender.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unavailable`].
    pub async fn find(&self, reference: &SenderRef) -> Result<Option<SenderRecord>, StorageError> {
        let (tenant, (id, slug)) = (self.tx.tenant.get(), columns(reference));
        let query = statement(
            shown!("AND (s.id = $2 OR s.slug = $3)"),
            [tenant.into(), id.into(), slug.into()],
        );
        let found = one_row::<SenderRow>(&self.tx.tx, query, "find a sender").await?;
        Ok(self.assemble(Vec::from_iter(found)).await?.pop())
    }

    /// Loads a sender.
    ///
    /// # Errors
    ///
    /// [`StorageError::NotFound`].
    pub async fn load(&self, reference: &SenderRef) -> Result<SenderRecord, StorageError> {
        self.find(reference).await?.ok_or(NO_SENDER)
    }

    /// Lists senders, newest first.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unavailable`].
    pub async fn list(&self, page: PageRequest) -> Result<Page<SenderRecord>, StorageError> {
        let (tenant, after, limit) = (self.tx.tenant.get(), page.after_id(), page.rows());
        let query = statement(
            shown!("AND ($2::uuid IS NULL OR s.id < $2) ORDER BY s.id DESC LIMIT $3"),
            [tenant.into(), after.into(), limit.into()],
        );
        let found = rows::<SenderRow>(&self.tx.tx, query, "list senders").await?;
        let Page { items, next } = Page::cut(found, page, |row| row.id);
        Ok(Page { items: self.assemble(items).await?, next })
    }

    /// Identifies a sender for a message that is being accepted: no secret is opened, no test run
    /// looked up.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unavailable`].
    pub async fn identify(
        &self,
        reference: &SenderRef,
    ) -> Result<Option<IdentifiedSender>, StorageError> {
        #[derive(FromQueryResult)]
        struct Identified {
            id: Uuid,
            sender_email: String,
            tenant_suspended: bool,
        }

        let (tenant, (id, slug)) = (self.tx.tenant.get(), columns(reference));
        let query = raw_sql!(
            Postgres,
            r#"SELECT s.id, v.sender_email, t.status = 'suspended' AS tenant_suspended
               FROM senders s
               JOIN tenants t ON t.id = s.tenant_id
               JOIN sender_versions v ON v.tenant_id = s.tenant_id AND v.sender_id = s.id
                   AND v.number = coalesce(s.live_version, s.candidate_version)
               WHERE s.tenant_id = {tenant} AND (s.id = {id}::uuid OR s.slug = {slug}::text)
                   AND s.deleted_at IS NULL AND t.deleted_at IS NULL"#
        );
        let found = one_row::<Identified>(&self.tx.tx, query, "identify a sender").await?;
        found
            .map(|row| {
                Ok(IdentifiedSender {
                    id: row.id.into(),
                    email: parse(&row.sender_email, "sender_versions")?,
                    tenant_suspended: row.tenant_suspended,
                })
            })
            .transpose()
    }

    /// Locks a sender for a change, its lane's row first. None if there is no such sender.
    async fn lock(&self, reference: &SenderRef) -> Result<Option<SenderRow>, StorageError> {
        let (tenant, (id, slug)) = (self.tx.tenant.get(), columns(reference));
        let lane = raw_sql!(
            Postgres,
            r#"SELECT 1 FROM lanes WHERE tenant_id = {tenant} AND id = (
                   SELECT id FROM senders
                   WHERE tenant_id = {tenant} AND (id = {id}::uuid OR slug = {slug}::text)
                       AND deleted_at IS NULL)
               FOR NO KEY UPDATE"#
        );
        super::execute(&self.tx.tx, lane, "lock a lane").await?;
        // A statement of its own, so that it sees what was committed while the first one waited.
        let sender = statement(
            shown!("AND (s.id = $2 OR s.slug = $3) FOR NO KEY UPDATE OF s"),
            [tenant.into(), id.into(), slug.into()],
        );
        one_row(&self.tx.tx, sender, "lock a sender").await
    }

    /// Locks a sender and reads what a decision about it needs.
    async fn hold(&self, reference: &SenderRef) -> Result<Option<Held>, StorageError> {
        let Some(row) = self.lock(reference).await? else { return Ok(None) };
        let versions = self.versions_of(std::slice::from_ref(&row)).await?;
        let keys = self.tx.open_data_keys().await?;
        Ok(Some(Held { row, versions, keys }))
    }

    /// The live versions and the candidates of `senders`.
    ///
    /// Asked for by number, not by a join with the senders: they may have moved on since.
    async fn versions_of(&self, senders: &[SenderRow]) -> Result<Vec<VersionRow>, StorageError> {
        let tenant = self.tx.tenant.get();
        let (ids, numbers): (Vec<_>, Vec<_>) = senders
            .iter()
            .flat_map(|row| {
                let numbers = row.live_version.into_iter().chain(row.candidate_version);
                numbers.map(|number| (row.id, number))
            })
            .unzip();
        let query = raw_sql!(
            Postgres,
            r#"SELECT v.* FROM sender_versions v
               JOIN unnest({ids}, {numbers}) AS wanted (sender_id, number)
                   ON v.sender_id = wanted.sender_id AND v.number = wanted.number
               WHERE v.tenant_id = {tenant}"#
        );
        rows(&self.tx.tx, query, "read settings versions").await
    }

    /// Makes records of rows: with their versions, whether those open, and the last test runs.
    async fn assemble(&self, senders: Vec<SenderRow>) -> Result<Vec<SenderRecord>, StorageError> {
        if senders.is_empty() {
            return Ok(Vec::new());
        }
        let keys = self.tx.open_data_keys().await?;
        let versions = self.versions_of(&senders).await?;
        let tests = self.last_tests(&senders).await?;
        senders.into_iter().map(|row| row.record(&versions, &tests, &keys)).collect()
    }

    async fn last_tests(&self, senders: &[SenderRow]) -> Result<Vec<TestRow>, StorageError> {
        let tenant = self.tx.tenant.get();
        let ids: Vec<_> = senders.iter().map(|row| row.id).collect();
        let query = raw_sql!(
            Postgres,
            r#"SELECT wanted.id AS sender_id, r.id, r.version, r.status, r.started_at,
                      r.advice ->> 'code' AS advice_code,
                      jsonb_path_query_first(r.stages, '$[*] ? (@.status == "failed").stage')
                          #>> '{}' AS failed_stage
               FROM unnest({ids}) AS wanted (id)
               CROSS JOIN LATERAL (
                   SELECT id, version, status, started_at, advice, stages FROM test_runs
                   WHERE tenant_id = {tenant} AND sender_id = wanted.id
                   ORDER BY id DESC LIMIT 1
               ) r"#
        );
        rows(&self.tx.tx, query, "read the last test runs").await
    }
}
