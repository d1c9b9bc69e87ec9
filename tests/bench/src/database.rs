//! A database of the private Postgres, used as its superuser: what the bench itself does with it is
//! neither bound to a tenant nor measured.

use sea_orm::{
    ConnectOptions, ConnectionTrait, Database as Driver, DatabaseConnection, DbBackend, Statement,
    TryGetable,
};

use crate::Failure;

/// One connection to a database.
pub(crate) struct Database(DatabaseConnection);

impl Database {
    /// Connects.
    pub(crate) async fn at(url: &str) -> Result<Self, Failure> {
        let mut options = ConnectOptions::new(url);
        options.max_connections(1).sqlx_logging(false);
        Ok(Self(Driver::connect(options).await?))
    }

    /// Runs statements.
    pub(crate) async fn run(&self, sql: &str) -> Result<(), Failure> {
        self.0.execute_unprepared(sql).await.map_err(|err| format!("{err} in {sql}"))?;
        Ok(())
    }

    /// The one number that `sql` gives.
    pub(crate) async fn number(&self, sql: &str) -> Result<f64, Failure> {
        self.value(&format!("SELECT ({sql})::float8 AS value")).await
    }

    /// The one text that `sql` gives.
    pub(crate) async fn text(&self, sql: &str) -> Result<String, Failure> {
        self.value(&format!("SELECT ({sql})::text AS value")).await
    }

    /// Whether what `sql` says is so.
    pub(crate) async fn is(&self, sql: &str) -> Result<bool, Failure> {
        self.value(&format!("SELECT ({sql}) AS value")).await
    }

    /// The columns `name` and `value` of every row.
    pub(crate) async fn pairs(&self, sql: &str) -> Result<Vec<(String, f64)>, Failure> {
        let rows = self.0.query_all_raw(Statement::from_string(DbBackend::Postgres, sql)).await?;
        let pair = |row: sea_orm::QueryResult| {
            Ok((row.try_get::<String>("", "name")?, row.try_get::<f64>("", "value")?))
        };
        rows.into_iter().map(pair).collect()
    }

    async fn value<T: TryGetable>(&self, sql: &str) -> Result<T, Failure> {
        let row = self.0.query_one_raw(Statement::from_string(DbBackend::Postgres, sql)).await?;
        Ok(row.ok_or("no row")?.try_get("", "value")?)
    }
}
