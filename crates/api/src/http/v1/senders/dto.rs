//! What requests and answers about senders look like.

use chrono::{DateTime, Utc};
use letterhead_domain::{
    sender::{Pause, PauseReason, SecretState, SenderState, SettingsVersion},
    smtp_settings::{PasswordInput, SettingsInput, SmtpSettings},
    test_run::{Stage, TestStatus},
};
use letterhead_storage::record::{SenderRecord, TestRunSummary};
use poem_openapi::{
    Object,
    types::{Example, MaybeUndefined},
};
use zeroize::Zeroizing;

use super::limits::{HoldView, SenderLimits};
use crate::http::text::{
    AuthKind, DriverKind, EncryptionInputKind, EncryptionKind, PasswordKind, Text, Word,
};

/// The SMTP settings of a sender.
#[derive(Object)]
#[oai(deny_unknown_fields, example)]
pub(in crate::http::v1) struct PutSender {
    /// The mail protocol; left out, it is `smtp`
    #[oai(nullable)]
    driver: Option<Text<DriverKind>>,
    /// The mail server, such as `smtp.gmail.com`
    host: String,
    /// Its port: 587 goes with `starttls`, 465 with `implicit_tls`
    port: i64,
    /// `starttls` (alias `tls`), `implicit_tls` (alias `ssl`), or `none` where the operator allows it
    encryption: Text<EncryptionInputKind>,
    /// How to sign in; left out, it is `password`
    #[oai(nullable)]
    auth: Option<Text<AuthKind>>,
    /// Who signs in; not with `auth: none`
    #[oai(nullable)]
    username: Option<String>,
    /// Written, never read. Left out, the newest version's password is kept, unless host, user name or
    /// the kind of encryption changed: then it must be typed again
    #[oai(nullable)]
    password: MaybeUndefined<Text<PasswordKind>>,
    /// The name that recipients see, at most 120 characters
    sender_name: String,
    /// The address that recipients see
    sender_email: String,
    /// Where answers go, if not to `sender_email`
    #[oai(nullable)]
    reply_to: Option<String>,
}

impl Example for PutSender {
    fn example() -> Self {
        Self {
            driver: Some(Text::new("smtp")),
            host: "smtp.gmail.com".to_owned(),
            port: 587,
            encryption: Text::new("starttls"),
            auth: Some(Text::new("password")),
            username: Some("billing@aurora.example".to_owned()),
            password: MaybeUndefined::Value(Text::new("abcd efgh ijkl mnop")),
            sender_name: "Aurora Books".to_owned(),
            sender_email: "billing@aurora.example".to_owned(),
            reply_to: None,
        }
    }
}

impl From<PutSender> for SettingsInput {
    fn from(given: PutSender) -> Self {
        Self {
            driver: given.driver.map(Text::into_string),
            host: given.host,
            port: given.port,
            encryption: given.encryption.into_string(),
            auth: given.auth.map(Text::into_string),
            username: given.username,
            password: match given.password {
                MaybeUndefined::Undefined => PasswordInput::Absent,
                MaybeUndefined::Null => PasswordInput::Null,
                MaybeUndefined::Value(text) => {
                    PasswordInput::Text(Zeroizing::new(text.into_string()))
                }
            },
            sender_name: given.sender_name,
            sender_email: given.sender_email,
            reply_to: given.reply_to,
        }
    }
}

/// Saved SMTP settings. The password is never shown.
#[derive(Object)]
pub(in crate::http::v1) struct Settings {
    /// The mail protocol
    driver: Text<DriverKind>,
    /// The mail server
    host: String,
    /// Its port
    port: i64,
    /// How the connection is protected
    encryption: Text<EncryptionKind>,
    /// How to sign in
    auth: Text<AuthKind>,
    /// Who signs in; `null` with `auth: none`
    #[oai(nullable)]
    username: Option<String>,
    /// Whether a password is stored that can be used
    has_password: bool,
    /// The name that recipients see
    sender_name: String,
    /// The address that recipients see
    sender_email: String,
    /// Where answers go; `null` if to `sender_email`
    #[oai(nullable)]
    reply_to: Option<String>,
}

