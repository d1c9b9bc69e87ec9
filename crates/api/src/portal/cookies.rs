//! The portal's three cookies: the session, the language, and what was just done.
//!
//! Each has the `__Host-` prefix: it is sent over TLS only (browsers make an exception for
//! loopback), to this host only, and no sibling host can set it. Where the operator lets the pages be
//! framed, a browser sends them inside the frame only as `SameSite=None; Partitioned` (CHIPS): bound
//! to the site around it. Everywhere else they are `Lax`.

use poem::http::{HeaderMap, HeaderValue, header};

use super::config::PortalConfig;

const SESSION: &str = "__Host-letterhead";
const LANGUAGE: &str = "__Host-letterhead-lang";
const DID: &str = "__Host-letterhead-did";
/// How long a language is remembered, in seconds: a year.
const LANGUAGE_AGE: u32 = 365 * 24 * 60 * 60;

/// The session's token.
pub(super) fn session(headers: &HeaderMap) -> Option<&str> {
    find(headers, SESSION)
}

/// The language that the reader chose.
pub(super) fn language(headers: &HeaderMap) -> Option<&str> {
    find(headers, LANGUAGE)
}

/// The key of a text about what was just done. Anybody can send any: only our own texts are shown.
pub(super) fn did(headers: &HeaderMap) -> Option<&str> {
    find(headers, DID).filter(|did| did.starts_with("did-"))
}

/// Gives the browser a session; it ends with the browser, or before by the server's clock.
pub(super) fn open_session(headers: &mut HeaderMap, token: &str, config: &PortalConfig) {
    set(headers, SESSION, token, None, config);
}

/// Takes the session from the browser.
pub(super) fn close_session(headers: &mut HeaderMap, config: &PortalConfig) {
    set(headers, SESSION, "", Some(0), config);
}

/// Remembers the language that the reader chose.
pub(super) fn choose_language(headers: &mut HeaderMap, code: &str, config: &PortalConfig) {
    set(headers, LANGUAGE, code, Some(LANGUAGE_AGE), config);
}

/// Has the next page say what was done.
pub(super) fn remember_did(headers: &mut HeaderMap, did: &'static str, config: &PortalConfig) {
    set(headers, DID, did, Some(60), config);
}

/// Has it said only once.
pub(super) fn forget_did(headers: &mut HeaderMap, config: &PortalConfig) {
    set(headers, DID, "", Some(0), config);
}

fn find<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(found, value)| (found == name && !value.is_empty()).then_some(value))
}

fn set(headers: &mut HeaderMap, name: &str, value: &str, age: Option<u32>, config: &PortalConfig) {
    let site = if config.frame_ancestors.is_empty() { "Lax" } else { "None; Partitioned" };
    let age = age.map_or_else(String::new, |age| format!("; Max-Age={age}"));
    let cookie = format!("{name}={value}; Path=/; Secure; HttpOnly; SameSite={site}{age}");
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        headers.append(header::SET_COOKIE, cookie);
    }
}
