//! Tenants are kept apart: every operation of the OpenAPI document, with another tenant's ids.
//!
//! The list of operations below is compared with the document, so that a new endpoint fails here
//! until it says how it is kept apart.

use std::collections::BTreeSet;

use letterhead_tests::{
    client::{Answer, Client},
    program::{Instance, World, output},
};
use serde_json::{Value, json};

/// Who may call an operation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Who {
    /// Anybody, without a key.
    Anyone,
    /// Whoever has a key.
    AnyKey,
    /// Operators; tenants get 403.
    Operator,
    /// A tenant on itself with this scope, and operators.
    Tenant(&'static str),
    /// Operators on a tenant that the path names; its own key gets 403.
    OperatorOnTenant,
}
use Who::{AnyKey, Anyone, Operator, OperatorOnTenant, Tenant};

/// An operation: method, path with the document's parameters, who may call it, a body that passes.
struct Operation {
    method: &'static str,
    path: &'static str,
    who: Who,
    body: Option<Value>,
}

fn operation(method: &'static str, path: &'static str, who: Who) -> Operation {
    Operation { method, path, who, body: None }
}

fn with_body(method: &'static str, path: &'static str, who: Who, body: Value) -> Operation {
    Operation { method, path, who, body: Some(body) }
}

fn operations() -> Vec<Operation> {
    of_operators().into_iter().chain(of_tenants()).collect()
}

fn of_operators() -> Vec<Operation> {
    let key = json!({"name": "k", "scopes": ["settings:read"]});
    let link = |role: &str| json!({"role": role, "email": "a@b.example", "name": "A"});
    vec![
        operation("get", "/livez", Anyone),
        operation("get", "/readyz", Anyone),
        operation("get", "/v1/guides/{id}/pdf", AnyKey),
        operation("get", "/v1/providers", AnyKey),
        operation("get", "/v1/providers/{id}", AnyKey),
        operation("get", "/v1/tenants", Operator),
        with_body("post", "/v1/tenants", Operator, json!({"slug": "intruder", "name": "I"})),
        operation("get", "/v1/events", Operator),
        operation("get", "/v1/tenants/{tenant}", OperatorOnTenant),
        with_body("patch", "/v1/tenants/{tenant}", OperatorOnTenant, json!({"name": "taken"})),
        operation("delete", "/v1/tenants/{tenant}", OperatorOnTenant),
        operation("get", "/v1/tenants/{tenant}/api-keys", OperatorOnTenant),
        with_body("post", "/v1/tenants/{tenant}/api-keys", OperatorOnTenant, key),
        operation("delete", "/v1/tenants/{tenant}/api-keys/{id}", OperatorOnTenant),
        with_body("post", "/v1/portal-links", Operator, link("operator")),
        with_body("post", "/v1/tenants/{tenant}/portal-links", OperatorOnTenant, link("admin")),
    ]
}

