//! `letterhead demo`: everything on one machine, with real parts.
//!
//! Two tenants, a practice mail server whose faults can be chosen, the API and the worker. What it
//! makes is kept in the state folder, so that a second start goes on where the first one stopped.

use std::{path::PathBuf, process::ExitCode, time::Duration};

use clap::Args;
use letterhead_domain::access::{PortalRole, Principal, Scope};
use letterhead_mailer::{egress::policy::AllowedDestination, practice_server::PracticeServer};

use super::{
    Failure,
    demo_files::{DemoFile, DemoPractice, DemoTenant, StateFolder},
    master_key, migrate,
    practice::{INBOX_PORT, PASSWORD, PracticePorts, USERNAME},
    say,
    serve::{Api, Program, bind, stop_signal},
};
use crate::{
    app::{
        App, AppError, access,
        access::Caller,
        portal_links::{self, LinkDraft},
        tenants,
        tenants::KeyDraft,
    },
    config::{
        AppArgs, DatabaseArgs, HttpArgs, KeyArgs, MailerArgs, PortalArgs, RuleArgs, WorkerArgs,
    },
    practice_inbox, random,
    worker::Worker,
};

#[derive(Args)]
pub(super) struct DemoArgs {
    /// Folder for keys, certificates and demo.json
    #[arg(long, env = "LETTERHEAD_STATE", default_value = ".letterhead")]
    state: PathBuf,
    /// URL with the role that owns the database, where Letterhead logs in as another one
    #[arg(long, env = "LETTERHEAD_OWNER_DATABASE_URL", hide_env_values = true)]
    owner_database_url: Option<String>,
    /// A port without a listener, for trying what a refused connection looks like
    #[arg(long, env = "LETTERHEAD_PRACTICE_CLOSED_PORT", default_value_t = 8599)]
    closed_port: u16,
    #[command(flatten)]
    practice: PracticePorts,
    #[command(flatten)]
    database: DatabaseArgs,
    #[command(flatten)]
    mailer: MailerArgs,
    #[command(flatten)]
    rules: RuleArgs,
    #[command(flatten)]
    http: HttpArgs,
    #[command(flatten)]
    portal: PortalArgs,
    #[command(flatten)]
    worker: WorkerArgs,
}

/// The name under which the practice server is reached: its certificate is for it.
const PRACTICE_HOST: &str = "localhost";

/// A tenant of the demo, and its person who gets a link into the portal.
struct Cast {
    slug: &'static str,
    name: &'static str,
    person: (&'static str, &'static str),
}

const TENANTS: [Cast; 2] = [
    Cast { slug: "aurora", name: "Aurora Books", person: ("Ann", "ann@aurora.example") },
    Cast { slug: "borealis", name: "Borealis Supplies", person: ("Ben", "ben@borealis.example") },
];
const OPERATOR: (&str, &str) = ("Olga", "olga@operator.example");

pub(super) async fn demo(args: DemoArgs) -> Result<ExitCode, Failure> {
    let stop = stop_signal()?;
    // Every port first: nothing is half started when one of them is taken.
    let api = bind(args.http.listen, "LETTERHEAD_LISTEN").await?;
    let inbox = bind(args.practice.inbox_address(), INBOX_PORT).await?;
    let metrics = match args.http.metrics_listen {
        Some(address) => Some(bind(address, "LETTERHEAD_METRICS_LISTEN").await?),
        None => None,
    };
    let state = StateFolder::open(&args.state)?;
    let practice = args.practice.start(&args.state).await?;

    let database = &args.database;
    migrate::bring_up_to_date(database.url()?, args.owner_database_url.as_deref()).await?;
    let app = app(&args, &state, &practice).await?;
    let portal = args.portal.portal(api.local_addr().unwrap_or(args.http.listen))?;
    let url = portal.public_url.as_str();
    let file = settle(&app, &args, &state, &practice, url).await?;
    state.write(&file)?;

    let shown = practice_inbox::serve(inbox, practice.inbox(), stop.clone());
    let shown = tokio::spawn(shown);
    let worker = Some(Worker::new(app.clone(), args.worker.config()));
    let grace = Duration::from_secs(args.http.shutdown_seconds);
    let api = Api { listener: api, args: args.http, portal };
    let program = Program { app, api: Some(api), metrics, worker };
    let running = tokio::spawn(program.run(stop, grace));
    tell(&file, &state);
    let ended = running.await.map_err(|err| Failure::new("the program ended early", err))?;
    let _shown = shown.await;
    practice.stop().await;
    ended
}

