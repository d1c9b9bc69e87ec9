use std::collections::BTreeSet;

use super::*;
use crate::smtp_port::SmtpPort;

fn host(text: &str) -> SmtpHost {
    text.parse().unwrap()
}

#[test]
fn ids_and_hosts_are_unique() {
    let ids: BTreeSet<_> = all().iter().map(|provider| provider.id).collect();
    let hosts: Vec<_> = all().iter().flat_map(|p| p.presets).map(|preset| preset.host).collect();
    let unique: BTreeSet<_> = hosts.iter().collect();

    assert_eq!(ids.len(), all().len());
    assert_eq!(unique.len(), hosts.len());
}

#[test]
fn every_row_can_be_filled_into_the_form_as_it_stands() {
    for provider in all() {
        assert!(provider.id.bytes().all(|b| b.is_ascii_lowercase() || b"-0123456789".contains(&b)));
        assert!(!provider.presets.is_empty() && !provider.ways.is_empty(), "{}", provider.id);
        for preset in provider.presets {
            assert_eq!(host(preset.host).as_str(), preset.host);
            let several = provider.presets.len() > 1;
            assert!(preset.place.is_none() || several, "{}", preset.host);
        }
        for way in provider.ways {
            assert!(SmtpPort::try_from(way.port).is_ok(), "{} {}", provider.id, way.port);
            assert!(way.encryption.is_verified_tls(), "{} {}", provider.id, way.port);
        }
        for domain in provider.email_domains {
            assert_eq!(domain.to_ascii_lowercase(), *domain);
        }
    }
}

#[test]
fn a_service_is_known_by_each_of_its_servers() {
    let cases = [
        ("smtp.gmail.com", Some("gmail")),
        ("SMTP.Gmail.com.", Some("gmail")),
        ("smtp-relay.gmail.com", Some("gmail")),
        ("smtp.zoho.com.au", Some("zoho")),
        ("email-smtp.eu-west-1.amazonaws.com", Some("amazon-ses")),
        ("email-smtp.me-south-1.amazonaws.com", Some("amazon-ses")),
        ("email-smtp.amazonaws.com", None),
        ("email-smtp.a.b.amazonaws.com", None),
        ("smtp.gmail.com.evil.example", None),
        ("mail.example", None),
        ("192.0.2.1", None),
    ];
    for (name, expected) in cases {
        assert_eq!(of_host(&host(name)).map(|provider| provider.id), expected, "{name}");
    }
    for provider in all() {
        for preset in provider.presets {
            assert_eq!(of_host(&host(preset.host)), Some(provider), "{}", preset.host);
        }
    }
}

#[test]
fn a_service_is_known_by_the_domain_of_its_mailboxes() {
    let cases = [
        ("gmail.com", Some("gmail")),
        (" GMail.com ", Some("gmail")),
        ("hotmail.co.uk", Some("outlook-com")),
        ("live.fr", Some("outlook-com")),
        ("yahoo.com.ph", Some("yahoo")),
        ("zoho.eu", Some("zoho")),
        ("aurora.onmicrosoft.com", Some("microsoft-365")),
        ("me.com", Some("icloud")),
        ("live.aurora.example", None),
        ("yahoo.example", None),
        ("notyahoo.com", None),
        ("aurora.example", None),
        ("yahoo.", None),
        ("", None),
    ];
    for (domain, expected) in cases {
        assert_eq!(of_email_domain(domain).map(|provider| provider.id), expected, "{domain}");
    }
}

#[test]
fn a_service_is_found_by_its_id_alone() {
    assert_eq!(find("smtp2go").map(|provider| provider.name), Some("SMTP2GO"));
    assert!(find("SMTP2GO").is_none() && find("").is_none());
}
