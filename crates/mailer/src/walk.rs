//! How far an opening has come: the stages with their times.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use letterhead_domain::{
    reply::Reply,
    test_run::{Cause, Failure, Stage, StageReport, StageStatus, TestReport, TlsFacts},
};

use crate::stream::Link;

/// Called with each stage's report as the stage ends.
pub(crate) type OnStage<'a> = &'a mut (dyn FnMut(&StageReport) + Send);

/// The stages as they are walked, in the order of the wire. A delivery walks them as a test run
/// does; only the latter looks at the record.
pub(crate) struct Walk<'a> {
    began: Instant,
    stage_began: Instant,
    reports: BTreeMap<Stage, StageReport>,
    on_stage: Option<OnStage<'a>>,
    /// What TLS showed, once the handshake has ended well.
    pub(crate) tls: Option<TlsFacts>,
    /// The stream, once there is one: it keeps the transcript.
    pub(crate) link: Option<Link>,
}

impl<'a> Walk<'a> {
    pub(crate) fn new(on_stage: Option<OnStage<'a>>) -> Self {
        let now = Instant::now();
        Self {
            began: now,
            stage_began: now,
            reports: BTreeMap::new(),
            on_stage,
            tls: None,
            link: None,
        }
    }

    /// The stage worked.
    pub(crate) fn pass(&mut self, stage: Stage, reply: Option<Reply>) {
        let took = self.lap();
        self.record(stage, StageStatus::Passed, took, reply);
    }

    /// The policy's stage worked. It takes no time, however long the look-up took that it waited
    /// for; that time belongs to the next stage.
    pub(crate) fn pass_policy(&mut self) {
        self.record(Stage::Policy, StageStatus::Passed, Duration::ZERO, None);
    }

    /// The stage does not apply.
    pub(crate) fn skip(&mut self, stage: Stage) {
        self.record(stage, StageStatus::Skipped, Duration::ZERO, None);
    }

    /// The stage ended the walk.
    pub(crate) fn fail(&mut self, stage: Stage, cause: Cause) -> Failure {
        // Whoever asks must not learn from the time whether a name was looked up.
        let took = if stage == Stage::Policy { Duration::ZERO } else { self.lap() };
        self.record(stage, StageStatus::Failed, took, cause.reply().cloned());
        Failure { stage, cause }
    }

    /// The finished report.
    pub(crate) fn report(mut self, failure: Option<Failure>) -> TestReport {
        let stopped_by_policy =
            failure.as_ref().is_some_and(|failure| failure.stage == Stage::Policy);
        let stages = Stage::ALL.iter().map(|stage| {
            let not_reached = StageReport {
                stage: *stage,
                status: StageStatus::NotReached,
                took: Duration::ZERO,
                reply: None,
            };
            self.reports.remove(stage).unwrap_or(not_reached)
        });
        TestReport {
            stages: stages.collect(),
            took: if stopped_by_policy { Duration::ZERO } else { self.began.elapsed() },
            tls: self.tls,
            failure,
            transcript: self.link.map_or_else(String::new, |link| link.transcript()),
        }
    }

    fn lap(&mut self) -> Duration {
        let now = Instant::now();
        let took = now - self.stage_began;
        self.stage_began = now;
        took
    }

    fn record(&mut self, stage: Stage, status: StageStatus, took: Duration, reply: Option<Reply>) {
        let report = StageReport { stage, status, took, reply };
        if let Some(on_stage) = &mut self.on_stage {
            on_stage(&report);
        }
        self.reports.insert(stage, report);
    }
}
