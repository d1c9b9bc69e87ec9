//! What other providers of mailboxes say.

use super::{
    Side,
    row::{Guide, Row, Words, row, said, said_for_good, username_is_no_address},
    sign_in::USERNAME,
};
use crate::{reply::EnhancedCode as E, test_run::Stage::Auth};

const YAHOO: &str = "yahoo";
const ZOHO: &str = "zoho";
const ICLOUD: &str = "icloud";

// Yahoo says "too many bad auth attempts" at the first try already, to an ordinary password too.
const YAHOO_PASSWORD: Words = Words {
    code: "auth_bad_password",
    side: Side::Yours,
    guide: Guide::Of(YAHOO),
    title: "The server did not accept the user name and password.",
    steps: &[
        "Make an app password in the security settings of your Yahoo account: the password you \
         sign in with does not work here.",
        "Check that the user name is the full Yahoo address.",
        "Enter the app password here as the password, save, and test again.",
    ],
};
const ZOHO_PASSWORD: Words = Words {
    code: "auth_bad_password",
    side: Side::Yours,
    guide: Guide::Of(ZOHO),
    title: "The server did not accept the user name and password.",
    steps: &[
        "Check that the host ends like the web address at which you read your mail, such as \
         zoho.com, zoho.eu or zoho.in.",
        "With a paid account and a domain of your own, the host begins with smtppro instead of \
         smtp.",
        "With two-factor authentication, make an app password at Zoho and enter it here as the \
         password.",
        "Enter the full e-mail address as the user name, save, and test again.",
    ],
};
const ZOHO_FROM: Words = Words {
    code: "sender_refused",
    side: Side::Yours,
    guide: Guide::Of(ZOHO),
    title: "The server does not let this account send from the sender e-mail address.",
    steps: &[
        "Enter the account's own address (the user name) as the sender e-mail address, save, and \
         test again.",
        "Or add the other address to the account at Zoho as an alias.",
    ],
};
const ZOHO_BLOCKED: Words = Words {
    code: "account_blocked",
    side: Side::Yours,
    guide: Guide::Of(ZOHO),
    title: "Zoho has stopped the outgoing mail of this account.",
    steps: &[
        "Sign in to Zoho Mail with a browser, and follow what it says there.",
        "Do not test again before that.",
        "For receipts and statements in large numbers, use a sending service: Zoho's usage policy \
         forbids automated bulk mail.",
    ],
};
const ICLOUD_PASSWORD: Words = Words {
    code: "auth_bad_password",
    side: Side::Yours,
    guide: Guide::Of(ICLOUD),
    title: "The server did not accept the user name and password.",
    steps: &[
        "Make an app-specific password in your Apple Account: the password you sign in with does \
         not work here.",
        "Check that the user name is the full iCloud address.",
        "Enter the app-specific password here as the password, save, and test again.",
    ],
};
const ICLOUD_FROM: Words = Words {
    code: "sender_refused",
    side: Side::Yours,
    guide: Guide::Of(ICLOUD),
    title: "The server does not let this account send from the sender e-mail address.",
    steps: &[
        "Enter the iCloud address itself as the sender e-mail address, save, and test again.",
        "Put your business's name into the sender name.",
    ],
};

pub(super) const ROWS: &[Row] = &[
    row(said_for_good().by(&[YAHOO]).at(&[Auth]).also(username_is_no_address), &USERNAME),
    row(said_for_good().by(&[YAHOO]).at(&[Auth]), &YAHOO_PASSWORD),
    // help.zoho.com: "550 5.4.6 Unusual sending activity detected", "554 5.1.8 … Blocked".
    row(said().by(&[ZOHO]).enhanced(&[E(5, 4, 6)]), &ZOHO_BLOCKED),
    row(
        said().by(&[ZOHO]).text(&[
            "unusual sending activity",
            "outgoing blocked",
            "address blocked",
        ]),
        &ZOHO_BLOCKED,
    ),
    row(said().by(&[ZOHO]).text(&["relaying disallowed as"]), &ZOHO_FROM),
    row(said_for_good().by(&[ZOHO]).at(&[Auth]).also(username_is_no_address), &USERNAME),
    row(said_for_good().by(&[ZOHO]).at(&[Auth]), &ZOHO_PASSWORD),
    row(said().by(&[ICLOUD]).text(&["not one of your addresses"]), &ICLOUD_FROM),
    row(said_for_good().by(&[ICLOUD]).at(&[Auth]).also(username_is_no_address), &USERNAME),
    row(said_for_good().by(&[ICLOUD]).at(&[Auth]), &ICLOUD_PASSWORD),
];
