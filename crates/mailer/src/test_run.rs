//! Test runs.

use std::time::Duration;

use letterhead_domain::{
    email::EmailAddress, message::OutgoingMail, password::SmtpPassword,
    smtp_settings::SmtpSettings, test_run::TestMode,
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
    /// The mail of mode `message`; needed in that mode only.
    pub mail: Option<OutgoingMail>,
}

/// How much a test run may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TestLimits {
    /// The whole run.
    pub total: Duration,
}

impl Default for TestLimits {
    fn default() -> Self {
        Self {
            total: Duration::from_secs(20),
        }
    }
}
