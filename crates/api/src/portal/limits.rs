//! Limits: how much may leave through a sender, how long what waits takes, and the form that changes it.

use askama::Template;
use letterhead_domain::{
    access::Deed,
    field_errors::FieldErrors,
    limit::{LimitName, Limits, LimitsInput, Span, grouped},
};
use letterhead_storage::record::{SenderQueue, SenderRecord};
use poem::http::StatusCode;

use super::{
    Table,
    form::Form,
    layout::{Banner, Layout, Nav},
    moment::Moment,
    refusal::Refusal,
    settings,
    texts::Texts,
    visit::{Outcome, Place, Visit},
};
use crate::app::{AppError, senders};

pub(super) fn routes(table: &mut Table) {
    table.page("/portal/tenants/:tenant/senders/:sender/limits", edit);
    table.act("/portal/tenants/:tenant/senders/:sender/limits", save);
}

/// The limits as the settings page shows them.
pub(super) struct LimitsCard {
    /// Those there are.
    pub(super) lines: Vec<LimitLine>,
    pub(super) hold: Option<HoldLine>,
    /// What waits, and how long that takes.
    pub(super) waiting: Option<String>,
    /// Where they are changed, for those who may.
    pub(super) edit: Option<String>,
}

/// One limit in words.
pub(super) struct LimitLine {
    pub(super) label: String,
    pub(super) value: String,
}

/// Why and until when mail waits.
pub(super) struct HoldLine {
    pub(super) words: String,
    pub(super) until: Moment,
}

impl LimitsCard {
    /// The card of `sender`. What waits is told to those who may see mail.
    pub(super) async fn of(
        visit: &Visit,
        place: &Place,
        sender: &SenderRecord,
    ) -> Result<Self, Refusal> {
        let t = visit.texts();
        let (set, known) = (sender.limits, sender.known_limits());
        let line = |&name: &LimitName| {
            let value = match (set.get(name), known.get(name)) {
                (Some(most), _) => grouped(most.into()),
                (None, Some(most)) => {
                    t.with("limits-known", [("most", grouped(most.into()).as_str())])
                }
                (None, None) => return None,
            };
            Some(LimitLine { label: label(t, name), value })
        };
        let queue = if visit.may(Deed::SeeMail) {
            Some(senders::queue(&visit.app, &place.caller, sender).await?)
        } else {
            None
        };
        Ok(Self {
            lines: LimitName::ALL.iter().filter_map(line).collect(),
            hold: sender.hold.map(|hold| HoldLine {
                words: t.say(&format!("limits-hold-{}", hold.reason.as_str())),
                until: hold.until.into(),
            }),
            waiting: queue.and_then(|queue| waiting_in_words(t, sender, &queue)),
            edit: visit.may(Deed::SteerSender).then(|| place.sender_path("/limits")),
        })
    }
}

/// What waits at a sender and how long that takes at its limits; nothing if nothing waits.
pub(super) fn waiting_in_words(
    t: Texts,
    sender: &SenderRecord,
    queue: &SenderQueue,
) -> Option<String> {
    if queue.waiting == 0 {
        return None;
    }
    let mut waiting = grouped(queue.waiting);
    if queue.more_wait {
        waiting = t.with("limits-more-than", [("what", waiting.as_str())]);
    }
    let Some(through_in) = senders::forecast(sender, queue) else {
        return Some(t.with("limits-waiting", [("waiting", waiting.as_str())]));
    };
    let span = Span::from(through_in);
    let mut span = t.count(&format!("span-{}", span.unit.as_str()), span.count);
    if queue.more_wait {
        span = t.with("limits-more-than", [("what", span.as_str())]);
    }
    let values = [("waiting", waiting.as_str()), ("span", span.as_str())];
    Some(t.with("limits-forecast", values))
}

fn label(t: Texts, name: LimitName) -> String {
    t.say(&format!("limit-{}", name.as_str()))
}

#[derive(Template)]
#[template(path = "limits.html")]
struct LimitsPage {
    layout: Layout,
    here: String,
    settings: String,
    fields: Vec<Field>,
}

struct Field {
    name: &'static str,
    label: String,
    value: String,
    hint: String,
    error: Option<String>,
}

async fn edit(visit: Visit) -> Outcome {
    let place = visit.place().await?;
    visit.require(Deed::SteerSender)?;
    let sender = settings::existing(&visit, &place).await?;
    let typed = |name| sender.limits.get(name).map(|most| most.to_string()).unwrap_or_default();
    show(&visit, &place, &sender, typed, None)
}

async fn save(visit: Visit, form: Form) -> Outcome {
    let place = visit.place().await?;
    visit.require(Deed::SteerSender)?;
    let sender = settings::existing(&visit, &place).await?;
    // What is no number is out of range, as zero is.
    let given = |name: LimitName| match form.text(name.as_str()).trim() {
        "" => None,
        text => Some(text.replace(',', "").parse().unwrap_or_default()),
    };
    let input = LimitsInput {
        messages_per_minute: given(LimitName::MessagesPerMinute),
        messages_per_day: given(LimitName::MessagesPerDay),
        recipients_per_message: given(LimitName::RecipientsPerMessage),
        connections: given(LimitName::Connections),
    };
    match senders::replace_limits(&visit.app, &place.caller, &sender, input).await {
        Ok(_) => Ok(visit.did("did-limits-saved", &place.sender_path(""))),
        Err(AppError::Invalid(errors)) => {
            let typed = |name: LimitName| form.text(name.as_str()).to_owned();
            show(&visit, &place, &sender, typed, Some(&errors))
        }
        Err(error) => Err(error.into()),
    }
}

/// The form with what was `typed`, and why it was refused, if it was.
fn show(
    visit: &Visit,
    place: &Place,
    sender: &SenderRecord,
    typed: impl Fn(LimitName) -> String,
    errors: Option<&FieldErrors>,
) -> Outcome {
    let t = visit.texts();
    let known = sender.known_limits();
    let field = |&name: &LimitName| Field {
        name: name.as_str(),
        label: label(t, name),
        value: typed(name),
        hint: hint(t, known, name),
        error: errors.is_some_and(|errors| errors.names(&format!("/{}", name.as_str()))).then(
            || {
                let highest = grouped(name.highest().into());
                t.with("limits-out-of-range", [("highest", highest.as_str())])
            },
        ),
    };
    let (status, banner) = match errors {
        Some(_) => {
            let banner = Banner::failure(t.say("limits-refused"));
            (StatusCode::UNPROCESSABLE_ENTITY, Some(banner))
        }
        None => (StatusCode::OK, None),
    };
    let page = LimitsPage {
        here: place.sender_path("/limits"),
        settings: place.sender_path(""),
        fields: LimitName::ALL.iter().map(field).collect(),
        layout: visit.layout_at(place, Nav::Settings).with_banner(banner),
    };
    visit.show_as(status, &page)
}

fn hint(t: Texts, known: Limits, name: LimitName) -> String {
    match known.get(name) {
        Some(most) => t.with("limits-hint-known", [("most", grouped(most.into()).as_str())]),
        None => t.say("limits-hint-none"),
    }
}
