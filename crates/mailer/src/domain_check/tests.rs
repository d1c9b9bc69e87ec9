//! Domains of every kind, looked up at a name server of our own.

use std::fmt::Write;

use letterhead_domain::{
    domain_check::{CheckStatus, DomainCheck, Finding, Policy},
    provider,
};
use letterhead_test_dns::{Behaviour, DnsServer, Zone};

use super::*;
use crate::egress::policy::EgressPolicy;

const DOMAIN: &str = "aurora.example";

fn subject(from: &str, host: &str) -> Subject {
    let (host, from): (
        letterhead_domain::smtp_host::SmtpHost,
        letterhead_domain::email::EmailAddress,
    ) = (host.parse().unwrap(), from.parse().unwrap());
    let (provider, owner) = (provider::of_host(&host), provider::of_email_domain(from.domain()));
    Subject { from, host, provider, owner }
}

async fn checked(server: &DnsServer, subject: &Subject) -> DomainCheck {
    let policy = EgressPolicy { allowed: Vec::new(), extra_ports: Vec::new() };
    let resolver = Resolver::servers(&[server.address()]).unwrap();
    let guard = EgressGuard::new(policy, resolver);
    let facts = look_up(&guard, subject, SmtpPort::try_from(587_u16).unwrap()).await;
    subject.decide(facts, chrono::DateTime::default())
}

/// What is found about a sender at Google.
async fn at_google(zone: Zone) -> DomainCheck {
    let server = DnsServer::start(zone).await;
    checked(&server, &subject("billing@aurora.example", "smtp.gmail.com")).await
}

/// Google's record as it was in 2026: one include that leads to three more.
fn google() -> Zone {
    Zone::new()
        .txt("_spf.google.com", "v=spf1 include:_a.google.com include:_b.google.com ~all")
        .txt("_a.google.com", "v=spf1 ip4:192.0.2.0/24 ~all")
        .txt("_b.google.com", "v=spf1 ip6:2001:db8::/32 ~all")
}

/// `count` includes of names with records of their own.
fn includes(mut zone: Zone, count: u32) -> Zone {
    let mut record = "v=spf1".to_owned();
    for number in 0..count {
        write!(record, " include:i{number}.example").unwrap();
        zone = zone.txt(&format!("i{number}.example"), "v=spf1 ip4:192.0.2.1 -all");
    }
    zone.txt(DOMAIN, &(record + " -all"))
}

#[tokio::test]
async fn a_domain_that_is_set_up_well_is_in_order() {
    let zone = google()
        .txt(DOMAIN, "google-site-verification=1")
        .txt(DOMAIN, "v=spf1 include:_spf.google.com -all")
        .txt(
            "google._domainkey.aurora.example",
            "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
        )
        .txt("_dmarc.aurora.example", "v=DMARC1; p=reject; rua=mailto:dmarc@aurora.example")
        .mx(DOMAIN, 5, "second.aurora.example")
        .mx(DOMAIN, 1, "smtp.google.com");

    let check = at_google(zone).await;

    assert_eq!(check.status(), CheckStatus::Ok, "{check:#?}");
    assert_eq!(check.spf.finding, Finding::SpfOk);
    assert_eq!(check.spf_lookups, Some(3));
    assert_eq!(check.dkim.finding, Finding::DkimOk);
    assert_eq!(check.dmarc.finding, Finding::DmarcOk);
    assert_eq!(check.dmarc_detail.policy, Some(Policy::Reject));
    assert!(check.mx.message().contains("smtp.google.com, second.aurora.example"));
}

#[tokio::test]
async fn a_domain_that_does_not_exist_has_nothing() {
    let check = at_google(Zone::new()).await;

    assert_eq!(check.spf.finding, Finding::SpfMissing);
    assert_eq!(check.dkim.finding, Finding::DkimMissing);
    assert_eq!(check.dmarc.finding, Finding::DmarcMissing);
    assert_eq!(check.mx.finding, Finding::MxMissing);
}

