use super::*;

fn email(text: &str) -> EmailAddress {
    text.parse().unwrap()
}

fn ann() -> EmailAddress {
    email("ann@aurora.example")
}

fn target(priority: u16, weight: u16, port: u16, host: &str) -> SrvTarget {
    SrvTarget { priority, weight, port, host: host.to_owned() }
}

fn published(host: &str, username: Option<&str>, sign_in: &[SignInKind]) -> PublishedServer {
    PublishedServer {
        host: host.to_owned(),
        port: 465,
        encryption: Encryption::ImplicitTls,
        username: username.map(str::to_owned),
        sign_in: sign_in.to_vec(),
    }
}

fn names(candidates: &[Candidate]) -> Vec<String> {
    candidates.iter().map(|it| format!("{}:{}", it.host, it.port)).collect()
}

#[test]
fn a_known_domain_gives_its_service_and_who_signs_in() {
    let found = by_domain(&email("Ann@gmail.com")).unwrap();

    assert_eq!(found.host.as_str(), "smtp.gmail.com");
    assert_eq!(found.username.as_ref().map(Username::as_str), Some("Ann@gmail.com"));
    assert_eq!((found.confidence, found.sources), (Confidence::High, vec![Source::Catalogue]));
    assert_eq!(by_domain(&ann()), None);
}

#[test]
fn the_first_exchange_that_is_known_decides() {
    let exchanges = ["mx.aurora.example", "aspmx.l.google.com", "mx.zoho.com"];

    let found = by_mx(&ann(), exchanges).unwrap();

    assert_eq!(found.host.as_str(), "smtp.gmail.com");
    assert_eq!((found.confidence, found.sources), (Confidence::Medium, vec![Source::Mx]));
    assert_eq!(by_mx(&ann(), ["mx.aurora.example"]), None);
}

#[test]
fn targets_come_by_priority_and_weight_and_the_surer_the_nearer_they_are() {
    let targets = vec![
        target(20, 0, 587, "backup.aurora.example"),
        target(10, 1, 587, "mail.elsewhere.example"),
        target(10, 9, 587, "smtp.gmail.com"),
        target(0, 0, 0, ""),
        target(0, 0, 0, "mail.aurora.example"),
        target(30, 0, 587, "notaurora.example"),
        target(30, 0, 587, "under_score.aurora.example"),
    ];

    let found = by_srv(&ann(), Encryption::Starttls, targets);

    let found: Vec<_> = found.iter().map(|it| (it.host.as_str(), it.confidence)).collect();
    assert_eq!(
        found,
        [
            ("smtp.gmail.com", Confidence::High),
            ("mail.elsewhere.example", Confidence::Medium),
            ("backup.aurora.example", Confidence::High),
            ("notaurora.example", Confidence::Medium),
        ]
    );
}

#[test]
fn placeholders_of_a_published_file_are_filled_here() {
    let cases = [
        (Some("%EMAILADDRESS%"), Some("ann@aurora.example")),
        (Some("%EMAILLOCALPART%"), Some("ann")),
        (Some("%EMAILLOCALPART%.%EMAILDOMAIN%"), Some("ann.aurora.example")),
        (Some("everybody"), Some("everybody")),
        (Some("two\nlines"), None),
        (None, Some("ann@aurora.example")),
    ];
    for (template, expected) in cases {
        let server = published("smtp.%EMAILDOMAIN%", template, &[SignInKind::Password]);

        let found = by_autoconfig(&ann(), vec![server]);

        assert_eq!(found[0].host.as_str(), "smtp.aurora.example");
        assert_eq!(found[0].username.as_ref().map(Username::as_str), expected, "{template:?}");
    }
}

#[test]
fn what_is_no_host_or_no_port_is_left_out() {
    let hosts = ["", "two words", "%EMAILADDRESS%", "https://smtp.aurora.example"];
    let servers = hosts.map(|host| published(host, None, &[SignInKind::Password]));
    let no_port = PublishedServer { port: 0, ..published("smtp.aurora.example", None, &[]) };

    let found = by_autoconfig(&ann(), servers.into_iter().chain([no_port]).collect());

    assert_eq!(found, []);
}

#[test]
fn a_server_that_several_sources_name_stands_once_with_all_of_them() {
    let password = [SignInKind::Password];
    let mut found = by_srv(
        &ann(),
        Encryption::ImplicitTls,
        vec![target(0, 0, 465, "smtp.host.example"), target(1, 0, 465, "other.host.example")],
    );
    let file = vec![published("smtp.host.example", Some("%EMAILLOCALPART%"), &password)];
    found.extend(by_autoconfig(&ann(), file));

    let ranked = ranked(found);

    assert_eq!(names(&ranked), ["smtp.host.example:465", "other.host.example:465"]);
    let best = &ranked[0];
    assert_eq!(best.sources, [Source::Autoconfig, Source::Srv]);
    assert_eq!(best.username.as_ref().map(Username::as_str), Some("ann"));
    assert_eq!((best.confidence, ranked[1].confidence), (Confidence::High, Confidence::Medium));
}

#[test]
fn a_server_without_passwords_comes_last_and_is_not_said_to_be_sure() {
    let mut found = by_mx(&ann(), ["aspmx.l.google.com"]).into_iter().collect::<Vec<_>>();
    let token_only = vec![published("smtp.aurora.example", None, &[SignInKind::Oauth2])];
    found.extend(by_autoconfig(&ann(), token_only));
    found.extend(by_domain(&email("ann@outlook.com")));

    let ranked = ranked(found);

    let ranked: Vec<_> = ranked.iter().map(|it| (it.host.as_str(), it.confidence)).collect();
    assert_eq!(ranked[0], ("smtp.gmail.com", Confidence::Medium));
    assert_eq!(ranked[2], ("smtp.aurora.example", Confidence::Low));
    assert_eq!(ranked[1].1, Confidence::Low);
}

#[test]
fn every_source_says_why_in_one_sentence() {
    let gmail = provider::find("gmail");
    for source in Source::ALL {
        for provider in [gmail, None] {
            let why = source.why("aurora.example", provider);
            assert!(why.ends_with('.') && why.contains("aurora.example"), "{why}");
        }
    }
}
