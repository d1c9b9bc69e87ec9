//! Marking: the durable promise, before the first byte leaves, that a message is being tried.

use std::{collections::HashMap, time::Duration};

use chrono::{DateTime, Utc};
use letterhead_domain::{
    email::EmailAddress,
    id::{AttemptId, MessageId, RecipientId},
    limit::{COUNTED_FOR, Limits, PACE_AHEAD},
    message::{Mailbox, OnUncertain, RecipientRole, RecipientStatus},
    sender::VersionNumber,
    text::Subject,
};
use sea_orm::{FromQueryResult, Value};
use uuid::Uuid;

use super::LaneRepo;
use crate::{
    error::StorageError,
    repo::{
        execute, number, parse, rows,
        sql::{as_limit, parse_option, seconds, statement},
    },
};

/// What to mark.
#[derive(Clone, Copy, Debug)]
pub struct MarkRequest<'a> {
    /// One id for each attempt that may begin: as many messages are marked at most.
    pub attempt_ids: &'a [AttemptId],
    /// What the attempts say about who made them.
    pub worker: &'a str,
    /// Most bytes of content together; the first message is marked whatever its size.
    pub max_bytes: u64,
    /// What may leave through the sender.
    pub limits: Limits,
}

/// What came of a mark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Marked {
    /// The lane is not ours any more: nothing may be sent.
    Lost,
    /// The sender may not send: not live, paused, deleted, or its tenant suspended; or the whole
    /// queue is held.
    Blocked,
    /// Nothing is due.
    Nothing,
    /// As many messages as the limit a minute allows have left: the next one may after this long.
    Paced(Duration),
    /// As many messages as the limit a day allows have left: the next one may after this long.
    Full(Duration),
    /// These messages are ours to send, once this transaction is committed.
    Window {
        /// The settings version to use.
        version: VersionNumber,
        /// In the order in which they should leave.
        messages: Vec<MarkedMessage>,
    },
}

/// A marked message: all that composing it needs but its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MarkedMessage {
    /// Its id.
    pub id: MessageId,
    /// The attempt that the mark opened.
    pub attempt: AttemptId,
    /// How many attempts will have counted if this one does: 1 for the first.
    pub attempt_number: u32,
    /// Since when it is being tried, to now.
    pub tried_for: Duration,
    /// What its caller wants when nobody knows.
    pub on_uncertain: OnUncertain,
    /// Where answers go, if not where the sender says.
    pub reply_to: Option<EmailAddress>,
    /// Its subject.
    pub subject: Subject,
    /// Its `Message-ID` header.
    pub header_id: String,
    /// Its `Date` header: the same at each attempt.
    pub header_date: DateTime<Utc>,
    /// Text, HTML and decoded attachments, in bytes.
    pub size: u64,
    /// Everybody in `To`, whether they are tried now or not.
    pub to: Vec<Mailbox>,
    /// Everybody in `Cc`.
    pub cc: Vec<Mailbox>,
    /// The recipients to be tried now, `Bcc` among them: as many as may get one message at once.
    pub pending: Vec<(RecipientId, EmailAddress)>,
    /// Where the message stands for those that are not tried now.
    pub settled: Vec<RecipientStatus>,
}