/// The program's parts, with the practice server let through the egress guard.
async fn app(
    args: &DemoArgs,
    state: &StateFolder,
    practice: &PracticeServer,
) -> Result<App, Failure> {
    let ports = [practice.starttls_port(), practice.implicit_tls_port(), args.closed_port];
    let fault_ports = practice.fault_ports().map(|(_, port)| port);
    let allowed: Result<Vec<AllowedDestination>, _> = ports
        .into_iter()
        .chain(fault_ports)
        .map(|port| format!("{PRACTICE_HOST}:{port}").parse())
        .collect();
    let mut mailer = args.mailer.clone();
    mailer.allow.extend(
        allowed.map_err(|err| Failure::new("the practice server's ports are not usable", err))?,
    );
    mailer.ca_files.push(practice.ca_file().to_owned());
    let keys = KeyArgs {
        master_keys: None,
        master_key_file: Some(state.master_key(master_key::generate)?),
    };
    let (database, rules) = (args.database.clone(), args.rules.clone());
    AppArgs { database, keys, mailer, rules }.app().await
}

/// Sees to it that the demo's tenants and keys exist, and keeps those that still work.
async fn settle(
    app: &App,
    args: &DemoArgs,
    state: &StateFolder,
    practice: &PracticeServer,
    public_url: &str,
) -> Result<DemoFile, Failure> {
    let failed = |err: AppError| Failure::new("cannot prepare the demo's tenants", err);
    let before = state.read();
    let kept = before.as_ref().map(|file| file.operator_key.as_str());
    let operator_key = match kept {
        Some(key) if works(app, key, None).await => key.to_owned(),
        _ => {
            let name = "demo".parse().map_err(|err| Failure::new("no name", err))?;
            let key = tenants::create_operator_key(app, name).await.map_err(failed)?;
            key.text.to_string()
        }
    };
    let mut demo_tenants = Vec::new();
    for Cast { slug, name, person } in TENANTS {
        let caller = tenant(app, slug, name).await.map_err(failed)?;
        let kept = before.as_ref().and_then(|file| file.api_key(slug));
        let api_key = match kept {
            Some(key) if works(app, key, Some(&caller)).await => key.to_owned(),
            _ => tenant_key(app, &caller).await.map_err(failed)?,
        };
        let draft = link_draft(PortalRole::Admin, person).map_err(failed)?;
        let link = portal_links::create(app, &caller, draft).await.map_err(failed)?;
        let portal_url = link.url(public_url).to_string();
        demo_tenants.push(DemoTenant { slug: slug.to_owned(), api_key, portal_url });
    }
    let draft = link_draft(PortalRole::Operator, OPERATOR).map_err(failed)?;
    let link = portal_links::create_operator(app, &Principal::Console, draft).await;
    Ok(DemoFile {
        url: format!("http://{}", args.http.listen),
        portal_url: demo_tenants
            .first()
            .map_or_else(String::new, |aurora| aurora.portal_url.clone()),
        operator_portal_url: link.map_err(failed)?.url(public_url).to_string(),
        operator_key,
        tenants: demo_tenants,
        practice: DemoPractice {
            host: PRACTICE_HOST.to_owned(),
            starttls_port: practice.starttls_port(),
            implicit_tls_port: practice.implicit_tls_port(),
            username: USERNAME.to_owned(),
            password: PASSWORD.to_owned(),
            inbox_url: format!("http://{}/", args.practice.inbox_address()),
            closed_port: args.closed_port,
            fault_ports: practice
                .fault_ports()
                .map(|(fault, port)| (fault.as_str().to_owned(), port))
                .collect(),
        },
    })
}

