//! Letterhead's own sessions, without database or worker around them.

use std::{
    io,
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
};
use letterhead_mailer::{
    compose::{ComposedMail, compose},
    egress::{policy::EgressPolicy, resolver::Resolver},
    lease::LeaseDeadline,
    mailer::{Mailer, MailerConfig},
    tls::TlsTrust,
    transport::{Parcel, SessionLimits, Transport, TransportKey},
};
use uuid::Uuid;

use crate::player::{Player, Server};

/// Bytes of a message.
const SIZE: usize = 4 * 1024;

/// A transport, and what it sends.
pub(crate) struct Letterhead {
    transport: Arc<Transport>,
    mail: ComposedMail,
    from: EmailAddress,
    to: EmailAddress,
    _mailer: Mailer,
}

/// Sends over `sessions` sessions; `cold`: each message over a session of its own, signed in.
pub(crate) async fn prepare(
    server: &Server,
    sessions: usize,
    cold: bool,
) -> io::Result<Letterhead> {
    let destination = parse(&format!("localhost:{}", server.port))?;
    let policy = EgressPolicy { allowed: vec![destination], extra_ports: vec![] };
    let authorities: Vec<_> = server.ca_file.iter().cloned().collect();
    let trust = TlsTrust::load(&authorities).map_err(io::Error::other)?;
    let mut config = MailerConfig::new(policy, Resolver::fixed([]), trust);
    config.connections_per_sender = sessions;
    // What is measured is sending; sessions are retired in production as servers want it.
    let messages = if cold { 1 } else { u32::MAX };
    config.sessions = SessionLimits { messages, ..SessionLimits::default() };
    let mailer = Mailer::new(config);
    let from: EmailAddress = parse("billing@aurora.example")?;
    let settings = SmtpSettings {
        host: parse("localhost")?,
        port: server.port.try_into().map_err(io::Error::other)?,
        encryption: if server.ca_file.is_some() { Encryption::Starttls } else { Encryption::None },
        auth: if cold { Auth::Password { username: parse("aurora")? } } else { Auth::None },
        sender_name: parse("Aurora Books")?,
        sender_email: from.clone(),
        reply_to: None,
    };
    let password = if cold {
        let text = String::from("a password of the bench");
        Some(SmtpPassword::parse(text.into()).map_err(io::Error::other)?)
    } else {
        None
    };
    let key = TransportKey {
        tenant: TenantId::from(Uuid::new_v4()),
        sender: SenderId::from(Uuid::new_v4()),
        version: VersionNumber(1),
    };
    let load = async { Ok::<_, std::convert::Infallible>((settings, password)) };
    let transport = mailer.transports().get_or_open(key, load).await.map_err(io::Error::other)?;
    let (mail, to) = (mail()?, parse("ann@example.net")?);
    Ok(Letterhead { transport, mail, from, to, _mailer: mailer })
}

impl Player for Letterhead {
    async fn send(&self, count: usize) -> io::Result<()> {
        let lease = LeaseDeadline::new(Instant::now() + Duration::from_secs(600));
        let mut dispatch = self.transport.dispatch(&lease, |_| false);
        let mut ticket = 0;
        loop {
            // As a worker would: marked ahead, and not all of the backlog in memory.
            while ticket < count && dispatch.outstanding() < 1_024 {
                dispatch.push(Parcel {
                    ticket,
                    mail: self.mail.clone(),
                    from: self.from.clone(),
                    recipients: vec![self.to.clone()],
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
}

/// The mail that everybody sends: [`SIZE`] bytes or a little more.
pub(crate) fn mail() -> io::Result<ComposedMail> {
    let text = "Thank you for your purchase, and come back soon.\n".repeat(SIZE / 50);
    let mail = OutgoingMail {
        from_name: parse("Aurora Books")?,
        from: parse("billing@aurora.example")?,
        reply_to: None,
        to: vec![Mailbox { email: parse("ann@example.net")?, name: None }],
        cc: vec![],
        subject: parse("Your receipt")?,
        content: MessageContent { text: Some(text), html: None, attachments: vec![] },
        message_id: "<0190@aurora.example>".to_owned(),
        date: chrono::DateTime::from_timestamp(1_750_000_000, 0).unwrap_or_default(),
    };
    compose(mail).map_err(io::Error::other)
}

fn parse<T>(text: &str) -> io::Result<T>
where
    T: std::str::FromStr<Err: Into<Box<dyn std::error::Error + Send + Sync>>>,
{
    text.parse().map_err(io::Error::other)
}
