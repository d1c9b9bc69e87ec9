//! What the database says, held against the ledger.

use std::collections::{BTreeMap, HashMap, HashSet};

use letterhead_test_database::TestDatabase;
use serde_json::Value;

use crate::ledger::{Copies, Ledger};

/// Wrong messages that are named; the others are counted.
const NAMED: usize = 50;

/// Every message with its recipients, and how many of its attempts nobody knows the end of.
const STORED: &str = "
SELECT m.id, m.header_id, m.status, m.on_uncertain, tried.doubtful, tried.unfinished,
    (SELECT jsonb_object_agg(r.email, r.status) FROM recipients r
     WHERE r.tenant_id = m.tenant_id AND r.message_id = m.id) AS recipients
FROM messages m
CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE a.outcome IN ('uncertain', 'worker_lost')) AS doubtful,
        count(*) FILTER (WHERE a.outcome IS NULL) AS unfinished
    FROM attempts a WHERE a.tenant_id = m.tenant_id AND a.message_id = m.id
) tried";

const LOST: &str =
    "SELECT worker, count(*) AS lost FROM attempts WHERE outcome = 'worker_lost' GROUP BY worker";

/// A message as the database has it in the end.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stored {
    /// Its id.
    pub(crate) id: String,
    /// Its `Message-ID` header.
    pub(crate) header: String,
    /// Where it stands.
    pub(crate) status: String,
    /// Whether it waits for a person when nobody knows.
    pub(crate) waits: bool,
    /// Where it stands for each recipient.
    pub(crate) recipients: Vec<(String, String)>,
    /// Attempts that were marked and whose end nobody knows.
    pub(crate) doubtful: usize,
    /// Attempts that are still open.
    pub(crate) unfinished: usize,
}

/// Reads every message.
pub(crate) async fn stored(database: &TestDatabase) -> Vec<Stored> {
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let count = |value: &Value| {
        usize::try_from(value.as_u64().expect("a count")).expect("a count that fits")
    };
    let rows = database.rows(STORED).await;
    rows.iter()
        .map(|row| Stored {
            id: text(&row["id"]),
            header: text(&row["header_id"]),
            status: text(&row["status"]),
            waits: row["on_uncertain"] == "wait",
            recipients: row["recipients"]
                .as_object()
                .expect("recipients")
                .iter()
                .map(|(email, status)| (email.clone(), text(status)))
                .collect(),
            doubtful: count(&row["doubtful"]),
            unfinished: count(&row["unfinished"]),
        })
        .collect()
}

/// How many attempts each worker lost.
pub(crate) async fn lost_by_worker(database: &TestDatabase) -> Vec<(String, i64)> {
    let rows = database.rows(LOST).await;
    let worker = |row: &Value| Some((row["worker"].as_str()?.to_owned(), row["lost"].as_i64()?));
    rows.iter().filter_map(worker).collect()
}

/// What came of a run.
#[derive(Debug, Default)]
pub(crate) struct Report {
    /// What is wrong, each with the message's id.
    pub(crate) wrong: Vec<String>,
    by_status: BTreeMap<String, usize>,
    kept: usize,
    duplicates: usize,
    /// Duplicates of a mail for which the final 250 had been written.
    after_an_answer: usize,
    doubtful: usize,
}

impl Report {
    /// Holds the messages that were `promised`, by a 202, and those that are `stored` against the
    /// ledger.
    pub(crate) fn of(promised: &[String], stored: &[Stored], ledger: &Ledger) -> Self {
        let mut report = Self { kept: ledger.kept, ..Self::default() };
        let promised: HashSet<&str> = promised.iter().map(String::as_str).collect();
        let known: HashSet<&str> = stored.iter().map(|message| message.id.as_str()).collect();
        for id in promised.difference(&known) {
            report.wrong.push(format!("{id}: answered with 202, and not in the database"));
        }
        for message in stored {
            if !promised.contains(message.id.as_str()) {
                report.wrong.push(format!("{}: stored beside what was promised", message.id));
            }
            report.judge(message, ledger);
        }
        let headers: HashMap<&str, &Stored> =
            stored.iter().map(|message| (message.header.as_str(), message)).collect();
        for ((header, to), copies) in &ledger.copies {
            if copies.kept > 0 && !headers.contains_key(header.as_str()) {
                report.wrong.push(format!("{header} to {to}: in the ledger only"));
            }
        }
        report
    }

    fn judge(&mut self, message: &Stored, ledger: &Ledger) {
        *self.by_status.entry(message.status.clone()).or_default() += 1;
        self.doubtful += message.doubtful;
        let mut found = Vec::new();
        let is_final = match message.status.as_str() {
            "accepted" | "partly_accepted" | "rejected" => true,
            "uncertain" => message.waits && message.doubtful > 0,
            _ => false,
        };
        if !is_final {
            found.push(format!("is {} in the end", message.status));
        }
        if message.unfinished > 0 {
            found.push(format!("has {} attempts without an end", message.unfinished));
        }
        for (email, status) in &message.recipients {
            let addressee = (message.header.clone(), email.clone());
            let copies = ledger.copies.get(&addressee).copied().unwrap_or_default();
            found.extend(
                addressee_is_wrong(message, status, copies).map(|what| {
                    format!("for {email} ({status}): {what}; in the ledger: {copies:?}")
                }),
            );
            let duplicates = copies.kept.saturating_sub(1);
            self.duplicates += duplicates;
            self.after_an_answer += duplicates.min(copies.answered.saturating_sub(1));
        }
        self.wrong.extend(found.into_iter().map(|what| format!("{}: {what}", message.id)));
    }

