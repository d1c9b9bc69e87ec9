//! Why a page was not shown or a form not taken, and the page that says so.

use askama::Template;
use poem::{
    Response,
    http::{StatusCode, header},
};
use tracing::error;

use super::layout::{Layout, Site};
use crate::{
    app::AppError,
    http::{request_id, sentence},
};

/// Why a page was not shown or a form not taken.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// Nobody is signed in, or the session has ended.
    SignInNeeded,
    /// The form came from another site, or its page is older than the session.
    CrossSite,
    /// The form could not be read.
    BadForm,
    /// The role may not do this.
    NotAllowed,
    /// There is no such page, or it is another tenant's.
    NotFound,
    /// The page does not take this method.
    MethodNotAllowed,
    /// A use case said no.
    App(AppError),
    /// A page could not be written.
    Broken,
}

impl From<AppError> for Refusal {
    fn from(error: AppError) -> Self {
        Self::App(error)
    }
}

impl From<askama::Error> for Refusal {
    fn from(err: askama::Error) -> Self {
        error!(error = &err as &dyn std::error::Error, "a page could not be written");
        Self::Broken
    }
}

#[derive(Template)]
#[template(path = "refusal.html")]
struct RefusalPage {
    layout: Layout,
    title: String,
    words: String,
    incident: Option<String>,
}

impl Refusal {
    /// The page that says it.
    pub(super) fn page(&self, site: &Site) -> Response {
        let t = site.texts;
        let (status, key) = self.status_and_key();
        let incident = (status.is_server_error()).then(|| request_id().to_string());
        let words = match self {
            // What a use case says is meant for people; it is English, as the API's answers are.
            Self::App(AppError::Conflict(words)) => sentence(words),
            Self::App(AppError::TooMany { retry_after }) => {
                t.count("refusal-too-many-words", *retry_after)
            }
            Self::SignInNeeded
            | Self::CrossSite
            | Self::BadForm
            | Self::NotAllowed
            | Self::NotFound
            | Self::MethodNotAllowed
            | Self::Broken
            | Self::App(_) => t.say(&format!("{key}-words")),
        };
        if let Self::App(error @ (AppError::Unavailable(_) | AppError::Internal(_))) = self {
            let error = error as &dyn std::error::Error;
            error!(request.id = %request_id(), error, "a page failed on our side");
        }
        let title = t.say(&format!("{key}-title"));
        let page = RefusalPage { layout: Layout::bare(site), title, words, incident };
        let html = page.render().unwrap_or_else(|_| "Something went wrong.".to_owned());
        let mut response =
            Response::builder().status(status).content_type("text/html; charset=utf-8").body(html);
        if let Self::App(AppError::TooMany { retry_after }) = self {
            response.headers_mut().insert(header::RETRY_AFTER, (*retry_after).into());
        }
        response
    }

    /// How it is answered, and how its texts begin.
    fn status_and_key(&self) -> (StatusCode, &'static str) {
        match self {
            Self::SignInNeeded | Self::App(AppError::Unauthorized) => {
                (StatusCode::UNAUTHORIZED, "refusal-sign-in")
            }
            Self::CrossSite => (StatusCode::FORBIDDEN, "refusal-cross-site"),
            Self::BadForm | Self::App(AppError::Invalid(_)) => {
                (StatusCode::BAD_REQUEST, "refusal-form")
            }
            Self::NotAllowed | Self::App(AppError::Forbidden(_)) => {
                (StatusCode::FORBIDDEN, "refusal-role")
            }
            Self::NotFound | Self::App(AppError::NotFound(_)) => {
                (StatusCode::NOT_FOUND, "refusal-not-found")
            }
            Self::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, "refusal-not-found"),
            Self::App(AppError::Stale) => (StatusCode::CONFLICT, "refusal-stale"),
            Self::App(AppError::Conflict(_)) => (StatusCode::CONFLICT, "refusal-conflict"),
            Self::App(AppError::TooMany { .. }) => {
                (StatusCode::TOO_MANY_REQUESTS, "refusal-too-many")
            }
            Self::App(AppError::Unavailable(_)) => {
                (StatusCode::SERVICE_UNAVAILABLE, "refusal-unavailable")
            }
            Self::App(AppError::Internal(_)) | Self::Broken => {
                (StatusCode::INTERNAL_SERVER_ERROR, "refusal-broken")
            }
        }
    }
}
