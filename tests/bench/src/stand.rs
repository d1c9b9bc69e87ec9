//! What is measured: the program in a process of its own, on a database of its own.

use std::{env, net::SocketAddr, process::Stdio, time::Duration};

use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbBackend, Statement,
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, BufReader},
    process::{Child, Command},
};

use crate::{
    Failure,
    clients::{Connection, Request},
};

/// The slugs of the tenants begin so.
pub(crate) const SLUG: &str = "bench";

const DATABASE: &str = "letterhead_bench";
const LOGIN_ROLE: &str = "letterhead_bench_login";
/// Says nothing: the server is private, and the database is dropped by the next run.
const PASSWORD: &str = "bench";

/// Everything that runs while it is measured.
pub(crate) struct Stand {
    pub(crate) server: Running,
    pub(crate) address: SocketAddr,
    pub(crate) bare: Running,
    pub(crate) bare_address: SocketAddr,
    /// The operator's key.
    pub(crate) key: String,
    /// The first tenant, and its sender.
    pub(crate) tenant: String,
    pub(crate) sender: String,
    pub(crate) owner_url: String,
    pub(crate) folder: TempDir,
    db: DatabaseConnection,
}

/// A process that ends with this value.
pub(crate) struct Running(Child);

impl Running {
    /// Its number.
    pub(crate) fn id(&self) -> u32 {
        // It is there until the value is dropped.
        self.0.id().unwrap_or(0)
    }
}

impl Stand {
    /// Makes the database, starts the program without its worker, and makes `tenants` tenants with a
    /// sender each.
    pub(crate) async fn prepare(tenants: usize) -> Result<Self, Failure> {
        let superuser = variable("LETTERHEAD_BENCH_DATABASE_URL")?;
        let program = variable("LETTERHEAD_BENCH_PROGRAM")?;
        let (server, _) = superuser.rsplit_once('/').ok_or("a URL without a database")?;
        let (_, place) = server.rsplit_once('@').ok_or("a URL without a user")?;
        make_database(&superuser).await?;
        let owner_url = format!("{server}/{DATABASE}");
        let login_url = format!("postgres://{LOGIN_ROLE}:{PASSWORD}@{place}/{DATABASE}");
        let command = |arguments: &[&str], master_key: &str| {
            let mut command = Command::new(&program);
            command
                .args(arguments)
                .env("LETTERHEAD_DATABASE_URL", &login_url)
                .env("LETTERHEAD_OWNER_DATABASE_URL", &owner_url)
                .env("LETTERHEAD_MASTER_KEYS", master_key)
                .env("LETTERHEAD_LISTEN", "127.0.0.1:0")
                .kill_on_drop(true)
                .stdin(Stdio::null());
            command
        };
        let master_key = output(command(&["master-key", "generate"], "")).await?;
        output(command(&["migrate"], &master_key)).await?;
        let key = output(command(&["api-key", "create", "--operator"], &master_key)).await?;
        let db = connect(&owner_url).await?;
        db.execute_unprepared("CREATE SEQUENCE bench_ids CACHE 1000").await?;

        let (server, address) = serve(command(&["serve", "--no-worker"], &master_key)).await?;
        let (tenant, sender) = make_tenants(address, &key, tenants).await?;
        let mut bare = Command::new(env::current_exe()?);
        bare.args(["bare", &owner_url, &tenant]).kill_on_drop(true);
        let (bare, bare_address) = first_line(bare).await?;
        let folder = tempfile::tempdir()?;
        Ok(Self {
            server,
            address,
            bare,
            bare_address: bare_address.parse()?,
            key,
            tenant,
            sender,
            owner_url,
            folder,
            db,
        })
    }

    /// Fails if fewer messages are stored than `per_second` over `seconds`: an answer says little if
    /// nobody looks whether it is true.
    pub(crate) async fn expect_stored(&self, per_second: f64, seconds: u64) -> Result<(), Failure> {
        let count = "SELECT count(*)::integer AS stored FROM messages";
        let count = Statement::from_string(DbBackend::Postgres, count);
        let row = self.db.query_one_raw(count).await?.ok_or("no count")?;
        let stored = f64::from(row.try_get::<i32>("", "stored")?);
        if stored < per_second * Duration::from_secs(seconds).as_secs_f64() {
            return Err(
                format!("only {stored} messages are stored at {per_second} a second").into()
            );
        }
        Ok(())
    }

