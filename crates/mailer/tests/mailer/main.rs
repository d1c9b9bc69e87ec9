//! The mailer against the practice server, and against servers that no one should have to meet.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod advice;
mod autoconfig;
mod cache;
mod delivery;
mod fixes;
mod gears;
mod hostile;
mod limits;
mod sink;
mod stand;
mod test_runs;
