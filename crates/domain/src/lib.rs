//! What Letterhead's words mean, and every decision that needs no waiting.
//!
//! Text becomes a type here once (`SmtpHost`, `EmailAddress`, …) and is trusted from then on.
//! Decisions are pure: what state a sender is in, whether a saved version may inherit a proof,
//! what becomes of a message after a server's reply, what a person should do about a failure.
//! There is no IO here, no clock, no randomness, no log, and nothing of HTTP or of the database.

pub mod access;
pub mod advice;
pub mod arrival;
pub mod bulk_run;
pub mod delivery;
pub mod discovery;
pub mod domain_check;
pub mod email;
pub mod event;
pub mod field_errors;
pub mod fix;
pub mod id;
pub mod message;
pub mod password;
pub mod provider;
pub mod reply;
pub mod sender;
pub mod slug;
pub mod smtp_host;
pub mod smtp_port;
pub mod smtp_settings;
pub mod tenant;
pub mod test_run;
pub mod text;
mod words;
