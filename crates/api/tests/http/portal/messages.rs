//! Messages: found, read, tried again, given up.

use poem::http::StatusCode;
use serde_json::{Value, json};

use crate::world::World;

const MESSAGES: &str = "/portal/tenants/aurora/messages";

/// Hands a message of aurora's over. Its id.
async fn hand_over(world: &World, changes: Value) -> String {
    let mut message = json!({
        "kind": "receipt", "to": [{"email": "ann@example.net"}],
        "subject": "Your receipt", "text": "Thank you.",
    });
    for (name, value) in changes.as_object().expect("changes") {
        message[name] = value.clone();
    }
    let taken = world.post("/v1/tenants/aurora/messages", &world.aurora, &message).await;
    assert_eq!(taken.status, StatusCode::ACCEPTED, "{}", taken.text);
    taken.json()["id"].as_str().expect("an id").to_owned()
}

/// Brings a message to an end, with what a server said.
async fn end(world: &World, id: &str, status: &str, reply: &str) {
    let reply = reply.replace('\'', "''");
    let sql = format!(
        "UPDATE messages SET status = '{status}', due_at = NULL, last_reply = '{reply}'
             WHERE id = '{id}';
         UPDATE recipients SET status = '{status}', last_reply = '{reply}'
             WHERE message_id = '{id}';
         INSERT INTO attempts (tenant_id, id, message_id, number, version, worker, lease_token,
                               finished_at, outcome, reply)
             SELECT tenant_id, gen_random_uuid(), id, 1, 1, 'worker', gen_random_uuid(),
                    letterhead_now(), '{status}', '{reply}'
             FROM messages WHERE id = '{id}'"
    );
    world.database.sql(&sql).await;
}

/// A world in which aurora's sender is there.
async fn world() -> World {
    let world = World::new().await;
    world.save_default().await;
    world
}

#[tokio::test]
async fn the_list_shows_what_was_asked_for() {
    let world = world().await;
    hand_over(&world, json!({"subject": "First receipt", "reference": "INV-4711"})).await;
    let statement = json!({
        "kind": "statement", "subject": "Your statement",
        "to": [{"email": "bob@example.net"}, {"email": "eve@example.net"}],
    });
    let statement = hand_over(&world, statement).await;
    end(&world, &statement, "rejected", "550 no").await;
    let ann = world.sign_in("aurora", "admin").await;

    let cases = [
        ("", vec!["First receipt", "Your statement"], vec![]),
        ("?kind=statement", vec!["Your statement"], vec!["First receipt"]),
        ("?status=rejected", vec!["Your statement"], vec!["First receipt"]),
        ("?status=queued&kind=statement", vec!["No message fits"], vec!["First receipt"]),
        ("?text=inv-47", vec!["First receipt"], vec!["Your statement"]),
        ("?text=eve%40example.net", vec!["Your statement"], vec!["First receipt"]),
        ("?text=FIRST", vec!["First receipt"], vec!["Your statement"]),
        ("?text=nothing+like+it", vec!["No message fits"], vec!["Your statement"]),
        (
            "?kind=nonsense&status=&cursor=x&text=%00",
            vec!["First receipt", "Your statement"],
            vec![],
        ),
    ];
    for (query, there, not_there) in cases {
        let page = ann.get(&format!("{MESSAGES}{query}")).await;
        assert_eq!(page.status, StatusCode::OK, "{query}");
        page.assert_has(&there);
        page.assert_lacks(&not_there);
    }
    let page = ann.get(MESSAGES).await;
    page.assert_has(&[
        "INV-4711",
        "bob@example.net and 1 more",
        "Waiting for its turn",
        "Refused by the server",
        "Waiting: 1",
        "Refused by the server: 1",
    ]);
}

