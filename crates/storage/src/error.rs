//! What can go wrong between Letterhead and its database.

use std::borrow::Cow;

use letterhead_domain::field_errors::FieldErrors;
use sea_orm::{DbErr, RuntimeErr, SqlErr, sqlx};

use crate::vault::VaultError;

/// Why storage did not do what it was asked.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StorageError {
    /// There is no such thing, or it is another tenant's.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// The thing has changed since it was read.
    #[error("the thing has changed since it was read")]
    Stale,
    /// The name is taken.
    #[error("this {0} is taken")]
    Taken(&'static str),
    /// The thing is in a state in which that cannot be done; the words are for people.
    #[error("{0}")]
    Conflict(&'static str),
    /// Fields were refused by a rule that needs what is stored, such as `password_required`.
    #[error("refused fields")]
    Refused(#[from] FieldErrors),
    /// A stored secret does not open.
    #[error("cannot open a stored secret")]
    Sealed(#[from] VaultError),
    /// A row holds what it never should.
    #[error("a row of {table} is corrupt")]
    Corrupt {
        /// The row's table.
        table: &'static str,
    },
    /// The database is away, or too busy to take us.
    #[error("cannot {action}: the database is out of reach")]
    Unavailable {
        /// What was being done.
        action: &'static str,
        /// Why.
        source: DatabaseFailure,
    },
    /// A statement failed.
    #[error("cannot {action}")]
    Database {
        /// What was being done.
        action: &'static str,
        /// Why.
        source: DatabaseFailure,
    },
}

/// The database driver's own words, for the log only.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub struct DatabaseFailure(DbErr);

impl StorageError {
    /// Whether trying again in a moment may help.
    pub const fn is_unavailable(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
    }
}

/// Turns the driver's error into ours, saying what was being done.
pub(crate) fn failed(action: &'static str) -> impl FnOnce(DbErr) -> StorageError {
    move |err| {
        let away = is_away(&err);
        let source = DatabaseFailure(err);
        if away {
            StorageError::Unavailable { action, source }
        } else {
            StorageError::Database { action, source }
        }
    }
}

/// The database has not answered in time.
pub(crate) fn silent(action: &'static str) -> StorageError {
    let source = DatabaseFailure(DbErr::Custom("no answer in time".to_owned()));
    StorageError::Unavailable { action, source }
}

/// The same, for a statement that a unique index may refuse because `what` is taken.
pub(crate) fn failed_or_taken(
    action: &'static str,
    what: &'static str,
) -> impl FnOnce(DbErr) -> StorageError {
    move |err| match err.sql_err() {
        Some(SqlErr::UniqueConstraintViolation(_)) => StorageError::Taken(what),
        _ => failed(action)(err),
    }
}

/// Whether the connection had died: closed by the server (class 57P, or 25P03 while a transaction was
/// left alone), or cut in the middle (class 08). It says nothing about the next connection.
pub(crate) fn is_cut(err: &DbErr) -> bool {
    let code = database_code(err);
    code.is_some_and(|code| code.starts_with("08") || code.starts_with("57P") || code == "25P03")
        || driver_error(err)
            .is_some_and(|err| matches!(err, sqlx::Error::Io(_) | sqlx::Error::WorkerCrashed))
}

/// Whether a row with the same key is there.
pub(crate) fn is_there(err: &DbErr) -> bool {
    matches!(err.sql_err(), Some(SqlErr::UniqueConstraintViolation(_)))
}

/// Whether a role may not be entered (42501), or is not there (22023).
pub(crate) fn is_closed_role(err: &DbErr) -> bool {
    database_code(err).is_some_and(|code| matches!(code.as_ref(), "42501" | "22023"))
}

/// Connection trouble, a pool that is dry, a server without room (53300), and what is worth another
/// try: the loser of a deadlock (40P01).
fn is_away(err: &DbErr) -> bool {
    let code = database_code(err);
    is_cut(err)
        || code.is_some_and(|code| matches!(code.as_ref(), "53300" | "40P01"))
        || match driver_error(err) {
            Some(err) => matches!(
                err,
                sqlx::Error::Tls(_) | sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed
            ),
            None => matches!(err, DbErr::ConnectionAcquire(_) | DbErr::Conn(_)),
        }
}

fn driver_error(err: &DbErr) -> Option<&sqlx::Error> {
    let (DbErr::Conn(RuntimeErr::SqlxError(err))
    | DbErr::Exec(RuntimeErr::SqlxError(err))
    | DbErr::Query(RuntimeErr::SqlxError(err))) = err
    else {
        return None;
    };
    Some(err.as_ref())
}

fn database_code(err: &DbErr) -> Option<Cow<'_, str>> {
    driver_error(err)?.as_database_error()?.code()
}
