//! What the queue's statements share: bound parameters, and the advisory lock of a lane.

use std::{str::FromStr, time::Duration};

use letterhead_domain::id::SenderId;
use sea_orm::{DatabaseTransaction, DbBackend, Statement, Value};

use super::{execute, parse};
use crate::error::StorageError;

/// `text` with `values` bound to `$1`, `$2` …
pub(crate) fn statement(text: &str, values: impl IntoIterator<Item = Value>) -> Statement {
    Statement::from_sql_and_values(DbBackend::Postgres, text, values)
}

/// Reads a column that holds a word or a text of the domain, or NULL.
pub(crate) fn parse_option<T: FromStr>(
    text: Option<&str>,
    table: &'static str,
) -> Result<Option<T>, StorageError> {
    text.map(|text| parse(text, table)).transpose()
}

/// A limit as Postgres takes it.
pub(crate) fn as_limit(limit: u64) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

/// A length of time as `make_interval(secs => …)` takes it.
pub(crate) fn seconds(length: Duration) -> f64 {
    length.as_secs_f64()
}

/// Keeps a lane from being parked until this transaction ends.
///
/// Whoever makes a message wait calls this in a statement of its own, *before* the one that looks
/// at the lane's row: that one's snapshot then shows what a worker that parked has committed.
pub(crate) async fn keep_unparked(
    tx: &DatabaseTransaction,
    sender: SenderId,
) -> Result<(), StorageError> {
    let text = "SELECT pg_advisory_xact_lock_shared(letterhead_lane_lock($1))";
    let lock = statement(text, [sender.get().into()]);
    execute(tx, lock, "keep a lane from being parked").await?;
    Ok(())
}

/// Waits for everybody who is making a message wait on this lane, and keeps others from it until
/// this transaction ends. Must come before any lock on a row: those others wait for rows.
pub(crate) async fn exclude_accepts(
    tx: &DatabaseTransaction,
    sender: SenderId,
) -> Result<(), StorageError> {
    let text = "SELECT pg_advisory_xact_lock(letterhead_lane_lock($1))";
    let lock = statement(text, [sender.get().into()]);
    execute(tx, lock, "wait for open accepts").await?;
    Ok(())
}