#[tokio::test]
async fn ten_look_ups_are_allowed_and_the_eleventh_spoils_the_record() {
    let (ten, eleven) =
        (at_google(includes(google(), 10)).await, at_google(includes(google(), 11)).await);

    // The record itself is fine, but there is no room for the service.
    assert_eq!(ten.spf.finding, Finding::SpfFull);
    assert_eq!(ten.spf_lookups, Some(10));
    assert_eq!(eleven.spf.finding, Finding::SpfTooManyLookups);
    assert_eq!(eleven.spf_lookups, Some(11));
}

#[tokio::test]
async fn what_the_include_of_the_service_would_cost_is_counted_before_it_is_proposed() {
    let room = at_google(includes(google(), 7)).await;
    let no_room = at_google(includes(google(), 8)).await;

    assert_eq!(room.spf.finding, Finding::SpfNotAllowed);
    let suggested = room.spf.suggested.unwrap().value;
    assert!(suggested.ends_with(" include:i6.example include:_spf.google.com -all"), "{suggested}");
    assert_eq!(no_room.spf.finding, Finding::SpfFull);
    assert!(no_room.spf.message().contains("11 look-ups"), "{}", no_room.spf.message());
}

#[tokio::test]
async fn records_that_no_receiver_can_use_are_told_apart() {
    let cases = [
        ("v=spf1 include:aurora.example -all", Finding::SpfLoop, "aurora.example"),
        ("v=spf1 include:round.example -all", Finding::SpfLoop, "round.example"),
        ("v=spf1 include:nowhere.example -all", Finding::SpfTarget, "nowhere.example"),
        ("v=spf1 redirect=nowhere.example", Finding::SpfTarget, "nowhere.example"),
        ("v=spf1 include:two.example -all", Finding::SpfTarget, "two.example"),
        ("v=spf1 include:unreadable.example -all", Finding::SpfTarget, "unreadable.example"),
        ("v=spf1 a mx ip4:192.0.2.300 -all", Finding::SpfSyntax, "ip4:192.0.2.300"),
        ("v=spf1 include: -all", Finding::SpfSyntax, "include:"),
        ("v=spf1 a:n1.example a:n2.example mx:n3.example -all", Finding::SpfTooManyVoids, ""),
    ];
    for (record, finding, named) in cases {
        let zone = google()
            .txt(DOMAIN, record)
            .txt("round.example", "v=spf1 include:again.example -all")
            .txt("again.example", "v=spf1 include:round.example -all")
            .txt("two.example", "v=spf1 -all")
            .txt("two.example", "v=spf1 +all")
            .txt("unreadable.example", "v=spf1 ip4:x");

        let spf = at_google(zone).await.spf;

        assert_eq!(spf.finding, finding, "{record}");
        assert!(spf.message().contains(named), "{record}: {}", spf.message());
        assert_eq!(spf.suggested, None, "{record}");
    }
}

#[tokio::test]
async fn two_look_ups_may_find_nothing_and_what_stands_behind_all_is_not_looked_up() {
    let record = "v=spf1 a:n1.example a:n2.example include:_spf.google.com -all a:n3.example";
    let server = DnsServer::start(google().txt(DOMAIN, record)).await;

    let check = checked(&server, &subject("billing@aurora.example", "smtp.gmail.com")).await;

    assert_eq!(check.spf.finding, Finding::SpfOk);
    assert_eq!(check.spf_lookups, Some(5));
    assert_eq!(server.questions("n3.example"), 0);
}

#[tokio::test]
async fn two_spf_records_are_one_too_many() {
    let zone = Zone::new()
        .txt(DOMAIN, "v=spf1 -all")
        .txt(DOMAIN, "V=SPF1 mx -all")
        .txt(DOMAIN, "v=spf10 is none");

    let spf = at_google(zone).await.spf;

    assert_eq!(spf.finding, Finding::SpfMultiple);
    assert!(spf.message().contains("has 2 SPF records"));
}

