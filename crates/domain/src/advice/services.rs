//! What sending services say.

use super::{
    Side,
    row::{
        Guide, Row, Words, reply_names_the_sender, row, said, said_for_good,
        username_is_not_the_fixed_one,
    },
};
use crate::test_run::Stage::Auth;

const SES: &str = "amazon-ses";
const BREVO: &str = "brevo";
const MAILGUN: &str = "mailgun";
const SENDGRID: &str = "sendgrid";
const SMTP2GO: &str = "smtp2go";

/// So it is told in the guides too.
const BAD_PASSWORD: &str = "The server did not accept the user name and password.";
const SENDER_REFUSED: &str =
    "The server does not let this account send from the sender e-mail address.";

const SES_PASSWORD: Words = Words {
    code: "auth_bad_password",
    side: Side::Yours,
    guide: Guide::Of(SES),
    title: BAD_PASSWORD,
    steps: &[
        "Compare the region in the host with the one in which the SMTP credentials were made: \
         they work in that region only.",
        "Make sure that they are SMTP credentials of Amazon SES: an access key of AWS looks alike \
         but does not work here.",
        "If in doubt, make new ones in the Amazon SES console under SMTP settings, enter both \
         here, save, and test again.",
    ],
};
const SES_SENDER: Words = Words {
    code: "sender_not_verified",
    side: Side::Yours,
    guide: Guide::Of(SES),
    title: "Amazon SES has not verified the sender e-mail address in this region.",
    steps: &[
        "Verify the address, or its domain, in the Amazon SES console, in the region that the \
         host names.",
        "Test again when the console shows it as verified.",
    ],
};
const SES_SANDBOX: Words = Words {
    code: "account_in_sandbox",
    side: Side::Yours,
    guide: Guide::Of(SES),
    title: "This Amazon SES account is still in the sandbox: it sends to verified addresses only.",
    steps: &[
        "Request production access in the Amazon SES console, in the region that the host names.",
        "Until it is granted, verify the recipient's address there to test.",
    ],
};
const SES_TOO_FAST: Words = Words {
    code: "sending_too_fast",
    side: Side::Theirs,
    guide: Guide::Of(SES),
    title: "This Amazon SES account is sending faster than it may.",
    steps: &[
        "Wait a minute and test again; mail that waits is sent by itself.",
        "If this happens often, ask for a higher sending rate in the Amazon SES console.",
    ],
};
const SES_QUOTA: Words = Words {
    code: "quota_spent",
    side: Side::Theirs,
    guide: Guide::Of(SES),
    title: "This Amazon SES account has sent all that it may in a day.",
    steps: &[
        "Change nothing, and test again tomorrow: Amazon counts the last 24 hours.",
        "Mail that waits is sent by itself when Amazon allows it again.",
        "If this happens often, ask for a higher daily quota in the Amazon SES console.",
    ],
};
const SES_PAUSED: Words = Words {
    code: "account_blocked",
    side: Side::Yours,
    guide: Guide::Of(SES),
    title: "Amazon SES has paused the sending of this account.",
    steps: &[
        "Open the Amazon SES console, where Amazon says why, and follow what it says.",
        "Test again when sending is on again.",
    ],
};
const SES_NOT_ALLOWED: Words = Words {
    code: "account_not_allowed",
    side: Side::Yours,
    guide: Guide::Of(SES),
    title: "These credentials of Amazon SES may not send mail.",
    steps: &[
        "Make new SMTP credentials in the Amazon SES console under SMTP settings: those may send.",
        "Enter both here, save, and test again.",
    ],
};
const BREVO_NOT_ACTIVATED: Words = Words {
    code: "account_not_activated",
    side: Side::Yours,
    guide: Guide::Of(BREVO),
    title: "Brevo has not activated this account for sending by SMTP.",
    steps: &[
        "Write to Brevo's support and ask them to activate it: nothing needs to be changed here.",
        "Test again when they have answered.",
    ],
};
const BREVO_ADDRESS: Words = Words {
    code: "our_address_not_listed",
    side: Side::Yours,
    guide: Guide::Of(BREVO),
    title: "Brevo does not take mail of this account from our address (IP).",
    steps: &[
        "Ask the company that runs this service for the IP addresses that it sends from.",
        "Add them at Brevo under Security › Authorized IPs, and test again.",
    ],
};
const BREVO_PASSWORD: Words = Words {
    code: "auth_bad_password",
    side: Side::Yours,
    guide: Guide::Of(BREVO),
    title: BAD_PASSWORD,
    steps: &[
        "Enter an SMTP key as the password: neither an API key nor the password of your account \
         works here.",
        "Enter as the user name the login that Brevo shows on its tab SMTP.",
        "Save and test again.",
    ],
};
const BREVO_SENDER: Words = Words {
    code: "sender_not_verified",
    side: Side::Yours,
    guide: Guide::Of(BREVO),
    title: SENDER_REFUSED,
    steps: &[
        "Add the address as a sender at Brevo, and authenticate its domain there.",
        "Test again when Brevo shows it as verified.",
    ],
};
const MAILGUN_PASSWORD: Words = Words {
    code: "auth_bad_password",
    side: Side::Yours,
    guide: Guide::Of(MAILGUN),
    title: BAD_PASSWORD,
    steps: &[
        "Enter the SMTP password of your sending domain: neither an API key nor the password of \
         your account works here.",
        "Check that the user name ends with the domain, such as postmaster@mg.example.com.",
        "Compare the region: a domain of the region EU belongs to smtp.eu.mailgun.org.",
        "Save and test again.",
    ],
};
const MAILGUN_SANDBOX: Words = Words {
    code: "account_in_sandbox",
    side: Side::Yours,
    guide: Guide::Of(MAILGUN),
    title: "This domain or account at Mailgun is for tests: it sends only to people who agreed \
            to it.",
    steps: &[
        "Use a domain of your own: add it at Mailgun, and enter its SMTP user and password here.",
        "To test before that, add the recipient at Mailgun under Authorized Recipients.",
    ],
};
const MAILGUN_NOT_ACTIVATED: Words = Words {
    code: "account_not_activated",
    side: Side::Yours,
    guide: Guide::Of(MAILGUN),
    title: "Mailgun does not let this domain send.",
    steps: &[
        "Sign in to Mailgun: it says there what is missing, such as activating the account or \
         verifying the domain.",
        "Test again when that is done.",
    ],
};
const SENDGRID_USERNAME: Words = Words {
    code: "auth_wrong_username",
    side: Side::Yours,
    guide: Guide::Of(SENDGRID),
    title: "SendGrid did not accept the user name: it wants the word apikey.",
    steps: &[
        "Enter the word apikey as the user name, the same for everybody.",
        "Enter an API key that is allowed Mail Send as the password, save, and test again.",
    ],
};
const SENDGRID_PASSWORD: Words = Words {
    code: "auth_bad_password",
    side: Side::Yours,
    guide: Guide::Of(SENDGRID),
    title: BAD_PASSWORD,
    steps: &[
        "Make a new API key at SendGrid that is allowed Mail Send, and enter it here as the \
         password.",
        "Leave the user name at the word apikey.",
        "Save and test again.",
    ],
};
const SENDGRID_SENDER: Words = Words {
    code: "sender_not_verified",
    side: Side::Yours,
    guide: Guide::Of(SENDGRID),
    title: SENDER_REFUSED,
    steps: &[
        "Verify the address, or its domain, at SendGrid under Settings › Sender Authentication.",
        "Test again when SendGrid shows it as verified.",
    ],
};
const SENDGRID_QUOTA: Words = Words {
    code: "quota_spent",
    side: Side::Theirs,
    guide: Guide::Of(SENDGRID),
    title: "The credits of this SendGrid account are used up.",
    steps: &[
        "Sign in to SendGrid and see when its credits are renewed, or choose a larger plan.",
        "Mail that waits is sent by itself afterwards.",
    ],
};
const SMTP2GO_PASSWORD: Words = Words {
    code: "auth_bad_password",
    side: Side::Yours,
    guide: Guide::Of(SMTP2GO),
    title: BAD_PASSWORD,
    steps: &[
        "Enter the name and password of an SMTP user, which SMTP2GO shows under Sending › SMTP \
         Users: those of your account do not work here.",
        "See there whether that user is allowed to send.",
        "Save and test again.",
    ],
};
const SMTP2GO_SENDER: Words = Words {
    code: "sender_not_verified",
    side: Side::Yours,
    guide: Guide::Of(SMTP2GO),
    title: SENDER_REFUSED,
    steps: &[
        "Verify the address's domain, or the address alone, at SMTP2GO under Sending › Verified \
         Senders.",
        "Test again when SMTP2GO shows it as verified.",
    ],
};

