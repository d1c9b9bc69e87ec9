//! One slice of one lane: messages are marked ahead and recorded behind while others are on their way.
//!
//! A turn of the journal records what was accepted and marks as many again. While it is being written
//! the sessions go on with what was marked before, so that neither waits for the other. Never more
//! than a window is marked and not recorded: that is what a crash makes uncertain.

mod flight;

use std::time::Duration;

use letterhead_domain::{
    delivery::{AttemptOutcome, back_off},
    limit::quota_wait,
    sender::VersionNumber,
};
use letterhead_mailer::lease::LeaseDeadline;
use letterhead_storage::{
    error::StorageError,
    record::LeasedLane,
    repo::lane::{Marked, MarkedMessage, Release, Turned},
};
use tokio::{sync::oneshot, time::Instant};
use tracing::debug;

use self::flight::Flight;
use super::{
    Worker,
    delivery::{Delivered, Effects, stops},
    journal::{Answer, Ask},
    slots::{Slot, patience},
};
use crate::random;

/// How a slice ended.
pub(super) struct Ending {
    pub(super) release: Release,
    /// Whether anything was marked in it.
    pub(super) had_work: bool,
}

/// A slice under way.
pub(super) struct Slice<'w> {
    worker: &'w Worker,
    lane: &'w LeasedLane,
    lease: &'w LeaseDeadline,
    slot: &'w mut Slot,
    /// How long the server may leave it without an outcome before the slot is left.
    patience: Duration,
    /// When that is; `None` once it was tried.
    patient_until: Option<Instant>,
    ends_at: Instant,
    /// Most messages that are marked and not recorded.
    window: usize,
    /// What is on its way.
    flight: Option<Flight>,
    /// What the next turn records.
    accepted: Vec<Delivered>,
    /// What has consequences, and is recorded by itself.
    eventful: Vec<Delivered>,
    /// Once nothing more is marked: how to give the lane back, or why not.
    end: Option<Result<Option<Release>, StorageError>>,
}

impl<'w> Slice<'w> {
    pub(super) fn new(
        worker: &'w Worker,
        lane: &'w LeasedLane,
        lease: &'w LeaseDeadline,
        slot: &'w mut Slot,
    ) -> Self {
        let patience = patience();
        Self {
            worker,
            lane,
            lease,
            slot,
            patience,
            patient_until: Some(Instant::now() + patience),
            ends_at: Instant::now() + worker.config.slice,
            // One message first, alone: refused settings then cost one try, and a server in trouble
            // one connection.
            window: 1,
            flight: None,
            accepted: Vec::new(),
            eventful: Vec::new(),
            end: None,
        }
    }

    /// Goes on until nothing is due, the slice is over or something is in the way, and all that was
    /// marked is recorded. Gives how to give the lane back; `None` if it is not ours any more.
    pub(super) async fn run(mut self) -> Result<Option<Ending>, StorageError> {
        let mut asked: Option<oneshot::Receiver<Answer>> = None;
        loop {
            if self.must_record() {
                self.record_eventful().await;
            }
            if asked.is_none() {
                asked = self.ask().and_then(|ask| self.worker.journal.enter(ask));
            }
            let on_the_way = self.on_the_way();
            let is_open = self.end.is_none();
            tokio::select! {
                biased;
                answer = written(&mut asked), if asked.is_some() => {
                    asked = None;
                    self.go_on(answer).await;
                }
                Some((ticket, outcome)) = ended(&mut self.flight), if on_the_way > 0 => {
                    self.judge(ticket, &outcome);
                }
                () = until(self.patient_until), if on_the_way > 0 && self.patient_until.is_some() => {
                    self.patient_until = None;
                    self.slot.step_aside();
                }
                // What has not begun is left to whoever holds the lane next.
                () = self.worker.draining.cancelled(), if is_open => self.stop(Ok(Some(Release::Park))),
                else => {
                    let had_work = self.flight.is_some();
                    let release = self.end.unwrap_or(Ok(Some(Release::Park)))?;
                    return Ok(release.map(|release| Ending { release, had_work }));
                }
            }
        }
    }

    fn on_the_way(&self) -> usize {
        self.flight.as_ref().map_or(0, Flight::count)
    }

    /// What to write now: at least half a window at once, so that nobody writes for each message,
    /// unless there is nothing else to wait for.
    fn ask(&mut self) -> Option<Ask> {
        // At least one turn: otherwise a machine that is slow would only pass lanes around.
        if self.flight.is_some() && Instant::now() >= self.ends_at {
            self.close(Ok(Some(Release::Park)));
        }
        let (on_the_way, config) = (self.on_the_way(), &self.worker.config);
        let bytes = self.flight.as_ref().map_or(0, Flight::bytes);
        let room = self.window.saturating_sub(on_the_way + self.eventful.len());
        let is_worth_it =
            on_the_way == 0 || (room * 2 > self.window && bytes * 2 <= config.window_bytes);
        let marks = if self.end.is_none() && is_worth_it { room } else { 0 };
        if marks == 0 && (on_the_way > 0 || self.accepted.is_empty()) {
            return None;
        }
        Some(Ask {
            lane: *self.lane,
            results: self.accepted.drain(..).map(|delivered| delivered.record).collect(),
            attempt_ids: (0..marks).map(|_| random::id()).collect(),
            max_bytes: config.window_bytes.saturating_sub(bytes),
            limits: self.lane.limits,
        })
    }

