//! Apply and test again: what a failed test found, taken over with one press.

use letterhead_mailer::practice_server::{Verb, gate::Point};
use poem::http::StatusCode;

use super::{PAGE, TESTS, save, test};
use crate::{
    portal::Visitor,
    world::{Answer, World},
};

/// Where the button of the offer on `page` leads.
fn button(page: &Answer) -> String {
    let (before, _) = page.text.split_once("/fix\">").expect("an offer");
    let (_, path) = before.rsplit_once("action=\"").expect("a form");
    format!("{path}/fix")
}

/// The page that a started test leads to, once the test is over.
async fn follow(ann: &Visitor<'_>, started: &Answer) -> Answer {
    assert_eq!(started.status, StatusCode::SEE_OTHER, "{}", started.text);
    let page = started.location();
    let (_, run) = page.split_once("?run=").expect("a run");
    ann.get(&format!("{TESTS}/{run}/events")).await;
    ann.get(page).await
}

async fn offered<'w>(world: &'w World, ann: &Visitor<'w>) -> Answer {
    let saved = save(ann, world, &[("encryption", "implicit_tls")]).await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER, "{}", saved.text);
    test(ann, &[]).await
}

#[tokio::test]
async fn one_press_takes_over_what_works_and_it_goes_live() {
    let world = World::new().await;
    let ann = world.sign_in("aurora", "admin").await;

    let failed = offered(&world, &ann).await;
    failed.assert_has(&[
        "The test failed.",
        "We found settings that work: press “Apply and test again” below.",
        "We found settings that work</",
        "Encryption TLS (STARTTLS, port 587) instead of SSL (implicit TLS, port 465)",
        ">Apply and test again</button>",
    ]);

    let live = follow(&ann, &ann.post(&button(&failed), &[]).await).await;

    live.assert_has(&["Test passed", "These settings are now live", "Version 2"]);
    live.assert_lacks(&["Apply and test again"]);
}

#[tokio::test]
async fn an_offer_is_applied_by_those_who_may_and_once() {
    let world = World::new().await;
    let ann = world.sign_in("aurora", "admin").await;
    let failed = offered(&world, &ann).await;
    let button = button(&failed);
    let viewer = world.sign_in("aurora", "viewer").await;
    let stranger = world.sign_in("borealis", "admin").await;

    let run = button.strip_suffix("/fix").expect("a path");
    let seen = viewer.get(run).await;
    seen.assert_has(&["We found settings that work"]);
    seen.assert_lacks(&["Apply and test again"]);
    assert_eq!(viewer.post(&button, &[]).await.status, StatusCode::FORBIDDEN);
    assert_eq!(stranger.post(&button, &[]).await.status, StatusCode::NOT_FOUND);

    follow(&ann, &ann.post(&button, &[]).await).await;
    let again = ann.get(run).await;
    again.assert_has(&["The settings were changed after this test"]);
    again.assert_lacks(&["Apply and test again"]);
}

#[tokio::test]
async fn what_somebody_saved_meanwhile_is_not_overwritten() {
    let world = World::new().await;
    let ann = world.sign_in("aurora", "admin").await;
    let button = button(&offered(&world, &ann).await);
    let other = [("base", "1"), ("sender_name", "Borealis"), ("encryption", "implicit_tls")];
    save(&ann, &world, &other).await;

    let stale = ann.post(&button, &[]).await;

    assert_eq!(stale.status, StatusCode::CONFLICT);
    stale.assert_has(&[
        "somebody else saved other settings while you were typing",
        "name=\"then\" value=\"test\"",
    ]);
    ann.get(PAGE).await.assert_has(&["<dd>Borealis</dd>", "SSL (implicit TLS"]);
}

#[tokio::test]
async fn an_offer_for_another_user_name_asks_for_the_password_and_saving_then_tests() {
    let world = World::new().await;
    let ann = world.sign_in("aurora", "admin").await;
    let failed = offered(&world, &ann).await;
    world
        .database
        .sql(
            r#"UPDATE test_runs SET fix = jsonb_set(jsonb_set(jsonb_set(fix,
                 '{offer,needs_password}', 'true'),
                 '{offer,entry,username}', '"practice@aurora.example"'), '{outcome}', '"likely"')"#,
        )
        .await;
    let sign_ins = world.practice.inbox().counters().commands(Verb::Auth);

    let form = ann.post(&button(&failed), &[]).await;

    assert_eq!(form.status, StatusCode::OK);
    form.assert_has(&[
        "The change is filled in. Type the password once more",
        "value=\"practice@aurora.example\"",
        "name=\"then\" value=\"test\"",
        "href=\"#password\"",
    ]);
    assert_eq!(world.practice.inbox().counters().commands(Verb::Auth), sign_ins);

    let typed = [("base", "1"), ("then", "test")];
    let live = follow(&ann, &save(&ann, &world, &typed).await).await;
    live.assert_has(&["These settings are now live"]);
}

#[tokio::test]
async fn a_test_that_has_failed_says_so_while_it_looks_for_settings_that_work() {
    let world = World::new().await;
    let ann = world.sign_in("aurora", "admin").await;
    save(&ann, &world, &[("encryption", "implicit_tls")]).await;
    let gate = world.practice.gate(Point::Mail);

    let started = ann.post(TESTS, &[]).await;
    gate.reached().await;
    let looking = ann.get(started.location()).await;

    looking.assert_has(&[
        "The test failed. Looking for settings that work",
        "data-stage=\"tls\" data-status=\"failed\"",
        "aria-busy=\"true\"",
    ]);
    gate.release();
    follow(&ann, &started).await.assert_has(&["We found settings that work"]);
}
