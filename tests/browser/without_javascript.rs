//! Everything works without JavaScript; only what comes live must be looked up again.

use letterhead_mailer::practice_server::gate::Point;
use letterhead_tests::portal::Portal;

const HOME: &str = "/portal/tenants/aurora/senders/default";
const SENDER: &str = "/v1/tenants/self/senders/default";

#[tokio::test(flavor = "multi_thread")]
async fn settings_are_saved_tested_and_read_about_without_javascript() {
    let portal = Portal::start().await;
    let Some(browser) = portal.browser().await else { return };
    let aurora = portal.tenant("aurora").await;
    browser.without_javascript().await;
    browser.sign_in(&portal, "aurora", "admin").await;

    browser.open(&format!("{HOME}?edit=1")).await;
    browser.fill("Host", "localhost").await;
    browser.fill("Port", "22").await;
    browser.press("Save").await;
    assert_eq!(browser.banner().await.0, "alert");
    assert_eq!(browser.value("Host").await, "localhost");
    browser.fill("Port", &portal.world.practice.starttls_port().to_string()).await;
    browser.fill("Encryption", "TLS (STARTTLS, port 587)").await;
    browser.fill("Username", &portal.world.sign_in.0).await;
    browser.fill("Password", &portal.world.sign_in.1).await;
    browser.fill("Sender Name", "Aurora Books").await;
    browser.fill("Sender E-Mail", "billing@aurora.example").await;
    browser.press("Save").await;
    assert_eq!(browser.banner().await.0, "status");
    assert_eq!(browser.fact("Host").await, "localhost");

    // The page loads itself again until the test has ended.
    let gate = portal.world.practice.gate(Point::Mail);
    browser.press("Test Configurations").await;
    gate.reached().await;
    let passed = "return document.querySelectorAll('.stages [data-status=passed]').length";
    browser.wait_until("six stages have passed", &format!("{passed} === 6")).await;
    gate.release();
    browser
        .wait_until("the test has ended", "return document.querySelector('#banner .success')")
        .await;
    assert_eq!(aurora.get(SENDER).await.body["state"], "live");

    browser.press("Download PDF").await;
    assert!(browser.downloaded_pdf().await.contains("App Password"));
    let path = browser.path().await;
    let times: Vec<String> = browser
        .script("return [...document.querySelectorAll('time')].map(time => time.textContent)")
        .await;
    assert!(times.iter().all(|time| time.contains("UTC")), "{path}: {times:?}");
    browser.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_known_services_server_is_filled_in_without_javascript() {
    let portal = Portal::start().await;
    let Some(browser) = portal.browser().await else { return };
    portal.tenant("aurora").await;
    browser.without_javascript().await;
    browser.sign_in(&portal, "aurora", "admin").await;
    browser.open(&format!("{HOME}?edit=1")).await;

    browser.fill("Sender Name", "Aurora Books").await;
    browser.fill("Mail service", "SMTP2GO").await;
    browser.press("Fill in").await;

    assert_eq!(browser.value("Host").await, "mail.smtp2go.com");
    assert_eq!(browser.value("Port").await, "587");
    assert_eq!(browser.value("Sender Name").await, "Aurora Books");
    browser.finish().await;
}
