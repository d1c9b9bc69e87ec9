//! The description of the API, as it is served under `/openapi.json` and printed by
//! `letterhead openapi`.
//!
//! poem-openapi writes it from the operations themselves. Three things that it cannot say are put
//! right afterwards: that request bodies take no unknown fields, that answers give a `null` rather
//! than leave a field out, and which of the answers that operations share each can give.

use std::collections::BTreeSet;

use poem_openapi::{LicenseObject, OpenApi, OpenApiService, registry::MetaApi};
use serde_json::{Map, Value};

use super::{health::HealthApi, v1};

type Api = (HealthApi, v1::Api);

const DESCRIPTION: &str = "\
Letterhead lets each client business of a SaaS send its mail under its own name: through its own \
mail server, with its own credentials, from its own address.

**Keys.** Send `Authorization: Bearer lhk_…`. An operator's key may do everything on every tenant; a \
tenant's key has scopes and sees its own tenant only. `{tenant}` is an id, a slug, or `self`: the \
tenant of the key. `{sender}` is an id or a slug; a tenant's first sender has the slug `default`.

**Problems.** Every answer that is not a success is `application/problem+json` (RFC 9457). Branch on \
`code`; `/problems` explains each. Refused fields are listed all at once, with JSON Pointers. Whatever \
is wrong, answers come in this order: 401, 404, 403, 413, 400, 422, 412, 409.

**Lists** are newest first: `?limit=&cursor=` gives `{data, next_cursor}`. **Times** are RFC 3339, UTC.";

/// The whole API as poem-openapi serves it.
pub(super) fn service() -> OpenApiService<Api, ()> {
    OpenApiService::new((HealthApi, v1::api()), "Letterhead", env!("CARGO_PKG_VERSION"))
        .description(DESCRIPTION)
        .license(LicenseObject::new("Apache-2.0"))
}

/// What the API consists of: its paths with their operations.
pub(super) fn api_meta() -> Vec<MetaApi> {
    Api::meta()
}

/// The OpenAPI document, as JSON for people to read.
pub fn document() -> String {
    let mut document: Value = serde_json::from_str(&service().spec()).unwrap_or_default();
    let bodies = request_schemas(&document);
    if let Some(schemas) =
        document.pointer_mut("/components/schemas").and_then(Value::as_object_mut)
    {
        for (name, schema) in schemas.iter_mut() {
            if bodies.contains(name) { close(schema) } else { promise_nulls(schema) }
        }
    }
    if let Some(paths) = document.get_mut("paths").and_then(Value::as_object_mut) {
        for operation in
            paths.values_mut().filter_map(Value::as_object_mut).flat_map(Map::values_mut)
        {
            prune(operation);
        }
    }
    format!("{document:#}\n")
}

/// The names of all schemas that request bodies stand on.
fn request_schemas(document: &Value) -> BTreeSet<String> {
    let paths = document["paths"].as_object().into_iter().flat_map(Map::values);
    let operations = paths.filter_map(Value::as_object).flat_map(Map::values);
    let mut waiting = Vec::new();
    for operation in operations {
        references(&operation["requestBody"], &mut waiting);
    }
    let mut found = BTreeSet::new();
    while let Some(name) = waiting.pop() {
        if found.insert(name.clone()) {
            references(&document["components"]["schemas"][&name], &mut waiting);
        }
    }
    found
}

