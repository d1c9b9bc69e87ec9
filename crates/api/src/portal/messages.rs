//! Messages: which there are, what became of one, and trying again or giving up.

use askama::Template;
use letterhead_domain::{
    access::Deed,
    id::MessageId,
    message::{MessageKind, MessageStatus},
};
use letterhead_storage::{
    record::MessageRecord,
    repo::message::{COUNTED, MessageFilter, StandingCounts},
};
use poem::http::StatusCode;

use super::{
    Table,
    choice::{Choice, choices},
    form::Form,
    layout::{Banner, Layout, Nav},
    limits, paging,
    texts::Texts,
    visit::{Outcome, Place, Visit},
};
use crate::app::{AppError, messages, senders};

mod view;

use view::{MessageLine, WholeMessage};

/// Longest text that is looked for: a reference has at most 200 characters.
const LONGEST_TEXT: usize = 200;

pub(super) fn routes(table: &mut Table) {
    table.page("/portal/tenants/:tenant/messages", list);
    table.page("/portal/tenants/:tenant/messages/:message", one);
    table.act("/portal/tenants/:tenant/messages/:message/cancel", cancel);
    table.act("/portal/tenants/:tenant/messages/:message/retry", retry);
}

#[derive(Template)]
#[template(path = "messages.html")]
struct MessagesPage {
    layout: Layout,
    here: String,
    settings: String,
    text: String,
    kinds: Vec<Choice>,
    statuses: Vec<Choice>,
    is_filtered: bool,
    counts: Vec<Count>,
    /// How long what waits at the sender takes.
    waiting: Option<String>,
    messages: Vec<MessageLine>,
    newest: Option<String>,
    older: Option<String>,
}

/// How many messages wait, or went wrong in one way.
struct Count {
    words: String,
    /// Where they are listed, if a filter does.
    href: Option<String>,
    chip: &'static str,
}

#[derive(Template)]
#[template(path = "message.html")]
struct MessagePage {
    layout: Layout,
    here: String,
    list: String,
    versions: String,
    message: WholeMessage,
    may_cancel: bool,
    may_retry: bool,
    /// Whether trying again may make it arrive twice.
    may_repeat: bool,
}

/// What a reader asks for, as the address of the page says it.
struct Asked {
    text: String,
    kind: Option<MessageKind>,
    status: Option<MessageStatus>,
}

impl Asked {
    /// Words that are none of ours ask for nothing: an old bookmark still shows a list.
    fn of(visit: &Visit) -> Self {
        // Control characters are in no reference, address or subject, and one of them cannot even be
        // asked of the database.
        let text = visit.query("text").chars().filter(|letter| !letter.is_control());
        Self {
            text: text.take(LONGEST_TEXT).collect::<String>().trim().to_owned(),
            kind: visit.query("kind").parse().ok(),
            status: visit.query("status").parse().ok(),
        }
    }

