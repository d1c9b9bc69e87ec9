//! Services that send for programs and have no guide of their own.

use super::{
    super::{
        Note,
        PasswordKind::{ApiKey, AppPassword, ClientSecret, SecretKey, SmtpPassword, Token},
        Provider,
        SignInKind::{self, Password},
        Source::{Docs, Listmonk, Nodemailer, Page},
        Spf,
        UsernameKind::{self, Address, Any, Given, SameAsPassword},
    },
    STARTTLS, TLS, at, implicit_tls, only, sending, starttls,
};

pub(super) const PROVIDERS: &[Provider] = &[
    sending(
        "google-workspace-relay",
        "Google Workspace SMTP relay",
        &[only("smtp-relay.gmail.com")],
        &[starttls(587), implicit_tls(465)],
    )
    .username(Address)
    .password(AppPassword)
    .sign_in(&[Password, SignInKind::None])
    .spf(Spf::Include("_spf.google.com"))
    .dkim(&["google"])
    .notes(&[Note::AdminMustAllow])
    .from(&[Nodemailer, Page("mxio.io/providers/google-workspace")]),
    sending(
        "postmark",
        "Postmark",
        &[
            at("transactional", "smtp.postmarkapp.com"),
            at("broadcasts", "smtp-broadcasts.postmarkapp.com"),
        ],
        &[starttls(587), starttls(2525)],
    )
    .username(SameAsPassword)
    .password(Token)
    .spf(Spf::Nothing)
    .notes(&[Note::SenderMustBeVerified])
    .from(&[
        Nodemailer,
        Listmonk,
        Docs("postmarkapp.com/developer/user-guide/send-email-with-smtp"),
        Page("spfwise.com/en/article/postmark-spf-dkim-dmarc-setup"),
    ]),
    sending(
        "resend",
        "Resend",
        &[only("smtp.resend.com")],
        &[implicit_tls(465), implicit_tls(2465), starttls(587), starttls(2587)],
    )
    .fixed_username("resend")
    .password(ApiKey)
    .spf(Spf::Nothing)
    .dkim(&["resend"])
    .notes(&[Note::SenderMustBeVerified])
    .from(&[Nodemailer, Docs("resend.com/docs/send-with-smtp"), Page("dmarc.wiki/resend")]),
    sending(
        "mailjet",
        "Mailjet",
        &[only("in-v3.mailjet.com")],
        &[starttls(587), starttls(2525), implicit_tls(465)],
    )
    .other_hosts(&["in.mailjet.com"])
    .username(UsernameKind::ApiKey)
    .password(SecretKey)
    .spf(Spf::Include("spf.mailjet.com"))
    .dkim(&["mailjet"])
    .from(&[
        Nodemailer,
        Listmonk,
        Page("smtptester.org/guides/mailjet-smtp-test"),
        Docs("mailjet.com/support/what-are-the-api-key-and-secret-keys-how-should-i-use-them,109"),
        Docs("documentation.mailjet.com/hc/en-us/articles/360049641733"),
        Page("captaindns.com/en/blog/mailjet-transactional-email-technical-guide"),
    ]),
    sending("mailtrap", "Mailtrap", &[only("live.smtp.mailtrap.io")], STARTTLS)
        .fixed_username("api")
        .password(Token)
        .from(&[Nodemailer, Docs("mailtrap.io/smtp-service")]),
    sending("mailersend", "MailerSend", &[only("smtp.mailersend.net")], STARTTLS)
        .username(Given)
        .password(SmtpPassword)
        .notes(&[Note::SenderMustBeVerified])
        .from(&[Nodemailer, Docs("mailersend.com/help/smtp-relay")]),
    sending(
        "sparkpost",
        "SparkPost",
        &[at("US", "smtp.sparkpostmail.com"), at("EU", "smtp.eu.sparkpostmail.com")],
        &[starttls(587), starttls(2525)],
    )
    .fixed_username("SMTP_Injection")
    .password(ApiKey)
    .from(&[Nodemailer, Docs("developers.sparkpost.com/api/smtp")]),
    sending(
        "mandrill",
        "Mailchimp Transactional (Mandrill)",
        &[only("smtp.mandrillapp.com")],
        &[starttls(587), starttls(2525), implicit_tls(465)],
    )
    .username(Any)
    .password(ApiKey)
    .from(&[Nodemailer, Docs("mailchimp.com/developer/transactional/docs/smtp-integration")]),
    sending(
        "elastic-email",
        "Elastic Email",
        &[only("smtp.elasticemail.com")],
        &[implicit_tls(465), starttls(2525), starttls(587)],
    )
    .other_hosts(&["smtp25.elasticemail.com"])
    .username(Given)
    .password(SmtpPassword)
    .from(&[Nodemailer, Docs("help.elasticemail.com/en/articles/4803409-smtp-settings")]),
    sending(
        "azure-communication-services",
        "Azure Communication Services",
        &[only("smtp.azurecomm.net")],
        STARTTLS,
    )
    .username(Given)
    .password(ClientSecret)
    .from(&[
        Listmonk,
        Docs(concat!(
            "learn.microsoft.com/azure/communication-services/quickstarts/email/",
            "send-email-smtp/smtp-authentication"
        )),
    ]),
    sending("forward-email", "Forward Email", &[only("smtp.forwardemail.net")], TLS)
        .from(&[Nodemailer, Listmonk]),
    sending("lettermint", "Lettermint", &[only("smtp.lettermint.co")], TLS).from(&[Listmonk]),
    sending("sendpulse", "SendPulse", &[only("smtp-pulse.com")], TLS).from(&[Nodemailer]),
    sending("loops", "Loops", &[only("smtp.loops.so")], STARTTLS).from(&[Nodemailer]),
    sending(
        "turbosmtp",
        "turboSMTP",
        &[at("worldwide", "pro.turbo-smtp.com"), at("EU", "pro.eu.turbo-smtp.com")],
        TLS,
    )
    .from(&[Nodemailer]),
];
