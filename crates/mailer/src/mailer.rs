//! The mailer as a whole: what the operator configures once and the program asks.

use std::{borrow::Borrow, sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use letterhead_domain::{
    domain_check::{DomainCheck, Subject},
    fix::{Fix, account::Account},
    smtp_host::SmtpHost,
    smtp_port::SmtpPort,
    smtp_settings::SmtpSettings,
    test_run::{Cause, StageReport, TestReport},
};
use tokio::time::Instant;

use crate::{
    autoconfig::{self, Published},
    clock::Clock,
    domain_check,
    egress::{AUTOCONFIG_PORT, EgressGuard, Purpose, policy::EgressPolicy, resolver::Resolver},
    fix::{self, FixPlan},
    opening::Opener,
    test_run::{self, TestLimits, TestPlan},
    timeouts::Timeouts,
    tls::TlsTrust,
    transport::{Commons, SessionLimits, Transports},
};

/// Everything the operator decides about the mailer.
pub struct MailerConfig {
    /// Where connections may go besides strangers' submission ports.
    pub policy: EgressPolicy,
    /// How names are looked up.
    pub resolver: Resolver,
    /// Whom we trust.
    pub trust: TlsTrust,
    /// How we introduce ourselves: a domain name or an address literal; never the machine's name.
    pub ehlo_name: String,
    /// How long each step may take.
    pub timeouts: Timeouts,
    /// Most sessions of one sender at once.
    pub connections_per_sender: usize,
    /// Most open sessions of deliveries in this process.
    pub max_sessions: usize,
    /// How much one session of a delivery may do.
    pub sessions: SessionLimits,
    /// Most messages in flight on one session, where the server offers CHUNKING.
    pub window: usize,
    /// The clock by which sessions grow old.
    pub clock: Clock,
    /// Most cached transports.
    pub cache_entries: u64,
    /// How much a test run may take.
    pub test_limits: TestLimits,
    /// A host that is known to take connections. A test run that gets none tries it on the same
    /// port, to tell a server that is away from a port by which nothing of ours gets out.
    pub control_host: Option<SmtpHost>,
    /// Where domains publish their settings: 443, but for tests.
    pub autoconfig_port: u16,
}

impl MailerConfig {
    /// The production defaults around what has none.
    pub fn new(policy: EgressPolicy, resolver: Resolver, trust: TlsTrust) -> Self {
        Self {
            policy,
            resolver,
            trust,
            ehlo_name: "[127.0.0.1]".to_owned(),
            timeouts: Timeouts::default(),
            connections_per_sender: 2,
            max_sessions: 500,
            sessions: SessionLimits::default(),
            window: 8,
            clock: Clock::new(),
            cache_entries: 10_000,
            test_limits: TestLimits::default(),
            control_host: None,
            autoconfig_port: AUTOCONFIG_PORT,
        }
    }
}

/// The mailer. Clones are cheap and share everything.
#[derive(Clone)]
pub struct Mailer {
    opener: Arc<Opener>,
    transports: Transports,
    test_limits: TestLimits,
}

impl Mailer {
    /// A mailer as `config` says.
    pub fn new(config: MailerConfig) -> Self {
        let opener = Arc::new(Opener {
            guard: EgressGuard::new(config.policy, config.resolver)
                .with_autoconfig_port(config.autoconfig_port),
            trust: config.trust,
            ehlo_name: config.ehlo_name,
            timeouts: config.timeouts,
            control_host: config.control_host,
        });
        // Deliveries connect again and again; what tries settings begins from nothing.
        let trust = opener.trust.resuming(config.clock.clone());
        let commons = Arc::new(Commons::new(
            Opener { trust, ..Opener::clone(&opener) },
            config.connections_per_sender,
            config.max_sessions,
            config.sessions,
            config.window,
            config.clock,
        ));
        Self {
            opener,
            transports: Transports::new(commons, config.cache_entries),
            test_limits: config.test_limits,
        }
    }

    /// Where connections may go.
    pub fn guard(&self) -> &EgressGuard {
        &self.opener.guard
    }

    /// The transport cache.
    pub fn transports(&self) -> &Transports {
        &self.transports
    }

    /// Runs `plan` over a session of its own and reports all nine stages. `on_stage` gets each
    /// stage's report as the stage ends, in the order of the wire.
    pub async fn test(
        &self,
        plan: impl Borrow<TestPlan> + Send,
        mut on_stage: impl FnMut(&StageReport) + Send,
    ) -> TestReport {
        let limit = Instant::now() + self.test_limits.total;
        let bounds = self.test_limits.until(limit);
        test_run::run(&self.opener, plan.borrow(), bounds, &mut on_stage).await
    }

    /// Tries other settings after a test run that failed, in what that run has left of its time.
    ///
    /// Before the one sign-in there may be, `permit` is asked with the account; a password that is
    /// not permitted stays here. Gives nothing if nothing could help, or if no time is left.
    pub async fn find_fix<Permitted: Future<Output = bool> + Send>(
        &self,
        plan: FixPlan<'_>,
        permit: impl FnOnce(Account) -> Permitted + Send,
    ) -> Option<Fix> {
        fix::find(&self.opener, plan, self.test_limits, permit).await
    }

    /// What `domain` publishes for mail programs, asked for within five seconds. Nothing but the
    /// domain leaves this machine.
    pub async fn published(&self, domain: &str) -> Published {
        autoconfig::published(&self.opener, domain).await
    }

    /// Looks up what DNS says about the domain of `settings`' From address and what to add there,
    /// within [`domain_check::PATIENCE`]. What is not answered by then is told as that. `at` is the
    /// time to note.
    pub async fn check_domain(&self, settings: &SmtpSettings, at: DateTime<Utc>) -> DomainCheck {
        let subject = Subject::of(settings);
        let facts = domain_check::look_up(&self.opener.guard, &subject, settings.port).await;
        subject.decide(facts, at)
    }

    /// Opens a connection to `host` on `port` and closes it again: a test run's way as far as the
    /// stage `connect`. Nothing is said. Gives how long it took, with the look-up.
    ///
    /// # Errors
    ///
    /// What a test run would name as the cause.
    pub async fn reach(&self, host: &SmtpHost, port: SmtpPort) -> Result<Duration, Cause> {
        let began = Instant::now();
        let peer = self.opener.guard.admit(host, port, Purpose::Submission).await?;
        peer.dial(began + self.opener.timeouts.connect).await?;
        Ok(began.elapsed())
    }
}
