//! The queue against a real Postgres: messages, lanes, marks, results, and the net under them.

mod accept;
mod change;
mod claim;
mod fixture;
mod mark;
mod park;
mod read;
mod recover;
mod result;
mod sweep;
mod wake;
