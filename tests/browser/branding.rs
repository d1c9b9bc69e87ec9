//! What the operator chooses: name, logo, colour.

use std::fs;

use letterhead_tests::{portal::Portal, program::World};

/// A logo that somebody has tampered with: inside an image, its script does not run.
const LOGO: &str = "<svg xmlns='http://www.w3.org/2000/svg' width='80' height='28'>\
    <rect width='80' height='28' fill='#0b5d3b'/><script>alert(1)</script></svg>";

#[tokio::test(flavor = "multi_thread")]
async fn the_operators_name_logo_and_colour_are_on_every_page() {
    let world = World::create().await;
    let logo = world.folder().join("logo.svg");
    fs::write(&logo, LOGO).expect("a file");
    let environment = [
        ("LETTERHEAD_PRODUCT_NAME", "Northwind <Mail>"),
        ("LETTERHEAD_LOGO_FILE", logo.to_str().expect("a path")),
        ("LETTERHEAD_ACCENT", "#0b5d3b"),
    ];
    let portal = Portal::start_with(world, &environment);
    let Some(browser) = portal.browser().await else { return };
    portal.live_tenant("aurora").await;
    browser.sign_in(&portal, "aurora", "admin").await;

    browser.wait_for_text("Northwind <Mail>").await;
    let title = browser.driver.title().await.expect("a title");
    assert!(title.contains("Northwind <Mail>"), "{title}");
    let loaded = "return document.querySelector('header img').naturalWidth === 80";
    browser.wait_until("the logo is there", loaded).await;
    let edit = browser.find("action", "Edit").await;
    assert_eq!(browser.background(&edit).await, [0x0b, 0x5d, 0x3b]);
    for theme in ["light", "dark"] {
        browser.theme(theme).await;
        assert_eq!(browser.violations().await, [], "{theme}");
    }
    browser.finish().await;
}
