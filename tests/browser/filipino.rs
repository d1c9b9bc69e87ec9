//! The second language.

use letterhead_tests::portal::Portal;

const HOME: &str = "/portal/tenants/aurora/senders/default";

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_of_filipino_reads_filipino_and_may_choose_otherwise() {
    let portal = Portal::start().await;
    let Some(browser) = portal.browser().await else { return };
    portal.live_tenant("aurora").await;
    browser.languages("fil-PH,fil;q=0.9,en;q=0.5").await;
    let link = portal.link("aurora", "admin").await;
    let language = "return document.documentElement.lang";

    browser.open(&link).await;
    assert_eq!(browser.script::<String>(language).await, "fil");
    browser.press("Magpatuloy").await;
    assert_eq!(browser.path().await, HOME);
    assert_eq!(browser.script::<String>(language).await, "fil");
    assert!(browser.has("action", "I-edit").await);
    assert_eq!(browser.violations().await, []);

    // The choice is remembered.
    browser.press("English").await;
    assert!(browser.has("action", "Edit").await);
    browser.open(HOME).await;
    assert_eq!(browser.script::<String>(language).await, "en");
    browser.press("Filipino").await;
    assert!(browser.has("action", "I-edit").await);
    browser.finish().await;
}
