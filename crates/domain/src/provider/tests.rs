use std::collections::BTreeSet;

use super::*;
use crate::smtp_port::SmtpPort;

/// The guides that there are. Those who hold them test that each is some service's own.
const GUIDES: [&str; 12] = [
    "amazon-ses",
    "brevo",
    "gmail",
    "icloud",
    "mailgun",
    "microsoft-365",
    "other",
    "outlook-com",
    "sendgrid",
    "smtp2go",
    "yahoo",
    "zoho",
];

fn host(text: &str) -> SmtpHost {
    text.parse().unwrap()
}

fn presets() -> impl Iterator<Item = (&'static Provider, &'static Preset)> {
    all().iter().flat_map(|provider| provider.presets.iter().map(move |preset| (provider, preset)))
}

fn id(provider: Option<&'static Provider>) -> Option<&'static str> {
    provider.map(|provider| provider.id)
}

fn assert_unique<'a>(what: &str, names: impl IntoIterator<Item = &'a str>) {
    let mut seen = BTreeSet::new();
    for name in names {
        assert!(seen.insert(name), "{what} {name} is there twice");
    }
}

#[test]
fn ids_are_unique_and_fit_into_an_address() {
    assert_unique("the id", all().iter().map(|provider| provider.id));
    assert_unique("the name", all().iter().map(|provider| provider.name));
    for provider in all() {
        let is_slug = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        assert!(provider.id.bytes().all(is_slug), "{}", provider.id);
        assert!(!provider.id.starts_with('-') && !provider.id.ends_with('-'), "{}", provider.id);
    }
}

#[test]
fn no_server_or_domain_belongs_to_two_services() {
    assert_unique("the host", presets().map(|(_, preset)| preset.host));
    assert_unique("the domain", presets().flat_map(|(_, it)| it.email_domains).copied());
    assert_unique("the MX", presets().flat_map(|(_, preset)| preset.mx).copied());
    assert_unique("the pattern", all().iter().flat_map(|it| it.other_hosts).copied());
    for (owner, preset) in presets() {
        for provider in all().iter().filter(|provider| *provider != owner) {
            assert!(!provider.has_host(preset.host), "{} is also {}", preset.host, provider.id);
        }
    }
}

#[test]
fn every_row_can_be_filled_into_the_form_as_it_stands() {
    for provider in all() {
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
    }
}

#[test]
fn every_name_of_the_dns_is_written_as_the_dns_compares_it() {
    for (_, preset) in presets() {
        let domains = preset.email_domains.iter().chain(preset.mx);
        for domain in domains {
            let written_out = domain.replace('*', "com");
            assert_eq!(host(&written_out).as_str(), written_out, "{}", preset.host);
        }
    }
    for provider in all() {
        if let Some(Spf::Include(domain)) = provider.spf {
            // SPF's own names begin with `_`, which no host's does.
            assert!(host(domain.trim_start_matches('_')).address().is_none(), "{domain}");
        }
        for selector in provider.dkim {
            assert_eq!(
                host(&format!("{selector}.example")).as_str(),
                format!("{selector}.example")
            );
        }
    }
}

#[test]
fn every_row_says_where_it_is_written() {
    for provider in all() {
        assert!(!provider.sources.is_empty(), "{}", provider.id);
        for source in provider.sources {
            if let Source::Docs(page) | Source::Page(page) = source {
                let (site, path) = page.split_once('/').unwrap_or((page, ""));
                assert!(site.parse::<SmtpHost>().is_ok(), "{page}");
                assert!(!path.contains([' ', '?', '#']), "{page}");
            }
        }
    }
}

#[test]
fn every_guide_exists_and_leads_through_its_service() {
    for provider in all() {
        assert!(GUIDES.contains(&provider.guide), "{}", provider.guide);
        assert!([provider.id, OTHER_GUIDE].contains(&provider.guide), "{}", provider.id);
    }
    let with_guide = all().iter().filter(|provider| provider.has_own_guide()).count();
    assert_eq!(with_guide, GUIDES.len() - 1, "the other one is for everybody else");
}

