//! Handing messages over, as a careful caller does: with a key, again and again until each is taken.

use std::{sync::Arc, time::Duration};

use letterhead_tests::{client::Client, program::World};
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::{Plan, chance::Chance, sink::OFFERS};

/// Messages of one call.
const BATCH: usize = 100;

/// How long a caller waits after a 503: far shorter than it is asked to.
const ASK_AGAIN: Duration = Duration::from_millis(50);

/// What is to be handed over, and how much of it may be by now.
pub(crate) struct Feed {
    client: Client,
    /// `(tenant, message)`, in the order in which they are handed over.
    letters: Vec<(String, Value)>,
    allowed: watch::Receiver<usize>,
    taken: Arc<watch::Sender<usize>>,
}

/// Slug of the tenant with this number.
fn slug(number: usize) -> String {
    format!("tenant-{number}")
}

/// Makes the tenants, each with a sender that is live; its server speaks one of the three ways.
pub(crate) async fn make_tenants(client: &Client, count: usize, ports: &[u16]) {
    for number in 0..count {
        let slug = slug(number);
        let tenant = json!({"slug": slug, "name": "Aurora Books"});
        let made = client.post("/v1/tenants", tenant).await;
        assert_eq!(made.status, 201, "{made:?}");
        let settings = json!({
            "host": "localhost", "port": ports[number % OFFERS.len()], "encryption": "none",
            "auth": "none", "username": null, "sender_name": "Aurora Books",
            "sender_email": "billing@aurora.example",
        });
        let path = format!("/v1/tenants/{slug}/senders/default");
        let made = client.put(&path, settings).await;
        assert_eq!(made.body["state"], "live", "{made:?}");
    }
}

/// A message for nearly every tenant that has one only, and the rest among few: half of it for
/// three, so that these lanes are never empty.
fn tenant_of(number: usize, plan: &Plan, chance: &mut Chance) -> usize {
    let large = 3.min(plan.tenants);
    let middle = (plan.tenants / 10).max(1);
    let step = (plan.messages / plan.tenants).max(1);
    if number.is_multiple_of(step) {
        return number / step % plan.tenants;
    }
    if chance.of_thousand(500) { chance.index(large) } else { chance.index(middle) }
}

fn letter(number: usize, chance: &mut Chance) -> Value {
    let kind = ["receipt", "collection", "statement", "notification"][chance.index(4)];
    let address = |place: &str, chance: &mut Chance| {
        let name = if chance.of_thousand(10) { "gone" } else { place };
        json!({"email": format!("{name}-{number}@customer.example")})
    };
    let mut to = vec![address("ann", chance)];
    if chance.of_thousand(50) {
        to.push(address("ben", chance));
        to.push(address("cleo", chance));
    }
    // Some do not fit into what the sockets hold, so that a kill finds them in the middle.
    let lines = if chance.of_thousand(20) { 6_000 } else { chance.below(60) };
    let lines = usize::try_from(lines).unwrap_or_default();
    let wait = chance.of_thousand(30);
    json!({
        "idempotency_key": format!("letter-{number}"),
        "message": {
            "kind": kind, "to": to, "subject": format!("Your receipt {number}"),
            "text": "Thank you for your purchase, and until next time.\n".repeat(1 + lines),
            "on_uncertain": if wait { "wait" } else { "resend" },
        },
    })
}

impl Feed {
    /// Everything that `plan` wants handed over; `allowed` says how much of it may be by now.
    pub(crate) fn new(
        world: &World,
        url: &str,
        plan: &Plan,
        allowed: watch::Receiver<usize>,
    ) -> Self {
        let mut chance = Chance::new(plan.seed, "feed");
        let letters = (0..plan.messages)
            .map(|number| {
                let tenant = slug(tenant_of(number, plan, &mut chance));
                (tenant, letter(number, &mut chance))
            })
            .collect();
        let client = Client::new(url, &world.operator_key);
        Self { client, letters, allowed, taken: Arc::new(watch::Sender::new(0)) }
    }

    /// How many messages were answered with 202.
    pub(crate) fn taken(&self) -> watch::Receiver<usize> {
        self.taken.subscribe()
    }

    /// Hands everything over; gives the ids that were answered with 202.
    pub(crate) async fn run(mut self) -> Vec<String> {
        let mut ids = Vec::with_capacity(self.letters.len());
        let mut begin = 0;
        while begin < self.letters.len() {
            let end = (begin + BATCH).min(self.letters.len());
            // The sender is kept until everything was allowed.
            let _allowed = self.allowed.wait_for(|allowed| *allowed > begin).await.is_ok();
            let mut by_tenant: Vec<(&str, Vec<&Value>)> = Vec::new();
            for (tenant, letter) in self.letters.get(begin..end).unwrap_or_default() {
                match by_tenant.iter_mut().find(|(name, _)| name == tenant) {
                    Some((_, letters)) => letters.push(letter),
                    None => by_tenant.push((tenant, vec![letter])),
                }
            }
            for (tenant, letters) in by_tenant {
                hand_over(&self.client, tenant, letters, &mut ids).await;
                self.taken.send_replace(ids.len());
            }
            begin = end;
        }
        ids
    }
}

/// Asks until every letter was taken: a 503 says that the database was away just then.
async fn hand_over(client: &Client, tenant: &str, mut letters: Vec<&Value>, ids: &mut Vec<String>) {
    let path = format!("/v1/tenants/{tenant}/messages/batch");
    while !letters.is_empty() {
        let answer = client.post(&path, json!({"messages": letters})).await;
        if answer.status == 503 {
            tokio::time::sleep(ASK_AGAIN).await;
            continue;
        }
        assert_eq!(answer.status, 202, "{answer:?}");
        let results = answer.body["results"].as_array().expect("results");
        let mut again = Vec::new();
        for (letter, result) in letters.iter().zip(results) {
            match result["status"].as_u64() {
                Some(202) => ids.push(result["message"]["id"].as_str().expect("an id").to_owned()),
                Some(503) => again.push(*letter),
                _ => panic!("{result}"),
            }
        }
        letters = again;
    }
}