fn references(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            let name = fields.get("$ref").and_then(Value::as_str);
            let name = name.and_then(|path| path.strip_prefix("#/components/schemas/"));
            found.extend(name.map(str::to_owned));
            fields.values().for_each(|value| references(value, found));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Says of an object that it takes no unknown fields, as the check of bodies sees it.
fn close(schema: &mut Value) {
    if let Some(schema) = schema.as_object_mut().filter(|schema| schema["type"] == "object") {
        schema.entry("additionalProperties").or_insert(Value::Bool(false));
    }
}

/// Says of an answer that a field which may be `null` is always there.
fn promise_nulls(schema: &mut Value) {
    let fields = schema["properties"].as_object().into_iter().flatten();
    let nullable = fields.filter(|(_, field)| field["nullable"] == true);
    let nullable: Vec<_> = nullable.map(|(name, _)| Value::from(name.as_str())).collect();
    if nullable.is_empty() {
        return;
    }
    if let Some(schema) = schema.as_object_mut() {
        let required = schema.entry("required").or_insert_with(|| Value::Array(Vec::new()));
        if let Some(required) = required.as_array_mut() {
            required.extend(nullable);
        }
    }
}

/// Leaves out the answers that an operation cannot give.
fn prune(operation: &mut Value) {
    let takes = |place: &str, name: Option<&str>| {
        operation["parameters"].as_array().into_iter().flatten().any(|parameter| {
            parameter["in"] == place && name.is_none_or(|name| parameter["name"] == name)
        })
    };
    let has_body = !operation["requestBody"].is_null();
    let has_security = !operation["security"].is_null();
    let has_fields = has_body || takes("query", None) || takes("header", Some("Idempotency-Key"));
    let impossible = [
        ("400", !has_body),
        ("401", !has_security),
        ("403", !has_security),
        ("404", !takes("path", None)),
        ("409", !has_body && !takes("header", Some("If-Match"))),
        ("412", !takes("header", Some("If-Match"))),
        ("413", !has_body),
        ("415", !has_body),
        ("422", !has_fields),
        ("429", !has_security),
    ];
    if let Some(responses) = operation["responses"].as_object_mut() {
        for (status, _) in impossible.iter().filter(|(_, impossible)| *impossible) {
            responses.remove(*status);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed() -> Value {
        serde_json::from_str(&document()).expect("JSON")
    }

    /// The contract in short: operations with their answers, and objects with their fields.
    fn outline(document: &Value) -> String {
        let names = |value: &Value| {
            let object = value.as_object().into_iter().flat_map(Map::keys);
            object.cloned().collect::<Vec<_>>()
        };
        let mut lines = Vec::new();
        for (path, operations) in document["paths"].as_object().expect("paths") {
            for (method, operation) in operations.as_object().expect("operations") {
                let method = method.to_uppercase();
                let answers = names(&operation["responses"]).join(" ");
                let id = operation["operationId"].as_str().unwrap_or_default();
                lines.push(format!("{method} {path} · {id} · {answers}"));
            }
        }
        for (name, schema) in document["components"]["schemas"].as_object().expect("schemas") {
            let required = schema["required"].as_array().cloned().unwrap_or_default();
            let fields = names(&schema["properties"]).into_iter().map(|field| {
                let optional =
                    if required.contains(&Value::from(field.as_str())) { "" } else { "?" };
                format!("{field}{optional}")
            });
            lines.push(format!("{name} {{ {} }}", fields.collect::<Vec<_>>().join(", ")));
        }
        lines.join("\n")
    }

    #[test]
    fn the_contract_is_as_it_was_reviewed() {
        insta::assert_snapshot!("contract", outline(&parsed()));
    }

    #[test]
    fn request_bodies_take_no_unknown_fields() {
        let document = parsed();
        let bodies = request_schemas(&document);
        assert!(bodies.len() > 5, "{bodies:?}");
        for name in bodies {
            let schema = &document["components"]["schemas"][&name];
            assert_eq!(schema["additionalProperties"], Value::Bool(false), "{name}");
        }
    }

    #[test]
    fn every_operation_has_a_name_a_summary_a_tag_and_its_problems() {
        let document = parsed();
        let paths = document["paths"].as_object().expect("paths");
        for (path, operations) in paths {
            for (method, operation) in operations.as_object().expect("operations") {
                let place = format!("{method} {path}");
                for field in ["operationId", "summary", "tags"] {
                    assert!(!operation[field].is_null(), "{place} has no {field}");
                }
                let responses = operation["responses"].as_object().expect("responses");
                assert!(responses.contains_key("500"), "{place}");
                for (status, response) in
                    responses.iter().filter(|(status, _)| status.as_str() >= "400")
                {
                    let problem = &response["content"]["application/problem+json"];
                    assert!(!problem.is_null(), "{place} {status}");
                }
                for parameter in operation["parameters"].as_array().into_iter().flatten() {
                    assert!(!parameter["description"].is_null(), "{place} {parameter}");
                }
            }
        }
    }
}
