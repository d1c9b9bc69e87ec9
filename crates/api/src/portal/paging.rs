//! Long lists, page after page: newest first, and a link to what is older.

use letterhead_storage::record::{Cursor, PageRequest};

use super::visit::Visit;

/// Lines on a page.
pub(super) const LINES: u64 = 25;

/// The page that the query asks for. A cursor that is none is as good as none: the list begins
/// anew.
pub(super) fn asked_for(visit: &Visit) -> PageRequest {
    PageRequest { limit: LINES, after: Cursor::parse(visit.query("cursor")) }
}

/// The address of the page of `path` that begins behind `next`, with `query` kept.
pub(super) fn older(path: &str, query: &[(&str, &str)], next: Option<Cursor>) -> Option<String> {
    let next = next?.to_string();
    Some(address(path, query.iter().copied().chain([("cursor", next.as_str())])))
}

/// The address of the newest page, unless this is it already.
pub(super) fn newest(visit: &Visit, path: &str, query: &[(&str, &str)]) -> Option<String> {
    (!visit.query("cursor").is_empty()).then(|| address(path, query.iter().copied()))
}

/// `path` with those parts of `query` that say anything.
pub(super) fn address<'a>(
    path: &str,
    query: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> String {
    let said = query.into_iter().filter(|(_, value)| !value.is_empty());
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(said).finish();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_carries_what_was_asked_for_and_nothing_empty() {
        assert_eq!(address("/portal/x", [("text", ""), ("kind", "")]), "/portal/x");
        assert_eq!(
            address("/portal/x", [("text", "a&b=ü\"<"), ("kind", "receipt")]),
            "/portal/x?text=a%26b%3D%C3%BC%22%3C&kind=receipt"
        );
    }
}
