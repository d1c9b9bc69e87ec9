//! `letterhead doctor`, run as an operator runs it.

use std::process::{Command, Output};

use letterhead_tests::program::{World, letterhead};
use serde_json::Value;

/// Runs the doctor, and gives its exit status with all that it found.
fn examine(mut command: Command) -> (Option<i32>, Value) {
    let output: Output = command.arg("--json").output().expect("the program runs");
    let report = serde_json::from_slice(&output.stdout);
    (output.status.code(), report.unwrap_or_else(|err| panic!("{err}: {output:?}")))
}

/// The findings of `check` that ended in `status`, as text.
fn found(report: &Value, check: &str, status: &str) -> Vec<String> {
    let checks = report["checks"].as_array().expect("checks");
    checks
        .iter()
        .filter(|finding| finding["check"] == check && finding["status"] == status)
        .map(|finding| finding["message"].as_str().expect("a message").to_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_world_that_is_well_shows_nothing_to_mend() {
    let (world, instance) = World::start().await;
    let _aurora = world.live_tenant(&instance, "aurora").await;

    let (status, report) = examine(world.command(&["doctor", "--name", "localhost"]));

    assert_eq!(status, Some(0), "{report}");
    assert_eq!(report["status"], "ok", "{report}");
    for check in ["configuration", "database", "roles", "master_keys", "clock", "dns", "public_url"]
    {
        assert_eq!(found(&report, check, "ok").len(), 1, "{check}: {report}");
    }
    assert_eq!(found(&report, "egress", "not_checked").len(), 1, "{report}");
    assert!(found(&report, "master_keys", "ok")[0].ends_with(": 1."), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn people_read_one_line_for_each_finding_and_what_to_do() {
    let world = World::create().await;

    let output = world.command(&["doctor"]).output().expect("the program runs");

    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{output:?}");
    assert!(text.contains("ok           database       PostgreSQL "), "{text}");
    assert!(text.contains("not_checked  egress         The ways out were not tried."), "{text}");
    assert!(text.contains("→ Set LETTERHEAD_CONTROL_HOST"), "{text}");
    assert!(text.ends_with("Everything that was checked is well.\n"), "{text}");
}

#[test]
fn without_any_configuration_it_says_what_is_missing() {
    let mut command = letterhead();
    command.arg("doctor");

    let (status, report) = examine(command);

    assert_eq!((status, &report["status"]), (Some(1), &"failed".into()), "{report}");
    assert!(
        found(&report, "database", "failed")[0].starts_with("There is no database"),
        "{report}"
    );
    assert!(found(&report, "master_keys", "failed")[0].starts_with("There is no master key"));
}

#[test]
fn a_database_that_is_away_is_said_without_its_password() {
    let mut command = letterhead();
    command.arg("doctor");
    command.env("LETTERHEAD_DATABASE_URL", "postgres://login:canary-pw@127.0.0.1:1/letterhead");

    let (status, report) = examine(command);

    assert_eq!(status, Some(1), "{report}");
    let failed = found(&report, "database", "failed");
    assert!(failed[0].starts_with("The database does not let us in"), "{report}");
    assert!(!report.to_string().contains("canary-pw"), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_was_never_migrated_is_named_as_such() {
    let world = World::create().await;
    let empty = world.database.give_away_empty().await;
    let mut command = world.command(&["doctor"]);
    command.env("LETTERHEAD_DATABASE_URL", empty);

    let (status, report) = examine(command);

    assert_eq!(status, Some(1), "{report}");
    assert!(found(&report, "database", "failed")[0].contains("never migrated"), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_superuser_and_an_open_table_fail_and_a_wrong_clock_warns() {
    let world = World::create().await;
    world.database.sql("ALTER TABLE messages NO FORCE ROW LEVEL SECURITY").await;
    world.database.advance(std::time::Duration::from_secs(60)).await;
    let mut command = world.command(&["doctor"]);
    command.env("LETTERHEAD_DATABASE_URL", world.database.owner_url());

    let (status, report) = examine(command);

    assert_eq!(status, Some(1), "{report}");
    let failed = found(&report, "roles", "failed").join(" ");
    assert!(failed.contains("superuser") && failed.contains("not forced on messages"), "{report}");
    assert_eq!(found(&report, "clock", "warning").len(), 1, "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn data_keys_that_no_known_master_key_opens_are_counted() {
    let (world, instance) = World::start().await;
    let _aurora = world.tenant(&instance, "aurora").await;
    let mut command = world.command(&["doctor"]);
    let other = format!("other:{}=", "A".repeat(43));
    command.env("LETTERHEAD_MASTER_KEYS", &other);

    let (status, report) = examine(command);

    assert_eq!(status, Some(1), "{report}");
    assert!(found(&report, "master_keys", "failed")[0].starts_with("1 data keys"), "{report}");
    assert!(!report.to_string().contains(&"A".repeat(43)), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn names_that_nobody_reads_and_a_portal_without_tls_are_warned_of_and_no_more() {
    let world = World::create().await;
    let mut command = world.command(&["doctor"]);
    command.env("LETTERHEAD_LISTNE", "canary").env("LETTERHEAD_LISTEN", "0.0.0.0:8480");

    let (status, report) = examine(command);

    assert_eq!((status, &report["status"]), (Some(0), &"warning".into()), "{report}");
    assert!(
        found(&report, "configuration", "warning")[0].contains("LETTERHEAD_LISTNE"),
        "{report}"
    );
    assert_eq!(found(&report, "public_url", "warning").len(), 1, "{report}");
    assert!(!report.to_string().contains("canary"), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_control_host_is_reached_through_the_egress_guard_alone() {
    let world = World::create().await;
    let mut command = world.command(&["doctor"]);
    command.env("LETTERHEAD_CONTROL_HOST", "169.254.169.254");

    let (status, report) = examine(command);

    assert_eq!(status, Some(1), "{report}");
    let failed = found(&report, "egress", "failed");
    assert_eq!(failed.len(), 3, "{report}");
    assert!(failed.iter().all(|text| text.contains("may not connect")), "{report}");
}
