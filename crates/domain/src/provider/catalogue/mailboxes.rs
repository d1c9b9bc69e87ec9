//! Mailboxes for people all over the world, and those of web hosts. Their guide is the one for any
//! server.

use super::{
    super::{
        LimitOn::Recipients,
        LimitPer::Message,
        Note,
        PasswordKind::{AppPassword, MailboxPassword, Token},
        Provider,
        SignInKind::{Oauth2, Password},
        Source::{Chatmail, Docs, EmailEngine, Mxsniff, Nodemailer, Page, Thunderbird},
        Spf,
        UsernameKind::Address,
    },
    BOTH, STARTTLS, TLS, at, at_most, mailbox, only,
};

pub(super) const PROVIDERS: &[Provider] = &[
    mailbox(
        "aol",
        "AOL and Verizon.net",
        &[only("smtp.aol.com").domains(&[
            "aol.*",
            "aim.com",
            "netscape.net",
            "netscape.com",
            "compuserve.com",
            "cs.com",
            "wmconnect.com",
            "verizon.net",
        ])],
        TLS,
    )
    .username(Address)
    .password(AppPassword)
    .sign_in(&[Password, Oauth2])
    .from(&[Thunderbird, Chatmail]),
    mailbox(
        "fastmail",
        "Fastmail",
        &[only("smtp.fastmail.com").domains(&["fastmail.*"]).mx(&["messagingengine.com"])],
        TLS,
    )
    .username(Address)
    .password(AppPassword)
    .sign_in(&[Password, Oauth2])
    .spf(Spf::Include("spf.messagingengine.com"))
    .dkim(&["fm1", "fm2", "fm3"])
    .from(&[
        Nodemailer,
        Thunderbird,
        Chatmail,
        Docs("fastmail.help/hc/en-us/articles/360060591153"),
        Page("mailflowauthority.com/email-authentication/fastmail-email-auth"),
    ]),
    mailbox(
        "proton",
        "Proton Mail",
        &[only("smtp.protonmail.ch")
            .domains(&["proton.me", "protonmail.com", "pm.me", "protonmail.ch"])
            .mx(&["protonmail.ch"])],
        STARTTLS,
    )
    .username(Address)
    .password(Token)
    .notes(&[Note::OwnDomainOnly])
    .from(&[Nodemailer, Mxsniff, Docs("proton.me/support/smtp-submission")]),
    mailbox(
        "hostinger",
        "Hostinger Email",
        &[only("smtp.hostinger.com").mx(&["hostinger.com"])],
        TLS,
    )
    .username(Address)
    .password(MailboxPassword)
    .spf(Spf::Include("_spf.mail.hostinger.com"))
    .from(&[
        Docs("support.hostinger.com/en/articles/1583673-what-is-hostinger-spf-record"),
        Page("nanopo.st/hosting/hostinger"),
        Page("pangaea.id/article/email-dns-records"),
    ]),
    mailbox(
        "namecheap",
        "Namecheap Private Email",
        &[only("mail.privateemail.com").mx(&["privateemail.com"])],
        BOTH,
    )
    .username(Address)
    .password(MailboxPassword)
    .spf(Spf::Include("spf.privateemail.com"))
    .dkim(&["default"])
    .from(&[
        Mxsniff,
        Docs("namecheap.com/support/knowledgebase/article.aspx/1262/2176"),
        Page("mailflowauthority.com/email-infrastructure/private-email-imap-settings"),
    ]),
    mailbox(
        "godaddy",
        "GoDaddy (its own mailboxes)",
        &[only("smtpout.secureserver.net").mx(&["secureserver.net"])],
        TLS,
    )
    .username(Address)
    .password(MailboxPassword)
    .from(&[Thunderbird, Mxsniff]),
    mailbox(
        "rackspace",
        "Rackspace Email",
        &[only("secure.emailsrvr.com").mx(&["emailsrvr.com"])],
        TLS,
    )
    .username(Address)
    .password(MailboxPassword)
    .from(&[Thunderbird, Mxsniff]),
    mailbox(
        "ionos",
        "IONOS (1&1)",
        &[only("smtp.1und1.de")
            .domains(&[
                "online.de",
                "onlinehome.de",
                "sofortstart.de",
                "sofort-start.de",
                "sofortsurf.de",
                "sofort-surf.de",
                "go4more.de",
            ])
            .mx(&["kundenserver.de", "schlund.de"])],
        BOTH,
    )
    .username(Address)
    .password(MailboxPassword)
    .from(&[Nodemailer, Thunderbird]),
    mailbox("ovh", "OVH", &[only("ssl0.ovh.net").mx(&["ovh.net"])], TLS)
        .username(Address)
        .password(MailboxPassword)
        .from(&[Thunderbird, Mxsniff]),
    mailbox("gandi", "Gandi Mail", &[only("mail.gandi.net").mx(&["gandi.net"])], BOTH)
        .username(Address)
        .password(MailboxPassword)
        .from(&[Nodemailer, Thunderbird, Mxsniff]),
    mailbox(
        "infomaniak",
        "Infomaniak Mail",
        &[only("mail.infomaniak.com").domains(&["ik.me", "ikmail.com", "etik.com"])],
        BOTH,
    )
    .username(Address)
    .password(AppPassword)
    .limits(&[at_most(10, Recipients, Message)])
    .from(&[Nodemailer, Chatmail]),
    mailbox("hetzner", "Hetzner", &[only("mail.your-server.de").mx(&["your-server.de"])], TLS)
        .username(Address)
        .password(MailboxPassword)
        .from(&[Thunderbird]),
    mailbox("strato", "Strato", &[only("smtp.strato.de").mx(&["rzone.de"])], BOTH)
        .username(Address)
        .password(MailboxPassword)
        .from(&[Thunderbird]),
    mailbox("one-com", "one.com", &[only("send.one.com").mx(&["one.com"])], TLS)
        .username(Address)
        .password(MailboxPassword)
        .from(&[Nodemailer, Thunderbird, Mxsniff]),
    mailbox(
        "migadu",
        "Migadu",
        &[only("smtp.migadu.com").domains(&["migadu.com"]).mx(&["migadu.com"])],
        BOTH,
    )
    .username(Address)
    .password(MailboxPassword)
    .from(&[Chatmail, Mxsniff]),
    // Last compared by Chatmail in March 2019.
    mailbox(
        "mailbox-org",
        "mailbox.org",
        &[only("smtp.mailbox.org").domains(&["mailbox.org", "secure.mailbox.org"])],
        TLS,
    )
    .username(Address)
    .password(MailboxPassword)
    .from(&[Chatmail]),
    mailbox("posteo", "Posteo", &[only("posteo.de").domains(&["posteo.*"])], BOTH)
        .username(Address)
        .password(MailboxPassword)
        .from(&[Thunderbird, Chatmail]),
    // gmx.net and gmx.com are one company with two sets of servers.
    mailbox(
        "gmx",
        "GMX",
        &[
            at("gmx.net, gmx.de, gmx.at, gmx.ch", "mail.gmx.net")
                .domains(&[
                    "gmx.net",
                    "gmx.de",
                    "gmx.at",
                    "gmx.ch",
                    "gmx.eu",
                    "gmx.biz",
                    "gmx.org",
                    "gmx.info",
                    "mein.gmx",
                    "mail.gmx",
                    "email.gmx",
                ])
                .mx(&["gmx.net"]),
            at("gmx.com and others", "mail.gmx.com").domains(&["gmx.*"]),
        ],
        BOTH,
    )
    .username(Address)
    .notes(&[Note::TurnOnFirst])
    .from(&[Nodemailer, Thunderbird, Chatmail]),
    mailbox(
        "mail-com",
        "mail.com",
        &[only("smtp.mail.com").domains(&[
            "mail.com",
            "mail.org",
            "email.com",
            "post.com",
            "usa.com",
            "europe.com",
            "london.com",
            "accountant.com",
            "consultant.com",
            "engineer.com",
            "dr.com",
            "techie.com",
            "cheerful.com",
            "myself.com",
            "iname.com",
            "writeme.com",
            "linuxmail.org",
        ])],
        BOTH,
    )
    .username(Address)
    .password(MailboxPassword)
    .from(&[Thunderbird]),
    mailbox(
        "yandex",
        "Yandex Mail",
        &[only("smtp.yandex.com")
            .domains(&["yandex.*", "ya.ru", "narod.ru"])
            .mx(&["yandex.net", "yandex.ru"])],
        TLS,
    )
    .other_hosts(&["smtp.yandex.ru"])
    .username(Address)
    .password(AppPassword)
    .sign_in(&[Password, Oauth2])
    .notes(&[Note::FromMustBeOwn])
    .from(&[Nodemailer, Thunderbird, Chatmail, Mxsniff]),
    mailbox(
        "mail-ru",
        "Mail.ru",
        &[only("smtp.mail.ru").domains(&[
            "mail.ru",
            "inbox.ru",
            "list.ru",
            "bk.ru",
            "internet.ru",
            "corp.mail.ru",
        ])],
        BOTH,
    )
    .username(Address)
    .password(AppPassword)
    .from(&[Nodemailer, Thunderbird, Docs("help.mail.ru/mail/security/protection/external")]),
    mailbox(
        "t-online",
        "T-Online",
        &[only("securesmtp.t-online.de")
            .domains(&["t-online.de", "magenta.de"])
            .mx(&["t-online.de"])],
        BOTH,
    )
    .username(Address)
    .password(AppPassword)
    .from(&[
        Thunderbird,
        EmailEngine,
        Docs("telekom.de/hilfe/apps-dienste/e-mail/programme/passwort-definition"),
    ]),
];
