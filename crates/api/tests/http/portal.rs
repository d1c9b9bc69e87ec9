//! The portal's pages, as a browser without JavaScript gets them.

use poem::http::{Method, StatusCode, header};
use serde_json::json;

use crate::world::{Answer, PUBLIC_URL, World};

mod activity;
mod bulk_runs;
mod domain;
mod guides;
mod messages;
mod operator;
mod sessions;
mod settings;
mod versions;
mod way_in;

/// Somebody who is signed in to the portal.
pub(crate) struct Visitor<'w> {
    world: &'w World,
    cookie: String,
}

impl World {
    /// A new link into the portal: its path.
    pub(crate) async fn link(&self, tenant: &str, role: &str) -> String {
        let (path, email) = match role {
            "operator" => ("/v1/portal-links".to_owned(), "jo@operator.example"),
            _ => (format!("/v1/tenants/{tenant}/portal-links"), "ann@aurora.example"),
        };
        let body = json!({"role": role, "email": email, "name": "Ann Reyes"});
        let made = self.post(&path, &self.operator, &body).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
        let url = made.json()["url"].as_str().expect("a URL").to_owned();
        url.strip_prefix(PUBLIC_URL).expect("a link of ours").to_owned()
    }

    /// Somebody who has signed in by a link.
    pub(crate) async fn sign_in(&self, tenant: &str, role: &str) -> Visitor<'_> {
        let link = self.link(tenant, role).await;
        let answer = self.form(&link, &[], &[]).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
        let cookie = answer.cookie("__Host-letterhead").expect("a session");
        Visitor { world: self, cookie: format!("__Host-letterhead={cookie}") }
    }

    /// Sends a form as a page of ours would.
    pub(crate) async fn form(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        fields: &[(&str, &str)],
    ) -> Answer {
        let body = fields
            .iter()
            .fold(&mut form_urlencoded::Serializer::new(String::new()), |body, (name, value)| {
                body.append_pair(name, value)
            })
            .finish();
        let own = [
            ("content-type", "application/x-www-form-urlencoded"),
            ("origin", "null"),
            ("sec-fetch-site", "same-origin"),
        ];
        let own = own.iter().filter(|(name, _)| headers.iter().all(|(given, _)| given != name));
        let headers: Vec<_> = own.chain(headers).copied().collect();
        self.raw(Method::POST, path, &headers, body).await
    }
}

impl Answer {
    /// The value of a cookie that the answer sets.
    pub(crate) fn cookie(&self, name: &str) -> Option<String> {
        let lines = self.headers.get_all(header::SET_COOKIE).iter();
        lines.filter_map(|line| line.to_str().ok()).find_map(|line| {
            let (found, value) = line.split(';').next()?.split_once('=')?;
            (found == name).then(|| value.to_owned())
        })
    }

    /// Where the answer sends the browser.
    pub(crate) fn location(&self) -> &str {
        let location = self.headers.get(header::LOCATION).expect("a redirection");
        location.to_str().expect("text")
    }

    /// Asserts that the page has `texts`, as they stand in its HTML.
    #[track_caller]
    pub(crate) fn assert_has(&self, texts: &[&str]) {
        for text in texts {
            assert!(self.text.contains(text), "no {text:?} in:\n{}", self.text);
        }
    }

    /// Asserts that the page has none of `texts`.
    #[track_caller]
    pub(crate) fn assert_lacks(&self, texts: &[&str]) {
        for text in texts {
            assert!(!self.text.contains(text), "{text:?} in:\n{}", self.text);
        }
    }
}

impl Visitor<'_> {
    /// Opens a page.
    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.get_with(path, &[]).await
    }

    /// Opens a page with more `headers`.
    pub(crate) async fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let headers: Vec<_> =
            [("cookie", self.cookie.as_str())].iter().chain(headers).copied().collect();
        self.world.raw(Method::GET, path, &headers, "").await
    }

    /// Sends a form to `path`, with the token of this session's pages.
    pub(crate) async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let csrf = self.csrf().await;
        let fields: Vec<_> = [("csrf", csrf.as_str())].iter().chain(fields).copied().collect();
        self.post_as(&[], path, &fields).await
    }

    /// Sends a form to `path`, with exactly these `fields`, and `headers` in place of a browser's.
    pub(crate) async fn post_as(
        &self,
        headers: &[(&str, &str)],
        path: &str,
        fields: &[(&str, &str)],
    ) -> Answer {
        let cookie = [("cookie", self.cookie.as_str())];
        let headers: Vec<_> = cookie.iter().chain(headers).copied().collect();
        self.world.form(path, &headers, fields).await
    }

    /// Sends a form, and opens the page that its answer leads to with what was just done.
    pub(crate) async fn post_and_follow(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let answer = self.post(path, fields).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
        let did = answer.cookie("__Host-letterhead-did").unwrap_or_default();
        let cookie = format!("{}; __Host-letterhead-did={did}", self.cookie);
        self.world.raw(Method::GET, answer.location(), &[("cookie", &cookie)], "").await
    }

    /// What proves that a form is from a page of this session.
    pub(crate) async fn csrf(&self) -> String {
        let home = self.get("/portal").await;
        let page = self.get(home.location()).await;
        let (_, rest) = page.text.split_once("name=\"csrf\" value=\"").expect("a form");
        rest.split('"').next().expect("a token").to_owned()
    }
}
