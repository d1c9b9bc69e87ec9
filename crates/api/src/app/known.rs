//! What every request looks up before it does its work, kept in memory for some seconds: whose an
//! API key is, and which tenant a path names.
//!
//! Only what was found is kept. So a key or a tenant that is made the next moment works at once, and
//! whoever guesses fills nothing. What is revoked or deleted here is forgotten at once; the other
//! instances are told ([`super::instances`]), and what they are not told ends by its age. Whatever decides
//! about a tenant's mail (its sender's state, its suspension) is not kept here: it is read where it
//! is acted on.

use std::{
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use chrono::{DateTime, Utc};
use letterhead_domain::{
    id::{ApiKeyId, TenantId},
    message::TenantRef,
};
use letterhead_storage::{
    record::{KeyOwner, StoredKey},
    wakeups::Change,
};
use moka::sync::Cache;
use tokio::{sync::Notify, time::Instant};

use crate::metrics::Metrics;

/// Most keys, and most names of tenants, at once: some 5 MB.
const MOST: u64 = 20_000;

/// What was found, and is believed for a while.
pub(super) struct Known {
    keys: Cache<ApiKeyId, Seen<KnownKey>>,
    tenants: Cache<TenantRef, Seen<TenantId>>,
    kept_for: Duration,
    changes: Mutex<Changes>,
    told: Notify,
    metrics: Metrics,
}

#[derive(Default)]
struct Changes {
    /// How many there were; a look-up that one of them overtook is not kept.
    count: u64,
    untold: Vec<Change>,
}

#[derive(Clone)]
struct Seen<T> {
    found: T,
    since: Instant,
}

#[derive(Clone)]
struct KnownKey {
    key: Arc<StoredKey>,
    /// The database's time when it was found.
    now: DateTime<Utc>,
}

/// A look-up, from before its first statement on: what it finds is as old as that.
pub(super) struct LookUp {
    since: Instant,
    changes: u64,
}

impl Known {
    /// Knows nothing yet, and keeps what it learns for `kept_for`; if that is zero, not at all.
    pub(super) fn new(kept_for: Duration, metrics: Metrics) -> Self {
        Self {
            keys: Cache::builder()
                .max_capacity(MOST)
                .time_to_live(kept_for)
                .support_invalidation_closures()
                .build(),
            tenants: Cache::builder()
                .max_capacity(MOST)
                .time_to_live(kept_for)
                .support_invalidation_closures()
                .build(),
            kept_for,
            changes: Mutex::default(),
            told: Notify::new(),
            metrics,
        }
    }

    /// The key with `id` and the database's time by now, if it was looked up a short while ago.
    pub(super) fn key(&self, id: ApiKeyId) -> Option<(Arc<StoredKey>, DateTime<Utc>)> {
        let seen = self.fresh("api_key", self.keys.get(&id))?;
        let KnownKey { key, now } = seen.found;
        Some((key, now + seen.since.elapsed()))
    }

    /// The tenant that an operator means by `reference`, if it was looked up a short while ago.
    pub(super) fn tenant(&self, reference: &TenantRef) -> Option<TenantId> {
        self.fresh("tenant", self.tenants.get(reference)).map(|seen| seen.found)
    }

    fn fresh<T>(&self, cache: &'static str, seen: Option<Seen<T>>) -> Option<Seen<T>> {
        // The cache counts from when something was kept, not from when it was looked up.
        let seen = seen.filter(|seen| seen.since.elapsed() < self.kept_for);
        self.metrics.cache(cache, seen.is_some());
        seen
    }

    /// To be called before what is kept afterwards is looked up.
    pub(super) fn look_up(&self) -> LookUp {
        LookUp { since: Instant::now(), changes: self.changes().count }
    }

    /// Keeps a key that was found and shown with its secret. `now` is the database's time.
    pub(super) fn keep_key(&self, look_up: &LookUp, key: Arc<StoredKey>, now: DateTime<Utc>) {
        let (id, found) = (key.id, KnownKey { key, now });
        self.keep(look_up, |since| self.keys.insert(id, Seen { found, since }));
    }

    /// Keeps a tenant that was found.
    pub(super) fn keep_tenant(&self, look_up: &LookUp, name: TenantRef, found: TenantId) {
        self.keep(look_up, |since| self.tenants.insert(name, Seen { found, since }));
    }

    fn keep(&self, look_up: &LookUp, keep: impl FnOnce(Instant)) {
        // Under the lock that `forget` takes: what was found before a change is not kept after it.
        let changes = self.changes();
        if changes.count == look_up.changes && !self.kept_for.is_zero() {
            keep(look_up.since);
        }
    }

    /// Something was changed by this instance, and is committed.
    pub(super) fn changed(&self, change: Change) {
        self.forget(change);
        self.changes().untold.push(change);
        self.told.notify_one();
    }

    /// Something was changed, here or elsewhere.
    pub(super) fn forget(&self, change: Change) {
        let mut changes = self.changes();
        changes.count += 1;
        match change {
            Change::ApiKey(id) => self.keys.invalidate(&id),
            Change::Senders(_) => {}
            Change::Tenant(tenant) => {
                let is_theirs = move |_: &ApiKeyId, seen: &Seen<KnownKey>| matches!(seen.found.key.owner, KeyOwner::Tenant { tenant: it, .. } if it == tenant);
                let is_it = move |_: &TenantRef, seen: &Seen<TenantId>| seen.found == tenant;
                let keys = self.keys.invalidate_entries_if(is_theirs);
                let names = self.tenants.invalidate_entries_if(is_it);
                if keys.is_err() || names.is_err() {
                    self.keys.invalidate_all();
                    self.tenants.invalidate_all();
                }
            }
        }
    }

    /// Anything may have been changed.
    pub(super) fn forget_all(&self) {
        let mut changes = self.changes();
        changes.count += 1;
        self.keys.invalidate_all();
        self.tenants.invalidate_all();
    }

    /// Waits until something was changed here that the other instances have not been told.
    pub(super) async fn has_news(&self) {
        self.told.notified().await;
    }

    /// What the other instances have not been told.
    pub(super) fn take_news(&self) -> Vec<Change> {
        mem::take(&mut self.changes().untold)
    }

    fn changes(&self) -> MutexGuard<'_, Changes> {
        // Nothing panics while it is held.
        self.changes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    const KEPT_FOR: Duration = Duration::from_secs(5);

    fn stored(tenant: TenantId) -> Arc<StoredKey> {
        let owner = KeyOwner::Tenant { tenant, scopes: Vec::new() };
        Arc::new(StoredKey {
            id: Uuid::new_v4().into(),
            secret_hash: [7; 32],
            owner,
            expires_at: None,
            revoked: false,
        })
    }

    fn known() -> Known {
        Known::new(KEPT_FOR, Metrics::new())
    }

    fn keep(known: &Known, key: &Arc<StoredKey>) {
        known.keep_key(&known.look_up(), key.clone(), DateTime::UNIX_EPOCH);
    }

    #[tokio::test(start_paused = true)]
    async fn a_key_is_as_old_as_its_look_up_and_its_time_goes_on() {
        let (known, key) = (known(), stored(Uuid::new_v4().into()));
        let look_up = known.look_up();
        tokio::time::advance(Duration::from_secs(4)).await;
        known.keep_key(&look_up, key.clone(), DateTime::UNIX_EPOCH);

        let (_, now) = known.key(key.id).expect("kept");
        assert_eq!(now, DateTime::UNIX_EPOCH + Duration::from_secs(4));

        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(known.key(key.id).is_none());
    }

    #[test]
    fn what_was_found_before_a_change_is_not_kept_after_it() {
        let (known, key) = (known(), stored(Uuid::new_v4().into()));
        let look_up = known.look_up();
        known.forget(Change::ApiKey(key.id));

        known.keep_key(&look_up, key.clone(), DateTime::UNIX_EPOCH);

        assert!(known.key(key.id).is_none());
    }

    #[test]
    fn a_deleted_tenant_is_forgotten_with_its_keys_and_no_other() {
        let known = known();
        let (gone, other) = (TenantId::from(Uuid::new_v4()), TenantId::from(Uuid::new_v4()));
        let (of_gone, of_other) = (stored(gone), stored(other));
        keep(&known, &of_gone);
        keep(&known, &of_other);
        known.keep_tenant(&known.look_up(), TenantRef::Id(gone), gone);
        known.keep_tenant(&known.look_up(), TenantRef::Id(other), other);

        known.forget(Change::Tenant(gone));

        assert!(known.key(of_gone.id).is_none());
        assert!(known.tenant(&TenantRef::Id(gone)).is_none());
        assert!(known.key(of_other.id).is_some());
        assert_eq!(known.tenant(&TenantRef::Id(other)), Some(other));
    }

    #[test]
    fn nothing_is_kept_for_no_time() {
        let (known, key) =
            (Known::new(Duration::ZERO, Metrics::new()), stored(Uuid::new_v4().into()));

        keep(&known, &key);

        assert!(known.key(key.id).is_none());
    }
}
