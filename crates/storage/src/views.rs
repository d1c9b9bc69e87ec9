//! What was read of senders a short while ago, kept in memory until something about it changes.
//!
//! A commit of this process forgets its tenant's before it returns, so whoever made a change reads it.
//! Commits elsewhere, and those of workers, are told by triggers ([`crate::wakeups`]); what is not told
//! ends by its age. Nothing that decides is read here: a save checks in the database what it is based on.

use std::{
    array,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use chrono::{DateTime, Utc};
use letterhead_domain::{id::TenantId, message::SenderRef};
use moka::sync::Cache;
use tokio::time::Instant;

use crate::record::SenderRecord;

/// Most tenants at once: some 30 MB.
const MOST_TENANTS: u64 = 10_000;
/// Most senders of one tenant; those kept last stay.
const MOST_SENDERS: usize = 4;
/// Counters of changes. Tenants that share one only have a look-up thrown away now and then.
const STRIPES: usize = 64;

/// The senders that were read, by tenant.
pub(crate) struct Views {
    kept: Cache<TenantId, Arc<[Kept]>>,
    kept_for: Duration,
    changes: [Mutex<u64>; STRIPES],
}

#[derive(Clone)]
struct Kept {
    reference: SenderRef,
    sender: Arc<SenderRecord>,
    ends: Instant,
}

/// A look-up, from before its statement on: what it finds is as old as that.
pub(crate) struct LookUp {
    tenant: TenantId,
    since: Instant,
    changes: u64,
}

/// Forgets a tenant's senders when it is dropped: also when whoever waited for a commit gives up.
pub(crate) struct ForgetAfter<'a>(pub(crate) &'a Views, pub(crate) TenantId);

impl Drop for ForgetAfter<'_> {
    fn drop(&mut self) {
        self.0.forget(self.1);
    }
}

impl Views {
    /// Keeps what is read for `kept_for`; if that is zero, not at all.
    pub(crate) fn new(kept_for: Duration) -> Self {
        Self {
            kept: Cache::builder().max_capacity(MOST_TENANTS).time_to_live(kept_for).build(),
            kept_for,
            changes: array::from_fn(|_| Mutex::new(0)),
        }
    }

    /// The sender, if it was read a short while ago and nothing has changed since.
    pub(crate) fn find(
        &self,
        tenant: TenantId,
        reference: &SenderRef,
    ) -> Option<Arc<SenderRecord>> {
        let kept = self.kept.get(&tenant)?;
        let kept = kept.iter().find(|it| it.reference == *reference)?;
        (Instant::now() < kept.ends).then(|| kept.sender.clone())
    }

    /// To be called before the sender that is kept afterwards is read.
    pub(crate) fn look_up(&self, tenant: TenantId) -> LookUp {
        LookUp { tenant, since: Instant::now(), changes: *self.changes_of(tenant) }
    }

    /// Keeps a sender that was found at `now`, the database's time, unless a change overtook it.
    pub(crate) fn keep(
        &self,
        look_up: &LookUp,
        reference: &SenderRef,
        sender: SenderRecord,
        now: DateTime<Utc>,
    ) {
        // A hold that is over is not shown any more.
        let held_for = sender.hold.map(|hold| (hold.until - now).to_std().unwrap_or_default());
        let kept_for = held_for.map_or(self.kept_for, |held_for| held_for.min(self.kept_for));
        let ends = look_up.since + kept_for;
        // Under the lock that `forget` takes: what was read before a change is not kept after it.
        let changes = self.changes_of(look_up.tenant);
        if *changes != look_up.changes || kept_for.is_zero() {
            return;
        }
        let before = self.kept.get(&look_up.tenant);
        let others = before.iter().flat_map(|kept| kept.iter());
        let others = others.filter(|it| it.reference != *reference).cloned();
        let this = Kept { reference: reference.clone(), sender: Arc::new(sender), ends };
        let all: Vec<_> = [this].into_iter().chain(others).take(MOST_SENDERS).collect();
        self.kept.insert(look_up.tenant, all.into());
    }

    /// Something that is shown of the tenant's senders was changed.
    pub(crate) fn forget(&self, tenant: TenantId) {
        let mut changes = self.changes_of(tenant);
        *changes += 1;
        self.kept.invalidate(&tenant);
    }

    /// Anything may have been changed.
    pub(crate) fn forget_all(&self) {
        let mut changes: Vec<_> = self.changes.iter().map(locked).collect();
        for count in &mut changes {
            **count += 1;
        }
        self.kept.invalidate_all();
    }

    fn changes_of(&self, tenant: TenantId) -> MutexGuard<'_, u64> {
        // The last byte of an id is random.
        let stripe = usize::from(tenant.get().as_bytes()[15]) % STRIPES;
        locked(&self.changes[stripe])
    }
}

fn locked(count: &Mutex<u64>) -> MutexGuard<'_, u64> {
    // Nothing panics while it is held.
    count.lock().unwrap_or_else(PoisonError::into_inner)
}
