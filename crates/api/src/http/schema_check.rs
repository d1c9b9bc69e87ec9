//! Checks a JSON value against the schema that the API document shows.
//!
//! poem-openapi's own parsing stops at the first wrong field, repeats its value, and takes `5` for
//! a text. This check finds every wrong type, missing field and unknown field at once and never
//! says what stood there. Which texts are well formed is the domain's to say: words, lengths and
//! patterns are not looked at here.

use chrono::DateTime;
use letterhead_domain::field_errors::{FieldErrors, Invalid};
use poem_openapi::registry::{MetaSchema, MetaSchemaRef, Registry};
use serde_json::{Map, Value};

/// Most faults that one answer lists: a body of nothing but faults must not make a larger answer.
const MAX_FAULTS: usize = 100;
/// Longest part of an unknown field's name that is given back, in characters.
const MAX_NAME_CHARS: usize = 100;

/// Finds what in `value` is not as `schema` wants it.
///
/// Objects with named properties are closed: a field that is not among them is refused.
pub(super) fn check(registry: &Registry, schema: &MetaSchemaRef, value: &Value) -> FieldErrors {
    let mut check = Check { registry, faults: FieldErrors::default(), count: 0 };
    check.any(&mut String::new(), schema, value);
    check.faults
}

/// Whether `schema` is satisfied by an object without any field.
pub(super) fn may_be_empty(registry: &Registry, schema: &MetaSchemaRef) -> bool {
    match schema {
        MetaSchemaRef::Inline(schema) => schema.required.is_empty(),
        MetaSchemaRef::Reference(name) => {
            registry.schemas.get(name).is_some_and(|schema| schema.required.is_empty())
        }
    }
}

struct Check<'a> {
    registry: &'a Registry,
    faults: FieldErrors,
    count: usize,
}

