//! What the server did for the programs under test, as it counts it itself.

use std::io::{self, Write};

use crate::{LOGIN_ROLE, TestDatabase};

/// What programs under test had the server do; what the test itself asks for is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    /// Statements, `BEGIN` and `COMMIT` among them: each is a round trip.
    pub statements: i64,
    /// What was committed: transactions, and accepts, claims, turns of the journal and releases, which are
    /// one statement each. As many times at most a server with the default durability writes to its disk
    /// and waits.
    pub commits: i64,
    /// Pages of tables and indexes that were looked at, wherever they were.
    pub pages: i64,
}

const COUNTED: &str = "
    SELECT coalesce(sum(calls), 0)::bigint AS statements,
        coalesce(sum(calls) FILTER (WHERE query = 'COMMIT' OR query ~ '\\mletterhead_(accept|claim|release|take_turns)\\M'),
            0)::bigint AS commits,
        coalesce(sum(shared_blks_hit + shared_blks_read), 0)::bigint AS pages
    FROM letterhead_test.pg_stat_statements
    WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND userid <> (SELECT oid FROM pg_roles WHERE rolname = current_user)";

const FORGET: &str = "
    SELECT letterhead_test.pg_stat_statements_reset(0, oid, 0)
    FROM pg_database WHERE datname = current_database()";

impl TestDatabase {
    /// Has the server count from now on, and whoever is connected connect anew. Says so on standard
    /// error and gives `false` if it cannot: its library `pg_stat_statements` is not loaded.
    ///
    /// # Panics
    ///
    /// If the server does not do as it is told.
    pub async fn count_statements(&self) -> bool {
        let loaded = "SELECT count(*) FROM pg_settings
            WHERE name = 'shared_preload_libraries' AND setting ~ 'pg_stat_statements'";
        if self.number(loaded).await == 0 {
            let _unwritten = writeln!(io::stderr(), "skipped: needs pg_stat_statements");
            return false;
        }
        self.sql(&format!(
            "CREATE EXTENSION IF NOT EXISTS pg_stat_statements SCHEMA letterhead_test;
             ALTER DATABASE {name} SET pg_stat_statements.track = 'top';
             SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
             WHERE datname = '{name}' AND usename = '{LOGIN_ROLE}'",
            name = self.name
        ))
        .await;
        self.counted().await;
        true
    }

    /// What was counted since this was last asked.
    ///
    /// # Panics
    ///
    /// If nothing is being counted.
    pub async fn counted(&self) -> Counts {
        let rows = self.rows(COUNTED).await;
        self.sql(FORGET).await;
        let number = |name| {
            let number = rows.first().and_then(|row| row[name].as_i64());
            number.unwrap_or_else(|| panic!("the server counts no {name}"))
        };
        Counts {
            statements: number("statements"),
            commits: number("commits"),
            pages: number("pages"),
        }
    }
}
