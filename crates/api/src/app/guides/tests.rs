use std::{fs, path::Path, str::FromStr};

use letterhead_domain::{
    advice::{Advice, advise, all as all_advice},
    provider,
    reply::Reply,
    smtp_host::SmtpHost,
    smtp_port::SmtpPort,
    smtp_settings::{Auth, Encryption, SmtpSettings},
    test_run::{Cause, Failure, Stage},
};

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

#[test]
fn what_lies_in_the_folder_is_built_in() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../guides");
    let lying = |below: &str, ending: &str| {
        let entries = fs::read_dir(folder.join(below)).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let stems = names.filter_map(|name| name.strip_suffix(ending).map(str::to_owned));
        let mut stems: Vec<_> = stems.filter(|stem| stem != "every-guide").collect();
        stems.sort();
        stems
    };
    let sorted = |mut names: Vec<&'static str>| {
        names.sort_unstable();
        names
    };

    let guides = sorted(files::GUIDES.iter().map(|file| file.id).collect());
    let drawings = sorted(files::DRAWINGS.iter().map(|(name, _)| *name).collect());

    assert_eq!(guides, lying("", ".toml"));
    assert_eq!(drawings, lying("drawings", ".svg"));
}

#[test]
fn every_drawing_is_seen_in_a_guide() {
    let blocks = all().iter().flat_map(|guide| &guide.sections).flat_map(|section| &section.blocks);
    let mut seen: Vec<_> = blocks
        .filter_map(|block| match block {
            Block::Drawing(drawing) => Some(drawing.name.as_str()),
            Block::Text(_)
            | Block::Steps { .. }
            | Block::Info(_)
            | Block::Warning(_)
            | Block::Reasons(_)
            | Block::Settings => None,
        })
        .collect();
    seen.sort_unstable();
    seen.dedup();

    let drawings: Vec<_> = files::DRAWINGS.iter().map(|(name, _)| *name).collect();
    assert_eq!(seen, drawings);
}

#[test]
fn drawings_bring_nothing_that_a_page_may_not_run_or_fetch() {
    for (name, svg) in files::DRAWINGS {
        let svg = str::from_utf8(svg).unwrap();
        for refused in ["<script", "<style", "style=", "<foreignObject", "href", "url(", "onload"] {
            assert!(!svg.contains(refused), "{name}: {refused}");
        }
    }
}

#[test]
fn steps_are_counted_through_their_section() {
    let enter = find("gmail").unwrap().sections.iter().find(|section| section.id == "enter");
    let counted: Vec<_> = enter
        .unwrap()
        .blocks
        .iter()
        .filter_map(|block| match block {
            Block::Steps { first, steps } => Some((*first, steps.len())),
            Block::Text(_)
            | Block::Info(_)
            | Block::Warning(_)
            | Block::Reasons(_)
            | Block::Settings
            | Block::Drawing(_) => None,
        })
        .collect();

    assert_eq!(counted, [(1, 3), (4, 2)]);
}

/// Whether `value` can mean `host`.
fn means(value: &Value, host: &str) -> bool {
    match value {
        Value::Exact(exact) => exact == host,
        Value::Pattern(pattern) => {
            let (before, rest) = pattern.split_once('{').unwrap();
            let (_, after) = rest.split_once('}').unwrap();
            host.starts_with(before) && host.ends_with(after)
        }
    }
}

#[test]
fn guides_and_the_list_of_providers_say_the_same() {
    for provider in provider::all() {
        let guide = find(provider.guide).unwrap_or_else(|| panic!("no guide {}", provider.guide));
        if guide.settings.is_empty() || !provider.has_own_guide() {
            continue;
        }
        let entered = |field| {
            let setting = guide.settings.iter().find(|setting| setting.field == field);
            setting.and_then(|setting| setting.value.as_ref())
        };
        let says = |field, text: &str| entered(field).is_some_and(|value| means(value, text));
        let way = provider.first_way();

        assert!(says(Field::Host, provider.presets[0].host), "{}", guide.id);
        assert!(says(Field::Port, &way.port.to_string()), "{}", guide.id);
        assert!(says(Field::Encryption, way.encryption.as_str()), "{}", guide.id);
        if let Some(name) = provider.fixed_username {
            assert!(says(Field::Username, name), "{}", guide.id);
        }
    }
}

#[test]
fn every_guide_is_some_services_own_or_the_one_for_the_others() {
    for guide in all() {
        let own = provider::find(guide.id).is_some_and(|provider| provider.guide == guide.id);
        assert!(own != (guide.id == provider::OTHER_GUIDE), "{}", guide.id);
    }
}

/// What a person is told when `host` answers the sign-in with `code` and `text`.
fn advice(host: &str, code: u16, text: &str) -> Advice {
    let settings = SmtpSettings {
        host: host.parse().unwrap(),
        port: 587_u16.try_into().unwrap(),
        encryption: Encryption::Starttls,
        auth: Auth::None,
        sender_name: "Aurora".parse().unwrap(),
        sender_email: "billing@aurora.example".parse().unwrap(),
        reply_to: None,
    };
    let cause = Cause::Refused(Reply::new(code, text));
    advise(&settings, &Failure { stage: Stage::Auth, cause })
}

#[test]
fn every_guide_that_advice_names_is_there() {
    for guide in all_advice().iter().filter_map(|advice| advice.guide).chain(["other"]) {
        assert!(find(guide).is_some(), "{guide}");
    }
}

#[test]
fn the_guide_that_advice_names_says_what_to_do_about_it() {
    let mut named = 0;
    for host in provider::all().iter().flat_map(|provider| provider.presets) {
        for (code, text) in [(534, "5.7.9 InvalidSecondFactor"), (535, "5.7.8 BadCredentials")] {
            let advice = advice(host.host, code, text);
            let id = advice.guide.expect("a guide");
            let guide = find(id).unwrap_or_else(|| panic!("there is no guide {id}"));
            // Where no password works, the whole guide is about that.
            if guide.settings.is_empty() {
                continue;
            }
            let sections = guide.sections.iter().flat_map(|section| &section.blocks);
            let mut reasons = sections.filter_map(|block| match block {
                Block::Reasons(reasons) => Some(reasons),
                Block::Text(_)
                | Block::Steps { .. }
                | Block::Info(_)
                | Block::Warning(_)
                | Block::Settings
                | Block::Drawing(_) => None,
            });
            let title = advice.title.trim_end_matches('.');
            let told = |reason: &Reason| reason.when.to_string().starts_with(title);
            assert!(reasons.any(|reasons| reasons.iter().any(told)), "{id}: {}", advice.title);
            named += 1;
        }
    }
    assert!(named >= 2, "no advice names a guide");
}
