use super::*;

fn at(host: &str, port: u16, encryption: Encryption) -> SmtpSettings {
    SmtpSettings { port: port.try_into().unwrap(), encryption, ..settings(host) }
}

/// What stops a run without a word of the server, and the advice that belongs to it.
pub(super) fn cases() -> Vec<(SmtpSettings, Failure, &'static str)> {
    use Cause::{Certificate, Closed, ConnectionRefused, TimedOut, Unreachable};
    use Encryption::{ImplicitTls, Starttls};
    use Stage::{Auth, Connect, Greeting, Message, Policy, Resolve, Tls};
    let other = "mail.example";
    let gmail = "smtp.gmail.com";
    let cases = vec![
        (other, 587, Starttls, Policy, Cause::DestinationNotAllowed, "destination_not_allowed"),
        (other, 587, Starttls, Resolve, Cause::UnknownHost, "host_not_found"),
        (other, 587, Starttls, Resolve, Cause::ResolverFailed, "name_servers_not_answering"),
        (other, 587, Starttls, Resolve, TimedOut, "name_servers_not_answering"),
        (other, 587, Starttls, Connect, ConnectionRefused, "no_connection"),
        (other, 587, Starttls, Connect, TimedOut, "no_connection"),
        (other, 587, Starttls, Connect, Unreachable, "no_route"),
        (other, 25, Starttls, Connect, Cause::PortBlocked, "port_blocked"),
        (other, 25, Starttls, Connect, TimedOut, "port_25_closed"),
        ("mail.smtp2go.com", 587, Starttls, Connect, TimedOut, "no_connection"),
        ("smtp.office365.com", 465, ImplicitTls, Connect, TimedOut, "port_not_offered"),
        (gmail, 2525, Starttls, Connect, ConnectionRefused, "port_not_offered"),
        (gmail, 587, Starttls, Connect, ConnectionRefused, "no_connection"),
        // TLS from the first byte where a server begins in clear text, and the reverse.
        (other, 587, ImplicitTls, Tls, Cause::ClearTextOnTls, "wrong_encryption"),
        (other, 587, ImplicitTls, Tls, Closed, "wrong_encryption"),
        (other, 587, ImplicitTls, Tls, TimedOut, "wrong_encryption"),
        (other, 465, Starttls, Greeting, Cause::TlsOnClearText, "wrong_encryption"),
        (other, 465, Starttls, Greeting, TimedOut, "wrong_encryption"),
        (other, 465, Starttls, Greeting, Closed, "wrong_encryption"),
        (other, 465, ImplicitTls, Greeting, TimedOut, "server_not_answering"),
        (other, 587, Starttls, Greeting, TimedOut, "server_not_answering"),
        (other, 465, ImplicitTls, Tls, Closed, "server_not_answering"),
        (other, 587, Starttls, Auth, TimedOut, "conversation_broken"),
        (other, 587, Starttls, Message, Closed, "conversation_broken"),
        (other, 587, Starttls, Tls, Cause::StarttlsNotOffered, "starttls_not_offered"),
        (other, 587, Starttls, Tls, Cause::TlsHandshake, "tls_failed"),
        (other, 587, Starttls, Greeting, Cause::NotSmtp, "not_a_mail_server"),
        (other, 587, Starttls, Auth, Cause::AuthNotOffered, "auth_not_offered"),
        (other, 587, Encryption::None, Auth, Cause::AuthNotOffered, "encryption_required"),
        (other, 587, Starttls, Auth, Cause::SecretUnreadable, "password_unreadable"),
        (other, 587, Starttls, Stage::Sender, Cause::Smtputf8NotOffered, "smtputf8_not_offered"),
        (other, 587, Starttls, Message, Cause::Interrupted, "interrupted"),
        // Certificates.
        (
            other,
            587,
            Starttls,
            Tls,
            Certificate(CertificateFault::WrongName),
            "certificate_wrong_name",
        ),
        (other, 587, Starttls, Tls, Certificate(CertificateFault::Expired), "certificate_expired"),
        (
            other,
            587,
            Starttls,
            Tls,
            Certificate(CertificateFault::UnknownIssuer),
            "certificate_not_trusted",
        ),
        (other, 587, Starttls, Tls, Certificate(CertificateFault::Other), "certificate_refused"),
        // What a provider's own server never does.
        (gmail, 587, Starttls, Tls, Cause::StarttlsNotOffered, "connection_intercepted"),
        (gmail, 587, Starttls, Greeting, Cause::NotSmtp, "connection_intercepted"),
        (
            gmail,
            465,
            ImplicitTls,
            Tls,
            Certificate(CertificateFault::UnknownIssuer),
            "connection_intercepted",
        ),
        (
            gmail,
            465,
            ImplicitTls,
            Tls,
            Certificate(CertificateFault::Expired),
            "certificate_expired",
        ),
        // Outlook.com does not offer what it does not take.
        (
            "smtp-mail.outlook.com",
            587,
            Starttls,
            Auth,
            Cause::AuthNotOffered,
            "auth_password_impossible",
        ),
    ];
    let case = |(host, port, encryption, stage, cause, code)| {
        (at(host, port, encryption), Failure { stage, cause }, code)
    };
    cases.into_iter().map(case).collect()
}

#[test]
fn what_stops_a_run_before_the_sign_in_is_told_apart() {
    for (settings, failure, code) in cases() {
        let SmtpSettings { host, port, .. } = &settings;
        assert_eq!(advise(&settings, &failure).code, code, "{host}:{port} {failure:?}");
    }
}

#[test]
fn what_the_operator_must_mend_is_not_laid_on_the_tenant() {
    let cases = vec![
        (Stage::Connect, Cause::Unreachable),
        (Stage::Connect, Cause::PortBlocked),
        (Stage::Message, Cause::Interrupted),
        (Stage::Greeting, Cause::Refused(reply("554 5.7.1 blocked using zen.spamhaus.org"))),
        (Stage::Tls, Cause::StarttlsNotOffered),
    ];
    for (stage, cause) in cases {
        let told = advice(&settings("smtp.gmail.com"), stage, cause);
        assert_eq!(told.side, Side::Ours, "{}", told.code);
    }
}
