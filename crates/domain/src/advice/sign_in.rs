//! What any server may say about the sign-in: the codes of RFC 4954 and RFC 5248, and words that many
//! servers share.

use super::{
    Side,
    row::{Guide, Row, Words, caused, row, said, said_for_good},
};
use crate::{
    reply::EnhancedCode as E,
    smtp_settings::Encryption,
    test_run::{
        Cause,
        Stage::{Auth, Message, Recipient, Sender},
    },
};

const ENCRYPTION_REQUIRED: Words = Words {
    code: "encryption_required",
    side: Side::Yours,
    guide: Guide::OfProvider,
    title: "The server takes passwords and mail only over an encrypted connection.",
    steps: &[
        "Change the encryption to TLS (STARTTLS) with port 587, or to SSL (implicit TLS) with \
         port 465.",
        "Save and test again.",
    ],
};
const NOT_OFFERED: Words = Words {
    code: "auth_not_offered",
    side: Side::Theirs,
    guide: Guide::OfProvider,
    title: "The server offers no sign-in with a password on this port.",
    steps: &[
        "Check host and port: sign-in is offered on submission ports such as 587 or 465.",
        "Ask your mail provider whether sending with a password is allowed for your account.",
    ],
};
const KIND_REFUSED: Words = Words {
    code: "auth_kind_refused",
    side: Side::Theirs,
    guide: Guide::OfProvider,
    title: "The server does not take this kind of sign-in, with a user name and a password.",
    steps: &[
        "Ask your mail provider whether programs may send with a password, and where that is \
         turned on for your account.",
        "Check that the host is your provider's server for sending, not the one for reading mail.",
    ],
};
const REQUIRED: Words = Words {
    code: "auth_required",
    side: Side::Yours,
    guide: Guide::OfProvider,
    title: "The server takes mail only from those who sign in.",
    steps: &[
        "Enter the user name and password of your mail account, save, and test again.",
        "If both are entered, check that host and port are those your mail provider gives for \
         sending.",
    ],
};
const APP_PASSWORD: Words = Words {
    code: "auth_app_password_needed",
    side: Side::Yours,
    guide: Guide::OfProvider,
    title: "The server does not take your ordinary password; it wants an app password.",
    steps: &[
        "Make an app password in the security settings of your mail account: a password for this \
         one program.",
        "Enter it here as the password, save, and test again.",
    ],
};
const PASSWORD_CHANGE: Words = Words {
    code: "auth_password_expired",
    side: Side::Yours,
    guide: Guide::OfProvider,
    title: "The mail account's password has run out or must be changed.",
    steps: &[
        "Sign in to the mail account with a browser, and change its password there.",
        "Enter the new one here as the password, save, and test again.",
    ],
};
const ACCOUNT_BLOCKED: Words = Words {
    code: "account_blocked",
    side: Side::Yours,
    guide: Guide::OfProvider,
    title: "Your mail service has locked or suspended this account.",
    steps: &[
        "Sign in to the mail account with a browser, and follow what it says there.",
        "If it says nothing, ask your mail provider to unlock the account.",
        "Then test again.",
    ],
};
const ADDRESS_NOT_LISTED: Words = Words {
    code: "our_address_not_listed",
    side: Side::Yours,
    guide: Guide::OfProvider,
    title: "Your mail service does not take mail of this account from our address (IP).",
    steps: &[
        "Ask the company that runs this service for the IP addresses that it sends from.",
        "Add them to the addresses that your mail service allows for this account, and test \
         again.",
    ],
};
const TOO_MANY_TRIES: Words = Words {
    code: "auth_too_many_tries",
    side: Side::Yours,
    guide: Guide::OfProvider,
    title: "The server has seen too many sign-ins that failed and takes none for a while.",
    steps: &[
        "Wait an hour before you test again: more tries may make the wait longer.",
        "Meanwhile compare user name and password with what your mail provider gives, and enter \
         them again if they differ.",
    ],
};
const UNAVAILABLE: Words = Words {
    code: "auth_unavailable",
    side: Side::Theirs,
    guide: Guide::No,
    title: "The server cannot check passwords at the moment; yours may well be right.",
    steps: &[
        "Wait some minutes and test again.",
        "If it goes on, tell your mail provider what the server said.",
    ],
};
/// For the providers that want an address there.
pub(super) const USERNAME: Words = Words {
    code: "auth_username_incomplete",
    side: Side::Yours,
    guide: Guide::OfProvider,
    title: "The server did not accept this user name, which is not a full e-mail address.",
    steps: &[
        "Enter the full e-mail address as the user name, with all that follows the @.",
        "Enter its password again, save, and test again.",
    ],
};
const BAD_PASSWORD: Words = Words {
    code: "auth_bad_password",
    side: Side::Yours,
    guide: Guide::OfProvider,
    title: "The server did not accept the user name and password.",
    steps: &[
        "Check the user name, most often the full e-mail address, and type the password again.",
        "Many providers want an app password or an SMTP key instead of the password you sign in \
         with.",
        "Save and test again.",
    ],
};

