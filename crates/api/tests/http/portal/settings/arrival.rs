//! Proof of arrival: the code from the test mail, typed in on the page of its run.

use std::time::Duration;

use poem::http::StatusCode;

use super::{TESTS, Visitor, go_live, test};
use crate::{
    arrival::{another, newest_code},
    world::{Answer, World},
};

/// Lets a test mail be sent. Gives the page that tells of it, the address of the run, and the code.
async fn mailed(ann: &Visitor<'_>, world: &World) -> (Answer, String, String) {
    go_live(ann, world).await;
    let page = test(ann, &[("mode", "message")]).await;
    let (_, run) = page.text.split_once("/test-runs/").expect("a run");
    let run = format!("{TESTS}/{}", run.split('"').next().expect("an id"));
    (page, run, newest_code(&world.practice))
}

#[tokio::test]
async fn after_a_test_mail_its_code_is_asked_for_and_proves_that_it_arrived() {
    let world = World::new().await;
    let ann = world.sign_in("aurora", "admin").await;
    let (page, run, code) = mailed(&ann, &world).await;
    page.assert_has(&[
        "<label for=\"code\">Type the 6 digits from the mail</label>",
        "inputmode=\"numeric\" autocomplete=\"one-time-code\"",
        &format!("action=\"{run}/confirm\""),
    ]);
    page.assert_lacks(&["Arrived", &code]);

    let arrived = ann.post_and_follow(&format!("{run}/confirm"), &[("code", &code)]).await;

    arrived.assert_has(&[
        "role=\"status\">Arrived: the code proves that the test mail got through.",
        "<span class=\"chip good\">Arrived</span> <time",
    ]);
    arrived.assert_lacks(&["one-time-code", &code, "accepted by the server. Look"]);
    ann.get(TESTS).await.assert_has(&["<small>Arrived <time"]);
    let activity = ann.get("/portal/tenants/aurora/activity").await;
    activity.assert_has(&["A test mail arrived: its code was typed in"]);
}

#[tokio::test]
async fn a_wrong_code_says_how_many_tries_are_left_and_the_last_one_offers_a_new_mail() {
    let world = World::new().await;
    let ann = world.sign_in("aurora", "admin").await;
    let (_, run, code) = mailed(&ann, &world).await;
    let (confirm, wrong) = (format!("{run}/confirm"), another(&code));

    let malformed = ann.post(&confirm, &[("code", "<b>12")]).await;
    assert_eq!(malformed.status, StatusCode::UNPROCESSABLE_ENTITY);
    malformed.assert_has(&["Type the 6 digits of the code, as in 012 345."]);
    malformed.assert_lacks(&["<b>12"]);
    for left in ["4 more times", "3 more times", "2 more times", "1 more time."] {
        let refused = ann.post(&confirm, &[("code", &wrong)]).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        refused.assert_has(&[
            left,
            "role=\"alert\"",
            "aria-describedby=\"code-hint code-error\" aria-invalid=\"true\"",
        ]);
    }
    let last = ann.post(&confirm, &[("code", &wrong)]).await;

    assert_eq!(last.status, StatusCode::CONFLICT);
    last.assert_has(&["That was 5 wrong codes", "Send me a test mail"]);
    last.assert_lacks(&["one-time-code", "Arrived"]);
    let late = ann.post(&confirm, &[("code", &code)]).await;
    assert_eq!(late.status, StatusCode::CONFLICT);
}

#[tokio::test]
async fn a_code_that_is_too_old_is_not_asked_for() {
    let world = World::new().await;
    let (run, code) = {
        let ann = world.sign_in("aurora", "admin").await;
        let (_, run, code) = mailed(&ann, &world).await;
        (run, code)
    };
    world.database.advance(Duration::from_secs(25 * 3600)).await;
    let ann = world.sign_in("aurora", "admin").await;

    let page = ann.get(&run).await;
    page.assert_has(&["its code was for 24 hours", "Send me a test mail"]);
    page.assert_lacks(&["one-time-code"]);
    let refused = ann.post(&format!("{run}/confirm"), &[("code", &code)]).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
}

#[tokio::test]
async fn only_whoever_may_test_is_asked_for_a_code_and_other_tenants_are_not_there() {
    let world = World::new().await;
    let ann = world.sign_in("aurora", "admin").await;
    let (_, run, code) = mailed(&ann, &world).await;
    let confirm = format!("{run}/confirm");

    let viewer = world.sign_in("aurora", "viewer").await;
    viewer.get(&run).await.assert_lacks(&["one-time-code"]);
    let refused = viewer.post(&confirm, &[("code", &code)]).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let other = world.sign_in("borealis", "admin").await;
    let refused = other.post(&confirm, &[("code", &code)]).await;
    assert_eq!(refused.status, StatusCode::NOT_FOUND);
    let borrowed = confirm.replace("aurora", "borealis");
    assert_eq!(other.post(&borrowed, &[("code", &code)]).await.status, StatusCode::NOT_FOUND);
}
