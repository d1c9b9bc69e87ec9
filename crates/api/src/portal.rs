//! The hosted portal: pages for the tenants' own people, and the operator's side.
//!
//! A request passes `guard` (where it comes from, and the headers of every answer), becomes a
//! `visit::Visit` (whose session it is), and reaches one handler, which asks the use cases in
//! [`crate::app`] and fills a template from `templates/`. Handlers decide nothing that the API would
//! not decide the same way. Every page works without JavaScript; the scripts in `assets/` only make
//! it nicer.

use std::{collections::BTreeMap, sync::Arc};

use poem::{
    Endpoint, EndpointExt, Request, Response, Route, RouteMethod,
    endpoint::make,
    http::{Method, StatusCode},
};

mod activity;
mod actor;
pub(crate) mod address;
mod assets;
mod choice;
pub mod config;
mod cookies;
mod event_stream;
mod form;
mod guard;
mod guides;
mod history;
mod layout;
mod limits;
mod messages;
mod moment;
mod operator;
mod paging;
mod refusal;
mod sessions;
mod settings;
mod test_runs;
mod texts;
mod versions;
mod visit;
mod way_in;

use crate::{
    app::App,
    http::{self, Answering, Fallback, HttpConfig, KnownPath, Paths},
};
use config::PortalConfig;
use form::Form;
use layout::Site;
use refusal::Refusal;
use visit::{Outcome, Visit};

/// The portal and the API behind one address, with everything that they stand on.
pub fn site(app: App, portal: PortalConfig, api: HttpConfig) -> impl Endpoint<Output = Response> {
    let pages = pages(&app, portal);
    let api = http::routes(app, api);
    Split { pages, api }
}

/// Every page.
fn pages(app: &App, config: PortalConfig) -> impl Endpoint<Output = Response> + use<> {
    let mut table = Table { app: app.clone(), routes: BTreeMap::new() };
    activity::routes(&mut table);
    guides::routes(&mut table);
    history::routes(&mut table);
    limits::routes(&mut table);
    messages::routes(&mut table);
    operator::routes(&mut table);
    sessions::routes(&mut table);
    settings::routes(&mut table);
    test_runs::routes(&mut table);
    versions::routes(&mut table);
    way_in::routes(&mut table);
    table.open_page("/portal/assets/:hash/:name", asset);
    table.open_page("/", async |_, _, _| Ok(visit::see_other("/portal")));

    let mut paths = Paths::default();
    let mut route = Route::new();
    for (path, (methods, endpoints)) in table.routes {
        paths.add(&template_of(path), methods);
        route = route.at(path, endpoints);
    }
    let inner = guard::Guarded::new(route, Arc::new(config));
    Answering { inner, metrics: app.metrics.clone(), paths, fallback: Plain }
}

/// A path as the metrics name it: `/portal/links/{token}` for `/portal/links/:token`.
fn template_of(path: &str) -> String {
    let parts = path.split('/').map(|part| match part.strip_prefix(':') {
        Some(name) => format!("{{{name}}}"),
        None => part.to_owned(),
    });
    parts.collect::<Vec<_>>().join("/")
}

async fn asset(_: App, site: Site, request: Request) -> Outcome {
    let part = |name| request.raw_path_param(name).unwrap_or_default();
    let answer = site.assets.answer(part("hash"), part("name"));
    if answer.status() == StatusCode::NOT_FOUND { Err(Refusal::NotFound) } else { Ok(answer) }
}

/// Sends the portal's paths to the portal and all others to the API.
struct Split<P, A> {
    pages: P,
    api: A,
}

impl<P, A> Endpoint for Split<P, A>
where
    P: Endpoint<Output = Response>,
    A: Endpoint<Output = Response>,
{
    type Output = Response;

    async fn call(&self, request: Request) -> poem::Result<Response> {
        let path = request.uri().path();
        if path == "/" || path == "/portal" || path.starts_with("/portal/") {
            self.pages.call(request).await
        } else {
            self.api.call(request).await
        }
    }
}

/// What is answered when a page panicked: by then nobody knows the reader's language.
struct Plain;

impl Fallback for Plain {
    fn broken(&self) -> Response {
        Response::builder()
            .status(StatusCode::INTERNAL_SERVER_ERROR)
            .content_type("text/plain; charset=utf-8")
            .body("Something went wrong on our side. Nothing was lost; please load the page again.")
    }

    fn worded(&self, response: Response, _path: Option<&KnownPath>) -> Response {
        response
    }
}

/// The table of pages and forms, as each page's module fills it.
struct Table {
    app: App,
    routes: BTreeMap<&'static str, (Vec<Method>, RouteMethod)>,
}

impl Table {
    /// A page for somebody who is signed in.
    fn page<F>(&mut self, path: &'static str, page: impl Fn(Visit) -> F + Send + Sync + 'static)
    where
        F: Future<Output = Outcome> + Send + 'static,
    {
        let page = Arc::new(page);
        self.add(Method::GET, path, move |app, site, request| {
            let page = Arc::clone(&page);
            async move { page(Visit::of(app, site, &request).await?).await }
        });
    }

    /// What a form on a page does, for somebody who is signed in and sent it from that page.
    fn act<F>(&mut self, path: &'static str, act: impl Fn(Visit, Form) -> F + Send + Sync + 'static)
    where
        F: Future<Output = Outcome> + Send + 'static,
    {
        let act = Arc::new(act);
        self.add(Method::POST, path, move |app, site, mut request: Request| {
            let act = Arc::clone(&act);
            async move {
                let visit = Visit::of(app, site, &request).await?;
                let body = request.take_body();
                let form = visit.form(request.headers(), body).await?;
                act(visit, form).await
            }
        });
    }

    /// A page for everybody.
    fn open_page<F>(
        &mut self,
        path: &'static str,
        page: impl Fn(App, Site, Request) -> F + Send + Sync + 'static,
    ) where
        F: Future<Output = Outcome> + Send + 'static,
    {
        self.add(Method::GET, path, page);
    }

    /// What a form does for everybody.
    fn open_act<F>(
        &mut self,
        path: &'static str,
        act: impl Fn(App, Site, Request) -> F + Send + Sync + 'static,
    ) where
        F: Future<Output = Outcome> + Send + 'static,
    {
        self.add(Method::POST, path, act);
    }

    fn add<F>(
        &mut self,
        method: Method,
        path: &'static str,
        handler: impl Fn(App, Site, Request) -> F + Send + Sync + 'static,
    ) where
        F: Future<Output = Outcome> + Send + 'static,
    {
        let (app, handler) = (self.app.clone(), Arc::new(handler));
        let endpoint = make(move |request: Request| {
            let (app, handler) = (app.clone(), Arc::clone(&handler));
            async move {
                let Some(site) = request.data::<Site>().cloned() else {
                    return Plain.broken();
                };
                handler(app, site.clone(), request)
                    .await
                    .unwrap_or_else(|refusal| refusal.page(&site))
            }
        });
        let (methods, endpoints) = self.routes.remove(path).unwrap_or_default();
        let methods = methods.into_iter().chain([method.clone()]).collect();
        self.routes.insert(path, (methods, endpoints.method(method, endpoint.map_to_response())));
    }
}
