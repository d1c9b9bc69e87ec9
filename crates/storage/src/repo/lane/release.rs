//! Giving a leased lane back.

use std::time::Duration;

use letterhead_domain::limit::HoldReason;
use sea_orm::FromQueryResult;

use super::{LaneRepo, earliest_due};
use crate::{
    error::StorageError,
    repo::{
        execute, row,
        sql::{exclude_accepts, seconds, statement},
    },
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

/// Gives back a lane of which something is due now. Nobody's accept can be missed: whoever found
/// it due had nothing to do, and it stays due.
const PASS_ON: &str = concat!(
    "UPDATE lanes l
     SET lease_token = NULL, lease_until = NULL, worker = NULL, served_at = letterhead_now(),
         trouble = 0, held = false, holds = 0, due_at = first.due_at
     FROM (",
    earliest_due!("$1", "$2"),
    ") first
     WHERE l.tenant_id = $1 AND l.id = $2 AND l.lease_token = $3
         AND first.due_at <= letterhead_now()"
);

/// Gives back a lane of which nothing is due now. Runs with accepts kept out, so what they made
/// wait is seen. Messages still marked are nobody's: the next holder must find them.
const PARK: &str = concat!(
    "UPDATE lanes l
     SET lease_token = NULL, lease_until = NULL, worker = NULL, served_at = letterhead_now(),
         trouble = 0, held = false, holds = 0,
         due_at = CASE WHEN EXISTS (
             SELECT FROM messages m
             WHERE m.tenant_id = $1 AND m.sender_id = $2 AND m.status = 'sending')
             THEN letterhead_now() ELSE first.due_at END
     FROM (",
    earliest_due!("$1", "$2"),
    ") first
     WHERE l.tenant_id = $1 AND l.id = $2 AND l.lease_token = $3
     RETURNING coalesce(l.due_at <= letterhead_now(), false) AS is_due"
);

/// The lane stays due, so accepts leave its row alone; only `not_before` keeps it from a claim. A
/// quota's holds are counted until something leaves again; a limit of our own is no word of the server.
const DEFER: &str = "
UPDATE lanes
SET lease_token = NULL, lease_until = NULL, worker = NULL, served_at = letterhead_now(),
    not_before = letterhead_now() + make_interval(secs => $4),
    held = $5::text IS NOT NULL, hold_reason = $5,
    holds = CASE WHEN $5 = 'quota' THEN holds + 1 WHEN $6 THEN holds ELSE 0 END,
    trouble = CASE WHEN $6 THEN trouble + 1 WHEN $5 = 'quota' THEN trouble ELSE 0 END
WHERE tenant_id = $1 AND id = $2 AND lease_token = $3";

#[derive(FromQueryResult)]
struct ParkedRow {
    is_due: bool,
}

impl LaneRepo<'_> {
    /// Gives the lane back.
    ///
    /// In a transaction of its own: it may wait until every accept on this lane has ended, and
    /// these may wait for rows.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unavailable`] if the database is away; the lease then runs out.
    pub async fn release(&self, release: Release) -> Result<Released, StorageError> {
        match release {
            Release::Park => self.park().await,
            Release::BackOff(wait) => self.defer(wait, None, true).await,
            Release::Hold(wait) => self.defer(wait, Some(HoldReason::Quota), false).await,
            Release::Full(wait) => self.defer(wait, Some(HoldReason::DailyLimit), false).await,
            Release::Pace(wait) => self.defer(wait, None, false).await,
        }
    }

    async fn park(&self) -> Result<Released, StorageError> {
        let action = "give a lane back";
        let values = [self.tenant.get().into(), self.sender.get().into(), self.token.get().into()];
        if execute(self.tx, statement(PASS_ON, values.clone()), action).await? > 0 {
            return Ok(Released::Due);
        }
        exclude_accepts(self.tx, self.sender).await?;
        let parked = row::<ParkedRow>(self.tx, statement(PARK, values), action).await?;
        Ok(match parked {
            None => Released::Lost,
            Some(ParkedRow { is_due: false }) => Released::Resting,
            Some(ParkedRow { is_due: true }) => Released::Due,
        })
    }

    async fn defer(
        &self,
        wait: Duration,
        hold: Option<HoldReason>,
        in_trouble: bool,
    ) -> Result<Released, StorageError> {
        let values = [
            self.tenant.get().into(),
            self.sender.get().into(),
            self.token.get().into(),
            seconds(wait).into(),
            hold.map(HoldReason::as_str).into(),
            in_trouble.into(),
        ];
        let changed = execute(self.tx, statement(DEFER, values), "hold a lane back").await?;
        Ok(if changed > 0 { Released::Resting } else { Released::Lost })
    }
}
