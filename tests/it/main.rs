//! Tests of the whole program, all in one binary so that they link once.
#![expect(clippy::unwrap_used, reason = "a test that cannot prepare itself has failed")]

mod architecture;
