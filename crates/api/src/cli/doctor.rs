//! `letterhead doctor`: what an operator would look at first when something does not work.
//!
//! It reads the configuration that `letterhead serve` would start with and changes nothing. Each
//! check ends in findings of one sentence, with what to do about it.

use std::process::ExitCode;

use clap::Args;
use letterhead_domain::smtp_host::SmtpHost;

use self::finding::Report;
use super::{Failure, serve::ServeArgs};

mod configuration;
mod database;
mod finding;
mod network;

#[derive(Args)]
pub(super) struct DoctorArgs {
    /// The name to look up in the DNS; left out, the control host's
    #[arg(long)]
    name: Option<SmtpHost>,
    /// Print the findings as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    serve: ServeArgs,
}

pub(super) async fn doctor(args: DoctorArgs) -> Result<ExitCode, Failure> {
    let DoctorArgs { name, json, serve } = args;
    let mut report = Report::new(json);
    let mailer = configuration::check(&mut report, &serve);
    database::check(&mut report, &serve.app.database, &serve.app.keys).await;
    if let Some(mailer) = mailer {
        let control_host = serve.app.mailer.control_host.as_ref();
        network::check(&mut report, &mailer, control_host, name.as_ref()).await;
    }
    Ok(report.finish())
}
