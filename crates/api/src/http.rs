//! The HTTP API: it translates between requests and use cases, and decides nothing itself.
//!
//! A request passes `server` (connections and their deadlines), `answer` (its id, its log line,
//! and problems for whatever went wrong), and one operation in `v1`. An operation asks in the
//! order in which the contract answers: who is calling (`auth`), is it there, may they do it, and
//! only then what the body says (`body`, `json`, `schema_check`). [`document`] describes all of it.

mod answer;
mod auth;
mod body;
mod document;
mod error;
mod files;
mod headers;
mod health;
mod json;
mod limits;
mod metrics;
mod pages;
mod paging;
mod problem;
mod schema_check;
mod server;
mod text;
mod v1;

use letterhead_storage::record::TestRunRecord;
use poem::{Endpoint, EndpointExt, Response, Route};
use poem_openapi::types::ToJSON;
use uuid::Uuid;

pub(crate) use answer::{Answering, Fallback, KnownPath, Paths};
pub use document::document;
pub(crate) use error::sentence;
pub use metrics::{metrics_routes, serve_metrics};
pub use problem::ProblemCode;
pub use server::{HttpConfig, serve};

use crate::{
    app::{App, portal_links::CreatedLink, test_runs::unsaved::UnsavedRun},
    random,
};

tokio::task_local! {
    /// The id of the request that is being answered.
    static REQUEST_ID: Uuid;
}

/// The id of the request that is being answered, or a new one outside of any.
pub(crate) fn request_id() -> Uuid {
    REQUEST_ID.try_with(|id| *id).unwrap_or_else(|_| random::token())
}

/// Every route, with everything that they stand on.
pub fn routes(app: App, config: HttpConfig) -> impl Endpoint<Output = Response> + 'static {
    let mut paths = Paths::default();
    for path in document::api_meta().into_iter().flat_map(|api| api.paths) {
        let methods = path.operations.into_iter().map(|operation| operation.method);
        paths.add(&path.path, methods);
    }
    let route = pages::add(Route::new(), &mut paths).nest("/", document::service());
    let (metrics, inner) = (app.metrics.clone(), route.data(app).data(config));
    Answering { inner, metrics, paths, fallback: answer::Problems }
}

/// A portal link as the API answers it, for the command line.
pub fn portal_link_json(link: &CreatedLink, public_url: &str) -> String {
    let view = v1::portal_links::NewPortalLink::of(link, public_url);
    format!("{:#}", view.to_json().unwrap_or_default())
}

/// A finished test run as the API answers it, for the command line.
pub fn test_run_json(run: &TestRunRecord) -> String {
    let view = v1::test_runs::TestRunView::from(run.clone());
    format!("{:#}", view.to_json().unwrap_or_default())
}

/// A test of settings that are not saved, as much like a test run of the API as it can be, for the
/// command line; the conversation only if it is given.
pub fn unsaved_run_json(run: &UnsavedRun, transcript: Option<&str>) -> String {
    let view = v1::test_runs::UnsavedRunView::of(run, transcript);
    format!("{:#}", view.to_json().unwrap_or_default())
}