/// Marks a window.
///
/// - `lane` locks the lane's row, which a claim skips: the lease cannot change hands before we
///   commit, and a lease that did is seen here.
/// - `due` walks the priorities in turn, each in the order of `messages_waiting`. Its own filter is
///   what a locked row is checked against again, so a message that was cancelled meanwhile is not
///   marked; one that somebody is changing right now waits for the next window.
/// - `room` is what the limits leave: of a day, from what was counted and what is marked; of a
///   minute, from how far the lane is ahead of its pace. One holder marks at a time, under the row's
///   lock, so nobody else uses the same room. Without a limit nothing is read for it.
const MARK: &str = "
WITH lane AS MATERIALIZED (
    SELECT id,
        extract(epoch FROM greatest(paced_to, letterhead_now()) - letterhead_now())::float8 AS ahead
    FROM lanes
    WHERE tenant_id = $1 AND id = $2 AND lease_token = $3 AND lease_until > letterhead_now()
    FOR NO KEY UPDATE
), state AS MATERIALIZED (
    SELECT s.live_version AS version,
        s.live_version IS NOT NULL AND s.pause_reason IS NULL AND s.deleted_at IS NULL
            AND t.status = 'active' AND t.deleted_at IS NULL
            AND NOT EXISTS (SELECT FROM queue_hold WHERE held_at IS NOT NULL) AS is_open
    FROM lane
    JOIN senders s ON s.tenant_id = $1 AND s.id = lane.id
    JOIN tenants t ON t.id = $1
), day AS MATERIALIZED (
    SELECT coalesce(sum(accepted + uncertain), 0) + (
            SELECT count(*) FROM messages
            WHERE $7::bigint IS NOT NULL AND tenant_id = $1 AND sender_id = $2
                AND status = 'sending') AS used,
        extract(epoch FROM min(began_at) FILTER (WHERE accepted + uncertain > 0)
            + make_interval(secs => $10) - letterhead_now())::float8 AS wait
    FROM sender_counts
    WHERE $7::bigint IS NOT NULL AND tenant_id = $1 AND id = $2
        AND began_at > letterhead_now() - make_interval(secs => $10)
), room AS MATERIALIZED (
    SELECT $7::bigint <= day.used AS is_full, greatest(day.wait, 1) AS day_wait,
        lane.ahead > $9 AS is_paced, lane.ahead - $9 AS pace_wait,
        least(cardinality($4::uuid[]),
            CASE WHEN $7::bigint IS NOT NULL THEN greatest($7::bigint - day.used, 0) END,
            CASE WHEN $8::float8 IS NULL THEN NULL
                 WHEN lane.ahead > $9 THEN 0
                 ELSE floor(least(($9 - lane.ahead) / $8::float8, 1000000)) + 1 END)::bigint AS most
    FROM lane CROSS JOIN day
), due AS MATERIALIZED (
    SELECT head.id, head.priority, head.due_at, head.size
    FROM generate_series(0, 3) AS class(priority)
    CROSS JOIN LATERAL (
        SELECT w.id, w.priority, w.due_at, w.size
        FROM messages w
        WHERE w.tenant_id = $1 AND w.sender_id = $2 AND w.priority = class.priority
            AND w.status IN ('queued', 'deferred', 'held')
            AND w.due_at <= letterhead_now() AND w.expires_at > letterhead_now()
        ORDER BY w.due_at, w.id
        LIMIT (SELECT greatest(most, 1) FROM room)
        FOR NO KEY UPDATE SKIP LOCKED
    ) head
    WHERE (SELECT is_open FROM state)
    LIMIT (SELECT greatest(most, 1) FROM room)
), picked AS MATERIALIZED (
    SELECT id, turn, ($4::uuid[])[turn] AS attempt
    FROM (
        SELECT id, row_number() OVER leaving AS turn, sum(size) OVER leaving AS bytes
        FROM due WINDOW leaving AS (ORDER BY priority, due_at, id)
    ) ranked
    WHERE turn <= (SELECT most FROM room) AND (turn = 1 OR bytes <= $6)
), pace AS (
    UPDATE lanes l
    SET paced_to = greatest(l.paced_to, letterhead_now()) + make_interval(secs => $8 * left_now.count)
    FROM (SELECT count(*) FROM picked) left_now
    WHERE $8::float8 IS NOT NULL AND l.tenant_id = $1 AND l.id = $2 AND left_now.count > 0
), marked AS (
    UPDATE messages m
    SET status = 'sending', attempt_id = p.attempt, due_at = NULL,
        first_tried_at = coalesce(m.first_tried_at, letterhead_now()),
        header_date = coalesce(m.header_date, letterhead_now()), updated_at = letterhead_now()
    FROM picked p
    WHERE m.tenant_id = $1 AND m.id = p.id
    RETURNING p.turn, m.id, m.attempt_id, m.attempts, m.first_tried_at, m.on_uncertain,
        m.reply_to, m.subject, m.header_id, m.header_date, m.size
), opened AS (
    INSERT INTO attempts (tenant_id, id, message_id, number, version, worker, lease_token)
    SELECT $1, p.attempt, p.id,
        1 + coalesce((SELECT max(a.number) FROM attempts a
                      WHERE a.tenant_id = $1 AND a.message_id = p.id), 0),
        state.version, $5, $3
    FROM picked p CROSS JOIN state
)
SELECT state.is_open, state.version, EXISTS (SELECT FROM due) AS is_due,
    CASE WHEN room.is_full THEN room.day_wait END AS day_wait,
    CASE WHEN $8::float8 IS NOT NULL AND room.is_paced THEN room.pace_wait END AS pace_wait, m.id, m.attempt_id, m.attempts, m.on_uncertain,
    extract(epoch FROM letterhead_now() - m.first_tried_at)::float8 AS tried_for,
    m.reply_to, m.subject, m.header_id, m.header_date, m.size
