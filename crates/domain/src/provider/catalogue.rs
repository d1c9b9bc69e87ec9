//! The rows. Hosts, ports and sign-in come from each service's own pages or from two lists that
//! agree: Nodemailer's well-known services (MIT-0) and Thunderbird's provider database (facts only).

use super::{PasswordKind, Preset, Provider, UsernameKind, Way};
use crate::smtp_settings::Encryption::{ImplicitTls, Starttls};

const fn only(host: &'static str) -> Preset {
    Preset { place: None, host }
}

const fn at(place: &'static str, host: &'static str) -> Preset {
    Preset { place: Some(place), host }
}

const fn starttls(port: u16) -> Way {
    Way { port, encryption: Starttls }
}

const fn implicit_tls(port: u16) -> Way {
    Way { port, encryption: ImplicitTls }
}

pub(super) const PROVIDERS: &[Provider] = &[
    // Nodemailer, Thunderbird; Workspace: support.google.com/a/answer/176600.
    Provider {
        id: "gmail",
        name: "Gmail and Google Workspace",
        presets: &[only("smtp.gmail.com")],
        other_hosts: &["smtp.googlemail.com", "smtp-relay.gmail.com"],
        ways: &[starttls(587), implicit_tls(465)],
        email_domains: &["gmail.com", "googlemail.com"],
        username: UsernameKind::Address,
        password: PasswordKind::AppPassword,
        guide: "gmail",
    },
    // Nodemailer, Thunderbird; the password's end: techcommunity.microsoft.com, 27 January 2026.
    Provider {
        id: "microsoft-365",
        name: "Microsoft 365",
        presets: &[only("smtp.office365.com")],
        other_hosts: &[],
        ways: &[starttls(587)],
        email_domains: &["*.onmicrosoft.com"],
        username: UsernameKind::Address,
        password: PasswordKind::MailboxPassword,
        guide: "microsoft-365",
    },
    // Thunderbird, chatmail: sign-in with a password ended on 16 September 2024.
    Provider {
        id: "outlook-com",
        name: "Outlook.com, Hotmail and Live",
        presets: &[only("smtp-mail.outlook.com")],
        other_hosts: &[],
        ways: &[starttls(587)],
        email_domains: &["outlook.*", "hotmail.*", "live.*", "msn.com"],
        username: UsernameKind::Address,
        password: PasswordKind::NoneWorks,
        guide: "outlook-com",
    },
    // Nodemailer, Thunderbird, chatmail.
    Provider {
        id: "yahoo",
        name: "Yahoo Mail",
        presets: &[only("smtp.mail.yahoo.com")],
        other_hosts: &[],
        ways: &[implicit_tls(465), starttls(587)],
        email_domains: &["yahoo.*", "ymail.com", "rocketmail.com"],
        username: UsernameKind::Address,
        password: PasswordKind::AppPassword,
        guide: "yahoo",
    },
    // Nodemailer, Thunderbird; accounts with a domain of their own: EmailEngine.
    Provider {
        id: "zoho",
        name: "Zoho Mail",
        presets: &[
            at("zoho.com", "smtp.zoho.com"),
            at("zoho.com, own domain", "smtppro.zoho.com"),
            at("zoho.eu", "smtp.zoho.eu"),
            at("zoho.eu, own domain", "smtppro.zoho.eu"),
            at("zoho.in", "smtp.zoho.in"),
            at("zoho.in, own domain", "smtppro.zoho.in"),
            at("zoho.com.au", "smtp.zoho.com.au"),
            at("zoho.com.au, own domain", "smtppro.zoho.com.au"),
            at("zoho.jp", "smtp.zoho.jp"),
            at("zoho.jp, own domain", "smtppro.zoho.jp"),
            at("zohocloud.ca", "smtp.zohocloud.ca"),
        ],
        other_hosts: &[],
        ways: &[implicit_tls(465), starttls(587)],
        email_domains: &["zoho.*", "zohomail.*"],
        username: UsernameKind::Address,
        password: PasswordKind::AppPassword,
        guide: "zoho",
    },
    // Nodemailer, Thunderbird; limits: support.apple.com/102198.
    Provider {
        id: "icloud",
        name: "iCloud Mail",
        presets: &[only("smtp.mail.me.com")],
        other_hosts: &[],
        ways: &[starttls(587)],
        email_domains: &["icloud.com", "me.com", "mac.com"],
        username: UsernameKind::Address,
        password: PasswordKind::AppPassword,
        guide: "icloud",
    },
    // The service's own documentation.
    Provider {
        id: "smtp2go",
        name: "SMTP2GO",
        presets: &[
            only("mail.smtp2go.com"),
            at("US", "mail-us.smtp2go.com"),
            at("EU", "mail-eu.smtp2go.com"),
            at("EU 2", "mail-eu2.smtp2go.com"),
            at("AU", "mail-au.smtp2go.com"),
        ],
        other_hosts: &[],
        ways: &[
            starttls(587),
            starttls(2525),
            starttls(8025),
            implicit_tls(465),
            implicit_tls(8465),
        ],
        email_domains: &[],
        username: UsernameKind::Given,
        password: PasswordKind::SmtpPassword,
        guide: "smtp2go",
    },
    // The service's own documentation, Nodemailer.
    Provider {
        id: "sendgrid",
        name: "SendGrid",
        presets: &[only("smtp.sendgrid.net")],
        other_hosts: &[],
        ways: &[starttls(587), starttls(2525), implicit_tls(465)],
        email_domains: &[],
        username: UsernameKind::Fixed("apikey"),
        password: PasswordKind::ApiKey,
        guide: "sendgrid",
    },
    // The service's own documentation, Nodemailer.
    Provider {
        id: "mailgun",
        name: "Mailgun",
        presets: &[at("US", "smtp.mailgun.org"), at("EU", "smtp.eu.mailgun.org")],
        other_hosts: &[],
        ways: &[starttls(587), starttls(2525), implicit_tls(465)],
        email_domains: &[],
        username: UsernameKind::Given,
        password: PasswordKind::SmtpPassword,
        guide: "mailgun",
    },
    // The service's own documentation, Nodemailer.
    Provider {
        id: "amazon-ses",
        name: "Amazon SES",
        presets: &[
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
        other_hosts: &["email-smtp.*.amazonaws.com"],
        ways: &[starttls(587), starttls(2587), implicit_tls(465), implicit_tls(2465)],
        email_domains: &[],
        username: UsernameKind::Given,
        password: PasswordKind::SmtpPassword,
        guide: "amazon-ses",
    },
    // The service's own documentation, Nodemailer.
    Provider {
        id: "brevo",
        name: "Brevo",
        presets: &[only("smtp-relay.brevo.com")],
        other_hosts: &[],
        ways: &[starttls(587), starttls(2525), implicit_tls(465)],
        email_domains: &[],
        username: UsernameKind::Given,
        password: PasswordKind::SmtpKey,
        guide: "brevo",
    },
];
