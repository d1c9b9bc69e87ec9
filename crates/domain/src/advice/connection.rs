//! From the destination to an encrypted conversation: what stops a run before anybody signs in.

use super::{
    Side,
    row::{
        Guide, Row, Words, caused, is_starttls_on_a_tls_port, is_tls_on_a_starttls_port,
        port_is_none_of_the_providers, row, said_not_now, way_is_one_of_the_providers,
    },
};
use crate::test_run::{
    Cause, CertificateFault,
    Stage::{self, Auth, Connect, Greeting, Message, Recipient, Resolve, Sender, Tls},
};

const DESTINATION_NOT_ALLOWED: Words = Words {
    code: "destination_not_allowed",
    side: Side::Yours,
    guide: Guide::No,
    title: "This service may not connect to this host and port.",
    steps: &[
        "Check the host name for typing errors.",
        "Use a mail submission port: 587 or 465, or 2525 where your provider offers it.",
        "If the server is inside your own network, ask the company that runs this service.",
    ],
};
const HOST_NOT_FOUND: Words = Words {
    code: "host_not_found",
    side: Side::Yours,
    guide: Guide::OfProvider,
    title: "There is no server with this host name.",
    steps: &[
        "Check the host name for typing errors.",
        "Look it up in your mail provider's help pages; it often begins with smtp. or mail.",
    ],
};
const NAME_SERVERS_NOT_ANSWERING: Words = Words {
    code: "name_servers_not_answering",
    side: Side::Theirs,
    guide: Guide::No,
    title: "The name servers of this host did not answer.",
    steps: &["Check the host name for typing errors.", "Wait some minutes and test again."],
};
const PORT_NOT_OFFERED: Words = Words {
    code: "port_not_offered",
    side: Side::Yours,
    guide: Guide::OfProvider,
    title: "Your mail service has no server on this port.",
    steps: &[
        "Choose your mail service from the list again: that fills in the right port and \
         encryption.",
        "Save and test again.",
    ],
};
const PORT_25: Words = Words {
    code: "port_25_closed",
    side: Side::Yours,
    guide: Guide::OfProvider,
    title: "The server did not take the connection on port 25, which most networks keep closed.",
    steps: &[
        "Change the port to 587 and the encryption to TLS (STARTTLS).",
        "Save and test again.",
        "If that fails too, try port 465 with SSL (implicit TLS).",
    ],
};
const NO_CONNECTION: Words = Words {
    code: "no_connection",
    side: Side::Yours,
    guide: Guide::OfProvider,
    title: "The server did not take the connection on this port.",
    steps: &[
        "Check host and port: 587 goes with TLS (STARTTLS), 465 with SSL (implicit TLS).",
        "If both are right, the server may be down or may block us; try port 2525 if your \
         provider offers it.",
    ],
};
const PORT_BLOCKED: Words = Words {
    code: "port_blocked",
    side: Side::Ours,
    guide: Guide::OfProvider,
    title: "Connections by this port do not get out of our network, whatever the server.",
    steps: &[
        "Tell the company that runs this service that the port is blocked; your settings are not \
         the reason.",
        "If your mail service offers port 2525, you can change the port to that, and the \
         encryption to TLS (STARTTLS), and test again.",
    ],
};
const NO_ROUTE: Words = Words {
    code: "no_route",
    side: Side::Ours,
    guide: Guide::No,
    title: "There is no way from here to the address of this server.",
    steps: &[
        "Check the host name for typing errors.",
        "If it is right, tell the company that runs this service: the server may have an IPv6 \
         address only, or our network keeps us from it.",
    ],
};
const WRONG_ENCRYPTION: Words = Words {
    code: "wrong_encryption",
    side: Side::Yours,
    guide: Guide::OfProvider,
    title: "Port and encryption do not fit together.",
    steps: &[
        "Change the encryption to the one that goes with your port: TLS (STARTTLS) with 587, SSL \
         (implicit TLS) with 465.",
        "Of other ports, 25, 2525, 2587 and 8025 go with TLS (STARTTLS), 2465 and 8465 with SSL \
         (implicit TLS).",
        "Save and test again.",
    ],
};
const INTERCEPTED: Words = Words {
    code: "connection_intercepted",
    side: Side::Ours,
    guide: Guide::No,
    title: "What answered is not the server of your mail service, so no password was sent.",
    steps: &[
        "Tell the company that runs this service: something in its network, such as a firewall, \
         comes between us and your mail service.",
        "Leave your settings as they are, and test again when they have looked into it.",
    ],
};
const STARTTLS_MISSING: Words = Words {
    code: "starttls_not_offered",
    side: Side::Theirs,
    guide: Guide::OfProvider,
    title: "The server does not offer encryption on this port, so no password was sent.",
    steps: &[
        "Try port 465 with SSL (implicit TLS).",
        "If that fails too, ask your mail provider how to send with encryption.",
    ],
};
const TLS_UNAVAILABLE: Words = Words {
    code: "tls_unavailable",
    side: Side::Theirs,
    guide: Guide::No,
    title: "The server cannot encrypt at the moment, so no password was sent.",
    steps: &[
        "Wait some minutes and test again.",
        "If it goes on, tell your mail provider what the server said.",
    ],
};
const TLS_FAILED: Words = Words {
    code: "tls_failed",
    side: Side::Theirs,
    guide: Guide::OfProvider,
    title: "The server and we found no encryption that both know, so no password was sent.",
    steps: &[
        "Try the other pair of port and encryption: 587 with TLS (STARTTLS), or 465 with SSL \
         (implicit TLS).",
        "If that fails too, tell your mail provider that its server must offer TLS 1.2 or newer.",
    ],
};
const CERTIFICATE_WRONG_NAME: Words = Words {
    code: "certificate_wrong_name",
    side: Side::Yours,
    guide: Guide::OfProvider,
    title: "The server's certificate is for another host name, so no password was sent.",
    steps: &[
        "Enter the host name exactly as your mail provider gives it: not a number, and not an \
         alias of your own domain.",
        "“Show details” lists the names that the certificate is for; if one of them is your \
         provider's, that is the host to enter.",
        "Save and test again.",
    ],
};
const CERTIFICATE_EXPIRED: Words = Words {
    code: "certificate_expired",
    side: Side::Theirs,
    guide: Guide::No,
    title: "The server's certificate has run out or is not valid yet, so no password was sent.",
    steps: &[
        "Tell your mail provider, or whoever looks after this server, that its certificate must \
         be renewed.",
        "Test again when that is done; your settings need no change.",
    ],
};
const CERTIFICATE_NOT_TRUSTED: Words = Words {
    code: "certificate_not_trusted",
    side: Side::Theirs,
    guide: Guide::OfProvider,
    title: "The server's certificate is not signed by an authority that we know, so no password \
            was sent.",
    steps: &[
        "Check that the host is the name your mail provider gives.",
        "If it is right, tell whoever looks after this server that it needs a certificate from a \
         known authority, such as Let's Encrypt.",
        "If it is your own company's server, the company that runs this service can be asked to \
         trust its authority.",
    ],
};
const CERTIFICATE_REFUSED: Words = Words {
    code: "certificate_refused",
    side: Side::Theirs,
    guide: Guide::OfProvider,
    title: "The server could not prove that it is the host you entered, so no password was sent.",
    steps: &[
        "Check that the host is the name your mail provider gives, not an address or an alias.",
        "If it is right, tell your mail provider that the server's certificate is faulty.",
    ],
};
const NOT_ANSWERING: Words = Words {
    code: "server_not_answering",
    side: Side::Theirs,
    guide: Guide::OfProvider,
    title: "The server was reached but stopped answering.",
    steps: &[
        "Check port and encryption: 587 goes with TLS (STARTTLS), 465 with SSL (implicit TLS).",
        "Test again in some minutes; if it goes on, ask your mail provider.",
    ],
};
const CONVERSATION_BROKEN: Words = Words {
    code: "conversation_broken",
    side: Side::Theirs,
    guide: Guide::No,
    title: "The server stopped answering in the middle of the conversation.",
    steps: &[
        "Wait some minutes and test again; your settings need no change for that.",
        "If it goes on, ask your mail provider: “Show details” tells how far it went.",
    ],
};
const NOT_SMTP: Words = Words {
    code: "not_a_mail_server",
    side: Side::Yours,
    guide: Guide::OfProvider,
    title: "What answered on this port does not speak the language of mail servers.",
    steps: &["Check host and port with your mail provider's help pages.", "Save and test again."],
};
const SMTPUTF8_MISSING: Words = Words {
    code: "smtputf8_not_offered",
    side: Side::Theirs,
    guide: Guide::No,
    title: "The server cannot carry the letters before the @ of the sender e-mail address.",
    steps: &[
        "Use a sender e-mail address in plain letters, or ask your mail provider for SMTPUTF8.",
    ],
};
const SECRET_UNREADABLE: Words = Words {
    code: "password_unreadable",
    side: Side::Yours,
    guide: Guide::No,
    title: "The stored password can no longer be read.",
    steps: &["Type the password again, save, and test again."],
};
const INTERRUPTED: Words = Words {
    code: "interrupted",
    side: Side::Ours,
    guide: Guide::No,
    title: "The test was interrupted on our side.",
    steps: &["Test again.", "If it happens again, tell the company that runs this service."],
};

