//! The card about the sender's domain below a run's stages.

use letterhead_test_dns::Zone;
use poem::http::StatusCode;
use serde_json::json;

use crate::{dns_checks::world, world::World};

const DEFAULT: &str = "/v1/tenants/aurora/senders/default";

/// The page of a finished run for a reader of `language`.
async fn page(world: &World, language: &str) -> String {
    let run = world.post(&format!("{DEFAULT}/test-runs"), &world.aurora, &json!({})).await;
    assert_eq!(run.status, StatusCode::CREATED, "{}", run.text);
    let id = run.json()["id"].as_str().expect("an id").to_owned();
    let ann = world.sign_in("aurora", "viewer").await;
    let path = format!("/portal/tenants/aurora/senders/default/test-runs/{id}");
    let page = ann.get_with(&path, &[("accept-language", language)]).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    page.text
}

#[tokio::test]
async fn a_run_shows_what_to_add_and_strangers_text_is_only_text() {
    let zone = Zone::new().txt("aurora.example", "v=spf1 x=<script>alert(1)<script> +all");
    let (_server, world) = world(zone).await;
    world.save_default().await;

    let page = page(&world, "en").await;

    for text in [
        "<h2 id=\"domain-title\">Your domain</h2>",
        "SPF: who may send",
        "v=spf1 ~all x=&#60;script&#62;",
        "_dmarc.aurora.example",
        "v=DMARC1; p=none; rua=mailto:billing@aurora.example",
        "data-copy=\"domain-dmarc-record\"",
    ] {
        assert!(page.contains(text), "{text}: {page}");
    }
    assert!(!page.contains("<script>alert"), "{page}");
}

#[tokio::test]
async fn it_is_told_in_the_readers_language() {
    let (_server, world) = world(Zone::new()).await;
    world.save_default().await;

    let page = page(&world, "fil").await;

    assert!(page.contains("Ang iyong domain"), "{page}");
    assert!(page.contains("Walang DMARC record ang aurora.example."), "{page}");
}
