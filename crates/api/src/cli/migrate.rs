//! `letterhead migrate`.

use std::process::ExitCode;

use clap::Args;

use super::{Failure, say};

#[derive(Args)]
pub(super) struct MigrateArgs {
    /// URL of the database; enough by itself if its role may create roles
    #[arg(long, env = "LETTERHEAD_DATABASE_URL", hide_env_values = true)]
    database_url: String,
    /// URL with the role that owns the database, where Letterhead logs in as another one
    #[arg(long, env = "LETTERHEAD_OWNER_DATABASE_URL", hide_env_values = true)]
    owner_database_url: Option<String>,
}

pub(super) async fn migrate(args: MigrateArgs) -> Result<ExitCode, Failure> {
    bring_up_to_date(&args.database_url, args.owner_database_url.as_deref()).await?;
    say("The schema is up to date.");
    Ok(ExitCode::SUCCESS)
}

/// Migrates as the owner, and lets the login role into the working roles.
pub(super) async fn bring_up_to_date(
    database_url: &str,
    owner_url: Option<&str>,
) -> Result<(), Failure> {
    let failed = |err| Failure::new("cannot migrate the database", err);
    let login_role = letterhead_migrations::role_of(database_url).map_err(failed)?;
    letterhead_migrations::migrate(owner_url.unwrap_or(database_url), Some(&login_role))
        .await
        .map_err(failed)
}