#[test]
fn services_with_a_guide_are_offered_first() {
    let mut rest = all().iter().skip_while(|provider| provider.has_own_guide());

    assert!(rest.all(|provider| !provider.has_own_guide()));
}

#[test]
fn what_is_said_of_the_sign_in_fits_together() {
    for provider in all() {
        let password_works = provider.sign_in.contains(&SignInKind::Password);
        let none_works = provider.password == Some(PasswordKind::NoneWorks);
        assert!(!provider.sign_in.is_empty() && password_works != none_works, "{}", provider.id);
        assert!(provider.password.is_none() || provider.username.is_some(), "{}", provider.id);
        let is_fixed = provider.username == Some(UsernameKind::Fixed);
        assert_eq!(provider.fixed_username.is_some(), is_fixed, "{}", provider.id);
    }
}

#[test]
fn limits_are_said_once_and_in_words_that_fit() {
    for provider in all() {
        let mut seen = BTreeSet::new();
        for Limit { most, on, per, plan, whose } in provider.limits {
            assert!(*most > 0, "{}", provider.id);
            assert_eq!(plan.is_none(), *whose == Whose::Everybodys, "{}", provider.id);
            assert!(seen.insert((on, per, plan)), "{} says {on:?} twice", provider.id);
            match (on, per) {
                (LimitOn::Connections, per) => assert_eq!(*per, LimitPer::Once),
                (LimitOn::Bytes, per) => assert_eq!(*per, LimitPer::Message),
                (LimitOn::Messages | LimitOn::Recipients, per) => {
                    assert_ne!(*per, LimitPer::Once);
                }
            }
        }
    }
}

#[test]
fn a_service_is_known_by_each_of_its_servers() {
    let cases = [
        ("smtp.gmail.com", Some("gmail")),
        ("SMTP.Gmail.com.", Some("gmail")),
        ("smtp.googlemail.com", Some("gmail")),
        ("smtp-relay.gmail.com", Some("google-workspace-relay")),
        ("smtp.zoho.com.au", Some("zoho")),
        ("smtp.yandex.ru", Some("yandex")),
        ("smtp.mail.yahoo.co.jp", Some("yahoo-japan")),
        ("email-smtp.eu-west-1.amazonaws.com", Some("amazon-ses")),
        ("email-smtp.me-south-1.amazonaws.com", Some("amazon-ses")),
        ("email-smtp.amazonaws.com", None),
        ("email-smtp.a.b.amazonaws.com", None),
        ("smtp.gmail.com.evil.example", None),
        ("smtp-gmail.com", None),
        ("notsmtp.gmail.com", None),
        ("gmail.com", None),
        ("smtp.office365.com.evil.example", None),
        ("smtp.zoho.com.evil.example", None),
        ("smtp.gmaıl.com", None),
        ("mail.example", None),
        ("192.0.2.1", None),
    ];
    for (name, expected) in cases {
        assert_eq!(id(of_host(&host(name))), expected, "{name}");
    }
    for (provider, preset) in presets() {
        assert_eq!(of_host(&host(preset.host)), Some(provider), "{}", preset.host);
    }
}

