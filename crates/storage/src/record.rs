//! What leaves this crate: plain records made of the domain's types, pages of them, and cursors.
//!
//! Records know neither their rows nor how the API shows them.

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use uuid::Uuid;

mod api_key;
mod audit;
mod bulk_run;
mod event;
pub(crate) mod message;
mod overview;
mod portal;
mod sender;
mod tenant;
mod test_run;

pub use api_key::{
    ApiKeyRecord, KeyOwner, NewApiKey, NewOperatorKey, OperatorKeyRecord, StoredKey,
};
pub use audit::AuditRecord;
pub use bulk_run::{
    BulkCounts, BulkGroup, BulkGroupKey, BulkItemRecord, BulkOutcome, BulkRequester, BulkRunRecord,
    BulkTarget, ClaimedBulkItem, NewBulkRun,
};
pub use event::EventRecord;
pub use message::{
    AttemptRecord, AttemptWord, LaneStanding, LaneWait, LeasedLane, MessageRecord, QueueHold,
    QueueReading, QueueStats, RecipientRecord, Recovered,
};
pub use overview::{
    BoundedCount, OverviewPage, SenderOverview, TenantCounts, TenantOverview, TestOverview,
};
pub use portal::{
    LinkState, NewPortalLink, NewPortalSession, PortalLinkRecord, PortalSessionRecord, SessionState,
};
pub use sender::{
    Expected, Hold, IdentifiedSender, OutcomeCounts, SenderQueue, SenderRecord, VersionRecord,
};
pub use tenant::{NewTenant, TenantRecord};
pub use test_run::{RunLimits, StoredAdvice, TestRunRecord, TestRunSummary};

/// Where a page ended. Opaque to everybody else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor(Uuid);

impl Cursor {
    /// Reads what a cursor was printed as; nothing else is one.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        Uuid::from_slice(&bytes).ok().map(Self)
    }

    /// The cursor behind the item with this id.
    pub(crate) fn after(id: Uuid) -> Self {
        Self(id)
    }

    /// The id of the last item that was shown.
    pub(crate) fn id(self) -> Uuid {
        self.0
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

/// Which page of a list is wanted.
#[derive(Clone, Copy, Debug)]
pub struct PageRequest {
    /// Most items; the caller has seen to it that this is from 1 to 100.
    pub limit: u64,
    /// Behind which item it begins; without one, at the newest.
    pub after: Option<Cursor>,
}

impl PageRequest {
    /// The first page of at most `limit` items.
    pub fn first(limit: u64) -> Self {
        Self { limit, after: None }
    }

    /// One more than wanted: whether it is there says whether a next page is.
    pub(crate) fn rows(&self) -> i64 {
        i64::try_from(self.limit).unwrap_or(i64::MAX).saturating_add(1)
    }

    /// The id behind which the page begins.
    pub(crate) fn after_id(&self) -> Option<Uuid> {
        self.after.map(Cursor::id)
    }
}

/// One page of a list, newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// Where the next page begins, if there is one.
    pub next: Option<Cursor>,
}

impl<T> Page<T> {
    /// Cuts what a query for [`PageRequest::rows`] gave.
    pub(crate) fn cut(mut items: Vec<T>, page: PageRequest, id_of: impl Fn(&T) -> Uuid) -> Self {
        let limit = usize::try_from(page.limit).unwrap_or(usize::MAX);
        let more = items.len() > limit;
        items.truncate(limit);
        let next = items.last().filter(|_| more).map(|last| Cursor::after(id_of(last)));
        Self { items, next }
    }

    /// The same page of other items.
    pub(crate) fn try_map<U, E>(self, change: impl FnMut(T) -> Result<U, E>) -> Result<Page<U>, E> {
        let items = self.items.into_iter().map(change).collect::<Result<_, _>>()?;
        Ok(Page { items, next: self.next })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_survives_the_way_to_the_client_and_back() {
        let cursor = Cursor::after(Uuid::from_u128(0x0190_b5a0));
        assert_eq!(Cursor::parse(&cursor.to_string()), Some(cursor));
        for nonsense in ["", "abc", "ü", "AAAAAAAAAAAAAAAAAAAAAAAA", &Uuid::nil().to_string()] {
            assert_eq!(Cursor::parse(nonsense), None, "{nonsense}");
        }
    }

    #[test]
    fn a_page_names_the_next_one_only_if_there_is_one() {
        let page = PageRequest { limit: 2, after: None };
        let ids = |n: u128| (1..=n).map(Uuid::from_u128).collect::<Vec<_>>();

        assert_eq!(Page::cut(ids(2), page, |id| *id).next, None);

        let cut = Page::cut(ids(3), page, |id| *id);
        assert_eq!(cut.items, ids(2));
        assert_eq!(cut.next, Some(Cursor::after(Uuid::from_u128(2))));
    }
}
