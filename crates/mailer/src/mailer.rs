//! The mailer as a whole.

use letterhead_domain::test_run::{StageReport, TestReport};

use crate::{
    egress::{EgressGuard, policy::EgressPolicy, resolver::Resolver},
    test_run::{TestLimits, TestPlan},
    timeouts::Timeouts,
    tls::TlsTrust,
    transport::Transports,
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
    /// Most cached transports.
    pub cache_entries: u64,
    /// How much a test run may take.
    pub test_limits: TestLimits,
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
            cache_entries: 10_000,
            test_limits: TestLimits::default(),
        }
    }
}

/// The mailer. Clones are cheap and share everything.
#[derive(Clone)]
pub struct Mailer {
    guard: EgressGuard,
    transports: Transports,
}

impl Mailer {
    /// A mailer.
    pub fn new(config: MailerConfig) -> Self {
        Self {
            guard: EgressGuard::new(config.policy, config.resolver),
            transports: Transports {},
        }
    }

    /// Where connections may go.
    pub fn guard(&self) -> &EgressGuard {
        &self.guard
    }

    /// The transport cache.
    pub fn transports(&self) -> &Transports {
        &self.transports
    }

    /// Runs `plan`; each stage's report is given to `on_stage` as it ends.
    pub async fn test(
        &self,
        plan: TestPlan,
        on_stage: impl FnMut(&StageReport) + Send,
    ) -> TestReport {
        let _ = on_stage;
        unimplemented!("{:?}", plan.mode)
    }
}
