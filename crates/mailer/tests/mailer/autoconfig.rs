//! What a domain publishes, over real DNS and HTTPS, and from web servers that no one should have to
//! meet.

use letterhead_domain::{
    discovery::PublishedServer, provider::SignInKind, smtp_settings::Encryption,
};
use letterhead_mailer::{
    autoconfig::Published,
    egress::{policy::EgressPolicy, resolver::Resolver},
    mailer::{Mailer, MailerConfig},
    tls::TlsTrust,
};
use letterhead_test_dns::{Behaviour, DnsServer, Zone};
use letterhead_test_https::{Answer, HttpsServer};

const DOMAIN: &str = "aurora.example";
const OWN: &str = "autoconfig.aurora.example";
const OWN_FILE: &str = "autoconfig.aurora.example/mail/config-v1.1.xml";
const WELL_KNOWN: &str = "aurora.example/.well-known/autoconfig/mail/config-v1.1.xml";
const LOOPBACK: [u8; 4] = [127, 0, 0, 1];

fn file(host: &str) -> String {
    format!(
        r#"<clientConfig version="1.1"><emailProvider id="x"><outgoingServer type="smtp">
        <hostname>{host}</hostname><port>465</port><socketType>SSL</socketType>
        <username>%EMAILLOCALPART%</username><authentication>password-cleartext</authentication>
        </outgoingServer></emailProvider></clientConfig>"#
    )
}

fn found(host: &str) -> Published {
    Published::Servers(vec![PublishedServer {
        host: host.to_owned(),
        port: 465,
        encryption: Encryption::ImplicitTls,
        username: Some("%EMAILLOCALPART%".to_owned()),
        sign_in: vec![SignInKind::Password],
    }])
}

fn not_found() -> Answer {
    Answer::Bytes(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_vec())
}

fn zone() -> Zone {
    [OWN, DOMAIN, "elsewhere.example"]
        .iter()
        .fold(Zone::new(), |zone, name| zone.address(name, LOOPBACK))
}

/// A mailer that asks `web` for settings, and may do so at the names given.
async fn mailer(web: &HttpsServer, zone: Zone, allowed: &[&str]) -> (Mailer, DnsServer) {
    let dns = DnsServer::start(zone).await;
    let port = web.port();
    let allowed = allowed.iter().map(|name| format!("{name}:{port}").parse().unwrap());
    let policy = EgressPolicy { allowed: allowed.collect(), extra_ports: vec![] };
    let resolver = Resolver::servers(&[dns.address()]).unwrap();
    let trust = TlsTrust::load(&[web.ca_file()]).unwrap();
    let mut config = MailerConfig::new(policy, resolver, trust);
    config.autoconfig_port = port;
    (Mailer::new(config), dns)
}

/// What is found at a web server that answers so.
async fn published(answer: impl Fn(u16, &str) -> Answer + Send + Sync + 'static) -> Published {
    let names = [OWN, DOMAIN, "elsewhere.example"];
    let web = HttpsServer::start(&names, answer).await;
    let (mailer, _dns) = mailer(&web, zone(), &names).await;
    mailer.published(DOMAIN).await
}

#[tokio::test]
async fn both_places_are_asked_and_nothing_but_the_domain_leaves() {
    let web = HttpsServer::start(&[OWN, DOMAIN], |_, asked| match asked {
        OWN_FILE => Answer::Document(file("smtp.aurora.example")),
        WELL_KNOWN => Answer::Document(file("other.aurora.example")),
        _ => not_found(),
    })
    .await;
    let (mailer, dns) = mailer(&web, zone(), &[OWN, DOMAIN]).await;

    let published = mailer.published(DOMAIN).await;

    assert_eq!(published, found("smtp.aurora.example"));
    let requests = web.requests();
    assert_eq!(requests.len(), 2);
    assert!(requests.iter().all(|request| !request.contains('?')), "{requests:?}");
    assert_eq!(dns.names_asked(), [DOMAIN, OWN]);
}

#[tokio::test]
async fn the_well_known_place_is_enough() {
    let found_there = published(|_, asked| match asked {
        WELL_KNOWN => Answer::Document(file("smtp.aurora.example")),
        _ => not_found(),
    })
    .await;

    assert_eq!(found_there, found("smtp.aurora.example"));
}

