//! Strict JSON: one value, no name twice in one object, at most 128 levels deep.
//!
//! A name that comes twice means different things to different parsers, which has been used to
//! smuggle values past checks; so it is refused instead of letting one of them win.
//!
//! The base64 of large files may be left where it stands ([`parse_leaving`]): a copy of it would be held
//! beside the body.

use std::{cell::RefCell, fmt, ops::Range};

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value, value::RawValue};

/// From how many bytes on a text is left where it stands.
const LONG: usize = 64 * 1024;
/// What stands in the value for a text that was left begins so; base64 never does.
const LEFT: char = '#';

/// Why a text is not the JSON we take. Says where, never what stood there.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct JsonFault(pub(super) String);

/// Reads `bytes` as one JSON value.
///
/// # Errors
///
/// [`JsonFault`] with a sentence for people.
pub(super) fn parse(bytes: &[u8]) -> Result<Value, JsonFault> {
    read(bytes, Reader { leaving: None })
}

/// Reads `bytes` likewise, and leaves the long texts of fields called `name` where they stand: in the
/// value is a mark in their stead ([`left`]). Gives where they stand, without their quotes. What is
/// not the alphabet's is still in them, such as the backslashes of `\/`.
///
/// # Errors
///
/// As [`parse`].
pub(super) fn parse_leaving(
    bytes: &[u8],
    name: &str,
) -> Result<(Value, Vec<Range<usize>>), JsonFault> {
    let leaving = Leaving { name, start: bytes.as_ptr().addr(), places: RefCell::default() };
    let value = read(bytes, Reader { leaving: Some(&leaving) })?;
    Ok((value, leaving.places.into_inner()))
}

/// Which of the places stands for `text`, if it is a mark.
pub(super) fn left(text: &str) -> Option<usize> {
    text.strip_prefix(LEFT)?.parse().ok()
}

fn read(bytes: &[u8], reader: Reader<'_>) -> Result<Value, JsonFault> {
    let mut source = serde_json::Deserializer::from_slice(bytes);
    let parsed = reader.deserialize(&mut source).and_then(|value| source.end().map(|()| value));
    parsed.map_err(|err| {
        // serde_json's own words quote the text: only the place is taken over.
        let (line, column) = (err.line(), err.column());
        let what = if err.is_data() { "has a name twice in one object" } else { "is not JSON" };
        JsonFault(format!("The body {what}: see line {line}, column {column}."))
    })
}

/// What is left where it stands.
struct Leaving<'a> {
    name: &'a str,
    /// The address of the first byte of all.
    start: usize,
    places: RefCell<Vec<Range<usize>>>,
}

impl Leaving<'_> {
    /// Leaves a long text where it stands; reads anything else.
    fn value<E: de::Error>(&self, raw: &RawValue) -> Result<Value, E> {
        let text = raw.get();
        let inner = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        if let Some(inner) = inner.filter(|inner| inner.len() >= LONG && is_plain(inner)) {
            let from = inner.as_ptr().addr() - self.start;
            let mut places = self.places.borrow_mut();
            places.push(from..from + inner.len());
            return Ok(Value::String(format!("{LEFT}{}", places.len() - 1)));
        }
        let value = Reader { leaving: None }
            .deserialize(&mut serde_json::Deserializer::from_str(text))
            .map_err(E::custom)?;
        let is_mark = value.as_str().is_some_and(|text| text.starts_with(LEFT));
        // Nobody else can make a mark; what stands in its place is no base64 either.
        Ok(if is_mark { Value::String("!".to_owned()) } else { value })
    }
}

/// Whether nothing in a text stands for another character but `\/`.
fn is_plain(text: &str) -> bool {
    text.match_indices('\\').all(|(at, _)| text.as_bytes().get(at + 1) == Some(&b'/'))
}

/// Reads a value, in whose objects some texts may be left.
#[derive(Clone, Copy)]
struct Reader<'a> {
    leaving: Option<&'a Leaving<'a>>,
}

impl<'de> DeserializeSeed<'de> for Reader<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reader<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut array = Vec::new();
        while let Some(item) = items.next_element_seed(self)? {
            array.push(item);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(name) = entries.next_key::<String>()? {
            let value = match self.leaving.filter(|leaving| leaving.name == name) {
                Some(leaving) => leaving.value(entries.next_value()?)?,
                None => entries.next_value_seed(self)?,
            };
            if object.insert(name, value).is_some() {
                return Err(de::Error::custom("a name twice"));
            }
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn json_is_read_as_it_stands() {
        let text = br#"{"a":[1,-2,2.5,true,null,"\u00e9"],"b":{"a":{}}}"#;
        let expected = json!({"a": [1, -2, 2.5, true, null, "é"], "b": {"a": {}}});
        assert_eq!(parse(text), Ok(expected));
    }

    #[test]
    fn what_is_not_one_json_value_is_refused_without_being_repeated() {
        let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
        let cases = [
            "",
            "{",
            "[1,]",
            "{} {}",
            "hunter2",
            r#"{"password":"hunter2""#,
            r#""\ud800""#,
            "1e999",
            "\u{feff}{}",
            "{'a':1}",
            "NaN",
            &deep,
        ];
        for text in cases {
            let JsonFault(words) = parse(text.as_bytes()).expect_err(text);
            assert!(words.starts_with("The body is not JSON"), "{text}: {words}");
            assert!(!words.contains("hunter2"), "{words}");
        }
        assert!(parse(b"\"\xff\"").is_err());
    }

    #[test]
    fn a_name_twice_in_one_object_is_refused() {
        let JsonFault(words) = parse(br#"{"host":"a","host":"hunter2"}"#).expect_err("twice");
        assert!(words.starts_with("The body has a name twice in one object"), "{words}");
        assert!(!words.contains("hunter2"));
    }

    #[test]
    fn long_texts_of_one_field_are_left_where_they_stand() {
        let (file, slashes) = ("A".repeat(LONG), r"\/AB".repeat(LONG));
        let text = format!(
            r##"{{"f":"{file}","g":"{file}","in":[{{"f":"{slashes}"}},{{"f":"AAAA"}},{{"f":"#1"}}]}}"##
        );

        let (value, places) = parse_leaving(text.as_bytes(), "f").expect("JSON");

        let left_texts: Vec<_> = places.iter().map(|place| &text[place.clone()]).collect();
        assert_eq!(left_texts, [file.as_str(), &slashes]);
        let expected = json!(
            {"f": "#0", "g": file, "in": [{"f": "#1"}, {"f": "AAAA"}, {"f": "!"}]}
        );
        assert_eq!(value, expected);
        assert_eq!((left("#1"), left("AAAA"), left("!")), (Some(1), None, None));
    }

    #[test]
    fn what_is_not_a_long_plain_text_is_read_as_everywhere_else() {
        let escaped = format!(r#""{}\u0041""#, "A".repeat(LONG));
        for value in [&escaped, r#"{"a":1}"#, "[1,[2]]", "null", "17", r#""""#] {
            let text = format!(r#"{{"f":{value}}}"#);
            let (read, places) = parse_leaving(text.as_bytes(), "f").expect("JSON");
            assert_eq!((Ok(read), places.len()), (parse(text.as_bytes()), 0), "{value:.40}");
        }
        for refused in [r#"{"f":{"a":1,"a":1}}"#, r#"{"f":"A","f":"A"}"#, r#"{"f":"A}"#] {
            let fault = parse_leaving(refused.as_bytes(), "f").expect_err(refused);
            assert!(parse(refused.as_bytes()).is_err(), "{fault:?}");
        }
    }
}
