//! What DNS says about a sender's domain, with a name server of our own.

use letterhead_api::app::Rules;
use letterhead_mailer::egress::resolver::Resolver;
use letterhead_test_dns::{Behaviour, DnsServer, Zone};
use poem::http::StatusCode;
use serde_json::{Value, json};

use crate::world::World;

const DEFAULT: &str = "/v1/tenants/aurora/senders/default";
const CHECK: &str = "/v1/tenants/aurora/senders/default/dns-check";
const RUNS: &str = "/v1/tenants/aurora/senders/default/test-runs";

pub(crate) async fn world(zone: Zone) -> (DnsServer, World) {
    let server = DnsServer::start(zone).await;
    let resolver = Resolver::servers(&[server.address()]).expect("a resolver");
    (server, World::with(|_| {}, |config| config.resolver = resolver).await)
}

/// Settings of Google's server, which is never spoken to.
async fn save_google(world: &World) {
    let mut settings = world.settings();
    settings["host"] = json!("smtp.gmail.com");
    settings["port"] = json!(587);
    let saved = world.put(DEFAULT, &world.aurora, &settings).await;
    assert_eq!(saved.status, StatusCode::CREATED, "{}", saved.text);
}

#[tokio::test]
async fn the_answer_says_what_to_add_to_the_record_that_exists() {
    let zone = Zone::new()
        .txt("aurora.example", "v=spf1 mx -all")
        .mx("aurora.example", 10, "mx.aurora.example")
        .txt("_spf.google.com", "v=spf1 ip4:192.0.2.0/24 ~all")
        .txt("google._domainkey.aurora.example", "v=DKIM1; p=")
        .txt("_dmarc.aurora.example", "v=DMARC1; p=reject");
    let (_server, world) = world(zone).await;
    save_google(&world).await;

    let answer = world.get(CHECK, &world.aurora).await;

    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    insta::assert_json_snapshot!("dns_check", answer.settled());
}

#[tokio::test]
async fn it_takes_a_key_of_the_tenant_that_may_read_settings() {
    let (_server, world) = world(Zone::new()).await;
    let sender = world.key("aurora", &["messages:send"]).await;
    let missing = world.get(CHECK, &world.aurora).await.status;
    world.save_default().await;

    let other = world.get(CHECK, &world.borealis).await.status;
    let scope = world.get(CHECK, &sender).await.status;
    let reader = world.key("aurora", &["settings:read"]).await;
    let allowed = world.get(CHECK, &reader).await.status;

    assert_eq!((missing, other), (StatusCode::NOT_FOUND, StatusCode::NOT_FOUND));
    assert_eq!((scope, allowed), (StatusCode::FORBIDDEN, StatusCode::OK));
}

#[tokio::test]
async fn a_tenant_that_asks_too_often_waits() {
    let server = DnsServer::start(Zone::new()).await;
    let resolver = Resolver::servers(&[server.address()]).expect("a resolver");
    let rules = |rules: &mut Rules| rules.searches_per_minute = 1;
    let world = World::with(rules, |config| config.resolver = resolver).await;
    world.save_default().await;
    assert_eq!(world.get(CHECK, &world.aurora).await.status, StatusCode::OK);

    let refused = world.get(CHECK, &world.aurora).await;

    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused.header("retry-after"), "60");
}

#[tokio::test]
async fn a_run_keeps_what_was_found_as_a_hint_and_passes_all_the_same() {
    let (_server, world) = world(Zone::new().txt("aurora.example", "v=spf1 +all")).await;
    world.save_default().await;

    let run = world.post(RUNS, &world.aurora, &json!({})).await;

    assert_eq!(run.json()["status"], "passed", "{}", run.text);
    let check = &run.json()["dns_check"];
    assert_eq!(check["domain"], "aurora.example");
    assert_eq!(check["spf"]["code"], "spf_everybody");
    assert_eq!(check["spf"]["suggested_record"]["value"], "v=spf1 ~all");
    assert_eq!(check["dmarc"]["code"], "dmarc_missing");
    let loaded = world.get(run.header("location"), &world.aurora).await;
    assert_eq!(&loaded.json()["dns_check"], check);
}

#[tokio::test]
async fn a_run_that_is_over_does_not_wait_for_silent_name_servers() {
    let zone = ["aurora.example", "_dmarc.aurora.example"]
        .iter()
        .fold(Zone::new(), |zone, name| zone.misbehaving(name, Behaviour::Silence));
    let (_server, world) = world(zone).await;
    world.save_default().await;

    let run = world.post(RUNS, &world.aurora, &json!({})).await;

    assert_eq!(run.json()["status"], "passed", "{}", run.text);
    assert_eq!(run.json()["dns_check"], Value::Null);
}
