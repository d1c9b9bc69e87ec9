//! Request headers that decide: preconditions and idempotency keys.
//!
//! poem-openapi's headers leave out lines that are not ASCII, and so would take a garbled
//! `If-Match` for none and save over anything. [`HeaderLines`] keeps every line, garbled or not.

use letterhead_domain::{
    field_errors::{FieldErrors, Invalid},
    sender::VersionNumber,
};
use letterhead_storage::record::Expected;
use poem::{Request, RequestBody, Result};
use poem_openapi::{
    ApiExtractor, ApiExtractorType, ExtractParamOptions,
    registry::{MetaParamIn, MetaSchema, MetaSchemaRef},
};

/// Every line of one header, in order.
pub(super) struct HeaderLines(Vec<String>);

/// A version that no sender has: what is expected when nothing fits.
const NO_VERSION: Expected = Expected::Version(VersionNumber(0));

/// What a change is based on, as its preconditions say (RFC 9110, section 13).
///
/// `newest` is the sender's newest version, if there is a sender. A weak or malformed tag matches
/// nothing, as does a sender that is not there: the change is then refused as stale, after
/// everything that is wrong with its body.
pub(super) fn expected(
    if_match: &HeaderLines,
    if_none_match: Option<&HeaderLines>,
    newest: Option<VersionNumber>,
) -> Expected {
    let must_be_absent = if_none_match.is_some_and(|lines| !lines.0.is_empty());
    let tags: Vec<_> = if_match.0.iter().flat_map(|line| line.split(',').map(str::trim)).collect();
    match (tags.as_slice(), must_be_absent) {
        ([], false) => Expected::Any,
        ([], true) => {
            let is_any = if_none_match.is_some_and(|lines| lines.0 == ["*"]);
            if is_any { Expected::Absent } else { NO_VERSION }
        }
        // A thing cannot both be there and not be there.
        (_, true) => NO_VERSION,
        (tags, false) => match newest {
            Some(_) if tags == ["*"] => Expected::Any,
            Some(newest) if tags.contains(&etag(newest).as_str()) => Expected::Version(newest),
            Some(_) | None => NO_VERSION,
        },
    }
}

/// The entity tag of a sender whose newest version is `version`.
pub(super) fn etag(version: VersionNumber) -> String {
    format!("\"{version}\"")
}

impl HeaderLines {
    /// Longest idempotency key, in bytes.
    const MAX_KEY: usize = 255;

    /// The idempotency key, if one was given.
    ///
    /// # Errors
    ///
    /// `idempotency_key` unless there is one line of 1 to 255 visible ASCII characters.
    pub(super) fn idempotency_key(self) -> Result<Option<String>, FieldErrors> {
        let refused = || {
            let message = "give one Idempotency-Key of 1 to 255 visible ASCII characters";
            FieldErrors::one("", Invalid::new("idempotency_key", message))
        };
        let mut lines = self.0.into_iter();
        match (lines.next(), lines.next()) {
            (None, _) => Ok(None),
            (Some(key), None) if Self::is_idempotency_key(&key) => Ok(Some(key)),
            (Some(_), _) => Err(refused()),
        }
    }

    /// Whether `key` is 1 to 255 visible ASCII characters.
    pub(super) fn is_idempotency_key(key: &str) -> bool {
        (1..=Self::MAX_KEY).contains(&key.len()) && key.bytes().all(|b| b.is_ascii_graphic())
    }
}

impl<'a> ApiExtractor<'a> for HeaderLines {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::Parameter];
    type ParamType = String;
    type ParamRawType = String;

    fn param_in() -> Option<MetaParamIn> {
        Some(MetaParamIn::Header)
    }

    fn param_schema_ref() -> Option<MetaSchemaRef> {
        Some(MetaSchemaRef::Inline(Box::new(MetaSchema::new("string"))))
    }

    async fn from_request(
        request: &'a Request,
        _body: &mut RequestBody,
        options: ExtractParamOptions<String>,
    ) -> Result<Self> {
        let lines = request.headers().get_all(options.name).iter();
        let text = |line: &poem::http::HeaderValue| String::from_utf8_lossy(line.as_bytes()).into();
        Ok(Self(lines.map(text).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(lines: &[&str]) -> HeaderLines {
        HeaderLines(lines.iter().map(|&line| line.to_owned()).collect())
    }

    #[test]
    fn if_match_takes_a_star_a_tag_or_a_list_and_nothing_else_matches() {
        let three = Some(VersionNumber(3));
        let exactly = Expected::Version(VersionNumber(3));
        let cases: [(&[&str], Option<VersionNumber>, Expected); 14] = [
            (&[], three, Expected::Any),
            (&[], None, Expected::Any),
            (&["*"], three, Expected::Any),
            (&["*"], None, NO_VERSION),
            (&["\"3\""], three, exactly),
            (&["\"1\", \"3\""], three, exactly),
            (&["\"1\"", "\"3\""], three, exactly),
            (&["\"2\""], three, NO_VERSION),
            (&["\"3\""], None, NO_VERSION),
            (&["W/\"3\""], three, NO_VERSION),
            (&["3"], three, NO_VERSION),
            (&[""], three, NO_VERSION),
            (&["\u{fffd}"], three, NO_VERSION),
            (&["\"03\""], three, NO_VERSION),
        ];
        for (given, newest, wanted) in cases {
            assert_eq!(expected(&lines(given), None, newest), wanted, "{given:?} {newest:?}");
        }
    }

    #[test]
    fn if_none_match_takes_a_star_only() {
        let none = lines(&[]);
        let cases: [(&[&str], Expected); 4] = [
            (&[], Expected::Any),
            (&["*"], Expected::Absent),
            (&["\"3\""], NO_VERSION),
            (&["*", "*"], NO_VERSION),
        ];
        for (given, wanted) in cases {
            assert_eq!(expected(&none, Some(&lines(given)), None), wanted, "{given:?}");
        }
        let both = expected(&lines(&["*"]), Some(&lines(&["*"])), Some(VersionNumber(1)));
        assert_eq!(both, NO_VERSION);
    }

    #[test]
    fn an_idempotency_key_is_one_line_of_visible_ascii() {
        assert_eq!(lines(&[]).idempotency_key(), Ok(None));
        assert_eq!(lines(&["receipt-4711"]).idempotency_key(), Ok(Some("receipt-4711".to_owned())));
        let long = "k".repeat(256);
        let refused: [&[&str]; 6] = [&[""], &["a b"], &["é"], &["a\u{7f}"], &["a", "a"], &[&long]];
        for given in refused {
            let errors = lines(given).idempotency_key().expect_err("refused");
            assert_eq!(errors.iter().next().map(|e| e.code), Some("idempotency_key"), "{given:?}");
        }
    }
}
