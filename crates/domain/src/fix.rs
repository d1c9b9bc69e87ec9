//! Fixes: settings that may work where a test run has failed.
//!
//! [`alternatives`] says what is worth a try, whoever tries it says what came of each, and
//! [`Fix::conclude`] makes an offer of that. A fix changes the server, the port, the encryption or
//! the user name and nothing else, is never less protected than what it replaces, and is an offer
//! only: a person applies it. How often a password may be tried meanwhile, [`account`] says.

pub mod account;
mod alternatives;
#[cfg(test)]
mod tests;

use std::fmt::Write;

use crate::{
    provider::{self, UsernameKind},
    smtp_host::SmtpHost,
    smtp_port::SmtpPort,
    smtp_settings::{Auth, Encryption, SmtpSettings},
    test_run::{Cause, Failure, Stage},
    text::Username,
    words::words,
};
pub use alternatives::{MOST, alternatives};

words! {
    /// How good an offer is.
    FixOutcome {
        /// A whole connection test passed with it.
        Proven = "proven",
        /// It comes further than what failed; the rest was not tried, or failed for another reason.
        Likely = "likely",
        /// Nothing that was tried works.
        None = "none",
    }
}

words! {
    /// What a fix can change, in the order of the form.
    Change {
        /// The server.
        Host = "host",
        /// Its port.
        Port = "port",
        /// How the connection is protected.
        Encryption = "encryption",
        /// Who signs in.
        Username = "username",
    }
}

words! {
    /// What came of one try.
    TryResult {
        /// A whole connection test passed.
        Passed = "passed",
        /// The server answers, protected, and offers to sign in; no password was sent.
        Answers = "answers",
        /// The server answers, and refused this user name and password.
        SignInRefused = "sign_in_refused",
        /// The server took the sign-in, and refused the sender or the recipient.
        MailRefused = "mail_refused",
        /// No connection was made.
        NoConnection = "no_connection",
        /// The server was reached and did not answer as a mail server does.
        NoAnswer = "no_answer",
        /// No protected connection came about.
        NoEncryption = "no_encryption",
        /// The server could not prove its name.
        CertificateRefused = "certificate_refused",
        /// The server offers no sign-in there.
        NoSignIn = "no_sign_in",
    }
}

impl TryResult {
    /// What a test that ended with `failure` came to.
    pub fn of(failure: &Failure) -> Self {
        match (failure.stage, &failure.cause) {
            (Stage::Tls, Cause::Certificate(_)) => Self::CertificateRefused,
            (Stage::Auth, Cause::AuthNotOffered) => Self::NoSignIn,
            (Stage::Auth, Cause::Refused(_)) => Self::SignInRefused,
            (
                Stage::Sender | Stage::Recipient | Stage::Message,
                Cause::Refused(_) | Cause::Smtputf8NotOffered,
            ) => Self::MailRefused,
            (Stage::Policy | Stage::Resolve | Stage::Connect, _) => Self::NoConnection,
            (_, Cause::ClearTextOnTls | Cause::TlsOnClearText) | (Stage::Tls, _) => {
                Self::NoEncryption
            }
            (
                Stage::Greeting | Stage::Auth | Stage::Sender | Stage::Recipient | Stage::Message,
                _,
            ) => Self::NoAnswer,
        }
    }
}

/// Where mail enters a server, and as whom: all that a fix may change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The server.
    pub host: SmtpHost,
    /// Its port.
    pub port: SmtpPort,
    /// How the connection is protected.
    pub encryption: Encryption,
    /// Who signs in; none if nobody does, or if the user name is as secret as the password.
    pub username: Option<Username>,
}

impl Entry {
    /// The entry of `settings`.
    pub fn of(settings: &SmtpSettings) -> Self {
        let SmtpSettings { host, port, encryption, auth, .. } = settings;
        let kind = provider::of_host(host).and_then(|provider| provider.username);
        // Entries are kept and shown, also those of settings that were never saved.
        let is_secret = kind == Some(UsernameKind::SameAsPassword);
        Self {
            host: host.clone(),
            port: *port,
            encryption: *encryption,
            username: auth.username().filter(|_| !is_secret).cloned(),
        }
    }

    /// `settings` with this entry.
    #[must_use]
    pub fn over(&self, settings: &SmtpSettings) -> SmtpSettings {
        let Self { host, port, encryption, username } = self.clone();
        let auth =
            username.map_or_else(|| settings.auth.clone(), |username| Auth::Password { username });
        SmtpSettings { host, port, encryption, auth, ..settings.clone() }
    }

    /// What is other than in `before`.
    pub fn changes(&self, before: &Self) -> Vec<Change> {
        let is_changed = |change: &&Change| match change {
            Change::Host => self.host != before.host,
            Change::Port => self.port != before.port,
            Change::Encryption => self.encryption != before.encryption,
            Change::Username => self.username != before.username,
        };
        Change::ALL.iter().filter(is_changed).copied().collect()
    }
}

