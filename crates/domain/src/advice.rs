//! What a person should do about a failed test run: a table.
//!
//! A `Row` says when it fits (a provider, stages, a cause, the codes and words of a
//! reply) and what is said then. The first row that fits wins, so the tables go from the special to
//! the general: what one provider says, then what any server may say, then what is always true. An
//! unknown reply ends at the general row of its stage, which claims no more than is known.
//!
//! Words of servers never get into a text: they are strangers' and are shown beside it.

mod any_server;
mod connection;
mod google;
mod mailboxes;
mod microsoft;
mod row;
mod services;
mod sign_in;

use crate::{provider, smtp_settings::SmtpSettings, test_run::Failure, words::words};
use row::{Case, Row};

words! {
    /// Who can mend it.
    Side {
        /// The tenant: settings or account.
        Yours = "yours",
        /// The mail server's people.
        Theirs = "theirs",
        /// The operator of Letterhead.
        Ours = "ours",
    }
}

/// What a person should do about a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Advice {
    /// A stable word for programs.
    pub code: &'static str,
    /// Who can mend it.
    pub side: Side,
    /// What happened, in one sentence.
    pub title: &'static str,
    /// What to do, in order. The first step is right for somebody who reads no further.
    pub steps: &'static [&'static str],
    /// The guide that leads through it, if there is one.
    pub guide: Option<&'static str>,
}

/// All rows, the special before the general.
const TABLES: [&[Row]; 8] = [
    google::ROWS,
    microsoft::ROWS,
    mailboxes::ROWS,
    services::ROWS,
    connection::ROWS,
    any_server::OURSELVES,
    sign_in::ROWS,
    any_server::ROWS,
];

/// What a person should do about `failure` of a run with `settings`.
pub fn advise(settings: &SmtpSettings, failure: &Failure) -> Advice {
    let provider = provider::of_host(&settings.host);
    let case = Case { settings, failure, provider };
    let words =
        rows().find(|row| row.when.fits(&case)).map_or(&any_server::REFUSED, |row| row.then);
    let told = words.told(provider);
    // What a code is called for one guide holds for every way to that guide: whoever knows code and
    // guide knows the words.
    let worded = |row: &&Row| (row.then.code, row.then.own_guide()) == (told.code, told.guide);
    rows().find(worded).map_or(told, |row| row.then.told(provider))
}

fn rows() -> impl Iterator<Item = &'static Row> {
    TABLES.into_iter().flatten()
}

/// Every advice there is, once for each wording: a code is worded anew only for another guide.
pub fn all() -> Vec<Advice> {
    let mut found: Vec<Advice> = Vec::new();
    for row in rows() {
        let advice = row.then.as_written();
        if !found.contains(&advice) {
            found.push(advice);
        }
    }
    found
}

#[cfg(test)]
mod tests;
