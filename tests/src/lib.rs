//! What the whole-program tests stand on: real servers, started for one test and stopped with it.

#![expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "for tests only: whatever goes wrong here fails the test, and says what it was"
)]

pub mod browser;
pub mod client;
pub mod cut_line;
pub mod dovecot;
pub mod mail_server;
pub mod pdf;
pub mod portal;
pub mod postfix;
pub mod program;
pub mod rude_server;
