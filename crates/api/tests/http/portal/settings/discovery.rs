//! "Find my settings".

use letterhead_test_dns::Zone;
use poem::http::StatusCode;

use super::{EDIT, PAGE, save};
use crate::{
    discoveries::{Neighbourhood, file},
    world::World,
};

#[tokio::test]
async fn an_address_fills_the_form_in_and_nothing_is_saved() {
    let zone = Zone::new().mx("aurora.example", 10, "aspmx.l.google.com");
    let around = Neighbourhood::of(zone, &file(&["smtp.aurora.example"])).await;
    let ann = around.world.sign_in("aurora", "admin").await;
    ann.get(EDIT).await.assert_has(&[">Find my settings</button>"]);

    let typed = [
        ("do", "discover"),
        ("find_email", "ann@aurora.example"),
        ("host", ""),
        ("sender_name", "Kept"),
        ("sender_email", ""),
        ("password", "typed-secret"),
    ];
    let found = save(&ann, &around.world, &typed).await;

    assert_eq!(found.status, StatusCode::OK);
    found.assert_has(&[
        "A mail server for ann@aurora.example was found and filled in below.",
        "<strong>smtp.aurora.example, port 465 (SSL)</strong> Very likely \
         right. aurora.example publishes these settings for mail programs. Filled in below.",
        "Probably right. Mail for aurora.example is received by Gmail and Google Workspace",
        "name=\"host\" type=\"text\" spellcheck=\"false\" value=\"smtp.aurora.example\"",
        "<option value=\"implicit_tls\" selected>",
        "value=\"ann\"",
        "value=\"Kept\"",
        "value=\"ann@aurora.example\"",
    ]);
    found.assert_lacks(&["typed-secret"]);
    ann.get(PAGE).await.assert_has(&["No mail server is set up yet"]);
}

#[tokio::test]
async fn another_of_the_servers_that_were_found_can_be_taken() {
    let world = World::new().await;
    let ann = world.sign_in("aurora", "admin").await;

    let take =
        [("take", "smtp.gmail.com 587 starttls ann@aurora.example"), ("sender_name", "Kept")];
    let taken = save(&ann, &world, &take).await;

    assert_eq!(taken.status, StatusCode::OK);
    taken.assert_has(&[
        "smtp.gmail.com is filled in below.",
        "value=\"smtp.gmail.com\"",
        "value=\"ann@aurora.example\"",
        "value=\"Kept\"",
    ]);
    let evil = [("take", "\"><script>alert(1)</script> x y z")];
    save(&ann, &world, &evil).await.assert_lacks(&["<script>alert"]);
}

#[tokio::test]
async fn an_address_that_is_none_and_one_that_leads_nowhere_keep_what_was_typed() {
    let around = Neighbourhood::of(Zone::new(), "").await;
    let ann = around.world.sign_in("aurora", "admin").await;
    let find =
        |email: &'static str| [("do", "discover"), ("find_email", email), ("host", "kept.example")];

    let refused = save(&ann, &around.world, &find("nobody")).await;
    let nothing = save(&ann, &around.world, &find("ann@nowhere.example")).await;

    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    refused.assert_has(&["id=\"find_email-error\">", "value=\"nobody\"", "value=\"kept.example\""]);
    assert_eq!(nothing.status, StatusCode::OK);
    nothing.assert_has(&[
        "No mail server was found for ann@nowhere.example.",
        "value=\"kept.example\"",
    ]);
}

#[tokio::test]
async fn who_may_only_look_may_not_search() {
    let world = World::new().await;
    let viewer = world.sign_in("aurora", "viewer").await;

    let refused = save(&viewer, &world, &[("do", "discover"), ("find_email", "a@gmail.com")]).await;

    assert_eq!(refused.status, StatusCode::FORBIDDEN);
}
