//! Tests of the whole program, all in one binary so that they link once.

mod architecture;
mod crashes;
mod isolation;
mod journey;
mod migrate;
mod postfix;
mod schemathesis;
mod settings_in_use;
