//! How much the settings page weighs, and how soon it is there.

use letterhead_tests::portal::Portal;

const HOME: &str = "/portal/tenants/aurora/senders/default";
/// Of everything that the network carries for the page.
const MAX_BYTES: u64 = 100 * 1024;
const MAX_PAINT_MS: f64 = 500.0;

#[tokio::test(flavor = "multi_thread")]
async fn the_settings_page_is_light_and_soon_there() {
    let portal = Portal::start().await;
    let Some(browser) = portal.browser().await else { return };
    portal.live_tenant("aurora").await;
    browser.sign_in(&portal, "aurora", "admin").await;

    for path in [HOME.to_owned(), format!("{HOME}?edit=1")] {
        // The best of a few: the machine has other things to do as well.
        let mut paint = f64::INFINITY;
        for _ in 0..5 {
            browser.forget_cache().await;
            browser.open(&path).await;
            let weight = browser.weight().await;
            assert!((1..=MAX_BYTES).contains(&weight), "{path} weighs {weight} bytes");
            paint = paint.min(browser.largest_paint().await);
        }
        assert!(paint < MAX_PAINT_MS, "{path} is painted after {paint} ms");
    }

    // What does not change from page to page is fetched once.
    browser.open(HOME).await;
    let assets = "return performance.getEntriesByType('resource')
        .reduce((sum, entry) => sum + entry.transferSize, 0)";
    assert_eq!(browser.script::<u64>(assets).await, 0);
    browser.finish().await;
}