    /// Whether nothing is wrong.
    pub(crate) fn is_well(&self) -> bool {
        self.wrong.is_empty()
    }

    /// Prints everything, what is wrong last.
    pub(crate) fn print(&self, lost: &[(String, i64)], killed: &HashSet<String>) {
        let by_status: Vec<_> =
            self.by_status.iter().map(|(status, count)| format!("{count} {status}")).collect();
        println!("messages: {}", by_status.join(", "));
        let (of_killed, of_others): (Vec<_>, Vec<_>) =
            lost.iter().partition(|(worker, _)| killed.contains(worker));
        let sum = |lost: Vec<&(String, i64)>| lost.iter().map(|(_, count)| count).sum::<i64>();
        let (of_killed, of_others) = (sum(of_killed), sum(of_others));
        println!(
            "attempts that nobody knows the end of: {}; {of_killed} were marked by workers that were \
             killed, {of_others} by workers that lost their lease",
            self.doubtful,
        );
        println!(
            "copies in the ledger: {}, of which duplicates {} ({} of a mail that had been answered)",
            self.kept, self.duplicates, self.after_an_answer
        );
        if self.is_well() {
            println!("nothing is lost, and every duplicate is explained");
        }
        for wrong in self.wrong.iter().take(NAMED) {
            println!("WRONG {wrong}");
        }
        if self.wrong.len() > NAMED {
            println!("WRONG and {} more", self.wrong.len() - NAMED);
        }
    }
}

/// What does not fit between where a message stands for one recipient and what the ledger holds.
fn addressee_is_wrong(
    message: &Stored,
    status: &str,
    copies: Copies,
) -> impl Iterator<Item = &'static str> {
    let rules = [
        (status == "accepted" && copies.kept == 0, "accepted, and not in the ledger"),
        (
            status != "accepted" && status != "uncertain" && copies.kept > 0,
            "in the ledger, and not accepted",
        ),
        (copies.kept > 1 + message.doubtful, "a duplicate that no attempt explains"),
        (copies.kept > 1 && message.waits, "sent twice, and it was to wait for a person"),
    ];
    rules.into_iter().filter_map(|(is_wrong, what)| is_wrong.then_some(what))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::{Entry, Happened};

    fn message(status: &str, doubtful: usize) -> Stored {
        Stored {
            id: "1".to_owned(),
            header: "<1@x>".to_owned(),
            status: status.to_owned(),
            recipients: vec![("ann@x".to_owned(), status.to_owned())],
            doubtful,
            ..Stored::default()
        }
    }

    fn ledger(copies: usize) -> Ledger {
        let mut ledger = Ledger::default();
        for _ in 0..copies {
            let (message, to) = ("<1@x>".to_owned(), "ann@x".to_owned());
            ledger.add(Entry { at: 0, message, to, what: Happened::Kept });
        }
        ledger
    }

    fn report(message: Stored, copies: usize) -> Report {
        Report::of(&["1".to_owned()], &[message], &ledger(copies))
    }

    #[test]
    fn what_can_be_explained_is_well() {
        let waiting = || Stored { waits: true, ..message("uncertain", 1) };
        let cases = [
            ("sent once", message("accepted", 0), 1),
            ("sent twice, after a worker was lost", message("accepted", 1), 2),
            ("sent once, though a worker was lost", message("accepted", 1), 1),
            ("refused", message("rejected", 0), 0),
            ("waits for a person, and arrived", waiting(), 1),
            ("waits for a person, and did not arrive", waiting(), 0),
        ];
        for (case, message, copies) in cases {
            let report = report(message, copies);
            assert!(report.is_well(), "{case}: {report:?}");
        }
    }

    #[test]
    fn what_is_lost_or_cannot_be_explained_is_wrong() {
        let unfinished = Stored { unfinished: 1, ..message("accepted", 0) };
        let waited = Stored { waits: true, ..message("accepted", 1) };
        let cases = [
            ("accepted, and nowhere", message("accepted", 0), 0),
            ("sent twice for no reason", message("accepted", 0), 2),
            ("sent more often than explained", message("accepted", 1), 3),
            ("there, and refused", message("rejected", 0), 1),
            ("still waiting", message("queued", 0), 0),
            ("there, and still waiting", message("deferred", 0), 1),
            ("uncertain, and was to be sent again", message("uncertain", 1), 0),
            ("an attempt without an end", unfinished, 1),
            ("sent twice, and was to wait", waited, 2),
        ];
        for (case, message, copies) in cases {
            assert!(!report(message, copies).is_well(), "{case}");
        }
    }

    #[test]
    fn messages_and_ledger_name_each_other() {
        let promised = ["1".to_owned()];
        let stored = [message("accepted", 0)];

        assert!(!Report::of(&promised, &[], &Ledger::default()).is_well(), "lost by the database");
        assert!(!Report::of(&[], &stored, &ledger(1)).is_well(), "stored unasked");
        assert!(!Report::of(&[], &[], &ledger(1)).is_well(), "from nowhere");
    }
}