    fn query(&self) -> [(&'static str, &str); 3] {
        [
            ("text", self.text.as_str()),
            ("kind", self.kind.map_or("", MessageKind::as_str)),
            ("status", self.status.map_or("", MessageStatus::as_str)),
        ]
    }

    fn filter(&self) -> MessageFilter {
        MessageFilter {
            kind: self.kind,
            status: self.status,
            text: Some(self.text.clone()).filter(|text| !text.is_empty()),
            ..MessageFilter::default()
        }
    }
}

async fn list(visit: Visit) -> Outcome {
    let place = visit.place().await?;
    visit.require(Deed::SeeMail)?;
    let t = visit.texts();
    let asked = Asked::of(&visit);
    let page = paging::asked_for(&visit);
    let found = messages::list(&visit.app, &place.caller, asked.filter(), page).await?;
    let standing = messages::standing(&visit.app, &place.caller).await?;
    let sender = senders::find(&visit.app, &place.caller, &place.sender).await?;
    let waiting = match &sender {
        Some(sender) if standing.waiting > 0 => {
            let queue = senders::queue(&visit.app, &place.caller, sender).await?;
            limits::waiting_in_words(t, sender, &queue)
        }
        Some(_) | None => None,
    };
    let path = place.path("messages");
    let query = asked.query();
    visit.show(&MessagesPage {
        settings: place.sender_path(""),
        kinds: choices(
            MessageKind::ALL.iter().copied(),
            asked.kind.map_or("", MessageKind::as_str),
            MessageKind::as_str,
            |kind| t.say(&format!("message-kind-{}", kind.as_str())),
        ),
        statuses: choices(
            MessageStatus::ALL.iter().copied(),
            asked.status.map_or("", MessageStatus::as_str),
            MessageStatus::as_str,
            |status| t.say(&format!("message-status-{}", status.as_str())),
        ),
        is_filtered: query.iter().any(|(_, value)| !value.is_empty()),
        counts: counts(t, &path, standing),
        waiting,
        messages: found.items.iter().map(|record| MessageLine::of(t, &place, record)).collect(),
        newest: paging::newest(&visit, &path, &query),
        older: paging::older(&path, &query, found.next),
        text: asked.text,
        here: path,
        layout: visit.layout_at(&place, Nav::Messages),
    })
}

/// What is not zero, with a way to where it is listed.
fn counts(t: Texts, path: &str, standing: StandingCounts) -> Vec<Count> {
    let StandingCounts { waiting, uncertain, rejected, partly_accepted, expired } = standing;
    let in_words = |count: u64| {
        if count < COUNTED { count.to_string() } else { t.say("messages-count-many") }
    };
    let of = |status: MessageStatus, count| {
        let name = t.say(&format!("message-status-{}", status.as_str()));
        Count {
            words: format!("{name}: {}", in_words(count)),
            href: Some(paging::address(path, [("status", status.as_str())])),
            chip: view::chip(status),
        }
    };
    let all = [
        (waiting, {
            let words = t.with("messages-waiting", [("count", in_words(waiting).as_str())]);
            Count { words, href: None, chip: "" }
        }),
        (uncertain, of(MessageStatus::Uncertain, uncertain)),
        (rejected, of(MessageStatus::Rejected, rejected)),
        (partly_accepted, of(MessageStatus::PartlyAccepted, partly_accepted)),
        (expired, of(MessageStatus::Expired, expired)),
    ];
    all.into_iter().filter(|(count, _)| *count > 0).map(|(_, shown)| shown).collect()
}

async fn one(visit: Visit) -> Outcome {
    let place = visit.place().await?;
    visit.require(Deed::SeeMail)?;
    let record = messages::load(&visit.app, &place.caller, visit.param("message")).await?;
    show(&visit, &place, record, StatusCode::OK, None)
}

fn show(
    visit: &Visit,
    place: &Place,
    record: MessageRecord,
    status: StatusCode,
    banner: Option<Banner>,
) -> Outcome {
    let steers = visit.may(Deed::SteerMail);
    let page = MessagePage {
        here: place.path(&format!("messages/{}", record.id)),
        list: place.path("messages"),
        versions: place.path(&format!("senders/{}/versions", record.sender_slug)),
        may_cancel: steers && record.status.may_be_cancelled(),
        may_retry: steers && record.status.may_be_retried(),
        may_repeat: record.status == MessageStatus::Uncertain,
        message: WholeMessage::of(visit.texts(), record),
        layout: visit.layout_at(place, Nav::Messages).with_banner(banner),
    };
    visit.show_as(status, &page)
}

async fn cancel(visit: Visit, _: Form) -> Outcome {
    let (place, id) = steered(&visit).await?;
    let done = messages::cancel(&visit.app, &place.caller, id).await;
    conclude(&visit, &place, done, "did-message-cancelled", "message-not-cancelled").await
}

async fn retry(visit: Visit, _: Form) -> Outcome {
    let (place, id) = steered(&visit).await?;
    let done = messages::retry(&visit.app, &place.caller, id).await;
    conclude(&visit, &place, done, "did-message-retried", "message-not-retried").await
}

/// The message of a form, for somebody who may decide about it.
async fn steered(visit: &Visit) -> Result<(Place, MessageId), super::refusal::Refusal> {
    let place = visit.place().await?;
    visit.require(Deed::SteerMail)?;
    let record = messages::load(&visit.app, &place.caller, visit.param("message")).await?;
    Ok((place, record.id))
}

/// Back to the message: with what was done, or with why it could not be, as the message is now.
async fn conclude(
    visit: &Visit,
    place: &Place,
    done: Result<MessageRecord, AppError>,
    did: &'static str,
    not_done_key: &str,
) -> Outcome {
    match done {
        Ok(record) => Ok(visit.did(did, &place.path(&format!("messages/{}", record.id)))),
        Err(AppError::Conflict(_)) => {
            let record = messages::load(&visit.app, &place.caller, visit.param("message")).await?;
            let banner = Banner::failure(visit.texts().say(not_done_key));
            show(visit, place, record, StatusCode::CONFLICT, Some(banner))
        }
        Err(err) => Err(err.into()),
    }
}
