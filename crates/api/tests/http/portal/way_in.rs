//! Links, sessions, and the two locks on every form.

use std::time::Duration;

use poem::http::{Method, StatusCode, header};

use crate::world::{PUBLIC_URL, World};

/// The page that a tenant's administrator begins with.
const HOME: &str = "/portal/tenants/aurora/senders/default";

fn minutes(count: u64) -> Duration {
    Duration::from_secs(count * 60)
}

#[tokio::test]
async fn opening_a_link_redeems_nothing_and_says_who_it_is_for() {
    let world = World::new().await;
    let link = world.link("aurora", "admin").await;

    for _scanner in 0..3 {
        let page = world.raw(Method::GET, &link, &[], "").await;

        assert_eq!(page.status, StatusCode::OK);
        assert_eq!(page.cookie("__Host-letterhead"), None);
        page.assert_has(&["aurora &#38; Sons", "Ann Reyes", "ann@aurora.example", "Continue"]);
    }
    let redeemed = world.form(&link, &[], &[]).await;
    assert_eq!(redeemed.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_link_works_once() {
    let world = World::new().await;
    let link = world.link("aurora", "admin").await;
    let first = world.form(&link, &[], &[]).await;

    let (second, shown) =
        (world.form(&link, &[], &[]).await, world.raw(Method::GET, &link, &[], "").await);

    assert!(first.cookie("__Host-letterhead").is_some());
    for answer in [second, shown] {
        assert_eq!(answer.status, StatusCode::GONE);
        assert_eq!(answer.cookie("__Host-letterhead"), None);
        answer.assert_has(&["This link was used already", "ask whoever sent you the link"]);
    }
}

#[tokio::test]
async fn a_link_of_yesterday_says_what_to_do() {
    let world = World::new().await;
    let link = world.link("aurora", "admin").await;
    world.database.advance(minutes(11)).await;

    for answer in [world.form(&link, &[], &[]).await, world.raw(Method::GET, &link, &[], "").await]
    {
        assert_eq!(answer.status, StatusCode::GONE);
        answer.assert_has(&["This link is too old", "for a new one"]);
    }
}

#[tokio::test]
async fn a_session_ends_after_half_an_hour_without_a_click() {
    let world = World::new().await;
    let ann = world.sign_in("aurora", "admin").await;

    world.database.advance(minutes(29)).await;
    assert_eq!(ann.get(HOME).await.status, StatusCode::OK);
    world.database.advance(minutes(29)).await;
    assert_eq!(ann.get(HOME).await.status, StatusCode::OK);
    world.database.advance(minutes(31)).await;

    let page = ann.get(HOME).await;

    assert_eq!(page.status, StatusCode::UNAUTHORIZED);
    page.assert_has(&["Please use a new link", "What you saved is kept"]);
}

#[tokio::test]
async fn a_session_ends_after_eight_hours_in_any_case() {
    let world = World::new().await;
    let ann = world.sign_in("aurora", "admin").await;
    for _click in 0..23 {
        world.database.advance(minutes(20)).await;
        assert_eq!(ann.get(HOME).await.status, StatusCode::OK);
    }

    world.database.advance(minutes(21)).await;

    assert_eq!(ann.get(HOME).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn signing_out_ends_the_session_and_takes_the_cookie() {
    let world = World::new().await;
    let ann = world.sign_in("aurora", "admin").await;

    let page = ann.post("/portal/sign-out", &[]).await;

    assert_eq!(page.cookie("__Host-letterhead").as_deref(), Some(""));
    page.assert_has(&["You are signed out"]);
    assert_eq!(ann.get(HOME).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn another_tenants_pages_are_not_there() {
    let world = World::new().await;
    let ann = world.sign_in("aurora", "admin").await;

    for path in ["/portal/tenants/borealis/senders/default", "/portal/tenants/nobody/messages"] {
        let page = ann.get(path).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{path}");
        page.assert_lacks(&["borealis &#38; Sons", "senders/default\" aria-current"]);
    }
}

#[tokio::test]
async fn the_cookie_is_for_this_host_over_tls_and_not_for_scripts() {
    let world = World::new().await;
    let link = world.link("aurora", "admin").await;

    let answer = world.form(&link, &[], &[]).await;

    let cookie = answer.headers.get(header::SET_COOKIE).expect("a cookie");
    let cookie = cookie.to_str().expect("text");
    assert!(cookie.starts_with("__Host-letterhead="), "{cookie}");
    assert!(cookie.ends_with("; Path=/; Secure; HttpOnly; SameSite=Lax"), "{cookie}");
}

#[tokio::test]
async fn a_form_from_another_site_is_refused_whatever_it_carries() {
    let world = World::new().await;
    let ann = world.sign_in("aurora", "admin").await;
    let csrf = ann.csrf().await;
    let foreign: [&[(&str, &str)]; 6] = [
        &[("origin", "https://evil.test"), ("sec-fetch-site", "cross-site")],
        &[("origin", "https://evil.test"), ("sec-fetch-site", "same-origin")],
        &[("origin", PUBLIC_URL), ("sec-fetch-site", "cross-site")],
        &[("origin", PUBLIC_URL), ("sec-fetch-site", "same-site")],
        &[("origin", "http://127.0.0.1:9999"), ("sec-fetch-site", "same-site")],
        &[("origin", "null"), ("sec-fetch-site", "cross-site")],
    ];
    for headers in foreign {
        let answer = ann.post_as(headers, "/portal/sign-out", &[("csrf", &csrf)]).await;

        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{headers:?}");
        answer.assert_has(&["This form was not accepted", "Nothing was changed"]);
    }
    assert_eq!(ann.get(HOME).await.status, StatusCode::OK, "still signed in");
}

#[tokio::test]
async fn a_link_cannot_be_used_for_somebody_from_another_site() {
    let world = World::new().await;
    let link = world.link("aurora", "admin").await;

    let answer = world.form(
        &link,
        &[("origin", "https://evil.test"), ("sec-fetch-site", "cross-site")],
        &[],
    );

    assert_eq!(answer.await.status, StatusCode::FORBIDDEN);
    assert_eq!(world.form(&link, &[], &[]).await.status, StatusCode::SEE_OTHER, "still fresh");
}

#[tokio::test]
async fn a_form_needs_the_token_of_its_own_session() {
    let world = World::new().await;
    let (ann, other) =
        (world.sign_in("aurora", "admin").await, world.sign_in("aurora", "admin").await);
    let foreign = other.csrf().await;

    for csrf in ["", "x", foreign.as_str()] {
        let answer = ann.post_as(&[], "/portal/sign-out", &[("csrf", csrf)]).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{csrf}");
    }
    assert_eq!(ann.get(HOME).await.status, StatusCode::OK, "still signed in");
}

#[tokio::test]
async fn every_answer_says_how_it_may_be_used() {
    let world = World::new().await;
    let ann = world.sign_in("aurora", "admin").await;

    for path in [HOME, "/portal/nothing", "/portal/links/x"] {
        let answer = ann.get(path).await;
        let header = |name: &str| {
            answer.headers.get(name).map(|value| value.to_str().expect("text")).unwrap_or_default()
        };
        let policy = header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; script-src 'self';"), "{policy}");
        assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("cache-control", "no-store"),
            ("x-frame-options", "DENY"),
            ("cross-origin-opener-policy", "same-origin"),
        ] {
            assert_eq!(header(name), value, "{name} of {path}");
        }
    }
}

#[tokio::test]
async fn a_reader_chooses_the_language_and_it_is_remembered() {
    let world = World::new().await;
    let ann = world.sign_in("aurora", "admin").await;

    let accepted = ann.get_with("/portal/nothing", &[("accept-language", "fil-PH")]).await;
    let chosen = ann.get("/portal/nothing?lang=fil").await;
    let unknown = ann.get("/portal/nothing?lang=xx").await;

    accepted.assert_has(&["<html lang=\"fil\">", "Walang ganitong pahina"]);
    chosen.assert_has(&["<html lang=\"fil\">"]);
    assert_eq!(chosen.cookie("__Host-letterhead-lang").as_deref(), Some("fil"));
    unknown.assert_has(&["<html lang=\"en\">"]);
    assert_eq!(unknown.cookie("__Host-letterhead-lang"), None);
}

#[tokio::test]
async fn assets_may_be_kept_and_pages_may_not() {
    let world = World::new().await;
    let page = world.raw(Method::GET, "/portal/links/x", &[], "").await;
    let (_, rest) =
        page.text.split_once("<link rel=\"stylesheet\" href=\"").expect("a style sheet");
    let address = rest.split('"').next().expect("an address");

    let style = world.raw(Method::GET, address, &[], "").await;
    let older = world.raw(Method::GET, "/portal/assets/0000/portal.css", &[], "").await;

    let kept = |answer: &crate::world::Answer| {
        answer.headers[header::CACHE_CONTROL].to_str().expect("text").to_owned()
    };
    assert_eq!(style.headers[header::CONTENT_TYPE], "text/css; charset=utf-8");
    assert_eq!(kept(&style), "public, max-age=31536000, immutable");
    assert_eq!(kept(&older), "no-store");
}
