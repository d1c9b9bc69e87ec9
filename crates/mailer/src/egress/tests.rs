use letterhead_domain::smtp_settings::Auth;
use tokio::net::TcpListener;

use super::*;

fn settings(host: &str, port: u16, encryption: Encryption) -> SmtpSettings {
    SmtpSettings {
        host: host.parse().unwrap(),
        port: port.try_into().unwrap(),
        encryption,
        auth: Auth::None,
        sender_name: "Aurora".parse().unwrap(),
        sender_email: "billing@aurora.example".parse().unwrap(),
        reply_to: None,
    }
}

fn guard(allowed: &[&str], table: &[(&str, &[&str])]) -> EgressGuard {
    let policy = EgressPolicy {
        allowed: allowed.iter().map(|text| text.parse().unwrap()).collect(),
        extra_ports: vec![],
    };
    let table = table.iter().map(|(host, addresses)| {
        let addresses = addresses.iter().map(|a| a.parse().unwrap()).collect();
        (host.parse().unwrap(), addresses)
    });
    EgressGuard::new(policy, Resolver::fixed(table))
}

async fn admit(guard: &EgressGuard, host: &str, port: u16) -> Result<AdmittedPeer, AdmitError> {
    let port = port.try_into().unwrap();
    guard.admit(&host.parse().unwrap(), port, Purpose::Submission).await
}

#[test]
fn literal_rules_are_reported_all_at_once() {
    let cases: [(&str, u16, Encryption, &[&str]); 8] = [
        ("smtp.example.com", 587, Encryption::Starttls, &[]),
        ("8.8.8.8", 465, Encryption::ImplicitTls, &[]),
        ("127.0.0.1", 587, Encryption::Starttls, &["/host"]),
        ("localhost", 587, Encryption::Starttls, &["/host"]),
        ("mail.localhost", 587, Encryption::Starttls, &["/host"]),
        ("smtp.example.com", 22, Encryption::Starttls, &["/port"]),
        ("smtp.example.com", 25, Encryption::None, &["/encryption"]),
        ("::ffff:10.0.0.5", 22, Encryption::None, &["/host", "/port", "/encryption"]),
    ];
    let guard = guard(&["10.0.0.5:22"], &[]);
    for (host, port, encryption, pointers) in cases {
        let found = guard.check_literal(&settings(host, port, encryption));
        let errors = found.err().unwrap_or_default();
        let found: Vec<_> = errors.iter().map(|error| error.pointer.as_str()).collect();
        assert_eq!(found, pointers, "{host}:{port}");
    }
}

#[test]
fn a_refused_port_says_which_ports_are_open() {
    let guard = guard(&[], &[]);

    let errors = guard
        .check_literal(&settings("smtp.example.com", 22, Encryption::Starttls))
        .expect_err("refused");

    let error = errors.iter().next().expect("one");
    assert_eq!(error.code, "port_not_allowed");
    assert!(error.message.contains("587"), "{}", error.message);
}

#[test]
fn an_exact_destination_on_the_allow_list_is_exempt_from_every_rule() {
    let guard = guard(&["10.0.0.5:22", "[::1]:4025"], &[]);
    let check = |host, port| guard.check_literal(&settings(host, port, Encryption::None));

    assert!(check("10.0.0.5", 22).is_ok());
    assert!(check("::1", 4025).is_ok());
    assert!(check("10.0.0.5", 23).is_err());
    assert!(check("10.0.0.6", 22).is_err());
    assert!(check("::ffff:10.0.0.5", 22).is_err());
}

#[tokio::test]
async fn one_denied_address_denies_the_host() {
    let guard = guard(
        &[],
        &[
            ("good.example", &["8.8.8.8", "2606:4700::1111"]),
            ("mixed.example", &["8.8.8.8", "10.0.0.5"]),
            ("last.example", &["8.8.8.8", "2606:4700::1111", "::ffff:127.0.0.1"]),
            ("local.example", &["127.0.0.1"]),
            ("metadata.example", &["169.254.169.254"]),
        ],
    );

    assert!(admit(&guard, "good.example", 587).await.is_ok());
    for host in ["mixed.example", "last.example", "local.example", "metadata.example"] {
        assert_eq!(admit(&guard, host, 587).await, Err(AdmitError::Denied), "{host}");
    }
    assert_eq!(admit(&guard, "nowhere.example", 587).await, Err(AdmitError::UnknownHost));
}

#[tokio::test]
async fn what_is_denied_by_its_literal_form_is_never_looked_up() {
    let guard = guard(&[], &[("good.example", &["8.8.8.8"])]);
    for (host, port) in [
        ("127.0.0.1", 587),
        ("169.254.169.254", 587),
        ("10.0.0.5", 587),
        ("172.16.3.4", 587),
        ("192.168.1.10", 587),
        ("::1", 587),
        ("::ffff:10.0.0.5", 587),
        ("localhost", 587),
        ("good.example", 22),
    ] {
        let admitted = admit(&guard, host, port).await;
        assert_eq!(admitted, Err(AdmitError::Denied), "{host}");
    }
    assert_eq!(guard.resolver.lookups(), 0);
}

#[tokio::test]
async fn the_dialled_addresses_are_those_of_the_one_look_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let allowed = format!("mail.example:{port}");
    let guard = guard(&[&allowed], &[("mail.example", &["127.0.0.1"])]);

    let peer = admit(&guard, "mail.example", port).await.expect("exempt");
    let deadline = Instant::now() + Duration::from_secs(5);
    let stream = peer.dial(deadline).await.expect("connected");

    assert_eq!(stream.peer_addr().unwrap(), listener.local_addr().unwrap());
    assert!(stream.nodelay().unwrap());
    assert_eq!(guard.resolver.lookups(), 1);
}

#[tokio::test]
async fn a_refused_address_leaves_the_next_its_turn() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let allowed = format!("mail.example:{port}");
    let guard = guard(&[&allowed], &[("mail.example", &["127.0.0.2", "127.0.0.1"])]);

    let peer = admit(&guard, "mail.example", port).await.expect("exempt");
    let deadline = Instant::now() + Duration::from_secs(5);

    assert!(peer.dial(deadline).await.is_ok());
    drop(listener);
    assert_eq!(peer.dial(deadline).await.err(), Some(Cause::ConnectionRefused));
}

#[test]
fn families_take_turns() {
    let parse = |text: &str| text.parse::<IpAddr>().unwrap();
    let addresses = ["2a00::1", "2a00::2", "8.8.8.8", "8.8.4.4", "2a00::3"].map(parse);

    let order: Vec<_> = in_turn(addresses.to_vec()).collect();

    assert_eq!(order, ["2a00::1", "8.8.8.8", "2a00::2", "8.8.4.4", "2a00::3"].map(parse));
}

mod dns;
