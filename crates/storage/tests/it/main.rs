//! Storage against a real Postgres, a database for each test.
#![expect(clippy::unwrap_used, reason = "what arranges a test fails the test")]

mod arrival;
mod audit;
mod bulk_runs;
mod diagnosis;
mod fixes;
mod isolation;
mod keys;
mod migrating;
mod overview;
mod passwords;
mod portal;
mod saving;
mod senders;
mod support;
mod tenants;
mod test_runs;
mod views;
