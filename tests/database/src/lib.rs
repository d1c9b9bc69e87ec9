//! A Postgres database of its own for each test.
//!
//! The first test migrates a template, whose name follows from the migrations; every test clones
//! it, which takes a fraction of a second. In a clone `letterhead_now()` can be moved, so that tests
//! need not wait. Programs under test sign in as a role that is nobody: what they may do, they may
//! through the two working roles. For tests only: whatever goes wrong here panics.

use std::{env, thread, time::Duration};

use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbBackend, Statement,
};
use serde_json::Value;
use uuid::Uuid;

mod counts;
mod hold;
mod template;
mod url;

use url::ServerUrl;

pub use counts::Counts;
pub use hold::{Held, Lock};

/// The role that programs under test sign in as.
const LOGIN_ROLE: &str = "letterhead_test_login";

/// The role that owns a database which a test migrates itself.
const OWNER_ROLE: &str = "letterhead_test_owner";

/// A migrated, empty database that is dropped together with this value.
pub struct TestDatabase {
    name: String,
    server: ServerUrl,
    owner: DatabaseConnection,
}

impl TestDatabase {
    /// Makes one on the server that `LETTERHEAD_TEST_DATABASE_URL` names, as its superuser.
    ///
    /// # Panics
    ///
    /// If that variable is missing, or the server does not do as it is told.
    pub async fn create() -> Self {
        Self::create_on(&server_url()).await
    }

    /// Makes one on the server at `url`, as its superuser: a server of the test's own, if it is to go
    /// away and come back.
    ///
    /// # Panics
    ///
    /// If the server does not do as it is told.
    pub async fn create_on(url: &str) -> Self {
        let server = ServerUrl::parse(url);
        let maintenance = connect(&server.superuser(None)).await;
        let template = template::prepare(&maintenance, &server).await;
        let name = format!("letterhead_test_{}", Uuid::new_v4().simple());
        execute(&maintenance, &format!("CREATE DATABASE {name} TEMPLATE {template}")).await;
        // A clone does not inherit what may be done in its template as a whole.
        execute(&maintenance, &format!("REVOKE CREATE, TEMPORARY ON DATABASE {name} FROM PUBLIC"))
            .await;
        close(maintenance).await;
        let owner = connect(&server.superuser(Some(&name))).await;
        Self { name, server, owner }
    }

    /// The URL for programs under test: a login role that owns nothing.
    pub fn url(&self) -> String {
        self.server.login(LOGIN_ROLE, &self.name)
    }

    /// The superuser's URL, which row-level security does not bind.
    pub fn owner_url(&self) -> String {
        self.server.superuser(Some(&self.name))
    }

    /// Empties this database and gives it to an ordinary role that may create roles: what the
    /// migrations need, and no more. The role's URL.
    ///
    /// # Panics
    ///
    /// If the server does not do as it is told.
    pub async fn give_away_empty(&self) -> String {
        let Self { name, server, .. } = self;
        let password = server.password().replace('\'', "''");
        self.sql(&format!(
            "DO $do$ BEGIN
                 CREATE ROLE {OWNER_ROLE} LOGIN NOSUPERUSER CREATEROLE PASSWORD '{password}';
             EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
             END $do$;
             DROP SCHEMA public, letterhead_test CASCADE;
             ALTER DATABASE {name} OWNER TO {OWNER_ROLE};
             CREATE SCHEMA public AUTHORIZATION {OWNER_ROLE}"
        ))
        .await;
        server.login(OWNER_ROLE, name)
    }

    /// Moves this database's clock forward, for every transaction that begins from now on.
    pub async fn advance(&self, by: Duration) {
        let by = by.as_micros();
        self.sql(&format!(
            "UPDATE letterhead_test.clock SET ahead = ahead + {by} * interval '1 microsecond'"
        ))
        .await;
    }

    /// Runs statements as the superuser, to arrange what a test needs.
    ///
    /// # Panics
    ///
    /// If one fails.
    pub async fn sql(&self, statements: &str) {
        execute(&self.owner, statements).await;
    }

    /// Reads rows as the superuser, each as a JSON object by column name.
    ///
    /// # Panics
    ///
    /// If the query fails.
    pub async fn rows(&self, query: &str) -> Vec<Value> {
        let query = format!("SELECT to_jsonb(q) AS row FROM ({query}) AS q");
        let statement = Statement::from_string(DbBackend::Postgres, query);
        let rows = self.owner.query_all_raw(statement).await;
        let rows = rows.unwrap_or_else(|err| panic!("a query of the test fails: {err}"));
        let row = |row: &sea_orm::QueryResult| row.try_get("", "row");
        rows.iter().map(row).collect::<Result<_, _>>().unwrap_or_else(|err| panic!("{err}"))
    }

    /// Reads one number as the superuser.
    ///
    /// # Panics
    ///
    /// If the query fails, or gives something else than one row that begins with a number.
    pub async fn number(&self, query: &str) -> i64 {
        let rows = self.rows(&format!("SELECT ({query})::bigint AS number")).await;
        let number = rows.first().and_then(|row| row["number"].as_i64());
        number.unwrap_or_else(|| panic!("{query} gives no number"))
    }
}

impl Drop for TestDatabase {
    /// Drops the database, whoever is still connected to it. The test's runtime may be gone or
    /// blocked in this very call, so another thread does it.
    fn drop(&mut self) {
        let url = self.server.superuser(None);
        let sql = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        let dropping = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            if let Ok(runtime) = runtime {
                runtime.block_on(async {
                    let db = connect(&url).await;
                    execute(&db, &sql).await;
                    close(db).await;
                });
            }
        });
        // A test that fails has said why; a database left behind is not worth a second panic.
        let _left_behind = dropping.join();
    }
}

#[expect(clippy::disallowed_methods, reason = "tests have no command line to be told by")]
fn server_url() -> String {
    env::var("LETTERHEAD_TEST_DATABASE_URL").unwrap_or_else(|_| {
        panic!("LETTERHEAD_TEST_DATABASE_URL is not set: run `make test`, which starts a Postgres")
    })
}

/// One connection, made at once.
async fn connect(url: &str) -> DatabaseConnection {
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(3)
        .min_connections(0)
        .connect_timeout(Duration::from_secs(30))
        .acquire_timeout(Duration::from_secs(30))
        .sqlx_logging(false);
    let db = Database::connect(options).await;
    db.unwrap_or_else(|err| panic!("cannot reach the Postgres for tests: {err}"))
}

async fn execute(db: &DatabaseConnection, sql: &str) {
    if let Err(err) = db.execute_unprepared(sql).await {
        panic!("a statement of the test fails: {err}\n{sql}");
    }
}

/// Waits until the connection is gone: a template with somebody inside cannot be cloned.
async fn close(db: DatabaseConnection) {
    let _closed = db.close().await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn each_test_has_a_database_of_its_own_and_its_own_time() {
        let (one, other) = tokio::join!(TestDatabase::create(), TestDatabase::create());

        one.advance(Duration::from_secs(3600)).await;

        let ahead = "SELECT extract(epoch FROM letterhead_now() - now())";
        assert_eq!(one.number(ahead).await, 3600);
        assert_eq!(other.number(ahead).await, 0);
    }

    #[tokio::test]
    async fn the_login_role_is_nobody() {
        let database = TestDatabase::create().await;

        let login = connect(&database.url()).await;

        assert!(login.execute_unprepared("SELECT FROM tenants").await.is_err());
        assert!(login.execute_unprepared("CREATE TEMPORARY TABLE x ()").await.is_err());
        assert!(login.execute_unprepared("SET ROLE letterhead_tenant").await.is_ok());
    }
}
