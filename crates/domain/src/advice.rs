//! What a person should do about a failed test run: one table.

use crate::{
    reply::EnhancedCode,
    smtp_settings::{Encryption, SmtpSettings},
    test_run::{Cause, CertificateFault, Failure, Stage},
    words::words,
};

words! {
    /// Who can mend it.
    Side {
        /// The tenant: settings or account.
        Yours = "yours",
        /// The mail server's people.
        Theirs = "theirs",
        /// The operator of Letterhead.
        Ours = "ours",
    }
}

/// What a person should do about a failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advice {
    /// A stable word for programs.
    pub code: &'static str,
    /// Who can mend it.
    pub side: Side,
    /// What happened, in one sentence.
    pub title: &'static str,
    /// What to do, in order.
    pub steps: &'static [&'static str],
    /// The guide that leads through it, if there is one.
    pub guide: Option<&'static str>,
}

const fn row(
    code: &'static str,
    side: Side,
    title: &'static str,
    steps: &'static [&'static str],
    guide: Option<&'static str>,
) -> Advice {
    Advice { code, side, title, steps, guide }
}

const DESTINATION_NOT_ALLOWED: Advice = row(
    "destination_not_allowed",
    Side::Yours,
    "This service may not connect to this host and port.",
    &[
        "Check the host name for typing errors.",
        "Use a mail submission port: 587 or 465, or 2525 where your provider offers it.",
        "If the server is inside your own network, ask the company that runs this service.",
    ],
    None,
);
const HOST_NOT_FOUND: Advice = row(
    "host_not_found",
    Side::Yours,
    "There is no server with this host name.",
    &[
        "Check the host name for typing errors.",
        "Look it up in your mail provider's help pages; it often begins with smtp. or mail.",
    ],
    None,
);
const NO_CONNECTION: Advice = row(
    "no_connection",
    Side::Yours,
    "The server did not take the connection on this port.",
    &[
        "Check host and port: 587 goes with TLS (STARTTLS), 465 with SSL (implicit TLS).",
        "If both are right, the server may be down or may block us; try port 2525 if your \
         provider offers it.",
    ],
    None,
);
const WRONG_TLS_MODE: Advice = row(
    "wrong_encryption",
    Side::Yours,
    "Port and encryption do not fit together.",
    &[
        "With port 587, 2525 or 2587 choose TLS (STARTTLS).",
        "With port 465 or 2465 choose SSL (implicit TLS).",
        "Save and test again.",
    ],
    None,
);
const STARTTLS_MISSING: Advice = row(
    "starttls_not_offered",
    Side::Theirs,
    "The server does not offer encryption on this port, so no password was sent.",
    &[
        "Try port 465 with SSL (implicit TLS).",
        "If that fails too, ask your mail provider how to send with encryption.",
    ],
    None,
);
const CERTIFICATE: Advice = row(
    "certificate_not_trusted",
    Side::Theirs,
    "The server could not prove that it is the host you entered, so no password was sent.",
    &[
        "Check that the host is the name your provider gives, not an address or another alias.",
        "If it is right, tell your mail provider that the server's certificate is wrong, expired \
         or not signed by a known authority.",
    ],
    None,
);
const GMAIL_APP_PASSWORD: Advice = row(
    "auth_app_password_needed",
    Side::Yours,
    "Google does not take your ordinary password here; it wants an App Password.",
    &[
        "Turn on 2-Step Verification for the Google account.",
        "Make an App Password for it: 16 letters.",
        "Enter the App Password here as the password, save, and test again.",
    ],
    Some("gmail"),
);
const GMAIL_BAD_PASSWORD: Advice = row(
    "auth_bad_password",
    Side::Yours,
    "Google did not accept this user name and App Password.",
    &[
        "Check that the user name is the full e-mail address.",
        "Changing the Google account's password revokes every App Password: make a new one.",
        "Enter the new App Password here, save, and test again.",
    ],
    Some("gmail"),
);
const BAD_PASSWORD: Advice = row(
    "auth_bad_password",
    Side::Yours,
    "The server did not accept the user name and password.",
    &[
        "Check the user name; most providers want the full e-mail address.",
        "Type the password again. Many providers want an app password or an SMTP key instead of \
         the one you sign in with.",
        "Save and test again.",
    ],
    None,
);
const FROM_REFUSED: Advice = row(
    "sender_refused",
    Side::Yours,
    "The server does not let this account send from the sender e-mail address.",
    &[
        "Use the account's own address as sender e-mail, or",
        "ask your mail provider to allow this account to send as that address.",
    ],
    None,
);

