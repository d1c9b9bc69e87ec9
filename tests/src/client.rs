//! An HTTP client for one key.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::program::PATIENCE;

/// Calls the API with one key.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    url: String,
    key: String,
}

/// An answer, read to its end.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers, with names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body as JSON; a string if it is not JSON.
    pub body: Value,
}

impl Answer {
    /// The value of a header, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str())
    }
}

impl Client {
    /// A client of the API at `url` with `key`.
    pub fn new(url: &str, key: &str) -> Self {
        let http = reqwest::Client::builder().timeout(PATIENCE).build().expect("a client");
        Self { http, url: url.to_owned(), key: key.to_owned() }
    }

    /// The same key at another instance.
    #[must_use]
    pub fn at(&self, url: &str) -> Self {
        Self { url: url.to_owned(), ..self.clone() }
    }

    /// The key.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// `GET`.
    pub async fn get(&self, path: &str) -> Answer {
        self.call("GET", path, &[], None).await
    }

    /// `PUT` with a JSON body.
    pub async fn put(&self, path: &str, body: Value) -> Answer {
        self.call("PUT", path, &[], Some(body)).await
    }

    /// `POST` with a JSON body.
    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.call("POST", path, &[], Some(body)).await
    }

    /// `DELETE`.
    pub async fn delete(&self, path: &str) -> Answer {
        self.call("DELETE", path, &[], None).await
    }

    /// Any call.
    pub async fn call(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Value>,
    ) -> Answer {
        let method = method.parse().expect("a method");
        let mut request = self.http.request(method, format!("{}{path}", self.url));
        if !self.key.is_empty() {
            request = request.bearer_auth(&self.key);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await.expect("an answer");
        let status = response.status().as_u16();
        let header = |(name, value): (&reqwest::header::HeaderName, _)| {
            let value: &reqwest::header::HeaderValue = value;
            (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        };
        let headers = response.headers().iter().map(header).collect();
        let text = response.text().await.expect("a body");
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Answer { status, headers, body }
    }

    /// Saves `settings` for the default sender and tests them until they are live.
    pub async fn save_and_test(&self, settings: Value) {
        let saved = self.put("/v1/tenants/self/senders/default", settings).await;
        assert!(matches!(saved.status, 200 | 201), "{saved:?}");
        let run = self.post("/v1/tenants/self/senders/default/test-runs", json!({})).await;
        assert_eq!(run.status, 201, "{run:?}");
        assert_eq!(run.body["status"], "passed", "{run:?}");
    }

    /// Hands over a receipt for `recipient`; gives its id.
    pub async fn send(&self, recipient: &str) -> String {
        let body = json!({
            "kind": "receipt",
            "to": [{"email": recipient}],
            "subject": "Your receipt",
            "text": "Thank you.",
        });
        let answer = self.post("/v1/tenants/self/messages", body).await;
        assert_eq!(answer.status, 202, "{answer:?}");
        answer.body["id"].as_str().expect("an id").to_owned()
    }

    /// Waits until message `id` is in one of `statuses`, and gives it.
    pub async fn wait_for_message(&self, id: &str, statuses: &[&str]) -> Value {
        let path = format!("/v1/tenants/self/messages/{id}");
        let arrived =
            |message: &Value| statuses.contains(&message["status"].as_str().unwrap_or_default());
        self.wait_for(&path, arrived).await
    }

    /// Waits until what `path` answers is as `wanted` says, and gives it.
    pub async fn wait_for(&self, path: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let begun = Instant::now();
        loop {
            let answer = self.get(path).await;
            if answer.status == 200 && wanted(&answer.body) {
                return answer.body;
            }
            assert!(begun.elapsed() < PATIENCE, "{path} never became so: {answer:?}");
            // The program tells nobody outside when a message moves on: asking again is all one can do.
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
    }
}