pub(super) const ROWS: &[Row] = &[
    row(
        caused(|cause| matches!(cause, Cause::AuthNotOffered))
            .also(|case| case.settings.encryption == Encryption::None),
        &ENCRYPTION_REQUIRED,
    ),
    row(caused(|cause| matches!(cause, Cause::AuthNotOffered)), &NOT_OFFERED),
    row(said_for_good().code(&[538]), &ENCRYPTION_REQUIRED),
    row(said_for_good().enhanced(&[E(5, 7, 10), E(5, 7, 11)]), &ENCRYPTION_REQUIRED),
    row(
        said_for_good().text(&[
            "issue a STARTTLS",
            "STARTTLS is required",
            "disallowed on non-secure",
            "encryption required",
        ]),
        &ENCRYPTION_REQUIRED,
    ),
    row(
        said().text(&["unauthorized ip", "ip not authorized", "ip is not authorized"]),
        &ADDRESS_NOT_LISTED,
    ),
    row(
        said().at(&[Auth]).text(&[
            "application password",
            "application-specific password",
            "app-specific password",
            "app password",
        ]),
        &APP_PASSWORD,
    ),
    row(
        said().at(&[Auth]).text(&[
            "login attempts",
            "auth attempts",
            "authentication attempts",
            "authentication failures",
            "too many logins",
            "too many failed",
        ]),
        &TOO_MANY_TRIES,
    ),
    row(said().at(&[Auth]).enhanced(&[E(4, 7, 12), E(5, 7, 12)]), &PASSWORD_CHANGE),
    row(said().at(&[Auth]).text(&["password expired", "password has expired"]), &PASSWORD_CHANGE),
    row(said().at(&[Auth]).enhanced(&[E(5, 7, 13)]), &ACCOUNT_BLOCKED),
    row(
        said().at(&[Auth]).text(&[
            "account disabled",
            "account is disabled",
            "account has been disabled",
            "account locked",
            "account is locked",
            "account has been locked",
            "account blocked",
            "account is blocked",
            "suspended",
        ]),
        &ACCOUNT_BLOCKED,
    ),
    row(said_for_good().at(&[Auth]).code(&[504]), &KIND_REFUSED),
    row(
        said_for_good().at(&[Auth]).text(&["mechanism", "unrecognized authentication type"]),
        &KIND_REFUSED,
    ),
    row(said_for_good().at(&[Auth]).code(&[502, 503]), &NOT_OFFERED),
    row(said_for_good().at(&[Auth]), &BAD_PASSWORD),
    row(said().at(&[Auth]).code(&[454]), &UNAVAILABLE),
    row(said_for_good().at(&[Sender, Recipient, Message]).code(&[530]), &REQUIRED),
    row(said_for_good().enhanced(&[E(5, 7, 57)]), &REQUIRED),
    row(
        said_for_good().at(&[Sender, Recipient, Message]).text(&[
            "authentication required",
            "authentication is required",
            "please authenticate",
            "not authenticated",
            "unauthenticated senders",
        ]),
        &REQUIRED,
    ),
];
