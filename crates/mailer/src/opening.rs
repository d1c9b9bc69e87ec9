//! From settings to a signed-in conversation: the one way for test runs and deliveries.

use std::time::Duration;

use letterhead_domain::{
    password::SmtpPassword,
    smtp_host::SmtpHost,
    smtp_settings::{Auth, Encryption, SmtpSettings},
    test_run::{Cause, Failure, Stage},
};
use tokio::{
    net::TcpStream,
    time::{Instant, timeout_at},
};

use crate::{
    conversation::{Conversation, Patience},
    egress::{AdmitError, EgressGuard, Purpose},
    lease::LeaseDeadline,
    stream::{Link, Redactor},
    timeouts::Timeouts,
    tls::TlsTrust,
    walk::Walk,
};

/// What every opening shares.
#[derive(Clone)]
pub(crate) struct Opener {
    pub(crate) guard: EgressGuard,
    pub(crate) trust: TlsTrust,
    pub(crate) ehlo_name: String,
    pub(crate) timeouts: Timeouts,
    pub(crate) control_host: Option<SmtpHost>,
}

/// How long the control host may take to answer somebody who waits for a test already.
const CONTROL: Duration = Duration::from_secs(3);

/// What ends an opening, and the conversation after it, early.
#[derive(Clone, Default)]
pub(crate) struct Bounds {
    /// When all must be over.
    pub(crate) limit: Option<Instant>,
    /// The lease under which is written.
    pub(crate) lease: Option<LeaseDeadline>,
    /// Longest wait for the greeting, if it is less than the mailer's own.
    pub(crate) greeting: Option<Duration>,
}

impl Opener {
    /// Connects to the server of `settings` and signs in.
    ///
    /// The stages are walked in the order that the encryption wants: with implicit TLS the
    /// greeting comes after the handshake, with STARTTLS before it. Credentials leave only after
    /// a verified handshake, or towards a destination that the operator exempted by name.
    pub(crate) async fn open(
        &self,
        settings: &SmtpSettings,
        password: Option<&SmtpPassword>,
        bounds: Bounds,
        walk: &mut Walk<'_>,
    ) -> Result<Conversation, Failure> {
        let redactor = match (&settings.auth, password) {
            (Auth::Password { username }, Some(password)) => Redactor::new(username, password),
            (Auth::Password { .. } | Auth::None, _) => Redactor::default(),
        };
        let mut conversation = self.approach(settings, redactor, bounds, walk).await?;
        match (&settings.auth, password) {
            (Auth::None, _) => walk.skip(Stage::Auth),
            (Auth::Password { .. }, None) => {
                return Err(walk.fail(Stage::Auth, Cause::SecretUnreadable));
            }
            (Auth::Password { username }, Some(password)) => {
                match conversation.sign_in(username, password).await {
                    Ok(reply) => walk.pass(Stage::Auth, Some(reply)),
                    Err(cause) => return Err(walk.fail(Stage::Auth, cause)),
                }
            }
        }
        Ok(conversation)
    }

    /// Connects to the server of `settings` as far as the sign-in, which is not begun.
    pub(crate) async fn approach(
        &self,
        settings: &SmtpSettings,
        redactor: Redactor,
        bounds: Bounds,
        walk: &mut Walk<'_>,
    ) -> Result<Conversation, Failure> {
        let own = self.timeouts.greeting;
        let greeting = bounds.greeting.map_or(own, |greeting| greeting.min(own));
        let timeouts = Timeouts { greeting, ..self.timeouts };
        let patience = Patience { timeouts, limit: bounds.limit };
        let tcp = self.connect(settings, patience, walk).await?;
        let link = Link::new(tcp, redactor, bounds.lease)
            .map_err(|cause| walk.fail(Stage::Connect, cause))?;
        walk.link = Some(link.clone());
        walk.pass(Stage::Connect, None);
        self.secure(settings, link, patience, walk).await
    }

    /// What `failure` is once the control host was asked: a connection that fails there just as it
    /// failed at the server of `settings` fails because of us.
    pub(crate) async fn compare(
        &self,
        failure: Failure,
        settings: &SmtpSettings,
        limit: Option<Instant>,
    ) -> Failure {
        let no_connection = matches!(
            failure.cause,
            Cause::ConnectionRefused | Cause::Unreachable | Cause::TimedOut
        );
        let control = self.control_host.as_ref().filter(|host| **host != settings.host);
        let Some(host) = control.filter(|_| failure.stage == Stage::Connect && no_connection)
        else {
            return failure;
        };
        let deadline = Patience { timeouts: self.timeouts, limit }.until(CONTROL);
        let admission = self.guard.admit(host, settings.port, Purpose::Submission);
        // A control host that cannot be looked up tells nothing of the port.
        let Ok(Ok(peer)) = timeout_at(deadline, admission).await else {
            return failure;
        };
        match peer.dial(deadline).await {
            Err(cause) if cause == failure.cause => {
                Failure { cause: Cause::PortBlocked, ..failure }
            }
            Ok(_) | Err(_) => failure,
        }
    }

    async fn connect(
        &self,
        settings: &SmtpSettings,
        patience: Patience,
        walk: &mut Walk<'_>,
    ) -> Result<TcpStream, Failure> {
        let SmtpSettings { host, port, .. } = settings;
        if self.guard.check_literal(settings).is_err() {
            return Err(walk.fail(Stage::Policy, Cause::DestinationNotAllowed));
        }
        let deadline = patience.until(self.timeouts.connect);
        let admission = self.guard.admit(host, *port, Purpose::Submission);
        let admitted = timeout_at(deadline, admission).await;
        if admitted == Ok(Err(AdmitError::Denied)) {
            return Err(walk.fail(Stage::Policy, Cause::DestinationNotAllowed));
        }
        walk.pass_policy();
        let peer = admitted
            .map_err(|_| Cause::TimedOut)
            .and_then(|admitted| admitted.map_err(Cause::from))
            .map_err(|cause| walk.fail(Stage::Resolve, cause))?;
        walk.pass(Stage::Resolve, None);

        let deadline = patience.until(self.timeouts.connect);
        peer.dial(deadline).await.map_err(|cause| walk.fail(Stage::Connect, cause))
    }

    async fn secure(
        &self,
        settings: &SmtpSettings,
        link: Link,
        patience: Patience,
        walk: &mut Walk<'_>,
    ) -> Result<Conversation, Failure> {
        if settings.encryption == Encryption::ImplicitTls {
            let deadline = patience.until(self.timeouts.tls);
            let facts = link
                .upgrade(&self.trust, &settings.host, deadline)
                .await
                .map_err(|cause| walk.fail(Stage::Tls, cause))?;
            walk.tls = Some(facts);
            walk.pass(Stage::Tls, None);
        }
        let (mut conversation, reply) = Conversation::greet(link, &self.ehlo_name, patience)
            .await
            .map_err(|cause| walk.fail(Stage::Greeting, cause))?;
        walk.pass(Stage::Greeting, Some(reply));
        match settings.encryption {
            Encryption::ImplicitTls => {}
            Encryption::None => walk.skip(Stage::Tls),
            Encryption::Starttls => {
                let facts = conversation
                    .starttls(&self.trust, &settings.host)
                    .await
                    .map_err(|cause| walk.fail(Stage::Tls, cause))?;
                walk.tls = Some(facts);
                walk.pass(Stage::Tls, None);
            }
        }
        Ok(conversation)
    }
}
