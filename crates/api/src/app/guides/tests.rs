use std::str::FromStr;

use letterhead_domain::{smtp_host::SmtpHost, smtp_port::SmtpPort, smtp_settings::Encryption};

use super::*;

/// What a value is tried with: what stands in braces replaced.
fn tried(value: &Value) -> String {
    match value {
        Value::Exact(value) => value.clone(),
        Value::Pattern(pattern) => {
            let parts = pattern.split(['{', '}']).enumerate();
            parts.map(|(at, part)| if at % 2 == 0 { part } else { "example" }).collect()
        }
    }
}

#[test]
fn every_source_makes_a_guide() {
    for file in files::GUIDES {
        if let Err(err) = source::read(file.id, file.source) {
            panic!("{}: {err:?}", file.id);
        }
    }
    assert_eq!(all().len(), files::GUIDES.len());
}

#[test]
fn every_value_is_one_that_the_settings_take() {
    for guide in all() {
        for Setting { field, value, note } in &guide.settings {
            let place = format!("{} {}", guide.id, field.as_str());
            let Some(value) = value else {
                assert!(!note.is_empty(), "{place} says nothing");
                continue;
            };
            let tried = tried(value);
            let taken = match field {
                Field::Host => SmtpHost::from_str(&tried).is_ok(),
                Field::Port => {
                    let port: i64 = tried.parse().unwrap();
                    SmtpPort::try_from(port).is_ok()
                }
                Field::Encryption => Encryption::from_str(&tried).is_ok(),
                Field::Driver => tried == "smtp",
                Field::Username | Field::Password | Field::SenderName | Field::SenderEmail => true,
            };
            assert!(taken, "{place}: {tried}");
        }
    }
}
