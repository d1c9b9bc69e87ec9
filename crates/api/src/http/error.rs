//! From a use case's error to an answer. What a client reads and what the log says part here.

use std::error::Error;

use letterhead_domain::field_errors::FieldErrors;
use poem_openapi::{ApiResponse, payload::Json};
use tracing::error;

use super::{
    problem::{Problem, ProblemCode, capitalised},
    request_id,
};
use crate::app::AppError;

/// Seconds after which a client may try again when a part of us is out of reach.
const RETRY_UNAVAILABLE: u64 = 5;

/// Every answer that is not a success.
#[derive(ApiResponse)]
pub enum ApiError {
    /// The request or its JSON could not be read
    #[oai(status = 400, content_type = "application/problem+json")]
    BadRequest(Json<Problem>),
    /// There is no key, or it does not work
    #[oai(status = 401, content_type = "application/problem+json")]
    Unauthorized(Json<Problem>, #[oai(header = "WWW-Authenticate")] String),
    /// The key may not do this
    #[oai(status = 403, content_type = "application/problem+json")]
    Forbidden(Json<Problem>),
    /// There is no such thing, or it is another tenant's
    #[oai(status = 404, content_type = "application/problem+json")]
    NotFound(Json<Problem>),
    /// It cannot be done as things stand
    #[oai(status = 409, content_type = "application/problem+json")]
    Conflict(Json<Problem>),
    /// The thing has changed since it was read
    #[oai(status = 412, content_type = "application/problem+json")]
    Stale(Json<Problem>),
    /// The body is too large
    #[oai(status = 413, content_type = "application/problem+json")]
    TooLarge(Json<Problem>),
    /// The body is not declared to be JSON
    #[oai(status = 415, content_type = "application/problem+json")]
    UnsupportedMediaType(Json<Problem>),
    /// Fields were refused; `errors` has every one of them
    #[oai(status = 422, content_type = "application/problem+json")]
    InvalidFields(Json<Problem>),
    /// Too often; try again after the seconds in `Retry-After`
    #[oai(status = 429, content_type = "application/problem+json")]
    TooMany(Json<Problem>, #[oai(header = "Retry-After")] u64),
    /// Something is broken on our side; the log has the incident
    #[oai(status = 500, content_type = "application/problem+json")]
    Internal(Json<Problem>),
    /// A part of the service is out of reach; try again after the seconds in `Retry-After`
    #[oai(status = 503, content_type = "application/problem+json")]
    Unavailable(Json<Problem>, #[oai(header = "Retry-After")] u64),
}

impl ApiError {
    /// There is no key, or it does not work: never said which.
    pub(super) fn unauthorized() -> Self {
        let detail = "Send the header `Authorization: Bearer lhk_…` with a key that works.";
        let problem = Problem::new(ProblemCode::Unauthorized, detail);
        Self::Unauthorized(Json(problem), "Bearer".to_owned())
    }

    /// What the answer would say of one thing among many.
    pub(super) fn into_problem(self) -> Problem {
        match self {
            Self::BadRequest(Json(problem))
            | Self::Unauthorized(Json(problem), _)
            | Self::Forbidden(Json(problem))
            | Self::NotFound(Json(problem))
            | Self::Conflict(Json(problem))
            | Self::Stale(Json(problem))
            | Self::TooLarge(Json(problem))
            | Self::UnsupportedMediaType(Json(problem))
            | Self::InvalidFields(Json(problem))
            | Self::TooMany(Json(problem), _)
            | Self::Internal(Json(problem))
            | Self::Unavailable(Json(problem), _) => problem,
        }
    }

    /// There is no such thing.
    pub(super) fn not_found(what: &str) -> Self {
        let detail = format!("There is no such {what}.");
        Self::NotFound(Json(Problem::new(ProblemCode::NotFound, detail)))
    }

    /// The request could not be read.
    pub(super) fn bad_request(code: ProblemCode, detail: impl Into<String>) -> Self {
        Self::BadRequest(Json(Problem::new(code, detail)))
    }

    /// The body is larger than `limit` bytes.
    pub(super) fn too_large(limit: usize) -> Self {
        let detail = format!("Send at most {limit} bytes.");
        Self::TooLarge(Json(Problem::new(ProblemCode::TooLarge, detail)))
    }

    /// The large bodies under way take all the room that there is for them.
    pub(super) fn no_room() -> Self {
        let detail = "Too many large bodies are on their way. Try again in a few seconds.";
        let problem = Problem::new(ProblemCode::Unavailable, detail);
        Self::Unavailable(Json(problem), RETRY_UNAVAILABLE)
    }

    /// The body is not declared to be JSON.
    pub(super) fn unsupported_media_type() -> Self {
        let detail = "Send the header `Content-Type: application/json`.";
        Self::UnsupportedMediaType(Json(Problem::new(ProblemCode::UnsupportedMediaType, detail)))
    }
}

impl From<FieldErrors> for ApiError {
    fn from(errors: FieldErrors) -> Self {
        Self::InvalidFields(Json(Problem::fields(&errors)))
    }
}

impl From<AppError> for ApiError {
    fn from(error: AppError) -> Self {
        match error {
            AppError::Unauthorized => Self::unauthorized(),
            AppError::NotFound(what) => Self::not_found(what),
            AppError::Forbidden(words) => {
                Self::Forbidden(Json(Problem::new(ProblemCode::Forbidden, sentence(&words))))
            }
            AppError::Invalid(errors) => errors.into(),
            AppError::Stale => {
                let detail = "Read it again, and base your change on what it is now.";
                Self::Stale(Json(Problem::new(ProblemCode::Stale, detail)))
            }
            AppError::Conflict(words) => {
                Self::Conflict(Json(Problem::new(ProblemCode::Conflict, sentence(&words))))
            }
            AppError::TooMany { retry_after } => {
                let detail = format!("Try again in {retry_after} s.");
                Self::TooMany(Json(Problem::new(ProblemCode::TooMany, detail)), retry_after)
            }
            AppError::Unavailable(_) => {
                report(&error);
                let detail = "Try again in a few seconds; nothing was lost.";
                let problem = Problem::new(ProblemCode::Unavailable, detail);
                Self::Unavailable(Json(problem), RETRY_UNAVAILABLE)
            }
            AppError::Internal(_) => {
                report(&error);
                Self::Internal(Json(internal()))
            }
        }
    }
}

/// The problem of something that is broken on our side.
pub(super) fn internal() -> Problem {
    let detail = "Tell the operator the id in `instance`: the log has what went wrong under it.";
    Problem::new(ProblemCode::Internal, detail)
}

/// Logs the chain of causes, once, under the id that the client gets.
fn report(error: &AppError) {
    error!(request.id = %request_id(), error = error as &dyn Error, "a request failed on our side");
}

/// Words of a use case as a sentence.
pub(crate) fn sentence(words: &str) -> String {
    format!("{}.", capitalised(words.trim_end_matches('.')))
}
