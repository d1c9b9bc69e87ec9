//! What an operator should know about the database itself: is it migrated, and are its roles such
//! that row-level security holds? Only the catalogue is read, as the login role.

use sea_orm::{ConnectionTrait, DbBackend, FromQueryResult, Statement, TransactionTrait};

use crate::{
    error::{StorageError, failed, is_closed_role},
    store::Store,
};

/// The database as its catalogue shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnosis {
    /// Postgres's own version.
    pub server_version: String,
    /// Names of the migrations that were applied, in order.
    pub migrations: Vec<String>,
    /// The role that the program logs in as.
    pub login_role: String,
    /// What is wrong with that role.
    pub role_faults: Vec<RoleFault>,
    /// Tables with tenants' rows on which row-level security is not enabled and forced.
    pub open_tables: Vec<String>,
}

/// What is wrong with a login role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoleFault {
    /// It is a superuser, or has BYPASSRLS: no policy binds it.
    BoundByNoPolicy,
    /// It owns tables, and could change their policies.
    OwnsTables,
    /// It has what the working roles may without entering them.
    Inherits,
    /// It may not enter this working role.
    MayNotEnter(&'static str),
}

#[derive(FromQueryResult)]
struct LoginRow {
    server_version: String,
    name: String,
    unbound: bool,
    owns: bool,
    inherits: bool,
}

const LOGIN: &str = "
    SELECT current_setting('server_version') AS server_version, r.rolname::text AS name,
        r.rolsuper OR r.rolbypassrls AS unbound,
        EXISTS (SELECT FROM pg_class c WHERE c.relowner = r.oid AND c.relkind IN ('r', 'p')
            AND c.relnamespace = to_regnamespace('public')) AS owns,
        coalesce((SELECT bool_or(pg_has_role(r.oid, w.oid, 'USAGE')) FROM pg_roles w
            WHERE w.rolname IN ('letterhead_tenant', 'letterhead_system')), false) AS inherits
    FROM pg_roles r WHERE r.rolname = current_user";

/// The list of migrations, if it is there and this role may read it.
const LIST: &str = "
    SELECT m.relname::text AS name FROM pg_class m
    WHERE m.relname = 'seaql_migrations' AND m.relnamespace = to_regnamespace('public')
        AND has_table_privilege(m.oid, 'SELECT')";

const APPLIED: &str = "SELECT version AS name FROM public.seaql_migrations ORDER BY version";

const OPEN_TABLES: &str = "
    SELECT c.relname::text AS name FROM pg_class c
    WHERE c.relnamespace = to_regnamespace('public') AND c.relkind IN ('r', 'p')
        AND NOT (c.relrowsecurity AND c.relforcerowsecurity)
        AND (c.relname = 'tenants' OR EXISTS (
            SELECT FROM pg_attribute a
            WHERE a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped))
    ORDER BY 1";

#[derive(FromQueryResult)]
struct Name {
    name: String,
}

impl Store {
    /// Looks at the database from outside every working role.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unavailable`] if it does not answer, [`StorageError::Database`] if it does
    /// not let the login role in.
    pub async fn diagnose(&self) -> Result<Diagnosis, StorageError> {
        self.in_time("look at the database", self.read_catalogue()).await?
    }

    async fn read_catalogue(&self) -> Result<Diagnosis, StorageError> {
        let action = "look at the login role";
        let found = LoginRow::find_by_statement(plain(LOGIN)).one(self.db()).await;
        let login = found.map_err(failed(action))?;
        let login = login.ok_or(StorageError::Corrupt { table: "pg_roles" })?;

        let mut role_faults = Vec::new();
        let faults = [
            (login.unbound, RoleFault::BoundByNoPolicy),
            (login.owns, RoleFault::OwnsTables),
            // A superuser has every role's rights, which is told already.
            (login.inherits && !login.unbound, RoleFault::Inherits),
        ];
        role_faults.extend(faults.into_iter().filter_map(|(is_so, fault)| is_so.then_some(fault)));
        for role in ["letterhead_tenant", "letterhead_system"] {
            if !self.may_enter(role).await? {
                role_faults.push(RoleFault::MayNotEnter(role));
            }
        }
        let is_listed = !self.names(LIST).await?.is_empty();
        let migrations = if is_listed { self.names(APPLIED).await? } else { Vec::new() };
        Ok(Diagnosis {
            server_version: login.server_version,
            migrations,
            login_role: login.name,
            role_faults,
            open_tables: self.names(OPEN_TABLES).await?,
        })
    }

    /// Tries it: what membership means for entering differs between versions of Postgres.
    async fn may_enter(&self, role: &str) -> Result<bool, StorageError> {
        let action = "enter a working role";
        let tx = self.db().begin().await.map_err(failed(action))?;
        let enter = Statement::from_sql_and_values(
            DbBackend::Postgres,
            "SELECT set_config('role', $1, true)",
            [role.into()],
        );
        match tx.query_one_raw(enter).await {
            Ok(_) => Ok(true),
            Err(err) if is_closed_role(&err) => Ok(false),
            Err(err) => Err(failed(action)(err)),
        }
    }

    async fn names(&self, query: &str) -> Result<Vec<String>, StorageError> {
        let found = Name::find_by_statement(plain(query)).all(self.db()).await;
        let found = found.map_err(failed("read the catalogue"))?;
        Ok(found.into_iter().map(|row| row.name).collect())
    }
}

fn plain(query: &str) -> Statement {
    Statement::from_string(DbBackend::Postgres, query)
}
