//! What any server may say about the From address, a recipient, the mail or ourselves, and the general
//! rows, for what no row before them knows. Those stay honest: they name the stage and no more.

use super::{
    Side,
    row::{Guide, Row, Words, row, said, said_for_good, said_not_now},
};
use crate::{
    reply::EnhancedCode as E,
    test_run::Stage::{Message, Recipient, Sender},
};

const FROM_REFUSED: Words = Words {
    code: "sender_refused",
    side: Side::Yours,
    guide: Guide::OfProvider,
    title: "The server does not let this account send from the sender e-mail address.",
    steps: &[
        "Enter the account's own address (most often the user name) as the sender e-mail \
         address, save, and test again.",
        "Or ask your mail provider to allow this account to send as the other address.",
    ],
};
const FROM_NOT_VERIFIED: Words = Words {
    code: "sender_not_verified",
    side: Side::Yours,
    guide: Guide::OfProvider,
    title: "Your mail service has not verified the sender e-mail address or its domain.",
    steps: &[
        "Verify the address, or its domain, in the settings of your mail service.",
        "Test again when the mail service shows it as verified.",
    ],
};
const FROM_DOMAIN_UNKNOWN: Words = Words {
    code: "sender_domain_unknown",
    side: Side::Yours,
    guide: Guide::No,
    title: "The server cannot find the domain of the sender e-mail address.",
    steps: &[
        "Check what follows the @ in the sender e-mail address for typing errors.",
        "If it is right, tell whoever looks after your domain that it has no entry for mail (MX) \
         in the DNS.",
    ],
};
const DOMAIN_NOT_PROVEN: Words = Words {
    code: "sender_domain_not_proven",
    side: Side::Yours,
    guide: Guide::No,
    title: "The server wants proof that this mail may come from the sender's domain (SPF, DKIM \
            or DMARC).",
    steps: &[
        "Ask whoever looks after your domain to add the DNS entries that your mail service names \
         for it.",
        "Test again when they have been added, which can take a day to be seen everywhere.",
    ],
};
const RELAY_REFUSED: Words = Words {
    code: "relay_refused",
    side: Side::Yours,
    guide: Guide::OfProvider,
    title: "The server does not pass mail on to others for this account.",
    steps: &[
        "Check that the host is your mail provider's server for sending: the one that takes your \
         incoming mail does not send.",
        "Check that user name and password are entered.",
        "If both are right, ask your mail provider whether this account may send.",
    ],
};
const MAILBOX_FULL: Words = Words {
    code: "mailbox_full",
    side: Side::Yours,
    guide: Guide::No,
    title: "The mailbox that the test was for is full.",
    steps: &[
        "Make room in the mailbox of the sender e-mail address, or in yours if you asked for a mail \
              to yourself, and test again.",
    ],
};
const GREYLISTED: Words = Words {
    code: "greylisted",
    side: Side::Theirs,
    guide: Guide::No,
    title: "The server lets senders whom it does not know yet wait for a while (greylisting).",
    steps: &[
        "Wait a quarter of an hour and test again; your settings need no change.",
        "Mail to your customers is tried again by itself.",
    ],
};
const QUOTA: Words = Words {
    code: "quota_spent",
    side: Side::Theirs,
    guide: Guide::OfProvider,
    title: "This account has sent all that your mail service allows for now.",
    steps: &[
        "Change nothing, and test again tomorrow: most limits are for a day.",
        "Mail that waits is sent by itself when your mail service allows it again.",
        "If this happens often, ask your mail provider for a higher limit.",
    ],
};
const TOO_FAST: Words = Words {
    code: "sending_too_fast",
    side: Side::Theirs,
    guide: Guide::No,
    title: "This account is sending more at once than your mail service allows.",
    steps: &[
        "Wait some minutes and test again; mail that waits is sent by itself.",
        "If another program sends with the same account, give it an account of its own.",
    ],
};
const OUR_ADDRESS_REFUSED: Words = Words {
    code: "our_address_refused",
    side: Side::Ours,
    guide: Guide::No,
    title: "The server takes no mail from our address (IP), whatever your settings are.",
    steps: &[
        "Tell the company that runs this service: press “Show details”, then “Copy for support”, \
         and send them that.",
        "Leave your settings as they are, and test again when they have looked into it.",
    ],
};
const BUSY: Words = Words {
    code: "server_busy",
    side: Side::Theirs,
    guide: Guide::No,
    title: "The server asked us to come back later.",
    steps: &["Wait some minutes and test again.", "If it goes on, ask your mail provider."],
};
const RECIPIENT_REFUSED: Words = Words {
    code: "recipient_refused",
    side: Side::Theirs,
    guide: Guide::OfProvider,
    title: "The server refused the recipient of the test.",
    steps: &[
        "Check that the address exists and takes mail: it is the sender e-mail address, or yours \
         if you asked for a mail to yourself.",
        "Read what the server said; it may name a limit of the account.",
    ],
};
const CONTENT_REFUSED: Words = Words {
    code: "message_refused",
    side: Side::Theirs,
    guide: Guide::OfProvider,
    title: "The server refused the test mail itself.",
    steps: &[
        "Read what the server said: it is shown below, beside the step that failed.",
        "Ask your mail provider what it means for your account.",
    ],
};
pub(super) const REFUSED: Words = Words {
    code: "server_refused",
    side: Side::Theirs,
    guide: Guide::OfProvider,
    title: "The server refused the conversation.",
    steps: &[
        "Check host and port.",
        "Read what the server said: it is shown below, beside the step that failed. It may not \
         take connections from us.",
    ],
};

