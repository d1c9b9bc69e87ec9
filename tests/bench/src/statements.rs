//! What statements cost inside the database, from pg_stat_statements. It costs a little by itself, so
//! it is loaded only while somebody asks for it.

use std::process::Stdio;

use tokio::process::Command;

use crate::{Failure, children::output, database::Database, tools::Tools};

/// Starts Postgres anew with statements counted. Without the extension, which some packages leave
/// out, it stays as it is.
pub(crate) async fn count(tools: &Tools) -> Result<(), Failure> {
    let db = Database::at(&tools.superuser).await?;
    let there = "EXISTS (SELECT FROM pg_available_extensions WHERE name = 'pg_stat_statements')";
    if !db.is(there).await? {
        return Ok(());
    }
    db.run("ALTER SYSTEM SET shared_preload_libraries = 'pg_stat_statements'").await?;
    drop(db);
    restart(tools).await?;
    let db = Database::at(&tools.superuser).await?;
    db.run("CREATE EXTENSION IF NOT EXISTS pg_stat_statements").await
}

/// Starts Postgres anew as it was.
pub(crate) async fn count_no_more(tools: &Tools) -> Result<(), Failure> {
    let db = Database::at(&tools.superuser).await?;
    db.run("ALTER SYSTEM RESET shared_preload_libraries").await?;
    drop(db);
    restart(tools).await
}

/// Forgets what was counted.
pub(crate) async fn forget(db: &Database) -> Result<(), Failure> {
    if is_counting(db).await? {
        db.text("SELECT pg_stat_statements_reset()").await?;
    }
    Ok(())
}

/// Milliseconds that one claim of lanes took in `database`, on average; nothing where nobody counts or
/// none was claimed.
pub(crate) async fn claim(db: &Database, database: &str) -> Result<Option<f64>, Failure> {
    if !is_counting(db).await? {
        return Ok(None);
    }
    let sql = format!(
        "SELECT coalesce(sum(s.total_exec_time) / nullif(sum(s.calls), 0), 'NaN')
         FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid
         WHERE d.datname = '{database}' AND s.query LIKE '%letterhead_claim(%'"
    );
    // JSON knows no NaN.
    Ok(Some(db.number(&sql).await?).filter(|took| !took.is_nan()))
}

async fn is_counting(db: &Database) -> Result<bool, Failure> {
    db.is("current_setting('shared_preload_libraries') LIKE '%pg_stat_statements%'").await
}

async fn restart(tools: &Tools) -> Result<(), Failure> {
    let script = |action: &str| {
        let mut command = Command::new(&tools.postgres_script);
        command.args([action, "bench"]).stderr(Stdio::inherit());
        command
    };
    output(script("stop")).await?;
    // Its port is taken again as long as it is free.
    if output(script("start")).await? == tools.superuser {
        Ok(())
    } else {
        Err("Postgres came back at another port: begin again".into())
    }
}
