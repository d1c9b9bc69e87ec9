use super::*;
use crate::{reply::Reply, smtp_settings::Auth};

fn settings(host: &str) -> SmtpSettings {
    SmtpSettings {
        host: host.parse().unwrap(),
        port: 587_u16.try_into().unwrap(),
        encryption: Encryption::Starttls,
        auth: Auth::None,
        sender_name: "Aurora".parse().unwrap(),
        sender_email: "billing@aurora.example".parse().unwrap(),
        reply_to: None,
    }
}

#[test]
fn each_common_failure_has_its_own_advice() {
    let said = |code, text| Cause::Refused(Reply::new(code, text));
    let gmail = "smtp.gmail.com";
    let other = "mail.example";
    let cases = [
        (other, Stage::Policy, Cause::DestinationNotAllowed, "destination_not_allowed"),
        (other, Stage::Resolve, Cause::UnknownHost, "host_not_found"),
        (other, Stage::Connect, Cause::ConnectionRefused, "no_connection"),
        (other, Stage::Connect, Cause::TimedOut, "no_connection"),
        (other, Stage::Greeting, Cause::TimedOut, "server_not_answering"),
        (other, Stage::Tls, Cause::ClearTextOnTls, "wrong_encryption"),
        (other, Stage::Tls, Cause::StarttlsNotOffered, "starttls_not_offered"),
        (
            other,
            Stage::Tls,
            Cause::Certificate(CertificateFault::UnknownIssuer),
            "certificate_not_trusted",
        ),
        (
            gmail,
            Stage::Auth,
            said(534, "5.7.9 Application-specific password required. InvalidSecondFactor"),
            "auth_app_password_needed",
        ),
        (
            gmail,
            Stage::Auth,
            said(535, "5.7.8 Username and Password not accepted. BadCredentials"),
            "auth_bad_password",
        ),
        (other, Stage::Auth, said(535, "5.7.8 no"), "auth_bad_password"),
        (other, Stage::Auth, said(454, "4.7.0 too many logins"), "server_busy"),
        (other, Stage::Sender, said(553, "5.7.1 not owned by user"), "sender_refused"),
        (other, Stage::Recipient, said(553, "5.7.1 not owned by user"), "sender_refused"),
        (other, Stage::Recipient, said(550, "5.1.1 unknown"), "recipient_refused"),
    ];
    for (host, stage, cause, code) in cases {
        let advice = advise(&settings(host), &Failure { stage, cause: cause.clone() });
        assert_eq!(advice.code, code, "{stage:?} {cause:?}");
        assert!(!advice.steps.is_empty());
    }
}

#[test]
fn gmails_two_refusals_lead_to_the_same_guide_by_different_words() {
    let advice = |code, text| {
        let cause = Cause::Refused(Reply::new(code, text));
        advise(&settings("smtp.gmail.com"), &Failure { stage: Stage::Auth, cause })
    };
    let ordinary = advice(534, "5.7.9 Application-specific password required");
    let wrong = advice(535, "5.7.8 Username and Password not accepted");

    assert_eq!((ordinary.guide, wrong.guide), (Some("gmail"), Some("gmail")));
    assert_ne!(ordinary.title, wrong.title);
}

#[test]
fn silence_on_a_port_with_tls_from_the_first_byte_is_about_the_encryption() {
    let failure = Failure { stage: Stage::Greeting, cause: Cause::TimedOut };
    let mut starttls = settings("mail.example");
    starttls.port = 465_u16.try_into().unwrap();
    let mut implicit = starttls.clone();
    implicit.encryption = Encryption::ImplicitTls;

    assert_eq!(advise(&starttls, &failure).code, "wrong_encryption");
    assert_eq!(advise(&implicit, &failure).code, "server_not_answering");
}
