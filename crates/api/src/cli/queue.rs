//! `letterhead queue`.

use std::process::ExitCode;

use chrono::{DateTime, SecondsFormat, Utc};
use clap::Subcommand;
use serde_json::json;

use super::{Failure, remark, say};
use crate::{
    app::{
        AppError,
        queue::{self, QueueStatus},
    },
    config::AppArgs,
};

#[derive(Subcommand)]
pub(super) enum QueueCommand {
    /// Let nothing more leave, on whichever machine a worker runs; messages are taken over as ever
    Hold {
        /// What to write down about it
        #[arg(long)]
        reason: Option<String>,
        #[command(flatten)]
        app: Box<AppArgs>,
    },
    /// Let mail leave again
    Release {
        /// The time that a restored backup is of, such as 2026-03-01T04:00:00Z: what was accepted
        /// until then may have been sent since, becomes uncertain, and waits for a person
        #[arg(long)]
        restored_to: Option<DateTime<Utc>>,
        #[command(flatten)]
        app: Box<AppArgs>,
    },
    /// Show whether the queue is held, and how much waits
    Status {
        /// Print it as JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        app: Box<AppArgs>,
    },
}

fn failed(err: AppError) -> Failure {
    Failure::new("the command was not carried out", err)
}

pub(super) async fn queue(command: QueueCommand) -> Result<ExitCode, Failure> {
    match command {
        QueueCommand::Hold { reason, app } => {
            let app = app.app().await?;
            queue::hold(&app, reason.as_deref()).await.map_err(failed)?;
            let status = queue::status(&app).await.map_err(failed)?;
            say("The queue is held: nothing more leaves until letterhead queue release.");
            if status.stats.sending > 0 {
                remark(&format!("On their way already, and going out: {}.", status.stats.sending));
            }
        }
        QueueCommand::Release { restored_to, app } => {
            let app = app.app().await?;
            let released = queue::release(&app, restored_to).await.map_err(failed)?;
            if restored_to.is_some() {
                say(&format!(
                    "Messages that may have been sent already: {}. They are uncertain and wait for a \
                     person.",
                    released.uncertain
                ));
            }
            say(if released.was_held {
                "The queue is released: mail leaves again."
            } else {
                "The queue was not held."
            });
        }
        QueueCommand::Status { json, app } => {
            let status = queue::status(&app.app().await?).await.map_err(failed)?;
            say(&if json { as_json(&status) } else { in_words(&status) });
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn in_words(status: &QueueStatus) -> String {
    let held = match &status.hold {
        None => "The queue is not held.".to_owned(),
        Some(hold) => {
            let reason = hold.reason.as_ref().map(|reason| format!(" ({reason})"));
            format!("The queue is held since {}{}.", at(hold.since), reason.unwrap_or_default())
        }
    };
    let mail = status.stats;
    let age = match mail.oldest_due_age {
        Some(age) => format!("; the oldest that may leave has been due for {} s", age.as_secs()),
        None => String::new(),
    };
    format!("{held}\nWaiting: {}, on their way: {}{age}.", mail.waiting, mail.sending)
}

fn as_json(status: &QueueStatus) -> String {
    let mail = status.stats;
    json!({
        "held_since": status.hold.as_ref().map(|hold| at(hold.since)),
        "reason": status.hold.as_ref().and_then(|hold| hold.reason.as_deref()),
        "waiting": mail.waiting,
        "sending": mail.sending,
        "oldest_due_seconds": mail.oldest_due_age.map(|age| age.as_secs()),
    })
    .to_string()
}

fn at(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}
