//! Searches for the server that sends an address's mail, over real DNS and HTTPS.

use letterhead_mailer::{egress::resolver::Resolver, tls::TlsTrust};
use letterhead_test_dns::{Behaviour, DnsServer, Zone};
use letterhead_test_https::{Answer, HttpsServer};
use poem::http::StatusCode;
use serde_json::{Value, json};

use crate::world::{self, World};

const PATH: &str = "/v1/tenants/aurora/discoveries";

/// A world in which the domains of `zone` are what they are, and `published` lies at the place where
/// `aurora.example` publishes its settings.
pub(crate) struct Neighbourhood {
    pub(crate) world: World,
    pub(crate) dns: DnsServer,
    pub(crate) web: HttpsServer,
}

impl Neighbourhood {
    pub(crate) async fn of(zone: Zone, published: &str) -> Self {
        Self::with_limit(zone, published, 10).await
    }

    async fn with_limit(zone: Zone, published: &str, per_minute: u32) -> Self {
        let published = published.to_owned();
        let web = HttpsServer::start(&["autoconfig.aurora.example"], move |_, _| {
            Answer::Document(published.clone())
        })
        .await;
        let (port, ca_file) = (web.port(), web.ca_file());
        let dns = DnsServer::start(zone.address("autoconfig.aurora.example", [127, 0, 0, 1])).await;
        let world = World::with(
            |rules| rules.searches_per_minute = per_minute,
            |config| {
                config.resolver = Resolver::servers(&[dns.address()]).expect("a resolver");
                config.trust = TlsTrust::load(&[ca_file]).expect("a CA");
                config.autoconfig_port = port;
                let place = format!("autoconfig.aurora.example:{port}");
                config.policy.allowed.push(place.parse().expect("a destination"));
            },
        )
        .await;
        Self { world, dns, web }
    }

    async fn find(&self, email: &str) -> world::Answer {
        self.world.post(PATH, &self.world.aurora, &json!({"email": email})).await
    }
}

/// A settings file with one server for each host.
pub(crate) fn file(hosts: &[&str]) -> String {
    let servers: Vec<_> = hosts
        .iter()
        .map(|host| {
            format!(
                r#"<outgoingServer type="smtp"><hostname>{host}</hostname><port>465</port>
                <socketType>SSL</socketType><username>%EMAILLOCALPART%</username>
                <authentication>password-cleartext</authentication></outgoingServer>"#
            )
        })
        .collect();
    format!("<clientConfig><emailProvider>{}</emailProvider></clientConfig>", servers.concat())
}

fn places(answer: &world::Answer) -> Vec<String> {
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    let json = answer.json();
    let candidates = json["candidates"].as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    candidates.iter().map(|it| format!("{}:{}", text(&it["host"]), it["port"])).collect()
}

#[tokio::test]
async fn every_source_is_asked_and_each_server_stands_once_with_all_its_reasons() {
    let zone = Zone::new()
        .srv("_submissions._tcp.aurora.example", (0, 0, 465), "smtp.aurora.example")
        .srv("_submission._tcp.aurora.example", (0, 0, 587), "mail.elsewhere.example")
        .mx("aurora.example", 20, "mx.aurora.example")
        .mx("aurora.example", 10, "aspmx.l.google.com");
    let around = Neighbourhood::of(zone, &file(&["smtp.aurora.example"])).await;

    let found = around.find("Ann@Aurora.example").await;

    insta::assert_json_snapshot!(found.json());
}

#[tokio::test]
async fn a_domain_of_a_known_service_asks_nobody() {
    let around = Neighbourhood::of(Zone::new(), "").await;

    let found = around.find("ann@gmail.com").await;

    assert_eq!(places(&found), ["smtp.gmail.com:587"]);
    let best = &found.json()["candidates"][0];
    assert_eq!((&best["provider"], &best["confidence"]), (&json!("gmail"), &json!("high")));
    assert_eq!(
        (&best["username"], &best["password"]),
        (&json!("ann@gmail.com"), &json!("app_password"))
    );
    assert_eq!(around.dns.names_asked(), [""; 0]);
}

