//! The printed manuals: rendered from the sources that lie beside them, and fit to be read.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use letterhead_tests::pdf::{Pdf, squeezed};
use sha2::{Digest, Sha256};
use toml::{Table, Value};

const RENDER: &str = "the manuals are older than their sources: run `make guides`";

/// Values that stand for something else than the words that are printed.
const NOT_PRINTED: [&str; 6] = ["id", "field", "revised", "drawing", "sources", "value"];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("guides")
}

/// Files of one kind in `below` of the guides' folder, relative to it.
fn files(below: &str, kind: &str) -> Vec<String> {
    let entries = fs::read_dir(folder().join(below)).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.ends_with(kind)).map(|name| format!("{below}{name}")).collect()
}

fn source(name: &str) -> Table {
    fs::read_to_string(folder().join(name)).unwrap().parse().unwrap()
}

/// Every guide: its name, its source, its manual.
fn guides() -> Vec<(String, Table, Pdf)> {
    let names = files("pdf/", ".pdf").into_iter();
    names
        .map(|pdf| {
            let id = pdf["pdf/".len()..pdf.len() - ".pdf".len()].to_owned();
            let manual = Pdf::read(&fs::read(folder().join(pdf)).unwrap());
            (id.clone(), source(&format!("{id}.toml")), manual)
        })
        .collect()
}

/// Every text below `value` that is printed.
fn printed(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) => found.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| printed(item, found)),
        Value::Table(table) => {
            let values = table.iter().filter(|(key, _)| !NOT_PRINTED.contains(&key.as_str()));
            values.for_each(|(_, value)| printed(value, found));
        }
        Value::Integer(_) | Value::Float(_) | Value::Boolean(_) | Value::Datetime(_) => {}
    }
}

/// `text` without its markup, and where its links lead.
fn plain(text: &str) -> (String, Vec<String>) {
    let mut links = Vec::new();
    let mut plain = String::new();
    for (at, part) in text.replace("**", "").replace('`', "").split("](").enumerate() {
        let rest = if at == 0 { part } else { part.split_once(')').unwrap().1 };
        if at > 0 {
            links.push(part.split_once(')').unwrap().0.to_owned());
        }
        plain.push_str(&rest.replace('[', ""));
    }
    (plain, links)
}

#[test]
fn manuals_are_as_new_as_their_sources() {
    let record = fs::read_to_string(folder().join("rendered.sha256")).unwrap();
    let recorded: BTreeMap<_, _> = record
        .lines()
        .map(|line| line.split_once("  ").unwrap())
        .map(|(digest, name)| (name.to_owned(), digest.to_owned()))
        .collect();

    let kinds = [("", ".toml"), ("", ".typ"), ("", ".py"), ("", ".txt")];
    let kinds = kinds.into_iter().chain([("drawings/", ".svg"), ("pdf/", ".pdf")]);
    let lying: BTreeMap<_, _> = kinds
        .flat_map(|(below, kind)| files(below, kind))
        .map(|name| {
            let digest = Sha256::digest(fs::read(folder().join(&name)).unwrap());
            (name, format!("{digest:x}"))
        })
        .collect();

    assert_eq!(lying, recorded, "{RENDER}");
}

#[test]
fn every_guide_has_a_manual() {
    let sources: BTreeSet<_> =
        files("", ".toml").into_iter().filter(|name| name != "every-guide.toml").collect();

    let manuals: BTreeSet<_> = guides().into_iter().map(|(id, ..)| format!("{id}.toml")).collect();

    assert_eq!(manuals, sources, "{RENDER}");
}

#[test]
fn a_manual_says_all_that_its_guide_says_as_text() {
    for (id, source, manual) in guides() {
        let said = manual.text();
        let mut texts = Vec::new();
        printed(&Value::Table(source), &mut texts);
        assert!(texts.len() > 10, "{id}");
        for text in texts {
            let expected = squeezed(&plain(&text).0);
            assert!(said.contains(&expected), "{id} lacks: {text}");
        }
    }
}

#[test]
fn links_of_a_manual_lead_where_its_guides_do() {
    for (id, source, manual) in guides() {
        let mut expected: BTreeSet<_> = source["sources"]
            .as_array()
            .unwrap()
            .iter()
            .map(|url| url.as_str().unwrap().to_owned())
            .collect();
        let mut texts = Vec::new();
        printed(&Value::Table(source), &mut texts);
        expected.extend(texts.iter().flat_map(|text| plain(text).1));

        assert_eq!(manual.links(), expected, "{id}");
    }
}

#[test]
fn screen_readers_find_their_way_in_a_manual() {
    let every = source("every-guide.toml");
    let known: BTreeSet<_> = every["drawings"]
        .as_table()
        .unwrap()
        .values()
        .map(|drawing| drawing["alt"].as_str().unwrap().to_owned())
        .collect();

    for (id, source, manual) in guides() {
        assert!(manual.is_tagged(), "{id}");
        assert_eq!(manual.language(), "en-GB", "{id}");
        assert_eq!(manual.title(), format!("{}: set-up guide", source["title"].as_str().unwrap()));
        let pictures = manual.picture_texts();
        assert!(pictures.iter().all(|words| known.contains(words)), "{id}: {pictures:?}");
        assert!(!pictures.is_empty() || !source.contains_key("settings"), "{id}");
    }
}

#[test]
fn pages_are_numbered_and_the_file_is_small() {
    for (id, _, manual) in guides() {
        let (pages, said) = (manual.pages(), manual.text());
        assert!((2..=5).contains(&pages), "{id} has {pages} pages");
        for page in 1..=pages {
            assert!(said.contains(&format!("{page}/{pages}")), "{id}: {page}");
        }
        let size = fs::metadata(folder().join(format!("pdf/{id}.pdf"))).unwrap().len();
        assert!(size < 150 * 1024, "{id} has {size} bytes");
    }
}
