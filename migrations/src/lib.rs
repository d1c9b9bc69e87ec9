//! Letterhead's schema: thin Rust beside readable SQL (`migrations/sql`).
//!
//! [`migrate`] brings a database up to date. It may run any number of times and by several
//! instances at once. It needs one URL: that of a role that may create roles and owns the database.
//! When the service logs in as somebody else, that login role is named and is let into the two
//! roles that do the work, `letterhead_tenant` and `letterhead_system`.

use sea_orm_migration::{
    prelude::*,
    sea_orm::{
        ConnectOptions, Database, DatabaseConnection, DbBackend, RuntimeErr, Statement,
        sqlx::postgres::PgConnectOptions,
    },
};

mod roles;

/// Why the schema could not be brought up to date.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action}")]
pub struct MigrateError {
    action: &'static str,
    source: DbErr,
}

fn failed(action: &'static str) -> impl FnOnce(DbErr) -> MigrateError {
    move |source| MigrateError { action, source }
}

/// Any number will do, as long as nobody else uses it: "letterhe" in ASCII.
const ONE_MIGRATION_AT_A_TIME: i64 = 0x6c65_7474_6572_6865;

/// Brings the database at `owner_url` up to date and lets `login_role` into the working roles;
/// without a name, the owner itself.
///
/// # Errors
///
/// [`MigrateError`] with what was being done: the database is out of reach, the role may not
/// create roles, or a statement failed (that migration is then rolled back whole).
pub async fn migrate(owner_url: &str, login_role: Option<&str>) -> Result<(), MigrateError> {
    let mut options = ConnectOptions::new(owner_url);
    // One connection: the lock below belongs to a session.
    options.max_connections(1).min_connections(1).sqlx_logging(false);
    let db = Database::connect(options).await.map_err(failed("connect to the database"))?;
    let lock = |verb: &str| {
        let sql = format!("SELECT pg_advisory_{verb}({ONE_MIGRATION_AT_A_TIME})");
        Statement::from_string(DbBackend::Postgres, sql)
    };
    db.query_one_raw(lock("lock")).await.map_err(failed("wait for another migration"))?;
    let outcome = bring_up(&db, login_role).await;
    // Closing the session gives the lock back as well, if this does not.
    let _closing = db.query_one_raw(lock("unlock")).await;
    let _closed = db.close().await;
    outcome
}

/// The role that `url` logs in as.
///
/// # Errors
///
/// [`MigrateError`] if the URL is malformed.
pub fn role_of(url: &str) -> Result<String, MigrateError> {
    let options = url
        .parse::<PgConnectOptions>()
        .map_err(|err| DbErr::Conn(RuntimeErr::SqlxError(std::sync::Arc::new(err))));
    let options = options.map_err(failed("read the login role's URL"))?;
    Ok(options.get_username().to_owned())
}

async fn bring_up(db: &DatabaseConnection, login_role: Option<&str>) -> Result<(), MigrateError> {
    roles::create(db)
        .await
        .map_err(failed("create the roles letterhead_tenant and letterhead_system"))?;
    Migrator::up(db, None).await.map_err(failed("apply the migrations"))?;
    roles::admit(db, login_role).await.map_err(failed("let the login role into the working roles"))
}

/// The list of migrations, in order.
#[derive(Debug)]
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        MIGRATIONS.iter().map(|&migration| Box::new(migration) as Box<dyn MigrationTrait>).collect()
    }
}

/// One file of SQL. There is no way down: a release that needs one restores a backup.
#[derive(Clone, Copy)]
struct SqlFile {
    name: &'static str,
    sql: &'static str,
}

macro_rules! sql_files {
    ($($name:literal),+ $(,)?) => {
        &[$(SqlFile { name: $name, sql: include_str!(concat!("../sql/", $name, ".sql")) }),+]
    };
}

const MIGRATIONS: &[SqlFile] = sql_files![
    "0001_tenants",
    "0002_senders",
    "0003_messages",
    "0004_access",
    "0005_portal",
    "0006_bulk_runs",
    "0007_message_search",
    "0008_arrival",
    "0009_fix",
    "0010_dns_check",
    "0011_tenant_tables",
    "0012_queue_hold",
    "0013_retention",
    "0014_accept",
    "0015_limits",
    "0016_sender_view",
    "0017_journal",
    "0018_accept_together",
    "0019_sender_changes",
    "0020_together",
    "0021_plain_statements",
    "0022_lanes",
];

/// The name of every migration, in order, as the database keeps those that were applied.
pub fn names() -> impl Iterator<Item = &'static str> {
    MIGRATIONS.iter().map(|migration| migration.name)
}

/// The text of every migration, in order, for those who keep a database that was made from them.
pub fn sql() -> impl Iterator<Item = &'static str> {
    MIGRATIONS.iter().map(|migration| migration.sql)
}

impl MigrationName for SqlFile {
    fn name(&self) -> &str {
        self.name
    }
}

#[async_trait::async_trait]
impl MigrationTrait for SqlFile {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.get_connection().execute_unprepared(self.sql).await.map(|_| ())
    }
}