/// Whether `key` still works, and is the tenant's if one is named.
async fn works(app: &App, key: &str, caller: Option<&Caller>) -> bool {
    let here = std::net::IpAddr::from([127, 0, 0, 1]);
    match (access::authenticate(app, key, here).await, caller) {
        (Ok(Principal::Operator { .. }), None) => true,
        (Ok(Principal::Tenant { tenant, .. }), Some(caller)) => tenant == caller.tenant,
        _ => false,
    }
}

async fn tenant(app: &App, slug: &str, name: &str) -> Result<Caller, AppError> {
    match access::enter(app, &Principal::Console, slug).await {
        Err(AppError::NotFound(_)) => {
            let no_name = |invalid| AppError::Conflict(format!("{invalid}"));
            let (slug, name) = (slug.parse().map_err(no_name)?, name.parse().map_err(no_name)?);
            let created = tenants::create(app, &Principal::Console, slug, name).await?;
            Ok(Caller { principal: Principal::Console, tenant: created.id })
        }
        found => found,
    }
}

async fn tenant_key(app: &App, caller: &Caller) -> Result<String, AppError> {
    let name = "demo".parse().map_err(|invalid| AppError::Conflict(format!("{invalid}")))?;
    let draft = KeyDraft { name, scopes: Scope::ALL.to_vec(), expires_at: None };
    Ok(tenants::create_key(app, caller, draft).await?.key.text.to_string())
}

fn link_draft(role: PortalRole, (name, email): (&str, &str)) -> Result<LinkDraft, AppError> {
    let no_name = |invalid| AppError::Conflict(format!("{invalid}"));
    let (name, email) = (name.parse().map_err(no_name)?, email.parse().map_err(no_name)?);
    Ok(LinkDraft { role, email, name, valid_for: None })
}

/// What a newcomer needs: where things are, and lines to paste.
fn tell(file: &DemoFile, state: &StateFolder) {
    let key = file.tenants.first().map_or("", |tenant| tenant.api_key.as_str());
    let (url, practice) = (&file.url, &file.practice);
    let settings = serde_json::json!({
        "driver": "smtp",
        "host": practice.host,
        "port": practice.starttls_port,
        "encryption": "starttls",
        "username": practice.username,
        "password": practice.password,
        "sender_name": "Aurora Books",
        "sender_email": "billing@aurora.example",
    });
    let receipt = state.receipt().display().to_string();
    say(&format!(
        "
Letterhead is running. Click this first, the settings page of Aurora Books:

  {portal}

There, press Edit and enter the practice mail server: host {host}, port {port}, encryption TLS, username
{username}, password {password}, and any sender. Then save, and test.

And this for the operator's side, best in another browser or a private window:

  {operator_portal}

Each link works once, for 10 minutes. `make portal-link` makes another one for Aurora Books, and

  make portal-link ARGS='--operator --email olga@operator.example --name Olga'

one for the operator. The rest, for programs:

  API            {url}/v1        (documentation: {url}/docs)
  practice mail  {inbox}   (what the practice mail server caught)
  operator key   {operator_key}
  key of aurora  {key}
  for scripts    {demo}

Paste these, in this order:

  # 1. save SMTP settings
  curl -sS -X PUT {url}/v1/tenants/self/senders/default \\
    -H 'Authorization: Bearer {key}' -H 'Content-Type: application/json' \\
    -d '{settings}'

  # 2. test them: when every stage passes they are live
  curl -sS -X POST {url}/v1/tenants/self/senders/default/test-runs \\
    -H 'Authorization: Bearer {key}' -H 'Content-Type: application/json' -d '{{}}'

  # 3. send a receipt with a PDF, then look at {inbox}
  curl -sS -X POST {url}/v1/tenants/self/messages \\
    -H 'Authorization: Bearer {key}' -H 'Content-Type: application/json' \\
    -H 'Idempotency-Key: receipt-4711-{start:04x}' -d @{receipt}

Ctrl-C stops everything.
",
        portal = file.portal_url,
        operator_portal = file.operator_portal_url,
        host = practice.host,
        port = practice.starttls_port,
        username = practice.username,
        password = practice.password,
        inbox = practice.inbox_url,
        // Of this start: the database remembers the keys of earlier ones, and the inbox is empty.
        start = u16::from_be_bytes(random::bytes()),
        operator_key = file.operator_key,
        demo = state.demo_file().display(),
    ));
}
