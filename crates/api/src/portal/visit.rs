//! One request of somebody who is signed in: who they are, what they asked for, how to answer.

use std::fmt::Write;

use askama::Template;
use letterhead_domain::access::{Deed, Person, Principal};
use letterhead_storage::record::TenantRecord;
use poem::{
    Request, Response,
    http::{HeaderMap, HeaderValue, StatusCode, header},
};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::{
    address::{self, FIRST_SENDER, OPERATOR_TENANTS},
    cookies,
    form::Form,
    layout::{Layout, Nav, Site},
    refusal::Refusal,
    texts::Texts,
};
use crate::app::{App, access, access::Caller, portal_sessions, tenants};

/// How a handler ends: with an answer, or with a refusal that has a page of its own.
pub(crate) type Outcome = Result<Response, Refusal>;

/// One request of somebody who is signed in.
pub(crate) struct Visit {
    /// The use cases.
    pub(crate) app: App,
    /// What is known of the request without them.
    pub(crate) site: Site,
    /// Who they are.
    pub(crate) person: Person,
    /// Proves that a form is from a page of this session.
    pub(crate) csrf: String,
    /// The key of a text about what they just did, told once.
    pub(crate) did: Option<String>,
    params: Vec<(String, String)>,
    query: Vec<(String, String)>,
}

/// The tenant, and the sender, whose page it is.
pub(crate) struct Place {
    /// Who asks, and of which tenant.
    pub(crate) caller: Caller,
    /// The tenant.
    pub(crate) tenant: TenantRecord,
    /// The sender as the path names it; the first one on pages that name none.
    pub(crate) sender: String,
}

impl Place {
    /// The address of one of the tenant's pages.
    pub(crate) fn path(&self, rest: &str) -> String {
        address::of_tenant(&self.tenant.slug, rest)
    }

    /// The address of one of the sender's pages; `rest` is empty, or begins with a slash.
    pub(crate) fn sender_path(&self, rest: &str) -> String {
        address::of_sender(&self.tenant.slug, &self.sender, rest)
    }
}

