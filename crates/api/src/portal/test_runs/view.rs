//! What a page shows of one test run.

use std::{fmt::Write, time::Duration};

use letterhead_domain::{
    access::Deed,
    provider,
    test_run::{Stage, StageReport, StageStatus, TestStatus},
};
use letterhead_storage::record::{SenderRecord, TestRunRecord};

use super::{
    advice,
    arrival::{self, ArrivalView},
    domain::DomainView,
    fix::{self, FixView},
};
use crate::{
    app::{AppError, guides, test_runs},
    portal::{
        actor,
        layout::Banner,
        moment::Moment,
        refusal::Refusal,
        settings::Chip,
        texts::Texts,
        visit::{Place, Visit},
    },
};

/// One test run.
pub(in crate::portal) struct RunView {
    pub(in crate::portal) is_running: bool,
    pub(in crate::portal) chip: Chip,
    /// Where its stages are told as they end.
    pub(in crate::portal) events: String,
    /// Its own page.
    pub(in crate::portal) path: String,
    /// Which version it tried, how far, and who asked for it.
    pub(in crate::portal) words: String,
    pub(in crate::portal) started: Moment,
    pub(in crate::portal) took: Option<String>,
    pub(in crate::portal) stages: Vec<StageView>,
    pub(in crate::portal) tls: Option<TlsView>,
    pub(in crate::portal) advice: Option<AdviceView>,
    /// What DNS says about the sender's domain.
    pub(in crate::portal) domain: Option<DomainView>,
    /// Whether it has failed and looks for settings that work.
    pub(in crate::portal) is_looking: bool,
    pub(in crate::portal) fix: Option<FixView>,
    pub(in crate::portal) has_transcript: bool,
    /// All of it as plain text, for whoever helps.
    pub(in crate::portal) support: String,
    /// Where a test mail is asked for, if that is the next step.
    pub(in crate::portal) mail: Option<MailOffer>,
    /// What is known of the arrival of its mail.
    pub(in crate::portal) arrival: Option<ArrivalView>,
    /// What is said about the run at the top of the page, once.
    banner: Option<Banner>,
}

/// One stage.
pub(in crate::portal) struct StageView {
    pub(in crate::portal) word: &'static str,
    pub(in crate::portal) name: String,
    /// The stage's status, or `waiting`.
    pub(in crate::portal) status: &'static str,
    pub(in crate::portal) status_text: String,
    pub(in crate::portal) took: String,
    pub(in crate::portal) reply: String,
}

/// What the encryption showed.
pub(in crate::portal) struct TlsView {
    pub(in crate::portal) version: String,
    pub(in crate::portal) subject: String,
    pub(in crate::portal) expires: Moment,
}

/// What to do about a failure.
pub(in crate::portal) struct AdviceView {
    pub(in crate::portal) title: String,
    pub(in crate::portal) side: String,
    pub(in crate::portal) steps: Vec<String>,
    /// Name and address of the guide that leads through it.
    pub(in crate::portal) guide: Option<(String, String)>,
}

/// The second step after a test that passed.
pub(in crate::portal) struct MailOffer {
    pub(in crate::portal) path: String,
    pub(in crate::portal) words: String,
}

/// How a run ended, in a word.
pub(in crate::portal) fn status_chip(t: Texts, status: TestStatus) -> Chip {
    let kind = match status {
        TestStatus::Running => "",
        TestStatus::Passed => "good",
        TestStatus::Failed => "bad",
    };
    Chip { kind, text: t.say(&format!("run-status-{}", status.as_str())) }
}

