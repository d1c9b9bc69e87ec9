//! The journal: marks and results of many lanes, in one statement and one commit.

use letterhead_domain::{
    id::MessageId,
    limit::{COUNTED_FOR, PACE_AHEAD},
};
use sea_orm::{
    DbErr, RuntimeErr,
    sqlx::{self, Row, postgres::PgRow},
};
use uuid::Uuid;

use super::{
    AttemptResult, MarkRequest, Marked,
    finish::Columns,
    mark::{MarkRow, Standing, messages},
};
use crate::{
    error::{StorageError, failed},
    record::LeasedLane,
    repo::sql::{as_limit, seconds},
    store::Store,
};

/// Bodies up to this many bytes together come with a turn's messages; larger ones are loaded apart, so
/// that they do not fill the memory of a statement that serves many.
const MOST_INLINE: u64 = 512 * 1024;

/// The function is in `migrations/sql`, with what its arrays mean.
const JOURNAL: &str = "
SELECT * FROM letterhead_take_turns(
    $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21,
    $22)";

/// What one lane has to say.
#[derive(Clone, Copy, Debug)]
pub struct Turn<'a> {
    /// The lane.
    pub lane: &'a LeasedLane,
    /// What became of messages. None of them may wait: for those that do there is
    /// [`LaneRepo::finish`](super::LaneRepo::finish).
    pub results: &'a [AttemptResult],
    /// What to mark; with no attempt ids, nothing.
    pub request: MarkRequest<'a>,
}

/// What came of a turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turned {
    /// The messages whose results were refused: their attempt is not the open one any more.
    pub refused: Vec<MessageId>,
    /// Whether the sender should be told that it works: it was failing, or the time of its last
    /// accepted mail is old.
    pub is_news: bool,
    /// What came of the mark; [`Marked::Nothing`] if none was asked for.
    pub marked: Marked,
}

impl Store {
    /// Takes the turns of lanes, one each: records results, then marks. All are committed together,
    /// in a statement that is a transaction of its own, before this returns. What is written is written
    /// as the system; what messages say is read under their tenants' row-level security. Gives what came
    /// of each, in their order.
    ///
    /// A result counts as in [`LaneRepo::finish`](super::LaneRepo::finish).
    ///
    /// # Errors
    ///
    /// [`StorageError::Unavailable`] if the database is away: each turn may then have been taken or
    /// not. What was marked unseen stays marked under the lane's token, for the next holder to put
    /// right; results may be recorded again.
    pub async fn journal(
        &self,
        worker: &str,
        turns: &[Turn<'_>],
    ) -> Result<Vec<Turned>, StorageError> {
        const ACTION: &str = "write the journal";
        // The function locks in the order in which it is given.
        let mut order: Vec<usize> = (0..turns.len()).collect();
        order.sort_unstable_by_key(|&at| (turns[at].lane.tenant, turns[at].lane.sender));
        let query = bound(worker, order.iter().map(|&at| &turns[at]));
        let rows = self
            .in_time(ACTION, query.fetch_all(self.db().get_postgres_connection_pool()))
            .await?
            .map_err(|err| failed(ACTION)(DbErr::Query(RuntimeErr::SqlxError(err.into()))))?;
        let mut rows = rows.as_slice();
        let mut turned: Vec<(usize, Turned)> = Vec::with_capacity(turns.len());
        for (number, at) in (1..).zip(order) {
            let mine =
                rows.iter().take_while(|row| row.try_get("turn").ok() == Some(number)).count();
            let (mine, others) = rows.split_at(mine);
            rows = others;
            turned.push((at, turned_of(&turns[at], mine)?));
        }
        turned.sort_unstable_by_key(|(at, _)| *at);
        Ok(turned.into_iter().map(|(_, turned)| turned).collect())
    }
}

fn turned_of(turn: &Turn<'_>, rows: &[PgRow]) -> Result<Turned, StorageError> {
    const CORRUPT: StorageError = StorageError::Corrupt { table: "lanes" };
    let first = rows.first().ok_or(CORRUPT)?;
    let refused: Vec<Uuid> = first.try_get("refused").map_err(|_| CORRUPT)?;
    Ok(Turned {
        refused: refused.into_iter().map(MessageId::from).collect(),
        is_news: first.try_get("is_news").map_err(|_| CORRUPT)?,
        marked: marked_of(turn.request, rows)?,
    })
}

fn marked_of(request: MarkRequest<'_>, rows: &[PgRow]) -> Result<Marked, StorageError> {
    let Some(first) = rows.first().map(MarkRow).filter(|_| !request.attempt_ids.is_empty()) else {
        return Ok(Marked::Nothing);
    };
    let version = match first.standing()? {
        None => return Ok(Marked::Lost),
        Some(Standing::Closed) => return Ok(Marked::Blocked),
        Some(Standing::Open(version)) => version,
    };
    let messages = messages(rows, request.limits.recipients_per_message)?;
    if messages.is_empty() {
        return first.unmarked();
    }
    Ok(Marked::Window { version, messages })
}

fn bound<'t, 'a: 't>(
    worker: &'t str,
    turns: impl Iterator<Item = &'t Turn<'a>> + Clone,
) -> sqlx::query::Query<'t, sqlx::Postgres, sqlx::postgres::PgArguments> {
    macro_rules! column {
        ($read:expr) => {
            turns.clone().map($read).collect::<Vec<_>>()
        };
    }
    let attempt_ends = turns.clone().scan(0_usize, |end, turn| {
        *end += turn.request.attempt_ids.len();
        Some(i32::try_from(*end).unwrap_or(i32::MAX))
    });
    let attempts =
        turns.clone().flat_map(|turn| turn.request.attempt_ids.iter().map(|id| id.get()));
    let query = sqlx::query(JOURNAL)
        .bind(worker)
        .bind(seconds(PACE_AHEAD))
        .bind(seconds(COUNTED_FOR))
        .bind(as_limit(MOST_INLINE))
        .bind(column!(|turn| turn.lane.tenant.get()))
        .bind(column!(|turn| turn.lane.sender.get()))
        .bind(column!(|turn| turn.lane.token.get()))
        .bind(column!(|turn| as_limit(turn.request.max_bytes)))
        .bind(column!(|turn| turn.request.limits.messages_per_day.map(i64::from)))
        .bind(column!(|turn| turn.request.limits.pace().map(seconds)))
        .bind(attempt_ends.collect::<Vec<_>>())
        .bind(attempts.collect::<Vec<_>>());
    let mut columns = Columns::default();
    for (number, turn) in (1..).zip(turns) {
        for result in turn.results {
            columns.push(number, result);
        }
    }
    query
        .bind(columns.turns)
        .bind(columns.messages)
        .bind(columns.attempts)
        .bind(columns.outcomes)
        .bind(columns.replies)
        .bind(columns.statuses)
        .bind(columns.fate_results)
        .bind(columns.fate_recipients)
        .bind(columns.fate_statuses)
        .bind(columns.fate_replies)
}
