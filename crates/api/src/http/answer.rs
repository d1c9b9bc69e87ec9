//! What every answer has in common, also those that the framework makes by itself.
//!
//! Each request gets an id, which its log line, its errors in the log and its problem share. A
//! panic becomes a 500, and what failed without words gets them from a [`Fallback`]: a problem
//! from the API, a page from the portal. Bodies, keys, query values and paths as they were asked
//! for are never logged.

use std::{any::Any, collections::HashMap, panic::AssertUnwindSafe, time::Instant};

use futures_util::FutureExt;
use poem::{
    Endpoint, IntoResponse, PathPattern, Request, Response, Result,
    http::{HeaderValue, Method, StatusCode, header},
};
use poem_openapi::types::ToJSON;
use tracing::{Instrument, error, info, info_span};
use uuid::Uuid;

use super::{
    REQUEST_ID,
    error::internal,
    problem::{CONTENT_TYPE, Problem, ProblemCode},
};
use crate::{metrics::Metrics, random};

/// Every path, with the methods that it takes.
///
/// The router names a path's parameters as it likes (`:param0`); here they are found whatever their
/// names, and known as the API document writes them.
#[derive(Default)]
pub(crate) struct Paths(HashMap<String, KnownPath>);

pub(crate) struct KnownPath {
    template: String,
    methods: Vec<Method>,
}

impl Paths {
    /// Adds a path as the API document writes it, such as `/v1/tenants/{tenant}`.
    pub(crate) fn add(&mut self, template: &str, methods: impl IntoIterator<Item = Method>) {
        let path = self
            .0
            .entry(Self::shape(template))
            .or_insert_with(|| KnownPath { template: template.to_owned(), methods: Vec::new() });
        path.methods.extend(methods);
    }

    /// The path that the router calls `pattern`.
    fn find(&self, pattern: &str) -> Option<&KnownPath> {
        self.0.get(&Self::shape(pattern))
    }

    /// `path` without the names of its parameters.
    fn shape(path: &str) -> String {
        let segments = path.split('/');
        let nameless = segments.map(|part| if part.starts_with([':', '{']) { ":" } else { part });
        nameless.collect::<Vec<_>>().join("/")
    }
}

/// What is answered where a failure has no words of its own.
pub(crate) trait Fallback: Send + Sync {
    /// The answer to a request whose handling panicked.
    fn broken(&self) -> Response;

    /// `response`, or another in its place if it is a failure without words, on `path` if that is
    /// one of ours.
    fn worded(&self, response: Response, path: Option<&KnownPath>) -> Response;
}

/// The API's fallback: problems.
pub(super) struct Problems;

impl Fallback for Problems {
    fn broken(&self) -> Response {
        problem(&internal())
    }

    fn worded(&self, response: Response, path: Option<&KnownPath>) -> Response {
        with_problem(response, path)
    }
}

/// An endpoint whose every answer is as the contract wants it.
pub(crate) struct Answering<E, F> {
    pub(crate) inner: E,
    pub(crate) metrics: Metrics,
    pub(crate) paths: Paths,
    pub(crate) fallback: F,
}

impl<E: Endpoint, F: Fallback> Endpoint for Answering<E, F> {
    type Output = Response;

    async fn call(&self, request: Request) -> Result<Response> {
        let id: Uuid = random::token();
        let span = info_span!("http", request.id = %id);
        Ok(REQUEST_ID.scope(id, self.answer(request)).instrument(span).await)
    }
}

impl<E: Endpoint, F: Fallback> Answering<E, F> {
    async fn answer(&self, request: Request) -> Response {
        let started = Instant::now();
        let method = request.method().clone();
        let response = AssertUnwindSafe(self.inner.get_response(request)).catch_unwind().await;
        let response = response.unwrap_or_else(|panic| {
            error!(panic = panic_words(&*panic), "a request panicked");
            self.fallback.broken()
        });
        let pattern = response.data::<PathPattern>().map(|pattern| pattern.0.to_string());
        let path = pattern.and_then(|pattern| self.paths.find(&pattern));
        let mut response = self.fallback.worded(response, path);
        let headers = response.headers_mut();
        // Only what says so may be kept: assets, whose addresses change with them.
        headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));

        let route = path.map_or("unmatched", |path| &path.template);
        let (method, status) = (known(&method), response.status().as_u16());
        let took = started.elapsed();
        let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        self.metrics.request(route, method, status, took);
        info!(method, route, status, took_ms, "answered");
        response
    }
}