#[tokio::test]
async fn a_filter_stays_as_it_was_chosen_on_every_page() {
    let world = world().await;
    for number in 0..26 {
        let subject = format!("Reminder {number} of 26");
        hand_over(&world, json!({"kind": "collection", "subject": subject})).await;
    }
    let ann = world.sign_in("aurora", "admin").await;

    let first = ann.get(&format!("{MESSAGES}?kind=collection&text=reminder")).await;
    first.assert_has(&[
        "Reminder 25 of 26",
        "<option value=\"collection\" selected>",
        "value=\"reminder\"",
    ]);
    first.assert_lacks(&["Reminder 0 of 26", "Newest"]);
    let (_, rest) = first
        .text
        .split_once("/messages?text=reminder&#38;kind=collection&#38;cursor=")
        .expect("a link");
    let cursor = rest.split('"').next().expect("a cursor");

    let second =
        ann.get(&format!("{MESSAGES}?text=reminder&kind=collection&cursor={cursor}")).await;

    second.assert_has(&["Reminder 0 of 26", "Newest"]);
    second.assert_lacks(&["Reminder 1 of 26", "Older"]);
}

#[tokio::test]
async fn an_empty_list_says_what_to_do_first() {
    let world = World::new().await;
    let ann = world.sign_in("aurora", "admin").await;

    let page = ann.get(MESSAGES).await;

    assert_eq!(page.status, StatusCode::OK);
    page.assert_has(&["There are no messages yet", "Check SMTP Settings"]);
}

#[tokio::test]
async fn a_message_tells_its_recipients_its_tries_and_what_became_of_it() {
    let world = world().await;
    let message = json!({
        "reference": "INV-4711", "reply_to": "office@aurora.example",
        "to": [{"email": "ann@example.net", "name": "Ann"}], "bcc": [{"email": "b@example.net"}],
    });
    let id = hand_over(&world, message).await;
    end(&world, &id, "rejected", "550 5.1.1 no such mailbox").await;
    let ann = world.sign_in("aurora", "admin").await;

    let page = ann.get(&format!("{MESSAGES}/{id}")).await;

    page.assert_has(&[
        "<h1>Your receipt</h1>",
        "The mail server refused the message for good.",
        "550 5.1.1 no such mailbox",
        "Ann<br>ann@example.net",
        "Hidden copy (Bcc)",
        "INV-4711",
        "office@aurora.example",
        "it is sent again; the server may get it twice",
        "10 bytes",
        "Try again",
    ]);
    page.assert_lacks(&["Thank you.", "Cancel this message", "delivered"]);
}

#[tokio::test]
async fn what_strangers_wrote_is_shown_as_text() {
    let world = world().await;
    let evil = "<script>alert(1)</script><b>no</b>\"'";
    let message = json!({
        "subject": evil, "reference": evil, "to": [{"email": "ann@example.net", "name": evil}],
    });
    let id = hand_over(&world, message).await;
    end(&world, &id, "rejected", &format!("550 {evil}")).await;
    let ann = world.sign_in("aurora", "admin").await;

    for path in [
        MESSAGES.to_owned(),
        format!("{MESSAGES}?text=%3Cscript%3Ealert%281%29%3C%2Fscript%3E%22"),
        format!("{MESSAGES}/{id}"),
    ] {
        let page = ann.get(&path).await;
        assert_eq!(page.status, StatusCode::OK);
        page.assert_has(&["&#60;script&#62;alert(1)&#60;/script&#62;"]);
        page.assert_lacks(&["<script>alert", "<b>no</b>"]);
    }
}

#[tokio::test]
async fn a_waiting_message_is_cancelled_and_then_tried_again() {
    let world = world().await;
    let id = hand_over(&world, json!({})).await;
    let ann = world.sign_in("aurora", "admin").await;
    let message = format!("{MESSAGES}/{id}");
    let page = ann.get(&message).await;
    page.assert_has(&["Cancel this message"]);
    page.assert_lacks(&["Try again"]);

    let cancelled = ann.post_and_follow(&format!("{message}/cancel"), &[]).await;

    cancelled.assert_has(&["The message was cancelled.", "Try again"]);
    cancelled.assert_lacks(&["Cancel this message"]);
    let retried = ann.post_and_follow(&format!("{message}/retry"), &[]).await;
    retried.assert_has(&["The message waits for its next try.", "Cancel this message"]);
}