fn of_tenants() -> Vec<Operation> {
    let settings = json!({
        "host": "smtp.example.com", "port": 587, "encryption": "starttls", "username": "u",
        "password": "p", "sender_name": "n", "sender_email": "a@b.example",
    });
    let message = json!({
        "kind": "receipt", "to": [{"email": "a@b.example"}], "subject": "s", "text": "t",
    });
    vec![
        operation("get", "/v1/tenants/{tenant}/senders", Tenant("settings:read")),
        operation("get", "/v1/tenants/{tenant}/senders/{sender}", Tenant("settings:read")),
        with_body(
            "put",
            "/v1/tenants/{tenant}/senders/{sender}",
            Tenant("settings:write"),
            settings,
        ),
        operation("delete", "/v1/tenants/{tenant}/senders/{sender}", Tenant("settings:write")),
        operation(
            "delete",
            "/v1/tenants/{tenant}/senders/{sender}/candidate",
            Tenant("settings:write"),
        ),
        with_body(
            "put",
            "/v1/tenants/{tenant}/senders/{sender}/limits",
            Tenant("settings:write"),
            json!({"messages_per_day": 7}),
        ),
        operation("get", "/v1/tenants/{tenant}/senders/{sender}/queue", Tenant("messages:read")),
        operation("post", "/v1/tenants/{tenant}/senders/{sender}/pause", Tenant("settings:write")),
        operation("post", "/v1/tenants/{tenant}/senders/{sender}/resume", Tenant("settings:write")),
        operation("get", "/v1/tenants/{tenant}/senders/{sender}/versions", Tenant("settings:read")),
        operation(
            "post",
            "/v1/tenants/{tenant}/senders/{sender}/versions/{version}/restore",
            Tenant("settings:write"),
        ),
        operation(
            "get",
            "/v1/tenants/{tenant}/senders/{sender}/dns-check",
            Tenant("settings:read"),
        ),
        operation("post", "/v1/tenants/{tenant}/senders/{sender}/test-runs", Tenant("test:run")),
        operation(
            "get",
            "/v1/tenants/{tenant}/senders/{sender}/test-runs",
            Tenant("settings:read"),
        ),
        operation(
            "get",
            "/v1/tenants/{tenant}/senders/{sender}/test-runs/{id}",
            Tenant("settings:read"),
        ),
        operation(
            "get",
            "/v1/tenants/{tenant}/senders/{sender}/test-runs/{id}/transcript",
            Tenant("settings:read"),
        ),
        // The catalogue knows this domain, so nobody is asked.
        with_body(
            "post",
            "/v1/tenants/{tenant}/discoveries",
            Tenant("settings:write"),
            json!({"email": "a@gmail.com"}),
        ),
        with_body(
            "post",
            "/v1/tenants/{tenant}/senders/{sender}/test-runs/{id}/confirm",
            Tenant("test:run"),
            json!({"code": "012345"}),
        ),
        with_body(
            "post",
            "/v1/tenants/{tenant}/messages/batch",
            Tenant("messages:send"),
            json!({"messages": [{"message": message}]}),
        ),
        with_body("post", "/v1/tenants/{tenant}/messages", Tenant("messages:send"), message),
        operation("get", "/v1/tenants/{tenant}/messages", Tenant("messages:read")),
        operation("get", "/v1/tenants/{tenant}/messages/{id}", Tenant("messages:read")),
        operation("post", "/v1/tenants/{tenant}/messages/{id}/cancel", Tenant("messages:send")),
        operation("post", "/v1/tenants/{tenant}/messages/{id}/retry", Tenant("messages:send")),
        operation("get", "/v1/tenants/{tenant}/audit-events", Tenant("audit:read")),
    ]
}

/// The ids of a tenant's own things.
struct Owned {
    tenant: String,
    sender: String,
    run: String,
    message: String,
    key: String,
}

impl Owned {
    async fn of(world: &World, instance: &Instance, slug: &str) -> (Client, Self) {
        let client = world.live_tenant(instance, slug).await;
        let operator = world.operator(instance);
        let sender = client.get("/v1/tenants/self/senders/default").await;
        let message = client.send("ann@example.net").await;
        client.wait_for_message(&message, &["accepted"]).await;
        let tenant = operator.get(&format!("/v1/tenants/{slug}")).await;
        let keys = operator.get(&format!("/v1/tenants/{slug}/api-keys")).await;
        let text = |value: &Value| value.as_str().expect("an id").to_owned();
        let owned = Self {
            tenant: text(&tenant.body["id"]),
            sender: text(&sender.body["id"]),
            run: text(&sender.body["last_test"]["id"]),
            key: text(&keys.body["data"][0]["id"]),
            message,
        };
        (client, owned)
    }

    fn fill(&self, path: &str, tenant: &str) -> String {
        let id = if path.contains("test-runs") {
            &self.run
        } else if path.contains("api-keys") {
            &self.key
        } else {
            &self.message
        };
        path.replace("{tenant}", tenant)
            .replace("{sender}", &self.sender)
            .replace("{version}", "1")
            .replace("{id}", id)
    }
}