    /// Removes what was stored, so that each measurement begins alike.
    pub(crate) async fn empty(&self) -> Result<(), Failure> {
        let tables = "attempts, recipients, message_bodies, messages, idempotency_keys";
        self.db.execute_unprepared(&format!("TRUNCATE {tables}")).await?;
        self.db.execute_unprepared("CHECKPOINT").await?;
        Ok(())
    }
}

async fn make_database(superuser: &str) -> Result<(), Failure> {
    let db = connect(superuser).await?;
    for statement in [
        format!("DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)"),
        format!("CREATE DATABASE {DATABASE}"),
        format!(
            "DO $$ BEGIN CREATE ROLE {LOGIN_ROLE} LOGIN NOINHERIT PASSWORD '{PASSWORD}';
             EXCEPTION WHEN duplicate_object THEN NULL; END $$"
        ),
    ] {
        db.execute_unprepared(&statement).await?;
    }
    Ok(())
}

async fn connect(url: &str) -> Result<DatabaseConnection, Failure> {
    let mut options = ConnectOptions::new(url);
    options.max_connections(1).sqlx_logging(false);
    Ok(Database::connect(options).await?)
}

/// Tenants with a sender `default` each; the first one's id, and its sender's.
async fn make_tenants(
    address: SocketAddr,
    key: &str,
    tenants: usize,
) -> Result<(String, String), Failure> {
    let settings = json!({
        "host": "mail.smtp2go.com", "port": 587, "encryption": "starttls", "username": "aurora",
        "password": "a password of the bench", "sender_name": "Aurora Books",
        "sender_email": "billing@aurora.example",
    });
    let mut connection = Connection::open(address).await?;
    let mut first = None;
    for number in 0..tenants {
        let slug = format!("{SLUG}-{number}");
        let tenant = json!({"slug": slug, "name": "Aurora Books"});
        let tenant = made(&mut connection, &Request::post("/v1/tenants", key, &tenant)).await?;
        let path = format!("/v1/tenants/{slug}/senders/default");
        let sender = made(&mut connection, &Request::send("PUT", &path, key, &settings)).await?;
        first.get_or_insert((id(&tenant)?, id(&sender)?));
    }
    first.ok_or_else(|| "no tenant was asked for".into())
}

async fn made(connection: &mut Connection, request: &Request) -> Result<Value, Failure> {
    let (status, body) = connection.ask(request).await?;
    if status != 201 {
        return Err(format!("answered {status}: {}", String::from_utf8_lossy(&body)).into());
    }
    Ok(serde_json::from_slice(&body)?)
}

fn id(json: &Value) -> Result<String, Failure> {
    Ok(json["id"].as_str().ok_or("an answer without an id")?.to_owned())
}

/// Starts the program and waits until it says where it listens.
async fn serve(mut command: Command) -> Result<(Running, SocketAddr), Failure> {
    command.env("LETTERHEAD_LOG_FORMAT", "json").env("RUST_LOG", "info");
    let mut child = command.stderr(Stdio::piped()).spawn()?;
    let log = child.stderr.take().ok_or("no log")?;
    let line = line_with("the API listens", log).await?;
    let line: Value = serde_json::from_str(&line)?;
    let address = line["fields"]["address"].as_str().ok_or("a line without an address")?;
    Ok((Running(child), address.parse()?))
}

/// Starts a program, and gives the first line that it prints.
async fn first_line(mut command: Command) -> Result<(Running, String), Failure> {
    let mut child = command.stdout(Stdio::piped()).spawn()?;
    let printed = child.stdout.take().ok_or("no output")?;
    Ok((Running(child), line_with("", printed).await?))
}

/// The first line with `wanted` in it.
async fn line_with(
    wanted: &str,
    from: impl AsyncRead + Unpin + Send + 'static,
) -> Result<String, Failure> {
    let mut lines = BufReader::new(from).lines();
    while let Some(line) = lines.next_line().await? {
        if line.contains(wanted) {
            // What comes later is read too, so that nobody waits for a reader.
            tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
            return Ok(line);
        }
    }
    Err("a program ended before it listened".into())
}

async fn output(mut command: Command) -> Result<String, Failure> {
    let output = command.output().await?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

fn variable(name: &str) -> Result<String, Failure> {
    #[expect(clippy::disallowed_methods, reason = "the bench's only configuration")]
    env::var(name).map_err(|_| format!("{name} is not set; run `make bench-api`").into())
}
