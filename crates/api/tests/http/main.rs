//! The HTTP API and the portal over the whole route tree, with a real Postgres and the practice mail server.

#![expect(clippy::expect_used, reason = "a test that cannot go on fails here")]

mod arrival;
mod batch;
mod counted;
mod denied;
mod discoveries;
mod dns_checks;
mod fixes;
mod framework;
mod guides;
mod known;
mod limits;
mod messages;
mod metrics;
mod operator;
mod order;
mod portal;
mod portal_links;
mod portal_sessions;
mod practice_inbox;
mod providers;
mod senders;
mod test_runs;
mod worker;
mod world;
