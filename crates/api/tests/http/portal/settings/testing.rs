//! Test Configurations: stages as they end, what to do, the test mail.

use letterhead_mailer::practice_server::gate::Point;
use poem::http::StatusCode;

use super::{PAGE, TESTS, go_live, save, test};
use crate::world::World;

#[tokio::test]
async fn a_passed_test_makes_the_settings_live_and_offers_a_test_mail() {
    let world = World::new().await;
    let ann = world.sign_in("aurora", "admin").await;
    save(&ann, &world, &[]).await;

    let page = test(&ann, &[]).await;

    page.assert_has(&[
        "role=\"status\">Test passed: the mail server accepts mail with these settings. \
         These settings are now live.",
        ">Live</span>",
        "Send me a test mail",
        "data-stage=\"auth\" data-status=\"passed\"",
        "data-stage=\"message\" data-status=\"skipped\"",
    ]);
    page.assert_lacks(&["delivered", "data-status=\"waiting\""]);

    let mailed = test(&ann, &[("mode", "message")]).await;
    mailed.assert_has(&["the test mail was accepted by the server"]);
    mailed.assert_lacks(&["Send me a test mail"]);
    let caught = world.practice.inbox().list();
    assert_eq!(caught.last().expect("a mail").rcpt_to, ["ann@aurora.example"]);
}

#[tokio::test]
async fn a_failed_test_says_what_to_check_and_keeps_the_password_out_of_all_of_it() {
    let world = World::new().await;
    let ann = world.sign_in("aurora", "admin").await;
    save(&ann, &world, &[("password", "hunter2-hunter2")]).await;

    let page = test(&ann, &[]).await;

    page.assert_has(&[
        "role=\"alert\" tabindex=\"-1\" data-focus>The test failed.",
        "The server did not accept the user name and password. Check the user name,",
        "data-stage=\"auth\" data-status=\"failed\"",
        "data-stage=\"sender\" data-status=\"not_reached\"",
        "<summary>Show details</summary>",
        "Copy for support",
        "AUTH",
    ]);
    page.assert_lacks(&["hunter2", "Send me a test mail"]);
}

#[tokio::test]
async fn each_stage_is_told_once_as_it_ends_and_the_end_at_the_end() {
    let world = World::new().await;
    let ann = world.sign_in("aurora", "admin").await;
    save(&ann, &world, &[]).await;
    let gate = world.practice.gate(Point::Rcpt);
    let started = ann.post(TESTS, &[]).await;
    let (_, run) = started.location().split_once("?run=").expect("a run");

    let events = format!("{TESTS}/{run}/events");
    let release = async {
        gate.reached().await;
        gate.release();
    };
    let (told, ()) = tokio::join!(ann.get(&events), release);

    assert_eq!(told.header("content-type"), "text/event-stream");
    let stages: Vec<_> = told
        .text
        .lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .filter_map(|data| serde_json::from_str::<serde_json::Value>(data).ok())
        .filter_map(|data| data["stage"].as_str().map(str::to_owned))
        .collect();
    let wire = [
        "policy",
        "resolve",
        "connect",
        "greeting",
        "tls",
        "auth",
        "sender",
        "recipient",
        "message",
    ];
    // What ended before the reader came is told in the page's order, the rest as it ends.
    let mut sorted = stages.clone();
    sorted.sort_unstable();
    let mut all = wire;
    all.sort_unstable();
    assert_eq!(sorted, all, "each stage once");
    assert_eq!(stages[7..], wire[7..], "{stages:?}");
    assert_eq!(told.text.matches("event: end").count(), 1);
    assert!(told.text.ends_with("event: end\ndata: {}\n\n"), "{}", told.text);
}

#[tokio::test]
async fn without_a_script_the_page_of_a_running_test_loads_itself_again() {
    let world = World::new().await;
    let ann = world.sign_in("aurora", "admin").await;
    save(&ann, &world, &[]).await;
    let gate = world.practice.gate(Point::Mail);
    let started = ann.post(TESTS, &[]).await;
    gate.reached().await;

    let page = ann.get(started.location()).await;

    page.assert_has(&[
        "<noscript><meta http-equiv=\"refresh\" content=\"2\"></noscript>",
        "The test is running.",
        "data-stage=\"auth\" data-status=\"passed\"",
        "data-stage=\"sender\" data-status=\"waiting\"",
        "aria-busy=\"true\"",
    ]);
    gate.release();
}

#[tokio::test]
async fn too_many_tests_lose_nothing_and_say_when_to_come_back() {
    let world = World::with_rules(|rules| rules.test_runs.per_minute = 1).await;
    let ann = world.sign_in("aurora", "admin").await;
    save(&ann, &world, &[]).await;
    test(&ann, &[]).await;

    let refused = ann.post(TESTS, &[]).await;

    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    let wait: u64 = refused.header("retry-after").parse().expect("seconds");
    refused.assert_has(&[
        &format!("You can test again in {wait} seconds. Nothing was lost"),
        "role=\"alert\"",
        "<dd>localhost</dd>",
    ]);
}

#[tokio::test]
async fn what_a_server_says_is_text_wherever_it_is_shown() {
    let world = World::new().await;
    let ann = world.sign_in("aurora", "admin").await;
    save(&ann, &world, &[("password", "wrong-password")]).await;
    let page = test(&ann, &[]).await;
    world
        .database
        .sql(
            r#"UPDATE test_runs SET
                 stages = jsonb_set(stages, '{5,reply}', '"550 <b>no</b>"'),
                 tls = '{"version": "<i>1</i>", "certificate_subject": "<script>x</script>",
                         "certificate_expires_at": "2027-01-01T00:00:00Z"}',
                 advice = advice || '{"code": "new", "title": "<u>t</u>", "steps": ["<s>1</s>"]}',
                 transcript = 'S: 550 <b>no</b></pre><script>alert(1)</script>'"#,
        )
        .await;
    let (_, run) = page.text.split_once("/test-runs/").expect("a run");
    let run = run.split('"').next().expect("an id");

    for path in [format!("{PAGE}?run={run}"), format!("{TESTS}/{run}")] {
        let page = ann.get(&path).await;
        page.assert_has(&["550 &#60;b&#62;no&#60;/b&#62;", "&#60;script&#62;x", "&#60;s&#62;1"]);
        page.assert_lacks(&["<b>no", "<i>1", "<u>t", "<s>1", "<script>x", "<script>alert"]);
    }
}

#[tokio::test]
async fn a_run_has_a_page_of_its_own_that_others_tenants_do_not_see() {
    let world = World::new().await;
    let ann = world.sign_in("aurora", "admin").await;
    go_live(&ann, &world).await;
    let page = ann.get(PAGE).await;
    let (_, run) = page.text.split_once("/test-runs/").expect("the last test");
    let run = run.split('"').next().expect("an id");

    let own = ann.get(&format!("{TESTS}/{run}")).await;
    own.assert_has(&["Test of the SMTP settings", "Version 1, connection", "TLSv1"]);

    let other = world.sign_in("borealis", "admin").await;
    for rest in ["", "/events"] {
        let theirs = format!("{TESTS}/{run}{rest}");
        assert_eq!(other.get(&theirs).await.status, StatusCode::NOT_FOUND);
        let borrowed = theirs.replace("aurora", "borealis");
        assert_eq!(other.get(&borrowed).await.status, StatusCode::NOT_FOUND);
    }
}