FROM state CROSS JOIN room LEFT JOIN marked m ON true
ORDER BY m.turn";

/// A lane that may be claimed although its sender may not send would be claimed again at once.
const BLOCK: &str = "
UPDATE lanes l SET blocked = true
WHERE l.tenant_id = $1 AND l.id = $2 AND NOT l.blocked AND NOT EXISTS (
    SELECT FROM senders s JOIN tenants t ON t.id = s.tenant_id
    WHERE s.tenant_id = $1 AND s.id = $2 AND s.live_version IS NOT NULL
        AND s.pause_reason IS NULL AND s.deleted_at IS NULL
        AND t.status = 'active' AND t.deleted_at IS NULL)";

const RECIPIENTS: &str = "
SELECT message_id, id, role, email, name, status, updated_at
FROM recipients
WHERE tenant_id = $1 AND message_id = ANY ($2::uuid[])
ORDER BY message_id, position";

/// The lane's state, its room, and one marked message; all `None` where nothing was marked.
#[derive(FromQueryResult)]
struct MarkRow {
    is_open: bool,
    version: Option<i32>,
    is_due: bool,
    day_wait: Option<f64>,
    pace_wait: Option<f64>,
    id: Option<Uuid>,
    #[sea_orm(nested)]
    message: Option<MarkedRow>,
}

#[derive(FromQueryResult)]
struct MarkedRow {
    attempt_id: Uuid,
    attempts: i32,
    on_uncertain: String,
    tried_for: f64,
    reply_to: Option<String>,
    subject: String,
    header_id: String,
    header_date: DateTime<Utc>,
    size: i64,
}

#[derive(FromQueryResult)]
struct RecipientRow {
    message_id: Uuid,
    id: Uuid,
    role: String,
    email: String,
    name: Option<String>,
    status: String,
    updated_at: DateTime<Utc>,
}

impl LaneRepo<'_> {
    /// Marks the messages that leave next, if the lane is ours and its sender may send. Nothing of
    /// them may be sent before this transaction is committed.
    ///
    /// # Errors
    ///
    /// [`StorageError::Corrupt`] if a row holds what was never accepted.
    pub async fn mark(&self, request: MarkRequest<'_>) -> Result<Marked, StorageError> {
        let MarkRequest { attempt_ids, worker, max_bytes, limits } = request;
        let attempts: Vec<Uuid> = attempt_ids.iter().map(|id| id.get()).collect();
        let values: [Value; 10] = [
            self.tenant.get().into(),
            self.sender.get().into(),
            self.token.get().into(),
            attempts.into(),
            worker.into(),
            as_limit(max_bytes).into(),
            limits.messages_per_day.map(i64::from).into(),
            limits.pace().map(seconds).into(),
            seconds(PACE_AHEAD).into(),
            seconds(COUNTED_FOR).into(),
        ];
        let marked = rows::<MarkRow>(self.tx, statement(MARK, values), "mark messages").await?;
        let Some(first) = marked.first() else { return Ok(Marked::Lost) };
        let version = match first.version {
            Some(version) if first.is_open => VersionNumber(number(version, "senders")?),
            _ => return self.block().await,
        };
        let ids: Vec<Uuid> = marked.iter().filter_map(|row| row.id).collect();
        if ids.is_empty() {
            return Ok(first.unmarked());
        }
        let people = self.people(ids).await?;
        let messages = marked
            .into_iter()
            .filter_map(|row| Some((row.id?, row.message?)))
            .map(|(id, row)| {
                let people = people.get(&id).map_or(&[][..], Vec::as_slice);
                row.with(id, people, limits.recipients_per_message)
            })
            .collect::<Result<_, _>>()?;
        Ok(Marked::Window { version, messages })
    }

    async fn block(&self) -> Result<Marked, StorageError> {
        let values = [self.tenant.get().into(), self.sender.get().into()];
        execute(self.tx, statement(BLOCK, values), "block a lane").await?;
        Ok(Marked::Blocked)
    }

    async fn people(
        &self,
        messages: Vec<Uuid>,
    ) -> Result<HashMap<Uuid, Vec<RecipientRow>>, StorageError> {
        let values = [self.tenant.get().into(), messages.into()];
        let rows = rows::<RecipientRow>(
            self.tx,
            statement(RECIPIENTS, values),
            "read the recipients of marked messages",
        )
        .await?;
        let mut people = HashMap::<Uuid, Vec<RecipientRow>>::new();
        for row in rows {
            people.entry(row.message_id).or_default().push(row);
        }
        Ok(people)
    }
}

