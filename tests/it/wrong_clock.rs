//! A worker on a machine whose clock is set while it works: what decides is the database's time, and
//! the machine's own only where it cannot be set.

use std::{fs, path::PathBuf};

use letterhead_mailer::practice_server::{gate::Point, script::Step};
use letterhead_tests::program::World;
use serde_json::Value;

/// What shifts the time that a process is told, or `None` where it is not installed.
fn faketime() -> Option<PathBuf> {
    let folders = fs::read_dir("/usr/lib").ok()?.filter_map(Result::ok);
    let mut places = folders.map(|folder| folder.path().join("faketime/libfaketimeMT.so.1"));
    places.find(|place| place.is_file())
}

fn outcomes(message: &Value) -> Vec<&str> {
    let attempts = message["attempts"].as_array().expect("attempts");
    attempts.iter().filter_map(|attempt| attempt["outcome"].as_str()).collect()
}

/// Waits until the one leased lane's lease has been extended.
async fn extended(world: &World) {
    let until = "SELECT (extract(epoch FROM max(lease_until)) * 1000)::bigint FROM lanes";
    let before = world.database.number(until).await;
    world.database.wait_until(until, before + 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_set_while_a_worker_works_changes_nothing() {
    let Some(library) = faketime() else {
        eprintln!("skipped: needs faketime");
        return;
    };
    let world = World::create().await;
    let api = world.serve(&[("LETTERHEAD_NO_WORKER", "true")]);
    let aurora = world.live_tenant(&api, "aurora").await;
    let clock = world.folder().join("clock");
    let set_clock = |shift: &str| fs::write(&clock, shift).expect("the clock is set");
    set_clock("+0");
    let (library, file) = (library.to_string_lossy(), clock.to_string_lossy());
    let worker = world.work(&[
        // Shorter, and a busy machine might lose it by itself.
        ("LETTERHEAD_LEASE_SECONDS", "6"),
        ("LD_PRELOAD", &library),
        ("FAKETIME_TIMESTAMP_FILE", &file),
        ("FAKETIME_NO_CACHE", "1"),
        // No clock of a machine that anybody can set: Linux keeps it apart.
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
    ]);
    let gate = world.practice.gate(Point::Dot);
    let first = aurora.send("ann@example.net").await;
    gate.reached().await;
    let other = world.work(&[]);

    for shift in ["+1d", "-2d", "+1d"] {
        set_clock(shift);
        extended(&world).await;
    }
    gate.release();

    let message = aurora.wait_for_message(&first, &["accepted"]).await;
    assert_eq!(outcomes(&message), ["accepted"], "its lane was taken from it");
    drop(other);
    // Now the worker is alone, and a day ahead.
    world.practice.answer(Step::Dot, "451 4.3.0 later");
    let second = aurora.send("ben@example.net").await;
    aurora.wait_for_message(&second, &["deferred"]).await;
    let about_half_a_minute = "SELECT count(*) FROM messages WHERE status = 'deferred'
        AND due_at - updated_at BETWEEN interval '20 s' AND interval '40 s'
        AND abs(extract(epoch FROM updated_at - letterhead_now())) < 3600
        AND abs(extract(epoch FROM header_date - letterhead_now())) < 3600";
    assert_eq!(world.database.number(about_half_a_minute).await, 1);
    // Its ids do tell the machine's time, and so that it was really shifted.
    let a_day_ahead = "SELECT count(*) FROM attempts
        WHERE ('x' || left(replace(id::text, '-', ''), 12))::bit(48)::bigint / 1000
            - extract(epoch FROM letterhead_now()) > 80000";
    assert_eq!(world.database.number(a_day_ahead).await, 1);
    assert!(worker.stop());
    assert_eq!(world.practice.inbox().list().len(), 1);
}
