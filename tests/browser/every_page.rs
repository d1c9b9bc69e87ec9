//! What holds for every page there is: light and dark, narrow and enlarged, for all readers.

use std::{env, fmt::Write as _, path::PathBuf};

use letterhead_tests::{browser::Browser, portal::Portal, program::World};

use crate::furnished::{Page, furnish};

/// Where `make screenshots` wants pictures of the pages; nowhere otherwise.
fn pictures() -> Option<PathBuf> {
    #[expect(clippy::disallowed_methods, reason = "make screenshots says where they go")]
    env::var("LETTERHEAD_SCREENSHOTS").ok().map(PathBuf::from)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_is_accessible_in_both_themes_and_fits_small_and_enlarged_windows() {
    let world = World::create_with(|practice| {
        if pictures().is_some() {
            // Ports that mail services have too, for a picture in which nothing looks odd.
            (practice.starttls_port, practice.implicit_tls_port) = (2525, 2465);
        }
    });
    let portal = Portal::start_with(world.await, &[]);
    let Some(browser) = portal.browser().await else { return };
    let pages = furnish(&portal, &browser).await;
    let mut wrong = String::new();

    let mut reader = None;
    for page in &pages {
        if reader != Some(page.reader) {
            page.reader.take(&browser, &portal).await;
            reader = Some(page.reader);
        }
        browser.open(&page.path).await;
        look_at(&browser, page, &mut wrong).await;
    }

    assert!(wrong.is_empty(), "{wrong}");
    browser.finish().await;
}

/// Looks at `page` as different readers do, and writes down what is wrong with it.
async fn look_at(browser: &Browser, page: &Page, wrong: &mut String) {
    let mut note = |what: String| writeln!(wrong, "{}: {what}", page.name).expect("a string");
    for theme in ["light", "dark"] {
        browser.theme(theme).await;
        browser.width(1280).await;
        for violation in browser.violations().await {
            note(format!("{theme}: {violation:?}"));
        }
        for hidden in browser.scrolled_sideways().await {
            note(format!("{theme}: a part is cut off at 1280 pixels: {hidden}"));
        }
        if let Some(folder) = pictures() {
            browser.show_all(1280).await;
            browser.screenshot(&folder.join(format!("{}-{theme}.png", page.name))).await;
        }
    }
    browser.width(320).await;
    let narrow = browser.overflow().await;
    browser.zoom_to_double().await;
    let enlarged = browser.overflow().await;
    // Filipino words are longer than English ones.
    browser.languages("fil").await;
    browser.width(320).await;
    browser.open(&page.path).await;
    let filipino = browser.overflow().await;
    browser.languages("en").await;
    if (narrow, enlarged, filipino) != (0, 0, 0) {
        note(format!(
            "{narrow} pixels too wide for 320 pixels, in Filipino {filipino}, at 200 % {enlarged}"
        ));
    }
    for problem in browser.problems().await {
        note(problem);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_moves_for_readers_who_prefer_that() {
    let portal = Portal::start().await;
    let Some(browser) = portal.browser().await else { return };
    portal.live_tenant("aurora").await;
    browser.sign_in(&portal, "aurora", "admin").await;
    browser.reduced_motion().await;

    browser.open("/portal/tenants/aurora/senders/default?edit=1").await;

    let longest = "
        const seconds = text => Math.max(...text.split(',').map(parseFloat));
        const styles = [...document.querySelectorAll('*')].map(element => getComputedStyle(element));
        return Math.max(...styles.map(style =>
          Math.max(seconds(style.transitionDuration), seconds(style.animationDuration))));";
    assert!(browser.script::<f64>(longest).await < 0.01);
    let scrolling = "return getComputedStyle(document.documentElement).scrollBehavior";
    assert_eq!(browser.script::<String>(scrolling).await, "auto");
    browser.finish().await;
}
