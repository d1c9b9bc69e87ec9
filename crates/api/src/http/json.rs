//! Strict JSON: one value, no name twice in one object, at most 128 levels deep.
//!
//! A name that comes twice means different things to different parsers, which has been used to
//! smuggle values past checks; so it is refused instead of letting one of them win.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{self, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Number, Value};

/// Why a text is not the JSON we take. Says where, never what stood there.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct JsonFault(pub(super) String);

/// Reads `bytes` as one JSON value.
///
/// # Errors
///
/// [`JsonFault`] with a sentence for people.
pub(super) fn parse(bytes: &[u8]) -> Result<Value, JsonFault> {
    let mut source = serde_json::Deserializer::from_slice(bytes);
    let parsed = Strict::deserialize(&mut source).and_then(|value| source.end().map(|()| value));
    parsed.map(|Strict(value)| value).map_err(|err| {
        // serde_json's own words quote the text: only the place is taken over.
        let (line, column) = (err.line(), err.column());
        let what = if err.is_data() { "has a name twice in one object" } else { "is not JSON" };
        JsonFault(format!("The body {what}: see line {line}, column {column}."))
    })
}

struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StrictVisitor).map(Strict)
    }
}

struct StrictVisitor;

impl<'de> Visitor<'de> for StrictVisitor {
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
        while let Some(Strict(item)) = items.next_element()? {
            array.push(item);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some((name, Strict(value))) = entries.next_entry::<String, Strict>()? {
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
}