#[tokio::test]
async fn what_can_no_longer_be_cancelled_or_tried_again_is_said_beside_how_it_is_now() {
    let world = world().await;
    let id = hand_over(&world, json!({})).await;
    let ann = world.sign_in("aurora", "admin").await;
    let message = format!("{MESSAGES}/{id}");

    let retried = ann.post(&format!("{message}/retry"), &[]).await;
    assert_eq!(retried.status, StatusCode::CONFLICT);
    retried.assert_has(&["This message cannot be tried again", "Waiting for its turn"]);

    end(&world, &id, "accepted", "250 ok").await;
    let cancelled = ann.post(&format!("{message}/cancel"), &[]).await;
    assert_eq!(cancelled.status, StatusCode::CONFLICT);
    cancelled.assert_has(&[
        "This message can no longer be cancelled",
        "Accepted by the server",
        "role=\"alert\"",
    ]);
    cancelled.assert_lacks(&["Try again", "Cancel this message"]);
}

#[tokio::test]
async fn trying_an_uncertain_message_again_warns_that_it_may_be_sent_twice() {
    let world = world().await;
    let id = hand_over(&world, json!({"on_uncertain": "wait"})).await;
    end(&world, &id, "uncertain", "").await;
    let ann = world.sign_in("aurora", "admin").await;

    let page = ann.get(&format!("{MESSAGES}/{id}")).await;

    page.assert_has(&["trying again sends it twice", "Try again", "Cancel this message"]);
}

#[tokio::test]
async fn a_viewer_reads_messages_and_decides_nothing() {
    let world = world().await;
    let id = hand_over(&world, json!({})).await;
    let viewer = world.sign_in("aurora", "viewer").await;
    let message = format!("{MESSAGES}/{id}");

    viewer.get(MESSAGES).await.assert_has(&["Your receipt"]);
    viewer.get(&message).await.assert_lacks(&["Cancel this message", "Try again"]);
    for deed in ["cancel", "retry"] {
        let answer = viewer.post(&format!("{message}/{deed}"), &[]).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
        answer.assert_has(&["Your role does not allow this"]);
    }
    viewer.get(&message).await.assert_has(&["Waiting for its turn"]);
}

#[tokio::test]
async fn somebody_who_only_sets_up_sees_no_messages() {
    let world = world().await;
    let id = hand_over(&world, json!({})).await;
    let setup = world.sign_in("aurora", "setup").await;

    for path in [MESSAGES.to_owned(), format!("{MESSAGES}/{id}")] {
        let page = setup.get(&path).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN);
        page.assert_lacks(&["Your receipt"]);
    }
    let answer = setup.post(&format!("{MESSAGES}/{id}/cancel"), &[]).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn another_tenants_message_is_not_there_but_the_operator_sees_everyones() {
    let world = world().await;
    let id = hand_over(&world, json!({})).await;
    let bob = world.sign_in("borealis", "admin").await;
    let jo = world.sign_in("", "operator").await;

    for path in [
        format!("{MESSAGES}/{id}"),
        format!("/portal/tenants/borealis/messages/{id}"),
        MESSAGES.into(),
    ] {
        assert_eq!(bob.get(&path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    let answer = bob.post(&format!("/portal/tenants/borealis/messages/{id}/cancel"), &[]).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    jo.get(MESSAGES).await.assert_has(&["Your receipt"]);
    jo.get(&format!("{MESSAGES}/{id}")).await.assert_has(&["Cancel this message"]);
}

#[tokio::test]
async fn messages_are_told_in_filipino_too() {
    let world = world().await;
    hand_over(&world, json!({})).await;
    let ann = world.sign_in("aurora", "admin").await;

    let page = ann.get(&format!("{MESSAGES}?lang=fil")).await;

    page.assert_has(&["Naghihintay ng turno", "Resibo", "lang=\"fil\""]);
}