#[tokio::test]
async fn only_the_domain_leaves() {
    let around = Neighbourhood::of(Zone::new(), &file(&["smtp.aurora.example"])).await;

    around.find("secret.name@aurora.example").await;

    let names = around.dns.names_asked();
    assert_eq!(
        names,
        [
            "_submission._tcp.aurora.example",
            "_submissions._tcp.aurora.example",
            "aurora.example",
            "autoconfig.aurora.example",
        ]
    );
    assert!(around.web.requests().iter().all(|request| !request.contains("secret")));
    assert!(!around.web.requests().is_empty());
}

#[tokio::test]
async fn servers_that_a_save_would_refuse_are_not_suggested() {
    let hosts = ["127.0.0.1", "10.0.0.5", "localhost", "::ffff:10.0.0.5", "169.254.169.254"];
    let zone = Zone::new()
        .srv("_submissions._tcp.aurora.example", (0, 0, 22), "smtp.aurora.example")
        .srv("_submission._tcp.aurora.example", (0, 0, 587), "localhost");
    let around = Neighbourhood::of(zone, &file(&hosts)).await;

    let found = around.find("ann@aurora.example").await;

    assert_eq!(places(&found), [""; 0]);
    assert_eq!(found.json()["incomplete"], json!([]));
}

#[tokio::test]
async fn a_service_that_is_decidedly_not_offered_is_not_suggested() {
    let zone = Zone::new().srv("_submissions._tcp.aurora.example", (0, 0, 0), "").mx(
        "aurora.example",
        0,
        "",
    );
    let around = Neighbourhood::of(zone, "").await;

    assert_eq!(places(&around.find("ann@aurora.example").await), [""; 0]);
}

#[tokio::test]
async fn what_could_not_be_looked_up_is_told_and_ends_nothing() {
    let zone = Zone::new()
        .misbehaving("_submissions._tcp.aurora.example", Behaviour::Failure)
        .misbehaving("_submission._tcp.aurora.example", Behaviour::Failure)
        .misbehaving("aurora.example", Behaviour::Flood { lying: false });
    let around = Neighbourhood::of(zone, &file(&["smtp.aurora.example"])).await;

    let found = around.find("ann@aurora.example").await;

    assert_eq!(places(&found), ["smtp.aurora.example:465"]);
    assert_eq!(found.json()["incomplete"], json!(["srv", "mx"]));
}

#[tokio::test]
async fn it_takes_a_key_that_may_write_settings_and_one_address() {
    let world = World::new().await;
    let body = json!({"email": "ann@gmail.com"});
    let reader = world.key("aurora", &["settings:read", "test:run"]).await;
    let writer = world.key("aurora", &["settings:write"]).await;

    assert_eq!(world.post(PATH, "lhk_tn_wrong", &body).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(world.post(PATH, &world.borealis, &body).await.status, StatusCode::NOT_FOUND);
    assert_eq!(world.post(PATH, &reader, &body).await.status, StatusCode::FORBIDDEN);
    assert_eq!(world.post(PATH, &writer, &body).await.status, StatusCode::OK);
    let cases = [("", "required"), ("ann", "malformed"), ("ann@[127.0.0.1]", "malformed")];
    for (email, code) in cases {
        let answer = world.post(PATH, &writer, &json!({"email": email})).await;
        assert_eq!(answer.refused(), [("/email".to_owned(), code.to_owned())], "{email}");
    }
}

#[tokio::test]
async fn a_tenant_that_searches_too_often_waits_and_others_do_not() {
    let around = Neighbourhood::with_limit(Zone::new(), "", 2).await;
    for _ in 0..2 {
        assert_eq!(around.find("ann@gmail.com").await.status, StatusCode::OK);
    }

    let refused = around.find("ann@gmail.com").await;

    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused.header("retry-after"), "60");
    let (path, body) = ("/v1/tenants/borealis/discoveries", json!({"email": "ann@gmail.com"}));
    let other = around.world.post(path, &around.world.borealis, &body).await;
    assert_eq!(other.status, StatusCode::OK);
}
