//! What an answer says of settings that may work where a run failed.

use letterhead_domain::{
    fix::{Change, Entry, Fix, FixOutcome, Tried, TryResult},
    smtp_settings::SmtpSettings,
};
use poem_openapi::Object;

use crate::http::text::{DriverKind, EncryptionKind, Text, Word};

/// What was found after a failed run. Nothing of it is saved: whoever wants it saves the settings.
#[derive(Object)]
#[oai(rename = "Fix")]
pub(super) struct FixView {
    /// How good the offer is: `proven` by a whole connection test, `likely` if it came further than
    /// what failed, `none` if nothing that was tried works
    outcome: Word<FixOutcome>,
    /// The same in one sentence
    message: String,
    /// What to change the settings to; `null` if nothing works
    #[oai(nullable)]
    settings: Option<EntryView>,
    /// What failed
    instead_of: EntryView,
    /// The fields that change
    changes: Vec<Word<Change>>,
    /// Whether they can be saved only with the password in the request: the stored one may not go to
    /// another host or user name, and one that was given for a test is not stored
    needs_password: bool,
    /// What was tried, the most promising first; destinations that are not allowed are left out
    tried: Vec<TriedView>,
}

impl From<Fix> for FixView {
    fn from(fix: Fix) -> Self {
        let (message, changes) = (fix.message(), fix.changes());
        let Fix { outcome, failed, offer, tried } = fix;
        Self {
            outcome: outcome.into(),
            message,
            instead_of: failed.into(),
            changes: changes.into_iter().map(Into::into).collect(),
            needs_password: offer.as_ref().is_some_and(|offer| offer.needs_password),
            settings: offer.map(|offer| offer.entry.into()),
            tried: tried.into_iter().map(Into::into).collect(),
        }
    }
}

/// Where mail enters a server, and as whom. Never a password.
#[derive(Object)]
#[oai(rename = "FixEntry")]
struct EntryView {
    /// The mail protocol
    driver: Text<DriverKind>,
    /// The mail server
    host: String,
    /// Its port
    port: u16,
    /// How the connection is protected
    encryption: Text<EncryptionKind>,
    /// Who signs in; `null` if nobody does, or if the service has the same text as user name and
    /// password
    #[oai(nullable)]
    username: Option<String>,
}

impl From<Entry> for EntryView {
    fn from(entry: Entry) -> Self {
        let Entry { host, port, encryption, username } = entry;
        Self {
            driver: Text::new(SmtpSettings::DRIVER),
            host: host.to_string(),
            port: port.get(),
            encryption: Text::new(encryption.as_str()),
            username: username.as_ref().map(ToString::to_string),
        }
    }
}

/// One try.
#[derive(Object)]
#[oai(rename = "FixTry")]
struct TriedView {
    /// The mail server
    host: String,
    /// Its port
    port: u16,
    /// How the connection was to be protected
    encryption: Text<EncryptionKind>,
    /// Who was to sign in, as in `settings`
    #[oai(nullable)]
    username: Option<String>,
    /// What came of it; only `passed`, `sign_in_refused` and `mail_refused` were tried with the
    /// password
    result: Word<TryResult>,
}

impl From<Tried> for TriedView {
    fn from(tried: Tried) -> Self {
        let EntryView { driver: _, host, port, encryption, username } = tried.entry.into();
        Self { host, port, encryption, username, result: tried.result.into() }
    }
}