#[tokio::test]
async fn a_file_may_lie_elsewhere_over_https() {
    let cases: [fn(u16) -> String; 2] = [
        |port| format!("https://elsewhere.example:{port}/settings.xml?v=1"),
        |_| "/moved.xml".to_owned(),
    ];
    for location in cases {
        let published = published(move |port, asked| match asked {
            OWN_FILE => Answer::Elsewhere(location(port)),
            "elsewhere.example/settings.xml?v=1" | "autoconfig.aurora.example/moved.xml" => {
                Answer::Document(file("smtp.host.example"))
            }
            _ => not_found(),
        })
        .await;
        assert_eq!(published, found("smtp.host.example"));
    }
}

#[tokio::test]
async fn hostile_answers_are_nothing_and_cost_little() {
    let head = b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\n".to_vec();
    let body = [&head[..], b"\r\n"].concat();
    let chunked = [&head[..], b"Transfer-Encoding: chunked\r\n\r\n"].concat();
    let entities = file("smtp.aurora.example").replacen(
        "<clientConfig",
        "<!DOCTYPE x [<!ENTITY a \"aaaaaaaaaa\">]><clientConfig",
        1,
    );
    let deep = "<clientConfig>".to_owned() + &"<a>".repeat(5_000);
    let cases: Vec<(&str, Answer)> = vec![
        ("a body without end", Answer::Endless(body.clone(), vec![b' '; 8192])),
        ("chunks without end", Answer::Endless(chunked, b"2\r\n  \r\n".repeat(500))),
        (
            "a body that is said to be huge",
            Answer::Stalled(
                [&head[..], b"Content-Length: 1000000\r\n\r\n", &[b' '; 70_000]].concat(),
            ),
        ),
        ("header fields without end", Answer::Endless(head.clone(), b"X: y\r\n".repeat(500))),
        ("a header field without end", Answer::Endless(head.clone(), vec![b'x'; 8192])),
        ("answers that are none yet", Answer::Bytes(b"HTTP/1.1 103 Early Hints\r\n\r\n".to_vec())),
        ("a document type", Answer::Document(entities)),
        ("deep nesting", Answer::Document(deep)),
        ("no XML", Answer::Document("{\"host\": \"smtp.aurora.example\"}".to_owned())),
        ("no HTTP", Answer::Bytes(b"220 smtp.aurora.example ESMTP\r\n".to_vec())),
        ("nothing", Answer::Bytes(Vec::new())),
        (
            "an error with a file",
            Answer::Bytes(
                [b"HTTP/1.1 500 No\r\n\r\n", file("smtp.aurora.example").as_bytes()].concat(),
            ),
        ),
        ("a loop", Answer::Elsewhere("/mail/config-v1.1.xml".to_owned())),
        ("nowhere", Answer::Elsewhere(String::new())),
        ("no address", Answer::Elsewhere("//elsewhere.example/x".to_owned())),
    ];
    for (case, answer) in cases {
        assert_eq!(published(move |_, _| answer.clone()).await, Published::Nothing, "{case}");
    }
}

#[tokio::test]
async fn a_redirection_to_where_nobody_may_go_looks_like_nothing() {
    let cases: [fn(u16) -> String; 7] = [
        |port| format!("https://127.0.0.1:{port}/x"),
        |port| format!("https://[::1]:{port}/x"),
        |port| format!("https://localhost:{port}/x"),
        |port| format!("https://inside.example:{port}/x"),
        |port| format!("http://elsewhere.example:{port}/x"),
        |port| format!("https://user:secret@elsewhere.example:{port}/x"),
        |port| format!("https://elsewhere.example:{}/x", port.wrapping_add(1)),
    ];
    for location in cases {
        let names = [OWN, DOMAIN, "elsewhere.example", "inside.example", "localhost", "127.0.0.1"];
        let web = HttpsServer::start(&names, move |port, asked| match asked {
            OWN_FILE => Answer::Elsewhere(location(port)),
            WELL_KNOWN => not_found(),
            _ => Answer::Document(file("smtp.aurora.example")),
        })
        .await;
        let zone = zone().address("inside.example", LOOPBACK);
        let allowed = [OWN, DOMAIN, "elsewhere.example"];
        let (mailer, _dns) = mailer(&web, zone, &allowed).await;

        let published = mailer.published(DOMAIN).await;

        assert_eq!(published, Published::Nothing, "{}", location(web.port()));
        assert_eq!(web.requests().len(), 2, "nobody followed {}", location(web.port()));
    }
}