impl Check<'_> {
    fn any(&mut self, pointer: &mut String, schema: &MetaSchemaRef, value: &Value) {
        match schema {
            MetaSchemaRef::Inline(schema) => self.inline(pointer, schema, value),
            MetaSchemaRef::Reference(name) => {
                if let Some(schema) = self.registry.schemas.get(name) {
                    self.inline(pointer, schema, value);
                }
            }
        }
    }

    fn inline(&mut self, pointer: &mut String, schema: &MetaSchema, value: &Value) {
        if value.is_null() && schema.nullable {
            return;
        }
        // A reference with a description of its own is `allOf` of the two.
        for part in &schema.all_of {
            self.any(pointer, part, value);
        }
        match (schema.ty, value) {
            ("string", Value::String(text)) => self.text(pointer, schema, text),
            ("", _) | ("boolean", Value::Bool(_)) | ("number", Value::Number(_)) => {}
            ("integer", Value::Number(number)) if number.is_i64() => {}
            ("integer", Value::Number(number)) if number.is_u64() => {
                self.fault(pointer, Invalid::new("out_of_range", "this number is too large"));
            }
            ("array", Value::Array(items)) => self.items(pointer, schema, items),
            ("object", Value::Object(fields)) => self.fields(pointer, schema, fields),
            (wanted, _) => {
                let or_null = if schema.nullable { " or null" } else { "" };
                let article = if wanted.starts_with(['a', 'i', 'o']) { "an" } else { "a" };
                let message = format!("give {article} {wanted}{or_null}");
                self.fault(pointer, Invalid::new("wrong_type", message));
            }
        }
    }

    fn text(&mut self, pointer: &str, schema: &MetaSchema, text: &str) {
        let is_time = || DateTime::parse_from_rfc3339(text).is_ok();
        if schema.format == Some("date-time") && !is_time() {
            let message = "give a time as RFC 3339 writes it, such as 2026-01-31T09:30:00Z";
            self.fault(pointer, Invalid::new("malformed", message));
        }
    }

    fn items(&mut self, pointer: &mut String, schema: &MetaSchema, items: &[Value]) {
        let Some(of) = &schema.items else { return };
        for (index, item) in items.iter().enumerate() {
            self.within(pointer, &index.to_string(), |check, pointer| check.any(pointer, of, item));
            if self.count >= MAX_FAULTS {
                return;
            }
        }
    }

    fn fields(&mut self, pointer: &mut String, schema: &MetaSchema, fields: &Map<String, Value>) {
        for name in &schema.required {
            if !fields.contains_key(*name) {
                self.within(pointer, name, |check, pointer| {
                    check.fault(pointer, Invalid::required());
                });
            }
        }
        for (name, value) in fields {
            let known = schema.properties.iter().find(|(known, _)| known == name);
            self.within(pointer, name, |check, pointer| {
                match (known, &schema.additional_properties) {
                    (Some((_, of)), _) => check.any(pointer, of, value),
                    (None, Some(of)) => check.any(pointer, of, value),
                    (None, None) => {
                        let message = "there is no such field; leave it out";
                        check.fault(pointer, Invalid::new("unknown_field", message));
                    }
                }
            });
            if self.count >= MAX_FAULTS {
                return;
            }
        }
    }

    /// Goes one step down, to the field or item `name`, and comes back.
    fn within(
        &mut self,
        pointer: &mut String,
        name: &str,
        go: impl FnOnce(&mut Self, &mut String),
    ) {
        let length = pointer.len();
        pointer.push('/');
        for c in name.chars().take(MAX_NAME_CHARS) {
            match c {
                '~' => pointer.push_str("~0"),
                '/' => pointer.push_str("~1"),
                other => pointer.push(other),
            }
        }
        go(self, pointer);
        pointer.truncate(length);
    }

    fn fault(&mut self, pointer: &str, invalid: Invalid) {
        if self.count < MAX_FAULTS {
            self.count += 1;
            self.faults.push(pointer, invalid);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use chrono::Utc;
    use poem_openapi::{Object, types::Type};
    use serde_json::json;

    use super::*;

    #[derive(Object)]
    struct Inner {
        email: String,
        #[oai(nullable)]
        name: Option<String>,
    }

    #[derive(Object)]
    struct Outer {
        host: String,
        port: i64,
        /// With words of its own, so that the document wraps the reference.
        #[oai(nullable)]
        first: Option<Inner>,
        to: Option<Vec<Inner>>,
        on: Option<bool>,
        #[oai(nullable)]
        at: Option<chrono::DateTime<Utc>>,
        labels: Option<HashMap<String, String>>,
    }

    fn faults(value: &Value) -> Vec<(String, &'static str)> {
        let mut registry = Registry::new();
        Outer::register(&mut registry);
        let errors = check(&registry, &Outer::schema_ref(), value);
        errors.iter().map(|error| (error.pointer.clone(), error.code)).collect()
    }

    #[test]
    fn what_fits_the_schema_has_no_faults() {
        for value in [
            json!({"host": "h", "port": 25}),
            json!({"host": "", "port": -1, "first": null, "at": null, "to": []}),
            json!({"host": "h", "port": 25, "first": {"email": "e", "name": null},
                   "to": [{"email": "e"}], "on": true, "at": "2026-01-31T09:30:00+01:00",
                   "labels": {"a": "b"}}),
        ] {
            assert_eq!(faults(&value), [], "{value}");
        }
    }

    #[test]
    fn every_fault_is_found_at_its_place() {
        let value = json!({
            "port": "587", "first": {"email": 5, "extra": 1}, "to": [{"email": "e"}, 7, {}],
            "on": "yes", "at": "tomorrow", "labels": {"a": 1}, "tenant_id": "x", "a/b~c": 1,
        });
        let mut found = faults(&value);
        found.sort();
        assert_eq!(
            found,
            [
                ("/at".to_owned(), "malformed"),
                ("/a~1b~0c".to_owned(), "unknown_field"),
                ("/first/email".to_owned(), "wrong_type"),
                ("/first/extra".to_owned(), "unknown_field"),
                ("/host".to_owned(), "required"),
                ("/labels/a".to_owned(), "wrong_type"),
                ("/on".to_owned(), "wrong_type"),
                ("/port".to_owned(), "wrong_type"),
                ("/tenant_id".to_owned(), "unknown_field"),
                ("/to/1".to_owned(), "wrong_type"),
                ("/to/2/email".to_owned(), "required"),
            ],
        );
    }

    #[test]
    fn a_text_is_no_number_a_number_no_text_and_null_only_where_it_may_be() {
        let cases = [
            (json!({"host": 5, "port": 25}), "/host", "wrong_type"),
            (json!({"host": true, "port": 25}), "/host", "wrong_type"),
            (json!({"host": null, "port": 25}), "/host", "wrong_type"),
            (json!({"host": "h", "port": 25.5}), "/port", "wrong_type"),
            (json!({"host": "h", "port": u64::MAX}), "/port", "out_of_range"),
            (json!({"host": "h", "port": null}), "/port", "wrong_type"),
            (json!({"host": "h", "port": 25, "to": null}), "/to", "wrong_type"),
            (json!([]), "", "wrong_type"),
            (json!(null), "", "wrong_type"),
            (json!("{}"), "", "wrong_type"),
        ];
        for (value, pointer, code) in cases {
            assert_eq!(faults(&value), [(pointer.to_owned(), code)], "{value}");
        }
    }

    #[test]
    fn an_answer_about_nothing_but_faults_stays_small() {
        let many: Map<_, _> = (0..10_000).map(|n| (format!("{n:05000}"), json!(1))).collect();
        let errors = faults(&Value::Object(many));
        assert_eq!(errors.len(), MAX_FAULTS);
        assert!(errors.iter().all(|(pointer, _)| pointer.len() <= MAX_NAME_CHARS + 1));
    }
}
