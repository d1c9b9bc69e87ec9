use letterhead_domain::{
    smtp_settings::{Auth, Encryption, SmtpSettings},
    test_run::{Cause, Failure, Stage, TestMode},
};
use letterhead_test_dns::{Behaviour, DnsServer, Zone};
use tokio::net::UdpSocket;

use super::*;
use crate::{
    egress::policy::EgressPolicy,
    mailer::{Mailer, MailerConfig},
    test_run::TestPlan,
    tls::TlsTrust,
};

#[tokio::test]
async fn localhost_is_the_loopback_without_a_question() {
    let resolver = Resolver::fixed([]);

    let addresses = resolver.addresses(&"localhost".parse().unwrap()).await;

    assert_eq!(addresses, Ok(vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]));
    assert_eq!(resolver.lookups(), 0);
}

#[tokio::test]
async fn a_name_without_addresses_is_unknown_and_one_with_too_many_is_an_error() {
    let many = vec![IpAddr::from([8, 8, 8, 8]); 65];
    let resolver = Resolver::fixed([("many.example".parse().unwrap(), many)]);

    let unknown = resolver.addresses(&"none.example".parse().unwrap()).await;
    let many = resolver.addresses(&"many.example".parse().unwrap()).await;

    assert_eq!(unknown, Err(LookupFailure::NothingFound));
    assert_eq!(many, Err(LookupFailure::NoAnswer));
}

async fn over(zone: Zone) -> (Resolver, DnsServer) {
    let server = DnsServer::start(zone).await;
    (Resolver::servers(&[server.address()]).unwrap(), server)
}

#[tokio::test]
async fn records_come_in_lower_case_without_trailing_dots() {
    let zone = Zone::new()
        .mx("aurora.example", 10, "MX1.Host.example")
        .mx("aurora.example", 20, "mx2.host.example")
        .srv("_submission._tcp.aurora.example", (0, 5, 587), "Mail.host.example")
        .srv("_submissions._tcp.aurora.example", (0, 0, 0), "")
        .address("aurora.example", [192, 0, 2, 7])
        .address("aurora.example", "2001:db8::7".parse::<IpAddr>().unwrap());
    let (resolver, _server) = over(zone).await;

    let mx = resolver.mx("Aurora.example").await.unwrap();
    let offered = resolver.srv("_submission._tcp.aurora.example").await.unwrap();
    let refused = resolver.srv("_submissions._tcp.aurora.example").await.unwrap();

    let mut mx: Vec<_> = mx.iter().map(|mx| (mx.preference, mx.exchange.as_str())).collect();
    mx.sort_unstable();
    assert_eq!(mx, [(10, "mx1.host.example"), (20, "mx2.host.example")]);
    let target = "mail.host.example".to_owned();
    assert_eq!(offered, [SrvRecord { priority: 0, weight: 5, port: 587, target }]);
    assert_eq!(refused[0].target, "");
    assert_eq!(resolver.ipv4("aurora.example").await, Ok(vec![Ipv4Addr::new(192, 0, 2, 7)]));
    assert_eq!(resolver.ipv6("aurora.example").await.map(|found| found.len()), Ok(1));
}

#[tokio::test]
async fn a_text_is_joined_and_a_long_answer_comes_over_tcp() {
    let long = "v=spf1 ".to_owned() + &"ip4:192.0.2.1 ".repeat(60);
    let zone =
        Zone::new().txt("aurora.example", &long).alias("www.aurora.example", "aurora.example");
    let (resolver, server) = over(zone).await;

    assert_eq!(resolver.txt("aurora.example").await, Ok(vec![long.clone()]));
    assert_eq!(server.questions("aurora.example"), 2, "over UDP, then over TCP");
    assert_eq!(resolver.txt("www.aurora.example").await, Ok(vec![long]));
}

#[tokio::test]
async fn nothing_there_is_told_apart_from_no_answer() {
    let zone = Zone::new()
        .mx("aurora.example", 10, "mx.aurora.example")
        .misbehaving("broken.example", Behaviour::Failure)
        .misbehaving("garbage.example", Behaviour::Garbage);
    let (resolver, _server) = over(zone).await;
    let cases = [
        ("aurora.example", LookupFailure::NothingFound),
        ("none.example", LookupFailure::NothingFound),
        ("two..dots.example", LookupFailure::NothingFound),
        ("broken.example", LookupFailure::NoAnswer),
        ("garbage.example", LookupFailure::NoAnswer),
    ];
    for (name, expected) in cases {
        assert_eq!(resolver.txt(name).await, Err(expected), "{name}");
    }
}

#[tokio::test]
async fn more_records_than_anybody_needs_are_no_answer() {
    let mx = (0..21).fold(Zone::new(), |zone, number| {
        zone.mx("mx.example", number, &format!("mx{number}.example"))
    });
    let zone = (0..101).fold(mx, |zone, number| zone.txt("txt.example", &format!("{number}")));
    let zone = zone
        .txt("long.example", &"x".repeat(4 * 1024 + 1))
        .misbehaving("flood.example", Behaviour::Flood { lying: false });
    let (resolver, _server) = over(zone).await;

    assert_eq!(resolver.mx("mx.example").await, Err(LookupFailure::NoAnswer));
    assert_eq!(resolver.txt("txt.example").await, Err(LookupFailure::NoAnswer));
    assert_eq!(resolver.txt("long.example").await, Err(LookupFailure::NoAnswer));
    assert_eq!(resolver.ipv4("flood.example").await, Err(LookupFailure::NoAnswer));
}

#[test]
fn a_name_server_is_an_address_with_or_without_a_port() {
    let cases = [
        ("192.0.2.53", Some("192.0.2.53:53")),
        (" 192.0.2.53:5353 ", Some("192.0.2.53:5353")),
        ("2001:db8::53", Some("[2001:db8::53]:53")),
        ("[2001:db8::53]:5353", Some("[2001:db8::53]:5353")),
        ("ns.example", None),
        ("ns.example:53", None),
        ("", None),
    ];
    for (text, expected) in cases {
        let server = name_server(text).ok().map(|server| server.to_string());
        assert_eq!(server.as_deref(), expected, "{text:?}");
    }
}

#[tokio::test]
async fn a_name_server_that_never_answers_holds_a_run_no_longer_than_its_limit() {
    let silent = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let resolver = Resolver::servers(&[silent.local_addr().unwrap()]).unwrap();
    let trust = TlsTrust::load(&[]).unwrap();
    let mut config = MailerConfig::new(EgressPolicy::default(), resolver.clone(), trust);
    config.test_limits.total = Duration::from_millis(500);
    let plan = TestPlan {
        settings: SmtpSettings {
            host: "mail.example.net".parse().unwrap(),
            port: 587_u16.try_into().unwrap(),
            encryption: Encryption::Starttls,
            auth: Auth::None,
            sender_name: "Ann".parse().unwrap(),
            sender_email: "ann@example.net".parse().unwrap(),
            reply_to: None,
        },
        password: None,
        mode: TestMode::Connection,
        recipient: "ann@example.net".parse().unwrap(),
        mail: None,
    };

    let report = Mailer::new(config).test(plan, |_| {}).await;

    let expected = Failure { stage: Stage::Resolve, cause: Cause::TimedOut };
    assert_eq!(report.failure, Some(expected));
    assert!(report.took < PATIENCE, "the run's limit held, not the look-up's: {report:?}");
    assert_eq!(resolver.lookups(), 1);
}
