//! Who sends: Letterhead's sessions, and those it is compared with.

use std::{
    io,
    process::Stdio,
    sync::Arc,
    time::{Duration, Instant},
};

use letterhead_domain::{
    delivery::AttemptOutcome,
    email::EmailAddress,
    id::{SenderId, TenantId},
    message::{Mailbox, MessageContent, OutgoingMail},
    sender::VersionNumber,
    smtp_settings::{Auth, Encryption, SmtpSettings},
};
use letterhead_mailer::{
    compose::{ComposedMail, compose},
    egress::{policy::EgressPolicy, resolver::Resolver},
    lease::LeaseDeadline,
    mailer::{Mailer, MailerConfig},
    tls::TlsTrust,
    transport::{Parcel, SessionLimits, Transport, TransportKey},
};
use lettre::{
    AsyncSmtpTransport, AsyncTransport, Tokio1Executor,
    address::Envelope,
    transport::smtp::{
        PoolConfig,
        client::{Certificate, Tls, TlsParameters},
    },
};
use tokio::{process::Command, sync::Mutex, task::JoinSet};
use uuid::Uuid;

use crate::stand::Stand;

/// Bytes of a message.
const SIZE: usize = 4 * 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    Letterhead,
    SmtpSource { reuse: bool },
    LettrePool,
}

/// A peer that is ready to send.
pub(crate) enum Sender {
    Letterhead { transport: Arc<Transport>, mail: ComposedMail, _mailer: Mailer },
    SmtpSource { port: u16, sessions: usize, reuse: bool },
    Lettre { pool: AsyncSmtpTransport<Tokio1Executor>, mail: Arc<Vec<u8>>, sessions: usize },
}

impl Peer {
    pub(crate) fn name(self, keywords: &str) -> String {
        match self {
            Self::Letterhead if keywords.is_empty() => "letterhead, one by one".to_owned(),
            Self::Letterhead => format!("letterhead, {}", keywords.replace(' ', " + ")),
            Self::SmtpSource { reuse: true } => "smtp-source, connections kept".to_owned(),
            Self::SmtpSource { reuse: false } => "smtp-source, one a message".to_owned(),
            Self::LettrePool => "lettre's pool".to_owned(),
        }
    }

    pub(crate) async fn prepare(self, stand: &Stand, sessions: usize) -> Sender {
        match self {
            Self::Letterhead => letterhead(stand, sessions).await,
            Self::SmtpSource { reuse } => Sender::SmtpSource { port: stand.port, sessions, reuse },
            Self::LettrePool => lettre_pool(stand, sessions),
        }
    }
}

async fn letterhead(stand: &Stand, sessions: usize) -> Sender {
    let destination = format!("localhost:{}", stand.port).parse().expect("a destination");
    let policy = EgressPolicy { allowed: vec![destination], extra_ports: vec![] };
    let authorities: Vec<_> = stand.ca_file.iter().cloned().collect();
    let trust = TlsTrust::load(&authorities).expect("authorities");
    let mut config = MailerConfig::new(policy, Resolver::fixed([]), trust);
    config.connections_per_sender = sessions;
    // What is measured is sending; sessions are retired in production as servers want it.
    config.sessions = SessionLimits { messages: u32::MAX, ..SessionLimits::default() };
    let mailer = Mailer::new(config);
    let encryption = if stand.ca_file.is_some() { Encryption::Starttls } else { Encryption::None };
    let settings = SmtpSettings {
        host: "localhost".parse().expect("a host"),
        port: stand.port.try_into().expect("a port"),
        encryption,
        auth: Auth::None,
        sender_name: "Aurora Books".parse().expect("a name"),
        sender_email: email("billing@aurora.example"),
        reply_to: None,
    };
    let key = TransportKey {
        tenant: TenantId::from(Uuid::new_v4()),
        sender: SenderId::from(Uuid::new_v4()),
        version: VersionNumber(1),
    };
    let load = async { Ok::<_, std::convert::Infallible>((settings, None)) };
    let transport = mailer.transports().get_or_open(key, load).await.expect("a transport");
    Sender::Letterhead { transport, mail: mail(), _mailer: mailer }
}

