//! The practice server, seen from the other end of the wire.
//!
//! The client here knows no SMTP library: what the server is to find out about ours must not
//! rest on it.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may stop anywhere")]

mod certificates;
mod client;
mod faults;
mod gates;
mod protocol;