#[test]
fn a_service_is_known_by_the_domain_of_its_mailboxes() {
    let cases = [
        ("gmail.com", Some("gmail")),
        (" GMail.com ", Some("gmail")),
        ("gmail.com.", Some("gmail")),
        ("hotmail.co.uk", Some("outlook-com")),
        ("live.fr", Some("outlook-com")),
        ("yahoo.com.ph", Some("yahoo")),
        ("yahoo.co.jp", Some("yahoo-japan")),
        ("zoho.eu", Some("zoho")),
        ("gmx.de", Some("gmx")),
        ("gmx.ph", Some("gmx")),
        ("verizon.net", Some("aol")),
        ("aurora.onmicrosoft.com", Some("microsoft-365")),
        ("me.com", Some("icloud")),
        ("free.fr", Some("free-fr")),
        ("onmicrosoft.com", None),
        (".onmicrosoft.com", None),
        ("a.b.onmicrosoft.com", None),
        ("live.aurora.example", None),
        ("yahoo.example", None),
        ("notgmail.com", None),
        ("gmail.com.evil.example", None),
        ("gmail.co", None),
        ("gmail.com..", None),
        ("notyahoo.com", None),
        ("yahoo.com.evil.example", None),
        ("yahoo.com.a.b", None),
        ("mail.gmail.com", None),
        ("*", None),
        ("yahoo.*", None),
        ("yahoo.c0m", None),
        ("*.onmicrosoft.com", None),
        ("gmaıl.com", None),
        ("gmail.com\0.evil.example", None),
        ("aurora.example", None),
        ("yahoo.", None),
        ("", None),
    ];
    for (domain, expected) in cases {
        assert_eq!(id(of_email_domain(domain)), expected, "{domain}");
    }
}

#[test]
fn a_service_is_known_by_who_takes_a_domains_mail_in() {
    let cases = [
        ("aspmx.l.google.com", Some("gmail")),
        ("ALT1.ASPMX.L.Google.com.", Some("gmail")),
        ("aspmx2.googlemail.com", Some("gmail")),
        ("smtp.google.com", Some("gmail")),
        ("aurora-example.mail.protection.outlook.com", Some("microsoft-365")),
        ("aurora-example.o-v1.mx.microsoft", Some("microsoft-365")),
        ("outlook-com.olc.protection.outlook.com", Some("outlook-com")),
        ("mx-biz.mail.am0.yahoodns.net", Some("yahoo")),
        ("mx.zoho.eu", Some("zoho")),
        ("in1-smtp.messagingengine.com", Some("fastmail")),
        ("mx01.mail.icloud.com", Some("icloud")),
        ("mx1.privateemail.com", Some("namecheap")),
        ("mx1.hostinger.com", Some("hostinger")),
        ("aspmx.l.google.com.evil.example", None),
        ("notgoogle.com", None),
        ("evil-mail.protection.outlook.com", None),
        ("mail.protection.outlook.com.evil.example", None),
        ("protection.outlook.com", None),
        ("yahoodns.net.evil.example", None),
        ("xmessagingengine.com", None),
        ("inbound-smtp.eu-west-1.amazonaws.com", None),
        ("mx.aurora.example", None),
        ("192.0.2.1", None),
        (".", None),
        ("", None),
    ];
    for (name, expected) in cases {
        assert_eq!(id(of_mx(name)), expected, "{name}");
    }
}

#[test]
fn a_mailbox_is_led_to_the_server_of_its_region() {
    let zoho = find("zoho").unwrap();
    let gmx = find("gmx").unwrap();

    let of_domain = [
        (zoho, "zoho.com", "smtp.zoho.com"),
        (zoho, "Zoho.com.au", "smtp.zoho.com.au"),
        (zoho, "zohomail.eu", "smtp.zoho.eu"),
        (zoho, "aurora.example", "smtp.zoho.com"),
        (gmx, "gmx.at", "mail.gmx.net"),
        (gmx, "gmx.co.uk", "mail.gmx.com"),
    ];
    for (provider, domain, expected) in of_domain {
        assert_eq!(provider.preset_of_email_domain(domain).host, expected, "{domain}");
    }
    let of_mx = [
        (zoho, "mx2.zoho.com", "smtppro.zoho.com"),
        (zoho, "mx.zoho.in.", "smtppro.zoho.in"),
        (zoho, "mx.zoho.com.au", "smtppro.zoho.com.au"),
        (zoho, "mx.aurora.example", "smtp.zoho.com"),
    ];
    for (provider, mx, expected) in of_mx {
        assert_eq!(provider.preset_of_mx(mx).host, expected, "{mx}");
    }
}

#[test]
fn a_service_is_found_by_its_id_alone() {
    assert_eq!(find("smtp2go").map(|provider| provider.name), Some("SMTP2GO"));
    assert!(find("SMTP2GO").is_none() && find("").is_none());
}