/// One try and what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tried {
    /// What was tried.
    pub entry: Entry,
    /// What came of it.
    pub result: TryResult,
}

/// Settings that a person may apply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// What to change the settings to.
    pub entry: Entry,
    /// Whether they can be saved only with the password typed anew: the stored one may not go to
    /// another host or another user name, and one that was typed for a test is stored nowhere.
    pub needs_password: bool,
}

/// What was found after a failed run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fix {
    /// How good the offer is.
    pub outcome: FixOutcome,
    /// What failed.
    pub failed: Entry,
    /// The offer, unless nothing works.
    pub offer: Option<Offer>,
    /// What was tried, the most promising first.
    pub tried: Vec<Tried>,
}

impl Fix {
    /// Makes an offer of what was tried after `failure` of `settings`; none if nothing was tried.
    pub fn conclude(
        settings: &SmtpSettings,
        failure: &Failure,
        password_is_typed: bool,
        tried: Vec<Tried>,
    ) -> Option<Self> {
        let first =
            |is_it: &dyn Fn(TryResult) -> bool| tried.iter().find(|each| is_it(each.result));
        let proven = first(&|result| result == TryResult::Passed);
        let likely = || first(&|result| comes_further(result, failure, password_is_typed));
        let (outcome, found) = match (proven, tried.is_empty()) {
            (_, true) => return None,
            (Some(proven), _) => (FixOutcome::Proven, Some(proven)),
            (None, _) => likely()
                .map_or((FixOutcome::None, None), |likely| (FixOutcome::Likely, Some(likely))),
        };
        let offer = found.map(|found| Offer {
            needs_password: {
                let signs_in = settings.auth.username().is_some();
                signs_in && (password_is_typed || leads_elsewhere(&found.entry, settings))
            },
            entry: found.entry.clone(),
        });
        Some(Self { outcome, failed: Entry::of(settings), offer, tried })
    }

    /// What the offer changes; nothing if there is none.
    pub fn changes(&self) -> Vec<Change> {
        self.offer.as_ref().map(|offer| offer.entry.changes(&self.failed)).unwrap_or_default()
    }

    /// What came of trying the offer.
    pub fn offer_result(&self) -> Option<TryResult> {
        let entry = &self.offer.as_ref()?.entry;
        self.tried.iter().find(|tried| tried.entry == *entry).map(|tried| tried.result)
    }

    /// One sentence for whoever reads it in English.
    pub fn message(&self) -> String {
        let Some(offer) = &self.offer else {
            return "None of the other settings that were tried works.".to_owned();
        };
        let mut changes = String::new();
        for change in self.changes() {
            let (new, old) = (&offer.entry, &self.failed);
            let (name, new, old) = match change {
                Change::Host => ("host", new.host.to_string(), old.host.to_string()),
                Change::Port => ("port", new.port.to_string(), old.port.to_string()),
                Change::Encryption => {
                    let word = |entry: &Entry| entry.encryption.as_str().to_owned();
                    ("encryption", word(new), word(old))
                }
                Change::Username => {
                    let name = |entry: &Entry| {
                        entry.username.as_ref().map(ToString::to_string).unwrap_or_default()
                    };
                    ("user name", name(new), name(old))
                }
            };
            let comma = if changes.is_empty() { "" } else { ", " };
            let _infallible = write!(changes, "{comma}{name} {new} instead of {old}");
        }
        let rest = match self.offer_result() {
            Some(TryResult::Passed) => "passes a connection test",
            Some(TryResult::SignInRefused) => {
                "is answered by the server, which refused this user name and password"
            }
            Some(TryResult::MailRefused) => {
                "is accepted for the sign-in, but the server refused the sender or the recipient"
            }
            Some(_) | None => "is likely to work; no password was tried with it",
        };
        format!("A change to {changes} {rest}.")
    }
}

/// Whether `entry` leads where the password of `settings` may not go without being typed anew.
pub fn leads_elsewhere(entry: &Entry, settings: &SmtpSettings) -> bool {
    entry.over(settings).destination() != settings.destination()
}

/// Whether a try came further than the run that ended with `failure`.
fn comes_further(result: TryResult, failure: &Failure, password_is_typed: bool) -> bool {
    let was_refused = account::was_tried(failure);
    match result {
        TryResult::Passed | TryResult::MailRefused => true,
        // Where a typed password was refused and not tried again, an answer says nothing new: such
        // places are only guessed. With a stored one nothing is guessed.
        TryResult::Answers => !(was_refused && password_is_typed),
        TryResult::SignInRefused => !was_refused,
        TryResult::NoConnection
        | TryResult::NoAnswer
        | TryResult::NoEncryption
        | TryResult::CertificateRefused
        | TryResult::NoSignIn => false,
    }
}
