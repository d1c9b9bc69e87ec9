//! Tests of the whole program, all in one binary so that they link once.

mod architecture;
mod crashes;
mod database_away;
mod isolation;
mod journey;
mod migrate;
mod postfix;
mod schemathesis;
mod secrets;
mod settings_in_use;
