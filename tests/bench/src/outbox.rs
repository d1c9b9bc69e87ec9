//! Tenants, their senders and what waits on their lanes, made by SQL: a million messages over the API
//! would take as long as everything else.

use crate::{Failure, database::Database};

/// Ids by number, readable in a query's text. Messages ascend as the program's do.
const IDS: &str = "
CREATE FUNCTION bench_tenant(n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS
    $$ SELECT ('01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid $$;
CREATE FUNCTION bench_sender(n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS
    $$ SELECT ('01900000-0000-7001-8000-' || lpad(to_hex(n), 12, '0'))::uuid $$;
CREATE FUNCTION bench_message(n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS
    $$ SELECT ('01900001-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid $$;";

/// What statements say: lines that differ, for bodies that can be pressed flat would cost nothing to
/// read.
const TEXTS: &str = "
CREATE TABLE bench_texts (n integer PRIMARY KEY, text text NOT NULL);
INSERT INTO bench_texts
SELECT n, left(string_agg('Invoice ' || (random() * 1e6)::int || ' of 2026-01-' || 10 + line % 20
    || ': ' || round((random() * 1e4)::numeric, 2) || E' PHP\\n', ''), {bytes})
FROM generate_series(0, 63) n, generate_series(1, {bytes} / 25) line GROUP BY n;";

/// Foreign keys are not looked at while filling: what is put in fits together, and looking takes
/// longer than everything else.
const FAST: &str = "SET session_replication_role = replica;";

const TENANTS: &str = "
INSERT INTO tenants (id, slug, name)
SELECT bench_tenant(n), 'tenant-' || n, 'Aurora Books' FROM generate_series({from}, {to}) n;
INSERT INTO senders (tenant_id, id, slug, last_version, live_version)
SELECT bench_tenant(n), bench_sender(n), 'default', 1, 1 FROM generate_series({from}, {to}) n;
INSERT INTO sender_versions (tenant_id, id, sender_id, number, host, port, encryption, auth,
    sender_name, sender_email, proven_at, created_by)
SELECT bench_tenant(n), bench_sender(n), bench_sender(n), 1, {host}, {port}, 'none', 'none',
    'Aurora Books', 'billing@aurora-' || n || '.example', now(), 'bench'
FROM generate_series({from}, {to}) n;
INSERT INTO lanes (tenant_id, id, blocked)
SELECT bench_tenant(n), bench_sender(n), false FROM generate_series({from}, {to}) n;";

/// One recipient each. Lanes take turns, as they would if all tenants had sent at the same time.
const MESSAGES: &str = "
INSERT INTO messages (tenant_id, id, sender_id, kind, priority, subject, header_id, size,
    on_uncertain, due_at, expires_at)
SELECT bench_tenant(t), id, bench_sender(t), 'statement', 3, 'Your statement for January',
    '<' || id || '@aurora-' || t || '.example>', 4096, 'resend', now(), now() + interval '30 days'
FROM (SELECT t, bench_message((m - 1) * ({to} - {from} + 1) + t) AS id
    FROM generate_series({from}, {to}) t, generate_series(1, {each}) m ORDER BY m, t) made;
INSERT INTO message_bodies (tenant_id, id, text_body, attachment_names, attachment_types,
    attachment_contents)
SELECT m.tenant_id, m.id, x.text, '{}', '{}', '{}'
FROM (SELECT *, row_number() OVER () % 64 AS n FROM messages WHERE due_at IS NOT NULL) m
JOIN bench_texts x ON x.n = m.n
ON CONFLICT DO NOTHING;
INSERT INTO recipients (tenant_id, id, message_id, position, role, email)
SELECT tenant_id, id, id, 1, 'to', 'ann@example.net' FROM messages WHERE due_at IS NOT NULL
ON CONFLICT DO NOTHING;";

const DUE: &str = "
UPDATE lanes SET due_at = now()
WHERE id IN (SELECT bench_sender(n) FROM generate_series({from}, {to}) n)";

const EMPTY: &str = "
TRUNCATE attempts, recipients, message_bodies, messages, idempotency_keys, sender_counts;
UPDATE lanes SET due_at = NULL, not_before = '-infinity', held = false, hold_reason = NULL,
    holds = 0, trouble = 0, lease_token = NULL, lease_until = NULL, worker = NULL,
    served_at = '-infinity', paced_to = '-infinity';";

/// Tenants by their numbers, both included.
#[derive(Clone, Copy)]
pub(crate) struct Range {
    pub(crate) from: usize,
    pub(crate) to: usize,
}

impl Range {
    /// The first `count`.
    pub(crate) const fn first(count: usize) -> Self {
        Self { from: 1, to: count }
    }

    fn put_into(self, sql: &str) -> String {
        sql.replace("{from}", &self.from.to_string()).replace("{to}", &self.to.to_string())
    }
}

/// Makes what the others here stand on; messages have `bytes` of text.
pub(crate) async fn prepare(db: &Database, bytes: usize) -> Result<(), Failure> {
    db.run(FAST).await?;
    db.run(IDS).await?;
    db.run(&TEXTS.replace("{bytes}", &bytes.to_string())).await
}

/// Makes tenants with a live sender each that needs no password; `host` is SQL that may name the
/// tenant's number `n`.
pub(crate) async fn add_tenants(
    db: &Database,
    range: Range,
    host: &str,
    port: u16,
) -> Result<(), Failure> {
    let sql = range.put_into(TENANTS).replace("{port}", &port.to_string());
    db.run(&sql.replace("{host}", host)).await
}

/// Puts `each` messages on the lane of every tenant in `range`. They are due, but nobody has woken the
/// lanes yet.
pub(crate) async fn add_messages(db: &Database, range: Range, each: usize) -> Result<(), Failure> {
    db.run(&range.put_into(MESSAGES).replace("{each}", &each.to_string())).await
}

/// Wakes lanes.
pub(crate) async fn wake(db: &Database, range: Range) -> Result<(), Failure> {
    db.run(&range.put_into(DUE)).await
}

/// Brings the tables into the state in which a database that runs for long has them.
pub(crate) async fn settle(db: &Database) -> Result<(), Failure> {
    db.run("VACUUM ANALYZE").await?;
    db.run("CHECKPOINT").await
}

/// Removes all messages, and lets lanes begin anew.
pub(crate) async fn empty(db: &Database) -> Result<(), Failure> {
    db.run(EMPTY).await
}

/// Whether everything that waited has left and is recorded.
pub(crate) async fn is_done(db: &Database) -> Result<bool, Failure> {
    db.is("NOT EXISTS (SELECT FROM messages WHERE status IN ('queued', 'deferred', 'held'))
        AND NOT EXISTS (SELECT FROM messages WHERE status = 'sending')")
        .await
}

/// Messages that the database says were accepted.
pub(crate) async fn accepted(db: &Database) -> Result<usize, Failure> {
    let count = db.number("SELECT count(*) FROM messages WHERE status = 'accepted'").await?;
    Ok(format!("{count:.0}").parse()?)
}
