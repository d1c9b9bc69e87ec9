//! Tests of the whole program, all in one binary so that they link once.

#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed, and says where"
)]

mod architecture;
mod command_line;
mod counted;
mod crashes;
mod database_away;
mod doctor;
mod dovecot;
mod guides;
mod instances;
mod isolation;
mod journey;
mod migrate;
mod postfix;
mod queue;
mod schemathesis;
mod secrets;
mod settings_in_use;
mod soak;
mod suspended;
mod test_command;
mod wrong_clock;
