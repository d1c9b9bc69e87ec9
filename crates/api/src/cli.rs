//! The command line.

use std::{
    error::Error,
    io::{IsTerminal, Write},
    process::ExitCode,
};

use clap::{Parser, Subcommand};

use crate::config::{LogArgs, LogFormat};

mod demo;
mod demo_files;
mod doctor;
mod master_key;
mod migrate;
mod portal_link;
mod practice;
mod queue;
mod serve;
mod tenants;
mod test;

/// Letterhead lets every client business of a SaaS send its mail under its own name.
#[derive(Parser)]
#[command(name = "letterhead", version, max_term_width = 100)]
struct Cli {
    #[command(flatten)]
    log: LogArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the API and deliver mail
    Serve(serve::ServeArgs),
    /// Deliver mail only
    Work(serve::WorkArgs),
    /// Create the schema, or bring it up to date; safe to repeat
    Migrate(migrate::MigrateArgs),
    /// Run everything with two demo tenants and a practice mail server
    Demo(Box<demo::DemoArgs>),
    /// Run the practice mail server alone
    PracticeServer(practice::PracticeArgs),
    /// Test SMTP settings: a tenant's, or anybody's without a database; exit status 1 if a stage
    /// fails, 2 if the test was not run
    Test(Box<test::TestArgs>),
    /// Check configuration, database, roles, keys, clock, and the ways out; exit status 1 if
    /// something has to be mended
    Doctor(Box<doctor::DoctorArgs>),
    /// Create and list tenants
    #[command(subcommand)]
    Tenant(tenants::TenantCommand),
    /// Create API keys
    #[command(subcommand)]
    ApiKey(tenants::ApiKeyCommand),
    /// Make a link into the portal for one person, and print it, this once
    PortalLink(Box<portal_link::PortalLinkArgs>),
    /// Hold the queue of all tenants, release it, and see how it stands
    #[command(subcommand)]
    Queue(queue::QueueCommand),
    /// Make master keys, and see which ones are in use
    #[command(subcommand)]
    MasterKey(master_key::MasterKeyCommand),
    /// Print the OpenAPI document
    Openapi,
}

/// Why a command ended early: one sentence for the operator, and what lies behind it.
#[derive(Debug, thiserror::Error)]
#[error("{sentence}")]
pub struct Failure {
    sentence: String,
    source: Option<Box<dyn Error + Send + Sync>>,
    status: u8,
}

/// The exit status of a command that failed, if it chooses no other.
const FAILED: u8 = 1;

impl Failure {
    /// A failure with its cause.
    pub fn new(
        sentence: impl Into<String>,
        source: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        Self { sentence: sentence.into(), source: Some(source.into()), status: FAILED }
    }

    /// A failure that says everything.
    pub fn say(sentence: impl Into<String>) -> Self {
        Self { sentence: sentence.into(), source: None, status: FAILED }
    }

    /// The same, with another exit status.
    fn with_status(self, status: u8) -> Self {
        Self { status, ..self }
    }

    /// The sentence, and after it every cause.
    fn in_full(&self) -> String {
        let mut line = self.to_string();
        let mut source = self.source();
        while let Some(cause) = source {
            line.push_str(": ");
            line.push_str(&cause.to_string());
            source = cause.source();
        }
        line
    }
}

/// Runs the command that the arguments name.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    start_log(&cli.log);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(err) => return fail(&Failure::new("cannot start the runtime", err)),
    };
    match runtime.block_on(run(cli.command)) {
        Ok(code) => code,
        Err(failure) => fail(&failure),
    }
}

async fn run(command: Command) -> Result<ExitCode, Failure> {
    match command {
        Command::Serve(args) => serve::serve(args).await,
        Command::Work(args) => serve::work(args).await,
        Command::Migrate(args) => migrate::migrate(args).await,
        Command::Demo(args) => demo::demo(*args).await,
        Command::PracticeServer(args) => practice::practice_server(args).await,
        Command::Test(args) => test::test(*args).await,
        Command::Doctor(args) => doctor::doctor(*args).await,
        Command::Tenant(command) => tenants::tenant(command).await,
        Command::ApiKey(command) => tenants::api_key(command).await,
        Command::PortalLink(args) => portal_link::portal_link(*args).await,
        Command::Queue(command) => queue::queue(command).await,
        Command::MasterKey(command) => master_key::master_key(command).await,
        Command::Openapi => {
            say(&crate::http::document());
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn start_log(args: &LogArgs) {
    let filter = tracing_subscriber::EnvFilter::builder().parse_lossy(&args.log);
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    match args.log_format {
        LogFormat::Text => log.init(),
        LogFormat::Json => log.json().init(),
    }
}

/// Prints a line for whoever ran the command. A closed pipe ends nothing.
#[expect(clippy::print_stdout, reason = "the one place that speaks to standard output")]
fn say(line: &str) {
    println!("{line}");
}

/// Prints a line beside the output, for whoever watches. A closed pipe ends nothing.
fn remark(line: &str) {
    let _closed = writeln!(std::io::stderr(), "{line}");
}

fn fail(failure: &Failure) -> ExitCode {
    remark(&format!("letterhead: {}", failure.in_full()));
    ExitCode::from(failure.status)
}