#[tokio::test]
async fn macros_of_the_sender_are_followed_and_those_of_the_way_are_not() {
    let known = google()
        .txt(DOMAIN, "v=spf1 include:%{l}.%{d2} -all")
        .txt("billing.aurora.example", "v=spf1 include:_spf.google.com ~all");
    let unknown =
        google().txt(DOMAIN, "v=spf1 include:%{ir}.%{v}.x.example exists:%{i}.y.example -all");

    let (known, unknown) = (at_google(known).await, at_google(unknown).await);

    assert_eq!(known.spf.finding, Finding::SpfOk);
    assert_eq!(unknown.spf.finding, Finding::SpfServiceUnclear);
    assert_eq!(unknown.spf_lookups, Some(2));
}

#[tokio::test]
async fn a_server_of_ones_own_is_judged_by_its_addresses_if_the_guard_admits_them() {
    let own = subject("billing@aurora.example", "mail.aurora.example");
    let cases = [
        ("v=spf1 a:mail.aurora.example -all", "93.184.215.14", Finding::SpfServerPasses),
        ("v=spf1 mx -all", "93.184.215.14", Finding::SpfServerPasses),
        ("v=spf1 ip4:93.184.215.0/24 -all", "93.184.215.14", Finding::SpfServerPasses),
        ("v=spf1 ip4:93.184.216.0/24 -all", "93.184.215.14", Finding::SpfServerNotNamed),
        ("v=spf1 redirect=_spf.google.com", "93.184.215.14", Finding::SpfServerNotNamed),
        ("v=spf1 ptr -all", "93.184.215.14", Finding::SpfServerUnclear),
        // Nothing is told of an address inside the operator's network.
        ("v=spf1 ip4:10.0.0.5 -all", "10.0.0.5", Finding::SpfServerUnclear),
        ("v=spf1 ip4:10.0.0.6 -all", "10.0.0.5", Finding::SpfServerUnclear),
    ];
    for (record, address, finding) in cases {
        let zone = google()
            .txt(DOMAIN, record)
            .mx(DOMAIN, 10, "mail.aurora.example")
            .address("mail.aurora.example", address.parse::<IpAddr>().unwrap());
        let server = DnsServer::start(zone).await;

        let check = checked(&server, &own).await;

        assert_eq!(check.spf.finding, finding, "{record} {address}");
        assert_eq!(check.dkim.finding, Finding::DkimUnknown);
    }
}

#[tokio::test]
async fn keys_are_found_behind_aliases() {
    let office = subject("billing@aurora.example", "smtp.office365.com");
    let zone = Zone::new()
        .alias("selector1._domainkey.aurora.example", "key1.onmicrosoft.example")
        .txt(
            "key1.onmicrosoft.example",
            "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
        )
        .alias("selector2._domainkey.aurora.example", "key2.onmicrosoft.example");
    let server = DnsServer::start(zone).await;

    let dkim = checked(&server, &office).await.dkim;

    assert_eq!(dkim.finding, Finding::DkimOk);
    assert!(dkim.message().contains("(selector1)"), "{}", dkim.message());
}

#[tokio::test]
async fn dmarc_is_the_domains_own_or_that_of_the_organisation() {
    let own = "_dmarc.aurora.example";
    let above = "_dmarc.example";
    let cases: [(&[(&str, &str)], _, _); 7] = [
        (
            &[(own, "v=DMARC1; p=quarantine"), (above, "v=DMARC1; p=reject")],
            Finding::DmarcUnclear,
            Some(Policy::Quarantine),
        ),
        (&[(above, "v=DMARC1; p=none; sp=reject")], Finding::DmarcUnclear, Some(Policy::Reject)),
        (&[(own, "v=DMARC1; p=none"), (own, "v=DMARC1; p=reject")], Finding::DmarcMultiple, None),
        (&[(own, "v=DMARC1; p=perhaps")], Finding::DmarcBroken, None),
        (&[(own, "v=DMARC1")], Finding::DmarcBroken, None),
        (
            &[(own, "v=DMARC1; rua=mailto:a@aurora.example")],
            Finding::DmarcWatching,
            Some(Policy::None),
        ),
        (
            &[(own, "some text"), (own, "v=DMARC1; p=none")],
            Finding::DmarcWatching,
            Some(Policy::None),
        ),
    ];
    for (records, finding, policy) in cases {
        let zone = records.iter().fold(Zone::new(), |zone, (name, text)| zone.txt(name, text));

        let check = at_google(zone).await;

        assert_eq!(
            (check.dmarc.finding, check.dmarc_detail.policy),
            (finding, policy),
            "{records:?}"
        );
    }
}