    /// Nothing more is marked; the first reason counts.
    fn close(&mut self, end: Result<Option<Release>, StorageError>) {
        self.end.get_or_insert(end);
    }

    /// Nothing more is marked, and nothing more begins.
    fn stop(&mut self, end: Result<Option<Release>, StorageError>) {
        self.close(end);
        if let Some(flight) = &self.flight {
            flight.halt();
        }
    }

    /// Takes in what the journal answers.
    async fn go_on(&mut self, answer: Option<Answer>) {
        // Without an answer the results are lost with it: they are uncertain, as after a crash.
        let Some(Answer { wish: Ask { results, .. }, outcome }) = answer else {
            return self.stop(Ok(None));
        };
        let Turned { refused, is_news, marked } = match outcome {
            Ok(turned) => turned,
            Err(err) => {
                // Whether they were recorded nobody knows: recording them again changes nothing then.
                self.eventful.extend(results.into_iter().map(Delivered::accepted));
                return self.stop(Err(err));
            }
        };
        for result in &results {
            self.worker.app.metrics.attempt(result.outcome.as_str());
        }
        if !refused.is_empty() {
            debug!(count = refused.len(), "another worker has taken these messages over");
        }
        if is_news && let Err(err) = self.worker.record_news(self.lane).await {
            self.close(Err(err));
        }
        let release = match marked {
            Marked::Window { version, messages } => {
                self.worker.app.metrics.window(messages.len());
                return self.fly(version, messages).await;
            }
            Marked::Nothing => Release::Park,
            Marked::Blocked => match self.worker.block(self.lane).await {
                Ok(()) => Release::Park,
                Err(err) => return self.stop(Err(err)),
            },
            Marked::Paced(wait) => Release::Pace(wait),
            Marked::Full(wait) => Release::Full(wait),
            Marked::Lost => return self.stop(Ok(None)),
        };
        self.close(Ok(Some(release)));
    }

    /// Sends messages that are marked for `version`.
    async fn fly(&mut self, version: VersionNumber, messages: Vec<MarkedMessage>) {
        // The sessions of another version have room for nobody else until they are done.
        if self.flight.as_ref().is_some_and(|flight| flight.version() != version) {
            while let Some((ticket, outcome)) = ended(&mut self.flight).await {
                self.judge(ticket, &outcome);
            }
            self.record_eventful().await;
            self.flight = None;
        }
        if self.on_the_way() == 0 {
            self.be_patient();
        }
        if self.flight.is_none() {
            let connections = self.lane.limits.connections;
            let flight =
                Flight::begin(self.worker, self.lane, self.lease, version, connections).await;
            self.flight = Some(flight);
        }
        if let Some(flight) = &mut self.flight {
            let at_once = flight.take_on(self.worker, self.lane, messages).await;
            self.eventful.extend(at_once);
        }
    }

    /// Decides what becomes of a message.
    fn judge(&mut self, ticket: usize, outcome: &AttemptOutcome) {
        if !stops(outcome) {
            self.window = self.worker.config.window;
            self.slot.is_known();
        }
        self.be_patient();
        let delivered = self.flight.as_mut().and_then(|flight| flight.land(ticket, outcome));
        let Some(delivered) = delivered else { return };
        if delivered.is_ordinary() {
            self.accepted.push(delivered);
        } else {
            self.eventful.push(delivered);
        }
    }

    /// The server answers, or is about to be asked.
    fn be_patient(&mut self) {
        self.patient_until = self.patient_until.map(|_| Instant::now() + self.patience);
    }

    fn must_record(&self) -> bool {
        let count = self.eventful.len();
        count > 0 && (self.on_the_way() == 0 || count * 2 >= self.window)
    }

    /// Records what has consequences, and draws them.
    async fn record_eventful(&mut self) {
        let delivered = std::mem::take(&mut self.eventful);
        let Some(version) = self.flight.as_ref().map(Flight::version) else { return };
        if delivered.is_empty() {
            return;
        }
        match self.worker.record(self.lane, version, delivered).await {
            Ok(effects) => {
                if let Some(release) = self.release_after(&effects) {
                    // The journal may have said meanwhile that nothing else is due: that a server
                    // is in trouble or a quota spent must not be forgotten for it.
                    if let Some(Ok(Some(Release::Park | Release::Pace(_) | Release::Full(_)))) =
                        self.end
                    {
                        self.end = None;
                    }
                    self.close(Ok(Some(release)));
                }
            }
            Err(err) => self.stop(Err(err)),
        }
    }

    fn release_after(&self, effects: &Effects) -> Option<Release> {
        if let Some(said) = effects.hold {
            Some(Release::Hold(quota_wait(said, self.lane.holds)))
        } else if effects.backs_off {
            Some(Release::BackOff(back_off(self.lane.trouble + 1, random::jitter())))
        } else if effects.pause.is_some() {
            Some(Release::Park)
        } else {
            None
        }
    }
}

/// Waits for the journal's answer; `None` if its task panicked.
async fn written(asked: &mut Option<oneshot::Receiver<Answer>>) -> Option<Answer> {
    asked.as_mut()?.await.ok()
}

async fn until(instant: Option<Instant>) {
    if let Some(instant) = instant {
        tokio::time::sleep_until(instant).await;
    }
}

/// Waits for the next outcome; `None` if nothing is on its way.
async fn ended(flight: &mut Option<Flight>) -> Option<(usize, AttemptOutcome)> {
    flight.as_mut()?.next().await
}
