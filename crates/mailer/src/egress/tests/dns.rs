//! The guard over a real name server, and over names that misbehave.

use std::net::Ipv4Addr;

use futures_util::future::join_all;
use letterhead_test_dns::{Behaviour, DnsServer, Zone};

use super::*;

const PUBLIC: IpAddr = IpAddr::V4(Ipv4Addr::new(93, 184, 216, 34));
const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

fn guard_over(server: &DnsServer, allowed: &[&str]) -> EgressGuard {
    let policy = EgressPolicy {
        allowed: allowed.iter().map(|text| text.parse().unwrap()).collect(),
        extra_ports: vec![],
    };
    EgressGuard::new(policy, Resolver::servers(&[server.address()]).unwrap())
}

#[tokio::test]
async fn a_name_is_admitted_with_the_addresses_of_both_families_behind_its_aliases() {
    let zone = Zone::new()
        .alias("mail.aurora.example", "edge.host.example")
        .alias("edge.host.example", "eu.host.example")
        .address("eu.host.example", PUBLIC)
        .address("eu.host.example", "2606:4700:4700::1111".parse::<IpAddr>().unwrap());
    let server = DnsServer::start(zone).await;

    let peer = admit(&guard_over(&server, &[]), "mail.aurora.example", 587).await.unwrap();

    let mut addresses: Vec<_> = peer.addresses.iter().map(ToString::to_string).collect();
    addresses.sort_unstable();
    assert_eq!(addresses, ["93.184.216.34:587", "[2606:4700:4700::1111]:587"]);
}

#[tokio::test]
async fn one_address_behind_an_alias_that_is_not_public_refuses_the_whole_name() {
    let zone = Zone::new()
        .alias("mail.aurora.example", "inside.aurora.example")
        .address("inside.aurora.example", PUBLIC)
        .address("inside.aurora.example", [10, 0, 0, 5]);
    let server = DnsServer::start(zone).await;

    let refused = admit(&guard_over(&server, &[]), "mail.aurora.example", 587).await;

    assert_eq!(refused, Err(AdmitError::Denied));
}

#[tokio::test]
async fn what_was_judged_is_what_is_dialled_when_the_name_changes_its_address() {
    let rebinding = Behaviour::Rebinding { first: PUBLIC, then: LOOPBACK };
    let server = DnsServer::start(Zone::new().misbehaving("re.aurora.example", rebinding)).await;
    let guard = guard_over(&server, &[]);

    let peer = admit(&guard, "re.aurora.example", 587).await.unwrap();
    let later = admit(&guard, "re.aurora.example", 587).await;

    assert_eq!(peer.addresses, [SocketAddr::new(PUBLIC, 587)]);
    assert_eq!(later, Err(AdmitError::Denied));
}

#[tokio::test]
async fn dialling_asks_the_name_servers_nothing() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let rebinding = Behaviour::Rebinding { first: LOOPBACK, then: PUBLIC };
    let server = DnsServer::start(Zone::new().misbehaving("re.aurora.example", rebinding)).await;
    let guard = guard_over(&server, &[&format!("re.aurora.example:{port}")]);
    let peer = admit(&guard, "re.aurora.example", port).await.unwrap();
    let asked = server.questions("re.aurora.example");

    let stream = peer.dial(Instant::now() + Duration::from_secs(5)).await.unwrap();

    assert_eq!(stream.peer_addr().unwrap(), listener.local_addr().unwrap());
    assert_eq!(server.questions("re.aurora.example"), asked);
}

#[tokio::test]
async fn a_name_that_misbehaves_is_never_admitted() {
    let flood = |lying| Behaviour::Flood { lying };
    let cases = [
        ("flood.example", flood(false), AdmitError::ResolverFailed),
        ("liar.example", flood(true), AdmitError::ResolverFailed),
        ("endless.example", Behaviour::EndlessAliases, AdmitError::UnknownHost),
        ("itself.example", Behaviour::AliasOfItself, AdmitError::UnknownHost),
        ("another.example", Behaviour::OtherName(PUBLIC), AdmitError::UnknownHost),
        ("broken.example", Behaviour::Failure, AdmitError::ResolverFailed),
        ("garbage.example", Behaviour::Garbage, AdmitError::ResolverFailed),
        ("silent.example", Behaviour::Silence, AdmitError::ResolverFailed),
    ];
    let zone = cases
        .iter()
        .fold(Zone::new(), |zone, (name, behaviour, _)| zone.misbehaving(name, behaviour.clone()));
    let server = DnsServer::start(zone).await;
    let guard = guard_over(&server, &[]);
    // All at once: those that say nothing take five seconds each.
    let admitted = join_all(cases.iter().map(|(name, ..)| admit(&guard, name, 587))).await;
    for ((name, _, expected), admitted) in cases.into_iter().zip(admitted) {
        assert_eq!(admitted, Err(expected), "{name}");
        // Eight aliases in a row for each family, and no more.
        assert!(server.questions(name) <= 16, "{name}: {}", server.questions(name));
    }
    assert_eq!(admit(&guard, "none.example", 587).await, Err(AdmitError::UnknownHost));
}
