//! A practice server and a mailer that may talk to it.

use std::{
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
    test_run::{Stage, StageStatus, TestMode, TestReport},
};
use letterhead_mailer::{
    compose::{ComposedMail, compose},
    egress::{policy::EgressPolicy, resolver::Resolver},
    lease::LeaseDeadline,
    mailer::{Mailer, MailerConfig},
    practice_server::{PracticeConfig, PracticeServer, fault::PortFault},
    test_run::TestPlan,
    tls::TlsTrust,
    transport::{Parcel, Transport, TransportKey},
};
use tempfile::TempDir;
use uuid::Uuid;
use zeroize::Zeroizing;

pub(crate) struct Stand {
    pub(crate) server: PracticeServer,
    pub(crate) mailer: Mailer,
    _folder: TempDir,
}

/// A mailer that may go to `ports` of localhost and trusts `ca_files`.
pub(crate) fn mailer(
    ports: impl IntoIterator<Item = u16>,
    ca_files: &[PathBuf],
    adjust: impl FnOnce(&mut MailerConfig),
) -> Mailer {
    let policy = EgressPolicy {
        allowed: ports
            .into_iter()
            .map(|port| format!("localhost:{port}").parse().unwrap())
            .collect(),
        extra_ports: vec![],
    };
    let trust = TlsTrust::load(ca_files).unwrap();
    let mut config = MailerConfig::new(policy, Resolver::fixed([]), trust);
    adjust(&mut config);
    Mailer::new(config)
}

impl Stand {
    pub(crate) async fn start() -> Self {
        Self::adjusted(|_| {}).await
    }

    pub(crate) async fn adjusted(adjust: impl FnOnce(&mut MailerConfig)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let server = PracticeServer::start(PracticeConfig::ephemeral(folder.path())).await.unwrap();
        let ports = server
            .fault_ports()
            .map(|(_, port)| port)
            .chain([server.starttls_port(), server.implicit_tls_port()]);
        let mailer = mailer(ports, &[server.ca_file().to_owned()], adjust);
        Self { mailer, server, _folder: folder }
    }

    pub(crate) fn settings(&self) -> SmtpSettings {
        settings(self.server.starttls_port())
    }

    pub(crate) fn fault(&self, fault: PortFault) -> SmtpSettings {
        settings(self.server.fault_port(fault).unwrap())
    }

    pub(crate) async fn test(&self, settings: SmtpSettings, mode: TestMode) -> TestReport {
        self.mailer.test(plan(settings, mode), |_| {}).await
    }

    pub(crate) async fn transport(&self, settings: SmtpSettings) -> Arc<Transport> {
        transport(&self.mailer, settings).await
    }

    /// How many sign-ins were tried.
    pub(crate) fn sign_ins(&self) -> u64 {
        let counters = self.server.inbox().counters();
        counters.sign_ins_accepted + counters.sign_ins_refused
    }
}

pub(crate) async fn transport(mailer: &Mailer, settings: SmtpSettings) -> Arc<Transport> {
    let load = async { Ok::<_, std::convert::Infallible>((settings, Some(password()))) };
    mailer.transports().get_or_open(key(), load).await.unwrap()
}

/// Hands one mail over, and gives what became of it.
pub(crate) async fn hand_over(transport: &Arc<Transport>, parcel: Parcel) -> AttemptOutcome {
    hand_over_under(&lease(), transport, parcel).await
}

pub(crate) async fn hand_over_under(
    lease: &LeaseDeadline,
    transport: &Arc<Transport>,
    parcel: Parcel,
) -> AttemptOutcome {
    let mut dispatch = transport.dispatch(lease, |_| false);
    dispatch.push(parcel);
    let (_, outcome) = dispatch.next().await.unwrap();
    outcome
}

/// A small mail to `recipients`.
pub(crate) fn parcel(recipients: &[&str]) -> Parcel {
    parcel_of(composed("Thank you.\n"), recipients)
}

