//! A run ends within its limit, whatever the server does and wherever it stops.

use std::time::Duration;

use futures_util::future::join_all;
use letterhead_domain::{
    smtp_settings::{Encryption, SmtpSettings},
    test_run::{Cause, Stage, TestMode},
};
use letterhead_mailer::{
    practice_server::{fault::PortFault, gate::Point},
    timeouts::Timeouts,
};

use crate::stand::{Stand, failed_stage};

const LIMIT: Duration = Duration::from_secs(2);

/// Whether it was the run's own limit that held, and no step's: those are all longer.
fn held(took: Duration) -> bool {
    let Timeouts { connect, tls, greeting, reply, .. } = Timeouts::default();
    took < connect.min(tls).min(greeting).min(reply)
}

#[tokio::test]
async fn a_run_ends_within_its_limit_at_every_fault_in_every_encryption_and_mode() {
    let stand = Stand::adjusted(|config| config.test_limits.total = LIMIT).await;
    let encryptions = [Encryption::Starttls, Encryption::ImplicitTls, Encryption::None];
    let modes = [TestMode::Connection, TestMode::Message];

    for &fault in PortFault::ALL {
        let runs = encryptions.iter().flat_map(|&encryption| {
            let settings = SmtpSettings { encryption, ..stand.fault(fault) };
            modes.map(|mode| stand.test(settings.clone(), mode))
        });
        for report in join_all(runs).await {
            assert!(held(report.took), "{fault:?} {report:?}");
        }
    }
}

#[tokio::test]
async fn a_run_ends_within_its_limit_wherever_the_server_stops_to_answer() {
    let cases = [
        (Point::Mail, Stage::Sender),
        (Point::Rcpt, Stage::Recipient),
        (Point::Data, Stage::Message),
        (Point::Body(1), Stage::Message),
        (Point::Dot, Stage::Message),
    ];
    let runs = cases.map(async |(point, stage)| {
        let stand = Stand::adjusted(|config| config.test_limits.total = LIMIT).await;
        let gate = stand.server.gate(point);
        let report = stand.test(stand.settings(), TestMode::Message).await;
        gate.release();
        (point, stage, report)
    });
    for (point, stage, report) in join_all(runs).await {
        assert_eq!(failed_stage(&report), Some(stage), "{point:?}");
        assert_eq!(report.failure.as_ref().map(|f| &f.cause), Some(&Cause::TimedOut), "{point:?}");
        assert!(held(report.took), "{point:?} {report:?}");
    }
}
