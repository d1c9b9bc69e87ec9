//! What is not one operation's: pages, health, and what the framework answers by itself.

use std::{collections::BTreeSet, fs, path::Path, time::Duration};

use letterhead_api::{
    app::Rules,
    http::{self, HttpConfig},
};
use letterhead_domain::{message::MessageLimits, sender::PromotePolicy};
use letterhead_mailer::practice_server::{PracticeConfig, PracticeServer};
use letterhead_storage::record::RunLimits;
use poem::{
    http::{Method, StatusCode},
    test::TestClient,
};

use crate::world::{World, app, bearer};

#[tokio::test]
async fn pages_for_people_need_no_key() {
    let world = World::new().await;
    let get = async |path| world.call(Method::GET, path, &[], None).await;

    let document = get("/openapi.json").await;
    assert_eq!(document.text, http::document());
    assert_eq!(document.header("content-type"), "application/json");

    let page = get("/docs").await;
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    assert!(page.header("content-security-policy").starts_with("default-src 'none'"));
    assert!(!page.text.contains("src=\"http"), "everything the page needs comes with it");

    assert!(get("/problems").await.text.starts_with("# Problems"));
    let one = get("/problems/stale").await;
    assert!(one.text.starts_with("## stale (412)"), "{}", one.text);
    assert_eq!(get("/problems/unheard_of").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn every_operation_wants_a_key_but_health() {
    let world = World::new().await;
    let document: serde_json::Value = serde_json::from_str(&http::document()).expect("JSON");
    let paths = document["paths"].as_object().expect("paths");
    for (path, operations) in paths.iter().filter(|(path, _)| path.starts_with("/v1")) {
        for method in operations.as_object().expect("operations").keys() {
            let method = Method::from_bytes(method.to_uppercase().as_bytes()).expect("a method");
            let answer = world.call(method.clone(), path, &[], None).await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{method} {path}");
            assert_eq!(answer.header("www-authenticate"), "Bearer");
        }
    }
}

#[tokio::test]
async fn methods_that_a_path_does_not_take_are_answered_with_those_it_does() {
    let world = World::new().await;
    let own = bearer(&world.aurora);
    let path = "/v1/tenants/aurora/senders/default";

    let answer = world.call(Method::PATCH, path, &[own.as_ref()], None).await;

    assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
    let mut allowed: Vec<_> = answer.header("allow").split(", ").collect();
    allowed.sort_unstable();
    assert_eq!(allowed, ["DELETE", "GET", "PUT"]);
}

#[tokio::test]
async fn bodies_are_json_of_a_bounded_size_also_without_a_length() {
    let world = World::new().await;
    let own = bearer(&world.aurora);
    let path = "/v1/tenants/aurora/senders/default";

    let form = ("content-type", "application/x-www-form-urlencoded");
    let answer = world.raw(Method::PUT, path, &[own.as_ref(), form], "host=x").await;
    assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);

    let chunks = (0..65).map(|_| Ok::<_, std::io::Error>(&[b' '; 1024][..]));
    let endless = poem::Body::from_bytes_stream(futures_util::stream::iter(chunks));
    let json = ("content-type", "application/json");
    let answer = world.raw(Method::PUT, path, &[own.as_ref(), json], endless).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);

    let twice = r#"{"host": "a", "host": "b"}"#;
    let answer = world.raw(Method::PUT, path, &[own.as_ref(), json], twice).await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (StatusCode::BAD_REQUEST, "malformed_json")
    );
}

#[tokio::test]
async fn a_database_that_is_away_is_503_and_the_process_lives() {
    let folder = tempfile::tempdir().expect("a folder");
    let practice = PracticeServer::start(PracticeConfig::ephemeral(folder.path())).await;
    let practice = practice.expect("a practice server");
    let rules = Rules {
        promote: PromotePolicy::AfterTest,
        message: MessageLimits::default(),
        test_runs: RunLimits { per_minute: 6, per_hour: 60 },
        failed_auth_per_minute: 30,
        searches_per_minute: 10,
        known_for: Duration::from_secs(5),
    };
    // Nothing listens on this port of loopback.
    let app = app("postgres://nobody@127.0.0.1:1/nothing", &practice, rules).await;
    let client = TestClient::new(http::routes(app, HttpConfig::default()));

    client.get("/livez").send().await.assert_status_is_ok();

    let key = letterhead_api::api_key::generate(letterhead_api::api_key::KeyKind::Operator);
    let paths = ["/readyz", "/v1/tenants"];
    for path in paths {
        let request = client.get(path).header("authorization", format!("Bearer {}", &*key.text));
        let response = request.send().await;
        response.assert_status(StatusCode::SERVICE_UNAVAILABLE);
        response.assert_header("retry-after", "5");
        let text = response.0.into_body().into_string().await.expect("text");
        assert!(!text.contains("postgres") && !text.contains("127.0.0.1"), "{text}");
    }
}

#[tokio::test]
async fn readiness_is_told_while_the_database_is_there() {
    let world = World::new().await;
    for path in ["/livez", "/readyz"] {
        let answer = world.call(Method::GET, path, &[], None).await;
        assert_eq!((answer.status, answer.text.as_str()), (StatusCode::OK, "{\"status\":\"ok\"}"));
    }
    let answer = world.call(Method::HEAD, "/readyz", &[], None).await;
    assert_eq!((answer.status, answer.text.as_str()), (StatusCode::OK, ""));
}

/// The first argument of each `Invalid::new` in the sources below `folder`.
fn refusal_codes(folder: &Path, codes: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            refusal_codes(&path, codes);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let source = fs::read_to_string(&path).expect("a source");
            let calls = source.split("Invalid::new(").skip(1).map(str::trim_start);
            let texts = calls.filter_map(|call| call.strip_prefix('"')?.split('"').next());
            codes.extend(texts.map(str::to_owned));
        }
    }
}

#[test]
fn the_page_of_problems_lists_each_code_of_a_refused_field() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a parent");
    let mut used = BTreeSet::from(["required".to_owned(), "too_long".to_owned()]);
    for name in ["api", "domain", "mailer", "storage"] {
        refusal_codes(&crates.join(name).join("src"), &mut used);
    }

    let page = include_str!("../../../../docs/problems.md");
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    assert_eq!(rows.map(str::to_owned).collect::<BTreeSet<_>>(), used);
}