impl RunView {
    /// The view of a run of `sender` for the reader.
    pub(in crate::portal) async fn of(
        visit: &Visit,
        place: &Place,
        sender: &SenderRecord,
        run: TestRunRecord,
    ) -> Result<Self, Refusal> {
        let t = visit.texts();
        let id = run.id.to_string();
        let transcript = if run.has_transcript {
            let found = test_runs::transcript(&visit.app, &place.caller, sender.id, &id).await;
            match found {
                Ok(transcript) => Some(transcript),
                Err(AppError::NotFound(_)) => None,
                Err(error) => return Err(error.into()),
            }
        } else {
            None
        };
        let advice = run.advice.as_ref().map(|stored| {
            let advice::Words { title, steps } = advice::words(t, stored);
            let named = stored.guide.as_deref().or_else(|| guide_of(sender, &run));
            let guide = named.and_then(guides::find).map(|guide| {
                let name = t.with("settings-guide-for", [("provider", guide.title.as_str())]);
                (name, place.path(&format!("guides/{}", guide.id)))
            });
            let side = t.say(&format!("advice-side-{}", stored.side.as_str()));
            AdviceView { title, side, steps, guide }
        });
        let is_passed = run.status == TestStatus::Passed;
        let offers_mail = is_passed && arrival::wants_mail(&run) && visit.may(Deed::Test);
        let fix = FixView::of(visit, place, sender, &run);
        Ok(Self {
            is_running: run.status == TestStatus::Running,
            is_looking: fix::is_looking(&run),
            chip: status_chip(t, run.status),
            events: place.sender_path(&format!("/test-runs/{id}/events")),
            path: place.sender_path(&format!("/test-runs/{id}")),
            words: words(t, &run),
            started: run.started_at.into(),
            took: run.took.map(in_words),
            stages: stages(t, &run),
            domain: run.dns_check.as_ref().map(|check| DomainView::of(t, check)),
            tls: run.tls.as_ref().map(|tls| TlsView {
                version: tls.version.clone(),
                subject: tls.certificate_subject.clone(),
                expires: tls.certificate_expires_at.into(),
            }),
            banner: Some(banner(visit, sender, &run, advice.as_ref(), fix.as_ref())),
            fix,
            support: support(place, &run, transcript.as_deref()),
            advice,
            has_transcript: transcript.is_some(),
            arrival: ArrivalView::of(visit, place, &run),
            mail: offers_mail.then(|| MailOffer {
                path: place.sender_path("/test-runs"),
                words: t.with("run-mail-words", [("email", visit.person.email.as_str())]),
            }),
        })
    }

    /// Takes what is said about the run at the top of the page, once.
    pub(in crate::portal) fn take_banner(&mut self) -> Option<Banner> {
        self.banner.take()
    }
}

impl StageView {
    /// A stage that has ended.
    pub(super) fn of(t: Texts, report: &StageReport) -> Self {
        let took = match report.status {
            StageStatus::Passed | StageStatus::Failed => in_words(report.took),
            StageStatus::Skipped | StageStatus::NotReached => String::new(),
        };
        Self {
            word: report.stage.as_str(),
            name: name(t, report.stage),
            status: report.status.as_str(),
            status_text: t.say(&format!("stage-status-{}", report.status.as_str())),
            took,
            reply: report.reply.as_ref().map(ToString::to_string).unwrap_or_default(),
        }
    }

    fn waiting(t: Texts, stage: Stage) -> Self {
        Self {
            word: stage.as_str(),
            name: name(t, stage),
            status: "waiting",
            status_text: t.say("stage-status-waiting"),
            took: String::new(),
            reply: String::new(),
        }
    }
}

/// The guide of the service whose server the run tried.
fn guide_of(sender: &SenderRecord, run: &TestRunRecord) -> Option<&'static str> {
    let versions = [&sender.candidate, &sender.live].into_iter().flatten();
    let tried = versions.into_iter().find(|version| Some(version.number) == run.version)?;
    provider::of_host(&tried.settings.host).map(|provider| provider.guide)
}

fn name(t: Texts, stage: Stage) -> String {
    t.say(&format!("stage-{}", stage.as_str()))
}

