//! Services that have a guide, in the order in which people look for them.

use super::{
    super::{
        LimitOn::{Bytes, Connections, Messages, Recipients},
        LimitPer::{Day, Message, Minute, Once, Rolling24Hours, Second},
        Note,
        PasswordKind::{ApiKey, AppPassword, MailboxPassword, NoneWorks, SmtpKey, SmtpPassword},
        Provider, SignInKind,
        Source::{Chatmail, Docs, EmailEngine, Listmonk, Mxsniff, Nodemailer, Page, Thunderbird},
        Spf,
        UsernameKind::{Address, Given},
        Whose,
    },
    BOTH, STARTTLS, at, at_most, implicit_tls, mailbox, only, sending, starttls,
};

const PASSWORD_OR_OAUTH2: &[SignInKind] = &[SignInKind::Password, SignInKind::Oauth2];

pub(super) const PROVIDERS: &[Provider] = &[
    mailbox(
        "gmail",
        "Gmail and Google Workspace",
        &[only("smtp.gmail.com")
            .domains(&["gmail.com", "googlemail.com"])
            .mx(&["google.com", "googlemail.com"])],
        &[starttls(587), implicit_tls(465)],
    )
    .other_hosts(&["smtp.googlemail.com"])
    .username(Address)
    .password(AppPassword)
    .sign_in(PASSWORD_OR_OAUTH2)
    .limits(&[
        at_most(500, Messages, Day).of("Gmail", Whose::ItsMailboxes),
        at_most(2_000, Messages, Rolling24Hours).of("Google Workspace", Whose::OwnDomains),
        at_most(500, Messages, Rolling24Hours).with("Google Workspace trial"),
        at_most(100, Recipients, Message).of("Google Workspace", Whose::OwnDomains),
        at_most(10_000, Recipients, Rolling24Hours).of("Google Workspace", Whose::OwnDomains),
    ])
    .spf(Spf::Include("_spf.google.com"))
    .dkim(&["google"])
    .notes(&[Note::TwoStepFirst, Note::FromRewritten])
    .guide()
    .from(&[
        Nodemailer,
        Thunderbird,
        Chatmail,
        Mxsniff,
        Docs("support.google.com/mail/answer/22370"),
        Docs("support.google.com/a/answer/166852"),
        Page("mxio.io/providers/google-workspace"),
    ]),
    mailbox(
        "microsoft-365",
        "Microsoft 365",
        &[only("smtp.office365.com")
            .domains(&["*.onmicrosoft.com"])
            .mx(&["mail.protection.outlook.com", "mx.microsoft"])],
        STARTTLS,
    )
    .username(Address)
    .password(MailboxPassword)
    .sign_in(&[SignInKind::Oauth2, SignInKind::Password])
    .limits(&[
        at_most(30, Messages, Minute),
        at_most(3, Connections, Once),
        at_most(10_000, Recipients, Day),
    ])
    .spf(Spf::Include("spf.protection.outlook.com"))
    .dkim(&["selector1", "selector2"])
    .notes(&[Note::AdminMustAllow, Note::FromMustBeOwn, Note::PasswordsEnd])
    .guide()
    .from(&[
        Nodemailer,
        Thunderbird,
        EmailEngine,
        Docs("learn.microsoft.com/exchange/troubleshoot/send-emails/smtp-submission-improvements"),
        // The password's end, 27 January 2026.
        Docs(concat!(
            "techcommunity.microsoft.com/blog/exchange/updated-exchange-online-smtp-auth-",
            "basic-authentication-deprecation-timeline/4489835"
        )),
        Docs("learn.microsoft.com/purview/how-smtp-dane-works"),
        Page("intodns.ai/citations/microsoft-365-spf-mx-records"),
    ]),
    // Sign-in with a password ended on 16 September 2024.
    mailbox(
        "outlook-com",
        "Outlook.com, Hotmail and Live",
        &[only("smtp-mail.outlook.com")
            .domains(&[
                "outlook.*",
                "hotmail.*",
                "live.*",
                "msn.com",
                "windowslive.com",
                "livemail.tw",
            ])
            .mx(&["olc.protection.outlook.com"])],
        STARTTLS,
    )
    .username(Address)
    .password(NoneWorks)
    .sign_in(&[SignInKind::Oauth2])
    .guide()
    .from(&[Nodemailer, Thunderbird, Chatmail, EmailEngine]),
    mailbox(
        "yahoo",
        "Yahoo Mail",
        &[only("smtp.mail.yahoo.com")
            .domains(&["yahoo.*", "ymail.com", "rocketmail.com", "myyahoo.com", "cox.net"])
            .mx(&["yahoodns.net"])],
        BOTH,
    )
    .username(Address)
    .password(AppPassword)
    .sign_in(PASSWORD_OR_OAUTH2)
    .guide()
    .from(&[Nodemailer, Thunderbird, Chatmail, EmailEngine]),
    // Servers for accounts with a domain of their own: EmailEngine.
    mailbox(
        "zoho",
        "Zoho Mail",
        &[
            at("zoho.com", "smtp.zoho.com").domains(&["zoho.com", "zohomail.com"]),
            at("zoho.com, own domain", "smtppro.zoho.com").mx(&["zoho.com", "zohomail.com"]),
            at("zoho.eu", "smtp.zoho.eu").domains(&["zoho.eu", "zohomail.eu"]),
            at("zoho.eu, own domain", "smtppro.zoho.eu").mx(&["zoho.eu"]),
            at("zoho.in", "smtp.zoho.in").domains(&["zoho.in", "zohomail.in"]),
            at("zoho.in, own domain", "smtppro.zoho.in").mx(&["zoho.in"]),
            at("zoho.com.au", "smtp.zoho.com.au").domains(&["zoho.com.au", "zohomail.com.au"]),
            at("zoho.com.au, own domain", "smtppro.zoho.com.au").mx(&["zoho.com.au"]),
            at("zoho.jp", "smtp.zoho.jp").domains(&["zoho.jp", "zohomail.jp"]),
            at("zoho.jp, own domain", "smtppro.zoho.jp").mx(&["zoho.jp"]),
            at("zohocloud.ca", "smtp.zohocloud.ca").domains(&["zohocloud.ca", "zohomailcloud.ca"]),
        ],
        BOTH,
    )
    .username(Address)
    .password(AppPassword)
    .notes(&[Note::RegionMatters, Note::BulkForbidden])
    .guide()
    .from(&[
        Nodemailer,
        Thunderbird,
        EmailEngine,
        Mxsniff,
        Docs("zoho.com/mail/help/zoho-smtp.html"),
        Docs("zoho.com/mail/help/usage-policy.html"),
        Page("mxrecordchecker.com/resources/zoho-mx-records"),
    ]),
    mailbox(
        "icloud",
        "iCloud Mail",
        &[only("smtp.mail.me.com")
            .domains(&["icloud.com", "me.com", "mac.com"])
            .mx(&["mail.icloud.com"])],
        STARTTLS,
    )
    .username(Address)
    .password(AppPassword)
    .limits(&[
        at_most(1_000, Messages, Day),
        at_most(1_000, Recipients, Day),
        at_most(500, Recipients, Message),
        at_most(20 * 1024 * 1024, Bytes, Message),
    ])
    .spf(Spf::Include("icloud.com"))
    .guide()
    .from(&[
        Nodemailer,
        Thunderbird,
        EmailEngine,
        Mxsniff,
        Docs("support.apple.com/102198"),
        Docs("support.apple.com/102374"),
    ]),
    sending(
        "smtp2go",
        "SMTP2GO",
        &[
            only("mail.smtp2go.com"),
            at("US", "mail-us.smtp2go.com"),
            at("EU", "mail-eu.smtp2go.com"),
            at("EU 2", "mail-eu2.smtp2go.com"),
            at("AU", "mail-au.smtp2go.com"),
        ],
        &[starttls(587), starttls(2525), starttls(8025), implicit_tls(465), implicit_tls(8465)],
    )
    .username(Given)
    .password(SmtpPassword)
    .spf(Spf::Nothing)
    .guide()
    .from(&[
        Docs("developers.smtp2go.com/docs/smtp-relay"),
        Docs("support.smtp2go.com/hc/en-gb/articles/28543815517209-SPF-DKIM-and-DMARC"),
    ]),
    sending(
        "sendgrid",
        "SendGrid",
        &[only("smtp.sendgrid.net")],
        &[starttls(587), starttls(2525), implicit_tls(465)],
    )
    .fixed_username("apikey")
    .password(ApiKey)
    .spf(Spf::Nothing)
    .dkim(&["s1", "s2"])
    .guide()
    .from(&[
        Nodemailer,
        Docs("twilio.com/docs/sendgrid/for-developers/sending-email/integrating-with-the-smtp-api"),
        Docs("support.sendgrid.com/hc/en-us/articles/21415314709147"),
        Page("spfwise.com/en/article/sendgrid-domain-authentication-setup"),
    ]),
    sending(
        "mailgun",
        "Mailgun",
        &[at("US", "smtp.mailgun.org"), at("EU", "smtp.eu.mailgun.org")],
        &[starttls(587), starttls(2525), implicit_tls(465)],
    )
    .username(Given)
    .password(SmtpPassword)
    .spf(Spf::Include("mailgun.org"))
    .guide()
    .from(&[
        Nodemailer,
        Docs("documentation.mailgun.com/docs/mailgun/user-manual/sending-messages/send-smtp"),
        Docs("documentation.mailgun.com/en/latest/user_manual.html"),
    ]),
    sending(
        "amazon-ses",
        "Amazon SES",
        &[
            at("us-east-1, N. Virginia", "email-smtp.us-east-1.amazonaws.com"),
            at("us-east-2, Ohio", "email-smtp.us-east-2.amazonaws.com"),
            at("us-west-1, N. California", "email-smtp.us-west-1.amazonaws.com"),
            at("us-west-2, Oregon", "email-smtp.us-west-2.amazonaws.com"),
            at("ap-northeast-1, Tokyo", "email-smtp.ap-northeast-1.amazonaws.com"),
            at("ap-northeast-2, Seoul", "email-smtp.ap-northeast-2.amazonaws.com"),
            at("ap-northeast-3, Osaka", "email-smtp.ap-northeast-3.amazonaws.com"),
            at("ap-south-1, Mumbai", "email-smtp.ap-south-1.amazonaws.com"),
            at("ap-southeast-1, Singapore", "email-smtp.ap-southeast-1.amazonaws.com"),
            at("ap-southeast-2, Sydney", "email-smtp.ap-southeast-2.amazonaws.com"),
            at("ca-central-1, Canada", "email-smtp.ca-central-1.amazonaws.com"),
            at("eu-central-1, Frankfurt", "email-smtp.eu-central-1.amazonaws.com"),
            at("eu-north-1, Stockholm", "email-smtp.eu-north-1.amazonaws.com"),
            at("eu-west-1, Ireland", "email-smtp.eu-west-1.amazonaws.com"),
            at("eu-west-2, London", "email-smtp.eu-west-2.amazonaws.com"),
            at("eu-west-3, Paris", "email-smtp.eu-west-3.amazonaws.com"),
            at("sa-east-1, São Paulo", "email-smtp.sa-east-1.amazonaws.com"),
        ],
        &[starttls(587), starttls(2587), implicit_tls(465), implicit_tls(2465)],
    )
    .other_hosts(&["email-smtp.*.amazonaws.com"])
    .username(Given)
    .password(SmtpPassword)
    .limits(&[
        at_most(200, Messages, Rolling24Hours).with("sandbox"),
        at_most(1, Messages, Second).with("sandbox"),
    ])
    .spf(Spf::Nothing)
    .notes(&[Note::SandboxFirst, Note::SenderMustBeVerified, Note::RegionMatters])
    .guide()
    .from(&[
        Nodemailer,
        Listmonk,
        Docs("docs.aws.amazon.com/ses/latest/dg/smtp-connect.html"),
        Docs("docs.aws.amazon.com/ses/latest/dg/send-email-authentication-spf.html"),
    ]),
    sending(
        "brevo",
        "Brevo",
        &[only("smtp-relay.brevo.com")],
        &[starttls(587), starttls(2525), implicit_tls(465)],
    )
    .username(Given)
    .password(SmtpKey)
    .spf(Spf::Nothing)
    .notes(&[Note::ActivationFirst, Note::FromRewritten])
    .guide()
    .from(&[
        Nodemailer,
        Docs("developers.brevo.com/docs/smtp-integration"),
        Docs("help.brevo.com/hc/en-us/articles/16045394674066"),
        Page("captaindns.com/en/blog/brevo-transactional-email-technical-guide"),
    ]),
];
