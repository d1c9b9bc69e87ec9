//! What people read: the API document, a page to try it with, and what each problem means.

use std::sync::LazyLock;

use poem::{
    Response, Route,
    endpoint::make_sync,
    get,
    http::{Method, StatusCode, header},
};

use super::{answer::Paths, document};

/// What each problem means; its headings are the codes.
const PROBLEMS: &str = include_str!("../../../../docs/problems.md");

/// The page runs the scripts that it brings along, and talks to this service alone.
const POLICY: &str = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; \
                      img-src data:; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The page with its scripts: large and always the same, so answers share its bytes.
static PAGE: LazyLock<String> = LazyLock::new(|| document::service().swagger_ui_html());

/// Adds the pages to `route`.
pub(super) fn add(route: Route, paths: &mut Paths) -> Route {
    for path in ["/openapi.json", "/docs", "/problems", "/problems/{code}"] {
        paths.add(path, [Method::GET]);
    }
    let json = document::document();
    let json = make_sync(move |_| answer("application/json", json.clone()));
    let html = make_sync(|_| {
        Response::builder()
            .content_type("text/html; charset=utf-8")
            .header(header::CONTENT_SECURITY_POLICY, POLICY)
            .body(PAGE.as_str())
    });
    let all = make_sync(|_| answer("text/plain; charset=utf-8", PROBLEMS.to_owned()));
    let one = make_sync(|request| {
        let code = request.path_params::<String>().unwrap_or_default();
        match section(PROBLEMS, &code) {
            Some(text) => answer("text/plain; charset=utf-8", text.to_owned()),
            None => Response::builder().status(StatusCode::NOT_FOUND).finish(),
        }
    });
    route
        .at("/openapi.json", get(json))
        .at("/docs", get(html))
        .at("/problems", get(all))
        .at("/problems/:code", get(one))
}

fn answer(content_type: &str, text: String) -> Response {
    Response::builder().content_type(content_type).body(text)
}

/// The section of `page` whose heading begins with `code`, heading included.
fn section<'a>(page: &'a str, code: &str) -> Option<&'a str> {
    let start = page.find(&format!("\n## {code} ("))? + 1;
    let text = &page[start..];
    let end = text.find("\n## ").map_or(text.len(), |end| end + 1);
    Some(text[..end].trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::ProblemCode;

    #[test]
    fn each_problem_has_a_section_of_its_own() {
        for code in ProblemCode::ALL {
            let section = section(PROBLEMS, code.as_str()).expect("a section");
            assert!(section.lines().count() > 2, "{section}");
            assert_eq!(section.matches("## ").count(), 1, "{section}");
        }
        assert_eq!(section(PROBLEMS, "no_such_code"), None);
        assert_eq!(section(PROBLEMS, ""), None);
    }
}
