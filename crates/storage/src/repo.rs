//! Repositories: every statement that reads or writes a thing, one module per thing.
//!
//! Each is reached through a transaction ([`TenantTx`](crate::store::TenantTx) or
//! [`SystemTx`](crate::store::SystemTx)). Row-level security stands behind a tenant's; each
//! statement names the tenant as well.

use sea_orm::{ConnectionTrait, DatabaseTransaction, FromQueryResult, Statement};

use crate::error::{StorageError, failed};

pub mod api_key;
pub mod audit;
pub mod bulk_run;
pub mod data_key;
pub mod event;
mod json;
pub mod lane;
pub mod message;
pub mod operator_key;
pub mod portal_link;
pub mod portal_session;
pub mod queue;
pub mod retention;
pub mod sender;
pub(crate) mod sql;
pub mod sweep;
pub mod tenant;
pub mod test_run;
mod version;

/// Every row that `statement` gives.
async fn rows<Row: FromQueryResult>(
    tx: &DatabaseTransaction,
    statement: Statement,
    action: &'static str,
) -> Result<Vec<Row>, StorageError> {
    Row::find_by_statement(statement).all(tx).await.map_err(failed(action))
}

/// The first row that `statement` gives, if it gives one.
async fn row<Row: FromQueryResult>(
    tx: &DatabaseTransaction,
    statement: Statement,
    action: &'static str,
) -> Result<Option<Row>, StorageError> {
    Row::find_by_statement(statement).one(tx).await.map_err(failed(action))
}

/// How many rows `statement` changed.
async fn execute(
    tx: &DatabaseTransaction,
    statement: Statement,
    action: &'static str,
) -> Result<u64, StorageError> {
    let done = tx.execute_raw(statement).await.map_err(failed(action))?;
    Ok(done.rows_affected())
}

/// Reads a column that holds a word or a text of the domain.
fn parse<T: std::str::FromStr>(text: &str, table: &'static str) -> Result<T, StorageError> {
    text.parse().map_err(|_| StorageError::Corrupt { table })
}

/// Reads a column that holds a number of another width.
fn number<T: TryFrom<i64>>(number: impl Into<i64>, table: &'static str) -> Result<T, StorageError> {
    T::try_from(number.into()).map_err(|_| StorageError::Corrupt { table })
}