#[tokio::test]
async fn an_exemption_for_mail_opens_no_other_port() {
    let inside = HttpsServer::start(&["inside.example"], |_, _| {
        Answer::Document(file("smtp.aurora.example"))
    })
    .await;
    let inside_port = inside.port();
    let web = HttpsServer::start(&[OWN, DOMAIN], move |_, _| {
        Answer::Elsewhere(format!("https://inside.example:{inside_port}/x"))
    })
    .await;
    let dns = DnsServer::start(zone().address("inside.example", LOOPBACK)).await;
    let port = web.port();
    let allowed = [(OWN, port), (DOMAIN, port), ("inside.example", inside_port)];
    let allowed = allowed.map(|(name, port)| format!("{name}:{port}").parse().unwrap()).to_vec();
    let policy = EgressPolicy { allowed, extra_ports: vec![] };
    let trust = TlsTrust::load(&[web.ca_file(), inside.ca_file()]).unwrap();
    let resolver = Resolver::servers(&[dns.address()]).unwrap();
    let mut config = MailerConfig::new(policy, resolver, trust);
    config.autoconfig_port = port;

    let published = Mailer::new(config).published(DOMAIN).await;

    assert_eq!(published, Published::Nothing);
    assert_eq!(inside.requests(), [""; 0]);
}

#[tokio::test]
async fn a_certificate_for_another_name_or_from_a_stranger_is_nothing() {
    let answer = |_: u16, _: &str| Answer::Document(file("smtp.aurora.example"));
    let other_name = HttpsServer::start(&["other.example"], answer).await;
    let (wrong_name, _dns) = mailer(&other_name, zone(), &[OWN, DOMAIN]).await;
    let web = HttpsServer::start(&[OWN, DOMAIN], answer).await;
    let port = web.port();
    let allowed = [OWN, DOMAIN].map(|name| format!("{name}:{port}").parse().unwrap()).to_vec();
    let dns = DnsServer::start(zone()).await;
    let mut config = MailerConfig::new(
        EgressPolicy { allowed, extra_ports: vec![] },
        Resolver::servers(&[dns.address()]).unwrap(),
        TlsTrust::load(&[other_name.ca_file()]).unwrap(),
    );
    config.autoconfig_port = port;
    let stranger = Mailer::new(config);

    assert_eq!(wrong_name.published(DOMAIN).await, Published::Nothing);
    assert_eq!(stranger.published(DOMAIN).await, Published::Nothing);
    assert!(other_name.requests().is_empty() && web.requests().is_empty());
}

#[tokio::test]
async fn a_place_that_may_not_be_reached_looks_like_one_that_is_not_there() {
    let web = HttpsServer::start(&[OWN, DOMAIN], |_, _| Answer::Document(file("x.example"))).await;
    let (denied, _denied_dns) = mailer(&web, zone(), &[]).await;
    let (missing, _missing_dns) = mailer(&web, Zone::new(), &[OWN, DOMAIN]).await;

    assert_eq!(denied.published(DOMAIN).await, Published::Nothing);
    assert_eq!(missing.published(DOMAIN).await, Published::Nothing);
    assert_eq!(web.requests(), [""; 0]);
}

#[tokio::test]
async fn silence_is_told_as_such() {
    let stalled = b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n<clientConfig>".to_vec();
    let web =
        HttpsServer::start(&[OWN, DOMAIN], move |_, _| Answer::Stalled(stalled.clone())).await;
    let silent_zone =
        Zone::new().misbehaving(OWN, Behaviour::Silence).misbehaving(DOMAIN, Behaviour::Silence);
    let (slow_web, _dns) = mailer(&web, zone(), &[OWN, DOMAIN]).await;
    let (silent_dns, _dns2) = mailer(&web, silent_zone, &[OWN, DOMAIN]).await;

    let (slow_web, silent_dns) =
        tokio::join!(slow_web.published(DOMAIN), silent_dns.published(DOMAIN));

    assert_eq!((slow_web, silent_dns), (Published::Unanswered, Published::Unanswered));
}