#[expect(clippy::disallowed_methods, reason = "the pool that we are compared with")]
fn lettre_pool(stand: &Stand, sessions: usize) -> Sender {
    let size = u32::try_from(sessions).expect("few sessions");
    let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous("localhost")
        .port(stand.port)
        .pool_config(PoolConfig::new().max_size(size));
    if let Some(file) = &stand.ca_file {
        let pem = std::fs::read(file).expect("the sink's certificate");
        let tls = TlsParameters::builder("localhost".to_owned())
            .add_root_certificate(Certificate::from_pem(&pem).expect("a certificate"))
            .build_rustls();
        builder = builder.tls(Tls::Required(tls.expect("TLS parameters")));
    }
    Sender::Lettre { pool: builder.build(), mail: Arc::new(mail().bytes().to_vec()), sessions }
}

impl Sender {
    /// Sends `count` messages.
    pub(crate) async fn send(&self, count: usize) -> io::Result<()> {
        match self {
            Self::Letterhead { transport, mail, .. } => hand_over(transport, mail, count).await,
            Self::SmtpSource { port, sessions, reuse } => {
                smtp_source(*port, *sessions, *reuse, count).await
            }
            Self::Lettre { pool, mail, sessions } => {
                lettre_sends(pool, mail, *sessions, count).await
            }
        }
    }
}

async fn hand_over(
    transport: &Arc<Transport>,
    mail: &ComposedMail,
    count: usize,
) -> io::Result<()> {
    let lease = LeaseDeadline::new(Instant::now() + Duration::from_secs(600));
    let mut dispatch = transport.dispatch(&lease, |_| false);
    let mut ticket = 0;
    loop {
        // As a worker would: marked ahead, and not all of the backlog in memory.
        while ticket < count && dispatch.outstanding() < 1_024 {
            dispatch.push(Parcel {
                ticket,
                mail: mail.clone(),
                from: email("billing@aurora.example"),
                recipients: vec![email("ann@example.net")],
            });
            ticket += 1;
        }
        match dispatch.next().await {
            Some((_, AttemptOutcome::Answered(replies)))
                if replies.iter().all(|reply| reply.code == 250) => {}
            Some((_, outcome)) => return Err(io::Error::other(format!("{outcome:?}"))),
            None => return Ok(()),
        }
    }
}

async fn smtp_source(port: u16, sessions: usize, reuse: bool, count: usize) -> io::Result<()> {
    let mut command = Command::new("smtp-source");
    if reuse {
        command.arg("-d");
    }
    let status = command
        .args(["-s", &sessions.to_string(), "-m", &count.to_string(), "-l", &SIZE.to_string()])
        .args(["-f", "billing@aurora.example", "-t", "ann@example.net"])
        .arg(format!("inet:127.0.0.1:{port}"))
        .stdin(Stdio::null())
        .status()
        .await?;
    if status.success() { Ok(()) } else { Err(io::Error::other("smtp-source failed")) }
}

async fn lettre_sends(
    pool: &AsyncSmtpTransport<Tokio1Executor>,
    mail: &Arc<Vec<u8>>,
    sessions: usize,
    count: usize,
) -> io::Result<()> {
    let envelope = Envelope::new(
        Some("billing@aurora.example".parse().map_err(io::Error::other)?),
        vec!["ann@example.net".parse().map_err(io::Error::other)?],
    )
    .map_err(io::Error::other)?;
    let left = Arc::new(Mutex::new(count));
    let mut tasks: JoinSet<io::Result<()>> = JoinSet::new();
    for _ in 0..sessions {
        let (pool, mail, left) = (pool.clone(), Arc::clone(mail), Arc::clone(&left));
        let envelope = envelope.clone();
        tasks.spawn(async move {
            loop {
                {
                    let mut left = left.lock().await;
                    if *left == 0 {
                        return Ok(());
                    }
                    *left -= 1;
                }
                pool.send_raw(&envelope, &mail).await.map_err(io::Error::other)?;
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.map_err(io::Error::other)??;
    }
    Ok(())
}

/// A mail of [`SIZE`] bytes or a little more.
fn mail() -> ComposedMail {
    let text = "Thank you for your purchase, and come back soon.\n".repeat(SIZE / 50);
    let mail = OutgoingMail {
        from_name: "Aurora Books".parse().expect("a name"),
        from: email("billing@aurora.example"),
        reply_to: None,
        to: vec![Mailbox { email: email("ann@example.net"), name: None }],
        cc: vec![],
        subject: "Your receipt".parse().expect("a subject"),
        content: MessageContent { text: Some(text), html: None, attachments: vec![] },
        message_id: "<0190@aurora.example>".to_owned(),
        date: chrono::DateTime::from_timestamp(1_750_000_000, 0).expect("a time"),
    };
    compose(&mail).expect("a mail")
}

fn email(text: &str) -> EmailAddress {
    text.parse().expect("an address")
}