pub(super) const ROWS: &[Row] = &[
    // repost.aws: the reply names the identities that failed. A sandbox checks recipients too.
    row(said().by(&[SES]).text(&["is not verified"]).also(reply_names_the_sender), &SES_SENDER),
    row(said().by(&[SES]).text(&["is not verified"]), &SES_SANDBOX),
    row(said().by(&[SES]).text(&["daily message quota"]), &SES_QUOTA),
    row(said().by(&[SES]).text(&["throttling failure"]), &SES_TOO_FAST),
    row(said().by(&[SES]).text(&["sending paused"]), &SES_PAUSED),
    row(said().by(&[SES]).text(&["access denied", "not authorized to perform"]), &SES_NOT_ALLOWED),
    row(said_for_good().by(&[SES]).at(&[Auth]), &SES_PASSWORD),
    // Seen as 502 5.7.0 and as 450.
    row(said().by(&[BREVO]).text(&["not yet activated"]), &BREVO_NOT_ACTIVATED),
    row(said().by(&[BREVO]).text(&["unauthorized ip"]), &BREVO_ADDRESS),
    row(said_for_good().by(&[BREVO]).at(&[Auth]), &BREVO_PASSWORD),
    row(said().by(&[BREVO]).text(&["validate your sender", "sender you used"]), &BREVO_SENDER),
    row(
        said().by(&[MAILGUN]).text(&["for test purposes", "authorized recipients"]),
        &MAILGUN_SANDBOX,
    ),
    row(said().by(&[MAILGUN]).text(&["is not allowed to send"]), &MAILGUN_NOT_ACTIVATED),
    row(said_for_good().by(&[MAILGUN]).at(&[Auth]), &MAILGUN_PASSWORD),
    // docs.sendgrid.com: 550 "does not match a verified Sender Identity", 403 "not authorized".
    row(
        said().by(&[SENDGRID]).text(&["sender identity", "authorized to send from"]),
        &SENDGRID_SENDER,
    ),
    row(said().by(&[SENDGRID]).text(&["credits exceeded"]), &SENDGRID_QUOTA),
    row(
        said_for_good().by(&[SENDGRID]).at(&[Auth]).also(username_is_not_the_fixed_one),
        &SENDGRID_USERNAME,
    ),
    row(said_for_good().by(&[SENDGRID]).at(&[Auth]), &SENDGRID_PASSWORD),
    // support.smtp2go.com, "Common Sending Errors".
    row(said().by(&[SMTP2GO]).text(&["not verified"]), &SMTP2GO_SENDER),
    row(said_for_good().by(&[SMTP2GO]).at(&[Auth]), &SMTP2GO_PASSWORD),
];