impl Visit {
    /// Finds out who sent `request`.
    ///
    /// # Errors
    ///
    /// [`Refusal::SignInNeeded`] without a session that goes on.
    pub(super) async fn of(app: App, site: Site, request: &Request) -> Result<Self, Refusal> {
        let token = cookies::session(request.headers()).ok_or(Refusal::SignInNeeded)?;
        let person = portal_sessions::authenticate(&app, token).await?;
        let person = person.ok_or(Refusal::SignInNeeded)?;
        let csrf = csrf_of(token);
        let did = cookies::did(request.headers()).map(str::to_owned);
        let query = form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes());
        let query = query.into_owned().collect();
        let params = PARAMETERS
            .iter()
            .filter_map(|&name| Some((name.to_owned(), request.raw_path_param(name)?.to_owned())));
        Ok(Self { app, site, person, csrf, did, params: params.collect(), query })
    }

    /// Reads the form that came with the request, once it is known to be from a page of this
    /// session.
    ///
    /// # Errors
    ///
    /// [`Refusal::BadForm`], [`Refusal::CrossSite`].
    pub(super) async fn form(
        &self,
        headers: &HeaderMap,
        body: poem::Body,
    ) -> Result<Form, Refusal> {
        let form = Form::read(headers, body).await?;
        let shown = form.text("csrf");
        let same = shown.len() == self.csrf.len()
            && bool::from(shown.as_bytes().ct_eq(self.csrf.as_bytes()));
        if same { Ok(form) } else { Err(Refusal::CrossSite) }
    }

    /// The texts in the reader's language.
    pub(crate) fn texts(&self) -> Texts {
        self.site.texts
    }

    /// Whether their role lets them do `deed`.
    pub(crate) fn may(&self, deed: Deed) -> bool {
        self.person.role.may(deed)
    }

    /// Refuses what their role does not let them do.
    ///
    /// # Errors
    ///
    /// [`Refusal::NotAllowed`].
    pub(crate) fn require(&self, deed: Deed) -> Result<(), Refusal> {
        if self.may(deed) { Ok(()) } else { Err(Refusal::NotAllowed) }
    }

    /// Who they are for the use cases.
    pub(crate) fn principal(&self) -> Principal {
        Principal::Person(self.person.clone())
    }

    /// The tenant that the path names.
    ///
    /// # Errors
    ///
    /// [`Refusal::NotFound`] if it is not there for them.
    pub(crate) async fn place(&self) -> Result<Place, Refusal> {
        let caller = access::enter(&self.app, &self.principal(), self.param("tenant")).await?;
        let tenant = tenants::load(&self.app, &caller).await?;
        let sender = match self.param("sender") {
            "" => FIRST_SENDER,
            named => named,
        };
        Ok(Place { caller, tenant, sender: sender.to_owned() })
    }

    /// A part of the path by its name; empty if the path has none of this name.
    pub(crate) fn param(&self, name: &str) -> &str {
        value(&self.params, name)
    }

    /// A value of the query by its name; empty if there is none.
    pub(crate) fn query(&self, name: &str) -> &str {
        value(&self.query, name)
    }

    /// The frame of a page that is not one tenant's.
    pub(crate) fn layout(&self, here: Nav) -> Layout {
        Layout::of(self, None, here)
    }

    /// The frame of a tenant's page.
    pub(crate) fn layout_at(&self, place: &Place, here: Nav) -> Layout {
        Layout::of(self, Some(place), here)
    }

    /// A page as an answer.
    ///
    /// # Errors
    ///
    /// [`Refusal::Broken`] if it cannot be written.
    pub(crate) fn show(&self, page: &impl Template) -> Outcome {
        self.show_as(StatusCode::OK, page)
    }

    /// A page as an answer that says more by its status, such as 422 above refused fields.
    ///
    /// # Errors
    ///
    /// [`Refusal::Broken`] if it cannot be written.
    pub(crate) fn show_as(&self, status: StatusCode, page: &impl Template) -> Outcome {
        let mut response = Response::builder()
            .status(status)
            .content_type("text/html; charset=utf-8")
            .body(page.render()?);
        if self.did.is_some() {
            cookies::forget_did(response.headers_mut(), &self.site.config);
        }
        Ok(response)
    }

    /// Sends the browser to another page of ours, which says once what was done: the text `did`.
    pub(crate) fn did(&self, did: &'static str, path: &str) -> Response {
        let mut response = see_other(path);
        cookies::remember_did(response.headers_mut(), did, &self.site.config);
        response
    }

    /// Where somebody in this role begins.
    ///
    /// # Errors
    ///
    /// [`Refusal::App`] if the database is away.
    pub(super) async fn home(&self) -> Result<String, Refusal> {
        let Some(tenant) = self.person.tenant else {
            return Ok(OPERATOR_TENANTS.to_owned());
        };
        let caller = Caller { principal: self.principal(), tenant };
        let slug = tenants::load(&self.app, &caller).await?.slug;
        Ok(address::of_sender(slug, FIRST_SENDER, ""))
    }
}

/// Every name that a path gives to a part of it.
const PARAMETERS: [&str; 9] =
    ["tenant", "sender", "run", "version", "message", "session", "guide", "bulk_run", "name"];

fn value<'a>(pairs: &'a [(String, String)], name: &str) -> &'a str {
    pairs.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.as_str())
}

/// Sends the browser to `path` with a GET.
pub(crate) fn see_other(path: &str) -> Response {
    let location = HeaderValue::from_str(path).unwrap_or(HeaderValue::from_static("/portal"));
    Response::builder().status(StatusCode::SEE_OTHER).header(header::LOCATION, location).finish()
}

/// Bound to the session without telling its token: whoever reads a page cannot take the session.
fn csrf_of(session: &str) -> String {
    let hash = Sha256::new().chain_update("letterhead portal form").chain_update(session);
    hash.finalize().iter().fold(String::new(), |mut text, byte| {
        let _infallible = write!(text, "{byte:02x}");
        text
    })
}
