//! A mailer that may talk to a Postfix, and what its log tells.

use std::{
    convert::Infallible,
    fs,
    net::{IpAddr, Ipv4Addr},
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use letterhead_domain::{
    delivery::AttemptOutcome,
    email::EmailAddress,
    id::{SenderId, TenantId},
    message::{Mailbox, MessageContent, OutgoingMail},
    password::SmtpPassword,
    sender::VersionNumber,
    smtp_settings::{Auth, Encryption, SmtpSettings},
    test_run::{Cause, Stage, StageStatus, TestMode, TestReport},
};
use letterhead_mailer::{
    egress::{policy::EgressPolicy, resolver::Resolver},
    lease::LeaseDeadline,
    mailer::{Mailer, MailerConfig},
    test_run::TestPlan,
    tls::TlsTrust,
    transport::{Transport, TransportKey},
};
use letterhead_tests::{
    postfix::{AURORA, Account, ForeignSender, Postfix},
    program::PATIENCE,
};
use uuid::Uuid;
use zeroize::Zeroizing;

/// A name that leads to the server and is not in its certificate.
pub(crate) const OTHER_NAME: &str = "mail.aurora.example";

/// Both ways into the server.
pub(crate) const ENCRYPTIONS: [Encryption; 2] = [Encryption::Starttls, Encryption::ImplicitTls];

/// A server, and a mailer that may go to it.
pub(crate) struct Stand {
    pub(crate) server: Postfix,
    pub(crate) mailer: Mailer,
}

impl Stand {
    /// Starts both; `None`, having said so, where there is no Postfix.
    pub(crate) fn start() -> Option<Self> {
        Self::start_with(ForeignSender::RefusedAtMail)
    }

    pub(crate) fn start_with(foreign_sender: ForeignSender) -> Option<Self> {
        let server = Postfix::start_or_skip(foreign_sender)?;
        let mailer = mailer(&server, &[server.ca_file()], |_| {});
        Some(Self { server, mailer })
    }

    /// Lets the server offer `mechanisms` and nothing else: some know AUTH LOGIN alone to this day.
    /// Its processes read this when they start, so it must come before the first connection.
    pub(crate) fn offer(&self, mechanisms: &str) {
        let file = self.server.ca_file().with_file_name("etc/sasl/smtpd.conf");
        let both = fs::read_to_string(&file).expect("the server's SASL configuration");
        let line = format!("mech_list: {mechanisms}\n");
        assert!(both.contains("mech_list: PLAIN LOGIN\n"), "{both}");
        fs::write(&file, both.replace("mech_list: PLAIN LOGIN\n", &line)).expect("a file");
    }

    /// Settings of [`AURORA`] that the server takes.
    pub(crate) fn settings(&self, encryption: Encryption) -> SmtpSettings {
        let port = match encryption {
            Encryption::Starttls => self.server.submission_port(),
            Encryption::ImplicitTls => self.server.smtps_port(),
            Encryption::None => panic!("the server takes nobody without TLS"),
        };
        SmtpSettings {
            host: Postfix::HOST.parse().expect("a host"),
            port: port.try_into().expect("a port"),
            encryption,
            auth: Auth::Password { username: AURORA.address.parse().expect("a user name") },
            sender_name: "Aurora Bücher".parse().expect("a name"),
            sender_email: email(AURORA.address),
            reply_to: None,
        }
    }

    pub(crate) async fn test(&self, settings: SmtpSettings, mode: TestMode) -> TestReport {
        self.mailer.test(plan(settings, AURORA, mode), |_| {}).await
    }

    /// A transport of its own, so that nobody else's warm session is used.
    pub(crate) async fn transport(&self, settings: SmtpSettings) -> (TransportKey, Arc<Transport>) {
        let key = TransportKey {
            tenant: TenantId::from(Uuid::new_v4()),
            sender: SenderId::from(Uuid::new_v4()),
            version: VersionNumber(1),
        };
        let load = async { Ok::<_, Infallible>((settings, Some(password(AURORA.password)))) };
        let transport = self.mailer.transports().get_or_open(key, load).await;
        (key, transport.expect("loading cannot fail"))
    }

    /// Ends `transport` and with it the sessions that rest on it.
    pub(crate) async fn close(&self, key: TransportKey, transport: Arc<Transport>) {
        drop(transport);
        self.mailer.transports().invalidate(&key).await;
        // The cache lets go of what it has forgotten when it is counted.
        assert_eq!(self.mailer.transports().count().await, 0);
    }

    /// Waits until the server has logged the end of `count` connections, and gives its log: all
    /// that it had to say of them is then in it.
    pub(crate) async fn log_of_connections(&self, count: usize) -> String {
        let begun = Instant::now();
        loop {
            let log = self.server.log();
            if log.matches(": disconnect from ").count() >= count {
                return log;
            }
            assert!(begun.elapsed() < PATIENCE, "never {count} connections:\n{log}");
            // A log tells nobody when it grows.
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

/// A mailer that may go to `server`, under either name, and trusts `authorities`.
pub(crate) fn mailer(
    server: &Postfix,
    authorities: &[PathBuf],
    adjust: impl FnOnce(&mut MailerConfig),
) -> Mailer {
    let ports = [server.submission_port(), server.smtps_port()];
    let destination = |(host, port)| format!("{host}:{port}").parse().expect("a destination");
    let allowed = ports.iter().flat_map(|port| [(Postfix::HOST, port), (OTHER_NAME, port)]);
    let policy = EgressPolicy { allowed: allowed.map(destination).collect(), extra_ports: vec![] };
    // Postfix listens on IPv4 alone.
    let loopback = vec![IpAddr::V4(Ipv4Addr::LOCALHOST)];
    let name = OTHER_NAME.parse().expect("a host");
    let trust = TlsTrust::load(authorities).expect("authorities");
    let mut config = MailerConfig::new(policy, Resolver::fixed([(name, loopback)]), trust);
    adjust(&mut config);
    Mailer::new(config)
}

pub(crate) fn plan(settings: SmtpSettings, account: Account, mode: TestMode) -> TestPlan {
    TestPlan {
        password: Some(password(account.password)),
        settings,
        mode,
        recipient: email("ann@example.net"),
        mail: Some(mail(MessageContent {
            text: Some("It works.\n".to_owned()),
            html: None,
            attachments: vec![],
        })),
    }
}

pub(crate) fn mail(content: MessageContent) -> OutgoingMail {
    let ann = Mailbox {
        email: email("ann@example.net"),
        name: Some("Ann Älskling".parse().expect("a name")),
    };
    OutgoingMail {
        from_name: "Aurora Bücher".parse().expect("a name"),
        from: email(AURORA.address),
        reply_to: Some(email("help@aurora.example")),
        to: vec![ann],
        cc: vec![],
        subject: "Ihre Quittung № 4711 für „Aurora“".parse().expect("a subject"),
        content,
        message_id: "<0190a1b2@aurora.example>".to_owned(),
        date: chrono::DateTime::from_timestamp(1_750_000_000, 0).expect("a time"),
    }
}

pub(crate) fn email(text: &str) -> EmailAddress {
    text.parse().expect("an address")
}

pub(crate) fn password(text: &str) -> SmtpPassword {
    SmtpPassword::parse(Zeroizing::new(text.to_owned())).expect("a password")
}

pub(crate) fn lease() -> LeaseDeadline {
    LeaseDeadline::new(Instant::now() + PATIENCE)
}

/// The codes of the recipients' last answers.
pub(crate) fn codes(outcome: &AttemptOutcome) -> Vec<u16> {
    let AttemptOutcome::Answered(replies) = outcome else { panic!("not answered: {outcome:?}") };
    replies.iter().map(|reply| reply.code).collect()
}

/// Where and why a run failed, after checking that nothing was tried beyond it.
pub(crate) fn failure(report: &TestReport) -> (Stage, Cause) {
    let failure = report.failure.clone().unwrap_or_else(|| panic!("it passed: {report:?}"));
    let of = |stage: Stage| report.stages.iter().find(|each| each.stage == stage);
    assert_eq!(of(failure.stage).map(|each| each.status), Some(StageStatus::Failed), "{report:?}");
    // Greeting and TLS change places, everything from the sign-in on has one order.
    let later = report.stages.iter().filter(|each| each.stage > failure.stage);
    for stage in later.filter(|each| each.stage >= Stage::Auth) {
        assert_eq!(stage.status, StageStatus::NotReached, "{report:?}");
    }
    (failure.stage, failure.cause)
}
