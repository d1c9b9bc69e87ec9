//! What Microsoft 365 and Outlook.com say. The words of `535 5.7.139` are Microsoft's alone, so its
//! rows do not ask for the host, which may be an alias.

use super::{
    Side,
    row::{Guide, Row, Words, caused, row, said, said_for_good, username_is_no_address},
    sign_in::USERNAME,
};
use crate::{
    reply::EnhancedCode as E,
    test_run::{Cause, Stage::Auth},
};

const M365: &str = "microsoft-365";
const OUTLOOK: &str = "outlook-com";

const PASSWORD_IMPOSSIBLE: Words = Words {
    code: "auth_password_impossible",
    side: Side::Yours,
    guide: Guide::Of(OUTLOOK),
    title: "Outlook.com, Hotmail and Live take no password from other programs any more.",
    steps: &[
        "Send through another mail service: no password, old or new, can work here.",
        "The guide names services that take a password; set one of them up and enter its values.",
    ],
};
const OFF_FOR_ORGANISATION: Words = Words {
    code: "auth_off_for_organisation",
    side: Side::Yours,
    guide: Guide::Of(M365),
    title: "Sending with a password (SMTP AUTH) is turned off for your whole organisation at \
            Microsoft 365.",
    steps: &[
        "Ask your Microsoft 365 administrator to tick Authenticated SMTP for this mailbox: Users \
         › Active users › Mail › Manage email apps.",
        "Wait until it counts, which can take a while, and test again.",
        "If it stays off, send through another mail service, such as SMTP2GO.",
    ],
};
const OFF_FOR_MAILBOX: Words = Words {
    code: "auth_off_for_mailbox",
    side: Side::Yours,
    guide: Guide::Of(M365),
    title: "Sending with a password (SMTP AUTH) is turned off for this mailbox at Microsoft 365.",
    steps: &[
        "Ask your Microsoft 365 administrator to tick Authenticated SMTP for this mailbox: Users \
         › Active users › Mail › Manage email apps.",
        "Wait until it counts, which can take a while, and test again.",
    ],
};
const SECURITY_DEFAULTS: Words = Words {
    code: "auth_security_defaults",
    side: Side::Yours,
    guide: Guide::Of(M365),
    title: "Your organisation's security defaults at Microsoft 365 refuse every password.",
    steps: &[
        "Send through another mail service, such as SMTP2GO: no password can work here while \
         security defaults are on.",
        "Only your Microsoft 365 administrator could turn them off, and that makes the whole \
         organisation less safe.",
    ],
};
const CONDITIONAL_ACCESS: Words = Words {
    code: "auth_conditional_access",
    side: Side::Yours,
    guide: Guide::Of(M365),
    title: "A rule of your organisation at Microsoft 365 (Conditional Access) refused this \
            sign-in.",
    steps: &[
        "Ask your Microsoft 365 administrator to make an exception from it for this mailbox.",
        "Test again when that is done.",
        "If there can be no exception, send through another mail service, such as SMTP2GO.",
    ],
};
const BASIC_DISABLED: Words = Words {
    code: "auth_basic_disabled",
    side: Side::Yours,
    guide: Guide::Of(M365),
    title: "Microsoft 365 has turned off the sign-in with a password for your organisation.",
    steps: &[
        "Ask your Microsoft 365 administrator whether it can be turned on again (Basic \
         Authentication for SMTP); Microsoft allows that only for a time.",
        "If not, send through another mail service, such as SMTP2GO.",
    ],
};
const BY_POLICY: Words = Words {
    code: "auth_refused_by_policy",
    side: Side::Yours,
    guide: Guide::Of(M365),
    title: "A rule of your organisation at Microsoft 365 refused this sign-in.",
    steps: &[
        "Show your Microsoft 365 administrator what the server said: press “Show details”, then \
         “Copy for support”.",
        "Test again when the administrator has allowed it.",
    ],
};
const BAD_PASSWORD: Words = Words {
    code: "auth_bad_password",
    side: Side::Yours,
    guide: Guide::Of(M365),
    title: "The server did not accept the user name and password.",
    steps: &[
        "Check that the user name is the mailbox's own address, and type the password again.",
        "Sign in to Outlook on the web with the same two: if that asks for a second step, no \
         ordinary password works here.",
        "If both are right, ask your Microsoft 365 administrator whether Authenticated SMTP is \
         on for this mailbox.",
    ],
};
const SEND_AS: Words = Words {
    code: "sender_refused",
    side: Side::Yours,
    guide: Guide::Of(M365),
    title: "The server does not let this account send from the sender e-mail address.",
    steps: &[
        "Enter the mailbox's own address (the user name) as the sender e-mail address, save, and \
         test again.",
        "Or ask your Microsoft 365 administrator to give this mailbox the right Send As on the \
         other address.",
    ],
};
const TOO_MANY_CONNECTIONS: Words = Words {
    code: "sending_too_fast",
    side: Side::Theirs,
    guide: Guide::Of(M365),
    title: "This mailbox is sending more at once than Microsoft 365 allows.",
    steps: &[
        "Wait a minute and test again: Microsoft allows 3 connections and 30 messages a minute.",
        "If another program sends from the same mailbox, give it a mailbox of its own.",
    ],
};
const QUOTA: Words = Words {
    code: "quota_spent",
    side: Side::Theirs,
    guide: Guide::Of(M365),
    title: "This mailbox has written to as many recipients as Microsoft 365 allows in a day.",
    steps: &[
        "Change nothing, and test again tomorrow.",
        "Mail that waits is sent by itself when Microsoft allows it again.",
        "If this happens often, send through a sending service, which may send more.",
    ],
};
const BLOCKED: Words = Words {
    code: "account_blocked",
    side: Side::Yours,
    guide: Guide::Of(M365),
    title: "Microsoft 365 has stopped this mailbox or organisation from sending.",
    steps: &[
        "Ask your Microsoft 365 administrator to look under Restricted entities in the Microsoft \
         Defender portal, and to lift the block.",
        "Change the mailbox's password too: such a block often means that somebody else has it.",
    ],
};

