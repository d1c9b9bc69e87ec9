//! Pages of other sites, around ours and against them.

use std::{
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    thread,
};

use letterhead_tests::{portal::Portal, program::World};

/// Serves one HTML page at `http://localhost:<port>`, which to a browser is another site than
/// 127.0.0.1; gives the address.
fn serve(listener: TcpListener, page: String) {
    thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let request = BufReader::new(stream.try_clone().expect("a stream")).lines();
            let _headers =
                request.map_while(Result::ok).take_while(|line| !line.is_empty()).count();
            let head = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close";
            let length = page.len();
            let _gone = write!(stream, "{head}\r\nContent-Length: {length}\r\n\r\n{page}");
        }
    });
}

fn foreign_address() -> (TcpListener, String) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let port = listener.local_addr().expect("an address").port();
    (listener, format!("http://localhost:{port}"))
}

fn framing(url: &str) -> String {
    format!(
        "<!doctype html><title>Around</title><iframe src=\"{url}\" width=900 height=700></iframe>"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn another_site_cannot_show_the_portal_in_a_frame() {
    let portal = Portal::start().await;
    let Some(browser) = portal.browser().await else { return };
    portal.tenant("aurora").await;
    let link = portal.link("aurora", "admin").await;
    let (listener, address) = foreign_address();
    serve(listener, framing(&link));

    browser.open(&address).await;

    browser.driver.enter_frame(0).await.expect("a frame");
    assert!(!browser.text().await.contains("Continue"));
    let problems = browser.problems().await.concat();
    assert!(problems.contains("frame-ancestors"), "{problems}");
    browser.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_that_the_operator_named_shows_the_portal_in_a_frame_and_one_can_sign_in_there() {
    let (listener, address) = foreign_address();
    let portal =
        Portal::start_with(World::create().await, &[("LETTERHEAD_FRAME_ANCESTORS", &address)]);
    let Some(browser) = portal.browser().await else { return };
    portal.tenant("aurora").await;
    let link = portal.link("aurora", "admin").await;
    serve(listener, framing(&link));

    browser.open(&address).await;
    browser.driver.enter_frame(0).await.expect("a frame");
    browser.press("Continue").await;
    browser.wait_for_text("Ann Reyes").await;
    // The session is there for the next page too.
    browser.press("Test history").await;
    browser.wait_for_text("Ann Reyes").await;

    let cookie = browser.driver.get_named_cookie("__Host-letterhead").await;
    let cookie = format!("{:?}", cookie.expect("the session's cookie"));
    assert!(cookie.contains("None"), "{cookie}");
    // Bound to the site around it: alone in a window of its own, the portal does not know it.
    browser.open("/portal").await;
    browser.wait_for_text("Please use a new link").await;
    browser.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_on_another_site_does_nothing_here() {
    let portal = Portal::start().await;
    let Some(browser) = portal.browser().await else { return };
    portal.tenant("aurora").await;
    browser.sign_in(&portal, "aurora", "admin").await;
    let (listener, address) = foreign_address();
    let action = format!("{}/portal/sign-out", portal.instance.url);
    serve(listener, format!("<form method=post action=\"{action}\"><button>Win</button></form>"));

    browser.open(&address).await;
    browser.press("Win").await;

    browser.wait_for_text("Nothing was changed").await;
    browser.open("/portal").await;
    assert!(browser.has("button", "Sign out").await);
    browser.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_post_that_names_another_origin_is_forbidden_and_redeems_nothing() {
    let portal = Portal::start().await;
    portal.tenant("aurora").await;
    let link = portal.link("aurora", "admin").await;
    let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build();
    let http = http.expect("a client");
    let post = |origin: &str| http.post(&link).header("Origin", origin.to_owned()).send();

    let evil = post("https://evil.test").await.expect("an answer");
    let ours = post(&portal.instance.url).await.expect("an answer");
    let again = post(&portal.instance.url).await.expect("an answer");

    assert_eq!(evil.status(), 403);
    assert!(evil.headers().get("set-cookie").is_none());
    assert_eq!(ours.status(), 303);
    let cookie = ours.headers()["set-cookie"].to_str().expect("text");
    assert!(cookie.starts_with("__Host-letterhead="), "{cookie}");
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"), "{cookie}");
    assert!(again.headers().get("set-cookie").is_none());
}
