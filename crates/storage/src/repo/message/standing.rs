//! How many messages have not come to a good end, counted no further than a person reads.

use sea_orm::FromQueryResult;

use super::MessageRepo;
use crate::{
    error::StorageError,
    repo::{number, rows, sql::statement},
};

/// Nothing is counted beyond this: a page costs the same at any backlog.
pub const COUNTED: u64 = 1_000;

/// How many of a tenant's messages wait or went wrong, each at most [`COUNTED`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StandingCounts {
    /// Those that wait, for whatever reason.
    pub waiting: u64,
    /// Those that wait for a person, as nobody knows whether the server took them.
    pub uncertain: u64,
    /// Those that were refused for good.
    pub rejected: u64,
    /// Those that were refused for some of their recipients.
    pub partly_accepted: u64,
    /// Those that were not accepted in time.
    pub expired: u64,
}

/// Words stand in the text, not in values: only then are the partial indexes used.
macro_rules! counted {
    ($statuses:literal, $name:literal) => {
        concat!(
            "(SELECT count(*) FROM (SELECT FROM messages WHERE tenant_id = $1 AND status IN (",
            $statuses,
            ") LIMIT $2) counted) AS ",
            $name
        )
    };
}

const COUNT: &str = concat!(
    "SELECT ",
    counted!("'queued', 'deferred', 'held'", "waiting"),
    ", ",
    counted!("'uncertain'", "uncertain"),
    ", ",
    counted!("'rejected'", "rejected"),
    ", ",
    counted!("'partly_accepted'", "partly_accepted"),
    ", ",
    counted!("'expired'", "expired"),
);

#[derive(FromQueryResult)]
struct CountsRow {
    waiting: i64,
    uncertain: i64,
    rejected: i64,
    partly_accepted: i64,
    expired: i64,
}

impl MessageRepo<'_> {
    /// Counts the tenant's messages that wait or went wrong.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unavailable`].
    pub async fn standing(&self) -> Result<StandingCounts, StorageError> {
        let most = i64::try_from(COUNTED).unwrap_or(i64::MAX);
        let count = statement(COUNT, [self.tenant.get().into(), most.into()]);
        let counted = rows::<CountsRow>(self.tx, count, "count messages").await?;
        let table = "messages";
        let Some(row) = counted.first() else { return Err(StorageError::Corrupt { table }) };
        Ok(StandingCounts {
            waiting: number(row.waiting, table)?,
            uncertain: number(row.uncertain, table)?,
            rejected: number(row.rejected, table)?,
            partly_accepted: number(row.partly_accepted, table)?,
            expired: number(row.expired, table)?,
        })
    }
}
