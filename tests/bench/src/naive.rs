//! The peer of the whole way: how an outbox is usually drained. 32 workers, each with a session that
//! it keeps, take a message at a time and tell the database each step by a statement of its own:
//! claim (`SKIP LOCKED`, oldest first), mark, read, send one command after the other, record.
//!
//! Its tables are copies of the program's, with an index on what is due. It has no tenants to keep
//! apart, no lanes, no fairness, no leases, no TLS, and composes by joining strings.

use std::{io::Write, time::Instant};

use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbBackend, QueryResult,
    Statement, Value,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    task::JoinSet,
};
use uuid::Uuid;

use crate::Failure;

/// Messages in flight, and connections of each kind.
const IN_FLIGHT: u32 = 32;

/// The tables, empty. The foreign keys are left out.
pub(crate) const TABLES: &str = "
CREATE SCHEMA naive;
CREATE TABLE naive.messages (LIKE public.messages INCLUDING ALL);
CREATE TABLE naive.message_bodies (LIKE public.message_bodies INCLUDING ALL);
CREATE TABLE naive.recipients (LIKE public.recipients INCLUDING ALL);
CREATE TABLE naive.attempts (LIKE public.attempts INCLUDING ALL);
CREATE INDEX naive_due ON naive.messages (due_at) WHERE status IN ('queued', 'deferred', 'held');";

/// Removes what was sent.
pub(crate) const EMPTY: &str =
    "TRUNCATE naive.messages, naive.message_bodies, naive.recipients, naive.attempts";

const CLAIM: &str = "
UPDATE messages SET due_at = now() + interval '1 minute', attempts = attempts + 1, updated_at = now()
WHERE (tenant_id, id) = (
    SELECT tenant_id, id FROM messages
    WHERE status IN ('queued', 'deferred', 'held') AND due_at <= now()
    ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING tenant_id, id, subject, header_id";

const MARK: &str = "
WITH marked AS (
    UPDATE messages SET status = 'sending', attempt_id = $3, due_at = NULL, first_tried_at = now(),
        header_date = now()
    WHERE tenant_id = $1 AND id = $2
    RETURNING tenant_id, id, attempts)
INSERT INTO attempts (tenant_id, id, message_id, number, version, worker, lease_token)
SELECT tenant_id, $3, id, attempts, 1, 'naive', $3 FROM marked";

const READ: &str = "
SELECT b.text_body, r.email FROM message_bodies b
JOIN recipients r ON r.tenant_id = b.tenant_id AND r.message_id = b.id
WHERE b.tenant_id = $1 AND b.id = $2";

const RECORD: &str = "
WITH message AS (
    UPDATE messages SET status = 'accepted', attempt_id = NULL, last_reply = $4, finished_at = now(),
        updated_at = now()
    WHERE tenant_id = $1 AND id = $2
), attempt AS (
    UPDATE attempts SET outcome = 'accepted', reply = $4, finished_at = now()
    WHERE tenant_id = $1 AND id = $3
)
UPDATE recipients SET status = 'accepted', last_reply = $4, updated_at = now()
WHERE tenant_id = $1 AND message_id = $2";

/// Drains the outbox at `url` into the server on `port` whenever a line is read, and answers with the
/// seconds that it took.
pub(crate) async fn play(url: &str, port: &str) -> Result<(), Failure> {
    let port: u16 = port.parse()?;
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(IN_FLIGHT)
        .min_connections(IN_FLIGHT)
        .test_before_acquire(false)
        .sqlx_logging(false)
        .set_schema_search_path("naive");
    let db = Database::connect(options).await?;
    let mut out = std::io::stdout();
    writeln!(out, "ready")?;
    // Nothing else is to happen meanwhile, so a read that blocks does no harm.
    for line in std::io::stdin().lines() {
        line?;
        let began = Instant::now();
        let mut workers = JoinSet::new();
        for _ in 0..IN_FLIGHT {
            workers.spawn(work(db.clone(), port));
        }
        while let Some(done) = workers.join_next().await {
            done??;
        }
        writeln!(out, "{}", began.elapsed().as_secs_f64())?;
    }
    Ok(())
}

async fn work(db: DatabaseConnection, port: u16) -> Result<(), Failure> {
    let mut session = Session::open(port).await?;
    while let Some(claimed) = row(&db, CLAIM, vec![]).await? {
        let (tenant, id): (Uuid, Uuid) =
            (claimed.try_get("", "tenant_id")?, claimed.try_get("", "id")?);
        let attempt = Uuid::now_v7();
        let key = || vec![Value::from(tenant), Value::from(id)];
        let with = |more: Vec<Value>| key().into_iter().chain(more).collect();
        db.execute_raw(statement(MARK, with(vec![attempt.into()]))).await?;
        let content = row(&db, READ, key()).await?.ok_or("a message without content")?;
        let to: String = content.try_get("", "email")?;
        let mail = format!(
            "From: Aurora Books <billing@aurora.example>\r\nTo: {to}\r\nSubject: {}\r\n\
             Message-ID: {}\r\nDate: Sun, 1 Feb 2026 09:00:00 +0000\r\nMIME-Version: 1.0\r\n\
             Content-Type: text/plain; charset=utf-8\r\n\r\n{}",
            claimed.try_get::<String>("", "subject")?,
            claimed.try_get::<String>("", "header_id")?,
            content.try_get::<String>("", "text_body")?.replace('\n', "\r\n"),
        );
        let reply = session.send(&to, &mail).await?;
        let values = with(vec![attempt.into(), reply.into()]);
        db.execute_raw(statement(RECORD, values)).await?;
    }
    Ok(())
}

fn statement(sql: &str, values: Vec<Value>) -> Statement {
    Statement::from_sql_and_values(DbBackend::Postgres, sql, values)
}

async fn row(
    db: &DatabaseConnection,
    sql: &str,
    values: Vec<Value>,
) -> Result<Option<QueryResult>, Failure> {
    Ok(db.query_one_raw(statement(sql, values)).await?)
}

/// An SMTP session that waits for each answer.
struct Session(BufReader<TcpStream>);

impl Session {
    async fn open(port: u16) -> Result<Self, Failure> {
        #[expect(clippy::disallowed_methods, reason = "to a process of this bench, on loopback")]
        let stream = TcpStream::connect(("127.0.0.1", port)).await?;
        stream.set_nodelay(true)?;
        let mut session = Self(BufReader::new(stream));
        session.expect("220").await?;
        session.say("EHLO [127.0.0.1]\r\n", "250").await?;
        Ok(session)
    }

    async fn send(&mut self, to: &str, mail: &str) -> Result<String, Failure> {
        self.say("MAIL FROM:<billing@aurora.example>\r\n", "250").await?;
        self.say(&format!("RCPT TO:<{to}>\r\n"), "250").await?;
        self.say("DATA\r\n", "354").await?;
        // No line of the bench's messages begins with a dot.
        self.say(&format!("{mail}\r\n.\r\n"), "250").await
    }

    async fn say(&mut self, text: &str, expected: &str) -> Result<String, Failure> {
        self.0.get_mut().write_all(text.as_bytes()).await?;
        self.expect(expected).await
    }

    /// Reads a whole answer, and gives its last line.
    async fn expect(&mut self, code: &str) -> Result<String, Failure> {
        loop {
            let mut line = String::new();
            self.0.read_line(&mut line).await?;
            if !line.starts_with(code) {
                return Err(format!("the server said {line:?}").into());
            }
            if line.as_bytes().get(3) != Some(&b'-') {
                return Ok(line.trim_end().to_owned());
            }
        }
    }
}
