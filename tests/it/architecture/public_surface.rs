//! No type of the database's or the mail library is in what storage and mailer show the others,
//! so that either library could be changed without anybody noticing.

use std::fs;
use std::path::Path;

use super::{assert_none, code_lines, workspace};

const FOREIGN: [(&str, &[&str]); 2] = [
    ("crates/storage/src", &["sea_orm", "sqlx", "aes_gcm"]),
    (
        "crates/mailer/src",
        &[
            "lettre",
            "rustls",
            "tokio_rustls",
            "hickory_resolver",
            "mail_auth",
            "moka",
            "rcgen",
            "x509_parser",
        ],
    ),
];

#[test]
fn foreign_types_stay_inside_storage_and_mailer() {
    let mut broken = Vec::new();
    for (folder, crates) in FOREIGN {
        let root = workspace().join(folder);
        check_module(&root.join("lib.rs"), &root, crates, &mut broken);
    }

    assert_none(&broken, "no foreign type in a public signature");
}

/// Checks the module in `file` and those it declares public, which lie in `folder`.
fn check_module(file: &Path, folder: &Path, crates: &[&str], broken: &mut Vec<String>) {
    let text = fs::read_to_string(file).unwrap();
    let text = text.split("#[cfg(test)]\nmod ").next().unwrap();
    let names = foreign_names(text, crates);
    for (number, item) in public_items(text) {
        if let Some(name) = names.iter().find(|name| names_word(&item, name)) {
            broken.push(format!("{}:{number} shows {name}", file.display()));
        }
    }
    for (_, line) in code_lines(text) {
        let declared = line.strip_prefix("pub mod ").and_then(|rest| rest.strip_suffix(';'));
        if let Some(name) = declared {
            check_module(&folder.join(format!("{name}.rs")), &folder.join(name), crates, broken);
        }
    }
}

/// The crates' own names, and every name that is imported from them.
fn foreign_names(text: &str, crates: &[&str]) -> Vec<String> {
    let mut names: Vec<_> = crates.iter().map(|name| format!("{name}::")).collect();
    let code: Vec<_> = code_lines(text).map(|(_, line)| line).collect();
    for import in code.join(" ").split(';') {
        let Some(at) = import.find("use ") else { continue };
        let path = &import[at + 4..];
        if !crates.iter().any(|name| path.starts_with(&format!("{name}::"))) {
            continue;
        }
        let leaves = path.split([',', '{', '}']).filter_map(|leaf| {
            let leaf = leaf.trim().rsplit("::").next()?;
            leaf.rsplit(" as ").next().map(str::trim)
        });
        names.extend(leaves.filter(|leaf| leaf.starts_with(char::is_uppercase)).map(String::from));
    }
    names
}

/// Text of each public item up to its body or end, with the line it begins on. The fields of a
/// public structure are items of their own.
fn public_items(text: &str) -> Vec<(usize, String)> {
    let lines: Vec<_> = code_lines(text).collect();
    lines
        .iter()
        .enumerate()
        .filter(|(_, (_, line))| line.starts_with("pub "))
        .map(|(at, (number, _))| {
            let mut item = String::new();
            for (_, line) in &lines[at..] {
                item.push_str(line);
                item.push(' ');
                if line.ends_with(['{', ';', ',', '}']) && balanced(&item) {
                    break;
                }
            }
            (*number, without_private_fields(item))
        })
        .collect()
}

/// A structure without names for its fields shows only those that are public.
fn without_private_fields(item: String) -> String {
    match item.split_once('(') {
        Some((head, fields)) if head.starts_with("pub struct ") => {
            fields.split(',').filter(|field| field.contains("pub ")).collect()
        }
        Some(_) | None => item,
    }
}

/// Whether no parenthesis is left open: a list of parameters goes on over several lines.
fn balanced(item: &str) -> bool {
    item.matches('(').count() == item.matches(')').count()
}

/// Whether `name` stands in `item` as a whole word; one that ends in `::` needs no end.
fn names_word(item: &str, name: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    item.match_indices(name).any(|(at, _)| {
        let before = item[..at].chars().next_back().is_some_and(part);
        let after =
            !name.ends_with("::") && item[at + name.len()..].chars().next().is_some_and(part);
        !before && !after
    })
}

#[test]
fn a_foreign_name_is_found_where_it_is_public_only() {
    let text = "use lettre::{Address as Mailbox, transport::smtp::Error};\n\
        pub fn one(\n    who: &Mailbox,\n) -> u8 {\n    Error::new()\n}\n\
        fn two(who: Mailbox) {}\n\
        pub(crate) fn three(who: Mailbox) {}\n\
        pub fn four(who: &MailboxName) -> OurError {\n}\n\
        pub struct Five {\n    pub cause: Error,\n    own: Error,\n}\n\
        pub use lettre::message;\n\
        pub struct Six(#[source] Error);\n\
        pub struct Seven(pub Error);\n";
    let names = foreign_names(text, &["lettre"]);

    let found: Vec<_> = public_items(text)
        .into_iter()
        .filter(|(_, item)| names.iter().any(|name| names_word(item, name)))
        .map(|(number, _)| number)
        .collect();

    assert_eq!(found, [2, 12, 15, 17]);
}
