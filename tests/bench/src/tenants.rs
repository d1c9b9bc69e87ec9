//! Tenants with a sender each, made over the API as an operator's program makes them.

use std::net::SocketAddr;

use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::{
    Failure,
    clients::{Connection, Request},
};

/// Requests under way at once.
const AT_ONCE: usize = 8;

/// A tenant's id, and its sender's.
pub(crate) struct Made {
    pub(crate) tenant: String,
    pub(crate) sender: String,
}

/// Makes `count` tenants, whose slugs are `<slug>-0` and so on, with a sender `default` of these
/// settings. Gives the first one.
pub(crate) async fn make(
    address: SocketAddr,
    key: &str,
    slug: &str,
    count: usize,
    settings: &Value,
) -> Result<Made, Failure> {
    let mut makers = JoinSet::new();
    for maker in 0..AT_ONCE {
        let (key, slug, settings) = (key.to_owned(), slug.to_owned(), settings.clone());
        makers.spawn(async move {
            let mut connection = Connection::open(address).await?;
            let mut first = None;
            for number in (maker..count).step_by(AT_ONCE) {
                let slug = format!("{slug}-{number}");
                let made = make_one(&mut connection, &key, &slug, &settings).await?;
                first = first.or((number == 0).then_some(made));
            }
            Ok::<_, Failure>(first)
        });
    }
    let mut first = None;
    while let Some(made) = makers.join_next().await {
        first = first.or(made??);
    }
    first.ok_or_else(|| "no tenant was asked for".into())
}

async fn make_one(
    connection: &mut Connection,
    key: &str,
    slug: &str,
    settings: &Value,
) -> Result<Made, Failure> {
    let tenant = json!({"slug": slug, "name": "Aurora Books"});
    let tenant = made(connection, &Request::post("/v1/tenants", key, &tenant)).await?;
    let path = format!("/v1/tenants/{slug}/senders/default");
    let sender = made(connection, &Request::send("PUT", &path, key, settings)).await?;
    Ok(Made { tenant, sender })
}

async fn made(connection: &mut Connection, request: &Request) -> Result<String, Failure> {
    let (status, body) = connection.ask(request).await?;
    if status != 201 {
        return Err(format!("answered {status}: {}", String::from_utf8_lossy(&body)).into());
    }
    let body: Value = serde_json::from_slice(&body)?;
    Ok(body["id"].as_str().ok_or("an answer without an id")?.to_owned())
}
