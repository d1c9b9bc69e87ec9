//! How much of large request bodies may be in memory at once: of everybody, and of one tenant. A small
//! body is not counted; that many connections at once are bounded.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use letterhead_domain::{id::TenantId, message::MessageLimits};

/// From how many bytes on a body is counted.
pub const LARGE: usize = 1024 * 1024;
/// Bytes for everybody together.
const ALL: usize = 256 * 1024 * 1024;
/// Bytes for one tenant, so that nobody takes all of it.
const EACH: usize = ALL / 4;

/// What there is, and what is taken of it.
pub struct Room {
    most: usize,
    most_each: usize,
    taken: Mutex<Taken>,
}

#[derive(Default)]
struct Taken {
    all: usize,
    each: HashMap<TenantId, usize>,
}

/// Room that was taken, until the last clone is dropped.
#[derive(Clone)]
pub struct Place {
    _held: Arc<Held>,
}

struct Held {
    room: Arc<Room>,
    tenant: TenantId,
    bytes: usize,
}

impl Room {
    /// Room in which at least one message as large as may be always has its place.
    pub(super) fn new(limits: &MessageLimits) -> Arc<Self> {
        let largest = limits.total_bytes.saturating_mul(2);
        let (most, most_each) = (ALL.max(largest.saturating_mul(4)), EACH.max(largest));
        Arc::new(Self { most, most_each, taken: Mutex::default() })
    }

    /// Takes room for a body of `tenant`; there may be none left.
    pub fn take(self: &Arc<Self>, tenant: TenantId, bytes: usize) -> Option<Place> {
        let mut taken = self.taken();
        let of_tenant = taken.each.get(&tenant).copied().unwrap_or(0);
        if taken.all.saturating_add(bytes) > self.most
            || of_tenant.saturating_add(bytes) > self.most_each
        {
            return None;
        }
        taken.all += bytes;
        taken.each.insert(tenant, of_tenant + bytes);
        Some(Place { _held: Arc::new(Held { room: self.clone(), tenant, bytes }) })
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        // Nothing panics while it is held.
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut taken = self.room.taken();
        taken.all -= self.bytes;
        if let Some(of_tenant) = taken.each.get_mut(&self.tenant) {
            *of_tenant -= self.bytes;
            if *of_tenant == 0 {
                taken.each.remove(&self.tenant);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn room() -> Arc<Room> {
        Room::new(&MessageLimits::default())
    }

    #[test]
    fn one_tenant_leaves_room_for_others_and_all_have_a_bound() {
        let (room, tenants) = (room(), [(); 5].map(|()| TenantId::from(Uuid::new_v4())));

        let places: Vec<_> = tenants[..4].iter().map(|it| room.take(*it, EACH)).collect();

        assert!(places.iter().all(Option::is_some));
        assert!(room.take(tenants[0], 1).is_none(), "it has its share");
        assert!(room.take(tenants[4], 1).is_none(), "nothing is left");
    }

    #[test]
    fn room_comes_back_when_the_last_clone_is_dropped() {
        let (room, tenant) = (room(), TenantId::from(Uuid::new_v4()));
        let place = room.take(tenant, EACH).expect("room");
        let clone = place.clone();

        drop(place);
        assert!(room.take(tenant, 1).is_none());
        drop(clone);

        assert!(room.take(tenant, EACH).is_some());
        assert_eq!(room.taken().all, 0);
        assert!(room.taken().each.is_empty());
    }
}