async fn call(client: &Client, operation: &Operation, path: &str) -> Answer {
    let method = operation.method.to_uppercase();
    client.call(&method, path, &[], operation.body.clone()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_of_operations_is_the_documents() {
    let world = World::create().await;
    let document: Value =
        serde_json::from_str(&output(world.command(&["openapi"]))).expect("a document");
    let mut documented = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().expect("paths") {
        for method in methods.as_object().expect("methods").keys() {
            documented.insert(format!("{method} {path}"));
        }
    }

    let tried: BTreeSet<_> = operations()
        .iter()
        .map(|operation| format!("{} {}", operation.method, operation.path))
        .collect();

    assert_eq!(tried, documented);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_operation_works_without_a_key_or_with_a_wrong_one() {
    let (world, instance) = World::start().await;
    let (aurora, owned) = Owned::of(&world, &instance, "aurora").await;
    let nobody = Client::new(&instance.url, "");
    let mut wrong = aurora.key().to_owned();
    wrong.replace_range(50..51, if &wrong[50..51] == "a" { "b" } else { "a" });
    let wrong = Client::new(&instance.url, &wrong);

    for operation in operations().iter().filter(|operation| operation.who != Anyone) {
        let path = owned.fill(operation.path, &owned.tenant);
        for client in [&nobody, &wrong] {
            let answer = call(client, operation, &path).await;
            assert_eq!(answer.status, 401, "{} {path}: {answer:?}", operation.method);
            assert_eq!(answer.body["code"], "unauthorized", "{answer:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_tenants_things_are_as_if_they_were_not_there() {
    let (world, instance) = World::start().await;
    let (_, victim) = Owned::of(&world, &instance, "aurora").await;
    let (intruder, own) = Owned::of(&world, &instance, "borealis").await;
    let unknown = "0190b5a0-0000-7000-8000-000000000000";

    for operation in operations() {
        match operation.who {
            AnyKey | Anyone => {}
            Operator => {
                let answer = call(&intruder, &operation, operation.path).await;
                assert_eq!(answer.status, 403, "{}: {answer:?}", operation.path);
            }
            OperatorOnTenant => {
                let own_path = own.fill(operation.path, &own.tenant);
                let answer = call(&intruder, &operation, &own_path).await;
                assert_eq!(answer.status, 403, "{own_path}: {answer:?}");
                absent(&intruder, &operation, &victim, unknown).await;
            }
            Tenant(_) => {
                absent(&intruder, &operation, &victim, unknown).await;
                // The victim's ids below the intruder's own tenant. A PUT on a free id is a 404 too.
                if operation.path.matches('{').count() > 1 {
                    let mixed = victim.fill(operation.path, "self");
                    let answer = call(&intruder, &operation, &mixed).await;
                    assert_eq!(answer.status, 404, "{} {mixed}: {answer:?}", operation.method);
                }
            }
        }
    }
}

/// The victim's tenant, by id and slug, answers exactly as one that does not exist.
async fn absent(client: &Client, operation: &Operation, victim: &Owned, unknown: &str) {
    let missing = call(client, operation, &victim.fill(operation.path, unknown)).await;
    assert_eq!(missing.status, 404, "{}: {missing:?}", operation.path);
    for tenant in [victim.tenant.as_str(), "aurora"] {
        let path = victim.fill(operation.path, tenant);
        let answer = call(client, operation, &path).await;
        assert_eq!(answer.status, 404, "{} {path}: {answer:?}", operation.method);
        let said = |answer: &Answer| (answer.body["code"].clone(), answer.body["detail"].clone());
        assert_eq!(said(&answer), said(&missing), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_does_only_what_its_scopes_say() {
    let (world, instance) = World::start().await;
    let (_, owned) = Owned::of(&world, &instance, "aurora").await;
    let operator = world.operator(&instance);

    for operation in operations() {
        let Tenant(needed) = operation.who else { continue };
        let other = if needed == "audit:read" { "settings:read" } else { "audit:read" };
        let body = json!({"name": "narrow", "scopes": [other]});
        let key = operator.post("/v1/tenants/aurora/api-keys", body).await;
        let narrow = Client::new(&instance.url, key.body["key"].as_str().expect("a key"));

        let answer = call(&narrow, &operation, &owned.fill(operation.path, "self")).await;

        assert_eq!(answer.status, 403, "{} {}: {answer:?}", operation.method, operation.path);
        assert_eq!(answer.body["code"], "forbidden");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_tenants_key_stops_working_at_once_and_its_rows_go() {
    let (world, instance) = World::start().await;
    let (aurora, owned) = Owned::of(&world, &instance, "aurora").await;

    let deleted = world.operator(&instance).delete("/v1/tenants/aurora").await;

    assert_eq!(deleted.status, 202, "{deleted:?}");
    assert_eq!(aurora.get("/v1/tenants/self/senders").await.status, 401);
    let keys = format!("SELECT count(*) FROM data_keys WHERE tenant_id = '{}'", owned.tenant);
    assert_eq!(world.database.number(&keys).await, 0);
    let gone = format!("SELECT 1 - count(*) FROM tenants WHERE id = '{}'", owned.tenant);
    world.database.wait_until(&gone, 1).await;
}
