//! The program on a database of its own, as an operator would install it.

use std::{net::SocketAddr, path::PathBuf};

use serde_json::Value;
use tokio::process::Command;

use crate::{
    Failure,
    children::{Running, output, start, start_logging},
    database::Database,
    tools::Tools,
};

const LOGIN_ROLE: &str = "letterhead_bench_login";
/// Says nothing: the server is private, and the database is dropped by the next run.
const PASSWORD: &str = "bench";

/// A migrated database with an operator's key.
pub(crate) struct Installation {
    /// The operator's key.
    pub(crate) key: String,
    /// The database, for its superuser.
    pub(crate) url: String,
    pub(crate) db: Database,
    program: PathBuf,
    environment: Vec<(&'static str, String)>,
}

impl Installation {
    /// Makes the database `name` anew, and installs the program on it.
    pub(crate) async fn create(tools: &Tools, name: &str) -> Result<Self, Failure> {
        let (server, _) = tools.superuser.rsplit_once('/').ok_or("a URL without a database")?;
        let (_, place) = server.rsplit_once('@').ok_or("a URL without a user")?;
        let superuser = Database::at(&tools.superuser).await?;
        for statement in [
            format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"),
            format!("CREATE DATABASE {name}"),
            format!(
                "DO $$ BEGIN CREATE ROLE {LOGIN_ROLE} LOGIN NOINHERIT PASSWORD '{PASSWORD}';
                 EXCEPTION WHEN duplicate_object THEN NULL; END $$"
            ),
        ] {
            superuser.run(&statement).await?;
        }
        let url = format!("{server}/{name}");
        let login = format!("postgres://{LOGIN_ROLE}:{PASSWORD}@{place}/{name}");
        let mut installation = Self {
            key: String::new(),
            db: Database::at(&url).await?,
            program: tools.program.clone(),
            environment: vec![
                ("LETTERHEAD_DATABASE_URL", login),
                ("LETTERHEAD_OWNER_DATABASE_URL", url.clone()),
                ("LETTERHEAD_LISTEN", "127.0.0.1:0".to_owned()),
            ],
            url,
        };
        let master_key = output(installation.command(&["master-key", "generate"])).await?;
        installation.environment.push(("LETTERHEAD_MASTER_KEYS", master_key));
        output(installation.command(&["migrate"])).await?;
        installation.key =
            output(installation.command(&["api-key", "create", "--operator"])).await?;
        Ok(installation)
    }

    /// Sets a variable for everything that is started from now on.
    pub(crate) fn set(&mut self, name: &'static str, value: &dyn ToString) {
        self.environment.retain(|(other, _)| *other != name);
        self.environment.push((name, value.to_string()));
    }

    /// Starts the worker alone. What it warns of is seen.
    pub(crate) fn work(&self) -> Result<Running, Failure> {
        let mut command = self.command(&["work"]);
        command.env("RUST_LOG", "warn");
        start(command)
    }

    /// Starts `letterhead serve` with more arguments, and waits until it says where it listens.
    pub(crate) async fn serve(&self, more: &[&str]) -> Result<(Running, SocketAddr), Failure> {
        let mut command = self.command(&[&["serve"], more].concat());
        command.env("LETTERHEAD_LOG_FORMAT", "json").env("RUST_LOG", "info");
        let (process, line) = start_logging(command, "the API listens").await?;
        let line: Value = serde_json::from_str(&line)?;
        let address = line["fields"]["address"].as_str().ok_or("a line without an address")?;
        Ok((process, address.parse()?))
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(arguments).kill_on_drop(true);
        command.envs(self.environment.iter().map(|(name, value)| (*name, value)));
        command
    }
}

/// Removes the databases of all installations: some are large.
pub(crate) async fn remove_all(tools: &Tools) -> Result<(), Failure> {
    let superuser = Database::at(&tools.superuser).await?;
    let ours = "SELECT coalesce(string_agg(datname, ' '), '') FROM pg_database
        WHERE datname LIKE 'letterhead\\_bench\\_%'";
    for name in superuser.text(ours).await?.split_whitespace() {
        superuser.run(&format!("DROP DATABASE {name} WITH (FORCE)")).await?;
    }
    Ok(())
}
