//! What name servers say, in types of our own, and within bounds.
//!
//! Whoever holds a domain writes its records. An answer counts only as far as it belongs to the
//! name that was asked for, and one with more records than anybody needs does not count at all.

use std::net::IpAddr;

use hickory_resolver::{
    net::{DnsError, NetError},
    proto::{
        op::ResponseCode,
        rr::{Name, RData, Record, RecordType},
    },
};

use super::{Ipv4Addr, Ipv6Addr, LookupFailure};

/// Most aliases (CNAME) that lead from a name to its records.
const MAX_ALIASES: usize = 8;
/// Longest text, in bytes.
const MAX_TEXT: usize = 4 * 1024;

/// A host that takes mail for a domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MxRecord {
    /// The lowest is tried first (RFC 5321, section 5.1).
    pub preference: u16,
    /// The host's name in lower case without a trailing dot. Empty: the domain takes no mail
    /// (RFC 7505).
    pub exchange: String,
}

/// Where a service is offered (RFC 2782).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SrvRecord {
    /// The lowest is tried first.
    pub priority: u16,
    /// Among equal priorities, the share that this target should get.
    pub weight: u16,
    /// The port.
    pub port: u16,
    /// The host's name in lower case without a trailing dot. Empty: decidedly not offered.
    pub target: String,
}

/// One kind of record: how many of it are enough, and how one is read. A record that cannot be
/// read spoils the answer.
pub(super) struct Kind<T> {
    pub(super) record: RecordType,
    pub(super) at_most: usize,
    read: fn(&RData) -> Option<Result<T, LookupFailure>>,
}

pub(super) const MX: Kind<MxRecord> = Kind {
    record: RecordType::MX,
    at_most: 20,
    read: |data| {
        let RData::MX(mx) = data else { return None };
        Some(Ok(MxRecord { preference: mx.preference, exchange: plain(&mx.exchange) }))
    },
};

pub(super) const SRV: Kind<SrvRecord> = Kind {
    record: RecordType::SRV,
    at_most: 20,
    read: |data| {
        let RData::SRV(srv) = data else { return None };
        Some(Ok(SrvRecord {
            priority: srv.priority,
            weight: srv.weight,
            port: srv.port,
            target: plain(&srv.target),
        }))
    },
};

pub(super) const TXT: Kind<String> = Kind {
    record: RecordType::TXT,
    at_most: 100,
    read: |data| {
        let RData::TXT(txt) = data else { return None };
        let joined = txt.txt_data.concat();
        Some(match joined.len() {
            0..=MAX_TEXT => Ok(String::from_utf8_lossy(&joined).into_owned()),
            _ => Err(LookupFailure::NoAnswer),
        })
    },
};

pub(super) const A: Kind<Ipv4Addr> = Kind {
    record: RecordType::A,
    at_most: 64,
    read: |data| {
        let RData::A(a) = data else { return None };
        Some(Ok(a.0))
    },
};

pub(super) const AAAA: Kind<Ipv6Addr> = Kind {
    record: RecordType::AAAA,
    at_most: 64,
    read: |data| {
        let RData::AAAA(aaaa) = data else { return None };
        Some(Ok(aaaa.0))
    },
};

/// Addresses of both families, as one answer has them.
pub(super) const ADDRESS: Kind<IpAddr> =
    Kind { record: RecordType::A, at_most: 64, read: |data| data.ip_addr().map(Ok) };

/// The records of one kind that belong to `name`, by itself or by way of its aliases.
pub(super) fn read<T>(
    answers: &[Record],
    name: &Name,
    kind: &Kind<T>,
) -> Result<Vec<T>, LookupFailure> {
    let mut owner = name;
    for _ in 0..MAX_ALIASES {
        let alias = answers.iter().filter(|record| record.name == *owner).find_map(target);
        match alias {
            Some(next) => owner = next,
            None => break,
        }
    }
    let own = answers.iter().filter(|record| record.name == *owner);
    let found = own.filter_map(|record| (kind.read)(&record.data));
    bounded(found.take(kind.at_most + 1).collect::<Result<Vec<_>, _>>()?, kind.at_most)
}

fn target(record: &Record) -> Option<&Name> {
    let RData::CNAME(alias) = &record.data else { return None };
    Some(&alias.0)
}

/// Nothing is found by nothing, and too much is no answer.
pub(super) fn bounded<T>(
    found: impl IntoIterator<Item = T>,
    at_most: usize,
) -> Result<Vec<T>, LookupFailure> {
    let found: Vec<T> = found.into_iter().take(at_most + 1).collect();
    match found.len() {
        0 => Err(LookupFailure::NothingFound),
        count if count <= at_most => Ok(found),
        _ => Err(LookupFailure::NoAnswer),
    }
}

/// An error as "nothing there" or "could not be told".
pub(super) fn failure(error: &NetError) -> LookupFailure {
    if let NetError::Dns(DnsError::NoRecordsFound(none)) = error
        && matches!(none.response_code, ResponseCode::NoError | ResponseCode::NXDomain)
    {
        return LookupFailure::NothingFound;
    }
    LookupFailure::NoAnswer
}

fn plain(name: &Name) -> String {
    let mut text = name.to_ascii().to_ascii_lowercase();
    if text.ends_with('.') {
        text.pop();
    }
    text
}
