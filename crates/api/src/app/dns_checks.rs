//! What DNS says about a sender's domain: looked up on request, and beside each test run.
//!
//! It is a hint and nothing else: it opens no connection, changes nothing and fails nothing.

use std::time::Duration;

use letterhead_domain::{domain_check::DomainCheck, smtp_settings::SmtpSettings};
use letterhead_mailer::mailer::Mailer;
use letterhead_storage::record::SenderRecord;
use tokio::{task::JoinHandle, time::timeout};

use super::{App, AppError, access::Caller};
use crate::clock;

/// How long a test run that has ended waits for what was not answered by then.
const MOMENT: Duration = Duration::from_secs(1);

/// Looks up the domain of the newest settings of `sender`.
///
/// # Errors
///
/// [`AppError::TooMany`] if the tenant has searched too often within a minute,
/// [`AppError::Unavailable`] if the database is out of reach.
pub async fn check(
    app: &App,
    caller: &Caller,
    sender: &SenderRecord,
) -> Result<DomainCheck, AppError> {
    app.count_search(caller.tenant)?;
    let now = app.now().await?;
    Ok(app.mailer.check_domain(&sender.newest().settings, now).await)
}

/// A check that goes on beside a test run.
pub(super) struct Beside(JoinHandle<DomainCheck>);

impl Beside {
    /// Starts to look up the domain of `settings`.
    pub(super) fn start(mailer: &Mailer, settings: &SmtpSettings) -> Self {
        let (mailer, settings) = (mailer.clone(), settings.clone());
        Self(tokio::spawn(async move { mailer.check_domain(&settings, clock::machine()).await }))
    }

    /// What was found, if it is known now or in a moment.
    pub(super) async fn found(mut self) -> Option<DomainCheck> {
        let found = timeout(MOMENT, &mut self.0).await;
        // It panicked or takes too long; either way the run goes without it.
        found.ok().and_then(Result::ok)
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        self.0.abort();
    }
}
