//! `letterhead portal-link`.

use std::{process::ExitCode, time::Duration};

use chrono::SecondsFormat;
use clap::Args;
use letterhead_domain::{
    access::{PortalRole, Principal},
    email::EmailAddress,
    text::PersonName,
};

use super::{Failure, remark, say};
use crate::{
    app::{
        App, AppError, access,
        portal_links::{self, CreatedLink, LinkDraft},
    },
    config::{AppArgs, PublicUrlArgs},
    http,
};

#[derive(Args)]
pub(super) struct PortalLinkArgs {
    /// A link to the operator's own pages: everything of every tenant
    #[arg(long, conflicts_with_all = ["tenant", "role"], required_unless_present = "tenant")]
    operator: bool,
    /// A link into the pages of this tenant, by slug or id
    #[arg(long, requires = "role")]
    tenant: Option<String>,
    /// What the person may do there: admin, viewer (look only) or setup (enter settings and test)
    #[arg(long, value_parser = portal_links::tenants_role)]
    role: Option<PortalRole>,
    /// The address of the person it is for: audits name them so
    #[arg(long)]
    email: EmailAddress,
    /// The person's name
    #[arg(long)]
    name: PersonName,
    /// After how many seconds it stops working: at most 600, which is also what it is when left
    /// out; with the role setup 604800
    #[arg(long)]
    expires_in_seconds: Option<u64>,
    /// Print the link as the API answers it
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    public_url: PublicUrlArgs,
    #[command(flatten)]
    app: AppArgs,
}

pub(super) async fn portal_link(args: PortalLinkArgs) -> Result<ExitCode, Failure> {
    let role = args.role.unwrap_or(PortalRole::Operator);
    let valid_for = args.expires_in_seconds.map(Duration::from_secs);
    portal_links::valid_for(role, valid_for)
        .map_err(|err| Failure::new("--expires-in-seconds is not usable", err))?;
    let draft = LinkDraft { role, email: args.email, name: args.name, valid_for };
    let app = args.app.app().await?;
    let created = create(&app, args.tenant.as_deref(), draft).await;
    let created = created.map_err(|err| Failure::new("the link was not made", err))?;
    let public_url = args.public_url.or_default();
    if args.json {
        say(&http::portal_link_json(&created, public_url.as_str()));
    } else {
        say(&created.url(public_url.as_str()));
        let until = created.expires_at.to_rfc3339_opts(SecondsFormat::Secs, true);
        // Beside the link, which a script may read.
        remark(&format!("It works once, until {until}."));
    }
    Ok(ExitCode::SUCCESS)
}

async fn create(
    app: &App,
    tenant: Option<&str>,
    draft: LinkDraft,
) -> Result<CreatedLink, AppError> {
    match tenant {
        None => portal_links::create_operator(app, &Principal::Console, draft).await,
        Some(tenant) => {
            let caller = access::enter(app, &Principal::Console, tenant).await?;
            portal_links::create(app, &caller, draft).await
        }
    }
}
