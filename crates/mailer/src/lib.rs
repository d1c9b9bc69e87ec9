//! Letterhead's only way to strangers' servers.
//!
//! The egress guard decides where a connection may go; the stream underneath every conversation
//! keeps hostile servers within bounds; test runs and deliveries open their sessions in one and
//! the same way. This crate knows nothing of tenants' rows, of HTTP or of queues: it is given
//! settings, a password and a mail, and says what happened. What a server answers is data, never
//! an error. No type of the libraries below (SMTP, TLS, DNS) leaves this crate.

pub mod autoconfig;
mod capabilities;
pub mod compose;
mod conversation;
pub mod domain_check;
pub mod egress;
pub mod fix;
pub mod lease;
pub mod mailer;
mod opening;
pub mod practice_server;
mod session;
mod stream;
pub mod test_run;
pub mod timeouts;
pub mod tls;
mod transaction;
pub mod transport;
mod walk;
