//! Messages that are sent one by one over the API, to see how long each takes: from its 202 until the
//! database says that it was accepted.

use std::{
    collections::HashMap,
    net::SocketAddr,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use serde_json::{Value, json};
use tokio::time::MissedTickBehavior;

use crate::{
    Failure,
    clients::{Connection, Request},
    database::Database,
};

/// How long it is waited for messages after the last one was handed over.
const PATIENCE: Duration = Duration::from_secs(60);

/// Who sends them.
pub(crate) struct Prober {
    connection: Connection,
    request: Request,
}

/// When each message was answered, in seconds since 1970, by id.
pub(crate) type Answered = HashMap<String, f64>;

impl Prober {
    /// A prober for the tenant `slug`.
    pub(crate) async fn new(address: SocketAddr, key: &str, slug: &str) -> Result<Self, Failure> {
        let message = json!({
            "kind": "receipt", "to": [{"email": "ann@example.net"}], "subject": "Your receipt 4711",
            "text": "Thank you for your order.",
        });
        let request = Request::post(&format!("/v1/tenants/{slug}/messages"), key, &message);
        Ok(Self { connection: Connection::open(address).await?, request })
    }

    /// Sends one message every `interval` until `length` is over.
    pub(crate) async fn probe(
        &mut self,
        interval: Duration,
        length: Duration,
    ) -> Result<Answered, Failure> {
        let ends = Instant::now() + length;
        let mut answered = Answered::new();
        let mut ticks = tokio::time::interval(interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while Instant::now() < ends {
            ticks.tick().await;
            let (id, at) = self.send().await?;
            answered.insert(id, at);
        }
        Ok(answered)
    }

    /// Sends one message, and gives its id and when it was answered.
    pub(crate) async fn send(&mut self) -> Result<(String, f64), Failure> {
        let (status, body) = self.connection.ask(&self.request).await?;
        if status != 202 {
            return Err(format!("answered {status}: {}", String::from_utf8_lossy(&body)).into());
        }
        #[expect(clippy::disallowed_methods, reason = "compared with the database's clock, here")]
        let at = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs_f64();
        let body: Value = serde_json::from_slice(&body)?;
        Ok((body["id"].as_str().ok_or("an answer without an id")?.to_owned(), at))
    }
}

/// How long messages took, in milliseconds.
pub(crate) struct Took {
    /// Each; of one that was not accepted in [`PATIENCE`], how long it had waited by then.
    pub(crate) each: Vec<f64>,
    /// How many were not.
    pub(crate) waiting: usize,
}

/// Waits until all of `answered` were accepted, at most for [`PATIENCE`].
pub(crate) async fn latencies(
    db: &Database,
    slug: &str,
    answered: &Answered,
) -> Result<Took, Failure> {
    let began = Instant::now();
    let sql = format!(
        "SELECT m.id::text AS name, extract(epoch FROM m.finished_at)::float8 AS value
         FROM messages m JOIN tenants t ON t.id = m.tenant_id
         WHERE t.slug = '{slug}' AND m.status = 'accepted'"
    );
    loop {
        let accepted: HashMap<String, f64> = db.pairs(&sql).await?.into_iter().collect();
        let waiting = answered.keys().filter(|id| !accepted.contains_key(*id)).count();
        if waiting == 0 || began.elapsed() > PATIENCE {
            let now = db.number("extract(epoch FROM clock_timestamp())").await?;
            let until = |id| accepted.get(id).copied().unwrap_or(now);
            let took = answered.iter().map(|(id, at)| (until(id) - at).max(0.0) * 1_000.0);
            return Ok(Took { each: took.collect(), waiting });
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
