//! How a question is answered.

use std::net::{IpAddr, Ipv4Addr};

use hickory_proto::{
    op::{Message, ResponseCode},
    rr::{Name, RData, Record, RecordType, rdata::CNAME},
};

use crate::{
    UDP_LIMIT,
    zone::{Behaviour, Zone, parsed},
};

/// Answers are never to be kept: a test sees each look-up as a question.
const TTL: u32 = 0;
/// Addresses of four bytes that fit into a message of 64 KiB with a name of usual length.
const FLOOD: u16 = 4_000;
/// Where the number of answers stands in a message (RFC 1035, section 4.1.1).
const ANSWER_COUNT: std::ops::Range<usize> = 6..8;

/// The name that is asked for, in lower case without the trailing dot.
pub(crate) fn name_of(question: &Message) -> Option<String> {
    let name = question.queries.first()?.name().to_ascii().to_ascii_lowercase();
    Some(name.trim_end_matches('.').to_owned())
}

/// The answer to the question about `name`, which is asked for the `times`th time, in at most
/// `limit` bytes.
pub(crate) fn compose(
    zone: &Zone,
    question: &Message,
    name: &str,
    times: usize,
    limit: usize,
) -> Option<Vec<u8>> {
    let query = question.queries.first()?;
    let (owner, kind) = (query.name().clone(), query.query_type());
    let mut answer = Message::response(question.metadata.id, question.metadata.op_code);
    answer.metadata.recursion_desired = question.metadata.recursion_desired;
    answer.metadata.recursion_available = true;
    answer.add_query(query.clone());
    match zone.behaviour(name) {
        None => answer_honestly(zone, &mut answer, owner, kind),
        Some(Behaviour::Flood { lying }) => {
            return Some(flood(answer, &owner, *lying, limit));
        }
        Some(Behaviour::EndlessAliases) => {
            let next = parsed(&format!("next.{name}"));
            answer.add_answer(alias(owner, next));
        }
        Some(Behaviour::AliasOfItself) => {
            answer.add_answer(alias(owner.clone(), owner));
        }
        // IPv4 and IPv6 are asked for at the same time: each family has its own first question.
        Some(Behaviour::Rebinding { first, then }) => {
            let address = if times <= 2 { first } else { then };
            add_address(&mut answer, owner, kind, *address);
        }
        Some(Behaviour::OtherName(address)) => {
            add_address(&mut answer, parsed("other.example"), kind, *address);
        }
        Some(Behaviour::Silence) => return None,
        Some(Behaviour::Failure) => answer.metadata.response_code = ResponseCode::ServFail,
        Some(Behaviour::Garbage) => return Some(b"this is no message".to_vec()),
    }
    Some(encoded(&answer, limit))
}

/// The records of the name, or those at the end of its aliases together with these.
fn answer_honestly(zone: &Zone, answer: &mut Message, mut owner: Name, kind: RecordType) {
    let mut known = false;
    // A zone that is wrong ends here, too.
    for _ in 0..8 {
        let name = owner.to_ascii().to_ascii_lowercase();
        let name = name.trim_end_matches('.');
        let Some(records) = zone.records.get(name) else { break };
        known = true;
        let own = records.iter().filter(|data| data.record_type() == kind);
        answer.add_answers(own.map(|data| Record::from_rdata(owner.clone(), TTL, data.clone())));
        let next = records.iter().find_map(|data| {
            let RData::CNAME(next) = data else { return None };
            Some(next.0.clone())
        });
        match next {
            Some(next) if kind != RecordType::CNAME => {
                answer.add_answer(alias(owner, next.clone()));
                owner = next;
            }
            _ => break,
        }
    }
    if !known {
        answer.metadata.response_code = ResponseCode::NXDomain;
    }
}

fn flood(mut answer: Message, owner: &Name, lying: bool, limit: usize) -> Vec<u8> {
    answer.add_answers((0..FLOOD).map(|number| {
        let [high, low] = number.to_be_bytes();
        let address = Ipv4Addr::new(93, 184, high, low);
        Record::from_rdata(owner.clone(), TTL, RData::from(IpAddr::from(address)))
    }));
    let mut bytes = encoded(&answer, limit);
    if lying && bytes.len() > UDP_LIMIT {
        bytes[ANSWER_COUNT].copy_from_slice(&10_000_u16.to_be_bytes());
    }
    bytes
}

fn add_address(answer: &mut Message, owner: Name, kind: RecordType, address: IpAddr) {
    let data = RData::from(address);
    if data.record_type() == kind {
        answer.add_answer(Record::from_rdata(owner, TTL, data));
    }
}

fn alias(owner: Name, target: Name) -> Record {
    Record::from_rdata(owner, TTL, RData::CNAME(CNAME(target)))
}

/// The message, or one that says that it did not fit (RFC 2181, section 9).
fn encoded(answer: &Message, limit: usize) -> Vec<u8> {
    let whole = answer.to_vec().expect("a message can be written");
    if whole.len() <= limit {
        return whole;
    }
    answer.truncate().to_vec().expect("a message can be written")
}
