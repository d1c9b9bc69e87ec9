//! Test runs: one staged try of settings, over a session of its own.
//!
//! A run takes the very way of a delivery (the same guard, opening, envelope and composition),
//! for a test that passes where sending fails is worse than none. It never fails as a call: what
//! goes wrong is what it reports.

use std::time::Duration;

use letterhead_domain::{
    email::EmailAddress,
    message::OutgoingMail,
    password::SmtpPassword,
    smtp_settings::SmtpSettings,
    test_run::{Cause, Failure, Stage, TestMode, TestReport},
};

use tokio::time::Instant;

use crate::{
    compose::compose,
    conversation::{Conversation, accepted},
    opening::{Bounds, Opener},
    transaction::{hand_over_body, mail_command, rcpt_command},
    walk::{OnStage, Walk},
};

/// What to test.
pub struct TestPlan {
    /// The settings, saved or typed.
    pub settings: SmtpSettings,
    /// The password, if the settings sign in.
    pub password: Option<SmtpPassword>,
    /// How far to go.
    pub mode: TestMode,
    /// Whom to name at `RCPT`.
    pub recipient: EmailAddress,
    /// The mail of mode `message`; not looked at in mode `connection`.
    pub mail: Option<OutgoingMail>,
}

/// How much a test run may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TestLimits {
    /// The whole run.
    pub total: Duration,
    /// The wait for the greeting. A server that waits for TLS itself never greets, and what comes
    /// after that wait is time to find out on which port or in which way it would.
    pub greeting: Duration,
}

impl TestLimits {
    /// The bounds of a test that must be over at `limit`.
    pub(crate) fn until(self, limit: Instant) -> Bounds {
        Bounds { limit: Some(limit), greeting: Some(self.greeting), lease: None }
    }
}

impl Default for TestLimits {
    fn default() -> Self {
        Self { total: Duration::from_secs(20), greeting: Duration::from_secs(10) }
    }
}

/// Runs `plan` within `bounds`.
pub(crate) async fn run(
    opener: &Opener,
    plan: &TestPlan,
    bounds: Bounds,
    on_stage: OnStage<'_>,
) -> TestReport {
    let mut walk = Walk::new(Some(on_stage));
    let failure = try_stages(opener, plan, bounds, &mut walk).await.err();
    walk.report(failure)
}

async fn try_stages(
    opener: &Opener,
    plan: &TestPlan,
    bounds: Bounds,
    walk: &mut Walk<'_>,
) -> Result<(), Failure> {
    let TestPlan { settings, password, .. } = plan;
    let limit = bounds.limit;
    let mut conversation = match opener.open(settings, password.as_ref(), bounds, walk).await {
        Ok(conversation) => conversation,
        Err(failure) => return Err(opener.compare(failure, settings, limit).await),
    };
    let outcome = try_message(&mut conversation, plan, walk).await;
    if outcome.is_ok() {
        // All that was asked is answered; the good-bye changes nothing.
        let _ = conversation.courtesy("QUIT").await;
    }
    outcome
}

async fn try_message(
    conversation: &mut Conversation,
    plan: &TestPlan,
    walk: &mut Walk<'_>,
) -> Result<(), Failure> {
    let from = &plan.settings.sender_email;
    let mail = match (plan.mode, &plan.mail) {
        (TestMode::Connection, _) => None,
        (TestMode::Message, Some(mail)) => {
            let composed = compose(mail.clone());
            Some(composed.map_err(|_| walk.fail(Stage::Message, Cause::Interrupted))?)
        }
        (TestMode::Message, None) => {
            return Err(walk.fail(Stage::Message, Cause::Interrupted));
        }
    };

    let recipients = std::slice::from_ref(&plan.recipient);
    let line = mail_command(conversation, from, recipients, mail.as_ref())
        .map_err(|cause| walk.fail(Stage::Sender, cause))?;
    step(conversation, &line, Stage::Sender, walk).await?;
    let line = rcpt_command(&plan.recipient);
    step(conversation, &line, Stage::Recipient, walk).await?;

    let Some(mail) = mail else {
        walk.skip(Stage::Message);
        // The run has passed: how the server takes leave of the transaction changes nothing.
        let _ = conversation.courtesy("RSET").await;
        return Ok(());
    };
    let word = match conversation.command("DATA").await {
        Ok(word) if word.code == 354 => hand_over_body(conversation, &mail).await,
        Ok(word) if word.code < 400 => Err(Cause::NotSmtp),
        word => word,
    };
    match word.and_then(accepted) {
        Ok(word) => {
            walk.pass(Stage::Message, Some(word));
            Ok(())
        }
        Err(cause) => Err(walk.fail(Stage::Message, cause)),
    }
}

async fn step(
    conversation: &mut Conversation,
    line: &str,
    stage: Stage,
    walk: &mut Walk<'_>,
) -> Result<(), Failure> {
    match conversation.command(line).await.and_then(accepted) {
        Ok(reply) => {
            walk.pass(stage, Some(reply));
            Ok(())
        }
        Err(cause) => Err(walk.fail(stage, cause)),
    }
}