/// `response`, or a problem in its place if it is neither a success nor a problem.
fn with_problem(response: Response, path: Option<&KnownPath>) -> Response {
    let status = response.status();
    let is_problem = response.content_type() == Some(CONTENT_TYPE);
    if is_problem || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    match status {
        StatusCode::METHOD_NOT_ALLOWED => not_allowed(path),
        status if status.is_server_error() => {
            error!(%status, "the framework failed a request");
            problem(&internal())
        }
        // Every body and every query is read by us: all that the framework cannot read is a path
        // that is not UTF-8, and that names nothing.
        _ => {
            let detail = "See /openapi.json for the paths that exist.";
            problem(&Problem::new(ProblemCode::NotFound, detail))
        }
    }
}

/// The answer to a method that `path` does not take.
fn not_allowed(path: Option<&KnownPath>) -> Response {
    let methods = path.map_or(&[][..], |path| &path.methods).iter().map(Method::as_str);
    let methods = methods.collect::<Vec<_>>().join(", ");
    let detail = format!("Use {methods}.");
    let mut answer = problem(&Problem::new(ProblemCode::MethodNotAllowed, detail));
    if let Ok(methods) = methods.parse() {
        answer.headers_mut().insert(header::ALLOW, methods);
    }
    answer
}

/// A problem as an answer of its own.
pub(super) fn problem(problem: &Problem) -> Response {
    let json = problem.to_json().unwrap_or_default();
    let status = json["status"].as_u64().and_then(|status| u16::try_from(status).ok());
    let status = status.and_then(|status| StatusCode::from_u16(status).ok());
    json.to_string()
        .with_content_type(CONTENT_TYPE)
        .with_status(status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR))
        .into_response()
}

/// The method's name if it is a usual one: a stranger must not invent label values.
fn known(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

/// What a panic said.
fn panic_words(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&'static str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("(no words)")
}

#[cfg(test)]
mod tests {
    use poem::{Route, endpoint::make_sync, get, test::TestClient};
    use serde_json::Value;

    use super::*;

    fn client(metrics: Metrics) -> TestClient<impl Endpoint> {
        let mut paths = Paths::default();
        paths.add("/things/{id}", [Method::GET]);
        let inner = Route::new().at("/things/:param0", get(make_sync(|_| "fine"))).at(
            "/panic",
            get(make_sync(|request| -> &'static str {
                assert!(request.headers().is_empty(), "hunter2");
                "calm"
            })),
        );
        TestClient::new(Answering { inner, metrics, paths, fallback: Problems })
    }

    async fn problem_of(response: poem::test::TestResponse, status: StatusCode) -> Value {
        response.assert_status(status);
        response.assert_content_type(CONTENT_TYPE);
        response.assert_header("cache-control", "no-store");
        let text = response.0.into_body().into_string().await.expect("text");
        serde_json::from_str(&text).expect("JSON")
    }

    #[tokio::test]
    async fn what_the_framework_refuses_is_a_problem_too() {
        let client = client(Metrics::new());

        let nowhere = client.get("/nowhere?key=hunter2").send().await;
        let nowhere = problem_of(nowhere, StatusCode::NOT_FOUND).await;
        assert_eq!(nowhere["code"], "not_found");
        assert!(!nowhere.to_string().contains("hunter2"));

        let wrong = client.delete("/things/5").send().await;
        wrong.assert_header("allow", "GET");
        let wrong = problem_of(wrong, StatusCode::METHOD_NOT_ALLOWED).await;
        assert_eq!(wrong["detail"], "Use GET.");
    }

    #[tokio::test]
    async fn a_panic_is_an_incident_whose_words_stay_inside() {
        let client = client(Metrics::new());

        let response = client.get("/panic").header("x-any", "1").send().await;

        let panicked = problem_of(response, StatusCode::INTERNAL_SERVER_ERROR).await;

        assert_eq!(panicked["code"], "internal");
        assert!(!panicked.to_string().contains("hunter2"));
        let instance = panicked["instance"].as_str().expect("text");
        assert!(instance.strip_prefix("urn:uuid:").is_some_and(|id| Uuid::try_parse(id).is_ok()));
    }

    #[tokio::test]
    async fn requests_are_counted_by_template_and_known_method() {
        let metrics = Metrics::new();
        let client = client(metrics.clone());

        client.get("/things/hunter2").send().await.assert_status_is_ok();
        let odd = Method::from_bytes(b"HUNTER2").expect("a token");
        let _answer = client.request(odd, "/nowhere/hunter2").send().await;

        let counted = metrics.render();
        assert!(counted.contains("method=\"GET\",route=\"/things/{id}\",status=\"200\""));
        assert!(counted.contains("method=\"other\",route=\"unmatched\",status=\"404\""));
        assert!(!counted.to_lowercase().contains("hunter2"), "{counted}");
    }
}
