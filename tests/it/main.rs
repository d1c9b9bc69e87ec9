//! Tests of the whole program, all in one binary so that they link once.

mod architecture;
mod crashes;
mod journey;
mod settings_in_use;
