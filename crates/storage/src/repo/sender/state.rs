//! What a sender is doing: pausing, failing, being proven, going away.

use chrono::TimeDelta;
use letterhead_domain::{
    id::{SenderId, TestRunId},
    message::SenderRef,
    reply::Reply,
    sender::{FAILING_AFTER, PauseReason, TestEffect, VersionNumber, after_passed_test},
};
use sea_orm::raw_sql;

use super::{Held, NO_SENDER, Senders, TABLE, parse};
use crate::{
    error::StorageError,
    record::{Expected, SenderRecord},
    repo::{execute, sql::exclude_accepts},
};

impl Senders<'_> {
    /// Pauses a sender; with `only_version`, only while that version is live. Whether that changed
    /// anything: a sender that is paused stays so for its first reason, except that a pause by hand
    /// takes the place of any other.
    ///
    /// # Errors
    ///
    /// [`StorageError::NotFound`].
    pub async fn pause(
        &self,
        reference: &SenderRef,
        reason: PauseReason,
        reply: Option<&Reply>,
        only_version: Option<VersionNumber>,
    ) -> Result<bool, StorageError> {
        let row = self.lock(reference).await?.ok_or(NO_SENDER)?;
        let live = super::version_number(row.live_version)?;
        let is_meant = only_version.is_none() || only_version == live;
        let stronger = match row.pause_reason.as_deref() {
            None => true,
            Some(earlier) => {
                reason == PauseReason::ByHand && earlier != PauseReason::ByHand.as_str()
            }
        };
        if !is_meant || !stronger {
            return Ok(false);
        }
        let (tenant, sender, now) = (self.tx.tenant.get(), row.id, self.tx.now);
        let (reason, reply) = (reason.as_str(), reply.map(ToString::to_string));
        let update = raw_sql!(
            Postgres,
            r#"UPDATE senders
               SET pause_reason = {reason}, paused_at = {now}, pause_reply = {reply},
                   updated_at = {now}
               WHERE tenant_id = {tenant} AND id = {sender}"#
        );
        execute(&self.tx.tx, update, "pause a sender").await?;
        self.sync_lane(sender.into()).await?;
        Ok(true)
    }

    /// Ends a pause, whatever its reason. Whether there was one.
    ///
    /// # Errors
    ///
    /// [`StorageError::NotFound`]; [`StorageError::Conflict`] if a password must be typed first.
    pub async fn resume(&self, reference: &SenderRef) -> Result<bool, StorageError> {
        let held = self.hold(reference).await?.ok_or(NO_SENDER)?;
        if held.row.pause_reason.is_none() {
            return Ok(false);
        }
        let current = held.live().map_or_else(|| held.newest(), Ok)?;
        if !current.version(&held.keys)?.secret_state.is_usable() {
            return Err(StorageError::Conflict(
                "the stored password cannot be opened: type it and save before resuming",
            ));
        }
        self.end_pause(held.id()).await?;
        self.sync_lane(held.id()).await?;
        Ok(true)
    }

    async fn end_pause(&self, sender: SenderId) -> Result<(), StorageError> {
        let (tenant, sender, now) = (self.tx.tenant.get(), sender.get(), self.tx.now);
        let update = raw_sql!(
            Postgres,
            r#"UPDATE senders
               SET pause_reason = NULL, paused_at = NULL, pause_reply = NULL, failures = 0,
                   updated_at = {now}
               WHERE tenant_id = {tenant} AND id = {sender}"#
        );
        execute(&self.tx.tx, update, "end a pause").await.map(|_| ())
    }

    /// Notes that the server took something. Whether the sender was failing before.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unavailable`].
    pub async fn record_worked(&self, sender: SenderId) -> Result<bool, StorageError> {
        let (tenant, id, now) = (self.tx.tenant.get(), sender.get(), self.tx.now);
        // Nearly always there is nothing to forget, and nothing to lock or to write.
        let query = raw_sql!(
            Postgres,
            r#"SELECT 1 FROM senders WHERE tenant_id = {tenant} AND id = {id} AND failures > 0"#
        );
        if execute(&self.tx.tx, query, "look for a sender's failures").await? == 0 {
            return Ok(false);
        }
        let Some(row) = self.lock(&SenderRef::Id(sender)).await? else { return Ok(false) };
        let update = raw_sql!(
            Postgres,
            r#"UPDATE senders SET failures = 0, updated_at = {now}
               WHERE tenant_id = {tenant} AND id = {id}"#
        );
        execute(&self.tx.tx, update, "forget a sender's failures").await?;
        Ok(i64::from(row.failures) >= i64::from(FAILING_AFTER))
    }

    /// Notes that the server accepted a mail, to the minute: a busy sender's row is left alone.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unavailable`].
    pub async fn record_accepted(&self, sender: SenderId) -> Result<(), StorageError> {
        let (tenant, id, now) = (self.tx.tenant.get(), sender.get(), self.tx.now);
        let minute_ago = now - TimeDelta::minutes(1);
        let query = raw_sql!(
            Postgres,
            r#"SELECT 1 FROM senders
               WHERE tenant_id = {tenant} AND id = {id}
                   AND (last_accepted_at IS NULL OR last_accepted_at <= {minute_ago})"#
        );
        let is_old = execute(&self.tx.tx, query, "look for a sender's last mail").await? == 1;
        if !is_old || self.lock(&SenderRef::Id(sender)).await?.is_none() {
            return Ok(());
        }
        let update = raw_sql!(
            Postgres,
            r#"UPDATE senders SET last_accepted_at = {now}
               WHERE tenant_id = {tenant} AND id = {id}"#
        );
        execute(&self.tx.tx, update, "note a sender's last mail").await.map(|_| ())
    }

    /// Notes that an attempt failed at the server. Whether the sender has just become failing.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unavailable`].
    pub async fn record_failed(&self, sender: SenderId) -> Result<bool, StorageError> {
        let Some(row) = self.lock(&SenderRef::Id(sender)).await? else { return Ok(false) };
        let (tenant, id) = (self.tx.tenant.get(), sender.get());
        let update = raw_sql!(
            Postgres,
            r#"UPDATE senders SET failures = failures + 1
               WHERE tenant_id = {tenant} AND id = {id} AND failures < 1000000"#
        );
        execute(&self.tx.tx, update, "count a sender's failures").await?;
        Ok(i64::from(row.failures) + 1 == i64::from(FAILING_AFTER))
    }

    /// Applies a test run of `version` that passed: the version is proven, becomes live if it is
    /// newer than what is, and may end a pause. Nothing happens to a sender that is gone.
    ///
    /// # Errors
    ///
    /// [`StorageError::NotFound`] for a version that never was.
    pub async fn after_test(
        &self,
        sender: SenderId,
        version: VersionNumber,
        run: TestRunId,
    ) -> Result<TestEffect, StorageError> {
        let Some(row) = self.lock(&SenderRef::Id(sender)).await? else {
            return Ok(TestEffect { promote: false, end_pause: false });
        };
        let tried = self.version_row(sender, version).await?;
        let (tenant, id, now) = (self.tx.tenant.get(), sender.get(), self.tx.now);
        let (version_id, run) = (tried.id, run.get());
        let prove = raw_sql!(
            Postgres,
            r#"UPDATE sender_versions SET proven_at = {now}, proven_by = {run}
               WHERE tenant_id = {tenant} AND id = {version_id} AND proven_at IS NULL"#
        );
        execute(&self.tx.tx, prove, "note a proof").await?;
        let pause = row.pause_reason.as_deref().map(|word| parse(word, TABLE)).transpose()?;
        let live = super::version_number(row.live_version)?;
        let effect = after_passed_test(version, tried.discarded_at.is_some(), live, pause);
        if effect.promote {
            let number = tried.number;
            let promote = raw_sql!(
                Postgres,
                r#"UPDATE senders
                   SET live_version = {number}, failures = 0, updated_at = {now},
                       candidate_version = CASE WHEN candidate_version > {number}
                           THEN candidate_version END
                   WHERE tenant_id = {tenant} AND id = {id}"#
            );
            execute(&self.tx.tx, promote, "make a version live").await?;
            self.end_hold(sender).await?;
        }
        if effect.end_pause {
            self.end_pause(sender).await?;
        }
        if effect.promote || effect.end_pause {
            self.sync_lane(sender).await?;
        }
        Ok(effect)
    }

    /// Drops the unproven candidate.
    ///
    /// # Errors
    ///
    /// - [`StorageError::NotFound`] if there is no such sender, or it has no candidate;
    /// - [`StorageError::Stale`] if the newest version is not the expected one;
    /// - [`StorageError::Conflict`] if the candidate is all that the sender has.
    pub async fn discard_candidate(
        &self,
        reference: &SenderRef,
        expected: Expected,
    ) -> Result<SenderRecord, StorageError> {
        let held = self.hold(reference).await?.ok_or(NO_SENDER)?;
        if held.row.candidate_version.is_none() {
            return Err(StorageError::NotFound("candidate"));
        }
        held.expect(expected)?;
        if held.row.live_version.is_none() {
            return Err(StorageError::Conflict(
                "no version is live yet: change the settings, or delete the sender",
            ));
        }
        self.drop_candidate(&held).await?;
        self.load(&SenderRef::Id(held.id())).await
    }

    /// Takes the candidate away, and with it every version since the live one: a test run of one of
    /// them that is still going on must not bring it back.
    pub(super) async fn drop_candidate(&self, held: &Held) -> Result<(), StorageError> {
        let (tenant, sender, now) = (self.tx.tenant.get(), held.row.id, self.tx.now);
        let live = held.row.live_version;
        let discard = raw_sql!(
            Postgres,
            r#"UPDATE sender_versions SET discarded_at = {now}
               WHERE tenant_id = {tenant} AND sender_id = {sender}
                   AND number > {live} AND discarded_at IS NULL"#
        );
        execute(&self.tx.tx, discard, "discard a candidate").await?;
        let update = raw_sql!(
            Postgres,
            r#"UPDATE senders SET candidate_version = NULL, updated_at = {now}
               WHERE tenant_id = {tenant} AND id = {sender}"#
        );
        execute(&self.tx.tx, update, "drop a candidate").await.map(|_| ())
    }

    /// Deletes a sender: its slug is free again, its passwords go, what waits is cancelled. Versions,
    /// messages and the audit stay.
    ///
    /// # Errors
    ///
    /// [`StorageError::NotFound`].
    pub async fn remove(&self, reference: &SenderRef) -> Result<(), StorageError> {
        let found = self.identify(reference).await?.ok_or(NO_SENDER)?;
        // Before any row's lock: no message may be accepted between the cancelling and the commit.
        exclude_accepts(&self.tx.tx, found.id).await?;
        self.lock(&SenderRef::Id(found.id)).await?.ok_or(NO_SENDER)?;
        let (tenant, sender, now) = (self.tx.tenant.get(), found.id.get(), self.tx.now);
        let mark = raw_sql!(
            Postgres,
            r#"UPDATE senders SET deleted_at = {now}, updated_at = {now}
               WHERE tenant_id = {tenant} AND id = {sender}"#
        );
        execute(&self.tx.tx, mark, "delete a sender").await?;
        let forget = raw_sql!(
            Postgres,
            r#"UPDATE sender_versions SET sealed_password = NULL
               WHERE tenant_id = {tenant} AND sender_id = {sender}
                   AND sealed_password IS NOT NULL"#
        );
        execute(&self.tx.tx, forget, "forget a sender's passwords").await?;
        self.tx.messages().cancel_waiting(found.id).await?;
        self.sync_lane(found.id).await
    }
}
