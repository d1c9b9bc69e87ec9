//! Guides, with the tenant's own values beside what to enter.

use letterhead_api::app::guides;
use poem::http::{Method, StatusCode};
use serde_json::json;

use crate::world::World;

const GUIDES: &str = "/portal/tenants/aurora/guides";

#[tokio::test]
async fn every_guide_is_listed_and_opens_with_its_drawings_and_its_manual() {
    let world = World::new().await;
    let ann = world.sign_in("aurora", "setup").await;
    let list = ann.get(GUIDES).await;

    for guide in guides::all() {
        let path = format!("{GUIDES}/{}", guide.id);
        list.assert_has(&[&format!("href=\"{path}\""), &format!("href=\"{path}/pdf\"")]);
        let page = ann.get(&path).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.text);
        page.assert_has(&["Download PDF", "The service’s own pages"]);
        page.assert_lacks(&["What you have now", "**", "style="]);
        for image in page.text.split("<img src=\"").skip(1) {
            let src = image.split('"').next().expect("an address");
            let drawing = ann.get(src).await;
            assert_eq!(drawing.status, StatusCode::OK, "{src}");
            assert_eq!(drawing.header("content-type"), "image/svg+xml");
        }
        let pdf = ann.get(&format!("{path}/pdf")).await;
        assert_eq!(pdf.status, StatusCode::OK);
        assert_eq!(pdf.header("content-type"), "application/pdf");
        assert!(pdf.text.starts_with("%PDF-"));
        let name = format!("inline; filename=\"letterhead-{}.pdf\"", guide.id);
        assert_eq!(pdf.header("content-disposition"), name);
    }
}

#[tokio::test]
async fn the_guide_of_the_service_that_is_used_comes_first_and_shows_what_is_entered_now() {
    let world = World::new().await;
    let settings = json!({
        "host": "smtp.gmail.com", "port": 587, "encryption": "implicit_tls",
        "username": "billing@aurora.example", "password": "abcd efgh ijkl mnop",
        "sender_name": "<b>Aurora</b>", "sender_email": "billing@aurora.example",
    });
    let path = "/v1/tenants/aurora/senders/default";
    let saved = world.put(path, &world.aurora, &settings).await;
    assert_eq!(saved.status, StatusCode::CREATED, "{}", saved.text);
    let ann = world.sign_in("aurora", "viewer").await;

    let list = ann.get(GUIDES).await;
    let (before, _) = list.text.split_once("You use this one").expect("a mark");
    assert_eq!(before.matches("<h2>").count(), 1, "it is the first");
    assert!(before.contains("/guides/gmail"));

    let page = ann.get(&format!("{GUIDES}/gmail")).await;
    page.assert_has(&[
        "What you have now",
        "<code>smtp.gmail.com</code>",
        "SSL (implicit TLS, port 465)",
        "differs",
        "&#60;b&#62;Aurora&#60;/b&#62;",
    ]);
    page.assert_lacks(&["abcd efgh", "<b>Aurora"]);
}

#[tokio::test]
async fn what_is_no_guide_is_not_there_and_guides_are_for_those_who_are_signed_in() {
    let world = World::new().await;
    let ann = world.sign_in("aurora", "admin").await;

    for rest in [
        "nothing",
        "nothing/pdf",
        "drawings/nothing.svg",
        "drawings/smtp-settings",
        "drawings/..%2f",
    ] {
        let answer = ann.get(&format!("{GUIDES}/{rest}")).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{rest}");
    }
    let elsewhere = "/portal/tenants/borealis/guides/gmail/pdf";
    assert_eq!(ann.get(elsewhere).await.status, StatusCode::NOT_FOUND);
    let stranger = world.raw(Method::GET, &format!("{GUIDES}/gmail/pdf"), &[], "").await;
    assert_eq!(stranger.status, StatusCode::UNAUTHORIZED);
}
