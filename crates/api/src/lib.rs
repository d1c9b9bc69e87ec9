//! The program: command line, HTTP API and delivery worker.
//!
//! `main → cli → {http, portal, worker} → app → {storage, mailer, domain}`. Nothing calls upward: the
//! use cases of [`app`] know no HTTP; [`http`] and [`portal`] only translate.

pub mod api_key;
pub mod app;
pub mod cli;
pub mod clock;
pub mod config;
pub mod http;
pub mod metrics;
pub mod portal;
pub mod portal_token;
pub mod practice_inbox;
pub mod random;
pub mod worker;