pub(super) const ROWS: &[Row] = &[
    row(said_for_good().by(&[OUTLOOK]).at(&[Auth]), &PASSWORD_IMPOSSIBLE),
    row(
        caused(|cause| matches!(cause, Cause::AuthNotOffered)).by(&[OUTLOOK]),
        &PASSWORD_IMPOSSIBLE,
    ),
    row(said().at(&[Auth]).text(&["disabled for the Tenant"]), &OFF_FOR_ORGANISATION),
    row(said().at(&[Auth]).text(&["disabled for the Mailbox"]), &OFF_FOR_MAILBOX),
    row(said().at(&[Auth]).text(&["security defaults"]), &SECURITY_DEFAULTS),
    row(said().at(&[Auth]).text(&["did not meet the criteria"]), &CONDITIONAL_ACCESS),
    row(said().at(&[Auth]).text(&["basic authentication is disabled"]), &BASIC_DISABLED),
    row(said_for_good().by(&[M365]).at(&[Auth]).also(username_is_no_address), &USERNAME),
    row(
        said().at(&[Auth]).enhanced(&[E(5, 7, 139)]).text(&["credentials were incorrect"]),
        &BAD_PASSWORD,
    ),
    row(said().at(&[Auth]).enhanced(&[E(5, 7, 139)]), &BY_POLICY),
    row(said_for_good().by(&[M365]).at(&[Auth]).code(&[535]), &BAD_PASSWORD),
    row(said().enhanced(&[E(5, 7, 60), E(5, 2, 252)]), &SEND_AS),
    row(said().text(&["SendAsDenied", "permissions to send as this sender"]), &SEND_AS),
    row(said().text(&["SubmissionQuotaExceeded", "daily limit for message recipients"]), &QUOTA),
    row(
        said().text(&[
            "sender thread limit",
            "Concurrent connections limit",
            "submission rate for this client",
        ]),
        &TOO_MANY_CONNECTIONS,
    ),
    row(said().enhanced(&[E(5, 7, 705), E(5, 7, 750)]), &BLOCKED),
    row(said().text(&["bad outbound sender", "OutboundSpam"]), &BLOCKED),
];
