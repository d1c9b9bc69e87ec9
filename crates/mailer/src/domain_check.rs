//! What DNS says about a sender's domain: SPF, DKIM, DMARC and MX.
//!
//! Records are read with `mail-auth` and followed here, through the one [`Resolver`]: it bounds each
//! answer, and this module bounds how many there are and how long all of it takes. What the records
//! mean is decided in `letterhead_domain::domain_check`. Nothing here can fail: what is not
//! answered in time is told as that.
//!
//! A tenant writes these records, so what comes back must say nothing of the operator's network:
//! the server's addresses are compared only if the egress guard admits them.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use letterhead_domain::{
    domain_check::{DmarcFacts, DomainFacts, KeyState, MxFacts, SpfFacts, Subject},
    smtp_port::SmtpPort,
};
use tokio::time::{Instant, timeout_at};

use crate::egress::{
    EgressGuard, Purpose,
    resolver::{LookupFailure, MxRecord, Resolver},
};

mod dkim;
mod dmarc;
mod spf;

/// Longest that a check may take.
pub const PATIENCE: Duration = Duration::from_secs(8);
/// Most questions of one check.
const MAX_QUESTIONS: u32 = 120;

/// Looks up what there is to know about `subject`, whose server takes mail on `port`.
pub(crate) async fn look_up(guard: &EgressGuard, subject: &Subject, port: SmtpPort) -> DomainFacts {
    let deadline = Instant::now() + PATIENCE;
    let questions = Questions { resolver: guard.resolver(), left: AtomicU32::new(MAX_QUESTIONS) };
    let domain = subject.domain();
    let dmarc = async {
        timeout_at(deadline, dmarc::look_up(&questions, domain))
            .await
            .unwrap_or(DmarcFacts::NoAnswer)
    };
    if subject.owner.is_some() {
        // Only its policy matters: nothing there is the sender's to change.
        return DomainFacts { dmarc: dmarc.await, ..DomainFacts::no_answer() };
    }
    let spf = async {
        let addresses = server_addresses(guard, subject, port).await;
        spf::look_up(&questions, subject, &addresses).await
    };
    let spf = async { timeout_at(deadline, spf).await.unwrap_or(SpfFacts::NoAnswer) };
    let dkim = async {
        let looked_up = timeout_at(deadline, dkim::look_up(&questions, subject)).await;
        looked_up.unwrap_or_else(|_| dkim::all(subject, KeyState::NoAnswer))
    };
    let mx =
        async { timeout_at(deadline, mx(&questions, domain)).await.unwrap_or(MxFacts::NoAnswer) };
    let (spf, dkim, dmarc, mx) = tokio::join!(spf, dkim, dmarc, mx);
    DomainFacts { spf, dkim, dmarc, mx }
}

/// The addresses of the server, if SPF can only be judged by them and the guard lets us there.
async fn server_addresses(guard: &EgressGuard, subject: &Subject, port: SmtpPort) -> Vec<IpAddr> {
    if !subject.needs_addresses() {
        return Vec::new();
    }
    let admitted = guard.admit(&subject.host, port, Purpose::Submission).await;
    admitted.map(|peer| peer.addresses().collect()).unwrap_or_default()
}

async fn mx(questions: &Questions<'_>, domain: &str) -> MxFacts {
    match questions.mx(domain).await {
        Ok(mut hosts) => {
            hosts.sort_by_key(|host| host.preference);
            let names = hosts.into_iter().map(|host| host.exchange);
            let names: Vec<_> = names.filter(|name| !name.is_empty()).collect();
            if names.is_empty() { MxFacts::Null } else { MxFacts::Hosts(names) }
        }
        Err(LookupFailure::NothingFound) => MxFacts::Missing,
        Err(LookupFailure::NoAnswer) => MxFacts::NoAnswer,
    }
}

/// The resolver, for a bounded number of questions.
struct Questions<'a> {
    resolver: &'a Resolver,
    left: AtomicU32,
}

impl Questions<'_> {
    fn spend(&self) -> Result<(), LookupFailure> {
        let one_less = |left: u32| left.checked_sub(1);
        match self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less) {
            Ok(_) => Ok(()),
            Err(_) => Err(LookupFailure::NoAnswer),
        }
    }

    async fn txt(&self, name: &str) -> Result<Vec<String>, LookupFailure> {
        self.spend()?;
        self.resolver.txt(name).await
    }

    async fn mx(&self, name: &str) -> Result<Vec<MxRecord>, LookupFailure> {
        self.spend()?;
        self.resolver.mx(name).await
    }

    /// The addresses of both families; nothing is found if neither has any.
    async fn addresses(&self, name: &str) -> Result<Vec<IpAddr>, LookupFailure> {
        self.spend()?;
        self.spend()?;
        let (v4, v6) = tokio::join!(self.resolver.ipv4(name), self.resolver.ipv6(name));
        let v4 = v4.map(|found| found.into_iter().map(Ipv4Addr::into).collect::<Vec<IpAddr>>());
        let v6 = v6.map(|found| found.into_iter().map(Ipv6Addr::into).collect::<Vec<IpAddr>>());
        match (v4, v6) {
            (Ok(v4), Ok(v6)) => Ok([v4, v6].concat()),
            (Ok(found), Err(LookupFailure::NothingFound))
            | (Err(LookupFailure::NothingFound), Ok(found)) => Ok(found),
            (Err(LookupFailure::NothingFound), Err(LookupFailure::NothingFound)) => {
                Err(LookupFailure::NothingFound)
            }
            (Err(LookupFailure::NoAnswer), _) | (_, Err(LookupFailure::NoAnswer)) => {
                Err(LookupFailure::NoAnswer)
            }
        }
    }
}

#[cfg(test)]
mod tests;
