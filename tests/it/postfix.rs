//! The mailer against a real Postfix: what it does for us is not only what we think servers do.

mod delivery;
pub(crate) mod stand;
mod test_runs;
