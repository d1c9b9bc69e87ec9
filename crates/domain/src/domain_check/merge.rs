//! An SPF record with something added: the same record, never a second one.
//!
//! Whatever stands in the record stays, in its order and spelling. Only what would have no effect
//! goes: the same include where it does not count, and all that stands behind `all`.

/// `record` with an include of `domain`, right before what decides about everybody else. A record
/// that says nothing of everybody else ends in `~all` then. Without a record, a new one.
pub fn with_include(record: Option<&str>, domain: &str) -> String {
    let mut parts = Parts::of(record.unwrap_or_default());
    parts.terms.retain(|term| !is_include_of(term, domain));
    parts.terms.push(format!("include:{domain}"));
    if parts.end.is_none() && parts.redirect.is_none() {
        parts.end = Some("~all".to_owned());
    }
    parts.joined()
}

/// `record` with `~all` as what it says of everybody else.
pub fn with_end(record: &str) -> String {
    let parts = Parts::of(record);
    Parts { end: Some("~all".to_owned()), redirect: None, ..parts }.joined()
}

struct Parts {
    /// Mechanisms, and modifiers other than `redirect`, in their order.
    terms: Vec<String>,
    /// `all` with its qualifier.
    end: Option<String>,
    /// `redirect=…`; without effect beside `all` (RFC 7208, section 6.1).
    redirect: Option<String>,
}

impl Parts {
    fn of(record: &str) -> Self {
        let mut parts = Self { terms: Vec::new(), end: None, redirect: None };
        for term in record.split_ascii_whitespace().skip(1) {
            let lower = term.to_ascii_lowercase();
            let is_modifier = name(&lower).ends_with('=');
            if lower.starts_with("redirect=") {
                parts.redirect.get_or_insert_with(|| term.to_owned());
            } else if unqualified(&lower) == "all" {
                parts.end.get_or_insert_with(|| term.to_owned());
            } else if is_modifier || parts.end.is_none() {
                parts.terms.push(term.to_owned());
            }
        }
        parts
    }

    fn joined(self) -> String {
        let redirect = if self.end.is_some() { None } else { self.redirect };
        // Modifiers may stand anywhere, and people look for them at the end.
        let is_modifier = |term: &String| name(term).ends_with('=');
        let (modifiers, mechanisms): (Vec<_>, Vec<_>) =
            self.terms.into_iter().partition(is_modifier);
        let all = mechanisms.into_iter().chain(self.end).chain(redirect).chain(modifiers);
        std::iter::once("v=spf1".to_owned()).chain(all).collect::<Vec<_>>().join(" ")
    }
}

/// What a term begins with, up to its first `:`, `/` or `=`, that character included.
fn name(term: &str) -> &str {
    term.find([':', '/', '=']).map_or(term, |at| &term[..=at])
}

fn unqualified(term: &str) -> &str {
    term.strip_prefix(['+', '-', '~', '?']).unwrap_or(term)
}

fn is_include_of(term: &str, domain: &str) -> bool {
    let term = unqualified(term).to_ascii_lowercase();
    let included = term.strip_prefix("include:");
    included.is_some_and(|it| it.strip_suffix('.').unwrap_or(it) == domain)
}