// General answers, for what no row above knows. They stay honest: the server's own words are
// shown beside them.
const TRY_LATER: Advice = row(
    "server_busy",
    Side::Theirs,
    "The server asked us to come back later.",
    &["Wait some minutes and test again.", "If it goes on, ask your mail provider."],
    None,
);
const NOT_ANSWERING: Advice = row(
    "server_not_answering",
    Side::Theirs,
    "The server was reached but stopped answering.",
    &[
        "Check port and encryption: 587 goes with TLS (STARTTLS), 465 with SSL (implicit TLS).",
        "Test again in some minutes; if it goes on, ask your mail provider.",
    ],
    None,
);
const NOT_SMTP: Advice = row(
    "not_a_mail_server",
    Side::Yours,
    "What answered on this port does not speak the language of mail servers.",
    &["Check host and port with your mail provider's help pages."],
    None,
);
const AUTH_MISSING: Advice = row(
    "auth_not_offered",
    Side::Theirs,
    "The server offers no sign-in with a password on this port.",
    &[
        "Check host and port: sign-in is offered on submission ports such as 587 or 465.",
        "Ask your mail provider whether sending with a password is allowed for your account.",
    ],
    None,
);
const SECRET_UNREADABLE: Advice = row(
    "password_unreadable",
    Side::Yours,
    "The stored password can no longer be read.",
    &["Type the password again, save, and test again."],
    None,
);
const INTERNAL: Advice = row(
    "interrupted",
    Side::Ours,
    "The test was interrupted on our side.",
    &["Test again.", "If it happens again, tell the company that runs this service."],
    None,
);
const RECIPIENT_REFUSED: Advice = row(
    "recipient_refused",
    Side::Theirs,
    "The server signed us in but refused the recipient of the test.",
    &[
        "Check that the sender e-mail address exists and takes mail.",
        "Read what the server said; it may name a limit of the account.",
    ],
    None,
);
const CONTENT_REFUSED: Advice = row(
    "message_refused",
    Side::Theirs,
    "The server signed us in but refused the test mail itself.",
    &["Read what the server said, and ask your mail provider about it."],
    None,
);
const REFUSED: Advice = row(
    "server_refused",
    Side::Theirs,
    "The server refused the conversation.",
    &["Check host and port.", "Read what the server said; it may not take connections from us."],
    None,
);

/// Where servers speak TLS from the first byte (RFC 8314, and providers' second choices).
const IMPLICIT_TLS_PORTS: [u16; 3] = [465, 2465, 8465];

/// What a person should do about `failure` of a run with `settings`.
pub fn advise(settings: &SmtpSettings, failure: &Failure) -> Advice {
    match &failure.cause {
        Cause::DestinationNotAllowed => DESTINATION_NOT_ALLOWED,
        Cause::UnknownHost => HOST_NOT_FOUND,
        Cause::ResolverFailed => TRY_LATER_DNS,
        Cause::ConnectionRefused | Cause::Unreachable => NO_CONNECTION,
        Cause::TimedOut if failure.stage == Stage::Connect => NO_CONNECTION,
        Cause::ClearTextOnTls | Cause::TlsOnClearText => WRONG_TLS_MODE,
        Cause::Certificate(
            CertificateFault::WrongName
            | CertificateFault::Expired
            | CertificateFault::UnknownIssuer
            | CertificateFault::Other,
        )
        | Cause::TlsHandshake => CERTIFICATE,
        // A server that waits for TLS says nothing to one that waits for its greeting.
        Cause::TimedOut | Cause::Closed
            if failure.stage == Stage::Greeting
                && settings.encryption == Encryption::Starttls
                && IMPLICIT_TLS_PORTS.contains(&settings.port.get()) =>
        {
            WRONG_TLS_MODE
        }
        Cause::TimedOut | Cause::Closed => NOT_ANSWERING,
        Cause::NotSmtp => NOT_SMTP,
        Cause::StarttlsNotOffered => STARTTLS_MISSING,
        Cause::AuthNotOffered => AUTH_MISSING,
        Cause::Smtputf8NotOffered => SMTPUTF8_MISSING,
        Cause::SecretUnreadable => SECRET_UNREADABLE,
        Cause::Interrupted => INTERNAL,
        Cause::Refused(reply) => {
            let google = settings.host.as_str().ends_with("gmail.com")
                || settings.host.as_str().ends_with("googlemail.com");
            let wants_app_password = reply.code == 534
                || reply.enhanced == Some(EnhancedCode(5, 7, 9))
                || reply.says("InvalidSecondFactor");
            match failure.stage {
                _ if reply.is_transient() => TRY_LATER,
                Stage::Auth if wants_app_password && google => GMAIL_APP_PASSWORD,
                Stage::Auth if google => GMAIL_BAD_PASSWORD,
                Stage::Auth => BAD_PASSWORD,
                Stage::Sender => FROM_REFUSED,
                Stage::Recipient if reply.says("not owned by") => FROM_REFUSED,
                Stage::Recipient => RECIPIENT_REFUSED,
                Stage::Message => CONTENT_REFUSED,
                Stage::Policy | Stage::Resolve | Stage::Connect | Stage::Tls | Stage::Greeting => {
                    REFUSED
                }
            }
        }
    }
}

const TRY_LATER_DNS: Advice = row(
    "name_servers_not_answering",
    Side::Theirs,
    "The name servers of this host did not answer.",
    &["Check the host name for typing errors.", "Wait some minutes and test again."],
    None,
);
const SMTPUTF8_MISSING: Advice = row(
    "smtputf8_not_offered",
    Side::Theirs,
    "The server cannot carry the letters before the @ of the sender e-mail address.",
    &["Use a sender e-mail address in plain letters, or ask your mail provider for SMTPUTF8."],
    None,
);

/// Every advice there is.
pub const ALL: &[Advice] = &[
    DESTINATION_NOT_ALLOWED,
    HOST_NOT_FOUND,
    NO_CONNECTION,
    WRONG_TLS_MODE,
    STARTTLS_MISSING,
    CERTIFICATE,
    GMAIL_APP_PASSWORD,
    GMAIL_BAD_PASSWORD,
    BAD_PASSWORD,
    FROM_REFUSED,
    TRY_LATER,
    NOT_ANSWERING,
    NOT_SMTP,
    AUTH_MISSING,
    SECRET_UNREADABLE,
    INTERNAL,
    RECIPIENT_REFUSED,
    CONTENT_REFUSED,
    REFUSED,
    TRY_LATER_DNS,
    SMTPUTF8_MISSING,
];

#[cfg(test)]
mod tests;
