//! Giving a leased lane back.

use std::time::Duration;

use letterhead_domain::limit::HoldReason;
use sea_orm::FromQueryResult;

use crate::{
    error::StorageError,
    record::LeasedLane,
    repo::sql::{seconds, statement},
    store::Store,
};

/// How a lane is given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Release {
    /// Its slice went well: it is due again when its earliest waiting message is, at once or
    /// never, and its trouble is forgotten.
    Park,
    /// Its server or the way to it is in trouble: not before this long, and the trouble is counted.
    BackOff(Duration),
    /// Its server said that the account's quota is spent: not before this long. What waits is shown
    /// as held, and the hold is counted.
    Hold(Duration),
    /// Its limit for a day is reached: not before this long. What waits is shown as held.
    Full(Duration),
    /// Its limit for a minute is reached: not before this long.
    Pace(Duration),
}

/// What giving a lane back came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Released {
    /// It was not ours any more.
    Lost,
    /// Nobody has to look at it now.
    Resting,
    /// Something of it is due now: it should be claimed again at once.
    Due,
}

/// The function is in `migrations/sql`.
const RELEASE: &str = "SELECT letterhead_release($1, $2, $3, $4, $5, $6) AS released";

#[derive(FromQueryResult)]
struct ReleasedRow {
    released: String,
}

impl Store {
    /// Gives a lane back, in a statement that is a transaction of its own. It may wait until every accept on this
    /// lane has ended.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unavailable`] if the database is away; the lease then runs out.
    pub async fn release(
        &self,
        lane: &LeasedLane,
        release: Release,
    ) -> Result<Released, StorageError> {
        let (wait, reason) = match release {
            Release::Park => (None, None),
            Release::BackOff(wait) | Release::Pace(wait) => (Some(wait), None),
            Release::Hold(wait) => (Some(wait), Some(HoldReason::Quota)),
            Release::Full(wait) => (Some(wait), Some(HoldReason::DailyLimit)),
        };
        let give_back = || {
            let values = [
                lane.tenant.get().into(),
                lane.sender.get().into(),
                lane.token.get().into(),
                wait.map(seconds).into(),
                reason.map(HoldReason::as_str).into(),
                matches!(release, Release::BackOff(_)).into(),
            ];
            statement(RELEASE, values)
        };
        let rows: Vec<ReleasedRow> = self.alone(give_back, "give a lane back").await?;
        match rows.first().map(|row| row.released.as_str()) {
            Some("lost") => Ok(Released::Lost),
            Some("resting") => Ok(Released::Resting),
            Some("due") => Ok(Released::Due),
            Some(_) | None => Err(StorageError::Corrupt { table: "lanes" }),
        }
    }
}