impl From<&SettingsVersion> for Settings {
    fn from(version: &SettingsVersion) -> Self {
        let SmtpSettings { host, port, encryption, auth, sender_name, sender_email, reply_to } =
            &version.settings;
        Self {
            driver: Text::new(SmtpSettings::DRIVER),
            host: host.to_string(),
            port: i64::from(port.get()),
            encryption: Text::new(encryption.as_str()),
            auth: Text::new(auth.as_str()),
            username: auth.username().map(ToString::to_string),
            has_password: version.secret_state == SecretState::Readable,
            sender_name: sender_name.to_string(),
            sender_email: sender_email.to_string(),
            reply_to: reply_to.as_ref().map(ToString::to_string),
        }
    }
}

/// How a tenant's mail leaves.
#[derive(Object)]
pub(in crate::http::v1) struct Sender {
    /// Its id
    id: String,
    /// Its name in paths
    slug: String,
    /// What it is doing: the first that applies
    state: Word<SenderState>,
    /// The number of the version that sends; `null` if none is proven yet
    #[oai(nullable)]
    live_version: Option<u32>,
    /// The number of a newer version that is not proven yet
    #[oai(nullable)]
    candidate_version: Option<u32>,
    /// The newest version: the candidate, or else the live one
    settings: Settings,
    /// The version that sends
    #[oai(nullable)]
    live_settings: Option<Settings>,
    /// Why it is paused, if it is
    #[oai(nullable)]
    pause: Option<PauseView>,
    /// Why and until when its mail waits although its settings work
    #[oai(nullable)]
    hold: Option<HoldView>,
    /// How much may leave through it
    limits: SenderLimits,
    /// Its newest test run
    #[oai(nullable)]
    last_test: Option<LastTest>,
    /// When it was created
    created_at: DateTime<Utc>,
    /// When its settings, its pause or its live version last changed
    updated_at: DateTime<Utc>,
}

impl From<SenderRecord> for Sender {
    fn from(record: SenderRecord) -> Self {
        let number = |version: &Option<SettingsVersion>| Some(version.as_ref()?.number.0);
        Self {
            id: record.id.to_string(),
            slug: record.slug.to_string(),
            state: record.state().into(),
            live_version: number(&record.live),
            candidate_version: number(&record.candidate),
            settings: record.newest().into(),
            live_settings: record.live.as_ref().map(Into::into),
            hold: record.hold.map(Into::into),
            limits: (&record).into(),
            pause: record.pause.map(Into::into),
            last_test: record.last_test.map(Into::into),
            created_at: record.created_at,
            updated_at: record.updated_at,
        }
    }
}

/// Why and since when a sender is paused.
#[derive(Object)]
#[oai(rename = "Pause")]
struct PauseView {
    /// Why
    reason: Word<PauseReason>,
    /// Since when
    since: DateTime<Utc>,
    /// What the mail server said, if it was the server
    #[oai(nullable)]
    reply: Option<String>,
}

impl From<Pause> for PauseView {
    fn from(pause: Pause) -> Self {
        Self {
            reason: pause.reason.into(),
            since: pause.since,
            reply: pause.reply.map(|reply| reply.to_string()),
        }
    }
}

/// A sender's newest test run in short.
#[derive(Object)]
struct LastTest {
    /// Its id
    id: String,
    /// The version that was tried; `null` if the settings were never saved
    #[oai(nullable)]
    version: Option<u32>,
    /// Where it stands
    status: Word<TestStatus>,
    /// When it began
    started_at: DateTime<Utc>,
    /// The stage that failed
    #[oai(nullable)]
    failed_stage: Option<Word<Stage>>,
    /// The code of its advice
    #[oai(nullable)]
    advice_code: Option<String>,
}

impl From<TestRunSummary> for LastTest {
    fn from(run: TestRunSummary) -> Self {
        Self {
            id: run.id.to_string(),
            version: run.version.map(|version| version.0),
            status: run.status.into(),
            started_at: run.started_at,
            failed_stage: run.failed_stage.map(Into::into),
            advice_code: run.advice_code,
        }
    }
}
