//! The template: migrated once for each state of the migrations, then cloned.

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement};
use sha2::{Digest, Sha256};

use crate::{LOGIN_ROLE, close, connect, execute, url::ServerUrl};

/// "test" and "base" in ASCII: any number that nobody else locks.
const ONE_TEMPLATE_AT_A_TIME: i64 = 0x7465_7374_6261_7365;

/// A clock that a test can move. It lies in a schema of its own, out of sight of those who look
/// through the program's tables, and is read as its owner: the roles have no business there.
const CLOCK: &str = "
    CREATE SCHEMA letterhead_test;
    CREATE TABLE letterhead_test.clock (ahead interval NOT NULL);
    INSERT INTO letterhead_test.clock VALUES ('0');
    CREATE OR REPLACE FUNCTION public.letterhead_now() RETURNS timestamptz
        LANGUAGE sql STABLE SECURITY DEFINER
        RETURN now() + (SELECT ahead FROM letterhead_test.clock);
";

/// Gives the template's name, after making it if nobody has yet.
pub(crate) async fn prepare(maintenance: &DatabaseConnection, server: &ServerUrl) -> String {
    let name = name();
    // Held by the session: a test that dies in here gives it back.
    execute(maintenance, &format!("SELECT pg_advisory_lock({ONE_TEMPLATE_AT_A_TIME})")).await;
    create_login_role(maintenance, &server.password()).await;
    if !exists(maintenance, &name).await {
        make(maintenance, server, &name).await;
    }
    execute(maintenance, &format!("SELECT pg_advisory_unlock({ONE_TEMPLATE_AT_A_TIME})")).await;
    name
}

fn name() -> String {
    let mut hash = Sha256::new();
    for sql in letterhead_migrations::sql().chain([CLOCK]) {
        hash.update(sql);
        hash.update([0]);
    }
    let short = hash.finalize().iter().take(8).fold(0, |sum, &byte| sum << 8 | u64::from(byte));
    format!("letterhead_template_{short:016x}")
}

async fn exists(maintenance: &DatabaseConnection, name: &str) -> bool {
    let sql = format!("SELECT FROM pg_database WHERE datname = '{name}'");
    let found = maintenance.query_one_raw(Statement::from_string(DbBackend::Postgres, sql)).await;
    found.unwrap_or_else(|err| panic!("cannot look for the template database: {err}")).is_some()
}

async fn create_login_role(maintenance: &DatabaseConnection, password: &str) {
    let password = password.replace('\'', "''");
    let sql = format!(
        "DO $do$ BEGIN
             CREATE ROLE {LOGIN_ROLE} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOINHERIT
                 PASSWORD '{password}';
         EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
         END $do$"
    );
    execute(maintenance, &sql).await;
}

/// Under another name until it is whole: one that was left half made must not be cloned.
async fn make(maintenance: &DatabaseConnection, server: &ServerUrl, name: &str) {
    let unfinished = format!("{name}_unfinished");
    execute(maintenance, &format!("DROP DATABASE IF EXISTS {unfinished} WITH (FORCE)")).await;
    execute(maintenance, &format!("CREATE DATABASE {unfinished} TEMPLATE template0")).await;
    let url = server.superuser(Some(&unfinished));
    if let Err(err) = letterhead_migrations::migrate(&url, Some(LOGIN_ROLE)).await {
        let cause = std::error::Error::source(&err).map(ToString::to_string);
        panic!("the migrations fail: {err}: {}", cause.unwrap_or_default());
    }
    let db = connect(&url).await;
    execute(&db, CLOCK).await;
    close(db).await;
    execute(maintenance, &format!("ALTER DATABASE {unfinished} RENAME TO {name}")).await;
}
