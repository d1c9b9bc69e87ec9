//! `letterhead tenant` and `letterhead api-key`.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use letterhead_domain::{
    access::{Principal, Scope},
    slug::Slug,
    text::{KeyName, TenantName},
};
use letterhead_storage::record::PageRequest;

use super::{Failure, say};
use crate::{
    app::{self, App, AppError, access, tenants::KeyDraft},
    config::AppArgs,
};

#[derive(Subcommand)]
pub(super) enum TenantCommand {
    /// Create a tenant
    Create {
        /// Its short name in URLs
        slug: Slug,
        /// Its name
        name: TenantName,
        #[command(flatten)]
        app: AppArgs,
    },
    /// List the tenants, newest first
    List {
        #[command(flatten)]
        app: AppArgs,
    },
}

#[derive(Subcommand)]
pub(super) enum ApiKeyCommand {
    /// Create an API key and print it, this once
    Create(CreateKeyArgs),
}

#[derive(Args)]
pub(super) struct CreateKeyArgs {
    /// A key of the operator: every scope on every tenant
    #[arg(long, conflicts_with = "tenant", required_unless_present = "tenant")]
    operator: bool,
    /// A key of this tenant, by slug or id
    #[arg(long)]
    tenant: Option<String>,
    /// What the tenant's key may do; left out, everything
    #[arg(long, value_delimiter = ',')]
    scopes: Vec<Scope>,
    /// What the key is called
    #[arg(long, default_value = "made on the command line")]
    name: KeyName,
    #[command(flatten)]
    app: AppArgs,
}

fn failed(err: AppError) -> Failure {
    Failure::new("the command was not carried out", err)
}

pub(super) async fn tenant(command: TenantCommand) -> Result<ExitCode, Failure> {
    match command {
        TenantCommand::Create { slug, name, app } => {
            let app = app.app().await?;
            let created = app::tenants::create(&app, &Principal::Console, slug, name).await;
            say(&created.map_err(failed)?.id.to_string());
        }
        TenantCommand::List { app } => list(&app.app().await?).await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn list(app: &App) -> Result<(), Failure> {
    let mut page = PageRequest::first(100);
    loop {
        let tenants = app::tenants::list(app, &Principal::Console, page).await.map_err(failed)?;
        for tenant in &tenants.items {
            let status = tenant.status.as_str();
            say(&format!("{}  {status}  {}  {}", tenant.id, tenant.slug, tenant.name));
        }
        match tenants.next {
            Some(next) => page = PageRequest { limit: 100, after: Some(next) },
            None => return Ok(()),
        }
    }
}

pub(super) async fn api_key(command: ApiKeyCommand) -> Result<ExitCode, Failure> {
    let ApiKeyCommand::Create(args) = command;
    let app = args.app.app().await?;
    let text = match args.tenant {
        None => app::tenants::create_operator_key(&app, args.name).await.map_err(failed)?.text,
        Some(tenant) => {
            let caller = access::enter(&app, &Principal::Console, &tenant).await.map_err(failed)?;
            let scopes = if args.scopes.is_empty() { Scope::ALL.to_vec() } else { args.scopes };
            let draft = KeyDraft { name: args.name, scopes, expires_at: None };
            app::tenants::create_key(&app, &caller, draft).await.map_err(failed)?.key.text
        }
    };
    say(&text);
    Ok(ExitCode::SUCCESS)
}
