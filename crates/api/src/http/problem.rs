//! Problem details (RFC 9457): the one shape of every answer that is not a success.

use letterhead_domain::field_errors::FieldErrors;
use poem::http::StatusCode;
use poem_openapi::Object;
use uuid::Uuid;

use super::{request_id, text::Word};

/// The content type of every problem.
pub(super) const CONTENT_TYPE: &str = "application/problem+json";

macro_rules! problem_codes {
    ($($(#[$doc:meta])* $variant:ident = $word:literal, $status:ident, $title:literal;)+) => {
        /// What kind of problem it is. Each is a heading of `docs/problems.md`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum ProblemCode {
            $($(#[$doc])* $variant,)+
        }

        impl ProblemCode {
            /// Every code, in the order of their status.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The word in `code`, and at the end of `type`.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }

            /// The status of the answer.
            pub const fn status(self) -> StatusCode {
                match self {
                    $(Self::$variant => StatusCode::$status,)+
                }
            }

            /// A short sentence that is the same for every problem of the kind.
            pub const fn title(self) -> &'static str {
                match self {
                    $(Self::$variant => $title,)+
                }
            }
        }
    };
}

problem_codes! {
    /// The request could not be read.
    BadRequest = "bad_request", BAD_REQUEST, "The request could not be read.";
    /// The body is not the JSON that we take.
    MalformedJson = "malformed_json", BAD_REQUEST, "The body is not JSON.";
    /// There is no key, or it does not work.
    Unauthorized = "unauthorized", UNAUTHORIZED, "A working API key is needed.";
    /// The key may not do this.
    Forbidden = "forbidden", FORBIDDEN, "This key may not do that.";
    /// There is no such thing, or it is another tenant's.
    NotFound = "not_found", NOT_FOUND, "There is nothing here.";
    /// The path exists, the method does not.
    MethodNotAllowed = "method_not_allowed", METHOD_NOT_ALLOWED, "This method does not work here.";
    /// It cannot be done as things stand.
    Conflict = "conflict", CONFLICT, "This cannot be done as things stand.";
    /// The thing has changed since it was read.
    Stale = "stale", PRECONDITION_FAILED, "The thing has changed since it was read.";
    /// The body is too large.
    TooLarge = "too_large", PAYLOAD_TOO_LARGE, "The body is too large.";
    /// The body is not declared to be JSON.
    UnsupportedMediaType = "unsupported_media_type", UNSUPPORTED_MEDIA_TYPE,
        "Bodies must be application/json.";
    /// Fields were refused.
    InvalidFields = "invalid_fields", UNPROCESSABLE_ENTITY, "Some fields were refused.";
    /// Too often.
    TooMany = "too_many_requests", TOO_MANY_REQUESTS, "Too many requests.";
    /// Something is broken on our side.
    Internal = "internal", INTERNAL_SERVER_ERROR, "Something is broken on our side.";
    /// A part that we need is out of reach.
    Unavailable = "unavailable", SERVICE_UNAVAILABLE, "The service is not available now.";
}

/// Why a request was not done (RFC 9457).
#[derive(Object)]
pub struct Problem {
    /// The kind of problem, as a relative reference to its description
    #[oai(rename = "type")]
    kind: String,
    /// What kind of problem it is, for people
    title: String,
    /// The status of the answer
    status: u16,
    /// What kind of problem it is, for programs: the stable word to branch on
    code: Word<ProblemCode>,
    /// What is wrong with this request and what to do about it
    detail: String,
    /// Names this one occurrence; the service's log has it under the same id
    instance: String,
    /// Every field that was refused
    #[oai(skip_serializing_if_is_none)]
    errors: Option<Vec<RefusedField>>,
}

/// A field that was refused.
#[derive(Object)]
pub(super) struct RefusedField {
    /// Where the field is: a JSON Pointer (RFC 6901) into the body, or `/` and the name of a
    /// query parameter; empty for the whole request
    pointer: String,
    /// Why, for programs
    code: String,
    /// What is wrong and what to do, for people; never the value
    message: String,
}

impl Problem {
    /// The status of an answer that is this problem.
    pub(super) fn status(&self) -> u16 {
        self.status
    }

    /// A problem of the kind `code`; `detail` is for the client to read.
    pub(super) fn new(code: ProblemCode, detail: impl Into<String>) -> Self {
        Self::of(code, detail.into(), request_id())
    }

    /// A problem with refused fields.
    pub(super) fn fields(errors: &FieldErrors) -> Self {
        let refused = errors.iter().map(|error| RefusedField {
            pointer: error.pointer.clone(),
            code: error.code.to_owned(),
            message: error.message.clone().into_owned(),
        });
        let refused: Vec<_> = refused.collect();
        let detail = match refused.as_slice() {
            [one] => format!("{}.", capitalised(&one.message)),
            several => format!("{} fields were refused; see errors.", several.len()),
        };
        Self { errors: Some(refused), ..Self::new(ProblemCode::InvalidFields, detail) }
    }

    fn of(code: ProblemCode, detail: String, id: Uuid) -> Self {
        Self {
            kind: format!("/problems/{}", code.as_str()),
            title: code.title().to_owned(),
            status: code.status().as_u16(),
            code: code.into(),
            detail,
            instance: format!("urn:uuid:{id}"),
            errors: None,
        }
    }
}

/// `sentence` with a capital at its front.
pub(super) fn capitalised(sentence: &str) -> String {
    let mut chars = sentence.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use letterhead_domain::field_errors::Invalid;
    use poem_openapi::types::ToJSON;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_problem_has_the_members_of_rfc_9457_and_a_code() {
        let problem = Problem::of(ProblemCode::Stale, "Read it again.".to_owned(), Uuid::nil());

        assert_eq!(
            problem.to_json(),
            Some(json!({
                "type": "/problems/stale",
                "title": "The thing has changed since it was read.",
                "status": 412,
                "code": "stale",
                "detail": "Read it again.",
                "instance": "urn:uuid:00000000-0000-0000-0000-000000000000",
            })),
        );
    }

    #[test]
    fn refused_fields_are_listed_and_summed_up() {
        let mut errors = FieldErrors::one("/host", Invalid::required());
        let one = Problem::fields(&errors);
        errors.push("/port", Invalid::new("out_of_range", "use 1 to 65535"));
        let two = Problem::fields(&errors);

        assert_eq!(one.detail, "This field is required.");
        assert_eq!(two.detail, "2 fields were refused; see errors.");
        assert_eq!(
            two.to_json().expect("JSON")["errors"][1],
            json!({"pointer": "/port", "code": "out_of_range", "message": "use 1 to 65535"}),
        );
    }

    #[test]
    fn the_page_of_problems_lists_each_code_with_its_status() {
        let page = include_str!("../../../../docs/problems.md");
        let listed: Vec<_> = page.lines().filter_map(|line| line.strip_prefix("## ")).collect();
        let codes: Vec<_> = ProblemCode::ALL
            .iter()
            .map(|code| format!("{} ({})", code.as_str(), code.status().as_u16()))
            .collect();
        assert_eq!(listed, codes);
    }
}
