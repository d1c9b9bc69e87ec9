//! The short form of `make soak`: a private server whose workers and database are killed while they
//! send. What it asserts holds at whatever moments the blows fall.

use std::process::Command;

#[test]
fn nothing_is_lost_and_every_duplicate_is_explained_whoever_is_killed() {
    let mut soak = Command::new(env!("CARGO_BIN_EXE_letterhead-soak"));
    soak.args(["--messages", "2000", "--tenants", "60", "--workers", "3", "--kills", "12"]);
    soak.args(["--stops", "2", "--lease", "2", "--seed", "1", "--postgres", "soak-test"]);

    let output = soak.output().expect("the program runs");

    let said = String::from_utf8_lossy(&output.stdout);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}{error}");
    assert!(said.contains("nothing is lost, and every duplicate is explained"), "{said}{error}");
}
