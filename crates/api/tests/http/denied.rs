//! A destination that is not allowed is told of in one way, whatever it is and however it is named.

use poem::http::StatusCode;
use serde_json::{Value, json};

use crate::world::World;

const DEFAULT: &str = "/v1/tenants/aurora/senders/default";
const RUNS: &str = "/v1/tenants/aurora/senders/default/test-runs";

/// Names that lead inside, which only a look-up can tell.
const NAMES: [&str; 4] = ["inside.example", "metadata.example", "mapped.example", "mixed.example"];

/// Addresses that lead inside, in every spelling.
const ADDRESSES: [&str; 14] = [
    "127.0.0.1",
    "127.0.0.2",
    "10.0.0.5",
    "169.254.169.254",
    "100.100.100.200",
    "168.63.129.16",
    "::1",
    "0:0:0:0:0:0:0:1",
    "::ffff:10.0.0.5",
    "::ffff:a00:5",
    "64:ff9b::a9fe:a9fe",
    "fd00:ec2::254",
    "localhost",
    "LOCALHOST.",
];

fn to_host(world: &World, host: &str) -> Value {
    let mut settings = world.settings();
    settings["host"] = json!(host);
    settings["port"] = json!(587);
    settings
}

#[tokio::test]
async fn every_spelling_of_an_address_inside_is_refused_in_the_same_words() {
    let world = World::new().await;
    let mut told = Vec::new();
    for host in ADDRESSES {
        let settings = to_host(&world, host);
        let saved = world.put(DEFAULT, &world.aurora, &settings).await;
        assert_eq!(saved.refused(), [("/host".to_owned(), "destination_not_allowed".to_owned())]);
        told.push((host, saved.settled().to_string()));
    }
    for (host, answer) in &told {
        assert_eq!(*answer, told[0].1, "{host}");
    }

    world.save_default().await;
    let mut tried = Vec::new();
    for host in ADDRESSES {
        let body = json!({"settings": to_host(&world, host)});
        let run = world.post(RUNS, &world.aurora, &body).await;
        assert_eq!(run.status, StatusCode::UNPROCESSABLE_ENTITY, "{host}: {}", run.text);
        tried.push((host, run.settled().to_string()));
    }
    for (host, answer) in &tried {
        assert_eq!(*answer, tried[0].1, "{host}");
    }
}

#[tokio::test]
async fn every_name_that_leads_inside_fails_in_the_same_words_and_in_no_time() {
    let mut told = Vec::new();
    for host in NAMES {
        let world = World::new().await;
        let saved = world.put(DEFAULT, &world.aurora, &to_host(&world, host)).await;
        assert_eq!(saved.status, StatusCode::CREATED, "{}", saved.text);

        let run = world.post(RUNS, &world.aurora, &json!({})).await;
        let ann = world.sign_in("aurora", "admin").await;
        let id = run.json()["id"].as_str().expect("an id").to_owned();
        let page = ann.get(&format!("/portal{}/{id}", RUNS.replace("/v1", ""))).await;

        assert_eq!(run.status, StatusCode::CREATED, "{}", run.text);
        assert_eq!(run.json()["took_ms"], 0);
        assert_eq!(
            run.json()["stages"][0],
            json!({"stage": "policy", "status": "failed", "took_ms": 0}),
        );
        assert_eq!(run.json()["advice"]["code"], "destination_not_allowed");
        assert_eq!(run.json()["has_transcript"], false);
        // The name itself is the tenant's own word.
        let told_of = |text: String| text.replace(host, "[host]");
        told.push((host, told_of(run.settled().to_string()), told_of(shown(&page.text, &id))));
    }
    for (host, run, page) in &told {
        assert_eq!((run, page), (&told[0].1, &told[0].2), "{host}");
    }
}

/// The content of a page, without the run's id and without times.
fn shown(page: &str, id: &str) -> String {
    let (_, content) = page.split_once("<main").expect("a page");
    let page = content.replace(id, "[id]");
    let mut parts = page.split("<time ");
    let mut settled = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        settled.push_str(part.split_once("</time>").expect("an end").1);
    }
    // What the support text says of when it began.
    match settled.split_once("Started ") {
        Some((before, after)) => {
            let (_, after) = after.split_once(" UTC").expect("a time");
            format!("{before}{after}")
        }
        None => settled,
    }
}
