//! The portal's part of the story: a link and a session are shown once, a password never.

use std::collections::HashMap;

use letterhead_tests::{client::Answer, program::output};
use reqwest::{
    Client,
    header::{COOKIE, ORIGIN, SET_COOKIE},
    redirect::Policy,
};
use serde_json::json;

use super::{Secret, Story};

/// Somebody with a browser that keeps the session's cookie.
struct Visitor {
    http: Client,
    url: String,
    session: String,
}

impl Visitor {
    /// Uses up `link`.
    async fn come_in(link: &str) -> Self {
        let http = Client::builder().redirect(Policy::none()).build().expect("a client");
        let url = link.split("/portal/").next().expect("an address").to_owned();
        let form = http.post(link).header(ORIGIN, &url).form(&HashMap::<&str, &str>::new());
        let answer = form.send().await.expect("an answer");
        assert_eq!(answer.status(), 303);
        let cookies = answer.headers().get_all(SET_COOKIE).iter();
        let mut cookies = cookies.map(|cookie| cookie.to_str().expect("text"));
        let session = cookies.find_map(|cookie| cookie.strip_prefix("__Host-letterhead="));
        let session = session.and_then(|rest| rest.split(';').next()).expect("a session");
        Self { http, session: session.to_owned(), url }
    }

    fn cookie(&self) -> String {
        format!("__Host-letterhead={}", self.session)
    }

    async fn open(&self, path: &str) -> String {
        let request = self.http.get(format!("{}{path}", self.url)).header(COOKIE, self.cookie());
        let answer = request.send().await.expect("an answer");
        assert_eq!(answer.status(), 200, "{path}");
        answer.text().await.expect("a page")
    }

    async fn send(&self, path: &str, fields: &[(&str, &str)]) -> (u16, String) {
        let page = self.open("/portal/tenants/aurora/senders/default").await;
        let (_, rest) = page.split_once("name=\"csrf\" value=\"").expect("a form");
        let csrf = rest.split('"').next().expect("a token");
        let fields: Vec<_> = [("csrf", csrf)].iter().chain(fields).copied().collect();
        let request = self.http.post(format!("{}{path}", self.url)).header(COOKIE, self.cookie());
        let answer = request.header(ORIGIN, &self.url).form(&fields).send().await;
        let answer = answer.expect("an answer");
        let status = answer.status().as_u16();
        (status, format!("{:?} {}", answer.headers().clone(), answer.text().await.expect("a body")))
    }
}

impl Story {
    /// Saves and tests settings in the portal, opens every page, and gives the secrets that it was
    /// given for that.
    pub(super) async fn come_in_by_the_portal(&mut self) -> [Secret; 3] {
        let body = json!({"role": "admin", "email": "ann@aurora.example", "name": "Ann"});
        let operator = self.operator.clone();
        // The answer is the one place where the link stands, so it is not searched.
        let made: Answer = operator.post("/v1/tenants/aurora/portal-links", body).await;
        let link = made.body["url"].as_str().expect("a URL").to_owned();
        let ann = Visitor::come_in(&link).await;

        let page = "/portal/tenants/aurora/senders/default";
        let port = self.world.practice.starttls_port().to_string();
        let canary = self.canary.clone();
        let typed = |host: &'static str, port: &str| {
            vec![
                ("do", "save".to_owned()),
                ("driver", "smtp".to_owned()),
                ("host", host.to_owned()),
                ("port", port.to_owned()),
                ("encryption", "starttls".to_owned()),
                ("username", self.world.sign_in.0.clone()),
                ("password", canary.clone()),
                ("sender_name", "Aurora".to_owned()),
                ("sender_email", "billing@aurora.example".to_owned()),
            ]
        };
        let forms = [
            (page.to_owned(), typed("localhost", "no number"), 422),
            (page.to_owned(), typed("10.0.0.1", "587"), 422),
            (page.to_owned(), typed("localhost", &port), 0),
            (format!("{page}/test-runs"), Vec::new(), 303),
        ];
        for (path, fields, expected) in forms {
            let fields: Vec<_> =
                fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
            let (status, said) = ann.send(&path, &fields).await;
            // Somebody else saved before: what was typed comes back, or is saved.
            assert!(expected == 0 || status == expected, "{path}: {status} {said}");
            self.told.push((format!("the answer to the form {path}"), said));
        }
        for rest in [
            "senders/default",
            "senders/default?edit=1",
            "senders/default/test-runs",
            "senders/default/versions",
            "messages",
            "activity",
            "sessions",
            "guides/gmail",
        ] {
            let path = format!("/portal/tenants/aurora/{rest}");
            let shown = ann.open(&path).await;
            self.told.push((format!("the page {path}"), shown));
        }

        let arguments = [
            "--tenant",
            "aurora",
            "--role",
            "setup",
            "--email",
            "it@aurora.example",
            "--name",
            "IT",
        ];
        let printed = output(self.world.command(&["portal-link"]).args(arguments));
        let token = |link: &str| link.rsplit('/').next().expect("a token").as_bytes().to_owned();
        [
            Secret::new("the link's token", &token(&link)),
            Secret::new("the command line's link", &token(&printed)),
            Secret::new("the session's token", ann.session.as_bytes()),
        ]
    }
}
