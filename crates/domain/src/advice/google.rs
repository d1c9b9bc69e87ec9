//! What Gmail and Google Workspace say: support.google.com/a/answer/3726730.

use super::{
    Side,
    row::{Guide, Row, Words, row, said, said_for_good, username_is_no_address},
    sign_in::USERNAME,
};
use crate::{reply::EnhancedCode as E, test_run::Stage::Auth};

const GMAIL: &str = "gmail";
/// Both of Google's ways in.
const GOOGLE: &[&str] = &[GMAIL, "google-workspace-relay"];

const APP_PASSWORD: Words = Words {
    code: "auth_app_password_needed",
    side: Side::Yours,
    guide: Guide::Of(GMAIL),
    title: "Google does not take your ordinary password here; it wants an App Password.",
    steps: &[
        "Turn on 2-Step Verification for the Google account.",
        "Make an App Password for it: 16 letters.",
        "Enter the App Password here as the password, save, and test again.",
    ],
};
const BROWSER: Words = Words {
    code: "auth_browser_needed",
    side: Side::Yours,
    guide: Guide::Of(GMAIL),
    title: "Google held this sign-in back and wants you to sign in with a browser first.",
    steps: &[
        "Sign in to mail.google.com with this account, and answer what Google asks there.",
        "Then test again.",
        "If it goes on, make a new App Password and enter it here as the password.",
    ],
};
const BAD_PASSWORD: Words = Words {
    code: "auth_bad_password",
    side: Side::Yours,
    guide: Guide::Of(GMAIL),
    title: "Google did not accept this user name and App Password.",
    steps: &[
        "Make a new App Password in the Google account: 16 letters. The guide shows how.",
        "Enter it here as the password, and as the user name the address of that same account.",
        "Save and test again. Whoever changes the account's own password revokes every App \
         Password.",
    ],
};
const TOO_MANY_TRIES: Words = Words {
    code: "auth_too_many_tries",
    side: Side::Yours,
    guide: Guide::Of(GMAIL),
    title: "Google has seen too many sign-ins in a short time and takes none for a while.",
    steps: &[
        "Wait an hour before you test again: more tries may make the wait longer.",
        "Mail that waits is sent by itself afterwards.",
    ],
};
const QUOTA: Words = Words {
    code: "quota_spent",
    side: Side::Theirs,
    guide: Guide::Of(GMAIL),
    title: "This Google account has sent all that Google allows for now.",
    steps: &[
        "Change nothing, and test again tomorrow: Google counts the last 24 hours.",
        "Mail that waits is sent by itself when Google allows it again.",
        "If this happens often, send from a Google Workspace account or through a sending \
         service, which may send more.",
    ],
};
const RELAY: Words = Words {
    code: "relay_refused",
    side: Side::Yours,
    guide: Guide::Of(GMAIL),
    title: "Google Workspace's relay does not take mail from us.",
    steps: &[
        "Change the host to smtp.gmail.com, and enter a full address with its App Password.",
        "Or let your Google Workspace administrator allow this account or our address under SMTP \
         relay service.",
    ],
};

pub(super) const ROWS: &[Row] = &[
    row(
        said().by(GOOGLE).at(&[Auth]).text(&["WebLoginRequired", "via your web browser"]),
        &BROWSER,
    ),
    row(said().by(GOOGLE).at(&[Auth]).enhanced(&[E(5, 7, 14)]), &BROWSER),
    row(said_for_good().by(GOOGLE).at(&[Auth]).code(&[534]), &APP_PASSWORD),
    row(said().by(GOOGLE).text(&["login attempts"]), &TOO_MANY_TRIES),
    row(said().by(GOOGLE).code(&[550, 552]).enhanced(&[E(5, 4, 5)]), &QUOTA),
    row(
        said().by(GOOGLE).text(&["relay limit exceeded", "sending limit", "sending quota"]),
        &QUOTA,
    ),
    row(said().by(GOOGLE).text(&["credentials for relay", "relay denied"]), &RELAY),
    row(said_for_good().by(GOOGLE).at(&[Auth]).also(username_is_no_address), &USERNAME),
    row(said_for_good().by(GOOGLE).at(&[Auth]), &BAD_PASSWORD),
];
