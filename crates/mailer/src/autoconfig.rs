//! The settings that a domain publishes for mail programs (Autoconfig, after Mozilla's "Autoconfig
//! file format", version 1.1), over HTTPS alone.
//!
//! Whoever holds the domain writes the file, so it is fetched through the egress guard, within
//! small bounds, and read by a parser that refuses what a settings file does not need. Only the
//! domain leaves this machine: the local part of the address is nobody's business, and where the
//! file wants it, it says so with a placeholder.
//!
//! A destination that may not be reached looks exactly like one where nothing is published.

mod document;
mod https;

use std::time::Duration;

use letterhead_domain::discovery::PublishedServer;
use tokio::time::Instant;

use self::https::{Fetched, Place};
use crate::opening::Opener;

/// Longest that the search in all places may take together.
const PATIENCE: Duration = Duration::from_secs(5);

/// What a domain publishes for mail programs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Published {
    /// These servers take mail to be sent.
    Servers(Vec<PublishedServer>),
    /// Nothing, as far as could be seen.
    Nothing,
    /// It could not be told in time.
    Unanswered,
}

/// Looks in the two places that a domain has for its file; the first is the better informed.
pub(crate) async fn published(opener: &Opener, domain: &str) -> Published {
    let deadline = Instant::now() + PATIENCE;
    let own = format!("autoconfig.{domain}");
    let (own, well_known) = tokio::join!(
        look(opener, &own, "/mail/config-v1.1.xml", deadline),
        look(opener, domain, "/.well-known/autoconfig/mail/config-v1.1.xml", deadline),
    );
    match (own, well_known) {
        (Published::Servers(servers), _) | (_, Published::Servers(servers)) => {
            Published::Servers(servers)
        }
        (Published::Unanswered, _) | (_, Published::Unanswered) => Published::Unanswered,
        (Published::Nothing, Published::Nothing) => Published::Nothing,
    }
}

async fn look(opener: &Opener, host: &str, path: &'static str, deadline: Instant) -> Published {
    let (Ok(host), Ok(port)) = (host.parse(), opener.guard.autoconfig_port().try_into()) else {
        return Published::Nothing;
    };
    let place = Place { host, port, path: path.to_owned() };
    match https::fetch(opener, place, deadline).await {
        Fetched::Document(bytes) => match document::parse(&bytes) {
            Some(servers) if !servers.is_empty() => Published::Servers(servers),
            Some(_) | None => Published::Nothing,
        },
        Fetched::Nothing => Published::Nothing,
        Fetched::Unanswered => Published::Unanswered,
    }
}
