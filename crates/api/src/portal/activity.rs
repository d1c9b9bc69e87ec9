//! Activity: the audit in words.

use askama::Template;
use letterhead_domain::access::Deed;
use letterhead_storage::record::AuditRecord;

use super::{
    Table, actor,
    layout::{Layout, Nav},
    moment::Moment,
    paging,
    test_runs::advice_title,
    texts::Texts,
    visit::{Outcome, Place, Visit},
};
use crate::app::audit;

pub(super) fn routes(table: &mut Table) {
    table.page("/portal/tenants/:tenant/activity", list);
}

#[derive(Template)]
#[template(path = "activity.html")]
struct ActivityPage {
    layout: Layout,
    settings: String,
    lines: Vec<Line>,
    newest: Option<String>,
    older: Option<String>,
}

/// One thing that somebody did.
struct Line {
    at: Moment,
    who: String,
    what: String,
    /// More about it: what, and its value.
    details: Vec<(String, String)>,
    /// Where the thing itself is shown.
    href: Option<String>,
}

impl Line {
    fn of(t: Texts, place: &Place, record: &AuditRecord) -> Self {
        let key = record.action.replace('.', "-");
        let what = t.find_text(&format!("activity-{key}")).unwrap_or_else(|| {
            // Another release may have written it: better its own word than nothing.
            t.with("activity-unknown", [("action", record.action.as_str())])
        });
        // Ids say nothing to a reader.
        let is_id = |name: &str| matches!(name, "link" | "test_run");
        let telling =
            record.detail.iter().filter(|(name, value)| !is_id(name) && !value.is_empty());
        Self {
            at: record.at.into(),
            who: actor::in_words(t, &record.actor),
            what,
            details: telling.map(|(name, value)| in_words(t, name, value)).collect(),
            href: record
                .action
                .starts_with("message.")
                .then(|| place.path(&format!("messages/{}", record.target))),
        }
    }
}

/// A detail's name and value, each in words where there are words for it.
fn in_words(t: Texts, name: &str, value: &str) -> (String, String) {
    let named = t.find_text(&format!("activity-detail-{name}"));
    let worded = match name {
        _ if !is_word(value) => None,
        "advice" => Some(advice_title(t, value, None)),
        "role" => t.find_text(&format!("role-{value}")),
        _ => t.find_text(&format!("activity-{name}-{value}")),
    };
    (named.unwrap_or_else(|| name.to_owned()), worded.unwrap_or_else(|| value.to_owned()))
}

/// Whether `value` may be a word of ours, and not somebody's text.
fn is_word(value: &str) -> bool {
    value.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'_'))
}

async fn list(visit: Visit) -> Outcome {
    let place = visit.place().await?;
    visit.require(Deed::SeeMail)?;
    let path = place.path("activity");
    let page = audit::list(&visit.app, &place.caller, paging::asked_for(&visit)).await?;
    visit.show(&ActivityPage {
        settings: place.sender_path(""),
        lines: page.items.iter().map(|record| Line::of(visit.texts(), &place, record)).collect(),
        newest: paging::newest(&visit, &path, &[]),
        older: paging::older(&path, &[], page.next),
        layout: visit.layout_at(&place, Nav::Activity),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn details_are_told_in_words_where_there_are_words_and_as_they_are_elsewhere() {
        let t = Texts::english();
        let cases = [
            (("reason", "auth_refused"), ("Reason", "the server refused the sign-in")),
            (("role", "viewer"), ("Role", "Viewer")),
            (("advice", "no_such_advice"), ("Reason", "no_such_advice")),
            (("host", "smtp.gmail.com"), ("Host", "smtp.gmail.com")),
            (("reply", "535 <b>no</b>"), ("The server’s words", "535 <b>no</b>")),
            (("colour", "blue"), ("colour", "blue")),
        ];
        for ((name, value), (shown_name, shown_value)) in cases {
            let (name, value) = in_words(t, name, value);
            assert_eq!((name.as_str(), value.as_str()), (shown_name, shown_value));
        }
    }
}