/// From the sign-in on.
const LATER: &[Stage] = &[Auth, Sender, Recipient, Message];

const fn no_connection(cause: &Cause) -> bool {
    matches!(cause, Cause::ConnectionRefused | Cause::TimedOut | Cause::Unreachable)
}

const fn silence(cause: &Cause) -> bool {
    matches!(cause, Cause::TimedOut | Cause::Closed)
}

/// What the true server of a known provider never does on a port that the provider names.
const fn is_not_like_a_provider(cause: &Cause) -> bool {
    matches!(
        cause,
        Cause::StarttlsNotOffered
            | Cause::NotSmtp
            | Cause::Certificate(CertificateFault::WrongName | CertificateFault::UnknownIssuer)
    )
}

pub(super) const ROWS: &[Row] = &[
    row(caused(|cause| matches!(cause, Cause::DestinationNotAllowed)), &DESTINATION_NOT_ALLOWED),
    row(caused(|cause| matches!(cause, Cause::UnknownHost)), &HOST_NOT_FOUND),
    row(caused(|cause| matches!(cause, Cause::ResolverFailed)), &NAME_SERVERS_NOT_ANSWERING),
    row(
        caused(|cause| matches!(cause, Cause::TimedOut)).at(&[Resolve]),
        &NAME_SERVERS_NOT_ANSWERING,
    ),
    row(caused(|cause| matches!(cause, Cause::SecretUnreadable)), &SECRET_UNREADABLE),
    row(caused(|cause| matches!(cause, Cause::Interrupted)), &INTERRUPTED),
    row(caused(|cause| matches!(cause, Cause::Smtputf8NotOffered)), &SMTPUTF8_MISSING),
    row(caused(|cause| matches!(cause, Cause::PortBlocked)), &PORT_BLOCKED),
    // No connection: first what the port tells.
    row(caused(no_connection).at(&[Connect]).also(|case| case.settings.port.get() == 25), &PORT_25),
    row(
        caused(no_connection).at(&[Connect]).also(port_is_none_of_the_providers),
        &PORT_NOT_OFFERED,
    ),
    row(caused(|cause| matches!(cause, Cause::Unreachable)), &NO_ROUTE),
    row(caused(|cause| matches!(cause, Cause::TimedOut)).at(&[Connect]), &NO_CONNECTION),
    row(caused(|cause| matches!(cause, Cause::ConnectionRefused)), &NO_CONNECTION),
    // The two sides do not begin in the same way.
    row(
        caused(|cause| matches!(cause, Cause::ClearTextOnTls | Cause::TlsOnClearText)),
        &WRONG_ENCRYPTION,
    ),
    // A server that waits for TLS says nothing to one that waits for its greeting.
    row(caused(silence).at(&[Greeting]).also(is_starttls_on_a_tls_port), &WRONG_ENCRYPTION),
    // And one that has greeted hangs up on what it cannot read, or waits for the end of the line.
    row(caused(silence).at(&[Tls]).also(is_tls_on_a_starttls_port), &WRONG_ENCRYPTION),
    // Somebody who strips STARTTLS, or signs certificates of his own, shows only where it is known
    // what the true server does.
    row(
        caused(is_not_like_a_provider).at(&[Tls, Greeting]).also(way_is_one_of_the_providers),
        &INTERCEPTED,
    ),
    row(caused(|cause| matches!(cause, Cause::StarttlsNotOffered)), &STARTTLS_MISSING),
    row(
        caused(|cause| matches!(cause, Cause::Certificate(CertificateFault::WrongName))),
        &CERTIFICATE_WRONG_NAME,
    ),
    row(
        caused(|cause| matches!(cause, Cause::Certificate(CertificateFault::Expired))),
        &CERTIFICATE_EXPIRED,
    ),
    row(
        caused(|cause| matches!(cause, Cause::Certificate(CertificateFault::UnknownIssuer))),
        &CERTIFICATE_NOT_TRUSTED,
    ),
    row(caused(|cause| matches!(cause, Cause::Certificate(_))), &CERTIFICATE_REFUSED),
    row(caused(|cause| matches!(cause, Cause::TlsHandshake)), &TLS_FAILED),
    row(said_not_now().at(&[Tls]), &TLS_UNAVAILABLE),
    row(caused(silence).at(LATER), &CONVERSATION_BROKEN),
    row(caused(silence), &NOT_ANSWERING),
    row(caused(|cause| matches!(cause, Cause::NotSmtp)), &NOT_SMTP),
];