impl MarkRow {
    /// Why nothing was marked although the lane is open.
    fn unmarked(&self) -> Marked {
        // The database's clock may have moved on since the wait was worked out.
        let wait = |seconds: f64| Duration::try_from_secs_f64(seconds).unwrap_or_default();
        match (self.is_due, self.day_wait, self.pace_wait) {
            (false, ..) | (true, None, None) => Marked::Nothing,
            (true, Some(full), _) => Marked::Full(wait(full)),
            (true, None, Some(paced)) => Marked::Paced(wait(paced)),
        }
    }
}

impl MarkedRow {
    fn with(
        self,
        id: Uuid,
        people: &[RecipientRow],
        most_at_once: Option<u32>,
    ) -> Result<MarkedMessage, StorageError> {
        let table = "messages";
        let attempts: u32 = number(self.attempts, table)?;
        let mut message = MarkedMessage {
            id: id.into(),
            attempt: self.attempt_id.into(),
            attempt_number: attempts.saturating_add(1),
            // The clock of the database may have been set back.
            tried_for: Duration::try_from_secs_f64(self.tried_for).unwrap_or_default(),
            on_uncertain: parse(&self.on_uncertain, table)?,
            reply_to: parse_option(self.reply_to.as_deref(), table)?,
            subject: parse(&self.subject, table)?,
            header_id: self.header_id,
            header_date: self.header_date,
            size: number(self.size, table)?,
            to: Vec::new(),
            cc: Vec::new(),
            pending: Vec::new(),
            settled: Vec::new(),
        };
        let mut waiting = Vec::new();
        for person in people {
            waiting.extend(person.join(&mut message)?.map(|tried| (tried, person.updated_at)));
        }
        if most_at_once.is_some() {
            // Whoever was not tried yet comes first, and then in turn: nobody keeps others waiting.
            waiting.sort_by_key(|((.., status), at)| (*status != RecipientStatus::Queued, *at));
        }
        let most = most_at_once.and_then(|most| usize::try_from(most).ok());
        let now = most.map_or(waiting.len(), |most| most.min(waiting.len()));
        let later = waiting.split_off(now);
        message.settled.extend(later.into_iter().map(|((.., status), _)| status));
        message.pending = waiting.into_iter().map(|((id, email, _), _)| (id, email)).collect();
        Ok(message)
    }
}

impl RecipientRow {
    /// Puts the recipient into the headers, and gives it back if it waits.
    fn join(
        &self,
        message: &mut MarkedMessage,
    ) -> Result<Option<(RecipientId, EmailAddress, RecipientStatus)>, StorageError> {
        let table = "recipients";
        let email: EmailAddress = parse(&self.email, table)?;
        let mut waiting = None;
        match parse(&self.status, table)? {
            status @ (RecipientStatus::Queued | RecipientStatus::Deferred) => {
                waiting = Some((self.id.into(), email.clone(), status));
            }
            settled @ (RecipientStatus::Accepted
            | RecipientStatus::Rejected
            | RecipientStatus::Uncertain
            | RecipientStatus::Cancelled
            | RecipientStatus::Expired) => message.settled.push(settled),
        }
        let name = parse_option(self.name.as_deref(), table)?;
        match parse(&self.role, table)? {
            RecipientRole::To => message.to.push(Mailbox { email, name }),
            RecipientRole::Cc => message.cc.push(Mailbox { email, name }),
            RecipientRole::Bcc => {}
        }
        Ok(waiting)
    }
}