pub(crate) fn parcel_of(mail: ComposedMail, recipients: &[&str]) -> Parcel {
    let recipients = recipients.iter().map(|text| email(text)).collect();
    Parcel { ticket: 0, mail, from: email("billing@aurora.example"), recipients }
}

/// A key of its own for each call.
pub(crate) fn key() -> TransportKey {
    TransportKey {
        tenant: TenantId::from(Uuid::new_v4()),
        sender: SenderId::from(Uuid::new_v4()),
        version: VersionNumber(1),
    }
}

pub(crate) fn lease() -> LeaseDeadline {
    LeaseDeadline::new(Instant::now() + Duration::from_secs(60))
}

pub(crate) const PASSWORD: &str = "practice-password";

pub(crate) fn password() -> SmtpPassword {
    SmtpPassword::parse(Zeroizing::new(PASSWORD.to_owned())).unwrap()
}

pub(crate) fn settings(port: u16) -> SmtpSettings {
    SmtpSettings {
        host: "localhost".parse().unwrap(),
        port: port.try_into().unwrap(),
        encryption: Encryption::Starttls,
        auth: Auth::Password { username: "practice".parse().unwrap() },
        sender_name: "Aurora Books".parse().unwrap(),
        sender_email: "billing@aurora.example".parse().unwrap(),
        reply_to: None,
    }
}

pub(crate) fn signed_in_as(settings: SmtpSettings, username: &str) -> SmtpSettings {
    SmtpSettings { auth: Auth::Password { username: username.parse().unwrap() }, ..settings }
}

pub(crate) fn plan(settings: SmtpSettings, mode: TestMode) -> TestPlan {
    TestPlan {
        password: matches!(settings.auth, Auth::Password { .. }).then(password),
        settings,
        mode,
        recipient: email("ann@example.net"),
        mail: Some(outgoing("Just a test.\n")),
    }
}

pub(crate) fn email(text: &str) -> EmailAddress {
    text.parse().unwrap()
}

pub(crate) fn outgoing(text: &str) -> OutgoingMail {
    OutgoingMail {
        from_name: "Aurora Books".parse().unwrap(),
        from: email("billing@aurora.example"),
        reply_to: None,
        to: vec![Mailbox { email: email("ann@example.net"), name: None }],
        cc: vec![],
        subject: "Your receipt".parse().unwrap(),
        content: MessageContent { text: Some(text.to_owned()), html: None, attachments: vec![] },
        message_id: "<0190@aurora.example>".to_owned(),
        date: chrono::DateTime::from_timestamp(1_750_000_000, 0).unwrap(),
    }
}

pub(crate) fn composed(text: &str) -> ComposedMail {
    compose(outgoing(text)).unwrap()
}

/// Sends a small mail to `recipients`.
pub(crate) async fn send(transport: &Arc<Transport>, recipients: &[&str]) -> AttemptOutcome {
    hand_over(transport, parcel(recipients)).await
}

/// The codes of the recipients' last answers.
pub(crate) fn codes(outcome: &AttemptOutcome) -> Vec<u16> {
    let AttemptOutcome::Answered(replies) = outcome else { panic!("not answered: {outcome:?}") };
    replies.iter().map(|reply| reply.code).collect()
}

/// The statuses of all stages in the order of the report.
pub(crate) fn statuses(report: &TestReport) -> Vec<StageStatus> {
    report.stages.iter().map(|stage| stage.status).collect()
}

/// The stage that failed, after checking that the report is whole.
pub(crate) fn failed_stage(report: &TestReport) -> Option<Stage> {
    let stages: Vec<_> = report.stages.iter().map(|stage| stage.stage).collect();
    assert_eq!(stages, Stage::ALL);
    let failed: Vec<_> = report
        .stages
        .iter()
        .filter(|stage| stage.status == StageStatus::Failed)
        .map(|stage| stage.stage)
        .collect();
    let failure = report.failure.as_ref().map(|failure| failure.stage);
    assert_eq!(failed.first().copied(), failure);
    assert!(failed.len() <= 1);
    failure
}
