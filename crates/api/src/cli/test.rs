//! `letterhead test`.

use std::process::ExitCode;

use clap::Args;
use letterhead_domain::{
    access::Principal,
    test_run::{StageStatus, TestMode, TestStatus},
};
use letterhead_storage::record::TestRunRecord;

use super::{Failure, say};
use crate::{
    app::{
        AppError, access, senders,
        test_runs::{self, TestRequest},
    },
    config::AppArgs,
    http,
};

#[derive(Args)]
pub(super) struct TestArgs {
    /// The tenant, by slug or id
    tenant: String,
    /// The sender, by slug or id
    #[arg(default_value = "default")]
    sender: String,
    /// Send a test mail to the sender's own address as well
    #[arg(long)]
    message: bool,
    /// Print the run as the API answers it
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    app: AppArgs,
}

pub(super) async fn test(args: TestArgs) -> Result<ExitCode, Failure> {
    let app = args.app.app().await?;
    let run = async {
        let caller = access::enter(&app, &Principal::Console, &args.tenant).await?;
        let sender = senders::load(&app, &caller, &args.sender).await?;
        let mode = if args.message { TestMode::Message } else { TestMode::Connection };
        let request = TestRequest { mode, target: None, settings: None };
        test_runs::run(&app, &caller, &sender, request).await
    };
    let run = run.await.map_err(|err: AppError| Failure::new("the test was not run", err))?;
    if args.json {
        say(&http::test_run_json(&run));
    } else {
        print(&run);
    }
    let passed = run.status == TestStatus::Passed;
    Ok(if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn print(run: &TestRunRecord) {
    for stage in &run.stages {
        let (name, status) = (stage.stage.as_str(), stage.status.as_str());
        let took = match stage.status {
            StageStatus::Passed | StageStatus::Failed => format!("{} ms", stage.took.as_millis()),
            StageStatus::Skipped | StageStatus::NotReached => String::new(),
        };
        let reply = stage.reply.as_ref().map(ToString::to_string).unwrap_or_default();
        say(format!("{name:<10} {status:<12} {took:>9}  {reply}").trim_end());
    }
    match &run.advice {
        None => say("Every stage passed: the server accepts mail with these settings."),
        Some(advice) => {
            say(&format!("\n{}", advice.title));
            for (number, step) in advice.steps.iter().enumerate() {
                say(&format!("  {}. {step}", number + 1));
            }
        }
    }
}
