//! Keeps the rules of the house that neither Cargo's manifests nor a lint can keep.
//!
//! It reads what lies in the workspace: the manifests as Cargo sees them, and the sources as
//! text. Text is no syntax tree, so these checks catch what is written the ordinary way, by
//! somebody who has forgotten a rule, not somebody who wants to get round it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

mod public_surface;

/// Lines that a file may have: what a reader can hold in the head, and half as much again.
const LONGEST_FILE: usize = 450;

/// Who of ours may be built upon by whom. Tests may use everything.
const OURS: [(&str, &[&str]); 8] = [
    ("letterhead-domain", &[]),
    ("letterhead-storage", &["letterhead-domain"]),
    ("letterhead-mailer", &["letterhead-domain"]),
    ("letterhead-migrations", &[]),
    ("letterhead-test-database", &["letterhead-migrations"]),
    ("letterhead-test-dns", &[]),
    ("letterhead-test-https", &[]),
    (
        "letterhead",
        &["letterhead-domain", "letterhead-mailer", "letterhead-migrations", "letterhead-storage"],
    ),
];

/// Libraries with one door, and the crates that stand in it.
const DOORS: [(&str, &[&str]); 10] = [
    ("aes-gcm", &["letterhead-storage"]),
    ("hickory-resolver", &["letterhead-mailer"]),
    ("lettre", &["letterhead-mailer"]),
    ("mail-auth", &["letterhead-mailer"]),
    ("poem", &["letterhead", "letterhead-benches"]),
    ("poem-openapi", &["letterhead"]),
    ("rustls", &["letterhead-mailer", "letterhead-test-https"]),
    (
        "sea-orm",
        &[
            "letterhead-storage",
            "letterhead-migrations",
            "letterhead-test-database",
            "letterhead-benches",
        ],
    ),
    ("sea-orm-migration", &["letterhead-migrations"]),
    ("sqlx", &["letterhead-storage", "letterhead-migrations", "letterhead-test-database"]),
];

/// What would bring waiting, input or output, logging or the API's JSON into the domain.
const NOT_IN_THE_DOMAIN: [&str; 6] =
    ["futures-util", "serde", "serde_json", "tokio", "tokio-util", "tracing"];

/// Modules of the program, and those above or beside them that they may not name.
const LAYERS: [(&str, &[&str]); 4] = [
    ("app", &["cli", "http", "portal", "worker"]),
    ("http", &["cli", "portal", "worker"]),
    ("portal", &["cli", "worker"]),
    ("worker", &["cli", "http", "portal"]),
];

const BARE_NAMES: [&str; 8] =
    ["util", "utils", "helper", "helpers", "manager", "common", "misc", "shared"];

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Every Rust source of the workspace, relative to it, with its text.
fn sources() -> Vec<(PathBuf, String)> {
    let root = workspace();
    let mut folders: Vec<_> =
        ["crates", "migrations", "tests"].iter().map(|name| root.join(name)).collect();
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                found.push((path.strip_prefix(&root).unwrap().to_owned(), text));
            }
        }
    }
    assert!(found.len() > 20, "the sources were not found below {}", root.display());
    found
}

/// `(package, dependency)` for everything that is built into the program, tests left out.
fn dependencies() -> BTreeSet<(String, String)> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(workspace())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let mut found = BTreeSet::new();
    for package in metadata["packages"].as_array().unwrap() {
        for dependency in package["dependencies"].as_array().unwrap() {
            if dependency["kind"] != "dev" {
                let name = |value: &Value| value["name"].as_str().unwrap().to_owned();
                found.insert((name(package), name(dependency)));
            }
        }
    }
    found
}

fn assert_none(broken: &[String], rule: &str) {
    assert!(broken.is_empty(), "{rule}:\n  {}", broken.join("\n  "));
}

