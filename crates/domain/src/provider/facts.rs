//! What the catalogue says about a service, word by word.

use crate::words::words;

words! {
    /// What a service is for.
    ServiceKind {
        /// Mailboxes of people, which send as well.
        Mailbox = "mailbox",
        /// Sending for programs; who writes back writes elsewhere.
        Sending = "sending",
    }
}

words! {
    /// What a service wants in the password's field.
    PasswordKind {
        /// A password made for programs, apart from the one that a person signs in with.
        AppPassword = "app_password",
        /// The mailbox's own password, where the service still takes it.
        MailboxPassword = "mailbox_password",
        /// The password of an SMTP user, made in the service's settings; not the account's own.
        SmtpPassword = "smtp_password",
        /// An SMTP key; not the key of the service's API.
        SmtpKey = "smtp_key",
        /// A key of the service's API that may send.
        ApiKey = "api_key",
        /// The secret half of an API key.
        SecretKey = "secret_key",
        /// A token that may send.
        Token = "token",
        /// The secret of an application that is registered with the service.
        ClientSecret = "client_secret",
        /// A code that the service makes when SMTP is turned on.
        AuthorisationCode = "authorisation_code",
        /// None: the service takes no password for SMTP any more.
        NoneWorks = "none_works",
    }
}

words! {
    /// How a program can sign in to a service.
    SignInKind {
        /// With a user name and something in the password's field.
        Password = "password",
        /// With a token that the service hands out after a person agreed (`XOAUTH2`).
        Oauth2 = "oauth2",
        /// Not at all: the service knows the sending machine by its network address.
        None = "none",
    }
}

words! {
    /// Who signs in to a service.
    UsernameKind {
        /// The mailbox's full e-mail address.
        Address = "address",
        /// What stands before the `@` of the mailbox's address.
        LocalPart = "local_part",
        /// Either of the two: sources name both, so both may be tried.
        AddressOrLocalPart = "address_or_local_part",
        /// A user name that the service shows in its settings.
        Given = "given",
        /// The public half of an API key.
        ApiKey = "api_key",
        /// The same as in the password's field.
        SameAsPassword = "same_as_password",
        /// Whatever is entered: the password alone decides.
        Any = "any",
        /// One word, the same for everybody.
        Fixed = "fixed",
    }
}

words! {
    /// What a service counts.
    LimitOn {
        /// Messages handed over.
        Messages = "messages",
        /// Recipients of them.
        Recipients = "recipients",
        /// Connections of one account.
        Connections = "connections",
        /// The size of a message, in bytes.
        Bytes = "bytes",
    }
}

words! {
    /// Within what a service counts.
    LimitPer {
        /// One message.
        Message = "message",
        /// A second.
        Second = "second",
        /// A minute.
        Minute = "minute",
        /// A day; when it begins is the service's matter.
        Day = "day",
        /// The 24 hours before each moment.
        Rolling24Hours = "rolling_24_hours",
        /// At the same time.
        Once = "once",
    }
}

/// How much a service lets through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// The most there may be.
    pub most: u32,
    /// Of what.
    pub on: LimitOn,
    /// Within what.
    pub per: LimitPer,
    /// For whom, if not for everybody, in the service's own words.
    pub plan: Option<&'static str>,
    /// The same as far as it can be told from a sender's address.
    pub whose: Whose,
}

/// Whose limit it is, as far as it can be told from a sender's address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// Everybody's.
    Everybodys,
    /// That of mailboxes at the service's own domains.
    ItsMailboxes,
    /// That of mailboxes at customers' domains.
    OwnDomains,
    /// That of some plan; an address does not tell whose.
    SomePlans,
}

impl Whose {
    /// Whether it is for certain the limit of a mailbox that is `at_its_own` domain, the service's,
    /// or at another.
    pub(crate) const fn includes(self, at_its_own: bool) -> bool {
        match self {
            Self::Everybodys => true,
            Self::ItsMailboxes => at_its_own,
            Self::OwnDomains => !at_its_own,
            Self::SomePlans => false,
        }
    }
}

/// What the SPF record of a domain needs so that a service may send for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spf {
    /// An `include:` of this domain.
    Include(&'static str),
    /// Nothing: bounces go to the service's own domain, or to a subdomain that was handed to it.
    Nothing,
}

words! {
    /// What else to know about a service.
    Note {
        /// It writes another From address over one that was not verified with it.
        FromRewritten = "from_rewritten",
        /// It refuses a From address that the account does not own.
        FromMustBeOwn = "from_must_be_own",
        /// It refuses a sender's domain or address that was not verified with it.
        SenderMustBeVerified = "sender_must_be_verified",
        /// App passwords can be made once two-step verification is on.
        TwoStepFirst = "two_step_first",
        /// An administrator may have to allow it first.
        AdminMustAllow = "admin_must_allow",
        /// Signing in with a password is about to end here.
        PasswordsEnd = "passwords_end",
        /// Sending by programs has to be turned on in the mailbox's settings.
        TurnOnFirst = "turn_on_first",
        /// Each region has a server of its own; at another one the right password is refused.
        RegionMatters = "region_matters",
        /// Automated bulk mail is against its rules.
        BulkForbidden = "bulk_forbidden",
        /// A new account sends to verified recipients only, until the service lifts that.
        SandboxFirst = "sandbox_first",
        /// The service has to activate a new account before it sends.
        ActivationFirst = "activation_first",
        /// Only for addresses at a domain of one's own, on certain paid plans.
        OwnDomainOnly = "own_domain_only",
    }
}

/// Where a fact is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Nodemailer's `lib/well-known/services.json` (MIT-0).
    Nodemailer,
    /// Thunderbird's provider database, `ispdb/*.xml`; facts only, no file of it (MPL-2.0).
    Thunderbird,
    /// The provider database of chatmail.
    Chatmail,
    /// The servers that EmailEngine knows by MX.
    EmailEngine,
    /// Listmonk's presets.
    Listmonk,
    /// The MX names that `mxsniff` knows.
    Mxsniff,
    /// The service's own page.
    Docs(&'static str),
    /// Somebody else's page.
    Page(&'static str),
}
