//! What a tenant lets leave through a sender.

use chrono::{DateTime, Utc};
use letterhead_domain::{
    limit::{HoldReason, Limits},
    message::SenderRef,
};
use sea_orm::{FromQueryResult, raw_sql};
use serde::Deserialize;

use super::{NO_SENDER, Senders, TABLE};
use crate::{
    error::StorageError,
    record::Hold,
    repo::{execute, number, sql::parse_option},
};

/// The limits among the columns of `senders`.
#[derive(Deserialize, FromQueryResult)]
pub(in crate::repo) struct LimitsRow {
    messages_per_minute: Option<i32>,
    messages_per_day: Option<i32>,
    recipients_per_message: Option<i32>,
    connections: Option<i32>,
}

impl TryFrom<LimitsRow> for Limits {
    type Error = StorageError;

    fn try_from(row: LimitsRow) -> Result<Self, StorageError> {
        let limit = |stored: Option<i32>| stored.map(|it| number(it, TABLE)).transpose();
        Ok(Self {
            messages_per_minute: limit(row.messages_per_minute)?,
            messages_per_day: limit(row.messages_per_day)?,
            recipients_per_message: limit(row.recipients_per_message)?,
            connections: limit(row.connections)?,
        })
    }
}

/// The hold of a lane that is held until `until`. Before reasons were written down it was a quota's.
pub(in crate::repo) fn hold_of(
    until: Option<DateTime<Utc>>,
    reason: Option<&str>,
) -> Result<Option<Hold>, StorageError> {
    let Some(until) = until else { return Ok(None) };
    let reason = parse_option(reason, "lanes")?.unwrap_or(HoldReason::Quota);
    Ok(Some(Hold { until, reason }))
}

/// A limit as Postgres takes it; the domain keeps it in range.
fn column(limit: Option<u32>) -> Option<i32> {
    limit.map(|limit| i32::try_from(limit).unwrap_or(i32::MAX))
}

impl Senders<'_> {
    /// Replaces what is set; says whether that changed anything.
    ///
    /// What waits for the old limits no longer does: the next mark finds out what the new ones leave.
    ///
    /// # Errors
    ///
    /// [`StorageError::NotFound`].
    pub async fn replace_limits(
        &self,
        reference: &SenderRef,
        limits: Limits,
    ) -> Result<bool, StorageError> {
        let row = self.lock(reference).await?.ok_or(NO_SENDER)?;
        let sender = row.id;
        if Limits::try_from(row.limits)? == limits {
            return Ok(false);
        }
        let (tenant, now) = (self.tx.tenant.get(), self.tx.now);
        let (minute, day) = (column(limits.messages_per_minute), column(limits.messages_per_day));
        let recipients = column(limits.recipients_per_message);
        let connections = column(limits.connections);
        let update = raw_sql!(
            Postgres,
            r#"UPDATE senders
               SET messages_per_minute = {minute}::integer, messages_per_day = {day}::integer,
                   recipients_per_message = {recipients}::integer,
                   connections = {connections}::integer, updated_at = {now}
               WHERE tenant_id = {tenant} AND id = {sender}"#
        );
        execute(&self.tx.tx, update, "replace a sender's limits").await?;
        let open = raw_sql!(
            Postgres,
            r#"UPDATE lanes
               SET paced_to = '-infinity',
                   held = held AND hold_reason IS DISTINCT FROM 'daily_limit',
                   not_before = CASE WHEN held AND hold_reason = 'daily_limit'
                                     THEN '-infinity' ELSE not_before END
               WHERE tenant_id = {tenant} AND id = {sender}"#
        );
        execute(&self.tx.tx, open, "end what a limit held").await?;
        Ok(true)
    }
}