/// All nine stages in the order in which they are told, whatever the order of the wire.
fn stages(t: Texts, run: &TestRunRecord) -> Vec<StageView> {
    let view = |&stage: &Stage| {
        let ended = run.stages.iter().find(|report| report.stage == stage);
        ended.map_or_else(|| StageView::waiting(t, stage), |report| StageView::of(t, report))
    };
    Stage::ALL.iter().map(view).collect()
}

fn words(t: Texts, run: &TestRunRecord) -> String {
    let who = actor::in_words(t, &run.requested_by);
    let mode = t.say(&format!("run-mode-{}", run.mode.as_str()));
    match run.version {
        Some(version) => {
            let version = version.to_string();
            let values =
                [("version", version.as_str()), ("mode", mode.as_str()), ("who", who.as_str())];
            t.with("run-words", values)
        }
        None => t.with("run-words-typed", [("mode", mode.as_str()), ("who", who.as_str())]),
    }
}

/// A length of time as people read it.
pub(in crate::portal) fn in_words(took: Duration) -> String {
    let ms = took.as_millis();
    if ms < 1000 { format!("{ms} ms") } else { format!("{:.1} s", took.as_secs_f64()) }
}

fn banner(
    visit: &Visit,
    sender: &SenderRecord,
    run: &TestRunRecord,
    advice: Option<&AdviceView>,
    fix: Option<&FixView>,
) -> Banner {
    let t = visit.texts();
    match run.status {
        TestStatus::Running if fix::is_looking(run) => {
            Banner { kind: "info", text: t.say("fix-looking") }
        }
        TestStatus::Running => Banner { kind: "info", text: t.say("run-running") },
        TestStatus::Passed => {
            let is_live = sender.live.as_ref().map(|live| live.number) == run.version;
            let outcome = arrival::outcome(t, run);
            let now = if is_live { t.say("run-now-live") } else { String::new() };
            Banner::success(format!("{outcome} {now}").trim_end().to_owned())
        }
        TestStatus::Failed => {
            // Who reads no further does the right next thing.
            let title = advice.map_or("", |advice| advice.title.as_str());
            let offered = fix.and_then(|fix| fix.step.as_ref());
            let advised = advice.and_then(|advice| advice.steps.first());
            let step = offered.or(advised).map_or("", String::as_str);
            Banner::failure(t.with("run-failed", [("title", title), ("step", step)]))
        }
    }
}

/// The run as plain text in English, for whoever helps. It holds what this page shows, and the page
/// knows no secret.
fn support(place: &Place, run: &TestRunRecord, transcript: Option<&str>) -> String {
    let mut text = format!(
        "Test run {} of {}/{}\nStarted {} UTC, mode {}, {}",
        run.id,
        place.tenant.slug,
        place.sender,
        run.started_at.format("%Y-%m-%d %H:%M:%S"),
        run.mode.as_str(),
        run.status.as_str(),
    );
    if let Some(version) = run.version {
        let _infallible = write!(text, ", settings version {version}");
    }
    for stage in &run.stages {
        let reply = stage.reply.as_ref().map(ToString::to_string).unwrap_or_default();
        let (name, status) = (stage.stage.as_str(), stage.status.as_str());
        let line = format!("{name:<10} {status:<12} {:>8}  {reply}", in_words(stage.took));
        let _infallible = write!(text, "\n{}", line.trim_end());
    }
    if let Some(advice) = &run.advice {
        let _infallible = write!(text, "\nAdvice: {} ({})", advice.title, advice.code);
    }
    if let Some(transcript) = transcript {
        let _infallible = write!(text, "\n\n{transcript}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_are_short_to_read() {
        let cases =
            [(0, "0 ms"), (412, "412 ms"), (999, "999 ms"), (1_250, "1.2 s"), (20_000, "20.0 s")];
        for (ms, expected) in cases {
            assert_eq!(in_words(Duration::from_millis(ms)), expected);
        }
    }
}
