//! Which server probably sends the mail of an e-mail address.

use letterhead_domain::{
    discovery::{self, Candidate, Source, SrvTarget},
    email::EmailAddress,
    smtp_settings::Encryption,
};
use letterhead_mailer::{
    autoconfig::Published,
    egress::resolver::{LookupFailure, MxRecord, SrvRecord},
};

use super::{App, AppError, access::Caller};

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Discovery {
    /// The servers, the best first; none that a save would refuse.
    pub candidates: Vec<Candidate>,
    /// The sources that could not be asked, so that there may be more.
    pub incomplete: Vec<Source>,
}

/// Looks for the servers that send the mail of `email`, in the catalogue and then, all at once and
/// for five seconds, in what its domain says about itself. The local part of the address stays here.
///
/// What fails is told and ends nothing.
///
/// # Errors
///
/// [`AppError::TooMany`] if the tenant has searched too often within a minute.
pub async fn discover(
    app: &App,
    caller: &Caller,
    email: &EmailAddress,
) -> Result<Discovery, AppError> {
    app.count_search(caller.tenant)?;
    let (found, incomplete) = match discovery::by_domain(email) {
        Some(known) => (vec![known], Vec::new()),
        None => ask(app, email).await,
    };
    let guard = app.mailer.guard();
    let is_allowed =
        |it: &Candidate| guard.check_destination(&it.host, it.port, it.encryption).is_ok();
    let allowed = found.into_iter().filter(is_allowed).collect();
    Ok(Discovery { candidates: discovery::ranked(allowed), incomplete })
}

/// What the domain says about itself, and which sources did not answer.
async fn ask(app: &App, email: &EmailAddress) -> (Vec<Candidate>, Vec<Source>) {
    let (domain, resolver) = (email.domain(), app.mailer.guard().resolver());
    let (submissions, submission) =
        (format!("_submissions._tcp.{domain}"), format!("_submission._tcp.{domain}"));
    let (published, implicit, starttls, exchanges) = tokio::join!(
        app.mailer.published(domain),
        resolver.srv(&submissions),
        resolver.srv(&submission),
        resolver.mx(domain),
    );

    let (mut found, mut incomplete) = (Vec::new(), Vec::new());
    match published {
        Published::Servers(servers) => found.extend(discovery::by_autoconfig(email, servers)),
        Published::Nothing => {}
        Published::Unanswered => incomplete.push(Source::Autoconfig),
    }
    for (encryption, answer) in
        [(Encryption::ImplicitTls, implicit), (Encryption::Starttls, starttls)]
    {
        match answer {
            Ok(records) => {
                let targets = records.into_iter().map(target).collect();
                found.extend(discovery::by_srv(email, encryption, targets));
            }
            Err(LookupFailure::NothingFound) => {}
            Err(LookupFailure::NoAnswer) => incomplete.push(Source::Srv),
        }
    }
    match exchanges {
        Ok(mut records) => {
            records.sort_by_key(|record| record.preference);
            let names = records.iter().map(|MxRecord { exchange, .. }| exchange.as_str());
            found.extend(discovery::by_mx(email, names));
        }
        Err(LookupFailure::NothingFound) => {}
        Err(LookupFailure::NoAnswer) => incomplete.push(Source::Mx),
    }
    incomplete.dedup();
    (found, incomplete)
}

fn target(record: SrvRecord) -> SrvTarget {
    let SrvRecord { priority, weight, port, target } = record;
    SrvTarget { priority, weight, port, host: target }
}