#[tokio::test]
async fn a_null_mx_says_that_nobody_can_answer() {
    let check = at_google(Zone::new().mx(DOMAIN, 0, "")).await;

    assert_eq!(check.mx.finding, Finding::MxNull);
}

#[tokio::test]
async fn names_that_fail_or_flood_leave_what_they_hide_unknown() {
    for behaviour in [
        Behaviour::Failure,
        Behaviour::AliasOfItself,
        Behaviour::EndlessAliases,
        Behaviour::Flood { lying: true },
    ] {
        let told = format!("{behaviour:?}");
        let zone = google()
            .txt(DOMAIN, "v=spf1 a:hostile.example include:_spf.google.com -all")
            .misbehaving("hostile.example", behaviour);

        let check = at_google(zone).await;

        let bounded = [Finding::SpfNoAnswer, Finding::SpfOk];
        assert!(bounded.contains(&check.spf.finding), "{told}: {:?}", check.spf.finding);
        assert_eq!(check.dmarc.finding, Finding::DmarcMissing, "{told}");
    }
}

#[tokio::test]
async fn ten_thousand_answers_are_no_answer() {
    let zone = google()
        .txt(DOMAIN, "v=spf1 include:_spf.google.com -all")
        .misbehaving("_dmarc.aurora.example", Behaviour::Flood { lying: true });

    let check = at_google(zone).await;

    assert_eq!(check.spf.finding, Finding::SpfOk);
    assert!(check.dmarc.status() != CheckStatus::Ok, "{:?}", check.dmarc.finding);
}

#[tokio::test]
async fn silence_leaves_one_part_unknown_and_the_others_are_told() {
    let zone = google()
        .txt(DOMAIN, "v=spf1 include:silent.example -all")
        .misbehaving("silent.example", Behaviour::Silence)
        .txt("_dmarc.aurora.example", "v=DMARC1; p=none");
    let server = DnsServer::start(zone).await;

    let check = checked(&server, &subject("billing@aurora.example", "smtp.gmail.com")).await;

    assert_eq!(check.spf.finding, Finding::SpfNoAnswer);
    assert_eq!(check.dmarc.finding, Finding::DmarcWatching);
}

#[tokio::test]
async fn a_record_that_leads_everywhere_asks_a_bounded_number_of_questions() {
    let mut zone = includes(google(), 40);
    for number in 0..40 {
        zone = zone.txt(&format!("i{number}.example"), "v=spf1 a mx include:i0.example -all");
    }
    let server = DnsServer::start(zone).await;
    let resolver = Resolver::servers(&[server.address()]).unwrap();
    let policy = EgressPolicy { allowed: Vec::new(), extra_ports: Vec::new() };
    let guard = EgressGuard::new(policy, resolver.clone());
    let subject = subject("billing@aurora.example", "smtp.gmail.com");

    let facts = look_up(&guard, &subject, SmtpPort::try_from(587_u16).unwrap()).await;

    assert!(matches!(facts.spf, SpfFacts::Broken { .. }), "{:?}", facts.spf);
    assert!(resolver.lookups() <= usize::try_from(MAX_QUESTIONS).unwrap());
}

#[tokio::test]
async fn of_a_mailbox_services_own_domain_only_the_policy_is_looked_up() {
    let server =
        DnsServer::start(Zone::new().txt("_dmarc.gmail.com", "v=DMARC1; p=none; sp=quarantine"))
            .await;

    let check = checked(&server, &subject("ann@gmail.com", "mail.smtp2go.com")).await;

    assert_eq!(check.dmarc.finding, Finding::DmarcForeign);
    assert_eq!(check.dmarc_detail.policy, Some(Policy::None));
    assert_eq!(server.names_asked(), ["_dmarc.gmail.com"]);
}
