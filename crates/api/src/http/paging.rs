//! Pages of lists: `?limit=&cursor=` in, `{data, next_cursor}` out, newest first.

use letterhead_domain::field_errors::{FieldErrors, Invalid};
use letterhead_storage::record::{self, Cursor, PageRequest};
use poem_openapi::{
    Object,
    param::Query,
    registry::MetaSchema,
    types::{ParseFromJSON, ToJSON},
};
use serde_json::Value;

use super::text::{Text, TextKind};

/// Items on a page unless a caller says otherwise.
const DEFAULT_LIMIT: u64 = 50;
/// Most items on a page.
const MAX_LIMIT: u64 = 100;

/// The kind of `?limit=`.
pub(super) struct LimitKind;

impl TextKind for LimitKind {
    fn schema() -> MetaSchema {
        let mut schema = MetaSchema::new_with_format("integer", "int64");
        schema.minimum = Some(1.0);
        schema.maximum = Some(100.0);
        schema.default = Some(Value::from(DEFAULT_LIMIT));
        schema
    }
}

/// The kind of `?cursor=`.
pub(super) struct CursorKind;

impl TextKind for CursorKind {
    fn schema() -> MetaSchema {
        let mut schema = MetaSchema::new("string");
        schema.min_length = Some(22);
        schema.max_length = Some(22);
        schema.pattern = Some("^[A-Za-z0-9_-]{22}$".to_owned());
        schema
    }
}

/// The query parameter `limit`.
pub(super) type Limit = Query<Option<Text<LimitKind>>>;
/// The query parameter `cursor`.
pub(super) type CursorText = Query<Option<Text<CursorKind>>>;

/// Reads both parameters and notes in `errors` what is wrong with them.
pub(super) fn page(errors: &mut FieldErrors, limit: &Limit, cursor: &CursorText) -> PageRequest {
    let limit = self::limit(errors, limit);
    let parsed = cursor.as_ref().map(|text| {
        let message = "give the next_cursor of the page before, or leave it out";
        Cursor::parse(text.as_str()).ok_or_else(|| Invalid::new("malformed", message))
    });
    let after = errors.note("/cursor", parsed.transpose()).flatten();
    PageRequest { limit, after }
}

/// Reads `limit` and notes in `errors` what is wrong with it.
pub(super) fn limit(errors: &mut FieldErrors, limit: &Limit) -> u64 {
    let Some(text) = limit.as_ref() else { return DEFAULT_LIMIT };
    let parsed = text.as_str().parse().ok().filter(|limit| (1..=MAX_LIMIT).contains(limit));
    let refused = || Invalid::new("out_of_range", "use a whole number from 1 to 100");
    errors.note("/limit", parsed.ok_or_else(refused)).unwrap_or(DEFAULT_LIMIT)
}

/// A page of a list that has no other parameters.
///
/// # Errors
///
/// Both parameters, if they are refused.
pub(super) fn plain(limit: &Limit, cursor: &CursorText) -> Result<PageRequest, FieldErrors> {
    let mut errors = FieldErrors::default();
    let page = page(&mut errors, limit, cursor);
    errors.or(Some(page))
}

/// One page of a list.
#[derive(Object)]
pub(super) struct Page<T: ParseFromJSON + ToJSON> {
    /// The items, newest first
    pub(super) data: Vec<T>,
    /// Give this as `cursor` to get the next page; `null` on the last one
    #[oai(nullable)]
    pub(super) next_cursor: Option<String>,
}

impl<T: ParseFromJSON + ToJSON, R: Into<T>> From<record::Page<R>> for Page<T> {
    fn from(page: record::Page<R>) -> Self {
        Self {
            data: page.items.into_iter().map(Into::into).collect(),
            next_cursor: page.next.map(|cursor| cursor.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(limit: Option<&str>, cursor: Option<&str>) -> Result<PageRequest, FieldErrors> {
        plain(&Query(limit.map(Text::new)), &Query(cursor.map(Text::new)))
    }

    #[test]
    fn a_page_is_of_50_items_unless_1_to_100_are_asked_for() {
        assert_eq!(read(None, None).map(|page| page.limit), Ok(50));
        assert_eq!(read(Some("1"), None).map(|page| page.limit), Ok(1));
        assert_eq!(read(Some("100"), None).map(|page| page.limit), Ok(100));
        for refused in ["0", "101", "-1", "1.0", "", " 5", "many", "99999999999999999999"] {
            assert!(read(Some(refused), None).is_err(), "{refused:?}");
        }
    }

    #[test]
    fn what_is_wrong_with_both_parameters_is_said_at_once() {
        let errors = read(Some("0"), Some("nonsense")).expect_err("refused");
        let pointers: Vec<_> = errors.iter().map(|error| error.pointer.as_str()).collect();
        assert_eq!(pointers, ["/limit", "/cursor"]);
    }
}
