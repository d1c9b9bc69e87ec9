//! `letterhead test`: of a tenant's saved settings, or of settings typed right here.

use std::process::ExitCode;

use clap::Args;
use letterhead_domain::{
    access::Principal,
    arrival::Arrival,
    domain_check::DomainCheck,
    fix::{Fix, Tried},
    test_run::{StageReport, StageStatus, TestMode, TestStatus},
};
use letterhead_storage::record::{StoredAdvice, TestRunRecord};

use self::typed::TypedArgs;
use super::{Failure, say};
use crate::{
    app::{
        AppError, access, guides, senders,
        test_runs::{self, TestRequest},
    },
    config::AppArgs,
    http,
};

mod domain;
mod password;
mod typed;

/// The exit status when no test was run.
const NOT_RUN: u8 = 2;

#[derive(Args)]
#[command(override_usage = "letterhead test [OPTIONS] <TENANT> [SENDER]\n       \
    letterhead test [OPTIONS] --host <HOST> --port <PORT> --encryption <ENCRYPTION> --from <FROM>")]
pub(super) struct TestArgs {
    /// The tenant, by slug or id; its saved settings are tested, and the run is recorded
    #[arg(required_unless_present = "host", conflicts_with = "host")]
    tenant: Option<String>,
    /// The sender, by slug or id
    #[arg(default_value = "default", conflicts_with = "host")]
    sender: String,
    #[command(flatten)]
    shown: Shown,
    #[command(flatten)]
    app: AppArgs,
    // Last, since clap gives the heading to whatever follows.
    #[command(flatten, next_help_heading = "Settings to test instead of a tenant's")]
    typed: TypedArgs,
}

/// How far a test goes, and what is told of it.
#[derive(Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
struct Shown {
    /// Send a test mail as well: to the sender's own address, or to the one given with --to
    #[arg(long)]
    message: bool,
    /// Print the run as the API answers it
    #[arg(long)]
    json: bool,
    /// Print the conversation with the server too, with passwords taken out
    #[arg(long)]
    transcript: bool,
    /// Do not try other ports, encryptions and the like if the test fails
    #[arg(long)]
    no_fix: bool,
}

impl Shown {
    fn mode(&self) -> TestMode {
        if self.message { TestMode::Message } else { TestMode::Connection }
    }
}

pub(super) async fn test(args: TestArgs) -> Result<ExitCode, Failure> {
    let TestArgs { tenant, sender, typed, shown, app } = args;
    let tested = match tenant {
        Some(tenant) => test_saved(&app, &tenant, &sender, &shown).await,
        None => typed::test(typed, &app.mailer, &shown).await,
    };
    match tested.map_err(|failure| failure.with_status(NOT_RUN))? {
        TestStatus::Passed => Ok(ExitCode::SUCCESS),
        TestStatus::Failed | TestStatus::Running => Ok(ExitCode::FAILURE),
    }
}

async fn test_saved(
    app: &AppArgs,
    tenant: &str,
    sender: &str,
    shown: &Shown,
) -> Result<TestStatus, Failure> {
    let app = app.app().await?;
    let run = async {
        let caller = access::enter(&app, &Principal::Console, tenant).await?;
        let sender = senders::load(&app, &caller, sender).await?;
        let request =
            TestRequest { mode: shown.mode(), target: None, settings: None, fix: !shown.no_fix };
        let run = test_runs::run(&app, &caller, &sender, request).await?;
        let transcript = if shown.transcript && run.has_transcript {
            Some(test_runs::transcript(&app, &caller, sender.id, &run.id.to_string()).await?)
        } else {
            None
        };
        Ok((run, transcript))
    };
    let (run, transcript): (TestRunRecord, Option<String>) =
        run.await.map_err(|err: AppError| Failure::new("the test was not run", err))?;
    if shown.json {
        say(&http::test_run_json(&run));
    } else {
        print(
            &run.stages,
            run.advice.as_ref(),
            run.fix.as_ref(),
            run.dns_check.as_ref(),
            transcript.as_deref(),
        );
        if let Arrival::Awaited { .. } = run.arrival {
            let page = format!("/portal/tenants/{tenant}/senders/{sender}/test-runs/{}", run.id);
            say(&format!(
                "\nThe test mail carries a code. Type it in at {page} to prove that it arrived."
            ));
        }
    }
    Ok(run.status)
}

/// Prints what came of a run, for people.
fn print(
    stages: &[StageReport],
    advice: Option<&StoredAdvice>,
    fix: Option<&Fix>,
    dns_check: Option<&DomainCheck>,
    transcript: Option<&str>,
) {
    for stage in stages {
        let (name, status) = (stage.stage.as_str(), stage.status.as_str());
        let took = match stage.status {
            StageStatus::Passed | StageStatus::Failed => format!("{} ms", stage.took.as_millis()),
            StageStatus::Skipped | StageStatus::NotReached => String::new(),
        };
        let reply = stage.reply.as_ref().map(ToString::to_string).unwrap_or_default();
        say(format!("{name:<10} {status:<12} {took:>9}  {reply}").trim_end());
    }
    match advice {
        None => say("Every stage passed: the server accepts mail with these settings."),
        Some(advice) => {
            say(&format!("\n{}", advice.title));
            for (number, step) in advice.steps.iter().enumerate() {
                say(&format!("  {}. {step}", number + 1));
            }
            if let Some(guide) = advice.guide.as_deref().and_then(guides::find) {
                say(&format!("  Guide: {} (GET /v1/guides/{}/pdf)", guide.title, guide.id));
            }
        }
    }
    if let Some(fix) = fix {
        say(&format!("\n{}", fix.message()));
        for Tried { entry, result } in &fix.tried {
            let place = format!("{}:{} {}", entry.host, entry.port, entry.encryption.as_str());
            let username = entry.username.as_ref().map(ToString::to_string).unwrap_or_default();
            say(&format!("  {place} {username}: {}", result.as_str()));
        }
    }
    if let Some(check) = dns_check {
        domain::print(check);
    }
    if let Some(transcript) = transcript {
        say(&format!("\n{}", transcript.trim_end()));
    }
}
