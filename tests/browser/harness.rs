//! What the other tests rely on: that this browser notices what they assert is not there.

use letterhead_tests::browser::Browser;

const BROKEN: &str = "data:text/html,<html lang=en><title>Broken</title>\
    <meta http-equiv=Content-Security-Policy content=\"script-src 'none'\">\
    <main><h1>Broken</h1><input><div style='width:2000px'>wide</div></main>\
    <script>document.title = 'ran'</script>";

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_page_is_noticed() {
    let Some(browser) = Browser::start_or_skip("").await else { return };

    browser.open(BROKEN).await;

    let problems = browser.problems().await.concat();
    assert!(problems.contains("Content Security Policy"), "{problems}");
    assert_eq!(browser.driver.title().await.expect("a title"), "Broken");
    let violations = format!("{:?}", browser.violations().await);
    assert!(violations.contains("label"), "{violations}");
    browser.width(320).await;
    assert!(browser.overflow().await > 0);
    browser.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_runs_no_script_where_scripts_are_switched_off() {
    let Some(browser) = Browser::start_or_skip("").await else { return };

    browser.without_javascript().await;
    browser.open("data:text/html,<title>Off</title><script>document.title = 'ran'</script>").await;

    assert_eq!(browser.driver.title().await.expect("a title"), "Off");
    browser.finish().await;
}
