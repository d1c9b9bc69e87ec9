//! Mailboxes for one country, by country. Their guide is the one for any server.

use super::{
    super::{
        Note,
        PasswordKind::{AuthorisationCode, MailboxPassword},
        Provider,
        SignInKind::{Oauth2, Password},
        Source::{Chatmail, Nodemailer, Thunderbird},
        UsernameKind::{Address, AddressOrLocalPart, LocalPart},
    },
    BOTH, STARTTLS, TLS, at, mailbox, only,
};

pub(super) const PROVIDERS: &[Provider] = &[
    mailbox("web-de", "WEB.DE", &[only("smtp.web.de").domains(&["web.de", "email.de"])], BOTH)
        .username(AddressOrLocalPart)
        .password(MailboxPassword)
        .notes(&[Note::TurnOnFirst])
        .from(&[Thunderbird, Chatmail]),
    mailbox(
        "orange-fr",
        "Orange (France)",
        &[only("smtp.orange.fr").domains(&["orange.fr", "wanadoo.fr"])],
        TLS,
    )
    .username(Address)
    .password(MailboxPassword)
    .from(&[Thunderbird]),
    mailbox(
        "sfr",
        "SFR",
        &[only("smtp.sfr.fr").domains(&["sfr.fr", "neuf.fr", "club-internet.fr"])],
        TLS,
    )
    .username(Address)
    .password(MailboxPassword)
    .from(&[Thunderbird]),
    mailbox("laposte", "La Poste", &[only("smtp.laposte.net").domains(&["laposte.net"])], TLS)
        .username(LocalPart)
        .password(MailboxPassword)
        .from(&[Thunderbird]),
    mailbox("free-fr", "Free (France)", &[only("smtp.free.fr").domains(&["free.fr"])], TLS)
        .username(LocalPart)
        .password(MailboxPassword)
        .from(&[Thunderbird]),
    mailbox(
        "libero",
        "Libero Mail",
        &[only("smtp.libero.it").domains(&[
            "libero.it",
            "iol.it",
            "blu.it",
            "inwind.it",
            "giallo.it",
        ])],
        TLS,
    )
    .username(Address)
    .password(MailboxPassword)
    .from(&[Thunderbird]),
    mailbox(
        "aruba-pec",
        "Aruba PEC",
        &[only("smtps.pec.aruba.it").domains(&[
            "pec.it",
            "arubapec.it",
            "mypec.eu",
            "gigapec.it",
            "ingpec.eu",
        ])],
        TLS,
    )
    .username(Address)
    .password(MailboxPassword)
    .from(&[Thunderbird]),
    mailbox("wp-pl", "Poczta WP", &[only("smtp.wp.pl").domains(&["wp.pl"])], TLS)
        .username(LocalPart)
        .password(MailboxPassword)
        .from(&[Thunderbird]),
    mailbox(
        "o2-pl",
        "o2 Poczta",
        &[only("poczta.o2.pl").domains(&["o2.pl", "go2.pl", "tlen.pl", "prokonto.pl"])],
        BOTH,
    )
    .username(LocalPart)
    .password(MailboxPassword)
    .from(&[Thunderbird]),
    mailbox(
        "seznam",
        "Seznam",
        &[only("smtp.seznam.cz").domains(&["seznam.cz", "email.cz", "post.cz", "spoluzaci.cz"])],
        TLS,
    )
    .username(Address)
    .password(MailboxPassword)
    .from(&[Nodemailer, Thunderbird]),
    mailbox(
        "bt",
        "BT Mail",
        &[only("mail.btinternet.com").domains(&[
            "btinternet.com",
            "btopenworld.com",
            "talk21.com",
        ])],
        TLS,
    )
    .username(Address)
    .password(MailboxPassword)
    .from(&[Thunderbird]),
    mailbox(
        "comcast",
        "Comcast Xfinity",
        &[only("smtp.comcast.net").domains(&["comcast.net", "xfinity.com"])],
        BOTH,
    )
    .username(Address)
    .password(MailboxPassword)
    .sign_in(&[Password, Oauth2])
    .from(&[Thunderbird, Chatmail]),
    mailbox(
        "att",
        "AT&T Mail",
        &[only("smtp.mail.att.net").domains(&[
            "att.net",
            "ameritech.net",
            "bellsouth.net",
            "currently.com",
            "flash.net",
            "nvbell.net",
            "pacbell.net",
            "prodigy.net",
            "sbcglobal.net",
            "snet.net",
            "swbell.net",
            "wans.net",
        ])],
        TLS,
    )
    .other_hosts(&["outbound.att.net"])
    .username(Address)
    .sign_in(&[Password, Oauth2])
    .from(&[Thunderbird]),
    mailbox(
        "bell-ca",
        "Bell (Canada)",
        &[only("smtphm.sympatico.ca").domains(&["bell.net", "sympatico.ca"])],
        STARTTLS,
    )
    .username(Address)
    .password(MailboxPassword)
    .from(&[Thunderbird]),
    mailbox(
        "telstra",
        "Telstra Mail",
        &[only("smtp.telstra.com").domains(&[
            "bigpond.com",
            "bigpond.net.au",
            "bigpond.net",
            "telstra.com",
        ])],
        TLS,
    )
    .username(Address)
    .password(MailboxPassword)
    .from(&[Thunderbird]),
    mailbox(
        "rediffmail",
        "Rediffmail",
        &[only("smtp.rediffmail.com").domains(&["rediffmail.com"])],
        TLS,
    )
    .username(Address)
    .password(MailboxPassword)
    .from(&[Thunderbird]),
    // Another company than Yahoo elsewhere, with servers of its own.
    mailbox(
        "yahoo-japan",
        "Yahoo! JAPAN Mail",
        &[only("smtp.mail.yahoo.co.jp").domains(&["yahoo.co.jp"])],
        TLS,
    )
    .username(LocalPart)
    .password(MailboxPassword)
    .from(&[Thunderbird]),
    mailbox("naver", "Naver Mail", &[only("smtp.naver.com").domains(&["naver.com"])], STARTTLS)
        .username(Address)
        .notes(&[Note::TurnOnFirst])
        .from(&[Nodemailer, Chatmail]),
    mailbox("qq", "QQ Mail", &[only("smtp.qq.com").domains(&["qq.com", "foxmail.com"])], TLS)
        .username(Address)
        .password(AuthorisationCode)
        .notes(&[Note::TurnOnFirst])
        .from(&[Nodemailer, Thunderbird, Chatmail]),
    mailbox(
        "netease",
        "NetEase Mail",
        &[
            at("163.com", "smtp.163.com").domains(&["163.com"]),
            at("126.com", "smtp.126.com").domains(&["126.com"]),
            at("yeah.net", "smtp.yeah.net").domains(&["yeah.net"]),
        ],
        TLS,
    )
    .username(Address)
    .password(AuthorisationCode)
    .notes(&[Note::TurnOnFirst])
    .from(&[Nodemailer, Thunderbird, Chatmail]),
    mailbox("aliyun", "Alibaba Mail", &[only("smtp.aliyun.com").domains(&["aliyun.com"])], TLS)
        .username(Address)
        .from(&[Nodemailer, Chatmail]),
];