#[test]
fn crates_of_ours_are_built_upon_in_one_direction() {
    let broken: Vec<_> = dependencies()
        .iter()
        .filter(|(_, dependency)| OURS.iter().any(|(name, _)| name == dependency))
        .filter(|(package, _)| package != "letterhead-tests")
        .filter(|(package, dependency)| {
            !OURS.iter().any(|(name, may)| name == package && may.contains(&dependency.as_str()))
        })
        .map(|(package, dependency)| format!("{package} → {dependency}"))
        .collect();

    assert_none(&broken, "domain ← {storage, mailer} ← the program, never upward or sideways");
}

#[test]
fn libraries_with_one_door_enter_by_it() {
    let broken: Vec<_> = dependencies()
        .iter()
        .filter(|(package, dependency)| {
            DOORS
                .iter()
                .any(|(library, may)| library == dependency && !may.contains(&package.as_str()))
        })
        .map(|(package, dependency)| format!("{package} → {dependency}"))
        .collect();

    assert_none(&broken, "these libraries are for one crate each");
}

#[test]
fn the_domain_neither_waits_nor_logs_nor_knows_json() {
    let broken: Vec<_> = dependencies()
        .iter()
        .filter(|(package, dependency)| {
            package == "letterhead-domain" && NOT_IN_THE_DOMAIN.contains(&dependency.as_str())
        })
        .map(|(_, dependency)| dependency.clone())
        .collect();

    assert_none(&broken, "the domain is words and pure decisions");
}

#[test]
fn layers_of_the_program_never_call_upward() {
    let mut broken = Vec::new();
    for (path, text) in sources() {
        let Ok(inner) = path.strip_prefix("crates/api/src") else { continue };
        let layer = inner.components().next().unwrap().as_os_str().to_string_lossy();
        let layer = layer.trim_end_matches(".rs");
        let Some((_, forbidden)) = LAYERS.iter().find(|(name, _)| *name == layer) else { continue };
        for (number, line) in code_lines(&text) {
            for above in forbidden.iter().filter(|above| names_module(line, above)) {
                broken.push(format!("{}:{number} names {above}", path.display()));
            }
        }
    }

    assert_none(&broken, "main → cli → {http, portal, worker} → app");
}

/// Whether `line` names the module `above` of this crate, alone or in a group of imports.
fn names_module(line: &str, above: &str) -> bool {
    let begins = |rest: &str| {
        rest.strip_prefix(above)
            .is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_'))
    };
    line.match_indices("crate::").any(|(at, prefix)| {
        let rest = &line[at + prefix.len()..];
        begins(rest)
            || rest
                .strip_prefix('{')
                .is_some_and(|group| group.split(',').any(|name| begins(name.trim())))
    })
}

fn code_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines()
        .enumerate()
        .map(|(index, line)| (index + 1, line.trim()))
        .filter(|(_, line)| !line.starts_with("//"))
}

#[test]
fn no_file_is_longer_than_a_reader_can_hold() {
    let broken: Vec<_> = sources()
        .iter()
        .map(|(path, text)| (path, text.lines().count()))
        .filter(|(_, lines)| *lines > LONGEST_FILE)
        .map(|(path, lines)| format!("{} has {lines} lines", path.display()))
        .collect();

    assert_none(&broken, &format!("at most {LONGEST_FILE} lines a file"));
}

#[test]
fn modules_are_named_for_what_they_are() {
    let broken: Vec<_> = sources()
        .iter()
        .filter(|(path, _)| {
            let stem = path.file_stem().unwrap().to_string_lossy();
            stem == "mod" || stem.split('_').any(|word| BARE_NAMES.contains(&word))
        })
        .map(|(path, _)| path.display().to_string())
        .collect();

    assert_none(&broken, "no `mod.rs`, and no module for things that have no name");
}

#[test]
fn a_module_that_is_named_in_a_group_is_seen() {
    let cases = [
        ("use crate::http::problem;", true),
        ("use crate::{app, http};", true),
        ("crate::http::problem()", true),
        ("use crate::app::senders;", false),
        ("use crate::https;", false),
        ("use other::http;", false),
    ];
    for (line, expected) in cases {
        assert_eq!(names_module(line, "http"), expected, "{line}");
    }
}