/// What a server has against us, at whatever stage it says so. Comes before what it says of the sign-in.
pub(super) const OURSELVES: &[Row] = &[
    row(
        said().text(&[
            "spamhaus",
            "blocked using",
            "dnsbl",
            "client host",
            "reverse hostname",
            "reverse dns",
            "from your ip",
            "not in whitelist",
        ]),
        &OUR_ADDRESS_REFUSED,
    ),
    // RFC 7372: no reverse name.
    row(said().enhanced(&[E(4, 7, 25), E(5, 7, 25)]), &OUR_ADDRESS_REFUSED),
];

pub(super) const ROWS: &[Row] = &[
    // A recipient's mailbox has a quota too.
    row(said().enhanced(&[E(4, 2, 2), E(5, 2, 2)]), &MAILBOX_FULL),
    row(
        said().text(&["mailbox full", "mailbox is full", "mailbox quota", "over quota"]),
        &MAILBOX_FULL,
    ),
    row(
        said().text(&[
            "too many connections",
            "connection limit",
            "concurrent connections",
            "rate limit",
            "too fast",
            "sending rate",
            "too many messages",
        ]),
        &TOO_FAST,
    ),
    row(said().enhanced(&[E(4, 4, 5), E(4, 5, 3)]).text(&["daily", "limit"]), &QUOTA),
    row(said().enhanced(&[E(5, 4, 5)]), &QUOTA),
    row(
        said().text(&[
            "quota",
            "daily limit",
            "hourly limit",
            "emails per hour",
            "sending limit",
            "limit exceeded",
            "exceeded your",
        ]),
        &QUOTA,
    ),
    // The From address, which Postfix judges at RCPT.
    row(
        said().text(&["not owned by", "not allowed to send as", "not one of your addresses"]),
        &FROM_REFUSED,
    ),
    row(
        said().text(&[
            "is not verified",
            "domain not verified",
            "not a verified",
            "sender signature",
            "unverified sender",
        ]),
        &FROM_NOT_VERIFIED,
    ),
    row(said().enhanced(&[E(4, 1, 8), E(5, 1, 8)]), &FROM_DOMAIN_UNKNOWN),
    row(
        said().at(&[Sender, Recipient]).text(&["domain not found", "domain of sender address"]),
        &FROM_DOMAIN_UNKNOWN,
    ),
    // RFC 7372: X.7.20 to X.7.26.
    row(
        said_for_good().enhanced(&[
            E(5, 7, 20),
            E(5, 7, 21),
            E(5, 7, 22),
            E(5, 7, 23),
            E(5, 7, 24),
            E(5, 7, 26),
        ]),
        &DOMAIN_NOT_PROVEN,
    ),
    row(said_for_good().text(&["dmarc", "dkim", "spf "]), &DOMAIN_NOT_PROVEN),
    row(
        said_for_good().text(&["relay access denied", "relaying", "not permitted to relay"]),
        &RELAY_REFUSED,
    ),
    row(said_for_good().text(&["relay not permitted", "unable to relay"]), &RELAY_REFUSED),
    row(said_not_now().text(&["greylist", "graylist", "greylisting"]), &GREYLISTED),
    // The general rows.
    row(said_not_now(), &BUSY),
    row(said().at(&[Sender]), &FROM_REFUSED),
    row(said().at(&[Recipient]), &RECIPIENT_REFUSED),
    row(said().at(&[Message]), &CONTENT_REFUSED),
    row(said(), &REFUSED),
];
