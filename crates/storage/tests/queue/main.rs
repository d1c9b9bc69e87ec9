//! The queue against a real Postgres: messages, lanes, marks, results, and the net under them.

#![expect(clippy::unwrap_used, reason = "a test that cannot arrange its world ends there")]

mod accept;
mod change;
mod claim;
mod cost;
mod fixture;
mod hold;
mod limits;
mod mark;
mod park;
mod read;
mod reading;
mod recover;
mod result;
mod retention;
mod search;
mod sweep;
mod wake;
