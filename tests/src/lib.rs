//! What the whole-program tests stand on: real servers, started for one test and stopped with it.

pub mod client;
pub mod cut_line;
pub mod postfix;
pub mod program;
